"""Press to PUBACK over TLS with a million records draining and two seconds for each fsync of the card: out at once, durable when it can be.

strace delays the flushes of the real agent process; the button is a simulated pin. Counted from the end of the hold to the PUBACK, and
to the store's word.
"""

import math
import os
import threading
from pathlib import Path

import pytest

from agent import config
from agent.core.events import Lane
from tests.bench import planted
from tests.bench.test_alarm_in_drain import latencies, press, told
from tests.bench.weeks import load
from tests.bench.yard import UNIT, Yard
from tests.power.tape import strace_or_skip

ROWS = int(os.environ.get("OUTPOST_BENCH_ROWS", "1000000"))
PRESSES = 100
FLUSH_S = 2.0
OUT_MS_MAX = 50.0
SETTLE_S = 4.0

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


def test_press_to_puback_on_a_card_of_two_seconds_a_flush(tmp_path: Path) -> None:
    calls = "fsync,fdatasync"
    slow = ("-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "signal=none", "-e", f"trace={calls}")
    strace = (strace_or_skip(), *slow, "-e", f"inject={calls}:delay_exit={round(FLUSH_S * 1e6)}")
    planted.plant(tmp_path / "state", config.Store().size_bytes_max, Lane.EVENT, planted.events(ROWS, UNIT))
    with Yard(tmp_path / "yard") as yard:
        agent = yard.run(yard.configure(tmp_path / "state"), strace)
        agent.wait_ready()
        threading.Event().wait(SETTLE_S)
        presses = [press(yard, None) for _ in range(PRESSES)]
        threading.Event().wait(3 * FLUSH_S)
        moments = agent.stop()
    out = latencies(presses, moments)
    durable = [a["stored"] - a["published"] for a in moments.alarms if "stored" in a]
    acks_within = sum(presses[0].at <= at <= presses[-1].at for at in moments.acks)
    print(f"\n{ROWS} events draining, {FLUSH_S:g} s a flush (limit of p99: {OUT_MS_MAX:g} ms); {load()}")
    print(f"{told('press to PUBACK, outpost', out)}; {acks_within} other PUBACKs meanwhile")
    print(told("publish to the disk's word", durable))
    assert sorted(out)[round(0.99 * len(out)) - 1] <= OUT_MS_MAX / 1000
    for at, word in moments.lamp:
        before = [alarm for alarm in moments.alarms if alarm["published"] <= at]
        if word == "sent":
            assert all(alarm.get("stored", math.inf) <= at for alarm in before[-1:]), "the lamp says sent of what the card has not taken"
    assert any(word == "raised" for _, word in moments.lamp)
    assert acks_within > len(presses), "nothing drained meanwhile"
    assert min(durable) >= FLUSH_S / 2, "the card was as fast as ever"

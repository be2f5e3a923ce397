"""Against ThingsBoard's gateway (3.8.5): what waits while the platform is away, drained when it is back, and an alarm in the middle.

Both stand in the same car behind the same wire, with the same fixes in their own stores, and take turns. Ours counts from its CONNACK to
the last record; the gateway, which may wait for a minute before it connects again, from its first message to its last. The alarm is given
when the first of the backlog is seen to have come, and has arrived when the centre has it. `OUTPOST_BENCH_THINGSBOARD` names the Python of
an environment that has the package; without it this is skipped.
"""

import statistics
import threading
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from simulator.bench.car_config import PANIC_PIN
from tests.bench import weeks
from tests.bench.driven import drive
from tests.bench.test_week import drain
from tests.bench.thingsboard import TELEMETRY, Gateway, Platform, facts, interpreter, telemetry, wait_until, wire_or_skip
from tests.bench.weeks import Week, load
from tests.bench.yard import HOLD_S, UNIT, Listening, Yard
from tests.black_box.desk import resident_mb

FIXES = 20_000
ROUNDS = 3
FIRST = 3
"""Fixes that go through at once, before the platform is away."""

UNLINKED = 1000
UNLINKED_S = 15.0
"""A gateway with a link has that many on disk within a second or two."""

PRESSED_S = 0.12
TIMES_MIN = 10.0

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


class Peer(NamedTuple):
    """One drain of the gateway's. `lost`: fixes that have not come or came with other values; `twice`: that came again; bytes of a fix."""

    speed: float
    back_s: float
    alarm_s: float
    lost: int
    twice: int
    file_bytes: float
    wal_bytes: float
    wire_bytes: float
    messages: int
    resident_mb: float


def anew(yard: Yard, listening: Listening, platform: Platform, number: str, away: bool) -> tuple[Listening, Platform]:
    """The platform goes, and is there again; `away`: beyond a wire that is cut."""
    yard.stop_broker()
    listening.close()
    platform.close()
    wire_or_skip(yard).cut(away)
    yard.start_broker()
    return yard.listen("v1/#", number), Platform(yard)


def come(listening: Listening) -> bool:
    """Whether any telemetry has."""
    return bool(telemetry(listening.heard()))


def peer_drain(yard: Yard, number: int) -> Peer:
    """Connected once, for else it writes nothing to disk (see below); then the platform goes, FIXES are stored, and the wire is back."""
    wire = wire_or_skip(yard)
    with Gateway(yard, f"gateway-{number}") as gateway:
        listening, platform = yard.listen("v1/#", f"before-{number}"), Platform(yard)
        gateway.start()
        platform.wait_asked()
        gateway.feed(FIRST).close()
        wait_until(lambda: come(listening), "the first fix at the platform")
        listening, platform = anew(yard, listening, platform, f"gateway-{number}", away=True)
        feeder = gateway.feed(FIXES)
        wait_until(lambda: gateway.stored().rows >= FIXES, "all fixes in the gateway's store")
        stored, memory = gateway.stored(), resident_mb(gateway.pid)
        before, began = wire.counted(), time.monotonic()
        wire.cut(away=False)
        wait_until(lambda: come(listening), "the first of the backlog")
        pressed = feeder.alarm()
        listening.wait_quiet(3.0)
        bill = wire.counted().since(before)
        feeder.close()
        heard = listening.heard()
        listening.close()
        platform.close()
    came = telemetry(heard)
    fixes = [(at, ms, values) for at, ms, values in came if "alarm" not in values]
    got = {ms: values for _, ms, values in fixes}
    lost = sum(got.get(fix.utc_ms or 0) != facts(fix) for fix in drive(FIXES, 0.0))
    first, last = fixes[0][0], max(at for at, _, _ in fixes)
    return Peer(
        len(fixes) / (last - first),
        first - began,
        next(at for at, _, values in came if "alarm" in values) - pressed,
        lost,
        len(fixes) - len(got),
        stored.file_bytes / FIXES,
        stored.wal_bytes / FIXES,
        (bill.up_bytes + bill.down_bytes) / FIXES,
        sum(one.topic == TELEMETRY for one in heard),
        memory,
    )


def our_alarm(yard: Yard, store: Week, number: int) -> tuple[float, float]:
    """Seconds from the end of the hold until the centre has the alarm, and megabytes in memory."""
    state = store.copy(yard.directory / "store")
    listening = yard.listen(f"outpost/v1/u/{UNIT}/up/#", f"alarm-{number}")
    agent = yard.run(yard.configure(state))
    wait_until(lambda: any(one.topic.endswith("/up/track") for one in listening.heard()), "the first of the backlog")
    at = yard.wiring.press(PANIC_PIN)
    threading.Event().wait(PRESSED_S)
    yard.wiring.release(PANIC_PIN)
    wait_until(lambda: any(one.topic.endswith("/up/alarm") for one in listening.heard()), "the alarm")
    memory = resident_mb(agent.pid)
    agent.stop()
    heard = listening.heard()
    listening.close()
    return next(one.at for one in heard if one.topic.endswith("/up/alarm")) - at - HOLD_S, memory


def test_drain_against_thingsboards_gateway(tmp_path: Path) -> None:
    """Nothing of ours is lost, and it is ten times as fast, on less disk and less wire."""
    interpreter()
    with Yard(tmp_path / "yard") as yard:
        wire_or_skip(yard)
        store = weeks.fill_some(tmp_path / "some", FIXES)
        ours, alarms, theirs = [], [], []
        for number in range(ROUNDS):  # taking turns
            ours.append(drain(yard, store, number))
            alarms.append(our_alarm(yard, store, number))
            theirs.append(peer_drain(yard, number))
            print(f"\n{theirs[-1]}; {load()}")
    speeds = [store.fixes / one.seconds for one in ours]
    ratio = statistics.median(speed / peer.speed for speed, peer in zip(speeds, theirs, strict=True))
    wire = statistics.median((w.up_bytes + w.down_bytes) / store.fixes for w in (one.wire for one in ours) if w is not None)
    file = store.file_bytes / store.fixes
    peer = Peer(*(statistics.median(values) for values in zip(*theirs, strict=True)))
    print(f"\n{FIXES} fixes, medians of {ROUNDS} rounds, taking turns; {load()}")
    print(f"{'':22}{'outpost':>12}{'gateway':>12}{'ratio':>9}")
    rows = (
        ("drain, fixes/s", statistics.median(speeds), peer.speed, ratio),
        ("alarm in it, ms", 1000 * statistics.median(s for s, _ in alarms), 1000 * peer.alarm_s, None),
        ("file, bytes/fix", file, peer.file_bytes, None),
        ("wire, bytes/fix", wire, peer.wire_bytes, None),
        ("resident, MB", statistics.median(mb for _, mb in alarms), peer.resident_mb, None),
    )
    for name, our, their, paired in rows:
        print(f"{name:22}{our:12,.1f}{their:12,.1f}{paired or their / our:9.1f}")
    print(f"of the gateway: WAL {peer.wal_bytes:.0f} bytes a fix besides, {peer.messages} messages, back after {peer.back_s:.1f} s")
    print(f"lost or changed: {sum(one.lost for one in ours)}, gateway {sum(one.lost for one in theirs)} of {ROUNDS} x {FIXES}")
    print(f"came twice from the gateway: {sum(one.twice for one in theirs)}")
    assert sum(one.lost for one in ours) == 0
    assert ratio >= TIMES_MIN
    assert file < peer.file_bytes
    assert wire < peer.wire_bytes


def test_what_a_gateway_has_on_disk_that_was_started_without_a_link(tmp_path: Path) -> None:
    """Printed; what is asserted is that the same gateway on the same wire does deliver what is fed to it after that."""
    interpreter()
    with Yard(tmp_path / "yard") as yard, Gateway(yard, "gateway") as gateway:
        wire = wire_or_skip(yard)
        listening, platform = yard.listen("v1/#", "unlinked"), Platform(yard)
        wire.cut(away=True)
        gateway.start()
        gateway.feed(UNLINKED).close()
        threading.Event().wait(UNLINKED_S)
        rows = gateway.stored().rows
        gateway.kill()
        wire.cut(away=False)
        gateway.start()
        platform.wait_asked()
        threading.Event().wait(UNLINKED_S)
        came = len(telemetry(listening.heard()))
        gateway.feed(FIRST).close()
        wait_until(lambda: len(telemetry(listening.heard())) > came, "what was fed with a link")
        listening.close()
        platform.close()
    print(f"\nstarted without a link, {UNLINKED} fixes fed: {rows} on disk after {UNLINKED_S:g} s; after kill -9 and a start {came} came")

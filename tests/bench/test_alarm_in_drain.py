"""Press to PUBACK over TLS: idle, in the middle of the drain of a week, and on a full uplink of 1 Mbit/s; against paho in the same moments.

The agent is a process (tapped_agent.py), the button a simulated pin. Counted from the moment at which the button has been held long enough
to the stamp of the PUBACK of the stored record. The peers take turns with the presses, on a connection of their own to the same broker: a
bare publish, and a row of sqlite3 (synchronous FULL) before it, which is what an alarm that must not be lost costs anybody.
"""

import statistics
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from simulator.bench.car_config import PANIC_PIN
from tests.bench import peers
from tests.bench.test_week import SLOW_BITS_PER_S
from tests.bench.weeks import Week, load, scaled
from tests.bench.yard import HOLD_S, ROOT, UNIT, Moments, Yard, tracks_of

IDLE_PRESSES = 60
PRESSES_MIN = 30
ROUNDS_MAX = 8
PRESSED_S, RELEASED_S = 0.12, 0.25
"""Longer than the input's debounce and release times: each press is one."""

LOOPBACK_MS_MAX = 5.0
SLOW_MS_MAX = 150.0
WAITED_S_MAX = 20.0

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


class Press(NamedTuple):
    """When the button was pressed, and what the peers took at the same time, in seconds (none: they were not asked)."""

    at: float
    bare_s: float | None
    row_s: float | None


class Publisher:
    """The peer process."""

    def __init__(self, yard: Yard) -> None:
        self._child = subprocess.Popen(
            peers.spec(yard, "alarms", 0), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
        )
        assert self._said() == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.read()
        self._child.stdout.close()
        self._child.wait(20)

    def _said(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()

    def takes(self, what: str) -> float:
        """Seconds of one publish: `bare`, or `row` with a row before it."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{what}\n")
        self._child.stdin.flush()
        return float(self._said())


def press(yard: Yard, peer: Publisher | None) -> Press:
    """Press long enough and let go; the peers publish while it is down."""
    at = yard.wiring.press(PANIC_PIN)
    threading.Event().wait(PRESSED_S)
    took = (peer.takes("bare"), peer.takes("row")) if peer is not None else (None, None)
    yard.wiring.release(PANIC_PIN)
    threading.Event().wait(RELEASED_S)
    return Press(at, *took)


def latencies(presses: list[Press], moments: Moments) -> list[float]:
    """Seconds from the end of the hold to the PUBACK of the first stored alarm after it."""
    found = []
    for one in presses:
        due = one.at + HOLD_S
        acked = next((a["acked"] for a in moments.alarms if a["published"] >= due - 0.001 and "acked" in a), None)
        assert acked is not None, "a press without a PUBACK"
        assert acked - due < WAITED_S_MAX
        found.append(acked - due)
    return found


def told(name: str, seconds: list[float]) -> str:
    """A line of figures."""
    ordered = sorted(1000 * s for s in seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return f"{name:26} p50 {statistics.median(ordered):7.2f} ms   p99 {p99:7.2f} ms   max {ordered[-1]:7.2f} ms   of {len(ordered)}"


def report(what: str, ours: list[float], presses: list[Press], limit_ms: float) -> None:
    """Print ours against the peers of the same moments."""
    print(f"\n{what} (limit of p50: {limit_ms:g} ms); {load()}")
    print(told("press to PUBACK, outpost", ours))
    for name, seconds in (
        ("bare paho", [p.bare_s for p in presses if p.bare_s is not None]),
        ("sqlite3 row, then paho", [p.row_s for p in presses if p.row_s is not None]),
    ):
        if seconds:
            print(f"{told(name, seconds)}   ratio of p50 {statistics.median(ours) / statistics.median(seconds):.2f}")


def drained(yard: Yard, store: Path, peer: Publisher | None, number: int) -> tuple[list[Press], list[float]]:
    """Press all through one drain; the presses that fell into it, and what they took."""
    listening = yard.listen(f"outpost/v1/u/{UNIT}/up/#", f"alarm-{number}")
    agent = yard.run(yard.configure(store))
    agent.wait_ready()
    presses: list[Press] = []
    place, seen_at = 0, time.monotonic()
    while time.monotonic() - seen_at < 1.5:
        presses.append(press(yard, peer))
        with listening.file.open("rb") as file:
            file.seek(place)
            news = file.read()
        place += len(news)
        if b"/up/track" in news:
            seen_at = time.monotonic()
    moments, heard = agent.stop(), listening.heard()
    listening.close()
    last = max(one.at for one in tracks_of(heard))
    within = [one for one in presses if moments.up[0] <= one.at + HOLD_S and one.at + HOLD_S < last]
    return within, latencies(within, moments)


def gather(yard: Yard, week: Week, peer: Publisher | None) -> tuple[list[Press], list[float], int]:
    """Drain again and again until there are enough presses."""
    presses: list[Press] = []
    ours: list[float] = []
    rounds = 0
    while len(presses) < PRESSES_MIN and rounds < ROUNDS_MAX:
        some, took = drained(yard, week.copy(yard.directory / "store"), peer, rounds)
        presses += some
        ours += took
        rounds += 1
    assert ours, "no press fell into a drain"
    return presses, ours, rounds


def test_press_to_puback_idle_over_tls(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard") as yard:
        agent = yard.run(yard.configure(tmp_path / "state"))
        agent.wait_ready()
        with Publisher(yard) as peer:
            threading.Event().wait(2)
            presses = [press(yard, peer) for _ in range(IDLE_PRESSES)]
        ours = latencies(presses, agent.stop())
    report("idle, TLS", ours, presses, LOOPBACK_MS_MAX)
    assert len(ours) == IDLE_PRESSES


def test_press_to_puback_in_the_drain_of_a_week(week: Week, tmp_path: Path) -> None:
    with Yard(tmp_path / "yard") as yard, Publisher(yard) as peer:
        presses, ours, rounds = gather(yard, week, peer)
    report(f"in the drain of {scaled()}, TLS, {rounds} drains", ours, presses, LOOPBACK_MS_MAX)


def test_press_to_puback_on_a_full_uplink(slow_week: Week, tmp_path: Path) -> None:
    """The peers are not asked: on this line they would stand in our way, and we in theirs."""
    with Yard(tmp_path / "yard") as yard:
        if yard.uplink is None:
            pytest.skip(f"a line of 1 Mbit/s needs network namespaces: {yard.no_uplink}")
        yard.uplink.hold(SLOW_BITS_PER_S)
        presses, ours, rounds = gather(yard, slow_week, None)
        naive = peers.run(yard, "queue", 5000)
    report(f"on a full uplink of 1 Mbit/s, {rounds} drains of {slow_week.fixes} fixes", ours, presses, SLOW_MS_MAX)
    print(f"{'behind 5000 in paho queue':26} {1000 * naive['alarm_s']:11.0f} ms   of 1, on the same line")

"""The light tally: dark, lit and without a store × every event; days, restarts, and how seldom the card is written."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import Remember
from agent.core.events import Event, LightsSeen, LightsTurned, Remembered, SpoolDown, SpoolOpened, Started, StopRequested
from agent.core.light_tally import MEMORY, LightTally
from agent.core.part import Output
from agent.core.timebase import Timebase
from tests.core.builders import UTC_MS, Bench, assert_covers, clock_read, of, one, spool_opened, told_time

DAY = (UTC_MS + 8 * 3_600_000) // 86_400_000
MIDNIGHT = 8 * 3600.0
"""These tests begin at 16:00 local time, so the next day begins eight hours later."""


def plays(at: float, bar: bool | None, scene: bool | None = False) -> LightsTurned:
    """What the outputs say."""
    return LightsTurned(at, "response", None, {"bar": bar, "scene": scene})


def made(*events: Event, time: Timebase | None = None, bar: bool = True) -> Bench:
    """A tally that has started at 3."""
    bench = Bench(LightTally(told_time() if time is None else time, bar=bar))
    bench.feed(Started(3.0), *events)
    return bench


def opened(at: float = 3.1, memory: bytes | None = None) -> SpoolOpened:
    """The store opens."""
    return spool_opened(at, {} if memory is None else {MEMORY: memory})


def today(bench: Bench, at: float) -> int | None:
    """Seconds as told when it is looked at then."""
    bench.until(at)
    bench.feed(Remembered(at, ("another",)))
    told = bench.part.status(at)
    assert list(told) == ["s_today"]
    found = told["s_today"]
    assert found is None or isinstance(found, int)
    return found


def kept(outs: list[Output]) -> list[bytes | None]:
    """What is to be remembered."""
    found = of(Remember, outs)
    assert {out.name for out in found} <= {"lights_on"}
    return [out.value for out in found]


STATES: dict[str, Callable[[], Bench]] = {
    "fresh": made,
    "dark": lambda: made(opened()),
    "lit": lambda: made(opened(), plays(4.0, True)),
    "shut": lambda: made(opened(), plays(4.0, True), SpoolDown(5.0, "gone")),
}
TABLE: list[tuple[str, Event, int | None, int]] = [
    # state, event at 14, seconds at 24, writes at once
    *((state, event, seconds, 0)
      for event in (Started(14.0), LightsSeen(14.0, "bar", True), LightsSeen(14.0, "scene", False), Remembered(14.0, (MEMORY,)))
      for state, seconds in (("fresh", None), ("dark", 0), ("lit", 20), ("shut", 20))),
    *((state, LightsSeen(14.0, "bar", False), seconds, 0) for state, seconds in (("fresh", None), ("dark", 0), ("lit", 10), ("shut", 10))),
    *((state, plays(14.0, True), seconds, 0) for state, seconds in (("fresh", None), ("dark", 10), ("lit", 20), ("shut", 20))),
    *((state, plays(14.0, False, True), seconds, 0) for state, seconds in (("fresh", None), ("dark", 10), ("lit", 20), ("shut", 20))),
    *((state, plays(14.0, False), seconds, 0) for state, seconds in (("fresh", None), ("dark", 0), ("lit", 10), ("shut", 10))),
    *((state, plays(14.0, None, None), seconds, 0) for state, seconds in (("fresh", None), ("dark", 0), ("lit", 10), ("shut", 10))),
    *((state, SpoolDown(14.0, "gone"), seconds, 0) for state, seconds in (("fresh", None), ("dark", 0), ("lit", 20), ("shut", 20))),
    *((state, opened(14.0), seconds, 0) for state, seconds in (("fresh", 0), ("dark", 0), ("lit", 20), ("shut", 20))),
    *((state, StopRequested(14.0, "SIGTERM"), seconds, writes) for state, seconds, writes in
      (("fresh", None, 0), ("dark", 0, 0), ("lit", 20, 1), ("shut", 20, 0))),
]  # fmt: skip


@pytest.mark.parametrize(("state", "event", "seconds", "writes"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, seconds: int | None, writes: int) -> None:
    bench = STATES[state]()
    assert len(kept(bench.feed(event))) == writes
    assert today(bench, 24.0) == seconds


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(LightTally, STATES, ((state, type(event)) for state, event, *_ in TABLE))


def test_a_car_without_lights_has_nothing_to_tell() -> None:
    bench = made(opened(), plays(4.0, True), bar=False)
    assert bench.part.deadline == math.inf
    assert today(bench, 100.0) is None


def test_what_is_seen_dark_does_not_count_until_it_is_seen_to_shine() -> None:
    bench = made(opened(), plays(10.0, True), LightsSeen(20.0, "bar", False), LightsSeen(50.0, "bar", True))
    assert today(bench, 60.0) == 20
    bench.feed(LightsSeen(60.0, "bar", False), plays(70.0, True, True))
    assert today(bench, 80.0) == 30


def test_nothing_is_lost_between_two_looks() -> None:
    bench = made(opened(), plays(4.0, True))
    for n in range(1, 30_001):
        bench.feed(Remembered(4.0 + n / 3000, ("another",)))
    assert today(bench, 15.0) == 11


# --- days -------------------------------------------------------------------------------------------------------------------------------


def test_a_day_begins_at_local_midnight_to_the_second() -> None:
    bench = made(opened(), plays(MIDNIGHT - 100.0, True))
    assert today(bench, MIDNIGHT - 1.0) == 99
    assert today(bench, MIDNIGHT) == 0
    assert today(bench, MIDNIGHT + 5.0) == 5
    assert today(bench, MIDNIGHT + 86_400.0 - 1.0) == 86_399


def test_the_time_before_the_date_is_known_counts_to_the_day_that_it_then_is() -> None:
    time = Timebase()
    bench = made(opened(), plays(10.0, True), time=time)
    assert today(bench, 100.0) == 90
    time.handle(clock_read(100.0))
    assert today(bench, 160.0) == 150


def test_a_date_that_is_learned_is_known_at_the_next_full_minute() -> None:
    time = Timebase()
    bench = made(opened(), time=time)
    assert bench.part.deadline == 63.0
    time.handle(clock_read(10.5))
    bench.until(63.0)
    assert bench.part.deadline == 120.0


# --- the store --------------------------------------------------------------------------------------------------------------------------


def test_a_restart_goes_on_from_what_was_remembered_of_the_same_day() -> None:
    assert today(made(opened(memory=f"{DAY} 5000".encode()), plays(10.0, True)), 20.0) == 15
    assert today(made(opened(memory=f"{DAY - 1} 5000".encode()), plays(10.0, True)), 20.0) == 10
    assert today(made(opened(memory=b"- 5000"), plays(10.0, True)), 20.0) == 15


@pytest.mark.parametrize("junk", [b"", b"1", b"x 5", b"1 -", b"1 x", b"1 5 7", b"\xff\xfe", b"1 " + b"9" * 16, b"-1 5"])
def test_what_is_not_ours_is_no_memory(junk: bytes) -> None:
    assert today(made(opened(memory=junk), plays(10.0, True)), 20.0) == 10


def test_only_the_first_opening_of_a_boot_tells_what_was_before_it() -> None:
    bench = made(opened(memory=f"{DAY} 5000".encode()), plays(10.0, True))
    bench.feed(opened(12.0, f"{DAY} 5000".encode()))
    assert today(bench, 20.0) == 15


def written(bench: Bench, until: float) -> list[tuple[float, bytes | None]]:
    """When what is written, by a store that confirms."""
    found: list[tuple[float, bytes | None]] = []
    while (due := bench.part.deadline) <= until:
        for value in kept(bench.until(due)):
            found.append((due, value))
            bench.feed(Remembered(due, (MEMORY,)))
    return found


def test_it_is_written_each_ten_minutes_while_it_grows_and_not_otherwise() -> None:
    bench = made(opened(), plays(60.0, True))
    assert written(bench, 1900.0) == [(60.0 * n, f"{DAY} {60_000 * (n - 1)}".encode()) for n in (2, 12, 22)]
    bench.feed(plays(1905.0, False))
    assert written(bench, 9000.0) == [(1920.0, f"{DAY} 1845000".encode())]


def test_a_bar_that_is_dark_writes_nothing() -> None:
    assert written(made(opened(), plays(4.0, False)), 20_000.0) == []


def test_the_turn_of_a_day_is_written_at_once() -> None:
    bench = made(opened(), plays(MIDNIGHT - 600.0, True), plays(MIDNIGHT - 30.0, False))
    found = written(bench, MIDNIGHT + 700.0)
    assert found[-1] == (MIDNIGHT, f"{DAY + 1} 0".encode())
    assert len(found) <= 3


def test_a_store_that_does_not_confirm_is_asked_again_no_sooner() -> None:
    bench = made(opened(), plays(60.0, True), plays(90.0, False))
    assert [out.value for out in of(Remember, bench.until(2000.0))] == [f"{DAY} 30000".encode()] * 4
    assert one(Remember, bench.feed(StopRequested(2000.0, "SIGTERM"))).value == f"{DAY} 30000".encode()


def test_a_store_that_lost_it_is_told_again() -> None:
    bench = made(opened(), plays(60.0, True), plays(90.0, False))
    assert len(written(bench, 700.0)) == 1
    bench.feed(SpoolDown(710.0, "gone"), opened(720.0))
    assert [value for _, value in written(bench, 2000.0)] == [f"{DAY} 30000".encode()]


def test_a_stop_writes_what_has_grown_since() -> None:
    bench = made(opened(), plays(60.0, True))
    written(bench, 130.0)
    assert kept(bench.feed(StopRequested(150.0, "SIGTERM"))) == [f"{DAY} 90000".encode()]


STORIES = st.lists(st.tuples(st.floats(0.0, 400.0), st.sampled_from([True, False, None])), max_size=20)


@given(STORIES)
def test_the_sum_is_the_time_that_it_was_lit_however_it_is_looked_at(story: list[tuple[float, bool | None]]) -> None:
    bench, at, lit_s, lit = made(opened(3.0)), 3.0, 0.0, False
    for wait_s, value in story:
        at += wait_s
        lit_s += wait_s * lit
        lit = value is True
        bench.feed(plays(at, value))
    found = today(bench, at)
    assert found is not None
    assert abs(found - lit_s) <= 1.1
    assert len(kept(bench.all)) <= 1 + at / 600.0

"""When a button was tested: before and after the store has spoken, with and without the time × every event; days, restarts, damage."""

import math
from collections.abc import Callable

import msgpack
import pytest

from agent.config import WalkTest as WalkTestConfig
from agent.core.effects import Remember
from agent.core.events import Event, FaultSeen, Lane, Remembered, Reported, TimeLearned
from agent.core.part import Output
from agent.core.timebase import Timebase
from agent.core.untested import DAY_MS, MEMORY, Untested
from agent.wire.records import SelfTest
from tests.core.builders import UTC_MS, Bench, assert_covers, event_report, ignition_input, of, one, panic_input, spool_opened, timed_fix

DAY_S = 86_400.0


def made(*buttons: str, time: Timebase | None = None, every_days: int = 7, offset_ms: int = UTC_MS) -> Bench:
    """A part that has heard nothing yet; its time is known, unless one is given."""
    inputs = (*(panic_input(name) for name in buttons or ("button",)), ignition_input())
    return Bench(Untested(inputs, WalkTestConfig(every_days=every_days), time or known(Timebase(), offset_ms)))


def known(time: Timebase, offset_ms: int = UTC_MS) -> Timebase:
    """It has learned the time."""
    for at in (0.1, 1.1, 2.1):
        time.handle(timed_fix(at, offset_ms))
    return time


def walked(at: float, **inputs: str) -> Reported:
    """A walk test has ended."""
    record = SelfTest(what="walk_test", result="passed", ended="done", inputs=inputs or {"button": "acknowledged"})  # type: ignore[arg-type]  # words of the test
    return Reported(at, Lane.EVENT, record)


def store(**dates: tuple[int | None, bool]) -> dict[str, bytes]:
    """What the store remembers."""
    return {MEMORY: msgpack.packb({name: {"utc_ms": utc_ms, "passed": passed} for name, (utc_ms, passed) in dates.items()})}


def kept(bench: Bench) -> dict[str, tuple[int | None, bool]]:
    """The dates as the store was last asked to remember them."""
    value = of(Remember, bench.all)[-1].value
    assert value is not None
    return {name: (date["utc_ms"], date["passed"]) for name, date in msgpack.unpackb(value).items()}


def words(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    return [f"{out.code} {'on' if out.active else 'off'}" if isinstance(out, FaultSeen) else type(out).__name__.lower() for out in outs]


# --- every state × every event ------------------------------------------------------------------------------------------------------


def closed() -> Bench:
    """The store has not spoken."""
    return made()


def timeless() -> Bench:
    """It has, and nobody knows the time."""
    bench = made(time=Timebase())
    bench.feed(spool_opened(3.0))
    return bench


def counting() -> Bench:
    """Days are counted."""
    bench = made()
    bench.feed(spool_opened(3.0), Remembered(3.1, (MEMORY,)))
    return bench


def overdue() -> Bench:
    """They are over."""
    bench = made()
    bench.feed(spool_opened(3.0, store(button=(UTC_MS - 8 * DAY_MS, True))))
    return bench


STATES: dict[str, Callable[[], Bench]] = {"closed": closed, "timeless": timeless, "counting": counting, "overdue": overdue}
OPENED, OPENED_OLD = spool_opened(4.0), spool_opened(4.0, store(button=(UTC_MS - 8 * DAY_MS, True)))
REMEMBERED, LEARNED, PASSED = Remembered(4.0, (MEMORY,)), TimeLearned(4.0, UTC_MS), walked(4.0)
FAILED, OTHER = walked(4.0, button="received"), event_report(4.0)

TABLE: list[tuple[str, Event, list[str]]] = [
    ("closed", OPENED, ["remember"]),
    ("closed", OPENED_OLD, ["panic.untested on"]),
    ("closed", REMEMBERED, []),
    ("closed", LEARNED, []),
    ("closed", PASSED, []),
    ("closed", FAILED, []),
    ("closed", OTHER, []),
    ("timeless", OPENED, []),
    ("timeless", OPENED_OLD, []),
    ("timeless", REMEMBERED, []),
    ("timeless", LEARNED, []),  # not by our own clock
    ("timeless", PASSED, ["remember"]),
    ("timeless", FAILED, []),
    ("timeless", OTHER, []),
    ("counting", OPENED, ["remember"]),
    ("counting", OPENED_OLD, ["panic.untested on"]),
    ("counting", REMEMBERED, []),
    ("counting", LEARNED, []),
    ("counting", PASSED, ["remember"]),
    ("counting", FAILED, []),
    ("counting", OTHER, []),
    ("overdue", OPENED, ["remember", "panic.untested off"]),
    ("overdue", OPENED_OLD, []),
    ("overdue", REMEMBERED, []),
    ("overdue", LEARNED, []),
    ("overdue", PASSED, ["remember", "panic.untested off"]),
    ("overdue", FAILED, []),
    ("overdue", OTHER, []),
]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert words(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Untested, STATES, ((state, type(event)) for state, event, _ in TABLE))


# --- days ---------------------------------------------------------------------------------------------------------------------------


def test_a_button_that_was_never_tested_counts_from_when_the_time_was_known_first() -> None:
    bench = counting()
    assert kept(bench) == {"button": (UTC_MS + 3000, False)}
    assert bench.until(3.0 + 7 * DAY_S - 2) == []
    fault = one(FaultSeen, bench.until(3.0 + 7 * DAY_S + 2))
    assert (fault.code, fault.active, str(fault.detail)) == ("panic.untested", True, "not tested for 7 days: button")
    assert bench.part.deadline == math.inf


def test_that_is_remembered_over_restarts() -> None:
    bench = made(offset_ms=UTC_MS + 7 * DAY_MS)
    value = of(Remember, counting().all)[-1].value
    assert value is not None
    assert words(bench.feed(spool_opened(3.1, {MEMORY: value}))) == ["panic.untested on"]


def test_a_passed_test_counts_from_its_end_and_is_remembered() -> None:
    bench = counting()
    bench.feed(walked(100.0), Remembered(100.1, (MEMORY,)))
    assert kept(bench) == {"button": (UTC_MS + 100_000, True)}
    assert bench.part.status(200.0) == {"button": UTC_MS + 100_000}
    assert bench.until(100.0 + 7 * DAY_S - 2) == []
    assert words(bench.until(100.0 + 7 * DAY_S + 2)) == ["panic.untested on"]


def test_days_count_for_each_button_and_the_fault_names_those_that_are_overdue() -> None:
    bench = made("button", "foot", "door")
    dates = store(button=(UTC_MS - 8 * DAY_MS, True), foot=(UTC_MS - 9 * DAY_MS, False), door=(UTC_MS - DAY_MS, True))
    fault = one(FaultSeen, bench.feed(spool_opened(3.0, dates)))
    assert str(fault.detail) == "not tested for 7 days: button, foot"
    assert bench.part.status(4.0) == {"button": UTC_MS - 8 * DAY_MS, "foot": None, "door": UTC_MS - DAY_MS}
    fewer = bench.feed(walked(10.0, button="acknowledged", foot="received", door="untried"))
    assert words(fewer) == ["remember", "panic.untested on"]
    assert str(one(FaultSeen, fewer).detail) == "not tested for 7 days: foot"
    assert words(bench.feed(Remembered(10.1, (MEMORY,)), walked(20.0, foot="acknowledged"))) == ["remember", "panic.untested off"]
    bench.feed(Remembered(20.1, (MEMORY,)))
    assert bench.part.deadline == pytest.approx(6 * DAY_S)  # the door is next
    assert words(bench.until(6 * DAY_S + 1)) == ["panic.untested on"]


def test_a_button_that_is_new_in_the_config_counts_from_now_and_one_that_is_gone_is_forgotten() -> None:
    bench = made("button", "foot")
    assert words(bench.feed(spool_opened(3.0, store(button=(UTC_MS, True), hand=(UTC_MS, True))))) == ["remember"]
    assert kept(bench) == {"button": (UTC_MS, True), "foot": (UTC_MS + 3000, False)}


def test_with_zero_days_a_test_is_never_asked_for_but_its_date_is_remembered() -> None:
    bench = made(every_days=0)
    bench.feed(spool_opened(3.0, store(button=(UTC_MS - 400 * DAY_MS, True))), walked(10.0), Remembered(10.1, (MEMORY,)))
    assert bench.until(100 * DAY_S) == []
    assert of(FaultSeen, bench.all) == []
    assert kept(bench) == {"button": (UTC_MS + 10_000, True)}


def test_a_unit_without_a_panic_button_asks_for_nothing() -> None:
    bench = Bench(Untested((ignition_input(),), WalkTestConfig(), known(Timebase())))
    assert bench.feed(spool_opened(3.0), walked(4.0, hand="acknowledged")) == []
    assert bench.until(100 * DAY_S) == []


# --- without the time ---------------------------------------------------------------------------------------------------------------


def test_without_the_time_nothing_is_overdue() -> None:
    bench = made(time=Timebase())
    assert bench.feed(spool_opened(3.0, store(button=(UTC_MS - 400 * DAY_MS, True)))) == []
    assert bench.until(100 * DAY_S) == []


def test_what_is_overdue_is_said_as_soon_as_the_time_is_known() -> None:
    time = Timebase()
    bench = made(time=time)
    bench.feed(spool_opened(0.05, store(button=(UTC_MS - 8 * DAY_MS, True))))
    known(time)
    assert words(bench.feed(TimeLearned(2.1, UTC_MS))) == ["panic.untested on"]


def test_a_test_that_is_passed_before_the_time_is_known_is_dated_when_it_is() -> None:
    time = Timebase()
    bench = made(time=time)
    bench.feed(spool_opened(0.05, store(button=(UTC_MS - 8 * DAY_MS, True))), walked(1.0))
    assert kept(bench) == {"button": (None, True)}
    known(time)
    assert words(bench.feed(TimeLearned(2.1, UTC_MS))) == ["remember"]
    assert kept(bench) == {"button": (UTC_MS + 1000, True)}


def test_or_with_the_time_of_a_later_boot() -> None:
    bench = made()
    bench.feed(spool_opened(3.0, store(button=(None, True))))
    assert kept(bench) == {"button": (UTC_MS + 3000, True)}


def test_a_test_that_is_passed_before_the_store_opens_is_not_undone_by_it() -> None:
    bench = made()
    assert bench.feed(walked(3.0)) == []
    assert words(bench.feed(spool_opened(4.0, store(button=(UTC_MS - 8 * DAY_MS, True))))) == ["remember"]
    assert kept(bench) == {"button": (UTC_MS + 3000, True)}


def test_a_time_that_went_back_is_no_reason_to_ask() -> None:
    bench = made()
    bench.feed(spool_opened(3.0, store(button=(UTC_MS + 30 * DAY_MS, True))))
    assert bench.until(36 * DAY_S) == []
    assert words(bench.until(38 * DAY_S)) == ["panic.untested on"]


# --- the store ----------------------------------------------------------------------------------------------------------------------


def test_the_store_is_asked_again_until_it_remembers() -> None:
    bench = made()
    bench.feed(spool_opened(3.0))
    assert words(bench.until(13.0)) == ["remember", "remember"]
    bench.feed(Remembered(13.1, (MEMORY,)))
    assert bench.until(1000.0) == []


@pytest.mark.parametrize("value", [b"\xc1", b"\x91" * 2000, msgpack.packb(7), msgpack.packb({"button": {"utc_ms": "x"}}), b"\xc7\x00\x05"])
def test_what_cannot_be_read_counts_from_now(value: bytes) -> None:
    bench = made()
    assert words(bench.feed(spool_opened(3.0, {MEMORY: value}))) == ["remember"]
    assert kept(bench) == {"button": (UTC_MS + 3000, False)}

"""Facts of the panic button that mutation testing found no other test to hold (`python -m tests.mutation`)."""

import math

import msgpack
import pytest

from agent.config import WalkTest as WalkTestConfig
from agent.core.buttons import TWICE_S
from agent.core.effects import Answer, Remember
from agent.core.events import AlarmChanged, FaultSeen, Lane, OrderAnswered, Remembered, Reported
from agent.core.feedback import lamp
from agent.core.latches import MEMORY, raised
from agent.core.panic import Panic
from agent.core.timebase import Timebase
from agent.core.untested import MEMORY as TESTED_MEMORY
from agent.core.untested import Untested
from agent.core.walk_test import MEMORY as TEST_MEMORY
from agent.wire.records import Alarm, SelfTest
from tests.core.builders import UTC_MS, Bench, of, one, panic_input, press, release, spool_opened, told_time
from tests.core.panic_states import OURS, REMEMBERED, clear, held, hold, latch, made, marker, memory, order_test, part, result, short, walk

# --- names --------------------------------------------------------------------------------------------------------------------------


def test_it_is_known_by_its_name_and_by_what_the_officer_may_do() -> None:
    assert (Panic.name, Panic.actions) == ("alarm", ("alarm.cancel", "walk_test"))


def test_a_test_is_refused_with_the_reason_while_an_alarm_is_live() -> None:
    why = "an alarm is live: a walk test cannot begin, or go on, before the centre has cleared it"
    bench = made()
    bench.feed(*hold(19.5))
    assert one(Answer, bench.feed(walk(21.0))).body["error"] == why
    assert one(OrderAnswered, bench.feed(order_test(21.0))).reason == why


def test_the_store_knows_the_memories_by_these_names_also_after_an_upgrade() -> None:
    assert (MEMORY, TEST_MEMORY, TESTED_MEMORY) == ("alarms", "walk_test", "tested")


# --- the button ---------------------------------------------------------------------------------------------------------------------


def test_two_presses_are_two_also_in_the_first_seconds_of_the_clock() -> None:
    bench = part(panic_input(press="twice"))
    bench.feed(press(0.5), release(0.6))
    assert of(AlarmChanged, bench.all) == []
    bench.feed(press(0.5 + TWICE_S))
    assert len(of(AlarmChanged, bench.all)) == 1


def test_a_third_press_begins_a_sign_of_its_own_also_in_the_first_seconds_of_the_clock() -> None:
    bench = part(panic_input(press="twice"))
    bench.feed(press(0.2), release(0.3), press(0.6), release(0.7))
    assert len(of(AlarmChanged, bench.all)) == 1
    bench.feed(press(1.0), release(1.1))
    assert len(of(AlarmChanged, bench.all)) == 1


def test_a_hold_in_the_window_is_a_test_though_its_press_was_not_told() -> None:
    bench = made()
    bench.feed(walk(19.0))
    assert "test raised" in short(bench.feed(held(20.0)))


def test_letting_go_of_a_button_that_is_tested_by_a_touch_is_no_second_test() -> None:
    bench = part(panic_input(hold_s=4.0))
    bench.feed(walk(19.0))
    assert "test raised" in short(bench.feed(press(20.0)))
    assert short(bench.feed(release(20.5))) == []


def test_a_silent_button_that_is_stuck_keeps_the_fault_when_the_other_comes_free() -> None:
    bench = made("silent", overt=("foot",))
    bench.feed(*hold(0.0, held_s=30.0), *hold(31.0, "foot", held_s=30.0))
    outs = of(FaultSeen, bench.feed(release(62.0, "foot")))
    assert [(out.active, out.detail) for out in outs] == [(False, ""), (True, "button")]
    fault = one(FaultSeen, bench.feed(release(63.0)))
    assert (fault.code, fault.active) == ("panic.stuck", False)


# --- the alarm ----------------------------------------------------------------------------------------------------------------------


def test_the_age_is_in_whole_milliseconds() -> None:
    bench = made()
    bench.feed(*hold(19.5))
    ages = [out.record.age_ms for out in of(Reported, bench.until(36.0)) if isinstance(out.record, Alarm)]
    assert ages == [5000, 10000, 15000]
    assert {type(age) for age in ages} == {int}


def test_the_store_is_told_at_the_fiftieth_repeat() -> None:
    bench = made()
    bench.feed(*hold(19.5), Remembered(20.1, REMEMBERED))
    outs = bench.until(5000.0)
    repeats = [i for i, out in enumerate(outs) if isinstance(out, Reported)]
    first = next(i for i, out in enumerate(outs) if isinstance(out, Remember))
    assert first == repeats[49] - 1


@pytest.mark.parametrize(("value", "why"), [(b"\xc1", "FormatError"), (b"\x91", "incomplete input")])
def test_the_fault_says_why_the_memory_cannot_be_read_also_when_the_error_has_no_words(value: bytes, why: str) -> None:
    fault = one(FaultSeen, made().feed(spool_opened(21.0, {MEMORY: value})))
    assert str(fault.detail).startswith("the alarms that were remembered cannot be read: ")
    assert why in str(fault.detail)


def test_the_only_alarm_of_a_button_is_remembered_however_many_buttons_there_are() -> None:
    bench = part(*(panic_input(f"b{i}") for i in range(33)))
    for i in range(33):
        bench.feed(*hold(20.0 + i, f"b{i}"))
    value = of(Remember, bench.all)[-1].value
    assert value is not None
    assert [row["source"] for row in msgpack.unpackb(value)] == [f"b{i}" for i in range(33)]


@pytest.mark.parametrize(("later", "again"), [(63, []), (64, [OURS])])
def test_of_sixty_four_cleared_alarms_a_store_that_comes_back_raises_none_again(later: int, again: list[str]) -> None:
    """The row that the store has of the first alarm is raised again only when it is the sixty-fifth that was cleared."""
    bench = made()
    bench.feed(*hold(1.0), clear(2.0, OURS), release(2.0))
    for i in range(later):
        alarm = of(AlarmChanged, bench.feed(*hold(10.0 * i + 3.0)))[0].alarm_id
        bench.feed(clear(10.0 * i + 5.0, alarm), release(10.0 * i + 5.0))
    outs = bench.feed(spool_opened(5000.0, memory(latch(OURS))))
    assert [out.alarm_id for out in of(AlarmChanged, outs)] == again


def test_a_recalled_alarm_has_skipped_fifty_numbers_and_one_is_this() -> None:
    record = one(Reported, made().feed(spool_opened(21.0, memory(latch())))).record
    assert isinstance(record, Alarm)
    assert record.n == latch()["n"] + 51


def test_the_lamp_says_nothing_of_no_alarm_and_of_a_silent_one() -> None:
    live = raised(1.0, OURS, panic_input(mode="silent"), None, False)
    assert lamp([]) is None
    assert lamp([live]) is None
    live.latch.mode = "overt"
    assert lamp([live]) == "raised"


# --- the walk test ------------------------------------------------------------------------------------------------------------------


def test_of_a_press_before_the_restart_nobody_knows_how_far_it_came() -> None:
    bench = made()
    found = result(bench.feed(spool_opened(21.0, marker(latch()))))
    assert (found.result, found.inputs) == ("failed", {"button": "raised"})


def test_what_came_of_a_test_goes_with_the_events_and_is_durable() -> None:
    bench = made()
    bench.feed(walk(19.0))
    told = [out for out in bench.feed(walk(21.0, stop=True)) if isinstance(out, Reported) and isinstance(out.record, SelfTest)]
    assert [(out.lane, out.slot) for out in told] == [(Lane.EVENT, None)]


def test_the_time_that_is_left_is_told_in_tenths_of_a_second() -> None:
    bench = made()
    bench.feed(walk(19.0))
    assert bench.part.status(20.25)["walk_test"]["left_s"] == 598.8


def test_the_buttons_that_passed_are_remembered_in_order() -> None:
    buttons = tuple(f"b{i}" for i in range(7))
    bench = made(buttons=buttons)
    bench.feed(walk(19.0))
    for i in range(6):
        alarm = of(AlarmChanged, bench.feed(*hold(20.0 + i, f"b{5 - i}")))[0].alarm_id
        bench.feed(clear(20.9 + i, alarm))
    value = of(Remember, bench.all)[-1].value
    assert value is not None
    assert msgpack.unpackb(value)["passed"] == ["b0", "b1", "b2", "b3", "b4", "b5"]


def test_a_test_of_a_button_that_is_not_there_any_more_is_told_all_the_same() -> None:
    found = result(made().feed(spool_opened(21.0, marker(latch(source="gone")))))
    assert found.inputs == {"button": "untried", "gone": "raised"}


# --- when each button was tested ----------------------------------------------------------------------------------------------------

NOW_MS = UTC_MS + 3000


def untested(*buttons: str, time: Timebase | None = None) -> Bench:
    """The dates of some buttons; nothing is known yet."""
    return Bench(Untested(tuple(panic_input(name) for name in buttons), WalkTestConfig(every_days=7), time or told_time()))


def dates(**utc_ms: int) -> dict[str, bytes]:
    """What the store remembers: a passed test of each."""
    return {TESTED_MEMORY: msgpack.packb({name: {"utc_ms": ms, "passed": True} for name, ms in utc_ms.items()})}


def walked(at: float, **inputs: str) -> Reported:
    """What came of a walk test."""
    return Reported(at, Lane.EVENT, SelfTest(what="walk_test", result="failed", ended="window", inputs=inputs))  # type: ignore[arg-type]  # words of the test


def test_the_days_of_the_tests_are_told_by_this_name_and_nothing_is_due_before_the_store_speaks() -> None:
    assert Untested.name == "tested"
    assert untested("button").part.deadline == math.inf


@pytest.mark.parametrize(("left_ms", "at"), [(0, 3.0), (1, 4.0), (1001, 4.001)])
def test_a_button_is_overdue_to_the_millisecond_but_nobody_looks_within_a_second(left_ms: int, at: float) -> None:
    bench = untested("button")
    bench.feed(spool_opened(3.0, dates(button=NOW_MS - 7 * 24 * 3_600_000 + left_ms)))
    assert bench.part.deadline == (pytest.approx(at) if left_ms else math.inf)
    bench.until(10.0)
    assert [out.at for out in of(FaultSeen, bench.all)] == [pytest.approx(at)]
    assert bench.part.deadline == math.inf


def test_a_test_that_was_passed_before_the_store_opened_is_remembered_though_nobody_knows_the_time() -> None:
    bench = untested("button", time=Timebase())
    bench.feed(walked(1.0, button="acknowledged"))
    assert one(Remember, bench.feed(spool_opened(2.0))).value == msgpack.packb({"button": {"utc_ms": None, "passed": True}})


def test_of_two_buttons_without_a_date_the_one_that_passed_is_remembered() -> None:
    bench = untested("button", "foot", time=Timebase())
    bench.feed(spool_opened(2.0))
    assert one(Remember, bench.feed(walked(3.0, button="acknowledged", foot="sent"))).value == msgpack.packb(
        {"button": {"utc_ms": None, "passed": True}}
    )

"""The panic part: presses, holds, and repeats."""

import itertools
import math
from typing import Any

import pytest

from agent.core.events import AlarmChanged, FaultSeen, Lane, LightsAsked, Remembered, Reported
from agent.core.panic import REPEAT_AFTER_S, Panic
from agent.core.part import Output
from agent.wire.records import Alarm
from tests.core.builders import UTC_MS, Bench, link_up, of, one, panic_input, press, release, spool_opened
from tests.core.panic_states import (
    AT,
    HERE,
    OLDER,
    OURS,
    REMEMBERED,
    STATES,
    ack,
    acknowledged,
    cancel,
    clear,
    held,
    hold,
    made,
    part,
    raised,
    short,
    stuck,
    two,
)


def alarms(outs: list[Output]) -> list[Alarm]:
    """Records of alarms among what came out."""
    return [out.record for out in of(Reported, outs) if isinstance(out.record, Alarm)]


def told(bench: Bench, at: float = AT) -> dict[str, Any]:
    """What the unit knows of its alarms."""
    return bench.part.status(at)


# --- the button ---------------------------------------------------------------------------------------------------------------------


def test_a_hold_of_its_time_raises_exactly_then_with_all_that_is_known() -> None:
    bench = part(panic_input(seat="driver"))
    bench.feed(press(10.03, since=10.0))
    outs = bench.feed(held(10.5))
    assert short(outs) == ["remember 1", "raised", "alarm raised", "light response", "lamp raised"]
    reported = one(Reported, outs)
    assert (reported.at, reported.lane, reported.slot, reported.seq) == (10.5, Lane.ALARM, None, 1)
    assert reported.record == Alarm(
        id=OURS, cause="panic", source="button", seat="driver", mode="overt", state="raised", n=1, since=UTC_MS + 10_500, age_ms=0, pos=HERE
    )
    assert one(AlarmChanged, outs) == AlarmChanged(10.5, OURS, "raised", "overt")
    assert one(LightsAsked, outs) == LightsAsked(10.5, "panic", "response")


def test_a_press_that_is_not_held_for_its_time_is_nothing() -> None:
    bench = made()
    bench.feed(press(10.0), release(10.49))
    assert bench.all == []
    assert bench.part.deadline == math.inf


def test_one_hold_is_one_press_however_long() -> None:
    bench = made()
    bench.feed(*hold(10.0, held_s=30.0))
    durable = [out for out in of(Reported, bench.all) if out.slot is None]
    assert [out.at for out in durable] == [10.5]


def test_a_button_that_needs_five_seconds_raises_then_and_once() -> None:
    bench = part(panic_input(hold_s=5.0))
    bench.feed(press(10.0), held(15.0, 5.0), held(40.0, 30.0))
    durable = [out for out in of(Reported, bench.all) if out.slot is None]
    assert [out.at for out in durable] == [15.0]


def test_a_button_that_is_down_when_the_agent_starts_raises_once_and_says_so() -> None:
    bench = made()
    bench.feed(*hold(10.0, held_s=5.0, first=True))
    assert [alarm.at_boot for alarm in alarms(bench.all) if alarm.state == "raised"] == [True]
    assert len([out for out in of(Reported, bench.all) if out.slot is None]) == 1


def test_the_mark_of_a_start_is_that_of_the_newest_press() -> None:
    bench = made()
    bench.feed(spool_opened(9.0), *hold(10.0, first=True), release(10.7), *hold(11.0))
    assert [alarm.at_boot for alarm in alarms(bench.all)] == [True, None]
    again = made()
    again.feed(*hold(10.0), release(10.7), *hold(11.0, first=True))
    assert [alarm.at_boot for alarm in alarms(again.all)] == [None, True]


def test_a_button_is_stuck_after_its_time_and_the_alarm_stands() -> None:
    bench = stuck()
    fault = one(FaultSeen, bench.all)
    assert fault == FaultSeen(21.0, "panic.stuck", True, "button")
    assert told(bench)["state"] == "raised"
    bench.until(500.0)
    assert len(of(FaultSeen, bench.all)) == 1
    assert all(out.slot for out in of(Reported, bench.all)[1:])  # no flood: it only repeats as any alarm does


def test_the_fault_goes_with_the_last_stuck_button() -> None:
    bench = made(buttons=("button", "foot"))
    bench.feed(held(40.0, 30.0), held(41.0, 30.0, "foot"))
    assert [out.detail for out in of(FaultSeen, bench.all) if out.active] == ["button", "button, foot"]
    assert [out.detail for out in of(FaultSeen, bench.feed(release(50.0)))] == ["", "foot"]
    assert short(bench.feed(release(51.0, "foot"))) == ["panic.stuck off"]
    assert short(bench.feed(release(52.0, "foot"))) == []


@pytest.mark.parametrize("state", ["raised", "sent", "received", "acknowledged", "two", "silent"])
def test_a_press_while_an_alarm_is_live_is_one_more_durable_record_of_it(state: str) -> None:
    bench = STATES[state]()
    before = told(bench)
    reported = one(Reported, bench.feed(held(AT)))
    alarm = reported.record
    assert isinstance(alarm, Alarm)
    assert (alarm.id, alarm.state, alarm.n, reported.slot) == (OURS, "repeated", before["n"] + 1, None)
    assert told(bench) | {"age_s": 0} == before | {"state": "raised", "n": before["n"] + 1, "age_s": 0}
    assert [out.at for out in of(Reported, bench.until(26.5)) if out.slot == f"alarm {OURS}"] == [AT + REPEAT_AFTER_S[0]]


def test_a_press_of_a_second_button_is_an_alarm_of_its_own_so_that_a_silent_or_stuck_one_hides_nobody() -> None:
    bench = made(mode="silent", buttons=("button",), overt=("foot",))
    bench.feed(*hold(10.0), *hold(11.0, "foot"))
    assert [(r.source, r.mode, r.state) for r in alarms(bench.all)] == [("button", "silent", "raised"), ("foot", "overt", "raised")]
    assert one(LightsAsked, bench.all).show == "response"
    bench.feed(release(12.0), held(13.5))
    again = alarms(bench.all)[-1]
    assert (again.id, again.source, again.state) == (OURS, "button", "repeated")


def test_two_buttons_that_are_held_at_one_moment_are_both_heard() -> None:
    bench = made(buttons=("button", "foot"))
    bench.feed(held(10.5), held(10.5, button="foot"))
    assert [(alarm.source, alarm.state) for alarm in alarms(bench.all)] == [("button", "raised"), ("foot", "raised")]


def test_a_silent_button_that_is_stuck_holds_the_fault_as_any_does() -> None:
    bench = made("silent", overt=("foot",))
    bench.feed(held(40.0, 30.0), held(41.0, 30.0, "foot"))
    assert [out.detail for out in of(FaultSeen, bench.feed(release(50.0, "foot")))] == ["", "button"]
    assert short(bench.feed(release(51.0))) == ["panic.stuck off"]


def test_what_the_officer_may_do_and_where_it_is_told() -> None:
    assert Panic.name == "alarm"
    assert Panic.actions == ("alarm.cancel", "walk_test")


# --- two presses --------------------------------------------------------------------------------------------------------------------


def twice() -> Bench:
    return part(panic_input(press="twice"))


@pytest.mark.parametrize(("second", "raises"), [(12.0, True), (12.001, False), (10.3, True)])
def test_two_presses_that_begin_within_two_seconds_are_one_sign(second: float, raises: bool) -> None:
    bench = twice()
    assert short(bench.feed(press(10.03, since=10.0), release(10.2))) == []
    outs = bench.feed(press(second + 0.03, since=second))
    assert ("raised" in short(outs)) is raises
    assert not raises or one(Reported, outs).at == second + 0.03


def test_the_second_of_two_presses_is_no_other_press_however_long_it_is_held() -> None:
    bench = twice()
    bench.feed(press(10.0), release(10.2), *hold(11.0, held_s=5.0))
    assert len([out for out in of(Reported, bench.all) if out.slot is None]) == 1


def test_a_third_press_begins_anew() -> None:
    bench = twice()
    bench.feed(press(10.0), release(10.2), press(10.5), release(10.7), press(11.0), release(11.2))
    assert len(alarms(bench.all)) == 1
    bench.feed(press(11.5))
    assert [alarm.state for alarm in alarms(bench.all)] == ["raised", "repeated"]


def test_a_hold_counts_where_two_presses_are_wanted_too() -> None:
    bench = twice()
    bench.feed(*hold(10.0))
    assert [alarm.state for alarm in alarms(bench.all)] == ["raised"]


def test_where_a_hold_is_wanted_two_presses_are_nothing() -> None:
    bench = made()
    bench.feed(press(10.0), release(10.2), press(10.5), release(10.7), press(11.0))
    assert bench.all == []


# --- repeating ----------------------------------------------------------------------------------------------------------------------


def test_an_alarm_repeats_every_5_s_then_15_then_60_and_never_stops() -> None:
    bench = raised()
    bench.until(20.0 + 60 + 300 + 3600)
    waits = [round(b.at - a.at, 6) for a, b in itertools.pairwise(of(Reported, bench.all))]
    assert waits[:12] == [5.0] * 12
    assert waits[12:32] == [15.0] * 20
    assert set(waits[32:]) == {60.0}
    assert len(waits) == 12 + 20 + 60


def test_repeats_are_volatile_and_share_the_slot_of_their_alarm() -> None:
    outs = of(Reported, two().until(26.0))
    assert {(out.lane, out.slot, out.seq) for out in outs} == {(Lane.ALARM, f"alarm {OURS}", None), (Lane.ALARM, f"alarm {OLDER}", None)}


def test_what_is_said_of_an_alarm_is_counted_without_a_hole() -> None:
    bench = raised()
    bench.feed(held(30.5), release(31.0), cancel(32.0), ack(40.0, OURS), clear(60.0, OURS))
    counts = [alarm.n for alarm in alarms(bench.all)]
    assert counts == list(range(1, len(counts) + 1))


def test_an_acknowledged_alarm_is_quiet_until_the_next_press_begins_its_repeats_anew() -> None:
    bench = acknowledged()
    assert bench.until(500.0) == []
    bench.feed(held(500.5), Remembered(501.1, REMEMBERED))
    assert [out.at for out in of(Reported, bench.until(511.0))] == [505.5, 510.5]


def test_a_repeat_carries_the_position_of_its_moment_and_its_age() -> None:
    alarm = one(Reported, raised().until(25.0)).record
    assert isinstance(alarm, Alarm)
    assert (alarm.pos, alarm.age_ms, alarm.since, alarm.state) == (HERE, 5000, UTC_MS + 20_000, "repeated")


def test_after_minutes_of_repeating_one_more_press_makes_the_repeats_quick_again() -> None:
    bench = raised()
    bench.feed(held(200.5))
    bench.until(212.0)
    assert [out.at for out in of(Reported, bench.all)][-3:] == [200.5, 205.5, 210.5]


def test_a_new_link_hears_at_once_of_what_nobody_has_seen() -> None:
    bench = raised()
    assert [alarm.n for alarm in alarms(bench.feed(link_up(21.0)))] == [2]
    assert [out.at for out in of(Reported, bench.until(26.5))] == [25.0]  # as if there had been no new link


def test_a_flapping_link_does_not_slow_the_repeats() -> None:
    bench, flapping = raised(), raised()
    for i in range(40):
        flapping.feed(link_up(20.6 + i / 100))
    quiet = [out.at for out in of(Reported, bench.until(400.0))]
    assert [out.at for out in of(Reported, flapping.until(400.0))] == quiet

"""The walk test: the whole way, marked as a test; what ends it; what it never is."""

import math
from typing import Any

import pytest

from agent.config import Input
from agent.config import WalkTest as WalkTestConfig
from agent.core.effects import Answer, Remember
from agent.core.events import AlarmChanged, LampAsked, Lane, OrderAnswered, Remembered, Reported, ReportLeft
from agent.core.part import Output
from agent.core.walk_test import MEMORY, REPEAT_AFTER_S
from agent.wire.records import Alarm, SelfTest
from agent.wire.whys import refused, why
from tests.core.builders import BOOT, UTC_MS, Bench, link_up, of, one, panic_input, press, release
from tests.core.panic_states import (
    ASKER,
    HERE,
    OURS,
    REMEMBERED,
    ack,
    clear,
    held,
    hold,
    made,
    order_test,
    part,
    result,
    short,
    summary,
    walk,
)


def trials(outs: list[Output]) -> list[tuple[str, str]]:
    """Source and state of the records of test alarms."""
    return [(r.source, r.state) for out in of(Reported, outs) if isinstance(r := out.record, Alarm) and r.test]


def reals(outs: list[Output]) -> list[tuple[str, str]]:
    """The same of real ones."""
    return [(r.source, r.state) for out in of(Reported, outs) if isinstance(r := out.record, Alarm) and not r.test]


def lamps(bench: Bench) -> list[str | None]:
    """What the lamp was to say, one after the other."""
    return [out.lamp for out in of(LampAsked, bench.all)]


def progress(bench: Bench, at: float = 30.0) -> dict[str, Any]:
    """What somebody is told of the test."""
    return dict(bench.part.status(at)["walk_test"])


def begun(*inputs: Input, buttons: tuple[str, ...] = ("button",)) -> Bench:
    """A test that began at 20."""
    bench = part(*inputs) if inputs else made(buttons=buttons)
    bench.feed(walk(20.0), Remembered(20.01, REMEMBERED))
    return bench


# --- the whole way ------------------------------------------------------------------------------------------------------------------


def test_a_test_goes_the_whole_way_and_passes_with_the_centres_acknowledgement() -> None:
    bench = part(panic_input(seat="driver"))
    answer = one(Answer, bench.feed(walk(20.0)))
    assert answer == Answer(
        ASKER,
        {
            "open": True,
            "left_s": 600.0,
            "inputs": {"button": "untried"},
            "buttons": {"button": {"seat": "driver", "hold_s": 0.5, "press": "hold"}},
        },
    )
    reported = one(Reported, bench.feed(*hold(25.0)))
    assert (reported.at, reported.lane, reported.slot, reported.seq) == (25.5, Lane.ALARM, None, 1)
    assert reported.record == Alarm(
        id=OURS,
        cause="panic",
        source="button",
        seat="driver",
        mode="overt",
        state="raised",
        n=1,
        since=UTC_MS + 25_500,
        age_ms=0,
        pos=HERE,
        test=True,
    )
    bench.feed(release(26.0), ReportLeft(26.1, OURS, True, True))
    assert progress(bench) == {"open": True, "left_s": 590.0, "inputs": {"button": "sent"}}
    bench.feed(ack(27.0, OURS, by="auto"))
    assert progress(bench)["inputs"] == {"button": "received"}
    outs = bench.feed(ack(28.0, OURS, "o-2"))
    assert trials(outs) == [("button", "acknowledged"), ("button", "cleared")]
    assert result(outs) == SelfTest(what="walk_test", result="passed", ended="done", inputs={"button": "acknowledged"})
    assert progress(bench) == {"open": False, "result": "passed", "ended": "done", "inputs": {"button": "acknowledged"}}
    assert lamps(bench) == ["test", "raised", "sent", "received", "passed"]  # all have passed: it is over at once


def test_the_lamp_shows_for_five_seconds_that_a_test_is_passed() -> None:
    bench = begun()
    bench.feed(*hold(25.0), release(26.0), ack(27.0, OURS), Remembered(27.1, REMEMBERED * 5))
    assert lamps(bench)[-1] == "passed"
    assert bench.until(31.9) == []
    assert short(bench.until(32.0)) == ["lamp none"]
    assert bench.part.deadline == math.inf


def test_a_real_alarm_and_the_next_test_go_before_the_result_on_the_lamp() -> None:
    bench = begun()
    bench.feed(*hold(25.0), release(26.0), ack(27.0, OURS), *hold(28.0))
    assert lamps(bench)[-1] == "raised"
    again = begun()
    again.feed(*hold(25.0), release(26.0), ack(27.0, OURS), walk(28.0))
    assert lamps(again)[-1] == "test"
    again.until(40.0)
    assert lamps(again)[-1] == "test"


def test_a_test_touches_no_latch_and_no_light() -> None:
    bench = begun()
    bench.feed(*hold(25.0), ack(28.0, OURS))
    assert {out.name for out in of(Remember, bench.all)} == {MEMORY}
    assert not [word for word in short(bench.all) if word.startswith("light")]
    assert {(out.mode, out.test) for out in of(AlarmChanged, bench.all)} == {("overt", True)}
    assert [out.state for out in of(AlarmChanged, bench.all)] == ["raised", "acknowledged", "cleared"]


def test_what_is_said_of_a_test_alarm_is_counted_without_a_hole() -> None:
    bench = begun(buttons=("button", "foot"))
    bench.feed(*hold(25.0), release(26.0), *hold(27.0), release(28.0), ack(29.0, OURS), walk(30.0, stop=True))
    assert [out.record.n for out in of(Reported, bench.all) if isinstance(out.record, Alarm)] == [1, 2, 3, 4]


def test_every_button_has_its_own_test_and_all_have_to_pass() -> None:
    bench = begun(buttons=("button", "foot"))
    bench.feed(*hold(25.0), release(26.0), ack(27.0, OURS))
    assert progress(bench)["inputs"] == {"button": "acknowledged", "foot": "untried"}
    assert lamps(bench) == ["test", "raised", "acknowledged"]
    bench.feed(*hold(28.0, "foot"))
    assert lamps(bench)[-1] == "raised"
    outs = bench.feed(ack(29.0, f"{BOOT}-2", "o-2"))
    assert result(outs).result == "passed"
    assert set(trials(outs)) == {("foot", "acknowledged"), ("foot", "cleared"), ("button", "cleared")}


def test_a_test_alarm_that_the_centre_clears_has_passed() -> None:
    bench = begun(buttons=("button", "foot"))
    bench.feed(*hold(25.0), release(26.0))
    outs = bench.feed(clear(27.0, OURS))
    assert trials(outs) == [("button", "cleared")]
    assert [out.record.reason for out in of(Reported, outs) if isinstance(out.record, Alarm)] == ["officer safe"]
    assert one(OrderAnswered, outs).label == "done"
    assert progress(bench)["inputs"] == {"button": "acknowledged", "foot": "untried"}
    bench.feed(*hold(28.0))
    assert trials(bench.all)[-1] == ("button", "raised")  # the one before is over: this is another
    bench.feed(*hold(29.0, "foot"))
    assert result(bench.feed(clear(30.0, f"{BOOT}-3", "o-2"))).result == "passed"


def test_one_more_press_is_one_more_record_and_does_not_undo_what_was_passed() -> None:
    bench = begun(buttons=("button", "foot"))
    bench.feed(*hold(25.0), release(26.0), ack(27.0, OURS), *hold(28.0), release(29.0))
    assert trials(bench.all) == [("button", "raised"), ("button", "acknowledged"), ("button", "repeated")]
    assert lamps(bench)[-1] == "raised"  # nobody has seen this one
    assert progress(bench)["inputs"]["button"] == "acknowledged"
    assert short(bench.feed(ReportLeft(30.0, OURS, True, True))) == []
    assert short(bench.feed(ReportLeft(30.1, f"{BOOT}-2", True, True))) == ["lamp sent"]
    assert short(bench.feed(ack(30.2, OURS, "o-2", n=1))) == ["order failed"]


def test_an_automatic_answer_is_no_pass() -> None:
    bench = begun()
    bench.feed(*hold(25.0), release(26.0), ack(27.0, OURS, by="auto"), ack(28.0, OURS, "o-2", by="auto"))
    assert summary(bench) == "none test"
    assert result(bench.until(620.0)).inputs == {"button": "received"}


def test_a_test_alarm_is_said_again_each_fifteen_seconds_until_the_centre_answers() -> None:
    bench = begun()
    bench.feed(*hold(25.0), Remembered(26.0, REMEMBERED), release(26.0))
    outs = of(Reported, bench.until(60.0))
    assert [(out.at, out.slot) for out in outs] == [(25.5 + REPEAT_AFTER_S * i, f"alarm {OURS}") for i in (1, 2)]
    bench.feed(ack(61.0, OURS, by="auto"), Remembered(61.1, REMEMBERED))
    assert of(Reported, bench.until(619.0)) == []
    assert bench.feed(link_up(619.1)) == []


def test_a_new_link_hears_of_a_test_alarm_that_is_not_answered() -> None:
    bench = begun()
    bench.feed(*hold(25.0), release(26.0))
    outs = of(Reported, bench.feed(link_up(30.0)))
    assert [(out.record.n, out.slot) for out in outs if isinstance(out.record, Alarm)] == [(2, f"alarm {OURS}")]
    assert [out.at for out in of(Reported, bench.until(46.0))] == [45.0]


# --- the window ---------------------------------------------------------------------------------------------------------------------


def test_the_window_is_as_long_as_configured_and_then_a_press_is_an_alarm() -> None:
    bench = part(panic_input(), test=WalkTestConfig(window_s=60.0))
    bench.feed(walk(20.0), Remembered(20.1, REMEMBERED))
    assert bench.until(79.9) == []
    outs = bench.until(80.0)
    assert result(outs) == SelfTest(what="walk_test", result="failed", ended="window", inputs={"button": "untried"})
    assert short(outs)[-1] == "lamp none"
    bench.feed(*hold(81.0))
    assert reals(bench.all) == [("button", "raised")]


def test_a_test_alarm_that_is_open_at_the_end_of_the_window_is_cleared_by_the_unit() -> None:
    bench = begun()
    bench.feed(*hold(25.0), ReportLeft(26.0, OURS, True, True))
    outs = bench.until(620.0)
    assert trials(outs)[-1] == ("button", "cleared")
    assert result(outs).inputs == {"button": "sent"}
    assert bench.part.deadline == 625.0  # only the store is still asked to forget the test
    bench.feed(Remembered(621.0, (*REMEMBERED, MEMORY)))
    assert bench.part.deadline == math.inf
    assert short(bench.feed(ack(622.0, OURS))) == ["order failed"]


def test_somebody_may_stop_it() -> None:
    bench = begun()
    outs = bench.feed(walk(30.0, stop=True))
    assert result(outs).ended == "stopped"
    assert one(Answer, outs).body == {"open": False, "result": "failed", "ended": "stopped", "inputs": {"button": "untried"}}
    bench.feed(*hold(31.0))
    assert reals(bench.all) == [("button", "raised")]


def leased(*buttons: str) -> Bench:
    """A test that began at 20, on a lease of 15 s."""
    bench = made(buttons=buttons or ("button",))
    bench.feed(walk(20.0, lease_s=15), Remembered(20.01, REMEMBERED))
    return bench


def test_a_test_on_a_lease_ends_when_nobody_renews_it_and_a_press_is_an_alarm_again() -> None:
    """Whoever has begun it was killed, and could stop nothing."""
    bench = leased()
    assert progress(bench, 34.0) == {"open": True, "left_s": 586.0, "inputs": {"button": "untried"}}
    bench.feed(*hold(25.0), release(26.0))
    assert not of(LampAsked, bench.until(34.9))
    outs = bench.until(35.0)
    assert (result(outs).ended, result(outs).inputs) == ("stopped", {"button": "raised"})
    assert trials(outs)[-1] == ("button", "cleared")
    bench.feed(*hold(36.0))
    assert reals(bench.all) == [("button", "raised")]


def test_a_lease_that_is_renewed_goes_on_to_the_end_of_the_window_and_no_further() -> None:
    bench = leased()
    for at in range(30, 615, 10):
        answer = one(Answer, bench.feed(walk(float(at), renew=True, lease_s=15)))
        assert answer.body == {"open": True, "left_s": 620.0 - at, "inputs": {"button": "untried"}}
    bench.feed(walk(618.0, renew=True, lease_s=60))
    assert result(bench.until(620.0)).ended == "window"
    assert bench.part.deadline >= 620.5, "the lease has ended with it"


def test_the_one_who_begins_on_a_lease_is_told_of_it() -> None:
    assert one(Answer, made().feed(walk(20.0, lease_s=15))).body["lease_s"] == 15
    assert "lease_s" not in one(Answer, made().feed(walk(20.0))).body, "who asks for none, as before, has the whole window"


def test_a_renewal_begins_no_test_and_shortens_none_that_has_no_lease() -> None:
    bench = begun()
    bench.feed(walk(30.0, renew=True, lease_s=15))
    assert result(bench.until(620.0)).ended == "window"
    assert one(Answer, bench.feed(walk(630.0, renew=True, lease_s=15))).body["open"] is False
    bench.feed(*hold(631.0))
    assert reals(bench.all) == [("button", "raised")]


def test_a_test_that_begins_after_one_on_a_lease_has_its_own_time() -> None:
    bench = leased()
    bench.feed(walk(22.0, stop=True), walk(23.0))
    assert result(bench.until(623.0)).ended == "window"


@pytest.mark.parametrize("lease_s", [0, 1.9, 60.1, True, "15", float("nan"), []])
def test_a_lease_that_is_none_is_refused(lease_s: Any) -> None:
    outs = made().feed(walk(30.0, lease_s=lease_s))
    assert [out.body["error"] for out in of(Answer, outs)] == [f"expected lease_s: seconds from 2 to 60, found {lease_s!r}"]
    assert len(outs) == 1


def test_a_renewal_says_for_how_long() -> None:
    (answer,) = leased().feed(walk(30.0, renew=True))
    assert isinstance(answer, Answer)
    assert answer.body["error"] == "expected lease_s: seconds from 2 to 60, found None"
    (answer,) = leased().feed(walk(30.0, renew="yes", lease_s=15))
    assert isinstance(answer, Answer)
    assert answer.body["error"] == "expected renew: true or false, found 'yes'"


@pytest.mark.parametrize("stop", [1, "yes", None, []])
def test_a_wish_that_is_not_understood_is_refused(stop: Any) -> None:
    outs = made().feed(walk(30.0, stop=stop))
    assert [out.body for out in of(Answer, outs)] == [refused(why("stop_malformed", found=repr(stop)))]
    assert len(outs) == 1


def test_there_is_one_test_at_a_time_and_none_without_a_button() -> None:
    bench = begun()
    assert one(Answer, bench.feed(walk(30.0))).body == refused(why("walk_test_open"))
    assert one(OrderAnswered, bench.feed(order_test(31.0))).reason == "a walk test is under way"
    assert result(bench.until(620.0)).ended == "window"  # of the first
    assert one(Answer, part().feed(walk(30.0))).body == refused(why("walk_test_no_button"))


def test_the_next_test_begins_afresh() -> None:
    bench = begun(buttons=("button", "foot"))
    bench.feed(*hold(25.0), release(26.0), ack(27.0, OURS), walk(28.0, stop=True), walk(30.0))
    assert progress(bench) == {"open": True, "left_s": 600.0, "inputs": {"button": "untried", "foot": "untried"}}
    assert lamps(bench)[-1] == "test"
    bench.feed(*hold(31.0))
    assert trials(bench.all)[-1] == ("button", "raised")


# --- in doubt an alarm --------------------------------------------------------------------------------------------------------------


def test_a_hold_of_five_seconds_is_an_alarm_and_ends_the_test() -> None:
    bench = begun(buttons=("button", "foot"))
    bench.feed(*hold(25.0, held_s=5.0))
    assert reals(bench.all) == [("button", "raised")]
    assert trials(bench.all) == [("button", "raised"), ("button", "cleared")]
    assert result(bench.all) == SelfTest(what="walk_test", result="failed", ended="alarm", inputs={"button": "raised", "foot": "untried"})
    assert summary(bench) == "raised 1"
    assert [word for word in short(bench.all) if word.startswith("light")] == ["light response"]
    words = short(bench.all)
    assert words.index("raised") < words.index("selftest failed by alarm")


def test_a_press_that_began_before_the_window_is_an_alarm() -> None:
    bench = made()
    bench.feed(press(19.9, since=19.9), walk(20.0), held(20.4, since=19.9))
    assert reals(bench.all) == [("button", "raised")]
    other = made()
    other.feed(walk(20.0), *hold(20.0))
    assert trials(other.all) == [("button", "raised")]


def test_a_press_that_is_long_enough_only_after_the_window_is_an_alarm() -> None:
    bench = begun()
    bench.feed(*hold(619.6))
    assert reals(bench.all) == [("button", "raised")]


def test_a_hold_that_became_a_test_and_lasts_beyond_its_end_is_an_alarm_after_five_seconds() -> None:
    bench = begun()
    bench.feed(press(25.0), held(25.5), ack(26.0, OURS))
    assert summary(bench) == "none"
    bench.feed(held(30.0, 5.0), held(55.0, 30.0))
    assert reals([out for out in bench.all if isinstance(out, Reported) and not out.slot]) == [("button", "raised")]


def test_a_press_begun_in_one_test_and_still_held_in_the_next_is_not_lost() -> None:
    bench = begun()
    bench.feed(press(25.0), held(25.5), walk(26.0, stop=True), walk(27.0), held(30.0, 5.0))
    assert reals(bench.all) == [("button", "raised")]


@pytest.mark.parametrize(("hold_s", "touched"), [(3.0, False), (3.1, True), (5.0, True)])
def test_a_button_that_is_held_long_anyway_is_tested_by_a_touch(hold_s: float, touched: bool) -> None:
    bench = begun(panic_input(hold_s=hold_s))
    bench.feed(press(25.0))
    assert trials(bench.all) == [("button", "raised")] * touched
    bench.feed(held(25.0 + hold_s, hold_s), release(26.0 + hold_s))
    assert trials(bench.all)[:1] == [("button", "raised")]
    assert reals(bench.all) == [("button", "raised")] * (hold_s == 5.0)
    assert len([out for out in of(Reported, bench.all) if isinstance(out.record, Alarm) and not out.slot]) == (3 if hold_s == 5.0 else 1)


def test_a_long_hold_that_was_taken_for_a_test_is_an_alarm_when_the_window_is_over() -> None:
    bench = begun(panic_input(hold_s=4.0))
    bench.feed(press(617.0), held(621.0, 4.0))
    assert reals(bench.all) == [("button", "raised")]


def test_a_touch_is_no_alarm_and_without_a_test_nothing() -> None:
    bench = part(panic_input(hold_s=4.0))
    assert bench.feed(press(25.0)) == []
    assert bench.feed(release(26.0)) == []


def test_a_test_of_a_button_that_wants_two_presses_takes_two_presses() -> None:
    bench = begun(panic_input(press="twice"))
    bench.feed(press(25.0), release(25.2), press(26.0), held(26.5, since=26.0))
    assert trials(bench.all) == [("button", "raised")]

"""The panic part: what the lamp says, what a mode shows, the officer's wish, and the centre's word."""

import math
from typing import Any

import pytest

from agent.core.effects import Answer, Remember
from agent.core.events import AlarmChanged, LampAsked, Lane, LightsAsked, OrderAnswered, Remembered, Reported, ReportLeft
from agent.core.panic import Panic
from agent.core.part import Output
from agent.wire.records import Alarm
from agent.wire.whys import refused, why
from tests.core.builders import BOOT, Bench, link_up, of, one, release, spool_opened
from tests.core.panic_states import (
    ASKER,
    AT,
    OLDER,
    OURS,
    REMEMBERED,
    STATES,
    ack,
    acknowledged,
    cancel,
    cancel_action,
    clear,
    held,
    hold,
    latch,
    made,
    memory,
    quiet,
    raised,
    sent,
    short,
    silent,
    summary,
    two,
    walk,
)


def alarms(outs: list[Output]) -> list[Alarm]:
    """Records of alarms among what came out."""
    return [out.record for out in of(Reported, outs) if isinstance(out.record, Alarm)]


def told(bench: Bench, at: float = AT) -> dict[str, Any]:
    """What the unit knows of its alarms."""
    return bench.part.status(at)


# --- feedback -----------------------------------------------------------------------------------------------------------------------


def lamps(bench: Bench) -> list[str | None]:
    """What the lamp was to say, one after the other."""
    return [out.lamp for out in of(LampAsked, bench.all)]


def test_the_lamp_climbs_with_what_is_so() -> None:
    bench = raised()
    bench.feed(ReportLeft(20.6, OURS, True, True), ack(21.0, OURS, by="auto"), ack(22.0, OURS, "o-2", by="manual"))
    bench.feed(clear(23.0, OURS, "o-3"))
    assert lamps(bench) == ["raised", "sent", "received", "acknowledged", None]


def test_with_a_dead_disk_the_lamp_never_says_sent_but_what_the_centre_says_is_shown() -> None:
    bench = raised()
    bench.feed(ReportLeft(20.6, OURS, stored=False, acked=True))
    bench.until(400.0)
    assert lamps(bench) == ["raised"]
    bench.feed(ack(401.0, OURS, by="auto"), ack(402.0, OURS, "o-2"))
    assert lamps(bench) == ["raised", "received", "acknowledged"]


def test_without_a_link_the_lamp_never_says_sent() -> None:
    bench = raised()
    bench.feed(ReportLeft(20.6, OURS, stored=True, acked=False))
    bench.until(400.0)
    assert lamps(bench) == ["raised"]


@pytest.mark.parametrize("state", ["sent", "received", "acknowledged"])
def test_one_more_press_takes_the_lamp_back_and_it_waits_for_the_record_of_that_press(state: str) -> None:
    bench = STATES[state]()
    outs = bench.feed(held(AT))
    assert one(LampAsked, outs).lamp == "raised"
    seq = one(Reported, outs).seq
    assert short(bench.feed(ReportLeft(22.0, OURS, True, True))) == []
    assert short(bench.feed(ReportLeft(22.1, f"{BOOT}-{seq}", True, True))) == ["lamp sent"]


def test_of_several_alarms_the_lamp_says_the_worst() -> None:
    bench = two()
    bench.feed(ReportLeft(21.0, OURS, True, True))
    bench.feed(ack(21.1, OURS, by="auto"), ack(21.2, OURS, "o-2"))
    assert lamps(bench) == ["raised"]
    bench.feed(ReportLeft(21.3, f"{BOOT}-2", True, True))
    bench.feed(ack(21.4, OLDER, "o-3", by="auto"), ack(21.5, OLDER, "o-4"))
    assert lamps(bench) == ["raised", "sent", "received", "acknowledged"]


# --- modes --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "lights", "shown"),
    [
        ("overt", ["response", None], ["raised", "sent", "raised", "received", "acknowledged", None]),
        ("discreet", [], ["raised", "sent", "raised", "received", "acknowledged", None]),
        ("silent", [], []),
    ],
)
def test_a_mode_shows_what_it_may_and_no_more(mode: str, lights: list[str | None], shown: list[str | None]) -> None:
    bench = raised(mode)
    bench.feed(ReportLeft(20.6, OURS, True, True), link_up(20.7), held(22.5), cancel(22.9))
    bench.feed(ack(23.0, OURS, by="auto"), ack(23.1, OURS, "o-2"), clear(24.0, OURS, "o-3"))
    assert [out.show for out in of(LightsAsked, bench.all)] == lights
    assert lamps(bench) == shown
    assert {(out.mode, out.test) for out in of(AlarmChanged, bench.all)} == {(mode, False)}


def test_a_silent_alarm_that_comes_back_from_the_store_shows_nothing() -> None:
    outs = made().feed(spool_opened(1.0, memory(latch(mode="silent"))))
    assert short(outs) == ["remember 1", "repeated", "alarm raised"]


def test_the_light_of_an_overt_alarm_stays_while_another_is_live() -> None:
    bench = two()
    bench.feed(clear(21.0, OURS))
    assert [out.show for out in of(LightsAsked, bench.all)] == ["response"]
    bench.feed(clear(22.0, OLDER))
    assert [out.show for out in of(LightsAsked, bench.all)] == ["response", None]


def test_somebody_in_the_car_is_not_told_of_silent_alarms() -> None:
    bench = made("silent", overt=("foot",))
    bench.feed(*hold(10.0))
    panic = bench.part
    assert isinstance(panic, Panic)
    assert told(bench, 11.0) == {"state": "raised", "id": OURS, "n": 1, "age_s": 0.5, "live": 1}
    assert panic.shown(11.0) == {"state": "none"}
    bench.feed(*hold(12.0, "foot"), Remembered(12.6, REMEMBERED), release(13.0), held(14.0))
    assert panic.shown(15.0) == {"state": "raised", "id": f"{BOOT}-2", "n": 1, "age_s": 2.5, "live": 1}
    assert told(bench, 15.0)["live"] == 2


def test_somebody_in_the_car_is_told_only_of_stuck_buttons_that_are_not_silent() -> None:
    bench = made("silent", overt=("foot", "door"))
    panic = bench.part
    assert isinstance(panic, Panic)
    bench.feed(held(40.0, 30.0))
    assert panic.stuck_shown(50.0) is None
    bench.feed(held(41.0, 30.0, "foot"), held(42.0, 30.0, "door"), release(44.0))
    assert panic.stuck_shown(50.0) == {"code": "panic.stuck", "detail": "foot, door", "since_s": 8.0}
    bench.feed(release(45.0, "foot"))
    assert panic.stuck_shown(50.0) == {"code": "panic.stuck", "detail": "door", "since_s": 5.0}
    bench.feed(release(46.0, "door"))
    assert panic.stuck_shown(50.0) is None


# --- the officer's wish -------------------------------------------------------------------------------------------------------------


def test_the_officer_can_only_ask_for_a_cancel() -> None:
    bench = sent()
    outs = bench.feed(cancel(AT))
    reported = one(Reported, outs)
    assert reported.slot is None
    assert isinstance(reported.record, Alarm)
    assert (reported.record.state, reported.record.n, reported.record.id) == ("cancel_requested", 2, OURS)
    assert one(AlarmChanged, outs).state == "cancel_requested"
    assert told(bench)["state"] == "raised"
    assert of(LampAsked, outs) + of(LightsAsked, outs) == []
    assert [out.at for out in of(Reported, bench.until(25.0))] == [25.0]  # it repeats as before


def test_what_was_counted_for_the_wish_is_remembered() -> None:
    bench = sent()
    remember = one(Remember, bench.feed(cancel(AT)))
    assert remember.value is not None
    other = made()
    other.feed(spool_opened(1.0, {remember.name: remember.value}))
    assert told(other)["n"] > 2


def test_no_wish_reaches_a_silent_alarm() -> None:
    bench = silent()
    assert bench.feed(cancel(AT)) == []
    for body in ({}, {"alarm": OURS}):
        answer = one(Answer, bench.feed(cancel_action(AT, held_s=3.0, **body)))
        assert answer.body["error"].startswith("no live alarm")
    mixed = made("silent", overt=("foot",))
    mixed.feed(*hold(10.0), *hold(11.0, "foot"))
    assert [alarm.source for alarm in alarms(mixed.feed(cancel(12.0)))] == ["foot"]


def test_the_wish_can_be_taken_on_the_page_of_the_unit_and_is_answered_with_the_alarms_that_it_means() -> None:
    bench = two()
    outs = bench.feed(cancel_action(AT, held_s=3, alarm=OURS))
    assert [alarm.id for alarm in alarms(outs)] == [OURS]
    assert one(Answer, outs) == Answer(ASKER, {"cancel_requested": [OURS]})
    outs = bench.feed(cancel_action(AT, held_s=4.5))
    assert one(Answer, outs).body == {"cancel_requested": [OLDER, OURS]}


@pytest.mark.parametrize("held_s", [2.99, 0, -1, None, "3", True, [3], math.nan])
def test_a_wish_that_was_not_held_for_three_seconds_is_refused(held_s: Any) -> None:
    outs = raised().feed(cancel_action(AT, held_s=held_s))
    answer = one(Answer, outs)
    assert answer.asker == ASKER
    assert answer.body["error"] == f"expected held_s: for how many seconds it was held, 3 or more, found {held_s!r}"
    assert len(outs) == 1


@pytest.mark.parametrize("alarm", ["nobody's", 7, ["x"], {"a": 1}])
def test_a_wish_about_an_alarm_that_is_not_live_is_refused(alarm: Any) -> None:
    outs = raised().feed(cancel_action(AT, held_s=3, alarm=alarm))
    assert [out.body for out in of(Answer, outs)] == [refused(why("alarm_unknown", found=repr(alarm)))]
    assert len(outs) == 1
    assert one(Answer, quiet().feed(cancel_action(AT, held_s=3))).body == refused(why("alarm_none"))


# --- the centre's word --------------------------------------------------------------------------------------------------------------


def test_an_automatic_acknowledgement_changes_the_lamp_and_nothing_else() -> None:
    bench = sent()
    outs = bench.feed(ack(AT, OURS, by="auto"))
    assert short(outs) == ["remember 1", "order done", "lamp received"]
    assert [alarm.state for alarm in alarms(bench.until(25.0))] == ["repeated"]


def test_an_acknowledgement_that_a_press_has_crossed_is_refused_and_changes_nothing() -> None:
    bench = raised()
    bench.feed(held(21.0))  # n 2
    outs = bench.feed(ack(21.5, OURS, n=1))
    assert short(outs) == ["order failed"]
    assert one(OrderAnswered, outs).reason == "it was pressed again: that press is n 2, and what was seen is n 1"
    assert short(bench.feed(ack(21.6, OURS, n=1, by="auto"))) == ["order failed"]
    assert told(bench)["state"] == "raised"
    assert one(OrderAnswered, bench.feed(ack(21.7, OURS, n=2))).label == "done"


def test_an_acknowledgement_of_a_repeat_is_one_of_the_press_before_it() -> None:
    bench = raised()
    bench.until(25.0)  # n 2
    assert "acknowledged" in short(bench.feed(ack(25.1, OURS, n=1)))


@pytest.mark.parametrize("by", ["manual", "auto"])
def test_an_acknowledgement_of_what_was_never_said_is_refused_and_changes_nothing(by: str) -> None:
    bench = raised()
    bench.until(25.0)  # n 2
    outs = bench.feed(ack(25.1, OURS, n=3, by=by))
    assert short(outs) == ["order failed"]
    assert one(OrderAnswered, outs).reason == "n 3 was never said: the newest is n 2"
    assert one(OrderAnswered, bench.feed(ack(25.2, OURS, n=2, by=by))).label == "done"


def test_an_acknowledgement_of_what_a_test_alarm_never_said_is_refused() -> None:
    bench = made()
    bench.feed(walk(20.0), *hold(21.0))
    assert one(OrderAnswered, bench.feed(ack(22.0, OURS, n=2))).reason == "n 2 was never said: the newest is n 1"
    assert summary(bench) == "none test"


def test_an_acknowledgement_that_does_not_say_what_was_seen_is_taken() -> None:
    bench = raised()
    bench.feed(held(21.0))
    assert "acknowledged" in short(bench.feed(ack(21.5, OURS)))


@pytest.mark.parametrize("kind", ["ack", "clear"])
def test_an_order_about_an_unknown_alarm_is_told_which_are_live(kind: str) -> None:
    order = ack(AT, "nobody's") if kind == "ack" else clear(AT, "nobody's")
    answer = one(OrderAnswered, two().feed(order))
    assert (answer.order, answer.label, answer.reason) == ("o-1", "failed", f'no live alarm "nobody\'s"; live: {OLDER}, {OURS}')
    none = one(OrderAnswered, quiet().feed(order))
    assert none.reason == 'no live alarm "nobody\'s"; live: none'


def test_the_last_word_of_an_alarm_is_cleared_and_durable() -> None:
    bench = acknowledged()
    outs = bench.feed(clear(30.0, OURS))
    reported = one(Reported, outs)
    assert reported.slot is None
    assert isinstance(reported.record, Alarm)
    assert (reported.record.state, reported.record.n, reported.record.age_ms) == ("cleared", 3, 10_000)
    assert reported.record.reason == "officer safe"
    assert {out.record.reason for out in of(Reported, bench.all)[:-1] if isinstance(out.record, Alarm)} == {None}
    bench.feed(Remembered(30.1, REMEMBERED))
    assert bench.part.deadline == math.inf
    outs = bench.feed(held(40.0))
    assert one(Reported, outs).record.state == "raised"  # type: ignore[attr-defined]  # an Alarm, as above


def test_a_clear_that_a_later_press_has_crossed_is_refused_and_ends_nothing() -> None:
    """Seed 17 of the preset link: the broker's session held the order through an outage, in which the button was pressed again."""
    bench = acknowledged()
    bench.feed(held(AT))
    n = alarms(bench.all)[-1].n
    late = one(OrderAnswered, bench.feed(clear(AT + 1, OURS, n=n - 1)))
    assert (late.label, late.reason) == ("failed", f"it was pressed again: that press is n {n}, and what was seen is n {n - 1}")
    unsaid = one(OrderAnswered, bench.feed(clear(AT + 1, OURS, n=n + 1)))
    assert (unsaid.label, unsaid.reason) == ("failed", f"n {n + 1} was never said: the newest is n {n}")
    assert told(bench)["state"] == "raised"
    assert [(record.state, record.n) for record in alarms(bench.all)[-1:]] == [("repeated", n)], "the centre may not know of that press"
    assert one(OrderAnswered, bench.feed(clear(AT + 2, OURS, n=n))).label == "done"
    assert told(bench)["state"] == "none"


@pytest.mark.parametrize("by", ["manual", "auto"])
def test_an_older_acknowledgement_that_comes_after_the_one_that_counts_is_no_failure(by: str) -> None:
    """Seed 98 of the preset link: the broker's session held two, and a centre that hears `failed` gives the alarm up."""
    bench = raised()
    bench.feed(held(AT))
    n = alarms(bench.all)[-1].n
    assert one(OrderAnswered, bench.feed(ack(AT + 1, OURS, "o-1", n=n))).label == "done"
    assert one(OrderAnswered, bench.feed(ack(AT + 2, OURS, "o-2", n=1, by=by))).label == "done"
    assert told(bench)["state"] == "acknowledged"


def test_a_clear_that_names_an_older_press_is_answered_with_the_alarm_as_it_is() -> None:
    """The centre has seen the newest press and means the one before: it is told again, in the slot of that alarm, and stays."""
    bench = raised()
    bench.feed(held(AT))
    n = alarms(bench.all)[-1].n
    bench.feed(ack(AT + 1, OURS, n=n))
    outs = bench.feed(clear(AT + 2, OURS, n=n - 1))
    assert one(OrderAnswered, outs).label == "failed"
    again = one(Reported, outs)
    assert [record.state for record in alarms(outs)] == ["acknowledged"]
    assert (again.lane, again.slot) == (Lane.ALARM, f"alarm {OURS}")
    assert told(bench)["state"] == "acknowledged"


def test_whatever_is_said_of_an_alarm_goes_the_way_of_alarms() -> None:
    bench = raised()
    bench.feed(cancel(AT), ack(AT + 1, OURS), clear(AT + 2, OURS))
    assert {record.state for record in alarms(bench.all)} >= {"raised", "cancel_requested", "acknowledged", "cleared"}
    assert {out.lane for out in of(Reported, bench.all) if isinstance(out.record, Alarm)} == {Lane.ALARM}

"""The panic part: buttons, repeats, modes, and what must hold of any story."""

import itertools
import math

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.effects import Remember
from agent.core.events import (
    AlarmChanged,
    FaultSeen,
    InputChanged,
    LampAsked,
    LightsAsked,
    LinkUp,
    OrderGiven,
    Remembered,
    Reported,
    ReportLeft,
    SpoolOpened,
    TimeLearned,
)
from agent.core.panic import MEMORY, REPEAT_AFTER_S, STUCK_AFTER_S, Panic
from agent.wire.records import Alarm
from tests.core.builders import (
    BOOT,
    UTC_MS,
    Bench,
    link_up,
    of,
    one,
    order,
    press,
    release,
    spool_opened,
)
from tests.core.panic_states import (
    AT,
    HERE,
    OLDER,
    OURS,
    STATES,
    acknowledged,
    latch,
    made,
    memory,
    raised,
    sent,
    short,
    stuck,
    two,
)

# --- the button ---------------------------------------------------------------------------------------------------------------------


def test_a_button_held_for_its_time_raises_exactly_then() -> None:
    bench = made()
    bench.feed(press(10.03, since=10.0))
    assert bench.until(10.499) == []
    outs = bench.until(10.5)
    assert short(outs) == ["remember 1", "raised", "alarm raised", "light response", "lamp raised"]
    reported = one(Reported, outs)
    assert (reported.at, reported.slot, reported.seq) == (10.5, None, 1)
    alarm = reported.record
    assert isinstance(alarm, Alarm)
    assert (alarm.id, alarm.source, alarm.n, alarm.age_ms, alarm.at_boot, alarm.pos) == (OURS, "button", 1, 0, None, HERE)
    assert alarm.since == UTC_MS + 10_500


def test_a_button_let_go_sooner_raises_nothing() -> None:
    bench = made()
    bench.feed(press(10.0), release(10.49))
    assert bench.until(1000.0) == []
    assert bench.part.deadline == math.inf


def test_a_press_is_timed_from_when_the_line_went_down_but_never_in_the_past() -> None:
    bench = made()
    bench.feed(press(10.0, since=2.0))
    assert one(Reported, bench.until(10.0)).at == 10.0


def test_a_button_that_is_down_when_the_agent_starts_raises_and_says_so() -> None:
    bench = made()
    bench.feed(press(10.0, first=True))
    alarm = one(Reported, bench.until(10.5)).record
    assert isinstance(alarm, Alarm)
    assert alarm.at_boot is True
    raised_again = made()
    raised_again.feed(press(10.0, first=True), release(10.2), press(11.0))
    later = one(Reported, raised_again.until(11.5)).record
    assert isinstance(later, Alarm)
    assert later.at_boot is None


def test_a_button_is_stuck_after_its_time_and_the_alarm_stands() -> None:
    bench = made()
    bench.feed(press(10.0))
    bench.until(10.0 + STUCK_AFTER_S - 0.001)
    assert of(FaultSeen, bench.all) == []
    bench.until(10.0 + STUCK_AFTER_S)
    fault = one(FaultSeen, bench.all)
    assert (fault.code, fault.active, fault.at) == ("panic.stuck", True, 10.0 + STUCK_AFTER_S)
    assert "button" in fault.detail
    assert bench.part.status(50.0)["state"] == "raised"


def test_a_stuck_button_is_called_so_once() -> None:
    bench = stuck()
    bench.until(500.0)
    assert len(of(FaultSeen, bench.all)) == 1


@pytest.mark.parametrize("state", ["raised", "sent", "acknowledged", "two"])
def test_a_press_while_an_alarm_is_live_is_one_more_durable_record_of_the_newest(state: str) -> None:
    bench = STATES[state]()
    n = bench.part.status(AT)["n"]
    live = bench.part.status(AT)["live"]
    bench.feed(press(AT))
    outs = bench.until(AT + 0.5)
    assert short(outs) == [f"remember {live}", "repeated", "alarm raised", "light response", "lamp raised"]
    alarm = one(Reported, outs).record
    assert isinstance(alarm, Alarm)
    assert (alarm.id, alarm.n) == (OURS, n + 1)


def test_after_one_more_press_the_lamp_waits_for_the_record_of_that_press() -> None:
    bench = sent()
    bench.feed(press(AT))
    outs = bench.until(AT + 0.5)
    seq = one(Reported, outs).seq
    assert short(bench.feed(ReportLeft(22.0, OURS, True, True))) == []
    assert short(bench.feed(ReportLeft(22.1, f"{BOOT}-{seq}", True, True))) == ["lamp sent"]


def test_a_press_of_a_second_button_is_an_alarm_of_its_own_so_that_a_silent_or_stuck_one_hides_nobody() -> None:
    bench = made(mode="silent", buttons=("button",), overt=("foot",))
    bench.feed(press(10.0), press(11.0, "foot"))
    bench.until(11.5)
    records = [out.record for out in of(Reported, bench.all)]
    assert [(r.source, r.mode, r.state) for r in records if isinstance(r, Alarm)] == [
        ("button", "silent", "raised"),
        ("foot", "overt", "raised"),
    ]
    assert of(LightsAsked, bench.all)[-1].show == "response"
    bench.feed(release(12.0), press(13.0))
    bench.until(13.5)
    again = of(Reported, bench.all)[-1].record
    assert isinstance(again, Alarm)
    assert (again.id, again.source, again.state) == (OURS, "button", "repeated")


def test_two_buttons_that_are_due_at_one_moment_are_both_heard() -> None:
    bench = made(buttons=("button", "foot"))
    bench.feed(press(10.0), press(10.0, "foot"))
    assert [word for word in short(bench.until(10.5)) if word in ("raised", "repeated")] == ["raised", "raised"]


# --- repeating ----------------------------------------------------------------------------------------------------------------------


def test_an_alarm_repeats_every_5_s_then_15_then_60_and_never_stops() -> None:
    bench = raised()
    bench.until(20.0 + 60 + 300 + 3600)
    times = [out.at for out in of(Reported, bench.all)]
    waits = [round(b - a, 6) for a, b in itertools.pairwise(times)]
    assert waits[:12] == [5.0] * 12
    assert waits[12:32] == [15.0] * 20
    assert set(waits[32:]) == {60.0}
    assert len(waits) == 12 + 20 + 60
    assert REPEAT_AFTER_S[-1] == 60.0


def test_repeats_are_volatile_and_share_the_slot_of_their_alarm() -> None:
    bench = two()
    outs = of(Reported, bench.until(26.0))
    assert {out.slot for out in outs} == {f"alarm {OURS}", f"alarm {OLDER}"}
    assert all(out.seq is None for out in outs)


def test_records_of_an_alarm_are_counted_without_a_hole() -> None:
    bench = raised()
    bench.feed(press(30.0), release(31.0), order(40.0, "alarm.ack", OURS), order(60.0, "alarm.clear", OURS))
    counts = [out.record.n for out in of(Reported, bench.all) if isinstance(out.record, Alarm)]
    assert counts == list(range(1, len(counts) + 1))


def test_an_acknowledged_alarm_is_quiet_until_the_next_press_begins_its_repeats_anew() -> None:
    bench = acknowledged()
    assert bench.until(500.0) == []
    bench.feed(press(500.0), release(501.0))
    bench.feed(Remembered(501.1, (MEMORY,)))
    assert [out.at for out in of(Reported, bench.until(511.0))] == [505.5, 510.5]


def test_a_repeat_carries_the_position_of_its_moment_and_its_age() -> None:
    bench = raised()
    alarm = one(Reported, bench.until(25.0)).record
    assert isinstance(alarm, Alarm)
    assert (alarm.pos, alarm.age_ms, alarm.since) == (HERE, 5000, UTC_MS + 20_000)


def test_after_minutes_of_repeating_one_more_press_makes_the_repeats_quick_again() -> None:
    bench = raised()
    bench.feed(press(200.0), release(201.0))
    bench.until(212.0)
    assert [out.at for out in of(Reported, bench.all)][-3:] == [200.5, 205.5, 210.5]


# --- modes --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "light", "lamps"),
    [
        ("overt", "response", {"raised", "sent", "acknowledged"}),
        ("discreet", None, {"raised", "sent", "acknowledged"}),
        ("silent", None, {None}),
    ],
)
def test_a_mode_shows_what_it_may_and_no_more(mode: str, light: str | None, lamps: set[str | None]) -> None:
    bench = raised(mode)
    bench.feed(ReportLeft(20.6, OURS, True, True), link_up(20.7), press(22.0), order(23.0, "alarm.ack", OURS))
    assert {out.show for out in of(LightsAsked, bench.all)} == {light}
    assert {out.lamp for out in of(LampAsked, bench.all)} == lamps
    assert all(out.mode == mode for out in of(AlarmChanged, bench.all))


def test_a_silent_alarm_that_comes_back_from_the_store_shows_nothing() -> None:
    bench = made()
    outs = bench.feed(spool_opened(1.0, memory(latch(mode="silent"))))
    assert one(LightsAsked, outs).show is None
    assert one(LampAsked, outs).lamp is None


# --- any story ----------------------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["press", "release", "left", "stored", "ack", "clear", "opened", "older", "remembered", "up", "wait"]),
        st.floats(0.01, 20.0),
    ),
    max_size=40,
)


def _take(bench: Bench, step: str, at: float, last: str, alarm: str, store: dict[str, bytes]) -> None:
    """One step of a story. `last`: the newest durable record; `alarm`: one that is live; `store`: what is remembered."""
    match step:
        case "press":
            bench.feed(press(at))
        case "release":
            bench.feed(release(at))
        case "left":
            bench.feed(ReportLeft(at, last, True, True))
        case "stored":
            bench.feed(ReportLeft(at, last, True, False))
        case "ack" | "clear":
            bench.feed(order(at, f"alarm.{step}", alarm))
        case "opened":
            bench.feed(SpoolOpened(at, {}, dict(store)))
        case "older":
            bench.feed(SpoolOpened(at, {}, memory(latch())))
        case "remembered":
            bench.feed(Remembered(at, (MEMORY,)))
        case "up":
            bench.feed(link_up(at))
        case _:
            bench.until(at)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_no_story_makes_the_lamp_lie_or_ends_an_alarm_without_the_centre(
    steps: list[tuple[str, float]],
) -> None:
    bench = made()
    at, awaited, left, live, store = 0.0, "", set[str](), set[str](), dict[str, bytes]()
    newest: dict[str, str] = {}
    for step, wait in steps:
        at += wait
        last = f"{BOOT}-{max((out.seq or 0 for out in of(Reported, bench.all)), default=0)}"
        alarm = next(iter(sorted(live)), OURS)
        before = len(bench.all)
        left |= {last} if step == "left" else set()
        _take(bench, step, at, last, alarm, store)
        for out in bench.all[before:]:
            match out:
                case Reported(record=Alarm(id=name, state="raised" | "repeated"), seq=int(seq)):
                    live.add(name)
                    newest[name] = f"{BOOT}-{seq}"
                case Reported(record=Alarm(id=name, state="cleared")):
                    assert step == "clear"
                    live.discard(name)
                case Reported(record=Alarm(state="acknowledged")):
                    assert step == "ack"
                case Remember(value=value):
                    store = {} if value is None else {MEMORY: value}
                    ids = [found["id"] for found in msgpack.unpackb(value)] if value else []
                    awaited = ids[-1] if ids else ""
                case LampAsked(lamp="sent"):
                    assert any(name in left for name in newest.values()), f"{awaited} has not left"
    assert bench.part.status(at).get("live", 0) == len(live)
    if "clear" not in [step for step, _ in steps] and live:
        assert bench.part.status(at)["state"] != "none"


def test_every_listened_event_is_known_by_its_type() -> None:
    assert set(Panic.listens) == {InputChanged, OrderGiven, SpoolOpened, Remembered, ReportLeft, TimeLearned, LinkUp}

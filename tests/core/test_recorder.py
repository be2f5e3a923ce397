"""The recorder: idle or waiting for the outputs' word × every event; what is marked, and what never is."""

import math
from typing import Any

import pytest

from agent.config import Input, InputUse
from agent.config import Output as OutputConfig
from agent.config import Recorder as RecorderConfig
from agent.core.effects import PulseOutput
from agent.core.events import (
    AlarmChanged,
    Event,
    LightsShown,
    OrderAnswered,
    OrderGiven,
    OutputFailed,
    OutputPulsed,
    Reported,
    StopRequested,
)
from agent.core.part import Output
from agent.core.recorder import ASK_AGAIN_S, ASKS_MAX, NO_RECORDER, SAME_S, WAITING_MAX, Recorder
from agent.core.timebase import Timebase
from agent.wire.records import Media, Pos
from tests.core.builders import UTC_MS, Bench, assert_covers, of, one, told_time, types

LINE = OutputConfig(id="mark", use="recorder_mark", pin=12)
SECOND = OutputConfig(id="mark_2", use="recorder_mark", pin=16)
ALIVE = Input(id="recorder", use=InputUse.RECORDER_ALIVE, pin=20)
HERE = Pos(lat=36.62, lon=101.78, mode="3d", src="gnss", age_ms=0)
PULSE = PulseOutput("mark", 500)


class Stage:
    """What the lights show, and who asked for it."""

    def __init__(self) -> None:
        self.winner: tuple[str, str | None] = ("off", None)

    def __call__(self) -> tuple[str, str | None]:
        """As Lights.winner."""
        return self.winner


def bench(
    *outputs: OutputConfig, inputs: tuple[Input, ...] = (), time: Timebase | None = None, stage: Stage | None = None, **facts: Any
) -> Bench:
    """A recorder on those lines."""
    return Bench(Recorder(RecorderConfig(**facts), inputs, outputs, stage or Stage(), time or told_time(), lambda _: HERE))


def alarm(at: float, state: str = "raised", mode: str = "overt", name: str = "a-1", test: bool = False) -> AlarmChanged:
    return AlarmChanged(at, name, state, mode, test)


def order(at: float, name: str = "o-1") -> OrderGiven:
    return OrderGiven(at, name, "mark", {})


def media(outs: list[Output]) -> list[Media]:
    """The pointers among them."""
    return [r.record for r in of(Reported, outs) if isinstance(r.record, Media)]


def idle() -> Bench:
    return bench(LINE)


def waiting() -> Bench:
    made = bench(LINE)
    made.feed(alarm(9.5))
    return made


STATES = {"idle": idle, "waiting": waiting}
TABLE: list[tuple[str, Event, list[str], float]] = [
    ("idle", alarm(10.0, name="b"), ["PulseOutput"], 11.0),
    ("idle", LightsShown(10.0, {}), [], math.inf),
    ("idle", order(10.0), ["PulseOutput"], 11.0),
    ("idle", OutputPulsed(10.0, "mark"), [], math.inf),
    ("idle", OutputFailed(10.0, "mark", "short"), [], math.inf),
    ("idle", StopRequested(10.0, "SIGTERM"), [], math.inf),
    ("waiting", alarm(10.0, name="b"), ["PulseOutput"], 11.0),
    ("waiting", LightsShown(10.0, {}), [], 10.5),
    ("waiting", order(10.0), ["PulseOutput"], 11.0),
    ("waiting", OutputPulsed(10.0, "mark"), ["Reported"], math.inf),
    ("waiting", OutputFailed(10.0, "mark", "short"), [], 10.5),
    ("waiting", StopRequested(10.0, "SIGTERM"), ["Reported"], math.inf),
]


@pytest.mark.parametrize(("state", "event", "expected", "deadline"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, expected: list[str], deadline: float) -> None:
    made = STATES[state]()
    assert types(made.feed(event)) == expected
    assert made.part.deadline == deadline


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Recorder, STATES, ((state, type(event)) for state, event, *_ in TABLE))


def test_an_alarm_is_marked_and_pointed_to_once_the_line_was_pulsed() -> None:
    made = bench(LINE, name="front", pulse_s=0.8, before_s=10, after_s=20)
    assert made.feed(alarm(100.0)) == [PulseOutput("mark", 800)]
    report = one(Reported, made.feed(OutputPulsed(100.01, "mark")))
    assert (report.at, report.slot) == (100.0, None)
    assert report.record == Media(
        recorder="front",
        cause="panic",
        marked=True,
        from_mono=90_000,
        to_mono=120_000,
        start=UTC_MS + 90_000,
        end=UTC_MS + 120_000,
        alarm="a-1",
        pos=HERE,
    )
    assert made.part.deadline == math.inf


def test_a_boot_that_is_younger_than_the_time_before_begins_at_its_clocks_zero() -> None:
    made = bench(inputs=(ALIVE,), before_s=60, after_s=0)
    (found,) = media(made.feed(alarm(10.0)))
    assert (found.from_mono, found.to_mono, found.start, found.end) == (0, 10_000, UTC_MS, UTC_MS + 10_000)


def test_without_a_clock_the_pointer_has_the_monotonic_one_only() -> None:
    (found,) = media(bench(inputs=(ALIVE,), time=Timebase()).feed(alarm(100.0)))
    assert (found.start, found.end, found.from_mono) == (None, None, 40_000)


def test_outputs_that_do_not_answer_are_asked_again_and_then_the_pointer_goes_unmarked() -> None:
    made = idle()
    made.feed(order(10.0))
    outs = made.until(10.0 + ASKS_MAX * ASK_AGAIN_S)
    assert of(PulseOutput, made.all) == [PULSE] * ASKS_MAX
    assert [found.marked for found in media(outs)] == [False]
    answer = one(OrderAnswered, outs)
    assert (answer.label, answer.reason, answer.result) == ("failed", "the outputs do not answer", {"marked": False})
    assert made.until(1000.0) == []


def test_a_line_that_fails_is_asked_again_and_the_reason_is_told() -> None:
    made = idle()
    made.feed(order(10.0), OutputFailed(10.01, "mark", "GPIO12: busy"))
    answer = one(OrderAnswered, made.until(20.0))
    assert (answer.label, answer.reason) == ("failed", "GPIO12: busy")


def test_a_line_that_answers_late_is_marked() -> None:
    made = idle()
    made.feed(alarm(10.0), OutputFailed(10.01, "mark", "busy"))
    made.until(12.5)
    assert [found.marked for found in media(made.feed(OutputPulsed(12.6, "mark")))] == [True]
    assert made.until(100.0) == []


def test_of_two_recorders_both_are_pulsed_and_only_the_missing_one_is_asked_again() -> None:
    made = bench(LINE, SECOND)
    assert made.feed(alarm(10.0)) == [PULSE, PulseOutput("mark_2", 500)]
    assert made.feed(OutputPulsed(10.1, "mark")) == []
    assert made.until(11.0) == [PulseOutput("mark_2", 500)]
    assert [found.marked for found in media(made.feed(OutputPulsed(11.1, "mark_2")))] == [True]


def test_marks_that_wait_together_are_pointed_to_together() -> None:
    made = idle()
    made.feed(alarm(10.0), order(10.2))
    outs = made.feed(OutputPulsed(10.3, "mark"))
    assert [(found.cause, found.alarm, found.order) for found in media(outs)] == [("panic", "a-1", None), ("order", None, "o-1")]
    assert (one(OrderAnswered, outs).label, one(OrderAnswered, outs).result) == ("done", {"marked": True})


def test_more_marks_than_can_wait_are_pointed_to_unmarked() -> None:
    made = idle()
    for n in range(WAITING_MAX):
        assert media(made.feed(order(10.0 + n / 100, f"o-{n}"))) == []
    outs = made.feed(order(10.9, "o-last"))
    assert [found.marked for found in media(outs)] == [False]
    assert one(OrderAnswered, outs).label == "failed"
    assert len(media(made.feed(OutputPulsed(10.91, "mark")))) == WAITING_MAX


def test_a_silent_alarm_has_its_pointer_and_changes_nothing_in_the_car() -> None:
    outs = idle().feed(alarm(10.0, mode="silent"))
    assert types(outs) == ["Reported"]
    assert [(found.marked, found.alarm) for found in media(outs)] == [(False, "a-1")]


def test_a_silent_alarm_is_marked_when_the_config_says_so() -> None:
    assert bench(LINE, mark_silent=True).feed(alarm(10.0, mode="silent")) == [PULSE]


def test_while_a_silent_alarm_is_live_an_order_marks_nothing() -> None:
    made = idle()
    made.feed(alarm(10.0, mode="silent"), alarm(11.0, "acknowledged", "silent"))
    outs = made.feed(order(12.0))
    assert types(outs) == ["Reported", "OrderAnswered"]
    assert one(OrderAnswered, outs).label == "failed"
    assert "silent alarm" in (one(OrderAnswered, outs).reason or "")
    made.feed(alarm(13.0, "cleared", "silent"))
    assert made.feed(order(14.0, "o-2")) == [PULSE]


def test_a_discreet_alarm_is_marked() -> None:
    assert idle().feed(alarm(10.0, mode="discreet")) == [PULSE]


def test_a_test_alarm_is_not_marked() -> None:
    assert idle().feed(alarm(10.0, test=True)) == []


@pytest.mark.parametrize("state", ["repeated", "acknowledged", "cancel_requested", "cleared"])
def test_only_a_raised_alarm_is_marked(state: str) -> None:
    assert idle().feed(alarm(10.0, state)) == []


def test_a_press_soon_after_is_in_the_same_pictures_and_a_later_one_is_marked_anew() -> None:
    made = idle()
    made.feed(alarm(10.0), OutputPulsed(10.1, "mark"))
    assert made.feed(alarm(10.0 + SAME_S - 1)) == []
    assert made.feed(alarm(10.0 + SAME_S)) == [PULSE]
    assert made.feed(alarm(10.1 + SAME_S, name="another")) == [PULSE]


def test_a_show_of_lights_is_marked_when_it_becomes_response_and_the_config_names_it() -> None:
    stage = Stage()
    made = bench(LINE, stage=stage, mark_on=("lights",))
    assert made.feed(LightsShown(10.0, {})) == []
    stage.winner = ("response", "hand")
    assert made.feed(LightsShown(11.0, {})) == [PULSE]
    assert [found.cause for found in media(made.feed(OutputPulsed(11.1, "mark"), LightsShown(12.0, {})))] == ["lights"]
    stage.winner = ("cruise", "cruise")
    made.feed(LightsShown(80.0, {}))
    stage.winner = ("response", "remote")
    assert made.feed(LightsShown(81.0, {})) == [PULSE]


def test_lights_are_not_marked_unless_the_config_names_them() -> None:
    stage = Stage()
    stage.winner = ("response", "hand")
    assert bench(LINE, stage=stage).feed(LightsShown(11.0, {})) == []


def test_the_lights_of_an_alarm_are_marked_once() -> None:
    stage = Stage()
    made = bench(LINE, stage=stage, mark_on=("panic", "lights"))
    made.feed(alarm(10.0))
    stage.winner = ("response", "panic")
    assert made.feed(LightsShown(10.01, {})) == []
    alone = bench(LINE, stage=stage, mark_on=("lights",))
    assert alone.feed(LightsShown(10.01, {})) == [PULSE]


def test_a_recorder_without_a_mark_line_is_pointed_to() -> None:
    made = bench(inputs=(ALIVE,))
    assert [found.marked for found in media(made.feed(alarm(10.0)))] == [False]
    outs = made.feed(order(11.0))
    assert [found.marked for found in media(outs)] == [False]
    assert (one(OrderAnswered, outs).label, one(OrderAnswered, outs).result) == ("done", {"marked": False})


def test_without_a_recorder_nothing_is_said_but_to_who_orders() -> None:
    stage = Stage()
    stage.winner = ("response", "hand")
    made = bench(stage=stage, mark_on=("panic", "lights", "order"))
    assert made.feed(alarm(10.0), LightsShown(10.1, {})) == []
    answer = one(OrderAnswered, made.feed(order(11.0)))
    assert (answer.label, answer.reason) == ("failed", NO_RECORDER)


def test_an_order_that_the_config_does_not_name_fails_with_the_reason() -> None:
    outs = bench(LINE, mark_on=("panic",)).feed(order(11.0))
    assert types(outs) == ["OrderAnswered"]
    assert one(OrderAnswered, outs).reason == 'recorder.mark_on does not name "order"'


def test_an_end_in_order_lets_waiting_pointers_go() -> None:
    made = idle()
    made.feed(order(10.0))
    outs = made.feed(StopRequested(10.2, "SIGTERM"))
    assert [found.marked for found in media(outs)] == [False]
    assert one(OrderAnswered, outs).label == "failed"

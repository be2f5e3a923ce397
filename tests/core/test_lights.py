"""The lights and their outputs: all states × all events, what is asked of the outputs, and what is told of them."""

import math

import pytest

from agent.config import Output as OutputConfig
from agent.core.effects import ShowLights
from agent.core.events import (
    Event,
    FaultSeen,
    LampAsked,
    LightsAsked,
    LightsShed,
    LightsShown,
    LightsTurned,
    OutputFailed,
    OutputTried,
    ReminderAsked,
    Started,
)
from agent.core.lights import ROWS, Lights
from agent.core.shows import Shows
from tests.core.builders import Bench, assert_covers, of, one, types
from tests.core.light_states import (
    ASKS,
    CRUISE,
    DARK,
    OUTPUTS,
    PLAYED,
    RESPONSE,
    SCENE,
    STATES,
    answered,
    asked,
    lights,
    made,
    played,
    silent,
    turned,
    unanswered,
)

AT = 10.0
LIT = {"off": {}, "cruise": {"bar"}, "response": {"bar"}, "scene": {"bar", "scene"}, "dark_approach": {}}
SHOW_OF = {state: "off" if ask is None else ask[1] for state, ask in ASKS.items()}


def ruled(*asks: tuple[str, str]) -> str:
    """What has the lights, told in another way than the code does: from the top; remote only if it darkens nothing below it."""
    for i, row in enumerate(ROWS):
        show = next((show for by, show in asks if by == row), None)
        if show is None:
            continue
        below = ruled(*(ask for ask in asks if ROWS.index(ask[0]) > i))
        if row != "remote" or set(LIT[below]) <= set(LIT[show]):
            return show
    return "off"


def wish(state: str, by: str, show: str | None) -> tuple[str, Event, dict[str, str] | None, str]:
    """What a state answers when that row asks, or gives up."""
    held = ASKS[state]
    others = [held] if held is not None and held[0] != by else []
    then = ruled(*others, *([(by, show)] if show is not None else []))
    same = (held == (by, show)) or (show is None and (held is None or held[0] != by))
    return state, LightsAsked(AT, by, show), None if same else PLAYED[then], then


def shown(state: str) -> dict[str, str]:
    """What its outputs ought to play."""
    return PLAYED[SHOW_OF[state]]


def same(event: Event, asks: bool = False, **others: str) -> list[tuple[str, Event, dict[str, str] | None, str]]:
    """The show stays in every state; with `asks` the outputs are asked for it, with these other patterns."""
    return [(state, event, shown(state) | others if asks else None, SHOW_OF[state]) for state in STATES]


TABLE: list[tuple[str, Event, dict[str, str] | None, str]] = [
    *(wish(state, by, show) for state in STATES for by in ROWS for show in ("cruise", "response", "scene", "off", None)),
    *(wish(state, by, "dark_approach") for state in STATES for by in ("hand", "task")),
    *same(Started(AT), asks=True),
    *same(LampAsked(AT, None)),
    *same(LampAsked(AT, "raised"), asks=True, lamp="raised"),
    *same(ReminderAsked(AT, None)),
    *same(ReminderAsked(AT, "dark_approach"), asks=True, buzzer="reminder"),
    *((state, OutputTried(AT, "blue"), DARK | {"blue": "on"}, SHOW_OF[state]) for state in STATES),
    *((state, OutputTried(AT, "lamp"), DARK | {"lamp": "on"}, SHOW_OF[state]) for state in STATES),
    *((state, OutputTried(AT, show="response"), RESPONSE, SHOW_OF[state]) for state in STATES),
    *((state, OutputTried(AT, show="off"), DARK, SHOW_OF[state]) for state in STATES),
    *same(OutputTried(AT), asks=True),
    *same(LightsShed(AT, ("scene",)), asks=True, work="off"),
    *same(LightsShed(AT, ("bar", "scene")), asks=True, red="off", blue="off", work="off"),
    *((state, LightsShown(AT, shown(state)), None, SHOW_OF[state]) for state in STATES),
    *same(LightsShown(AT, {"red": "other"})),
    *same(OutputFailed(AT, "red", "gone")),
    *same(OutputFailed(AT, "lamp", "gone")),
]


@pytest.mark.parametrize(("state", "event", "played_then", "show"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, played_then: dict[str, str] | None, show: str) -> None:
    bench = STATES[state]()
    assert lights(bench).status(AT)["show"] == SHOW_OF[state]
    assert played(bench.part.handle(event)) == played_then
    assert lights(bench).status(AT)["show"] == show


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Lights, STATES, ((state, type(event)) for state, event, _, _ in TABLE))


# --- the outputs ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_right_answer_ends_the_asking_for_ten_seconds(state: str) -> None:
    bench = STATES[state]()
    outs = bench.feed(LightsShown(AT, shown(state)))
    assert [(out.code, out.active) for out in of(FaultSeen, outs)] == ([("lights.output", False)] if state in ("silent", "failed") else [])
    assert bench.part.deadline == AT + 10.0
    assert of(ShowLights, bench.until(AT + 9.999)) == []
    assert played(bench.until(AT + 10.0)) == shown(state)
    assert bench.part.deadline == AT + 11.0


@pytest.mark.parametrize("state", STATES)
def test_a_wrong_answer_does_not_end_it(state: str) -> None:
    bench = STATES[state]()
    assert of(FaultSeen, bench.feed(LightsShown(AT, {"red": "other"}))) == []
    assert of(ShowLights, bench.until(AT + 1.0))


def test_outputs_that_do_not_answer_are_asked_each_second_and_called_faulty_once_after_three() -> None:
    bench = made()
    outs = bench.until(2.99)
    assert (len(of(ShowLights, outs)), of(FaultSeen, outs)) == (2, [])
    fault = one(FaultSeen, bench.until(10.0))
    assert (fault.code, fault.active, fault.at) == ("lights.output", True, 3.0)
    assert str(fault.detail) == f"asked for {DARK}, they play nothing"
    assert [out for out in types(bench.all) if out == "ShowLights"] == ["ShowLights"] * 11


def test_the_fault_says_what_was_asked_and_what_they_said_last() -> None:
    assert str(one(FaultSeen, silent().all).detail) == f"asked for {RESPONSE}, they play {DARK}"


def test_outputs_that_hang_later_are_found_by_the_next_look() -> None:
    bench = answered(asked("panic", "response"))
    fault = one(FaultSeen, bench.until(30.0))
    assert fault.at == 9.9 + 10.0 + 3.0
    assert lights(bench).showing() is None


def test_who_answers_each_look_is_never_faulty() -> None:
    bench = answered(asked("panic", "response"))
    for at in (19.95, 29.95, 39.95):
        bench.feed(LightsShown(at, RESPONSE))
    assert of(FaultSeen, bench.all) == []


def test_an_output_that_fails_later_is_asked_again_until_it_plays() -> None:
    bench = answered()
    outs = bench.feed(OutputFailed(10.0, "red", "no such pin"))
    fault = one(FaultSeen, outs)
    assert (fault.at, fault.code, fault.active, fault.detail) == (10.0, "lights.output", True, "red: no such pin")
    later = bench.until(14.5)
    assert of(FaultSeen, later) == []
    assert len(of(ShowLights, later)) == 4
    recovered = bench.feed(LightsShown(14.6, DARK))
    assert [(out.code, out.active) for out in of(FaultSeen, recovered)] == [("lights.output", False)]
    assert of(FaultSeen, bench.feed(LightsShown(14.7, DARK))) == []


def test_the_fault_names_all_outputs_that_fail_and_no_more_what_plays_again() -> None:
    bench = answered()
    bench.feed(OutputFailed(10.0, "red", "gone"))
    assert one(FaultSeen, bench.feed(OutputFailed(10.1, "lamp", "cut"))).detail == "red: gone; lamp: cut"
    bench.feed(LightsShown(10.2, {name: "off" for name in DARK if name != "lamp"}))
    assert one(FaultSeen, bench.feed(OutputFailed(11.0, "lamp", "cut"))).detail == "lamp: cut"


def test_outputs_that_go_their_own_way_are_asked_back() -> None:
    bench = answered()
    bench.feed(LightsShown(10.0, RESPONSE))
    assert played(bench.until(11.0)) == DARK
    assert bench.part.status(11.0)["shown"] == RESPONSE


def test_an_answer_to_an_earlier_wish_does_not_end_the_asking() -> None:
    bench = answered()
    bench.feed(asked("panic", "response", 10.0), LightsShown(10.1, DARK))
    assert bench.part.deadline == 11.0
    assert played(bench.until(11.0)) == RESPONSE


def test_what_other_outputs_play_is_nobodys_business() -> None:
    bench = made()
    bench.feed(LightsShown(0.5, DARK | {"mark": "whatever"}))
    assert bench.part.deadline == 10.5


def test_the_mark_of_the_recorder_is_never_part_of_a_show() -> None:
    assert "mark" not in (played(made().all) or {})


def test_a_unit_without_outputs_asks_nothing_and_shows_nothing() -> None:
    bench = made(outputs=())
    bench.feed(asked("panic", "response", 1.0), LampAsked(1.1, "raised"), ReminderAsked(1.2, "x"), LightsShown(1.3, {}))
    assert of(ShowLights, bench.all) == []
    assert bench.part.deadline == math.inf
    assert lights(bench).showing() is None
    assert turned(bench.all) == [("off", None, {}), ("response", "panic", {})]


def test_a_lamp_alone_is_no_bar_that_could_show_anything() -> None:
    bench = made(outputs=(OutputConfig(id="lamp", use="panic_lamp", pin=13),))
    bench.feed(asked("panic", "response", 1.0), LightsShown(1.1, {"lamp": "off"}))
    assert lights(bench).showing() is None
    assert bench.part.deadline == 11.1


# --- what is told -----------------------------------------------------------------------------------------------------------------------


def test_a_show_is_claimed_only_when_the_outputs_say_that_they_play_it() -> None:
    bench = made()
    assert lights(bench).showing() is None
    bench.feed(LightsShown(0.1, DARK))
    assert lights(bench).showing() == "off"
    bench.feed(asked("panic", "response", 1.0))
    assert lights(bench).showing() == "off"
    bench.feed(LightsShown(1.1, RESPONSE))
    assert lights(bench).showing() == "response"


@pytest.mark.parametrize(
    ("event", "showing"),
    [
        (OutputFailed(AT, "red", "gone"), None),
        (OutputFailed(AT, "work", "gone"), None),
        (OutputFailed(AT, "lamp", "gone"), "response"),
        (LightsShown(AT, RESPONSE | {"blue": "off"}), None),
        (LightsShown(AT, {"red": "flash_a", "work": "off"}), None),
        (LightsShown(AT, RESPONSE | {"lamp": "raised"}), "response"),
    ],
)
def test_it_is_claimed_no_more_when_a_light_is_in_doubt(event: Event, showing: str | None) -> None:
    bench = answered(asked("panic", "response"))
    assert lights(bench).showing() == "response"
    bench.feed(event)
    assert lights(bench).showing() == showing


def test_an_output_that_failed_is_no_more_among_what_is_shown() -> None:
    bench = answered(asked("panic", "response"))
    bench.feed(OutputFailed(AT, "red", "gone"))
    assert bench.part.status(AT)["shown"] == {name: pattern for name, pattern in RESPONSE.items() if name != "red"}
    assert silent().part.status(AT)["shown"] == {}


def test_a_show_of_which_all_light_is_shed_shows_as_off_and_one_of_which_some_is_left_as_itself() -> None:
    bench = answered(asked("hand", "scene"))
    bench.feed(LightsShed(10.0, ("scene",)), LightsShown(10.1, SCENE | {"work": "off"}))
    assert lights(bench).showing() == "scene"
    bench.feed(LightsShed(11.0, ("scene", "bar")), LightsShown(11.1, DARK))
    assert lights(bench).showing() == "off"
    assert bench.part.status(11.1)["show"] == "scene"


def test_a_dark_show_keeps_its_name_although_groups_are_shed() -> None:
    bench = answered(asked("hand", "dark_approach"))
    bench.feed(LightsShed(10.0, ("bar",)), LightsShown(10.1, DARK))
    assert lights(bench).showing() == "dark_approach"


def test_the_others_are_told_once_of_each_change() -> None:
    bench = made()
    bench.feed(LightsShown(0.1, DARK), LightsShown(0.2, DARK))
    bench.feed(asked("panic", "response", 1.0), LightsShown(1.1, RESPONSE), asked("cruise", "cruise", 1.2), LightsShown(1.3, RESPONSE))
    bench.feed(OutputFailed(2.0, "red", "gone"), LightsShown(2.1, RESPONSE), LightsShed(3.0, ("bar",)), LightsShown(3.1, DARK))
    none, dark, lit = {"bar": None, "scene": None}, {"bar": False, "scene": False}, {"bar": True, "scene": False}
    assert turned(bench.all) == [
        ("off", None, none),
        ("off", None, dark),
        ("response", "panic", dark),
        ("response", "panic", lit),
        ("response", "panic", dark),
    ]
    assert [out.at for out in of(LightsTurned, bench.all)] == [0.0, 0.1, 1.0, 1.1, 3.1]


def test_the_others_are_told_when_nobody_knows_what_a_group_plays() -> None:
    bench = answered(asked("hand", "scene"))
    assert turned(bench.feed(OutputFailed(AT, "work", "gone"))) == [("scene", "hand", {"bar": True, "scene": None})]
    assert turned(bench.feed(OutputFailed(AT, "red", "gone"), OutputFailed(AT, "blue", "gone"))) == [
        ("scene", "hand", {"bar": None, "scene": None})
    ]
    quiet = answered(asked("panic", "response"))
    assert turned(quiet.until(30.0)) == [("response", "panic", {"bar": None, "scene": None})]


def test_who_has_the_lights_is_told_although_nothing_else_changes() -> None:
    bench = answered(asked("cruise", "cruise"))
    assert turned(bench.feed(asked("hand", "cruise", 10.0))) == [("cruise", "hand", {"bar": True, "scene": False})]


def test_the_status_says_what_was_commanded_and_what_is_shown() -> None:
    bench = unanswered()
    assert bench.part.status(AT) == {"show": "response", "by": "panic", "shown": DARK, "lamp": None}
    assert answered().part.status(AT) == {"show": "off", "by": None, "shown": DARK, "lamp": None}


def test_shed_groups_are_dark_in_every_show_until_they_come_back() -> None:
    bench = answered(asked("cruise", "cruise"))
    assert played(bench.feed(LightsShed(10.0, ("bar",)))) == DARK
    assert played(bench.feed(asked("panic", "response", 10.1))) == DARK
    assert played(bench.feed(LightsShed(10.2, ()))) == RESPONSE


def test_the_cruise_light_of_the_tests_is_steady() -> None:
    assert CRUISE == {"red": "on", "blue": "on", "work": "off", "lamp": "off", "buzzer": "off"}


def test_doubt_is_counted_from_its_begin() -> None:
    """Further wishes do not make outputs that are silent look younger."""
    bench: Bench = answered()
    for n in range(8):
        bench.feed(asked("panic", "response" if n % 2 else "cruise", 10.0 + n * 0.5))
    assert [out.at for out in of(FaultSeen, bench.until(20.0))] == [14.5]


def test_three_seconds_of_silence_are_three_seconds() -> None:
    """The requests are not always on the second: 2.8 s after the first one it is too early."""
    bench = answered()
    bench.feed(asked("panic", "response", 10.0), asked("hand", "cruise", 10.8))
    assert [out.at for out in of(FaultSeen, bench.until(20.0))] == [13.8]


def test_a_start_that_is_late_gives_the_outputs_their_three_seconds_too() -> None:
    bench = Bench(Lights(OUTPUTS, Shows((), OUTPUTS)))
    bench.feed(Started(5.0))
    assert [out.at for out in of(FaultSeen, bench.until(20.0))] == [8.0]


def test_outputs_that_go_their_own_way_are_told_of_at_once() -> None:
    bench = answered()
    assert turned(bench.feed(LightsShown(10.0, RESPONSE))) == [("off", None, {"bar": True, "scene": False})]


def test_outputs_that_recover_are_told_of_with_what_they_play() -> None:
    bench = silent()
    assert turned(bench.feed(LightsShown(10.0, RESPONSE))) == [("response", "panic", {"bar": True, "scene": False})]


def test_its_section_of_the_status_is_lights() -> None:
    assert made().part.name == "lights"

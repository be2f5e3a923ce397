"""The officer's hand: switches and page × every event; the newest hand counts, and a slide switch never lets go between two positions."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Input, InputUse
from agent.core.effects import Answer
from agent.core.events import ActionTaken, Event, InputChanged, LightsAsked
from agent.core.light_hand import LightHand
from agent.core.part import Output
from tests.core.builders import Bench, assert_covers, of, one, press
from tests.core.light_states import answered, lights

INPUTS = (
    Input(id="slide_1", use=InputUse.LIGHT_HAND, pin=17, show="cruise"),
    Input(id="slide_2", use=InputUse.LIGHT_HAND, pin=27, show="response"),
    Input(id="unnamed", use=InputUse.LIGHT_HAND, pin=22),
    Input(id="unknown", use=InputUse.LIGHT_HAND, pin=23, show="disco"),
    Input(id="other", use=InputUse.GENERIC, pin=24, show="scene"),
)


def switch(at: float, name: str, active: bool, first: bool = False, use: str = "light_hand") -> InputChanged:
    """A switch is moved, or read for the first time."""
    return InputChanged(at, name, use, active, at, first)


def page(at: float, body: dict[str, Any], action: str = "lights.hand") -> ActionTaken:
    """Something is chosen on the page."""
    return ActionTaken(at, action, body, 7)


def made(*events: Event) -> Bench:
    """Hands that have done that."""
    bench = Bench(LightHand(INPUTS, lights(answered()).refuses))
    bench.feed(*events)
    return bench


def asks(outs: list[Output]) -> list[str | None]:
    """What the row asks for."""
    found = of(LightsAsked, outs)
    assert all(out.by == "hand" for out in found)
    return [out.show for out in found]


STATES: dict[str, tuple[Callable[..., Bench], str | None]] = {
    "nothing": (made, None),
    "switched": (lambda: made(switch(1.0, "slide_1", True)), "cruise"),
    "both": (lambda: made(switch(1.0, "slide_1", True), switch(2.0, "slide_2", True)), "cruise"),
    "page": (lambda: made(page(1.0, {"show": "scene"})), "scene"),
    "page_over_switch": (lambda: made(switch(1.0, "slide_2", True), page(2.0, {"show": "off"})), "off"),
}
TABLE: list[tuple[Event, dict[str, str | None]]] = [
    (switch(3.0, "slide_1", True), dict.fromkeys(STATES, "cruise")),
    (switch(3.0, "slide_1", False), {"nothing": None, "switched": None, "both": "response", "page": None, "page_over_switch": "response"}),
    (switch(3.0, "slide_2", True), {state: "cruise" if state in ("switched", "both") else "response" for state in STATES}),
    (switch(3.0, "slide_2", False), dict.fromkeys(STATES) | {"switched": "cruise", "both": "cruise"}),
    (page(3.0, {"show": "response"}), dict.fromkeys(STATES, "response")),
    (page(3.0, {"show": "dark_approach"}), dict.fromkeys(STATES, "dark_approach")),
    (page(3.0, {"show": None}), {"switched": "cruise", "both": "cruise", "page_over_switch": "response", "nothing": None, "page": None}),
    *((event, {state: show for state, (_, show) in STATES.items()}) for event in (
        press(3.0),
        switch(3.0, "unnamed", True),
        switch(3.0, "unknown", True),
        switch(3.0, "other", True, use="generic"),
        page(3.0, {"show": "disco"}),
        page(3.0, {"show": 5}),
        page(3.0, {}),
        page(3.0, {"show": "response"}, action="alarm.cancel"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("state", "event", "then"), [(state, event, then[state]) for event, then in TABLE for state in STATES])
def test_every_state_answers_every_event(state: str, event: Event, then: str | None) -> None:
    make, was = STATES[state]
    assert asks(make().feed(event)) == ([then] if then != was else [])


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(LightHand, STATES, ((state, type(event)) for event, _ in TABLE for state in STATES))


def test_what_the_page_chose_is_answered_with_what_the_hand_now_asks_for() -> None:
    bench = made(switch(1.0, "slide_2", True))
    assert one(Answer, bench.feed(page(2.0, {"show": "scene"}))) == Answer(7, {"done": "lights.hand", "show": "scene"})
    assert one(Answer, bench.feed(page(3.0, {"show": None}))) == Answer(7, {"done": "lights.hand", "show": "response"})
    assert one(Answer, made().feed(page(2.0, {"show": None}))) == Answer(7, {"done": "lights.hand", "show": None})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"show": "disco"}, "no show 'disco'; there are: off, cruise"),
        ({"show": 5}, 'expected {"do": "lights.hand", "show": a name, or null to give the lights back}'),
        ({}, 'expected {"do": "lights.hand", "show": a name, or null to give the lights back}'),
    ],
)
def test_a_choice_that_is_none_is_told_why(body: dict[str, Any], says: str) -> None:
    answer = one(Answer, made().feed(page(2.0, body)))
    assert answer.asker == 7
    assert answer.body["error"].startswith(says)


def test_other_actions_are_answered_by_others() -> None:
    assert made().feed(page(2.0, {"show": "off"}, action="walk_test")) == []


def test_the_first_reading_of_a_switch_leaves_what_the_page_chose_before_it() -> None:
    bench = made(page(1.0, {"show": "scene"}))
    assert asks(bench.feed(switch(2.0, "slide_1", True, first=True))) == []
    assert asks(bench.feed(page(3.0, {"show": None}))) == ["cruise"]


def test_a_switch_that_is_on_at_the_start_counts() -> None:
    assert asks(made().feed(switch(0.1, "slide_2", True, first=True))) == ["response"]


def test_the_first_switch_of_the_config_that_is_on_counts_whatever_the_order() -> None:
    assert asks(made(switch(1.0, "slide_2", True)).feed(switch(2.0, "slide_1", True))) == ["cruise"]


MOVES = st.lists(st.tuples(st.sampled_from(["slide_1", "slide_2", "page"]), st.sampled_from([True, False])), max_size=20)


@given(MOVES)
def test_the_newest_hand_counts(moves: list[tuple[str, bool]]) -> None:
    bench, on, chosen = made(), dict.fromkeys(("slide_1", "slide_2"), False), None
    for i, (what, active) in enumerate(moves):
        if what == "page":
            chosen = "scene" if active else None
            bench.feed(page(float(i), {"show": chosen}))
        else:
            on[what], chosen = active, None
            bench.feed(switch(float(i), what, active))
    expected = chosen or ("cruise" if on["slide_1"] else "response" if on["slide_2"] else None)
    assert (asks(bench.all) or [None])[-1] == expected


def test_it_is_the_part_that_does_lights_hand() -> None:
    assert LightHand.actions == ("lights.hand",)

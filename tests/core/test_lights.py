"""The lights: every winner × every asker, answered, unanswered and faulty; then that only the table of rights decides."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Lights as LightsConfig
from agent.config import Output as OutputConfig
from agent.core.effects import Pattern, ShowLights
from agent.core.events import Event, FaultSeen, InputChanged, LampAsked, LightsAsked, LightsShown, OutputFailed, Started
from agent.core.lights import LAMPS, ROWS, SHOWS, Lights
from agent.core.part import Output
from tests.core.builders import Bench, assert_covers, of, one, outputs, press

AT = 10.0
DARK = {"red": "off", "blue": "off", "lamp": "off"}
CRUISE = {"red": "on", "blue": "on", "lamp": "off"}
RESPONSE = {"red": "flash_a", "blue": "flash_b", "lamp": "off"}
OF_SHOW = {"off": DARK, "cruise": CRUISE, "response": RESPONSE}


def ignition(at: float, active: bool) -> InputChanged:
    """The key turns."""
    return InputChanged(at, "ignition", "ignition", active, at)


def made(cruise: str = "ignition", wired: tuple[OutputConfig, ...] | None = None) -> Bench:
    """Lights that have started and whose outputs have answered."""
    bench = Bench(Lights(LightsConfig(cruise=cruise), outputs() if wired is None else wired))  # type: ignore[arg-type]  # one of three words
    bench.feed(Started(0.0))
    return bench


def played(outs: list[Output]) -> dict[str, str] | None:
    """What the outputs are asked to play, by output; None when nothing is asked."""
    asked = of(ShowLights, outs)
    return {name: pattern.name for name, pattern in asked[-1].outputs.items()} if asked else None


def answered(shown: dict[str, str] = DARK, *wishes: LightsAsked) -> Bench:
    bench = made()
    bench.feed(LightsShown(0.1, DARK), *wishes)
    if wishes:
        bench.feed(LightsShown(9.5, shown))
    return bench


def unanswered() -> Bench:
    bench = answered()
    bench.feed(LightsAsked(9.5, "panic", "response"))
    return bench


def faulty() -> Bench:
    bench = answered()
    bench.feed(LightsAsked(5.5, "panic", "response"))
    bench.until(9.6)
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "off": answered,
    "cruise": lambda: answered(CRUISE, LightsAsked(9.0, "cruise", "cruise")),
    "remote": lambda: answered(CRUISE, LightsAsked(9.0, "remote", "cruise")),
    "task": lambda: answered(RESPONSE, LightsAsked(9.0, "task", "response")),
    "panic": lambda: answered(RESPONSE, LightsAsked(9.0, "panic", "response")),
    "hand": lambda: answered(CRUISE, LightsAsked(9.0, "hand", "cruise")),
    "unanswered": unanswered,
    "faulty": faulty,
}
ROW_OF = {"off": None, "unanswered": "panic", "faulty": "panic"}
SHOW_OF = {
    "off": "off",
    "cruise": "cruise",
    "remote": "cruise",
    "task": "response",
    "panic": "response",
    "hand": "cruise",
    "unanswered": "response",
    "faulty": "response",
}


def _asks(by: str, show: str) -> list[tuple[str, Event, dict[str, str] | None, str]]:
    """What each state answers when that row asks: the higher row wins, the same row is replaced."""
    cases: list[tuple[str, Event, dict[str, str] | None, str]] = []
    for state in STATES:
        row = ROW_OF.get(state, state)
        wins = row is None or ROWS.index(by) <= ROWS.index(row)
        then = show if wins else SHOW_OF[state]
        same = row == by and SHOW_OF[state] == show
        cases.append((state, LightsAsked(AT, by, show), None if same else OF_SHOW[then], then))
    return cases


TABLE: list[tuple[str, Event, dict[str, str] | None, str]] = [
    *(case for by in ROWS for show in ("cruise", "response") for case in _asks(by, show)),
    *((state, Started(AT), OF_SHOW[SHOW_OF[state]], SHOW_OF[state]) for state in STATES),
    *((state, LampAsked(AT, None), None, SHOW_OF[state]) for state in STATES),
    *((state, LampAsked(AT, "raised"), OF_SHOW[SHOW_OF[state]] | {"lamp": "raised"}, SHOW_OF[state]) for state in STATES),
    *((state, press(AT), None, SHOW_OF[state]) for state in STATES),
    *(
        (state, ignition(AT, False), DARK if state == "cruise" else None, "off" if state == "cruise" else SHOW_OF[state])
        for state in STATES
    ),
    *(
        (
            state,
            ignition(AT, True),
            None if state == "cruise" else OF_SHOW["cruise" if state == "off" else SHOW_OF[state]],
            "cruise" if state == "off" else SHOW_OF[state],
        )
        for state in STATES
    ),
    *((state, LightsShown(AT, OF_SHOW[SHOW_OF[state]]), None, SHOW_OF[state]) for state in STATES),
    *((state, LightsShown(AT, {"red": "other"}), None, SHOW_OF[state]) for state in STATES),
    *((state, OutputFailed(AT, "red", "gone"), None, SHOW_OF[state]) for state in STATES),
]


@pytest.mark.parametrize(("state", "event", "asked", "show"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, asked: dict[str, str] | None, show: str) -> None:
    bench = STATES[state]()
    bench.until(AT - 0.01)
    assert bench.part.status(AT)["show"] == SHOW_OF[state]
    assert played(list(bench.part.handle(event))) == asked
    assert bench.part.status(AT)["show"] == show


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Lights, STATES, ((state, type(event)) for state, event, _, _ in TABLE))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("shown", [True, False])
def test_an_answer_ends_the_asking_when_it_is_the_right_one(state: str, shown: bool) -> None:
    bench = STATES[state]()
    bench.until(AT)
    outs = bench.feed(LightsShown(AT, OF_SHOW[SHOW_OF[state]] if shown else {"red": "other"}))
    assert [(out.code, out.active) for out in of(FaultSeen, outs)] == ([("lights.output", False)] if state == "faulty" and shown else [])
    if shown:
        assert bench.part.deadline == math.inf
    else:
        assert of(ShowLights, bench.until(AT + 1.0))


def test_giving_up_a_row_lets_the_next_one_down_win() -> None:
    bench = made()
    bench.feed(*(LightsAsked(0.1, by, show) for by, show in (("cruise", "cruise"), ("panic", "response"))))
    assert played(bench.feed(LightsAsked(0.2, "panic", None))) == CRUISE
    assert played(bench.feed(LightsAsked(0.3, "cruise", None))) == DARK
    assert bench.feed(LightsAsked(0.4, "cruise", None)) == []


def test_the_officers_hand_may_darken_what_nobody_else_may() -> None:
    bench = made()
    bench.feed(LightsAsked(1.0, "panic", "response"))
    assert played(bench.feed(LightsAsked(2.0, "hand", "off"))) == DARK
    assert bench.part.status(2.0)["by"] == "hand"


@given(st.lists(st.tuples(st.sampled_from(ROWS), st.sampled_from([None, *SHOWS])), max_size=30))
def test_the_highest_row_that_asks_wins_whatever_the_order(wishes: list[tuple[str, str | None]]) -> None:
    bench = made()
    asked: dict[str, str] = {}
    for by, show in wishes:
        bench.feed(LightsAsked(1.0, by, show))
        asked = {row: other for row, other in asked.items() if row != by} | ({by: show} if show else {})
    wins = next((asked[row] for row in ROWS if row in asked), "off")
    last = of(ShowLights, bench.all)[-1]
    assert {name: pattern.name for name, pattern in last.outputs.items()} == OF_SHOW[wins]


@pytest.mark.parametrize(("cruise", "at_start", "with_key"), [("always", CRUISE, None), ("never", DARK, None), ("ignition", DARK, CRUISE)])
def test_cruise_light_comes_on_as_configured(cruise: str, at_start: dict[str, str], with_key: dict[str, str] | None) -> None:
    bench = made(cruise)
    assert played(bench.all) == at_start
    assert played(bench.feed(ignition(0.5, True))) == with_key


@pytest.mark.parametrize("lamp", LAMPS)
def test_the_lamp_says_what_is_asked_and_is_dark_otherwise(lamp: str) -> None:
    bench = made()
    asked = played(bench.feed(LampAsked(1.0, lamp)))
    assert asked is not None
    assert asked["lamp"] == LAMPS[lamp].name
    assert bench.feed(LampAsked(1.1, lamp)) == []
    dark = played(bench.feed(LampAsked(1.2, None)))
    assert dark is not None
    assert dark["lamp"] == "off"


def test_outputs_that_do_not_answer_are_asked_each_second_and_called_faulty_once_after_three() -> None:
    bench = made()
    outs = bench.until(2.99)
    assert (len(of(ShowLights, outs)), of(FaultSeen, outs)) == (2, [])
    fault = one(FaultSeen, bench.until(10.0))
    assert (fault.code, fault.active, fault.at) == ("lights.output", True, 3.0)
    assert "nothing" in fault.detail
    assert len(of(ShowLights, bench.all)) == 11


def test_an_output_that_fails_later_is_asked_again_until_it_plays() -> None:
    bench = answered()
    outs = bench.feed(OutputFailed(5.0, "red", "gone"))
    assert [(out.code, out.active) for out in of(FaultSeen, outs)] == [("lights.output", True)]
    assert [out for out in bench.until(8.5) if isinstance(out, FaultSeen)] == []
    assert len(of(ShowLights, bench.all)) == 4
    recovered = bench.feed(LightsShown(8.6, DARK))
    assert [(out.code, out.active) for out in of(FaultSeen, recovered)] == [("lights.output", False)]
    assert bench.until(100.0) == []


def test_outputs_that_go_their_own_way_are_asked_back() -> None:
    bench = answered()
    assert bench.feed(LightsShown(5.0, RESPONSE)) == []
    assert played(bench.until(6.0)) == DARK
    assert bench.part.status(6.0)["shown"] == RESPONSE


def test_an_answer_to_an_earlier_wish_does_not_end_the_asking() -> None:
    bench = answered()
    bench.feed(LightsAsked(5.0, "panic", "response"), LightsShown(5.1, DARK))
    assert played(bench.until(6.0)) == RESPONSE


def test_a_unit_without_outputs_asks_nothing() -> None:
    bench = made(wired=())
    bench.feed(LightsAsked(1.0, "panic", "response"), LampAsked(1.1, "raised"), LightsShown(1.2, {}))
    assert bench.all == []
    assert bench.part.deadline == math.inf


def test_more_outputs_than_patterns_take_them_in_turn() -> None:
    bench = made(wired=tuple(OutputConfig(id=f"l{i}", pin=i) for i in range(3)))
    assert played(bench.feed(LightsAsked(1.0, "panic", "response"))) == {"l0": "flash_a", "l1": "flash_b", "l2": "flash_a"}


@pytest.mark.parametrize("wish", [LightsAsked(1.0, "stranger", "cruise"), LightsAsked(1.0, "panic", "disco")])
def test_a_wish_outside_the_table_is_our_mistake(wish: LightsAsked) -> None:
    with pytest.raises(AssertionError, match="no such row or show"):
        made().feed(wish)


@pytest.mark.parametrize("pattern", [pattern for patterns in SHOWS.values() for pattern in patterns] + list(LAMPS.values()))
def test_a_pattern_that_moves_has_no_step_of_no_time_and_one_that_stays_has_one_step(pattern: Pattern) -> None:
    assert all(ms > 0 for _, ms in pattern.steps) or [ms for _, ms in pattern.steps] == [0]


def test_the_two_flashes_keep_step() -> None:
    assert len({sum(ms for _, ms in pattern.steps) for pattern in SHOWS["response"]}) == 1

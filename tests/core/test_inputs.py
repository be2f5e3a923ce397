"""Inputs: what a line is believed to be × what it reads; then that no bounce is a press and no lost edge lasts."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.events import Edge, Event, FaultSeen, InputChanged, InputsFailed, Levels
from agent.core.inputs import Inputs
from agent.core.part import Output
from tests.core.builders import Bench, assert_covers, edge, ignition_input, of, one, panic_input

DEBOUNCE_S, RELEASE_S = 0.03, 0.2
AT = 10.0


def made() -> Bench:
    return Bench(Inputs((panic_input(), ignition_input())))


def settled(active: bool) -> Bench:
    bench = made()
    bench.feed(Levels(1.0, {"button": active, "ignition": False}))
    return bench


def wavering(active: bool) -> Bench:
    """Believed to be `active`, has read otherwise for 10 ms."""
    bench = settled(active)
    bench.feed(edge(AT - 0.01, not active))
    return bench


def failed() -> Bench:
    bench = settled(False)
    bench.feed(InputsFailed(9.0, "no pins"))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "unknown": made,
    "up": lambda: settled(False),
    "down": lambda: settled(True),
    "going down": lambda: wavering(False),
    "coming up": lambda: wavering(True),
    "failed": failed,
}


def levels(active: bool) -> Levels:
    return Levels(AT, {"button": active, "ignition": False})


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    words = []
    for out in outs:
        match out:
            case InputChanged(input=name, active=active, first=first):
                words.append(f"{name} {'down' if active else 'up'}{' first' if first else ''}")
            case FaultSeen(active=active):
                words.append(f"fault {'on' if active else 'off'}")
    return words


# state, event, what comes out at once, what has come out a second later without another word
TABLE: list[tuple[str, Event, list[str], list[str]]] = [
    ("unknown", edge(AT, True), ["button down first"], []),
    ("unknown", edge(AT, False), ["button up first"], []),
    ("unknown", levels(True), ["button down first", "ignition up first"], []),
    ("unknown", levels(False), ["button up first", "ignition up first"], []),
    ("unknown", edge(AT, True, "stranger"), [], []),
    ("unknown", InputsFailed(AT, "no pins"), ["fault on"], []),
    ("up", edge(AT, True), [], ["button down"]),
    ("up", edge(AT, False), [], []),
    ("up", levels(True), [], ["button down"]),
    ("up", levels(False), [], []),
    ("up", InputsFailed(AT, "no pins"), ["fault on"], []),
    ("down", edge(AT, True), [], []),
    ("down", edge(AT, False), [], ["button up"]),
    ("down", levels(True), [], []),
    ("down", levels(False), [], ["button up"]),
    ("down", InputsFailed(AT, "no pins"), ["fault on"], []),
    ("going down", edge(AT, True), [], ["button down"]),
    ("going down", edge(AT, False), [], []),
    ("going down", levels(True), [], ["button down"]),
    ("going down", levels(False), [], []),
    ("going down", InputsFailed(AT, "no pins"), ["fault on"], ["button down"]),
    ("coming up", edge(AT, True), [], []),
    ("coming up", edge(AT, False), [], ["button up"]),
    ("coming up", levels(True), [], []),
    ("coming up", levels(False), [], ["button up"]),
    ("coming up", InputsFailed(AT, "no pins"), ["fault on"], ["button up"]),
    ("failed", edge(AT, True), [], ["button down"]),
    ("failed", levels(False), ["fault off"], []),
    ("failed", Levels(AT, {"button": False}), [], []),  # not all of them: some still cannot be read
    ("failed", InputsFailed(AT, "no pins"), ["fault on"], []),
]


@pytest.mark.parametrize(("state", "event", "outs", "later"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str], later: list[str]) -> None:
    bench = STATES[state]()
    assert short(bench.feed(event)) == outs
    assert short(bench.until(AT + 1.0)) == later
    assert bench.part.deadline == math.inf


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Inputs, STATES, ((state, type(event)) for state, event, _, _ in TABLE))


@pytest.mark.parametrize(("active", "wait_s"), [(True, DEBOUNCE_S), (False, RELEASE_S)])
def test_a_change_is_believed_exactly_after_its_time_and_knows_since_when(active: bool, wait_s: float) -> None:
    bench = settled(not active)
    bench.feed(edge(5.0, active))
    assert bench.until(5.0 + wait_s - 1e-6) == []
    assert bench.until(5.0 + wait_s) == [InputChanged(5.0 + wait_s, "button", "panic", active, 5.0)]
    assert bench.part.status(6.0) == {"button": active, "ignition": False}


def test_a_bounce_starts_the_wait_anew() -> None:
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.02, False), edge(5.025, True))
    assert one(InputChanged, bench.until(6.0)).since == 5.025


def test_repeating_what_is_read_does_not_start_the_wait_anew() -> None:
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.02, True))
    assert one(InputChanged, bench.until(6.0)).at == pytest.approx(5.03)


def test_a_shaking_contact_does_not_let_go() -> None:
    bench = settled(True)
    for i in range(50):
        bench.feed(edge(5.0 + i * 0.1, i % 2 == 1))
    assert of(InputChanged, bench.all[2:]) == []


def test_a_lost_edge_heals_with_the_next_level() -> None:
    bench = settled(False)
    bench.feed(levels(True))
    assert one(InputChanged, bench.until(AT + 1)).at == pytest.approx(AT + DEBOUNCE_S)


def test_a_level_that_was_read_before_an_edge_and_comes_after_it_does_not_undo_the_press() -> None:
    bench = settled(active=False)
    at = 50.0
    outs = bench.feed(edge(at + 0.0002, True), Levels(at, {"button": False}))
    assert [(change.active, change.since) for change in of(InputChanged, [*outs, *bench.until(at + 1.0)])] == [(True, at + 0.0002)]


def test_two_lines_that_settle_at_one_moment_both_do() -> None:
    bench = Bench(Inputs((panic_input("a"), panic_input("b", pin=18))))
    bench.feed(Levels(1.0, {"a": False, "b": False}), Levels(2.0, {"a": True, "b": True}))
    assert {out.input for out in of(InputChanged, bench.until(3.0))} == {"a", "b"}


def test_a_unit_without_inputs_waits_for_nothing() -> None:
    bench = Bench(Inputs(()))
    assert bench.feed(Levels(1.0, {}), edge(2.0, True)) == []
    assert bench.part.deadline == math.inf
    assert bench.part.status(2.0) == {}


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.booleans()), max_size=60))
def test_what_is_believed_has_been_read_without_interruption_for_its_time(readings: list[tuple[float, bool]]) -> None:
    bench = settled(False)
    at, history = 1.0, [(1.0, False)]
    for wait, active in readings:
        at += wait
        bench.feed(edge(at, active))
        history.append((at, active))
    bench.until(at + 1.0)
    changes = [out for out in of(InputChanged, bench.all) if out.input == "button" and not out.first]
    for change in changes:
        wait_s = DEBOUNCE_S if change.active else RELEASE_S
        assert change.at == pytest.approx(change.since + wait_s)
        assert all(active == change.active for when, active in history if change.since <= when < change.at)
    assert [change.active for change in changes] == [i % 2 == 0 for i in range(len(changes))]
    assert bench.part.status(at)["button"] == history[-1][1]


def test_the_events_are_the_three_of_the_pins() -> None:
    assert set(Inputs.listens) == {Edge, Levels, InputsFailed}

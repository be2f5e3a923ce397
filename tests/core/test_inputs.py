"""Inputs: what a line is believed to be × what it reads; then when exactly a change is believed and a hold is long enough."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from agent.config import Input, InputUse
from agent.core.events import Edge, Event, FaultSeen, InputChanged, InputHeld, InputsFailed, Levels
from agent.core.input_line import CANCEL_S_MIN, REAL_ALARM_S, STUCK_S
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
    bench.until(2.0)
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


def pressed(for_s: float) -> Bench:
    """Has been down for so long at AT."""
    bench = settled(False)
    bench.feed(edge(AT - for_s, True))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "unknown": made,
    "up": lambda: settled(False),
    "down": lambda: settled(True),
    "pressed": lambda: pressed(0.2),
    "held": lambda: pressed(0.6),
    "going down": lambda: wavering(False),
    "coming up": lambda: wavering(True),
    "failed": failed,
}


def levels(active: bool) -> Levels:
    return Levels(AT, {"button": active, "ignition": False})


def near(at: float) -> Any:
    """That moment, but for rounding."""
    return pytest.approx(at)


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    words = []
    for out in outs:
        match out:
            case InputChanged(input=name, active=active, first=first):
                words.append(f"{name} {'down' if active else 'up'}{' first' if first else ''}")
            case InputHeld(input=name, held_s=held_s, first=first):
                words.append(f"{name} held {held_s:g}{' first' if first else ''}")
            case FaultSeen(active=active):
                words.append(f"fault {'on' if active else 'off'}")
    return words


HELD = ["button held 0.5", "button held 5", "button held 30"]

# state, event, what comes out at once, what has come out a minute later without another word
TABLE: list[tuple[str, Event, list[str], list[str]]] = [
    ("unknown", edge(AT, True), ["button up first"], ["button down first", *(f"{held} first" for held in HELD)]),
    ("unknown", edge(AT, False), ["button up first"], []),
    ("unknown", levels(True), ["button up first", "ignition up first"], ["button down first", *(f"{held} first" for held in HELD)]),
    ("unknown", levels(False), ["button up first", "ignition up first"], []),
    ("unknown", edge(AT, True, "stranger"), [], []),
    ("unknown", InputsFailed(AT, "no pins"), ["fault on"], []),
    ("up", edge(AT, True), [], ["button down", *HELD]),
    ("up", edge(AT, False), [], []),
    ("up", edge(AT, True, "stranger"), [], []),
    ("up", levels(True), [], ["button down", *HELD]),
    ("up", levels(False), [], []),
    ("up", Levels(AT, {}), [], []),
    ("up", InputsFailed(AT, "no pins"), ["fault on"], []),
    ("down", edge(AT, True), [], ["button held 30 first"]),  # down since the start, 9 s ago
    ("down", edge(AT, False), [], ["button up"]),
    ("down", levels(True), [], ["button held 30 first"]),
    ("down", levels(False), [], ["button up"]),
    ("down", InputsFailed(AT, "no pins"), ["fault on"], ["button held 30 first"]),
    ("pressed", edge(AT, True), [], HELD),
    ("pressed", edge(AT, False), [], ["button up"]),
    ("pressed", levels(True), [], HELD),
    ("pressed", levels(False), [], ["button up"]),
    ("pressed", InputsFailed(AT, "no pins"), ["fault on"], HELD),
    ("held", edge(AT, True), [], HELD[1:]),
    ("held", edge(AT, False), [], ["button up"]),
    ("held", levels(True), [], HELD[1:]),
    ("held", levels(False), [], ["button up"]),
    ("held", InputsFailed(AT, "no pins"), ["fault on"], HELD[1:]),
    ("going down", edge(AT, True), [], ["button down", *HELD]),
    ("going down", edge(AT, False), [], []),
    ("going down", levels(True), [], ["button down", *HELD]),
    ("going down", levels(False), [], []),
    ("going down", InputsFailed(AT, "no pins"), ["fault on"], ["button down", *HELD]),
    ("coming up", edge(AT, True), [], ["button held 30 first"]),
    ("coming up", edge(AT, False), [], ["button up"]),
    ("coming up", levels(True), [], ["button held 30 first"]),
    ("coming up", levels(False), [], ["button up"]),
    ("coming up", InputsFailed(AT, "no pins"), ["fault on"], ["button up"]),
    ("failed", edge(AT, True), [], ["button down", *HELD]),
    ("failed", levels(False), ["fault off"], []),
    ("failed", Levels(AT, {"button": False}), [], []),  # not all of them: some still cannot be read
    ("failed", InputsFailed(AT, "no pins"), [], []),
]


@pytest.mark.parametrize(("state", "event", "outs", "later"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str], later: list[str]) -> None:
    bench = STATES[state]()
    bench.until(AT - 0.001)
    assert short(bench.feed(event)) == outs
    assert short(bench.until(AT + 60.0)) == later
    assert bench.part.deadline == math.inf


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Inputs, STATES, ((state, type(event)) for state, event, _, _ in TABLE))


# --- changes ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("active", "wait_s"), [(True, DEBOUNCE_S), (False, RELEASE_S)])
def test_a_change_is_believed_exactly_after_its_time_and_knows_since_when(active: bool, wait_s: float) -> None:
    bench = settled(not active)
    bench.until(100.0)
    bench.feed(edge(105.0, active))
    assert bench.until(105.0 + wait_s - 1e-6) == []
    assert bench.until(105.0 + wait_s) == [InputChanged(105.0 + wait_s, "button", "panic", active, 105.0)]
    assert bench.part.status(106.0) == {"button": active, "ignition": False}


def test_a_bounce_costs_its_time_twice_and_no_more() -> None:
    """5 ms off are made good by 5 ms on: the press is believed 10 ms later, and has begun with its first contact."""
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.02, False), edge(5.025, True))
    changed = one(InputChanged, bench.until(5.1))
    assert (changed.at, changed.since) == (near(5.04), 5.0)


def test_when_nothing_is_left_of_a_contact_the_next_one_is_a_new_beginning() -> None:
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.02, False), edge(5.045, True))
    changed = one(InputChanged, bench.until(5.1))
    assert (changed.at, changed.since) == (near(5.045 + DEBOUNCE_S), 5.045)


def test_repeating_what_is_read_changes_nothing() -> None:
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.0, True), edge(5.02, True), Levels(5.025, {"button": True}))
    changed = one(InputChanged, bench.until(5.1))
    assert (changed.at, changed.since) == (near(5.03), 5.0)


def test_a_contact_that_shakes_by_halves_does_not_let_go() -> None:
    bench = settled(True)
    for i in range(50):
        bench.feed(edge(5.0 + i * 0.1, i % 2 == 1))
    assert [change.at for change in of(InputChanged, bench.all)] == [1.0, 1.0, near(1.0 + DEBOUNCE_S)]


def test_a_switch_that_drops_the_line_between_its_positions_stays_on() -> None:
    """Progressive light switches: fast on, slow off, each as the config says."""
    bench = Bench(Inputs((Input(id="hand", use=InputUse.LIGHT_HAND, pin=5, debounce_s=0.02, release_s=0.5),)))
    bench.feed(edge(1.0, False, "hand"), edge(2.0, True, "hand"), edge(3.0, False, "hand"), edge(3.45, True, "hand"))
    bench.feed(edge(6.0, False, "hand"))
    bench.until(10.0)
    assert [(out.at, out.active) for out in of(InputChanged, bench.all)] == [(1.0, False), (2.02, True), (6.5, False)]


@pytest.mark.parametrize("active", [True, False])
def test_without_a_wait_a_change_is_believed_at_once(active: bool) -> None:
    bench = Bench(Inputs((Input(id="button", pin=5, debounce_s=0.0, release_s=0.0),)))
    bench.feed(edge(1.0, not active), edge(2.0, active))
    assert bench.until(2.0) == [InputChanged(2.0, "button", "generic", active, 2.0)]


def test_a_lost_edge_heals_with_the_next_level() -> None:
    bench = settled(False)
    bench.feed(levels(True))
    assert one(InputChanged, bench.until(AT + 0.1)).at == near(AT + DEBOUNCE_S)


@pytest.mark.parametrize("active", [True, False])
def test_a_level_that_was_read_before_an_edge_and_comes_after_it_does_not_undo_the_edge(active: bool) -> None:
    bench = settled(not active)
    at = 50.0
    outs = bench.feed(edge(at + 0.0002, active), Levels(at, {"button": not active}))
    assert [(change.active, change.since) for change in of(InputChanged, [*outs, *bench.until(at + 0.4)])] == [(active, at + 0.0002)]


def test_of_two_edges_with_one_stamp_the_later_counts() -> None:
    """The adapter gives an edge the stamp of the one before rather than turn them round."""
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.0, False), edge(7.0, True))
    assert one(InputChanged, bench.until(7.1)).since == 7.0
    bench.feed(edge(7.2, False), edge(7.2, True))
    assert of(InputChanged, bench.until(8.0)) == []


def test_an_edge_that_comes_after_its_change_was_believed_counts_from_then() -> None:
    """Time does not run back: what was believed at 5.03 is not unsaid by a release at 5.029 of which we hear later."""
    bench = settled(False)
    bench.feed(edge(5.0, True))
    bench.until(5.05)
    bench.part.handle(edge(5.029, False))
    assert bench.until(6.0) == [InputChanged(near(5.03 + RELEASE_S), "button", "panic", False, 5.03)]


def test_two_lines_that_settle_at_one_moment_both_do() -> None:
    bench = Bench(Inputs((panic_input("a"), panic_input("b", pin=18))))
    bench.feed(Levels(1.0, {"a": False, "b": False}), Levels(2.0, {"a": True, "b": True}))
    assert {out.input for out in of(InputChanged, bench.until(3.0))} == {"a", "b"}


def test_a_unit_without_inputs_waits_for_nothing() -> None:
    bench = Bench(Inputs(()))
    assert bench.feed(Levels(1.0, {}), edge(2.0, True)) == []
    assert bench.part.deadline == math.inf
    assert bench.part.status(2.0) == {}


# --- holds --------------------------------------------------------------------------------------------------------------------------


def held(bench: Bench) -> list[tuple[float, float]]:
    """When a hold was long enough, and which."""
    return [(out.at, out.held_s) for out in of(InputHeld, bench.all)]


@pytest.mark.parametrize(
    ("use", "hold_s", "marks"),
    [
        (InputUse.PANIC, 0.5, [0.5, REAL_ALARM_S, STUCK_S]),
        (InputUse.PANIC, 0.05, [0.05, REAL_ALARM_S, STUCK_S]),
        (InputUse.PANIC, REAL_ALARM_S, [REAL_ALARM_S, STUCK_S]),
        (InputUse.PANIC_CANCEL, 0.5, [CANCEL_S_MIN]),
        (InputUse.PANIC_CANCEL, 4.0, [4.0]),
        *[(use, 0.5, []) for use in InputUse if use not in (InputUse.PANIC, InputUse.PANIC_CANCEL)],
    ],
)
def test_each_use_has_its_marks_and_each_is_said_once_a_press(use: InputUse, hold_s: float, marks: list[float]) -> None:
    bench = Bench(Inputs((Input(id="button", use=use, pin=17, hold_s=hold_s),)))
    bench.feed(edge(1.0, False))
    for press_at in (10.0, 100.0):
        bench.all.clear()
        bench.feed(edge(press_at, True))
        bench.until(press_at + 50.0)
        bench.feed(edge(press_at + 50.0, False))
        bench.until(press_at + 60.0)
        assert held(bench) == [(near(press_at + mark), mark) for mark in marks]
        assert all((out.since, out.first, out.use) == (press_at, False, use.value) for out in of(InputHeld, bench.all))


def test_the_marks_are_those_of_the_contract() -> None:
    assert (CANCEL_S_MIN, REAL_ALARM_S, STUCK_S) == (3.0, 5.0, 30.0)


def test_a_short_press_is_not_held_because_its_release_is_believed_late() -> None:
    """Down for 0.31 s, believed to be down until 0.51 s after it began."""
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.31, False))
    bench.until(20.0)
    assert held(bench) == []
    assert [(out.at, out.active) for out in of(InputChanged, bench.all[2:])] == [(5.03, True), (near(5.51), False)]


def test_what_a_dropout_costs_a_hold_is_made_good_by_holding_on() -> None:
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.3, False), edge(5.45, True))
    bench.until(5.9)
    assert held(bench) == [(near(5.65), 0.5)]
    assert of(InputHeld, bench.all)[0].since == 5.0


def test_two_short_presses_are_no_long_one() -> None:
    bench = settled(False)
    bench.feed(edge(5.0, True), edge(5.4, False), edge(5.7, True), edge(6.1, False))
    bench.until(20.0)
    assert held(bench) == []
    assert [out.active for out in of(InputChanged, bench.all[2:])] == [True, False, True, False]


def test_a_hold_shorter_than_the_debounce_is_said_when_the_press_is_believed() -> None:
    bench = Bench(Inputs((panic_input(hold_s=0.05, debounce_s=0.2),)))
    bench.feed(edge(1.0, False), edge(5.0, True))
    outs = bench.until(5.2)
    assert outs == [InputChanged(5.2, "button", "panic", True, 5.0), InputHeld(5.2, "button", "panic", 0.05, 5.0)]


def test_a_press_that_was_there_at_the_start_says_so_until_it_is_released() -> None:
    bench = settled(True)
    bench.feed(edge(5.0, False), edge(6.0, True))
    bench.until(7.0)
    assert [(out.since, out.first) for out in of(InputHeld, bench.all)] == [(1.0, True), (6.0, False)]


def test_the_events_are_the_three_of_the_pins() -> None:
    assert set(Inputs.listens) == {Edge, Levels, InputsFailed}


def test_another_reason_is_told_anew_for_it_names_another_input() -> None:
    """The ignition's pin cannot be read, then the button's."""
    bench = Bench(Inputs((panic_input(),)))
    bench.feed(InputsFailed(1.0, "ignition"), InputsFailed(2.0, "ignition"), InputsFailed(3.0, "ignition; panic"))
    bench.feed(Levels(4.0, {panic_input().id: False}))
    told = [(fault.at, fault.active, fault.detail) for fault in of(FaultSeen, bench.all)]
    assert told == [(1.0, True, "ignition"), (3.0, False, ""), (3.0, True, "ignition; panic"), (4.0, False, "")]


def test_a_press_that_cannot_be_read_any_more_is_an_alarm_and_not_stuck() -> None:
    """In doubt an alarm; that the button was down for half a minute nobody has seen."""
    button = panic_input()
    bench = Bench(Inputs((button,)))
    bench.feed(Levels(0.0, {button.id: False}), edge(1.0, True, button.id), Levels(1.1, {}))
    bench.until(100.0)
    assert [held.held_s for held in of(InputHeld, bench.all)] == [button.hold_s]

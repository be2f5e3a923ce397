"""Inputs under noise, bad contacts, lost and late events: no press is invented, none is lost, and a hold is what was held."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.events import Event, InputChanged, InputHeld, Levels
from agent.core.inputs import Inputs
from tests.core.builders import Bench, edge, of, panic_input

DEBOUNCE_S, RELEASE_S, HOLD_S = 0.03, 0.2, 0.5
START = 1.0

Runs = list[tuple[float, float]]
"""Seconds that the line reads contrary, then as it should, and so on."""


def settled(active: bool) -> Bench:
    bench = Bench(Inputs((panic_input(),)))
    bench.feed(edge(START, active))
    bench.until(START + DEBOUNCE_S)
    return bench


def play(bench: Bench, at: float, runs: Runs, contrary: bool) -> float:
    """The runs, one after the other; when they are over."""
    for off, on in runs:
        bench.feed(edge(at, contrary), edge(at + off, not contrary))
        at += off + on
    bench.until(at)
    return at


def later(bench: Bench) -> list[Event]:
    """What was said after the start."""
    return [out for out in bench.all if isinstance(out, (InputChanged, InputHeld)) and out.at > START + DEBOUNCE_S]


def bursts(longest_s: float) -> st.SearchStrategy[Runs]:
    """Pulses shorter than that, each with at least as long a rest."""
    pulse = st.floats(0.0001, longest_s - 1e-6)
    return st.lists(st.tuples(pulse, st.floats(1.0, 5.0)).map(lambda run: (run[0], run[0] * run[1])), max_size=60)


def dropouts(shortest_s: float) -> st.SearchStrategy[Runs]:
    """Contact, then up to 40 % of the time none: each dropout is at most two thirds of the contact before it."""
    contact = st.floats(shortest_s, 0.29)
    return st.lists(st.tuples(contact, st.floats(0.0, 0.66)).map(lambda run: (run[0], run[0] * run[1])), min_size=1, max_size=60)


@given(bursts(DEBOUNCE_S))
def test_bursts_of_noise_on_a_resting_button_are_no_press(runs: Runs) -> None:
    bench = settled(False)
    bench.until(play(bench, 2.0, runs, contrary=True) + 100.0)
    assert later(bench) == []


@given(bursts(DEBOUNCE_S))
def test_a_start_in_the_middle_of_a_burst_is_no_press(runs: Runs) -> None:
    """Story 3115 with a cut: the first reading fell on a spike, and was believed until a release would have outweighed it."""
    bench = Bench(Inputs((panic_input(hold_s=0.05),)))
    at = START
    for off, on in [(0.02, 0.021), *runs]:
        bench.feed(edge(at, True), edge(at + off, False))
        at += off + on
    bench.until(at + 100.0)
    assert not of(InputHeld, bench.all)
    assert [change.active for change in of(InputChanged, bench.all)] == [False]


@given(bursts(RELEASE_S))
def test_bursts_of_noise_on_a_held_button_are_no_release(runs: Runs) -> None:
    bench = settled(True)
    bench.until(play(bench, 2.0, runs, contrary=False) + 1.0)
    assert of(InputChanged, later(bench)) == []


@given(st.lists(st.floats(0.0, 0.0299), max_size=40).map(sorted), st.booleans())
def test_any_bounce_of_less_than_the_debounce_is_one_change(times: list[float], active: bool) -> None:
    """Contacts that bounce after a change, up to 30 ms long: one press or one release, believed once they have made good for it."""
    bench = settled(not active)
    steady = 5.0 + (times[-1] if times else 0.0)
    bench.feed(edge(5.0, active))
    for n, wait in enumerate(times):
        bench.feed(edge(5.0 + wait, active ^ (n % 2 == 0)))
    bench.feed(edge(steady, active))
    bench.until(steady + 0.4)
    (changed,) = of(InputChanged, later(bench))
    wait_s = DEBOUNCE_S if active else RELEASE_S
    assert changed.active is active
    assert 5.0 + wait_s - 1e-9 <= changed.at <= steady + wait_s + 1e-9
    assert 5.0 <= changed.since <= steady


@given(st.lists(st.floats(0.0, 0.0299), max_size=40).map(sorted))
def test_a_bounce_that_ends_where_it_began_is_nothing(times: list[float]) -> None:
    bench = settled(False)
    for n, wait in enumerate(times):
        bench.feed(edge(5.0 + wait, n % 2 == 0))
    bench.feed(edge(5.0299, False))
    bench.until(20.0)
    assert later(bench) == []


@given(dropouts(DEBOUNCE_S))
def test_a_press_is_held_when_its_contacts_add_up_to_the_hold_whatever_drops_out_between(runs: Runs) -> None:
    bench = settled(False)
    total = sum(contact for contact, _ in runs)
    play(bench, 5.0, runs, contrary=True)
    marks = [out.held_s for out in of(InputHeld, later(bench))]
    assert (HOLD_S in marks) is (total >= HOLD_S) or total == pytest.approx(HOLD_S)
    assert [out.active for out in of(InputChanged, later(bench))] == [True]
    assert all(out.since == 5.0 for out in of(InputHeld, later(bench)))


@given(st.lists(st.tuples(st.floats(0.001, 0.7), st.floats(0.001, 0.7)), max_size=30))
def test_no_hold_is_said_that_was_not_held(runs: Runs) -> None:
    """Whatever the line reads: of each hold, that much contact was there since its press began, and contact at that very moment."""
    bench = settled(False)
    end = play(bench, 5.0, runs, contrary=True)
    bench.until(end + 1.0)
    at, contacts = 5.0, []
    for contact, gap in runs:
        contacts.append((at, at + contact))
        at += contact + gap
    for out in of(InputHeld, later(bench)):
        made = sum(max(0.0, min(stop, out.at) - max(start, out.since)) for start, stop in contacts)
        assert made == pytest.approx(out.held_s)
        assert any(start <= out.at <= stop + 1e-9 for start, stop in contacts)


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.booleans()), max_size=60))
def test_changes_take_turns_and_end_at_what_is_read(readings: list[tuple[float, bool]]) -> None:
    bench = settled(False)
    at, last = START, False
    for wait, active in readings:
        at, last = at + wait, active
        bench.feed(edge(at, active))
    bench.until(at + 1.0)
    changes = of(InputChanged, later(bench))
    assert [change.active for change in changes] == [n % 2 == 0 for n in range(len(changes))]
    assert bench.part.status(at)["button"] is last
    for change in changes:
        assert change.at - change.since >= (DEBOUNCE_S if change.active else RELEASE_S) - 1e-9
    assert all(earlier.at <= change.since for earlier, change in itertools.pairwise(changes))


@given(st.floats(0.0, 0.999), st.floats(1.6, 4.0), st.booleans(), st.booleans())
def test_whatever_edge_of_a_press_is_lost_the_levels_of_each_second_make_it_good(
    phase: float, held_s: float, lose_down: bool, lose_up: bool
) -> None:
    """Levels come each second. A press of 1.6 s or longer is seen, held, and over a second after its end, with any of its edges lost."""
    bench = settled(False)
    down, up = 5.0 + phase, 5.0 + phase + held_s
    truth: list[Event] = [Levels(2.0 + n, {"button": down <= 2.0 + n < up}) for n in range(12)]
    truth += ([] if lose_down else [edge(down, True)]) + ([] if lose_up else [edge(up, False)])
    bench.feed(*sorted(truth, key=lambda event: event.at))
    changes = of(InputChanged, later(bench))
    assert [change.active for change in changes] == [True, False]
    assert down <= changes[0].since <= down + 1.0
    assert up <= changes[1].since <= up + 1.0
    assert [out.held_s for out in of(InputHeld, later(bench))] == [HOLD_S]


@given(st.lists(st.tuples(st.floats(0.0005, 0.6), st.floats(1e-6, 0.002), st.booleans()), min_size=1, max_size=30))
def test_levels_that_cross_an_edge_on_their_way_change_nothing(story: list[tuple[float, float, bool]]) -> None:
    """A level is stamped before it is read: it may come after an edge that is younger than it, saying what was before or after."""
    told, crossed = settled(False), settled(False)
    at, active = 5.0, False
    for wait, older_s, level in story:
        at, active = at + wait, not active
        for bench in (told, crossed):
            bench.feed(edge(at, active))
        crossed.feed(Levels(at - older_s, {"button": level}))
    for bench in (told, crossed):
        bench.until(at + 100.0)
    assert later(told) == later(crossed)

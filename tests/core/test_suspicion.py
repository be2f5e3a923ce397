"""Suspicion: quiet and raised × good and bad looks; then that it flickers no faster than its delays."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from agent.core.suspicion import Suspicion

RAISE_S, CLEAR_S = 3.0, 10.0


def seen(*looks: tuple[float, bool]) -> Suspicion:
    """After those looks."""
    suspicion = Suspicion(RAISE_S, CLEAR_S)
    for at, bad in looks:
        suspicion.judge(at, bad, f"bad at {at:.0f}")
    return suspicion


RAISED = ((0.0, True), (3.0, True))


def test_it_is_raised_when_found_bad_for_as_long_as_stated() -> None:
    assert not seen((0.0, True), (2.9, True)).raised
    raised = seen(*RAISED)
    assert (raised.raised, raised.why) == (True, "bad at 3")


def test_one_good_look_begins_the_wait_anew() -> None:
    assert not seen((0.0, True), (2.0, False), (3.0, True), (5.9, True)).raised
    assert seen((0.0, True), (2.0, False), (3.0, True), (6.0, True)).raised


def test_it_is_cleared_when_found_good_for_as_long_as_stated() -> None:
    assert seen(*RAISED, (4.0, False), (13.9, False)).raised
    cleared = seen(*RAISED, (4.0, False), (14.0, False))
    assert (cleared.raised, cleared.why) == (False, "")


def test_one_bad_look_while_raised_keeps_it() -> None:
    assert seen(*RAISED, (4.0, False), (10.0, True), (12.0, False), (21.9, False)).raised


def test_without_a_delay_one_look_is_enough() -> None:
    suspicion = Suspicion(0.0, 10.0)
    suspicion.judge(5.0, True)
    assert suspicion.raised


def test_what_is_said_once_is_due_after_its_delay_and_turns_then() -> None:
    suspicion = seen((0.1, True))
    assert suspicion.due_at == 0.1 + RAISE_S
    suspicion.judge(suspicion.due_at, True)
    assert (suspicion.raised, suspicion.due_at) == (True, math.inf)
    suspicion.judge(20.3, False)
    assert suspicion.due_at == 20.3 + CLEAR_S
    suspicion.judge(suspicion.due_at, False)
    assert not suspicion.raised


def test_it_can_be_forgotten() -> None:
    raised = seen(*RAISED)
    raised.forget()
    assert not raised.raised


@given(st.lists(st.tuples(st.floats(0.01, 20.0), st.booleans()), max_size=80))
def test_two_changes_are_never_nearer_than_the_delays(looks: list[tuple[float, bool]]) -> None:
    suspicion, at = Suspicion(RAISE_S, CLEAR_S), 0.0
    changes = [(-1e9, False)]
    for wait, bad in looks:
        at += wait
        suspicion.judge(at, bad)
        if suspicion.raised != changes[-1][1]:
            changes.append((at, suspicion.raised))
    for (before, _), (after, raised) in itertools.pairwise(changes):
        assert after - before >= (RAISE_S if raised else CLEAR_S) - 1e-9

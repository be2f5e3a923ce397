"""Surveyed: a vehicle, a unit in its place, and one that was moved × every fix."""

from collections.abc import Callable

import pytest

from agent.config import SurveyedPlace
from agent.core.events import Event, FaultSeen, FixMode
from agent.core.surveyed import MOVED_S, Surveyed
from tests.core.builders import Bench, assert_covers, fix, of

METRE_DEG = 1 / 111_000
PLACE = SurveyedPlace(lat=36.6171, lon=101.7782, alt_m=2261.0)
AWAY = 36.6171 + 120 * METRE_DEG


def made(place: SurveyedPlace = PLACE, doubted: bool = False) -> Bench:
    return Bench(Surveyed(place, lambda: doubted))


def vehicle() -> Bench:
    return made(SurveyedPlace())


def moved() -> Bench:
    bench = made()
    bench.feed(*(fix(float(at), lat=AWAY) for at in range(round(MOVED_S) + 1)))
    return bench


STATES: dict[str, Callable[[], Bench]] = {"vehicle": vehicle, "there": made, "moved": moved}
TABLE: list[tuple[str, Event]] = [
    (state, event)
    for state in STATES
    for facts in ({}, {"lat": AWAY}, {"mode": FixMode.NONE}, {"lat": None}, {"mode": FixMode.DEAD_RECKONING})
    for event in (fix(100.0, **facts),)
]


def surveyed(bench: Bench) -> Surveyed:
    """The part itself."""
    assert isinstance(bench.part, Surveyed)
    return bench.part


@pytest.mark.parametrize(("state", "event"), TABLE)
def test_one_fix_changes_nothing(state: str, event: Event) -> None:
    bench = STATES[state]()
    before = surveyed(bench).place
    assert bench.feed(event) == []
    assert surveyed(bench).place == before == ((36.6171, 101.7782) if state == "there" else None)


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Surveyed, STATES, ((state, type(event)) for state, event in TABLE))


def test_a_unit_that_is_elsewhere_for_a_minute_was_moved_and_comes_back_after_one() -> None:
    bench = moved()
    assert [(fault.code, fault.active, str(fault.detail)) for fault in of(FaultSeen, bench.all)] == [
        ("unit.moved", True, "120 m from the surveyed position")
    ]
    assert surveyed(bench).status(0.0) == {"lat": 36.6171, "lon": 101.7782, "moved": True}
    outs = bench.feed(*(fix(100.0 + at) for at in range(round(MOVED_S) + 1)))
    assert outs == [FaultSeen(100.0 + MOVED_S, "unit.moved", False)]
    assert surveyed(bench).place == (36.6171, 101.7782)


def test_a_receiver_that_is_doubted_or_says_how_bad_it_is_moves_nobody() -> None:
    doubted = made(doubted=True)
    doubted.feed(*(fix(float(at), lat=AWAY) for at in range(200)))
    inaccurate = made()
    inaccurate.feed(*(fix(float(at), lat=AWAY, acc_m=30.0) for at in range(200)))
    assert doubted.all == inaccurate.all == []


def test_a_vehicle_has_nothing_to_tell() -> None:
    assert vehicle().part.status(0.0) == {}

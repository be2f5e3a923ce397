"""Static hold: free and held × what a receiver says of a standing car."""

import random

import pytest

from agent.core.event import FixMode
from agent.core.geodesy import distance_m
from agent.core.static_hold import FAR_S, GAP_S, HOLD_AFTER_S, StaticHold
from tests.core.builders import fix

METRE_DEG = 1 / 111_000
HERE = (36.6171, 101.7782)


def held(until: float = HOLD_AFTER_S) -> StaticHold:
    """A car that stands from second 0 on."""
    hold = StaticHold()
    for at in range(round(until) + 1):
        hold.take(fix(float(at), speed_mps=0.2))
    return hold


def test_a_car_that_stands_for_ten_seconds_is_held_where_it_is() -> None:
    assert held(HOLD_AFTER_S - 1).place is None
    assert held().place == HERE


def test_a_wandering_position_is_held_still() -> None:
    hold, rng = held(), random.Random(1)
    for at in range(11, 3600):
        hold.take(fix(float(at), lat=HERE[0] + rng.gauss(0, 8) * METRE_DEG, speed_mps=abs(rng.gauss(0, 0.2))))
        assert hold.place == HERE


@pytest.mark.parametrize("speeds", [(2.5,), (1.2, 1.2)])
def test_a_car_that_drives_off_is_let_go(speeds: tuple[float, ...]) -> None:
    hold = held()
    for n, speed in enumerate(speeds):
        assert hold.place is not None
        hold.take(fix(11.0 + n, speed_mps=speed))
    assert hold.place is None


def test_one_noisy_speed_does_not_let_it_go() -> None:
    hold = held()
    for n, speed in enumerate((1.2, 0.1, 1.2, 0.1)):
        hold.take(fix(11.0 + n, speed_mps=speed))
    assert hold.place == HERE


def test_a_position_far_away_for_long_lets_it_go_and_is_held_there() -> None:
    hold = held()
    there = HERE[0] + 80 * METRE_DEG
    places = []
    for n in range(round(FAR_S) + 1):
        hold.take(fix(11.0 + n, lat=there, speed_mps=0.0))
        places.append(hold.place)
    assert places == [HERE] * round(FAR_S) + [None]
    for n in range(round(HOLD_AFTER_S) + 1):
        hold.take(fix(30.0 + n, lat=there, speed_mps=0.0))
    assert hold.place is not None
    assert distance_m(*hold.place, *HERE) > 70


@pytest.mark.parametrize(
    "event",
    [
        fix(11.0, speed_mps=None),
        fix(11.0, mode=FixMode.DEAD_RECKONING),
        fix(11.0 + GAP_S, speed_mps=0.0),
        fix(11.0, lat=None),
    ],
)
def test_a_fix_that_cannot_be_held_to_lets_it_go(event: object) -> None:
    hold = held()
    hold.take(event)  # type: ignore[arg-type]  # fixes, by the table above
    assert hold.place is None

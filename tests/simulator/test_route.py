"""The drive: closed, smooth, bounded, and the same for ever."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.route import FASTER_MPS2, SLOWER_MPS2, SPEED_MPS_MAX, XINING, Route, State


def _metres(a: State, b: State) -> float:
    """Great circle distance on a sphere of the Earth's mean radius: 0.3 % from the ellipsoid at most."""
    la, lb = math.radians(a.lat), math.radians(b.lat)
    h = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


def _bearing(a: State, b: State) -> float:
    east = (b.lon - a.lon) * math.cos(math.radians(a.lat))
    return math.degrees(math.atan2(east, b.lat - a.lat)) % 360


def _turn(a: float, b: float) -> float:
    return abs(math.remainder(a - b, 360))


@pytest.mark.parametrize("seed", range(20))
def test_speed_is_bounded_and_smooth_and_agrees_with_the_positions(seed: int) -> None:
    """Looked at ten times a second over a whole lap."""
    route = Route.through_xining(seed)
    states = [route.at(n / 10) for n in range(int(route.period_s * 10) + 20)]
    for a, b in itertools.pairwise(states):
        assert 0 <= a.speed_mps <= SPEED_MPS_MAX
        assert -SLOWER_MPS2 * 0.1 - 1e-6 <= b.speed_mps - a.speed_mps <= FASTER_MPS2 * 0.1 + 1e-6
        assert _metres(a, b) == pytest.approx((a.speed_mps + b.speed_mps) / 20, abs=0.02)
        assert _turn(a.course_deg, b.course_deg) < 3
        if a.speed_mps > 2:
            assert _turn(_bearing(a, b), a.course_deg) < 3


@pytest.mark.parametrize("seed", range(20))
def test_a_lap_is_in_the_city_and_has_lights_and_corners(seed: int) -> None:
    """Some kilometres long, never far from the middle, standing for a while and moving for most of it."""
    route = Route.through_xining(seed)
    states = [route.at(float(t)) for t in range(int(route.period_s))]
    middle = State(*XINING, 0, 0, 0)
    assert max(_metres(middle, s) for s in states) < 1500
    assert 3000 < route.length_m < 12_000
    standing = sum(s.speed_mps == 0 for s in states)
    assert 5 <= standing < len(states) / 2
    assert max(s.speed_mps for s in states) > 10


def test_the_same_seed_is_the_same_drive_and_another_is_another() -> None:
    """So that a failure can be had again."""
    assert [Route.through_xining(7).at(t) for t in range(100)] == [Route.through_xining(7).at(t) for t in range(100)]
    assert Route.through_xining(7).at(0) != Route.through_xining(8).at(0)


@given(st.integers(0, 1000), st.floats(0, 1e6))
def test_any_time_can_be_asked_for_and_the_way_is_closed(seed: int, t: float) -> None:
    """A lap later the vehicle is where it was."""
    route = Route.through_xining(seed)
    a, b = route.at(t), route.at(t + route.period_s)
    assert _metres(a, b) < 0.01
    assert a.speed_mps == pytest.approx(b.speed_mps, abs=0.01)


def test_a_way_that_is_none_is_refused() -> None:
    """Two points, or two corners on one spot."""
    with pytest.raises(ValueError, match="three waypoints or more, found 2"):
        Route([(36.6, 101.7), (36.7, 101.7)], 0)
    with pytest.raises(ValueError, match="no room for corners between waypoints 0 and 1"):
        Route([(36.6, 101.7), (36.6, 101.70001), (36.61, 101.7)], 0)

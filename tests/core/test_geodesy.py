"""Geodesy against published lengths of degrees on WGS 84 and Vincenty's distances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.geodesy import distance_m, turn_deg


@pytest.mark.parametrize(
    ("latitude", "of_latitude_m", "of_longitude_m"),
    # Length of a degree on WGS 84: NGA, "Length of a degree of latitude and longitude", to the metre.
    [
        (0, 110_574, 111_320),
        (15, 110_649, 107_550),
        (30, 110_852, 96_486),
        (45, 111_132, 78_847),
        (60, 111_412, 55_800),
        (75, 111_618, 28_902),
    ],
)
def test_a_degree_is_as_long_as_published(latitude: float, of_latitude_m: float, of_longitude_m: float) -> None:
    assert distance_m(latitude - 0.5, 20, latitude + 0.5, 20) == pytest.approx(of_latitude_m, abs=1.0)
    assert distance_m(latitude, 20, latitude, 20.1) * 10 == pytest.approx(of_longitude_m, abs=1.0)


def test_a_known_way_across_a_city_is_right_to_a_thousandth() -> None:
    """Xining to the airport Caojiabao, 24 km; haversine on the mean sphere agrees to half a per cent."""
    assert distance_m(36.6171, 101.7782, 36.5275, 102.0430) == pytest.approx(25_680, rel=0.005)


@pytest.mark.parametrize(("lon1", "lon2"), [(179.95, -179.95), (-179.95, 179.95)])
def test_the_date_line_is_no_wall(lon1: float, lon2: float) -> None:
    assert distance_m(0, lon1, 0, lon2) == pytest.approx(11_132, abs=1)


@given(st.floats(-80, 80), st.floats(-180, 180), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_a_distance_is_the_same_both_ways_and_nothing_to_itself(lat: float, lon: float, north: float, east: float) -> None:
    there = distance_m(lat, lon, lat + north, lon + east)
    assert there == pytest.approx(distance_m(lat + north, lon + east, lat, lon), abs=1e-6)
    assert there >= 0
    assert distance_m(lat, lon, lat, lon) == 0


@pytest.mark.parametrize(
    ("before", "after", "angle"), [(0, 0, 0), (0, 90, 90), (350, 10, 20), (10, 350, 20), (0, 180, 180), (90, 271, 179), (0, 360, 0)]
)
def test_the_angle_between_two_courses_goes_the_short_way(before: float, after: float, angle: float) -> None:
    assert turn_deg(before, after) == pytest.approx(angle)

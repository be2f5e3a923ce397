"""The sun: against an example from the book, and against times of sunrise and sunset of another program."""

import pytest

from agent.core.sun import HORIZON_DEG, elevation_deg

XINING = (36.6171, 101.7782)
BEIJING = (39.9042, 116.4074)
SYDNEY = (-33.8688, 151.2093)


def test_at_the_pole_it_stands_as_high_as_its_declination() -> None:
    """Meeus, example 25.a: 1992 October 13, 0 h TD, declination -7.78507 degrees."""
    assert elevation_deg(718_934_400_000, 90.0, 0.0) == pytest.approx(-7.78507, abs=1e-4)
    assert elevation_deg(718_934_400_000, -90.0, 77.0) == pytest.approx(7.78507, abs=1e-4)


@pytest.mark.parametrize(
    ("place", "utc_ms"),
    [
        (XINING, 1_800_008_403_934),
        (XINING, 1_799_972_665_502),
        (XINING, 1_813_581_277_003),
        (XINING, 1_813_614_887_213),
        (XINING, 1_829_469_651_182),
        (XINING, 1_829_434_889_710),
        (BEIJING, 1_805_538_342_070),
        (BEIJING, 1_805_581_040_170),
        (BEIJING, 1_813_578_374_731),
        (BEIJING, 1_813_610_766_395),
        (SYDNEY, 1_813_560_826_106),
        (SYDNEY, 1_813_611_607_555),
    ],
)
def test_it_is_at_the_horizon_when_pyephem_says_that_it_rises_or_sets(place: tuple[float, float], utc_ms: int) -> None:
    """PyEphem 4.2.1 (VSOP87), horizon -0:50, its centre; 0.01 degrees are three seconds."""
    assert elevation_deg(utc_ms, *place) == pytest.approx(HORIZON_DEG, abs=0.01)


@pytest.mark.parametrize(
    ("utc_ms", "lat", "lon", "expected"),
    [
        (1_800_000_000_000, 36.6171, 101.7782, 21.2717),
        (1_800_000_000_000, -33.8688, -151.2093, -26.3990),
        (1_813_536_000_000, 23.44, 0.0, -43.1240),
    ],
)
def test_elsewhere_it_is_where_pyephem_sees_it(utc_ms: int, lat: float, lon: float, expected: float) -> None:
    assert elevation_deg(utc_ms, lat, lon) == pytest.approx(expected, abs=0.01)


def test_a_moment_and_a_place_at_the_edges_have_an_elevation() -> None:
    for lat in (-90.0, 0.0, 90.0):
        for lon in (-180.0, 180.0):
            assert -90.0 <= elevation_deg(0, lat, lon) <= 90.0

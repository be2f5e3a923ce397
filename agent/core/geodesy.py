"""Distances and directions on the WGS 84 ellipsoid, near enough for a city."""

import math

EQUATOR_M = 6_378_137.0
"""Semi-major axis of WGS 84 (NGA.STND.0036, section 3.4)."""

ECCENTRICITY_SQUARED = 6.694_379_990_14e-3
"""First eccentricity squared of WGS 84 (NGA.STND.0036, table 3.5)."""


def offset_m(lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float]:
    """Metres east and north from the first point to the second, degrees in; better than 0.1 % up to 50 km outside the polar caps.

    On the tangent plane at the middle. Radii of curvature in meridian and prime vertical: Torge & Müller, Geodesy, 4th ed., section 4.1.3.
    """
    middle = math.radians((lat1 + lat2) / 2)
    w = math.sqrt(1 - ECCENTRICITY_SQUARED * math.sin(middle) ** 2)
    north_m = math.radians(lat2 - lat1) * EQUATOR_M * (1 - ECCENTRICITY_SQUARED) / w**3
    east_deg = (lon2 - lon1 + 180) % 360 - 180
    return math.radians(east_deg) * EQUATOR_M / w * math.cos(middle), north_m


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Metres between two points, degrees in; as good as `offset_m`."""
    return math.hypot(*offset_m(lat1, lon1, lat2, lon2))


def turn_deg(course1: float, course2: float) -> float:
    """The angle between two courses, 0 to 180 degrees."""
    return abs((course2 - course1 + 180) % 360 - 180)

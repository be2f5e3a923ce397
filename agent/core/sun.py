"""The sun: UTC and a place go in; how high it stands there comes out.

Source: NOAA's solar calculator, after J. Meeus, Astronomical Algorithms (2nd edition), chapters 25 (low accuracy, 0.01 degrees), 22
(obliquity) and 28 (equation of time). UTC is taken for dynamical time: in the minute between them the sun moves 0.001 degrees in its orbit.
"""

import math

HORIZON_DEG = -0.833
"""The centre of the sun at sunrise and sunset: 34' of refraction at the horizon and 16' of its own radius below it."""


def elevation_deg(utc_ms: int, lat: float, lon: float) -> float:
    """Degrees of the sun's centre above the horizon, without refraction; `lat`, `lon` in degrees WGS 84, east is positive."""
    days = utc_ms / 86_400_000 - 10_957.5  # since noon of 2000-01-01, J2000.0
    t = days / 36_525
    mean_longitude = math.radians(280.46646 + t * (36_000.76983 + t * 0.0003032))
    anomaly = math.radians(357.52911 + t * (35_999.05029 - t * 0.0001537))
    eccentricity = 0.016708634 - t * (0.000042037 + t * 0.0000001267)
    centre = (
        math.sin(anomaly) * (1.914602 - t * (0.004817 + t * 0.000014))
        + math.sin(2 * anomaly) * (0.019993 - t * 0.000101)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * t)
    longitude = mean_longitude + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    obliquity = math.radians(23.4392911 - t * (0.0130042 + t * (0.00000016 - t * 0.000000504)) + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    y = math.tan(obliquity / 2) ** 2
    equation_of_time = (
        y * math.sin(2 * mean_longitude)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * mean_longitude)
        - y**2 / 2 * math.sin(4 * mean_longitude)
        - 5 / 4 * eccentricity**2 * math.sin(2 * anomaly)
    )
    hour_angle = 2 * math.pi * (days % 1.0) + equation_of_time + math.radians(lon)  # `days` begin at noon, where the hour angle is 0
    north = math.radians(lat)
    sine = math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))

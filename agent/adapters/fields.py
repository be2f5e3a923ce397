"""Fields of NMEA sentences in, as text; numbers, times, days and angles out: None for an empty one, ValueError for a wrong one.

An empty field is an absent fact, never 0. A ValueError means that the line is not to be believed. Format: NMEA 0183 4.11.
"""

import datetime
import functools
from collections.abc import Callable
from typing import TypeVar

DAY_MS = 86_400_000
KNOT_MPS = 1852 / 3600
FOOT_M = 0.3048

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_DOP_MIN, _DOP_MAX = 0.01, 89.99
"""Receivers write 0, 99.0 or 99.99 for "none"."""


def unsigned(text: str) -> float | None:
    """Digits with at most one point: no sign, no exponent, no nan, no inf, all of which float() takes."""
    if not text:
        return None
    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError(text)
    return float(text)


def signed(text: str) -> float | None:
    """The same, with or without a sign."""
    if text[:1] in ("+", "-"):
        magnitude = unsigned(text[1:])
        if magnitude is None:
            raise ValueError(text)
        return -magnitude if text[0] == "-" else magnitude
    return unsigned(text)


def time_of_day(text: str) -> int | None:
    """hhmmss or hhmmss.sss to ms of the day; second 60 is a leap second at 23:59, and the next minute, badly rounded, elsewhere."""
    if not text:
        return None
    if len(text) < 6 or not text[:6].isdigit():
        raise ValueError(text)
    seconds = unsigned(text[4:])
    h, m = int(text[:2]), int(text[2:4])
    if seconds is None or h > 23 or m > 59 or seconds >= 61:
        raise ValueError(text)
    return h * 3_600_000 + m * 60_000 + round(seconds * 1000)


@functools.lru_cache(maxsize=8)
def day(year: int, month: int, of_month: int) -> int:
    """Days since 1970-01-01."""
    return datetime.date(year, month, of_month).toordinal() - EPOCH_DAY


def date(text: str) -> int | None:
    """Turn ddmmyy into days since 1970; two digits of the year split at 69, as POSIX and gpsd do."""
    if not text:
        return None
    if len(text) != 6 or not text.isdigit():
        raise ValueError(text)
    year = int(text[4:])
    return day(year + (1900 if year >= 69 else 2000), int(text[2:4]), int(text[:2]))


def angle(text: str, letter: str, letters: str, degrees_max: int) -> float | None:
    """dddmm.mmmm and a letter to signed degrees; None unless both are there."""
    if not text or not letter:
        return None
    point = text.find(".")
    split = (len(text) if point < 0 else point) - 2
    minutes = unsigned(text[max(split, 0) :])
    whole = text[: max(split, 0)]
    if minutes is None or minutes >= 60 or letter not in letters or (whole and not whole.isdigit()):
        raise ValueError(text)
    degrees = (int(whole) if whole else 0) + minutes / 60
    if degrees > degrees_max:
        raise ValueError(text)
    return -degrees if letter == letters[1] else degrees


def padded(data: list[str], least: int, most: int) -> list[str]:
    """All `most` fields, the absent ones empty; a line with other than `least` to `most` is cut or merged. Empty ones too many are none."""
    if not least <= len(data) <= most and (len(data) < least or any(data[most:])):
        raise ValueError(f"{len(data)} fields")
    return data[:most] + [""] * (most - len(data))


def place(f: list[str]) -> tuple[float | None, float | None]:
    """Four fields: latitude, N or S, longitude, E or W; to signed degrees."""
    return angle(f[0], f[1], "NS", 90), angle(f[2], f[3], "EW", 180)


_Fact = TypeVar("_Fact")


def spare(read: Callable[[str], _Fact | None], text: str, spared: list[str]) -> _Fact | None:
    """A field without which the others still tell where and when: one that cannot be is put into `spared`, and absent."""
    try:
        return read(text)
    except ValueError:
        spared.append(text)
        return None


def dop(text: str) -> float | None:
    """A dilution of precision; None for the values that stand for none."""
    found = unsigned(text)
    return found if found is not None and _DOP_MIN <= found <= _DOP_MAX else None


def count(text: str) -> int | None:
    """A whole number."""
    if not text:
        return None
    if not text.isdigit():
        raise ValueError(text)
    return int(text)


def knots(text: str) -> float | None:
    """Knots to m/s."""
    speed = unsigned(text)
    return None if speed is None else speed * KNOT_MPS


def kmh(text: str) -> float | None:
    """km/h to m/s."""
    speed = unsigned(text)
    return None if speed is None else speed / 3.6


def course(text: str) -> float | None:
    """Degrees from true north, 0 to 360."""
    found = unsigned(text)
    if found is not None and found > 360:
        raise ValueError(text)
    return found

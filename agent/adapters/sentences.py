"""One NMEA 0183 line in, what it says of the fix out, in our own types: a `Sentence`, or None; or `LineRefused` with the reason.

Every fact is read once, here, from the fields that pynmea2 split; pynmea2's own attributes parse anew at each read, turn an empty position
into 0.0, and call a good RMC of NMEA 4.1 invalid. Format: NMEA 0183 4.11; what receivers make of it: gpsd's regression logs.
"""

import datetime
import enum
import functools
import math
import operator
from collections.abc import Callable

import msgspec
import pynmea2

DAY_MS = 86_400_000
KNOT_MPS = 1852 / 3600
LINE_CHARS_MAX = 130
"""NMEA says 82; modern receivers go over it. Longer ones are two merged by lost bytes, now and then with a checksum that fits (gpsd)."""

_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_HDOP_MIN, _HDOP_MAX = 0.01, 89.99
"""Receivers write 0, 99.0 or 99.99 for "none"."""


class LineRefused(Exception):
    """A line that must not be believed; `reason` is the name under which it is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Verdict(enum.IntEnum):
    """What a sentence says of the fix; of several sentences of one instant the lowest counts."""

    VOID = 0
    ESTIMATED = 1
    """Dead reckoning."""
    GOOD = 2


class Sentence(msgspec.Struct, frozen=True):
    """The facts of one line; an absent one is None. `tod_ms`: UTC time of day; `day`: days since 1970-01-01; the rest as in `Fix`."""

    talker: str
    kind: str
    tod_ms: int | None = None
    day: int | None = None
    verdict: Verdict | None = None
    lat: float | None = None
    lon: float | None = None
    alt_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    hdop: float | None = None
    acc_m: float | None = None
    nav_mode: int | None = None
    """GSA: 1 no fix, 2 two-dimensional, 3 three-dimensional."""
    used: tuple[tuple[str, int], ...] = ()
    """GSA: satellites used, as constellation and number."""
    sats: int | None = None
    """GGA, GNS: how many satellites are used, of all constellations of that talker."""


# --- fields -------------------------------------------------------------------------------------------------------------------------
# ValueError everywhere: the field is neither empty nor what it should be, so the line is not to be believed.


def _unsigned(text: str) -> float | None:
    """Digits with at most one point: no sign, no exponent, no nan, no inf, all of which float() takes."""
    if not text:
        return None
    if not text.replace(".", "", 1).isdigit():
        raise ValueError(text)
    return float(text)


def _signed(text: str) -> float | None:
    if text[:1] in "+-" and text:
        magnitude = _unsigned(text[1:])
        if magnitude is None:
            raise ValueError(text)
        return -magnitude if text[0] == "-" else magnitude
    return _unsigned(text)


def _time(text: str) -> int | None:
    """hhmmss or hhmmss.sss to ms of the day; second 60 is a leap second."""
    if not text:
        return None
    if not text[:6].isdigit() or len(text) < 6:
        raise ValueError(text)
    seconds = _unsigned(text[4:])
    h, m = int(text[:2]), int(text[2:4])
    if seconds is None or h > 23 or m > 59 or seconds >= 61:
        raise ValueError(text)
    return h * 3_600_000 + m * 60_000 + round(seconds * 1000)


@functools.lru_cache(maxsize=8)
def _day(year: int, month: int, day: int) -> int:
    return datetime.date(year, month, day).toordinal() - _EPOCH_DAY


def _date(text: str) -> int | None:
    """Turn ddmmyy into days since 1970; two digits of the year split at 69, as POSIX and gpsd do."""
    if not text:
        return None
    if len(text) != 6 or not text.isdigit():
        raise ValueError(text)
    year = int(text[4:])
    return _day(year + (1900 if year >= 69 else 2000), int(text[2:4]), int(text[:2]))


def _angle(text: str, letter: str, letters: str, degrees_max: int) -> float | None:
    """dddmm.mmmm and a letter to signed degrees; None unless both are there."""
    if not text or not letter:
        return None
    point = text.find(".")
    split = (len(text) if point < 0 else point) - 2
    minutes = _unsigned(text[max(split, 0) :])
    whole = text[: max(split, 0)]
    if minutes is None or minutes >= 60 or letter not in letters or (whole and not whole.isdigit()):
        raise ValueError(text)
    degrees = (int(whole) if whole else 0) + minutes / 60
    if degrees > degrees_max:
        raise ValueError(text)
    return -degrees if letter == letters[1] else degrees


def _hdop(text: str) -> float | None:
    hdop = _unsigned(text)
    return hdop if hdop is not None and _HDOP_MIN <= hdop <= _HDOP_MAX else None


def _count(text: str) -> int | None:
    if not text:
        return None
    if not text.isdigit():
        raise ValueError(text)
    return int(text)


def _speed(knots: str) -> float | None:
    speed = _unsigned(knots)
    return None if speed is None else speed * KNOT_MPS


def _course(text: str) -> float | None:
    course = _unsigned(text)
    if course is not None and course > 360:
        raise ValueError(text)
    return course


def _verdict_of_mode(modes: str) -> Verdict:
    """Mode indicators, one a constellation in GNS: the best counts, but with a simulator (S), manual (M) or unknown one it is no fix."""
    verdict = Verdict.VOID
    for mode in modes:
        if mode in "ADPRF":
            verdict = Verdict.GOOD
        elif mode == "E":
            verdict = max(verdict, Verdict.ESTIMATED)
        elif mode != "N":
            return Verdict.VOID
    return verdict


def _verdict(status: str, mode: str) -> Verdict:
    """Status A or V, and the mode indicator, which NMEA before 2.3 has not."""
    if status != "A":
        return Verdict.VOID
    return _verdict_of_mode(mode) if mode else Verdict.GOOD


_QUALITY = dict.fromkeys("123459", Verdict.GOOD) | {"6": Verdict.ESTIMATED}
"""GGA quality; empty, 0 (none), 7 (manual) and 8 (simulator) are no fix. 9 is NovAtel's word for a fix with SBAS."""


# --- sentences ----------------------------------------------------------------------------------------------------------------------


def _fields(data: list[str], least: int, most: int) -> list[str]:
    """All `most` fields, the absent ones empty; a line with other than `least` to `most` is cut or merged."""
    if not least <= len(data) <= most:
        raise ValueError(f"{len(data)} fields")
    return data + [""] * (most - len(data))


def _gga(talker: str, data: list[str]) -> Sentence:
    f = _fields(data, 9, 15)
    tod, lat, lon = _time(f[0]), _angle(f[1], f[2], "NS", 90), _angle(f[3], f[4], "EW", 180)
    verdict = _QUALITY.get(f[5], Verdict.VOID)
    if verdict is Verdict.VOID:
        return Sentence(talker, "GGA", tod, verdict=verdict)
    return Sentence(talker, "GGA", tod, verdict=verdict, lat=lat, lon=lon, alt_m=_signed(f[8]), hdop=_hdop(f[7]), sats=_count(f[6]))


def _gns(talker: str, data: list[str]) -> Sentence:
    f = _fields(data, 9, 13)
    tod, verdict = _time(f[0]), _verdict_of_mode(f[5])
    if verdict is Verdict.VOID:
        return Sentence(talker, "GNS", tod, verdict=verdict)
    lat, lon = _angle(f[1], f[2], "NS", 90), _angle(f[3], f[4], "EW", 180)
    return Sentence(talker, "GNS", tod, verdict=verdict, lat=lat, lon=lon, alt_m=_signed(f[8]), hdop=_hdop(f[7]), sats=_count(f[6]))


def _rmc(talker: str, data: list[str]) -> Sentence:
    f = _fields(data, 9, 13)
    tod, verdict = _time(f[0]), _verdict(f[1], f[11])
    if verdict is Verdict.VOID:  # its date is that of a clock nobody set
        return Sentence(talker, "RMC", tod, verdict=verdict)
    lat, lon = _angle(f[2], f[3], "NS", 90), _angle(f[4], f[5], "EW", 180)
    return Sentence(talker, "RMC", tod, _date(f[8]), verdict, lat, lon, speed_mps=_speed(f[6]), course_deg=_course(f[7]))


def _gll(talker: str, data: list[str]) -> Sentence:
    f = _fields(data, 6, 7)
    tod, verdict = _time(f[4]), _verdict(f[5], f[6])
    if verdict is Verdict.VOID:
        return Sentence(talker, "GLL", tod, verdict=verdict)
    return Sentence(talker, "GLL", tod, verdict=verdict, lat=_angle(f[0], f[1], "NS", 90), lon=_angle(f[2], f[3], "EW", 180))


def _vtg(talker: str, data: list[str]) -> Sentence | None:
    f = _fields(data, 8, 9)
    if f[1] not in ("T", "") or (f[8] and f[8] in "NEMS"):
        return None
    return Sentence(talker, "VTG", course_deg=_course(f[0]), speed_mps=_speed(f[4]))


def _gst(talker: str, data: list[str]) -> Sentence:
    f = _fields(data, 8, 8)
    north, east = _unsigned(f[5]), _unsigned(f[6])
    return Sentence(talker, "GST", _time(f[0]), acc_m=None if north is None or east is None else math.hypot(north, east))


def _zda(talker: str, data: list[str]) -> Sentence:
    f = _fields(data, 4, 6)
    tod, d, m, y = _time(f[0]), _count(f[1]), _count(f[2]), _count(f[3])
    return Sentence(talker, "ZDA", tod, None if d is None or m is None or y is None else _day(y, m, d))


_SYSTEMS = {"1": "GP", "2": "GL", "3": "GA", "4": "BD", "5": "GQ", "6": "GI"}
_TALKERS = {"GP": "GP", "GL": "GL", "GA": "GA", "BD": "BD", "GB": "BD", "PQ": "BD", "GQ": "GQ", "QZ": "GQ", "GI": "GI"}
_RANGES = ((32, "GP"), (64, "SB"), (96, "GL"), (192, "SB"), (200, "GQ"), (237, "BD"), (336, "GA"), (437, "BD"))
"""Last number of each range for receivers that put all into one GSA: NMEA's, and beyond 192 those of SiRF, Telit, Quectel and u-blox."""


def _constellation(known: str | None, number: int) -> str | None:
    if known is None or (known == "GP" and number > 32):
        return next((name for last, name in _RANGES if number <= last), None)
    return known


def _gsa(talker: str, data: list[str]) -> Sentence:
    f = _fields(data, 17, 30)
    if f[1] not in ("1", "2", "3", ""):
        raise ValueError(f[1])
    dops = 14 if len(data) <= 18 else len(data) - 3  # 12 satellites; some receivers of old send 24, and no system id
    known = _SYSTEMS.get(f[dops + 3]) or _TALKERS.get(talker)  # SiRF puts a float where NMEA 4.1 has the system id
    used = []
    for text in f[2:dops]:
        number = _count(text)
        name = _constellation(known, number) if number else None
        if number and name:
            used.append((name, number))
    return Sentence(talker, "GSA", nav_mode=_count(f[1]), hdop=_hdop(f[dops + 1]), used=tuple(used))


_READERS: dict[str, Callable[[str, list[str]], Sentence | None]] = {
    "GGA,": _gga,
    "GNS,": _gns,
    "RMC,": _rmc,
    "GLL,": _gll,
    "VTG,": _vtg,
    "GST,": _gst,
    "ZDA,": _zda,
    "GSA,": _gsa,
}


def _check(line: str) -> None:
    """Hold a line that nobody will parse against its checksum: XOR of all between $ and * (NMEA 0183, 5.3.1)."""
    body, _, checksum = line[1:].rpartition("*")
    try:
        right = len(checksum) == 2 and int(checksum, 16) == functools.reduce(operator.xor, body.encode("ascii"), 0)
    except ValueError:
        right = False
    if not right:
        raise LineRefused("checksum")


def parse(line: str) -> Sentence | None:
    """One line, ASCII, from its `$` to its checksum, without line end.

    Returns None for a good line that says nothing of the fix (GSV, TXT, proprietary).

    Raises:
        LineRefused: too_long, no_checksum, checksum, unreadable, or field (a field is neither empty nor what it should be).
    """
    if len(line) > LINE_CHARS_MAX:
        raise LineRefused("too_long")
    if "*" not in line:
        raise LineRefused("no_checksum")
    reader = _READERS.get(line[3:7])
    quectel_beidou = line.startswith("$PQGSA,")  # to pynmea2 a proprietary sentence of a manufacturer QGS
    if reader is None or (line[1] == "P" and not quectel_beidou):
        _check(line)
        return None
    try:
        raw = pynmea2.parse(line, check=True)
    except pynmea2.ChecksumError as e:
        raise LineRefused("checksum") from e
    except Exception as e:  # pynmea2 lets out more than its own errors (IndexError, by fuzzing); the line is counted
        raise LineRefused("unreadable") from e
    try:
        return reader("PQ", raw.data[1:]) if quectel_beidou else reader(raw.talker, raw.data)
    except (ValueError, OverflowError) as e:
        raise LineRefused("field") from e

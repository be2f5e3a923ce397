"""One NMEA 0183 line in, what it says out, in our own types: a `Sentence` of the fix, a `Sight`, a `Word` or None; or `LineRefused`.

Every fact is read once, here, from the fields that pynmea2 split; pynmea2's own attributes parse anew at each read, turn an empty position
into 0.0, and call a good RMC of NMEA 4.1 invalid. Format: NMEA 0183 4.11; what receivers make of it: gpsd's regression logs.
"""

import functools
import math
from collections.abc import Callable

import pynmea2

from agent.adapters import proprietary
from agent.adapters.facts import Sentence, Verdict, judge, quality_of_modes, verdict_of
from agent.adapters.fields import count, course, date, day, dop, kmh, knots, padded, place, signed, spare, time_of_day, unsigned
from agent.adapters.satellites import SYSTEMS, TALKERS, InView, Sight, identify
from agent.adapters.words import Word, is_log_right, is_right, word

LINE_CHARS_MAX = 130
"""NMEA says 82; modern receivers go over it. Longer ones are two merged by lost bytes, now and then with a checksum that fits (gpsd)."""

LOG_CHARS_MAX = 300
"""A Unicore log is no NMEA: its #VERSIONA has some 160 characters."""


class LineRefused(Exception):
    """A line that must not be believed; `reason` is the name under which it is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_GGA_QUALITY = {"1": "autonomous", "2": "dgps", "3": "pps", "4": "rtk", "5": "float", "6": "estimated", "9": "dgps"}
"""0 (none), 7 (manual), 8 (simulator) and what else there may be are no fix; empty is unknown. 9 is NovAtel's word for a fix with SBAS."""


# --- sentences of the fix -----------------------------------------------------------------------------------------------------------


def _gga(talker: str, data: list[str]) -> Sentence:
    f = padded(data, 9, 15)
    tod, (lat, lon), quality = time_of_day(f[0]), place(f[1:5]), _GGA_QUALITY.get(f[5])
    verdict = _known(f[5], verdict_of(quality), tod, lat)
    if verdict is Verdict.VOID:
        return Sentence(talker, "GGA", tod, verdict=verdict)
    bad: list[str] = []
    sats, hdop, alt_m = spare(count, f[6], bad), spare(dop, f[7], bad), spare(signed, f[8], bad)
    if verdict is None:
        lat = lon = None
    return Sentence(talker, "GGA", tod, None, verdict, lat, lon, alt_m, hdop=hdop, sats=sats, quality=quality, spared=len(bad))


def _gns(talker: str, data: list[str]) -> Sentence:
    f = padded(data, 9, 13)
    tod, (lat, lon), quality = time_of_day(f[0]), place(f[1:5]), quality_of_modes(f[5])
    verdict = _known(f[5], verdict_of(quality), tod, lat)
    if verdict is Verdict.VOID:
        return Sentence(talker, "GNS", tod, verdict=verdict)
    bad: list[str] = []
    sats, hdop, alt_m = spare(count, f[6], bad), spare(dop, f[7], bad), spare(signed, f[8], bad)
    if verdict is None:
        lat = lon = None
    return Sentence(talker, "GNS", tod, None, verdict, lat, lon, alt_m, hdop=hdop, sats=sats, quality=quality, spared=len(bad))


def _known(mark: str, verdict: Verdict, tod: int | None, lat: float | None) -> Verdict | None:
    """An empty mark of quality says neither yes nor no: then another sentence has to say. With neither time nor place it is no."""
    return verdict if mark or tod is None or lat is None else None


def _rmc(talker: str, data: list[str]) -> Sentence:
    f = padded(data, 9, 13)
    tod, (verdict, quality) = time_of_day(f[0]), judge(f[1], f[11])
    if verdict is Verdict.VOID:  # its date is that of a clock nobody set
        return Sentence(talker, "RMC", tod, verdict=verdict)
    (lat, lon), bad = place(f[2:6]), list[str]()
    day, speed_mps, course_deg = spare(date, f[8], bad), spare(knots, f[6], bad), spare(course, f[7], bad)
    return Sentence(talker, "RMC", tod, day, verdict, lat, lon, None, speed_mps, course_deg, quality=quality, spared=len(bad))


def _gll(talker: str, data: list[str]) -> Sentence:
    f = padded(data, 6, 7)
    tod, (verdict, quality) = time_of_day(f[4]), judge(f[5], f[6])
    if verdict is Verdict.VOID:
        return Sentence(talker, "GLL", tod, verdict=verdict)
    lat, lon = place(f[0:4])
    return Sentence(talker, "GLL", tod, None, verdict, lat, lon, quality=quality)


def _vtg(talker: str, data: list[str]) -> Sentence | None:
    """Two forms: each number with its letter; or, before NMEA 2.0, four numbers: course true and magnetic, knots, km/h."""
    f = padded(data, 4, 9)
    if len(data) == 4:
        f = [f[0], "T", f[1], "M", f[2], "N", f[3], "K", ""]
    if f[1] not in ("T", "") or (f[8] and f[8] in "NEMS"):
        return None
    bad: list[str] = []
    speed_mps, course_deg = spare(knots, f[4], bad), spare(course, f[0], bad)
    if speed_mps is None:
        speed_mps = spare(kmh, f[6], bad)
    return Sentence(talker, "VTG", course_deg=course_deg, speed_mps=speed_mps, spared=len(bad))


def _gst(talker: str, data: list[str]) -> Sentence:
    f = padded(data, 8, 8)
    return Sentence(talker, "GST", time_of_day(f[0]), acc_m=_both(f[5], f[6]))


def _gbs(talker: str, data: list[str]) -> Sentence:
    f = padded(data, 8, 10)
    return Sentence(talker, "GBS", time_of_day(f[0]), acc_m=_both(f[1], f[2]))


def _both(north: str, east: str) -> float | None:
    """Standard deviations north and east, m, to the horizontal one; 0 is what some say for unknown."""
    n, e = unsigned(north), unsigned(east)
    return None if n is None or e is None or not n + e else math.hypot(n, e)


def _zda(talker: str, data: list[str]) -> Sentence:
    f = padded(data, 4, 6)
    tod, d, m, y = time_of_day(f[0]), count(f[1]), count(f[2]), count(f[3])
    return Sentence(talker, "ZDA", tod, None if d is None or m is None or y is None else day(y, m, d))


def _gsa(talker: str, data: list[str]) -> Sentence:
    f = [*padded(data, 17, 30), ""]
    if f[1] not in ("1", "2", "3", ""):
        raise ValueError(f[1])
    dops = 14 if len(data) <= 18 else min(len(data), 30) - 3  # 12 satellites; some receivers of old send 24, and no system id
    known = SYSTEMS.get(f[dops + 3]) or TALKERS.get(talker)  # SiRF puts a float where NMEA 4.1 has the system id
    used, bad = [], list[str]()
    for text in f[2:dops]:
        number = spare(count, text, bad)
        found = identify(known, number) if number else None
        if found:
            used.append(found)
    pdop, hdop, vdop = (spare(dop, text, bad) for text in f[dops : dops + 3])
    return Sentence(talker, "GSA", nav_mode=count(f[1]), hdop=hdop, pdop=pdop, vdop=vdop, used=tuple(used), spared=len(bad))


_READERS: dict[str, Callable[[str, list[str]], Sentence | None]] = {
    "GGA,": _gga,
    "GNS,": _gns,
    "RMC,": _rmc,
    "GLL,": _gll,
    "VTG,": _vtg,
    "GST,": _gst,
    "GBS,": _gbs,
    "ZDA,": _zda,
    "GSA,": _gsa,
}


# --- sentences of the sky -----------------------------------------------------------------------------------------------------------


def _gsv(line: str) -> Sight | None:
    """Split here, since pynmea2 takes the signal id of a sentence with fewer than four satellites for a satellite's number.

    None for a talker that speaks for no satellites.
    """
    talker, data = line[1:3], line[7:-3].split(",")
    if " " in line:
        data = _stripped(data)
    if talker != "GN" and talker not in TALKERS:
        return None
    total, index = count(data[0]), count(data[1]) if len(data) > 1 else None
    if not total or not index or index > total or len(data) < 3 or len(data) > 21:
        raise ValueError(line)
    in_view, over = divmod(len(data) - 3, 4)
    if over == 3:
        raise ValueError(line)
    signal = data[-over] if over else ""  # NMEA 4.1: a signal id; Quectel's $PQGSV has a system id behind it
    if len(signal) > 1:
        raise ValueError(signal)
    seen = []
    for i in range(3, 3 + 4 * in_view, 4):
        number, elev, azim, cn0 = count(data[i]), signed(data[i + 1]), unsigned(data[i + 2]), unsigned(data[i + 3])
        found = identify(TALKERS.get(talker), number) if number else None
        if found:
            elev_deg = int(elev) if elev is not None and abs(elev) <= 90 else None
            azim_deg = int(azim) % 360 if azim is not None and azim <= 360 else None
            seen.append(InView(*found, elev_deg, azim_deg, cn0 if cn0 and cn0 < 100 else None))
    return Sight(TALKERS.get(talker, talker), signal, index, total, tuple(seen))


# --- the line -----------------------------------------------------------------------------------------------------------------------


def parse(line: str, *, with_sky: bool = True) -> Sentence | Sight | Word | None:
    """One line, ASCII, from its `$` (`!` of AIS, `#` of a Unicore or NovAtel log) to its checksum, without line end.

    Returns None for a good line that says nothing that we want; with `with_sky` False that is GSV, too, of which only the checksum is read.

    Raises:
        LineRefused: too_long, no_checksum, checksum, unreadable, or field (a field is neither empty nor what it should be).
    """
    if line.startswith("#"):
        if len(line) > LOG_CHARS_MAX:
            raise LineRefused("too_long")
        if not is_log_right(line):
            raise LineRefused("checksum")
        return word(line)
    if len(line) > LINE_CHARS_MAX:
        raise LineRefused("too_long")
    if "*" not in line:
        raise LineRefused("no_checksum")
    reader = _READERS.get(line[3:7])
    if line[0] == "!":  # an encapsulated sentence (AIS): good, and of somebody else
        if not is_right(line):
            raise LineRefused("checksum")
        return None
    if reader is None or (line[1] == "P" and line[2] != "Q"):
        if not is_right(line):
            raise LineRefused("checksum")
        return None if line[3:7] == "GSV," and not with_sky else _unread(line)
    if line[1:3] == "PQ":  # Quectel's BeiDou; to pynmea2 a proprietary sentence of a manufacturer QGS
        if not is_right(line):
            raise LineRefused("checksum")
        return _read(reader, "PQ", _stripped(line[7:-3].split(",")))
    return _read_again(line) if reader is _gsa else _read_new(line)


def _read_new(line: str) -> Sentence | None:
    """A line that has a reader and that pynmea2 splits."""
    try:
        raw = pynmea2.parse(line, check=True)
    except pynmea2.ChecksumError as e:
        raise LineRefused("checksum") from e
    except Exception as e:  # pynmea2 lets out more than its own errors (IndexError, by fuzzing); the line is counted
        raise LineRefused("unreadable") from e
    if not isinstance(raw, pynmea2.TalkerSentence):  # `$pQGGA`: to pynmea2, which minds no case, a proprietary one
        raise LineRefused("unreadable")
    return _read(_READERS[line[3:7]], raw.talker, _stripped(raw.data) if " " in line else raw.data)


def _stripped(data: list[str]) -> list[str]:
    """Some receivers fill their fields up with blanks: ` 8`, `  1.0`."""
    return [field.strip() for field in data]


_read_again = functools.lru_cache(maxsize=32)(_read_new)
"""For GSA: it bears no time, and comes word for word the same as long as the satellites stay; ten constellations and signals, and room."""


def _unread(line: str) -> Sentence | Sight | Word | None:
    """A line with a right checksum that pynmea2 has not to split."""
    if line[3:7] == "GSV,":
        try:
            return _gsv(line)
        except ValueError as e:
            raise LineRefused("field") from e
    if line[1] == "P":
        try:
            found = proprietary.read(line)
        except (ValueError, OverflowError) as e:
            raise LineRefused("field") from e
        if found is not None:
            return found
    return word(line)


def _read(reader: Callable[[str, list[str]], Sentence | None], talker: str, data: list[str]) -> Sentence | None:
    try:
        return reader(talker, data)
    except (ValueError, OverflowError) as e:
        raise LineRefused("field") from e

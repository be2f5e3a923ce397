"""A maker's own sentence with a position in, what it says of the fix out: a `Sentence` marked `proprietary`, or None for any other line.

Receivers send these beside the standard sentences, and some of them alone. What they say counts where no standard sentence of the same
instant speaks of it (`epoch`): they are coarser (Garmin: whole km/h), or say something else (heights above the ellipsoid, which are no
`alt_m` and left out). Void beats good from them, too.

Sources. $PUBX,00 and 04: u-blox 6 to M8 protocol specifications, "Lat/Long Position Data", "Time of Day and Clock Information".
$PASHR,POS: Ashtech and Spectra reference manuals (GG Surveyor table 6.75, Z-Family 6.106, DG14 6.36, ProFlex 800, SP90m); all have speed
in knots, gpsd takes km/h. $PGRMF, $PGRMZ: Garmin 190-00684-00 rev. C. $PSTI,030: gpsd (from SkyTraq's AN0028) and its recordings.
$PTNL,GGK: SBG's and other projects' quotations of Trimble's format. $PMGNST: Magellan, www.gpsinformation.org/dale/nmea.htm.
"""

import math
from collections.abc import Callable

from agent.adapters.facts import Sentence, Verdict, judge, verdict_of
from agent.adapters.fields import FOOT_M, count, course, date, dop, kmh, knots, padded, place, signed, time_of_day, unsigned

COURSE_FROM_MPS = 0.5
"""SkyTraq gives velocities north and east; of less than this the direction is noise."""

_PUBX_STATUS = {
    "G2": ("autonomous", 2),
    "G3": ("autonomous", 3),
    "D2": ("dgps", 2),
    "D3": ("dgps", 3),
    "RK": ("autonomous", None),
    "DR": ("estimated", None),
    "NF": (None, 1),
    "TT": (None, 1),
}
"""Kind of fix, and mode as in GSA. RK: satellites and dead reckoning together; TT: time only."""

_ASHTECH_QUALITY = {
    "0": "autonomous",
    "1": "dgps",
    "2": "float",
    "3": "rtk",
    "5": "estimated",
    "9": "dgps",
    "10": "dgps",
    "12": "float",
    "13": "rtk",
    "22": "float",
    "23": "rtk",
}

_TRIMBLE_QUALITY = {
    "1": "autonomous",
    "2": "float",
    "3": "rtk",
    "4": "dgps",
    "5": "dgps",
    "6": "float",
    "7": "rtk",
    "8": "float",
    "9": "rtk",
    "10": "dgps",
    "11": "dgps",
    "13": "dgps",
}
"""6 and 7 with a network, 8 and 9 flat, 10 and 11 OmniSTAR, 13 a beacon."""


def _pubx_position(data: list[str]) -> Sentence | None:
    f = padded(data, 19, 19)
    if f[6] not in _PUBX_STATUS:
        raise ValueError(f[6])
    quality, nav_mode = _PUBX_STATUS[f[6]]
    tod, verdict = time_of_day(f[0]), verdict_of(quality)
    if verdict is Verdict.VOID:
        return Sentence("PUBX", "00", tod, verdict=verdict, proprietary=True)
    (lat, lon), acc_m, sats = place(f[1:5]), unsigned(f[7]) or None, count(f[16])
    return Sentence(
        "PUBX", "00", tod, None, verdict, lat, lon, None, kmh(f[9]), course(f[10]), dop(f[13]), acc_m, None, dop(f[14]), nav_mode,
        sats=sats, quality=quality, proprietary=True,
    )  # fmt: skip


def _pubx_time(data: list[str]) -> Sentence | None:
    f = padded(data, 8, 9)
    return Sentence("PUBX", "04", time_of_day(f[0]), date(f[1]), proprietary=True)


def _ashtech(data: list[str]) -> Sentence | None:
    f = padded(data, 17, 17)
    tod, (lat, lon) = time_of_day(f[2]), place(f[3:7])
    if not f[0] or lat is None:
        return Sentence("PASHR", "POS", tod, verdict=Verdict.VOID, proprietary=True)
    quality = _ASHTECH_QUALITY.get(f[0])
    if quality is None:
        return None
    sats, verdict = count(f[1]), verdict_of(quality)
    nav_mode = 2 if sats == 3 else 3
    return Sentence(
        "PASHR", "POS", tod, None, verdict, lat, lon, None, knots(f[10]), course(f[9]), dop(f[13]), None, dop(f[12]), dop(f[14]), nav_mode,
        sats=sats, quality=quality, proprietary=True,
    )  # fmt: skip


def _garmin(data: list[str]) -> Sentence | None:
    f = padded(data, 15, 15)
    if f[10] not in ("0", "1", "2"):
        raise ValueError(f[10])
    if f[9] != "A":  # M: somebody chose two or three dimensions by hand, or entered a position: Garmin does not say
        return None
    tod = time_of_day(f[3])
    if f[10] == "0":
        return Sentence("PGRM", "F", tod, verdict=Verdict.VOID, proprietary=True)
    (lat, lon), nav_mode = place(f[5:9]), 2 if f[10] == "1" else 3
    return Sentence(
        "PGRM", "F", tod, date(f[2]), Verdict.GOOD, lat, lon, None, kmh(f[11]), course(f[12]), pdop=dop(f[13]), nav_mode=nav_mode,
        proprietary=True,
    )  # fmt: skip


def _garmin_height(data: list[str]) -> Sentence | None:
    """In feet: the barometer's where there is one, and then the better one. With mode 2 it is the user's own word."""
    f = padded(data, 2, 3)
    feet, mode = signed(f[0]), f[2]
    if f[1] not in ("f", "") or mode not in ("1", "2", "3", ""):
        raise ValueError(mode)
    return Sentence("PG", "RMZ", alt_m=None if feet is None or mode in ("1", "2") else feet * FOOT_M, nav_mode=count(mode))


def _skytraq(data: list[str]) -> Sentence | None:
    f = padded(data, 14, 14)
    tod, (verdict, quality) = time_of_day(f[0]), judge(f[1], f[11])
    if verdict is Verdict.VOID:
        return Sentence("PSTI", "030", tod, verdict=verdict, proprietary=True)
    (lat, lon), alt_m, east, north = place(f[2:6]), signed(f[6]), signed(f[7]), signed(f[8])
    speed_mps = None if east is None or north is None else math.hypot(east, north)
    moves = speed_mps is not None and speed_mps >= COURSE_FROM_MPS
    course_deg = math.degrees(math.atan2(east or 0.0, north or 0.0)) % 360 if moves else None
    return Sentence(
        "PSTI", "030", tod, date(f[10]), verdict, lat, lon, alt_m, speed_mps, course_deg, quality=quality, proprietary=True
    )  # fmt: skip


def _trimble(data: list[str]) -> Sentence | None:
    f = padded(data, 11, 11)
    tod, (lat, lon) = time_of_day(f[0]), place(f[2:6])
    if f[6] in ("0", ""):
        return Sentence("PTNL", "GGK", tod, verdict=Verdict.VOID, proprietary=True)
    quality = _TRIMBLE_QUALITY.get(f[6])
    if quality is None:
        return None
    day = date(f[1][2:4] + f[1][:2] + f[1][4:])  # the month comes first
    return Sentence(
        "PTNL", "GGK", tod, day, verdict_of(quality), lat, lon, sats=count(f[7]), quality=quality, nav_mode=3, proprietary=True
    )  # fmt: skip


def _magellan(data: list[str]) -> Sentence | None:
    """No position: whether there is a fix, and which."""
    f = padded(data, 7, 7)
    if f[1] not in ("0", "1", "2", "3") or f[2] not in ("T", "F"):
        raise ValueError(f[1])
    return Sentence("PMGN", "ST", nav_mode=max(1, int(f[1])) if f[2] == "T" else 1, proprietary=True)


_Reader = Callable[[list[str]], Sentence | None]

_BY_NAME: dict[str, _Reader] = {"PGRMF": _garmin, "PGRMZ": _garmin_height, "PMGNST": _magellan}
_BY_KIND: dict[tuple[str, str], _Reader] = {
    ("PUBX", "00"): _pubx_position,
    ("PUBX", "04"): _pubx_time,
    ("PASHR", "POS"): _ashtech,
    ("PSTI", "030"): _skytraq,
    ("PTNL", "GGK"): _trimble,
}


def read(line: str) -> Sentence | None:
    """A line whose checksum is right, from its `$` to its checksum; None when there is nothing of a fix in it.

    Raises:
        ValueError: a field is neither empty nor what it should be.
    """
    name, _, rest = line[1:-3].partition(",")
    if name in _BY_NAME:
        return _BY_NAME[name](rest.split(","))
    kind, _, rest = rest.partition(",")
    reader = _BY_KIND.get((name, kind))
    return None if reader is None else reader(rest.split(","))

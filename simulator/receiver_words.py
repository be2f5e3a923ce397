"""What a receiver believes at one instant in; its sentences, in the dialect of its kind, out. Pure.

Format: NMEA 0183 2.3 to 4.11, as `receiver_profiles` says of each kind.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from simulator.nmea import FIRST_PRN, GEOID_M, KNOT_MPS, SYSTEM_IDS, degrees_minutes, sentence
from simulator.receiver_profiles import Profile

GSA_SATELLITES = 12

SECOND_SIGNAL_DB = 4.0
"""A second frequency comes weaker, near enough."""


class Sat(NamedTuple):
    """One satellite in view: its system, its own number, degrees, C/N0 in whole dBHz (None: not heard), whether the fix uses it."""

    system: str
    prn: int
    elev_deg: int
    azim_deg: int
    cn0_dbhz: int | None
    used: bool


class Belief(NamedTuple):
    """What the receiver takes for true; positions are already rounded as they will be said. `mode`: 1 no fix, 2 flat, 3 full (GSA)."""

    utc_ms: int | None
    leap_ms: int | None = None
    """Milliseconds within second 60, which follows `utc_ms`, the last of its day."""
    mode: int = 1
    lat: float = 0.0
    lon: float = 0.0
    alt_m: float = 0.0
    speed_mps: float = 0.0
    course_deg: float = 0.0
    pdop: float = 0.0
    hdop: float = 0.0
    vdop: float = 0.0
    sats: tuple[Sat, ...] = ()
    antenna: str | None = None
    """`ok`, `open` or `short`; None: nothing is said of it this time."""
    with_sky: bool = True

    @property
    def valid(self) -> bool:
        """Whether it has a fix."""
        return self.mode > 1


def as_said(profile: Profile, degrees: float) -> float:
    """An angle as it can be read back from what this kind of receiver writes."""
    units = int(60 * 10**profile.minutes_decimals)
    return round(degrees * units) / units


def sentences(profile: Profile, now: Belief) -> list[str]:
    """All lines of one instant, with their ends."""
    lines: list[str] = []
    for kind in profile.order:
        match kind:
            case "GGA":
                lines.append(_gga(profile, now))
            case "RMC":
                lines.append(_rmc(profile, now))
            case "GLL":
                status = ("A", "A") if now.valid else ("V", "N")
                lines.append(sentence(f"{profile.talker}GLL", *_place(profile, now), _time(profile, now), *status))
            case "VTG":
                lines.append(_vtg(profile, now))
            case "ZDA":
                lines.append(_zda(profile, now))
            case "GSA":
                lines += _gsa(profile, now)
            case "GSV":
                lines += _gsv(profile, now) if now.with_sky else []
            case "TXT":
                lines += [] if now.antenna is None else [_antenna(profile, now.antenna)]
    return lines


def _time(profile: Profile, now: Belief) -> str:
    if now.utc_ms is None:
        return ""
    if now.leap_ms is not None:
        clock, ms = "235960", now.leap_ms
    else:
        clock, ms = f"{datetime.fromtimestamp(now.utc_ms // 1000, UTC):%H%M%S}", now.utc_ms % 1000
    return f"{clock}.{ms:03d}"[: 7 + profile.seconds_decimals]


def _place(profile: Profile, now: Belief) -> tuple[str, str, str, str]:
    if not now.valid:
        return "", "", "", ""
    decimals = profile.minutes_decimals
    lat, lon = degrees_minutes(now.lat, 2, decimals), degrees_minutes(now.lon, 3, decimals)
    return lat, "N" if now.lat >= 0 else "S", lon, "E" if now.lon >= 0 else "W"


def _dop(profile: Profile, now: Belief, value: float) -> str:
    return f"{value:.{profile.dop_decimals}f}" if now.valid else profile.no_dop


def _motion(profile: Profile, now: Belief) -> tuple[str, str]:
    """Knots and degrees, or less."""
    if not now.valid:
        return "", ""
    course = f"{now.course_deg % 360:.2f}" if now.speed_mps >= profile.course_from_mps else ""
    return f"{now.speed_mps / KNOT_MPS:.{profile.speed_decimals}f}", course


def _gga(profile: Profile, now: Belief) -> str:
    time, place, hdop = _time(profile, now), _place(profile, now), _dop(profile, now, now.hdop)
    if not now.valid:
        return sentence(f"{profile.talker}GGA", time, *place, "0", "00", hdop, "", "", "", "", "", "")
    used = min(profile.sats_max, sum(sat.used for sat in now.sats))
    heights = (f"{now.alt_m:.{profile.alt_decimals}f}", "M", f"{GEOID_M:.{profile.alt_decimals}f}", "M")
    return sentence(f"{profile.talker}GGA", time, *place, "1", f"{used:02d}", hdop, *heights, "", "")


def _rmc(profile: Profile, now: Belief) -> str:
    date = "" if now.utc_ms is None else f"{datetime.fromtimestamp(now.utc_ms // 1000, UTC):%d%m%y}"
    status, mode = ("A", "A") if now.valid else ("V", "N")
    tail = (mode, "V") if profile.nav_status else (mode,)
    return sentence(f"{profile.talker}RMC", _time(profile, now), status, *_place(profile, now), *_motion(profile, now), date, "", "", *tail)


def _vtg(profile: Profile, now: Belief) -> str:
    if not now.valid:
        return sentence(f"{profile.talker}VTG", "", "", "", "", "", "", "", "", "N")
    knots, course = _motion(profile, now)
    km_per_h = f"{now.speed_mps * 3.6:.{profile.speed_decimals}f}"
    return sentence(f"{profile.talker}VTG", course, "T", "", "M", knots, "N", km_per_h, "K", "A")


def _zda(profile: Profile, now: Belief) -> str:
    if now.utc_ms is None:
        return sentence(f"{profile.talker}ZDA", "", "", "", "", "", "")
    day = datetime.fromtimestamp(now.utc_ms // 1000, UTC)
    return sentence(f"{profile.talker}ZDA", _time(profile, now), f"{day:%d}", f"{day:%m}", f"{day:%Y}", "00", "00")


def _number(profile: Profile, sat: Sat) -> str:
    offset = profile.beidou_offset if sat.system == "BD" else FIRST_PRN[sat.system] - 1
    return f"{sat.prn + offset:02d}"


def _own_talker(profile: Profile, system: str) -> str:
    return profile.beidou if system == "BD" else system


def _gsa(profile: Profile, now: Belief) -> list[str]:
    """A sentence for each system, and one more for each twelve satellites."""
    lines = []
    dops = [_dop(profile, now, value) for value in (now.pdop, now.hdop, now.vdop)]
    for system in profile.systems:
        talker = _own_talker(profile, system) if profile.own_gsa else profile.talker
        numbers = [_number(profile, sat) for sat in now.sats if sat.used and sat.system == system]
        for start in range(0, max(1, len(numbers)), GSA_SATELLITES):
            some = numbers[start : start + GSA_SATELLITES]
            slots = some + [""] * (GSA_SATELLITES - len(some))
            end = [str(SYSTEM_IDS[system])] if profile.system_id else []
            lines.append(sentence(f"{talker}GSA", "A", str(now.mode), *slots, *dops, *end))
    return lines


def _gsv(profile: Profile, now: Belief) -> list[str]:
    lines = []
    for system in profile.systems:
        sats = [sat for sat in now.sats if sat.system == system]
        signals = [signal for name, signal in profile.signals if name == system] or [""]
        heard = [sat for sat in sats if sat.cn0_dbhz is not None] if profile.unheard_apart else sats
        for n, signal in enumerate(signals):
            lines += _series(profile, system, signal, heard, n * SECOND_SIGNAL_DB)
        unheard = [sat for sat in sats if sat.cn0_dbhz is None]
        if profile.unheard_apart and unheard:
            lines += _series(profile, system, "0", unheard, 0.0)
    return lines


def _series(profile: Profile, system: str, signal: str, sats: Sequence[Sat], weaker_db: float) -> list[str]:
    """Four satellites a sentence; a system without any has one sentence that says so."""
    talker = _own_talker(profile, system)
    total = max(1, math.ceil(len(sats) / 4))
    lines = []
    for n in range(total):
        some = sats[4 * n : 4 * n + 4]
        fields = [str(total), str(n + 1), f"{len(sats):02d}"]
        for sat in some:
            cn0 = "" if sat.cn0_dbhz is None else f"{max(0, sat.cn0_dbhz - round(weaker_db)):02d}"
            fields += [_number(profile, sat), f"{sat.elev_deg:02d}", f"{sat.azim_deg:03d}", cn0]
        if profile.pads_gsv and some:
            fields += [""] * 4 * (4 - len(some))
        lines.append(sentence(f"{talker}GSV", *fields, *([signal] if signal else [])))
    return lines


def _antenna(profile: Profile, state: str) -> str:
    if profile.antenna == "ublox":
        return sentence("GNTXT", "01", "01", "02", f"ANTSTATUS={state.upper()}")
    return sentence("GPTXT", "01", "01", "01", f"ANTENNA {state.upper()}")

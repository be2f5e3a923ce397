"""What a receiver says: in goes one instant, out come its NMEA 0183 sentences. Pure.

Formats: NMEA 0183 4.1 as published in receivers' protocol documents (u-blox M8 protocol specification, CASIC V4.2.0.3). The nav status
of RMC is `V` in good fixes, too, as nearly every receiver of that version sends it.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

Talker = Literal["GN", "BD", "GP"]

SYSTEM_IDS = {"GP": 1, "GL": 2, "GA": 3, "BD": 4}
"""GNSS system ids (NMEA 0183 4.1, GSA field 18)."""

FIRST_PRN = {"GP": 1, "GL": 65, "GA": 1, "BD": 1}

MINUTE_DECIMALS = 6
"""1e-6 minutes is 1.7e-8 degrees: what goes in at 1e-7 degrees comes out again."""

KNOT_MPS = 1852 / 3600

GEOID_M = -45.0
"""Height of the geoid over the ellipsoid around Xining, metres, near enough."""


class Instant(NamedTuple):
    """What the receiver knows at one moment: degrees WGS 84, metres above the sea, m/s, degrees from north, satellites used by system.

    Without `valid` there is no fix; `utc_ms` of None: it does not know the time either.
    """

    utc_ms: int | None
    lat: float = 0.0
    lon: float = 0.0
    alt_m: float = 0.0
    speed_mps: float = 0.0
    course_deg: float = 0.0
    hdop: float = 0.8
    sats: Mapping[str, int] = {"BD": 12, "GP": 8}
    valid: bool = True


def checksum(body: str) -> str:
    """The exclusive or of all characters between $ and *, as two hex digits (NMEA 0183, 5.3.2)."""
    total = 0
    for byte in body.encode("ascii"):
        total ^= byte
    return f"{total:02X}"


def sentence(*fields: str) -> str:
    """Address and fields to one line with checksum and line end."""
    body = ",".join(fields)
    return f"${body}*{checksum(body)}\r\n"


def degrees_minutes(degrees: float, width: int, decimals: int = MINUTE_DECIMALS) -> str:
    """Degrees without sign as dddmm.mmmmmm, `width` digits of degrees, `decimals` of minutes; rounding never gives 60 minutes."""
    units = round(abs(degrees) * 60 * 10**decimals)
    whole, minutes = divmod(units, 60 * 10**decimals)
    return f"{whole:0{width}d}{minutes / 10**decimals:0{decimals + 3}.{decimals}f}"


def _position(now: Instant) -> tuple[str, str, str, str]:
    if not now.valid:
        return "", "", "", ""
    return degrees_minutes(now.lat, 2), "N" if now.lat >= 0 else "S", degrees_minutes(now.lon, 3), "E" if now.lon >= 0 else "W"


def _time(now: Instant) -> str:
    if now.utc_ms is None:
        return ""
    seconds, ms = divmod(now.utc_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%H%M%S}.{ms:03d}"


def gga(now: Instant, talker: Talker = "GN") -> str:
    """Time, position and quality: 1 with a fix, 0 without."""
    used = f"{min(99, sum(now.sats.values())):02d}"
    if not now.valid:
        return sentence(f"{talker}GGA", _time(now), *_position(now), "0", "00", "99.99", "", "", "", "", "", "")
    heights = (f"{now.alt_m:.1f}", "M", f"{GEOID_M:.1f}", "M")
    return sentence(f"{talker}GGA", _time(now), *_position(now), "1", used, f"{now.hdop:.2f}", *heights, "", "")


def rmc(now: Instant, talker: Talker = "GN") -> str:
    """Time, date, position, speed and course: status A with a fix, V without."""
    date = "" if now.utc_ms is None else f"{datetime.fromtimestamp(now.utc_ms // 1000, UTC):%d%m%y}"
    moving = (f"{now.speed_mps / KNOT_MPS:.3f}", f"{now.course_deg % 360:.2f}") if now.valid else ("", "")
    status, mode = ("A", "A") if now.valid else ("V", "N")
    return sentence(f"{talker}RMC", _time(now), status, *_position(now), *moving, date, "", "", mode, "V")


def vtg(now: Instant, talker: Talker = "GN") -> str:
    """Course and speed, in knots and km/h."""
    if not now.valid:
        return sentence(f"{talker}VTG", "", "T", "", "M", "", "N", "", "K", "N")
    knots, km_per_h = now.speed_mps / KNOT_MPS, now.speed_mps * 3.6
    return sentence(f"{talker}VTG", f"{now.course_deg % 360:.2f}", "T", "", "M", f"{knots:.3f}", "N", f"{km_per_h:.3f}", "K", "A")


def gsa(now: Instant, talker: Talker = "GN") -> list[str]:
    """Satellites used and dilution of precision: a sentence for each twelve of a system; talkers but GN tell of their own."""
    hdop = now.hdop if now.valid else 99.99
    dops = (f"{min(99.99, hdop * 1.6):.2f}", f"{hdop:.2f}", f"{min(99.99, hdop * 1.25):.2f}")
    lines = []
    for system in _systems(now, talker):
        prns = _prns(system, now.sats[system]) if now.valid else []
        for start in range(0, max(1, len(prns)), 12):
            some = prns[start : start + 12]
            slots = [f"{prn:02d}" for prn in some] + [""] * (12 - len(some))
            system_id = [f"{SYSTEM_IDS[system]:X}"] if talker == "GN" else []
            lines.append(sentence(f"{talker}GSA", "A", "3" if now.valid else "1", *slots, *dops, *system_id))
    return lines


def gsv(now: Instant, talker: Talker = "GN") -> list[str]:
    """Satellites in view, four a sentence, each system under its own talker; a sky that turns by a degree in two minutes."""
    turned = 0 if now.utc_ms is None else now.utc_ms // 120_000
    lines = []
    for system in _systems(now, talker):
        prns = _prns(system, now.sats[system] + 1)  # one more in view than in use
        count = math.ceil(len(prns) / 4)
        for number in range(count):
            fields = [str(count), str(number + 1), f"{len(prns):02d}"]
            for prn in prns[number * 4 : number * 4 + 4]:
                elevation, azimuth = 10 + prn * 37 % 75, (prn * 73 + turned) % 360
                fields += [f"{prn:02d}", f"{elevation:02d}", f"{azimuth:03d}", f"{25 + elevation // 4:02d}" if now.valid else ""]
            lines.append(sentence(f"{system}GSV", *fields))
    return lines


def _systems(now: Instant, talker: Talker) -> Sequence[str]:
    return [system for system in now.sats if talker in ("GN", system)]


def _prns(system: str, count: int) -> list[int]:
    return [FIRST_PRN[system] + n * 3 % 32 for n in range(count)]


def epoch(now: Instant, talker: Talker = "GN") -> bytes:
    """All sentences of one instant, in the order of a CASIC receiver: GGA, GSA, GSV (on whole seconds only), RMC, VTG."""
    whole_second = now.utc_ms is None or now.utc_ms % 1000 == 0
    lines = [gga(now, talker), *gsa(now, talker), *(gsv(now, talker) if whole_second else []), rmc(now, talker), vtg(now, talker)]
    return "".join(lines).encode("ascii")

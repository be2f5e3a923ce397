"""What one sentence says of the fix, in our own types, and what its marks of quality are worth: fields in, verdict and kind of fix out.

Format of the marks: NMEA 0183 4.11 (quality of GGA, mode indicators, status).
"""

import enum

import msgspec


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
    pdop: float | None = None
    vdop: float | None = None
    nav_mode: int | None = None
    """GSA, PGRMZ and the like: 1 no fix, 2 two-dimensional, 3 three-dimensional."""
    used: tuple[tuple[str, int], ...] = ()
    """GSA: satellites used, as constellation and number."""
    sats: int | None = None
    """GGA, GNS: how many satellites are used, of all constellations of that talker."""
    quality: str | None = None
    spared: int = 0
    """How many fields could not be and were left out, the rest being believed."""
    proprietary: bool = False
    """A maker's own: what it says counts where no standard sentence of the instant speaks of it (see `proprietary`)."""


_MODE_QUALITY = {"R": "rtk", "F": "float", "P": "pps", "D": "dgps", "A": "autonomous", "E": "estimated"}
"""Mode indicators; the best first, since GNS has one for each constellation. N (none), M (manual), S (simulator): no fix."""


def verdict_of(quality: str | None) -> Verdict:
    """What a kind of fix is worth; None is no fix."""
    if quality is None:
        return Verdict.VOID
    return Verdict.ESTIMATED if quality == "estimated" else Verdict.GOOD


def quality_of_modes(modes: str) -> str | None:
    """The best of the constellations'; None when there is none, and when there is a simulator, a manual or an unknown one among them."""
    if any(mode not in _MODE_QUALITY and mode != "N" for mode in modes):
        return None
    return next((quality for mode, quality in _MODE_QUALITY.items() if mode in modes), None)


def judge(status: str, mode: str) -> tuple[Verdict, str | None]:
    """Status A or V (D: differential, in old receivers), and the mode indicator, which NMEA before 2.3 has not."""
    if status not in ("A", "D"):
        return Verdict.VOID, None
    if not mode:
        return Verdict.GOOD, "dgps" if status == "D" else None
    quality = quality_of_modes(mode)
    return verdict_of(quality), quality

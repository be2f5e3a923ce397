"""What receivers call a satellite in, what it is out: constellation and number within it.

NMEA 4.1 and later name the constellation beside the number (talker of GSV, system id of GSA). Before, and in receivers that put all into
one sentence, it follows from the number's range. Either may use an offset, so the same satellite can come as BD 6, 166, 206 and 406; here
it is always BD 6. Ranges: NMEA 0183 4.11, tables of u-blox, Telit, Quectel and SiRF, and gpsd's nmeaid_to_prn.
"""

import msgspec

SYSTEMS = {"1": "GP", "2": "GL", "3": "GA", "4": "BD", "5": "GQ", "6": "GI"}
"""System id of NMEA 4.1 (GSA, last field)."""

TALKERS = {"GP": "GP", "GL": "GL", "GA": "GA", "BD": "BD", "GB": "BD", "PQ": "BD", "GQ": "GQ", "QZ": "GQ", "GI": "GI"}
"""Talkers that speak for one constellation; GN speaks for all."""

_RANGES = (
    (1, 32, "GP", 0),
    (33, 64, "SB", -87),  # SBAS: PRN 120 to 151
    (65, 96, "GL", 64),
    (101, 136, "GA", 100),  # Quectel
    (152, 158, "SB", 0),
    (161, 192, "BD", 160),  # Unicore UM220: 161 to 197, of which QZSS has the last
    (193, 200, "GQ", 192),
    (201, 264, "BD", 200),
    (301, 336, "GA", 300),
    (401, 463, "BD", 400),
)
"""First and last number, constellation, and what is to be taken away for its own number. 201 and 202 are QZSS's in NMEA 4.11, where none
is in orbit, and BeiDou's geostationary C01 and C02, always above China, for SiRF, Telit and Quectel."""

_OWN = {"GP": 32, "GL": 32, "GA": 36, "BD": 63, "GQ": 10, "GI": 14}
"""Highest number within a constellation."""

_OFFSETS = {"GL": (64,), "GA": (100, 300), "BD": (200, 400, 160), "GQ": (192,), "GI": (500,)}


class InView(msgspec.Struct, frozen=True):
    """One satellite of a GSV sentence: constellation, number within it, degrees, and dB-Hz."""

    system: str
    prn: int
    elev_deg: int | None
    azim_deg: int | None
    cn0_dbhz: float | None


class Sight(msgspec.Struct, frozen=True):
    """One GSV sentence: number `index` of `total` of this talker and signal (`signal` of NMEA 4.1, else empty)."""

    talker: str
    signal: str
    index: int
    total: int
    satellites: tuple[InView, ...]


def identify(known: str | None, number: int) -> tuple[str, int] | None:
    """The constellation and the number within it; `known` is the constellation that the sentence names. None for no such satellite."""
    if known is not None and known != "GP":
        for offset in _OFFSETS.get(known, ()):
            if offset < number <= offset + _OWN[known]:
                return known, number - offset
        if 1 <= number <= _OWN[known]:
            return known, number
        # a talker that speaks for itself and its neighbours (QZSS or SBAS under BD): by the range
    for first, last, system, offset in _RANGES:
        if first <= number <= last:
            return system, number - offset
    return None

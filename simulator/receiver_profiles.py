"""What tells one kind of receiver from another in what it says: order of sentences, talkers, decimals, and habits with empty fields. Data.

Sources: CASIC protocol V4.2.0.3 (ATGM336H) and gpsd's recording of a Quectel L76K, which speaks it, too; u-blox M8 and M10 interface
descriptions and gpsd's recordings of a NEO-M8N, a NEO-M9N and a ZED-F9R; a published epoch of a Quectel module with an MT3333 and BeiDou
(`AT+QGNSSRD?`), and gpsd's recording of an MT3329; Quectel LC29H and Unicore UM980 by their protocol documents as
other projects quote them (no recording was at hand: their empty fields are likely, not sure).
"""

from typing import Literal, NamedTuple

Kind = Literal["GGA", "GLL", "GSA", "GSV", "RMC", "VTG", "ZDA", "TXT"]

AntennaWords = Literal["casic", "ublox", "none"]


class Profile(NamedTuple):
    """One kind of receiver. `order` is that of its sentences, `systems` that of its GSA and GSV (`GP`, `GL`, `GA`, `BD`)."""

    name: str
    order: tuple[Kind, ...]
    systems: tuple[str, ...]
    talker: str = "GN"
    beidou: str = "GB"
    """Talker of BeiDou's GSV."""
    beidou_offset: int = 0
    """What is added to BeiDou's numbers where no system id stands beside them (u-blox, NMEA 4.0)."""
    own_gsa: bool = False
    """Each system's GSA has its own talker, as its GSV."""
    system_id: bool = True
    """GSA ends with the system's id (NMEA 4.1 and later)."""
    signals: tuple[tuple[str, str], ...] = ()
    """System and signal id of each series of GSV; none: GSV without ids (before NMEA 4.1)."""
    nav_status: bool = True
    """RMC has the field of NMEA 4.1; it says V in good fixes, too."""
    seconds_decimals: int = 3
    minutes_decimals: int = 5
    alt_decimals: int = 1
    dop_decimals: int = 2
    no_dop: str = "99.99"
    speed_decimals: int = 3
    course_from_mps: float = 0.0
    """Slower than this, the course is an empty field."""
    sats_max: int = 99
    """The count in GGA says no more."""
    unset_clock: bool = False
    """Before it knows the time it tells that of a clock nobody set, from 1980-01-06 on; the others leave time and date empty."""
    pads_gsv: bool = False
    """A GSV with fewer than four satellites has empty fields for the rest."""
    unheard_apart: bool = False
    """Satellites without a signal are told in a GSV series of their own, with signal id 0."""
    antenna: AntennaWords = "none"


_CASIC = Profile(
    "atgm336h",
    ("GGA", "GSA", "GSV", "RMC", "TXT"),
    ("GP", "BD"),
    beidou="BD",
    signals=(("GP", "0"), ("BD", "0"), ("GL", "0")),
    dop_decimals=1,
    no_dop="25.5",
    speed_decimals=2,
    antenna="casic",
)

_ublox_order: tuple[Kind, ...] = ("RMC", "VTG", "GGA", "GSA", "GSV", "GLL", "TXT")

PROFILES = {
    profile.name: profile
    for profile in (
        _CASIC,
        _CASIC._replace(name="atgm336h_beidou", systems=("BD",), talker="BD"),
        _CASIC._replace(name="l76k", order=("GGA", "GLL", "GSA", "GSV", "RMC", "VTG", "ZDA", "TXT"), systems=("GP", "BD", "GL")),
        Profile(
            "ublox_m8",
            _ublox_order,
            ("GP", "BD"),
            beidou_offset=400,
            system_id=False,
            nav_status=False,
            seconds_decimals=2,
            course_from_mps=0.5,
            sats_max=12,
            antenna="ublox",
        ),
        Profile(
            "ublox_m10",
            _ublox_order,
            ("GP", "GA", "BD"),
            signals=(("GP", "1"), ("GA", "7"), ("BD", "1")),
            seconds_decimals=2,
            course_from_mps=0.5,
            unheard_apart=True,
            antenna="ublox",
        ),
        Profile(
            "lc29h",
            ("GGA", "GLL", "GSA", "GSV", "RMC", "VTG"),
            ("GP", "GL", "GA", "BD"),
            signals=(("GP", "1"), ("GP", "8"), ("GL", "1"), ("GA", "7"), ("GA", "1"), ("BD", "1"), ("BD", "5")),
            minutes_decimals=6,
            unset_clock=True,
        ),
        Profile(
            "mt3333",
            ("RMC", "VTG", "GGA", "GSA", "GSV", "GLL"),
            ("GP", "BD"),
            beidou="BD",
            own_gsa=True,
            system_id=False,
            nav_status=False,
            minutes_decimals=4,
            no_dop="",
            speed_decimals=2,
            unset_clock=True,
        ),
        Profile(
            "um980",
            ("GGA", "RMC", "GSA", "GSV"),
            ("GP", "GL", "GA", "BD"),
            signals=(("GP", "1"), ("GP", "6"), ("GL", "1"), ("GA", "7"), ("BD", "1"), ("BD", "5"), ("BD", "3")),
            seconds_decimals=2,
            minutes_decimals=8,
            alt_decimals=4,
            dop_decimals=1,
            no_dop="9999.0",
        ),
        Profile(
            "generic",
            ("GGA", "GSA", "GSV", "RMC"),
            ("GP",),
            talker="GP",
            system_id=False,
            nav_status=False,
            minutes_decimals=4,
            dop_decimals=1,
            no_dop="50.0",
            speed_decimals=2,
            unset_clock=True,
            pads_gsv=True,
        ),
    )
}
"""By name; those of firmware_config/receivers have the same names, `atgm336h_beidou` is an ATGM336H that was told to use BeiDou alone."""

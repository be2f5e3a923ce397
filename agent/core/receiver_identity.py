"""Receiver identity: a line that the receiver says in plain words goes in; whether it names its hardware, and as what, comes out.

Receivers tell this when they get power, or when asked. Sources: u-blox's start-up texts (M8 protocol, 32.18.26), CASIC protocol 4.2
(`IC=`, `SW=`), MediaTek's PMTK705, Airoha's PAIR021, Quectel's PQTMVERNO, Unicore's PDTINFO and VERSIONA, Garmin's PGRMT, SiRF's PSRFTXT.
"""

from typing import NamedTuple


class Identity(NamedTuple):
    """`maker` tells families apart, `key` the lines of one maker, `text` is what was said."""

    maker: str
    key: str
    text: str


MAKERS = {
    "HW ": "u-blox",
    "MOD=": "u-blox",
    "FWVER=": "u-blox",
    "IC=": "casic",
    "SW=": "casic",
    "PMTK705,": "mediatek",
    "PAIR021,": "airoha",
    "PQTMVERNO,": "quectel",
    "PDTINFO,": "unicore",
    '"UM': "unicore",
    "PSRFTXT,Version": "sirf",
    "PASHR,RID,": "ashtech",
    "PGRMT,": "garmin",
}
"""What such a line begins with. Not among them: what follows a setting (CASIC's `MO=`) or changes while it runs."""

FIELDS = {"PGRMT,": 2, "PSRFTXT,Version": 2}
"""Of these only so many fields are the identity; Garmin's others are a self-test and a temperature."""


def identified(text: str) -> Identity | None:
    """The identity in a line; None when it is about something else."""
    key = next((key for key in MAKERS if text.startswith(key)), None)
    if key is None:
        return None
    told = ",".join(text.split(",")[: FIELDS[key]]) if key in FIELDS else text
    return Identity(MAKERS[key], key, told)

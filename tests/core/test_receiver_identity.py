"""Which lines name a receiver: as the makers print them, and such as are about something else."""

import pytest

from agent.core.receiver_identity import identified

NAMED = {
    "HW UBX-M8030 00080000": "u-blox",
    "MOD=NEO-M9N-00B": "u-blox",
    "FWVER=SPG 3.01": "u-blox",
    "IC=AT6558R-5N-32-1C580901": "casic",
    "SW=URANUS5,V5.3.0.0": "casic",
    "PMTK705,AXN_2.31_3339_13101700,5632,PA6H,1.0": "mediatek",
    "PQTMVERNO,LC29HAANR01A03S,2022/10/26,16:11:37": "quectel",
}


@pytest.mark.parametrize("text", NAMED)
def test_a_line_that_names_the_hardware_is_its_identity(text: str) -> None:
    found = identified(text)
    assert found is not None
    assert (found.maker, found.text) == (NAMED[text], text)


@pytest.mark.parametrize("text", ["ANTENNA OK", "ANTSTATUS=OK", "PAIR001,050,0", "PMTK001,220,3", "MO=GB", "", "u-blox ag"])
def test_a_line_about_something_else_is_none(text: str) -> None:
    assert identified(text) is None


def test_a_self_test_behind_the_identity_is_no_part_of_it() -> None:
    first, second = (identified(f"PGRMT,GPS 15x-W software ver. 4.20,,,,,,,,{degrees},") for degrees in (21, 37))
    assert first is not None
    assert first == second
    assert first.text == "PGRMT,GPS 15x-W software ver. 4.20"

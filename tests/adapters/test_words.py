"""What a receiver says in words: its antenna, who it is, its answers."""

import pytest

from agent.adapters.sentences import LineRefused, parse
from agent.adapters.words import TEXT_CHARS_MAX, Word
from tests.adapters.pty_receiver import sentence

VERSIONA = (
    '#VERSIONA,97,GPS,FINE,2343,48235000,0,0,18,813;"UM980","R4.10Build11833","HRPT00-S10C-P","2310415000001-MD22A2225022497",'
    '"ff3ba396dcb0478d","2023/11/24"*270a13f7'
)
"""As published by Unicore's users; the CRC is the receiver's."""


def heard(body: str) -> object:
    return parse(sentence(body).decode().strip())


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("GPTXT,01,01,01,ANTENNA OK", "ok"),
        ("GNTXT,01,01,01,ANTENNA OPEN", "open"),
        ("GNTXT,01,01,01,ANTENNA SHORT", "short"),
        ("GPTXT,01,01,02,ANTSTATUS=OK", "ok"),
        ("GNTXT,01,01,02,ANTSTATUS=OPEN", "open"),
        ("GNTXT,01,01,02,ANTSTATUS=SHORT", "short"),
        ("GNTXT,01,01,02,ANTSTATUS=INIT", None),
        ("GNTXT,01,01,02,ANTSTATUS=DONTKNOW", None),
        ("GNTXT,01,01,02,ANTSUPERV=AC SD OD PDoS SR", None),
        ("PSTMANTENNASTATUS,0,1,1,0", "ok"),
        ("PSTMANTENNASTATUS,1,1,1,0", "open"),
        ("PSTMANTENNASTATUS,2,1,1,0", "short"),
        ("PSTMANTENNASTATUS,7", None),
        ("PGTOP,11,1", "short"),
        ("PGTOP,11,3", "ok"),
        ("PCD,11,1", "short"),
        ("PCD,11,3", "ok"),
        ("PGTOP,11,2", None),  # the internal antenna: right in a module that has no other
    ],
)
def test_the_antenna_is_told_by_text_and_by_teseo(body: str, state: str | None) -> None:
    word = heard(body)
    assert isinstance(word, Word)
    assert word.antenna == state


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("GPTXT,01,01,02,SW=URANUS5,V5.3.0.0", "SW=URANUS5,V5.3.0.0"),
        ("GPTXT,01,01,02,HW=ATGM336H,1234567890123", "HW=ATGM336H,1234567890123"),
        ("GPTXT,01,01,02,MO=GB", "MO=GB"),
        ("GPTXT,TELIT SW Version", "TELIT SW Version"),
        ("PAIR001,062,0", "PAIR001,062,0"),
        ("PMTK001,220,3", "PMTK001,220,3"),
        ("PMTK705,AXN_5.1,0027,L80,1.0", "PMTK705,AXN_5.1,0027,L80,1.0"),
        ("PCAS60,1,2", None),
        ("PDTINFO,UM621-02,G1B1L1E1,V1.2", "PDTINFO,UM621-02,G1B1L1E1,V1.2"),
        ("PGRMT,GPS 17N VER 2.30,P,P,R,R,P,,23,R", "PGRMT,GPS 17N VER 2.30,P,P,R,R,P,,23,R"),
        ("PASHR,RID,UE,30,UE00", "PASHR,RID,UE,30,UE00"),
        ("PSRFTXT,Version:GSW2.3.1", "PSRFTXT,Version:GSW2.3.1"),
        ("OK", "OK"),
        ("FAIL,1", "FAIL,1"),
        ("command,VERSIONA,response: OK", "command,VERSIONA,response: OK"),
        ("GNTXT,01,01,02,", None),
        ("PGRMM,WGS 84", None),
        ("GPXYZ,1", None),
    ],
)
def test_identification_and_answers_are_text_commas_and_all(body: str, text: str | None) -> None:
    word = heard(body)
    assert (word.text if isinstance(word, Word) else None) == text


def test_unicores_version_is_no_nmea_and_has_a_crc_of_32_bits() -> None:
    word = parse(VERSIONA)
    assert isinstance(word, Word)
    assert word.text.startswith('"UM980","R4.10Build11833"')
    with pytest.raises(LineRefused, match="checksum"):
        parse(VERSIONA.replace("UM980", "UM982"))


def test_text_is_bounded_and_printable() -> None:
    word = heard("GNTXT,01,01,02,a\x07b" + "x" * 100)
    assert isinstance(word, Word)
    assert word.text.startswith("a?b")
    assert len(word.text) <= TEXT_CHARS_MAX

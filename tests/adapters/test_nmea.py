"""Bytes of a receiver: lines found among garbage, memory bounded, stamps of the first byte."""

import random
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.epoch import QUIET_S
from agent.adapters.fields import KNOT_MPS
from agent.adapters.nmea import ANTENNA_AGAIN_S, KINDS_MAX, MERGED_MAX, SPOKE_MAX, Nmea
from agent.core.events import Antenna, Event, Fix, FixMode, ReceiverSpoke, Satellite, Sky
from tests.adapters.pty_receiver import sentence
from tests.adapters.test_words import VERSIONA

GGA = sentence("GNGGA,120000.00,4739.7,N,12219.5,W,1,09,0.9,76.5,M,-21.6,M,,")
RMC = sentence("GNRMC,120000.00,A,4739.7,N,12219.5,W,2.00,90.0,050826,,,A,V")


def fixes(told: Sequence[Event]) -> list[Fix]:
    return [event for event in told if isinstance(event, Fix)]


@pytest.fixture
def nmea() -> Nmea:
    return Nmea()


def test_a_fix_comes_after_the_quiet_and_bears_the_stamp_of_its_first_byte(nmea: Nmea) -> None:
    assert nmea.feed(10.0, GGA[:5]) == []
    assert nmea.feed(10.05, GGA[5:] + RMC[:20]) == []
    assert nmea.feed(10.10, RMC[20:]) == []
    assert nmea.flush(10.10 + QUIET_S / 2) == []
    (fix,) = fixes(nmea.flush(10.10 + QUIET_S))
    assert (fix.at, fix.mode, fix.speed_mps) == (10.0, FixMode.THREE_D, 2 * KNOT_MPS)


def test_other_sentences_are_no_quiet(nmea: Nmea) -> None:
    nmea.feed(10.0, RMC)
    for tenth in range(1, 8):
        nmea.feed(10.0 + tenth / 10, sentence("GPGSV,1,1,00"))
        assert nmea.flush(10.0 + tenth / 10 + 0.1) == []
    nmea.feed(10.8, GGA)
    assert fixes(nmea.flush(11.0))[0].alt_m == 76.5


def test_it_makes_no_difference_how_the_bytes_are_cut() -> None:
    stream = b"\r\n".join([GGA + RMC, b"\xb5\x62\x01\x07junk", GGA.replace(b"120000", b"120001"), b"$GNRMC,120001.0" + RMC])
    whole = Nmea()
    told = whole.feed(0.0, stream) + whole.end()
    counts = whole.counts()
    for size in (1, 2, 3, 7, 50):
        parts = Nmea()
        assert [f for i in range(0, len(stream), size) for f in parts.feed(0.0, stream[i : i + size])] + parts.end() == told
        assert parts.counts() == counts


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        (b"", {}),
        (b"$", {}),
        (b"\xb5\x62\x01\x07\x00binary", {}),
        (b"\xb5\x62$\x01\n\x07$", {"no_checksum": 1}),
        (b"$GNRMC,1200", {"cut": 1}),
        (b"no dollar at all\r\n", {"noise": 1}),
        (b"\x00\xff\xfe\r\n\r\n\n", {"noise": 1}),
        (b"$GN\xffRMC*00\r\n", {"noise": 1}),
        (b"!AIVDM,1,1,,A,x,0*00\r\n", {"checksum": 1}),
        (b"!AIVDM,1,1,,A\r\n", {"noise": 1}),
    ],
)
def test_a_good_line_is_found_behind_whatever_went_before(nmea: Nmea, before: bytes, refused: dict[str, int]) -> None:
    nmea.feed(0.0, before + RMC)
    assert nmea.counts() == (1, refused)


def test_good_lines_of_other_kinds_are_good(nmea: Nmea) -> None:
    """AIS, and logs of Unicore's and NovAtel's receivers: a receiver that says them beside its fixes is not out of order."""
    ais = b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C\r\n"
    body = "BESTPOSA,COM1,0,78.0,FINESTEERING,1419,336208.000;SOL_COMPUTED,SINGLE,51.11"
    log = f"#{body}*{zlib.crc32(body.encode(), 0xFFFFFFFF) ^ 0xFFFFFFFF:08x}\r\n".encode()
    assert nmea.feed(0.0, ais * 4 + log * 3 + RMC) == []
    assert nmea.counts() == (8, {})
    assert nmea.details()[1] == {"AIVDM": 4, "BESTPOSA": 3, "GNRMC": 1}
    nmea.feed(1.0, log.replace(b"SINGLE", b"DOUBLE") + ais.replace(b"177", b"178"))
    assert nmea.counts() == (0, {"checksum": 2})


def test_two_good_sentences_without_the_line_end_between_them_are_two(nmea: Nmea) -> None:
    nmea.feed(0.0, RMC.rstrip() + GGA.rstrip() + b" " + sentence("GPGSV,1,1,00"))
    assert nmea.counts() == (3, {})
    assert fixes(nmea.end())[0].alt_m == 76.5
    nmea.feed(1.0, RMC.rstrip()[:-1] + GGA)
    assert nmea.counts() == (1, {"cut": 1})


def test_a_line_of_nothing_but_ends_of_sentences_is_not_read_for_ever(nmea: Nmea) -> None:
    nmea.feed(0.0, b"$A*00" * 30_000 + RMC)
    assert nmea.counts() == (1, {"checksum": MERGED_MAX})


def test_a_field_left_out_is_counted(nmea: Nmea) -> None:
    nmea.feed(0.0, sentence("GNRMC,120000.00,A,4739.7,N,12219.5,W,2.00,900.0,050826,,,A,V"))
    assert (nmea.counts(), nmea.details()[0]) == ((1, {}), {"field": 1})


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"\n\r", b" \r\n"])
def test_any_line_end_will_do(nmea: Nmea, end: bytes) -> None:
    nmea.feed(0.0, RMC.strip() + end + GGA.strip() + end)
    assert nmea.counts() == (2, {})


def test_refused_lines_are_counted_by_reason_and_the_count_starts_anew(nmea: Nmea) -> None:
    nmea.feed(0.0, RMC.replace(b"A,V*", b"D,V*") + RMC.replace(b"*", b"\r\n*") + sentence("GNRMC,1,A") + RMC)
    assert nmea.counts() == (1, {"checksum": 1, "no_checksum": 1, "noise": 1, "field": 1})
    assert nmea.counts() == (0, {})


def test_a_megabyte_without_a_line_end_takes_no_memory(nmea: Nmea) -> None:
    for _ in range(256):
        nmea.feed(0.0, b"$" + b"x" * 4095)
        assert len(nmea._tail) <= 130
    nmea.feed(0.0, b"\r\n" + RMC)
    assert nmea.counts()[0] == 1


def test_the_end_of_the_port_sends_what_was_complete_and_forgets_half_a_line(nmea: Nmea) -> None:
    nmea.feed(0.0, RMC + GGA[:30])
    (fix,) = fixes(nmea.end())
    assert fix.mode is FixMode.TWO_D
    assert nmea.feed(1.0, GGA[30:]) + nmea.end() == []


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_end_the_reader(chunks: list[bytes]) -> None:
    nmea = Nmea()
    for chunk in chunks:
        nmea.feed(0.0, chunk)
    nmea.end()
    nmea.feed(1.0, b"\n" + RMC)
    assert nmea.counts()[0] >= 1


def test_flipped_bits_never_make_a_wrong_fix() -> None:
    """One flipped bit in each line: the checksum sees it, or the line is not a line."""
    flips = random.Random(1)
    told: list[Event] = []
    nmea = Nmea()
    for _ in range(2000):
        garbled = bytearray(RMC)
        garbled[flips.randrange(len(garbled))] ^= 1 << flips.randrange(8)
        told += nmea.feed(0.0, bytes(garbled))
    told += nmea.end()
    assert {(f.lat, f.lon) for f in fixes(told) if f.lat is not None} == {(47 + 39.7 / 60, -(122 + 19.5 / 60))}


def cycle(n: int, *others: bytes) -> bytes:
    return sentence(f"GNRMC,12000{n}.00,A,4739.7,N,12219.5,W,2.00,90.0,050826,,,A,V") + b"".join(others)


def test_the_sky_comes_with_the_fix_and_knows_what_is_used(nmea: Nmea) -> None:
    gsv, gsa = sentence("BDGSV,1,1,02,06,45,123,40,14,20,200,25,1"), sentence("GNGSA,A,3,06,,,,,,,,,,,,1.5,0.9,1.2,4")
    told: list[Event] = []
    for n in range(5):
        told += nmea.feed(100.0 + n, cycle(n, gsa, gsv)) + nmea.flush(100.5 + n)
    skies = [event for event in told if isinstance(event, Sky)]
    assert len(fixes(told)) == 5
    assert len(skies) >= 4  # when the end of the cycle is learned, the fix begins to go before the GSV
    assert skies[-1].satellites == (Satellite("BD", 6, 40.0, 45, 123, True), Satellite("BD", 14, 25.0, 20, 200, False))


def test_what_was_said_of_the_antenna_once_is_told_again_while_the_receiver_speaks(nmea: Nmea) -> None:
    """u-blox says it when it changes, and an event may be lost."""
    told = nmea.feed(0.0, sentence("GNTXT,01,01,02,ANTSTATUS=OPEN"))
    for second in range(1, 25):
        t = f"1200{second:02}.00"
        told += nmea.feed(float(second), sentence(f"GNRMC,{t},A,4739.7,N,12219.5,W,2.00,90.0,050826,,,A,V")) + nmea.flush(second + 0.5)
    antennas = [event for event in told if isinstance(event, Antenna)]
    assert antennas == [Antenna(n * ANTENNA_AGAIN_S, "open") for n in range(3)]


def test_the_antenna_is_told_at_each_change_and_each_second(nmea: Nmea) -> None:
    ok, gone = sentence("GPTXT,01,01,01,ANTENNA OK"), sentence("GPTXT,01,01,01,ANTENNA OPEN")
    said = [(0.0, ok), (0.2, ok), (0.4, ok), (0.6, gone), (0.8, gone), (1.0, ok), (2.0, ok)]
    assert [event for at, line in said for event in nmea.feed(at, line)] == [
        Antenna(0.0, "ok"),
        Antenna(0.6, "open"),
        Antenna(1.0, "ok"),
        Antenna(2.0, "ok"),
    ]


def test_a_text_is_told_once_and_a_chatterer_is_cut_short(nmea: Nmea) -> None:
    hello = sentence("GPTXT,01,01,02,HW=ATGM336H")
    assert nmea.feed(0.0, hello + hello) == [ReceiverSpoke(0.0, "HW=ATGM336H")]
    chatter = b"".join(sentence(f"GPTXT,01,01,02,noise {n}") for n in range(100))
    assert len(nmea.feed(0.5, chatter)) == SPOKE_MAX - 1
    nmea.counts()
    assert len(nmea.feed(1.0, sentence("GPTXT,01,01,02,more"))) == 1


def test_sentences_are_counted_by_talker_and_type_within_bounds(nmea: Nmea) -> None:
    nmea.feed(0.0, GGA + RMC + RMC + b"".join(sentence(f"GP{a}{b}X,1") for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJ"))
    _, kinds = nmea.details()
    assert (kinds["GNGGA"], kinds["GNRMC"]) == (1, 2)
    assert len(kinds) <= KINDS_MAX + 1
    assert sum(kinds.values()) == 103
    assert nmea.details() == ({}, {})


def test_unicores_version_is_heard_although_it_has_no_dollar(nmea: Nmea) -> None:
    (spoke,) = nmea.feed(0.0, f"{VERSIONA}\r\n".encode())
    assert isinstance(spoke, ReceiverSpoke)
    assert spoke.text.startswith('"UM980"')

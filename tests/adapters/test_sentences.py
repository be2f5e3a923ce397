"""One line of NMEA: what is believed, what is refused and under which name."""

import pynmea2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.facts import Sentence, Verdict
from agent.adapters.fields import KNOT_MPS
from agent.adapters.sentences import LINE_CHARS_MAX, LineRefused, parse
from tests.adapters.pty_receiver import sentence

RMC = "GNRMC,055234.200,A,4739.71890,N,12219.58362,W,1.00,286.35,050826,,,A,V"
GGA = "GNGGA,055234.200,4739.71890,N,12219.58362,W,1,14,0.9,76.5,M,-21.6,M,,"
DAY_2026_08_05 = 20670


def line(body: str) -> str:
    return sentence(body).decode().strip()


def said(body: str) -> Sentence:
    parsed = parse(line(body))
    assert isinstance(parsed, Sentence)
    return parsed


def refused(text: str) -> str:
    with pytest.raises(LineRefused) as caught:
        parse(text)
    return caught.value.reason


def test_rmc_tells_time_date_position_speed_and_course() -> None:
    rmc = said(RMC)
    assert (rmc.tod_ms, rmc.day, rmc.verdict) == (21_154_200, DAY_2026_08_05, Verdict.GOOD)
    assert rmc.lat == pytest.approx(47.661981667)
    assert rmc.lon == pytest.approx(-122.326393667)
    assert rmc.speed_mps == pytest.approx(0.514444)
    assert rmc.course_deg == 286.35


def test_gga_tells_altitude_hdop_and_satellites() -> None:
    gga = said(GGA)
    assert (gga.verdict, gga.alt_m, gga.hdop, gga.sats) == (Verdict.GOOD, 76.5, 0.9, 14)


def test_nav_status_v_of_nmea_41_is_no_objection_although_pynmea2_thinks_so() -> None:
    assert not pynmea2.parse(line(RMC)).is_valid
    assert said(RMC).verdict is Verdict.GOOD


@pytest.mark.parametrize("mode", ["N", "S", "M", "Q"])
def test_mode_none_simulator_manual_or_unknown_is_never_a_fix(mode: str) -> None:
    assert said(RMC.replace(",A,V", f",{mode},V")).verdict is Verdict.VOID


@pytest.mark.parametrize("quality", ["0", "7", "8"])
def test_gga_quality_none_manual_or_simulator_is_no_fix_and_gives_no_position(quality: str) -> None:
    gga = said(GGA.replace(",W,1,", f",W,{quality},"))
    assert (gga.verdict, gga.lat, gga.alt_m) == (Verdict.VOID, None, None)


def test_an_empty_quality_says_nothing_of_the_fix_nor_where_it_is() -> None:
    gga = said(GGA.replace(",W,1,", ",W,,"))
    assert (gga.verdict, gga.lat, gga.alt_m) == (None, None, 76.5)
    assert said("GPGGA,055234.200,,,,,,,,,,,,,").verdict is Verdict.VOID


def test_dead_reckoning_is_told_apart() -> None:
    assert said(GGA.replace(",W,1,", ",W,6,")).verdict is Verdict.ESTIMATED
    assert said(RMC.replace(",A,V", ",E,V")).verdict is Verdict.ESTIMATED


@pytest.mark.parametrize(
    ("modes", "verdict"),
    [("ANNN", Verdict.GOOD), ("NNNN", Verdict.VOID), ("NE", Verdict.ESTIMATED), ("AS", Verdict.VOID), ("", None)],
)
def test_gns_has_a_mode_for_each_constellation(modes: str, verdict: Verdict | None) -> None:
    assert said(f"GNGNS,055234.20,4739.7,N,12219.5,W,{modes},11,1.3,168.9,39.5,,,V").verdict is verdict


def test_a_void_rmc_has_no_date_and_no_position() -> None:
    rmc = said("GPRMC,000012.00,V,4739.71890,N,12219.58362,W,,,060180,,,N")
    assert (rmc.verdict, rmc.day, rmc.lat) == (Verdict.VOID, None, None)


def test_empty_fields_are_absent_never_zero() -> None:
    rmc = said("GNRMC,055234.200,A,4739.71890,N,12219.58362,W,,,050826,,,A,V")
    assert (rmc.speed_mps, rmc.course_deg) == (None, None)
    assert said("GPRMC,055234.200,A,,,,,,,050826,,,A").lat is None


@pytest.mark.parametrize(("hdop", "told"), [("0.00", None), ("99.99", None), ("99.0", None), ("0.01", 0.01), ("89.99", 89.99)])
def test_a_dop_outside_its_range_means_none(hdop: str, told: float | None) -> None:
    assert said(GGA.replace(",0.9,", f",{hdop},")).hdop == told


@pytest.mark.parametrize(
    "body",
    [
        RMC.replace("4739.71890", "9939.71890"),
        RMC.replace("4739.71890", "4775.71890"),
        RMC.replace("12219.58362", "18119.58362"),
        RMC.replace(",N,", ",Q,"),
        RMC.replace("055234.200", "255234.200"),
        RMC.replace("055234.200", "05523"),
        "GNGSA,A,9,02,07,14,15,17,20,22,30,,,,,1.5,0.9,1.2,1",
        "GPRMC,055234.200,A,4739.7",
        RMC + ",1,2,3",
    ],
)
def test_a_field_that_is_not_what_it_should_be_refuses_the_line(body: str) -> None:
    assert refused(line(body)) == "field"


@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        (RMC.replace("050826", "2208-1"), "day"),
        (RMC.replace("050826", "5082026"), "day"),
        (RMC.replace("050826", "310226"), "day"),
        (RMC.replace("050826", "000000"), "day"),
        (RMC.replace(",1.00,", ",nan,"), "speed_mps"),
        (RMC.replace(",1.00,", ",1e999,"), "speed_mps"),
        (RMC.replace(",286.35,", ",412.0,"), "course_deg"),
        (GGA.replace(",76.5,", ",abc,"), "alt_m"),
        (GGA.replace(",14,", ",1_4,"), "sats"),
        (GGA.replace(",0.9,", ",-,"), "hdop"),
    ],
)
def test_a_field_that_is_not_needed_to_know_where_and_when_costs_only_itself(body: str, left_out: str) -> None:
    found = said(body)
    assert (found.spared, getattr(found, left_out), found.verdict) == (1, None, Verdict.GOOD)
    assert found.lat is not None


@pytest.mark.parametrize("body", [RMC + ",", RMC + ",,", GGA + ",", "GPGLL,4739.7,N,12219.5,W,055234.2,A,A,"])
def test_empty_fields_too_many_are_none(body: str) -> None:
    assert said(body).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("body", "course_deg", "speed_mps"),
    [
        ("GPVTG,054.7,034.4,005.5,010.2", 54.7, 5.5 * KNOT_MPS),  # before NMEA 2.0
        ("GPVTG,054.7,T,,M,,N,010.8,K,A", 54.7, 3.0),
        ("GPVTG,054.7,T,,M,005.5,N,,K,A", 54.7, 5.5 * KNOT_MPS),
        ("GPVTG,954.7,T,,M,005.5,N,,K,A", None, 5.5 * KNOT_MPS),
    ],
)
def test_vtg_of_old_and_vtg_in_kmh_tell_a_speed(body: str, course_deg: float | None, speed_mps: float) -> None:
    vtg = said(body)
    assert vtg.course_deg == course_deg
    assert vtg.speed_mps == pytest.approx(speed_mps)


def test_without_a_checksum_there_is_no_trust() -> None:
    assert refused(f"${RMC}") == "no_checksum"
    assert refused("$GPGSV,1,1,00") == "no_checksum"


@pytest.mark.parametrize("body", [RMC, "GPGSV,1,1,00", "PCAS10,0"])
def test_a_wrong_checksum_is_refused_whatever_the_sentence(body: str) -> None:
    good = line(body)
    assert refused(good[:-1] + ("0" if good[-1] != "0" else "1")) == "checksum"


def test_every_cut_of_a_good_line_is_refused() -> None:
    good = line(RMC)
    for length in range(1, len(good)):
        assert refused(good[:length]) in ("no_checksum", "unreadable")


def test_a_line_that_is_too_long_is_refused_even_with_a_good_checksum() -> None:
    assert refused(line("GPTXT," + "x" * LINE_CHARS_MAX)) == "too_long"


@pytest.mark.parametrize("body", ["PUBX", "PASH", "PSXN", "PVTX", "PTNL", "GPXYZ,1", "PGRMC,A,1", "CCGPQ,GGA", ""])
def test_a_good_line_that_says_nothing_of_the_fix_is_good(body: str) -> None:
    """The first five make pynmea2 1.19 raise IndexError."""
    assert parse(line(body)) is None


@pytest.mark.parametrize(
    ("body", "used"),
    [
        ("GNGSA,A,3,13,27,,,,,,,,,,,1.5,0.9,1.2,4", {("BD", 13), ("BD", 27)}),
        ("GNGSA,A,3,01,36,193,,,,,,,,,,1.5,0.9,1.2,1", {("GP", 1), ("SB", 123), ("GQ", 1)}),
        ("GNGSA,A,3,02,70,214,301,412,,,,,,,,1.5,0.9,1.2", {("GP", 2), ("GL", 6), ("BD", 14), ("GA", 1), ("BD", 12)}),
        ("BDGSA,A,3,06,,,,,,,,,,,,1.5,0.9,1.2", {("BD", 6)}),
        ("BDGSA,A,3,161,197,,,,,,,,,,,1.5,0.9,1.2", {("BD", 1), ("BD", 37)}),  # Unicore UM220
        ("BDGSA,A,3,206,263,201,,,,,,,,,,1.5,0.9,1.2", {("BD", 6), ("BD", 63), ("BD", 1)}),
        ("GNGSA,A,3,166,192,193,152,,,,,,,,,1.5,0.9,1.2", {("BD", 6), ("BD", 32), ("GQ", 1), ("SB", 152)}),
        ("GBGSA,A,3,06,,,,,,,,,,,,1.5,0.9,1.2", {("BD", 6)}),
        ("PQGSA,A,3,06,,,,,,,,,,,,1.5,0.9,1.2", {("BD", 6)}),
        ("GAGSA,A,3,06,,,,,,,,,,,,1.5,0.9,1.2,3", {("GA", 6)}),
        ("GPGSA,A,3,06,,,,,,,,,,,,1.5,0.9,1.2,7.5", {("GP", 6)}),
        ("GPGSA,A,3,23,13,07,25,,,,,,,,,,,,,,,,,,,,,09.2,07.2,05.7", {("GP", 23), ("GP", 13), ("GP", 7), ("GP", 25)}),
    ],
)
def test_gsa_names_constellations_by_system_id_else_talker_else_number(body: str, used: set[tuple[str, int]]) -> None:
    gsa = said(body)
    assert set(gsa.used) == used
    assert gsa.nav_mode == 3
    assert gsa.hdop in (0.9, 7.2)


def test_gst_gives_the_accuracy_of_both_axes_together() -> None:
    assert said("GNGST,055234.20,1.0,3.0,2.0,45.0,3.0,4.0,5.0").acc_m == 5.0


def test_zda_gives_the_date() -> None:
    zda = said("GNZDA,055234.000,05,08,2026,00,00")
    assert (zda.tod_ms, zda.day, zda.verdict) == (21_154_000, DAY_2026_08_05, None)


def test_vtg_gives_speed_and_course_unless_its_mode_is_none_or_estimated() -> None:
    vtg = said("GPVTG,286.35,T,,M,1.00,N,1.85,K,A")
    assert vtg.course_deg == 286.35
    assert vtg.speed_mps == pytest.approx(0.514444)
    assert parse(line("GPVTG,286.35,T,,M,1.00,N,1.85,K,N")) is None
    assert parse(line("GPVTG,286.35,T,,M,1.00,N,1.85,K,E")) is None


KINDS = st.sampled_from(["GGA", "RMC", "GNS", "GLL", "VTG", "GST", "ZDA", "GSA", "GSV", "TXT"])
FIELDS = st.lists(st.one_of(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12), st.sampled_from(RMC.split(","))))


@given(KINDS, FIELDS)
def test_whatever_the_fields_are_a_line_is_read_or_refused(kind: str, fields: list[str]) -> None:
    try:
        parse(line(f"GN{kind}," + ",".join(fields)))
    except LineRefused:
        pass


@given(st.text(max_size=140))
def test_whatever_the_line_is_it_is_read_or_refused(text: str) -> None:
    try:
        parse(f"${text}")
    except LineRefused:
        pass

"""Makers' own sentences with a position: each as its manufacturer's document or a recording has it, alone and beside the standard ones."""

import pytest

from agent.adapters.epoch import ENDER_CYCLES, STANDARD_S
from agent.adapters.facts import Sentence, Verdict
from agent.adapters.fields import DAY_MS, FOOT_M, KNOT_MPS, day
from agent.adapters.sentences import LineRefused, parse
from agent.core.events import Fix, FixMode
from tests.adapters.pty_receiver import sentence
from tests.adapters.test_epoch import DAY_2026_08_05, VTG, Line, gga, gsa, rmc

PUBLISHED = {
    # u-blox 6 receiver description including protocol specification, "Lat/Long Position Data"
    "u-blox 00": "$PUBX,00,081350.00,4717.113210,N,00833.915187,E,546.589,G3,2.1,2.0,0.007,77.52,0.007,,0.92,1.19,0.77,9,0,0*5F",
    # the same, "Time of Day and Clock Information"; it prints *3C, which is not that of its text
    "u-blox 04": "$PUBX,04,073731.00,091202,113851.00,1196,15D,1930035,-2660.664,43*71",
    # Ashtech Z-Family Technical Reference Manual, table 6.106; it prints *6C, which is not that of its text
    "Z-Family": "$PASHR,POS,0,06,214619.50,3722.385158,N,12159.833768,W,00043.110,,331.0,000.7,000.0,02.7,01.2,02.4,01.6,UC00*30",
    # as a road survey and a MB100 said them, in other projects' source
    "UE00": "$PASHR,POS,0,04,222408.00,4413.584042,N,07629.674166,W,00086.776,,257.2,000.2,000.0,06.1,03.6,05.0,04.6,UE00*37",
    "MB100": "$PASHR,POS,0,6,122516.55,5700.8896215,N,00959.0970895,E,046.847,,097.0,003.159,-000.194,3.5,2.4,2.6,2.2,Hp23*15",
    # Spectra Precision ProFlex 800 Reference Manual, $PASHQ,POS
    "ProFlex": "$PASHR,POS,3,10,151858.00,4717.960848,N,00130.499487,W,82.972,,0.0,0.0,-0.0,2.0,1.1,1.7,1.3,G010*49",
    # gpsd's recording of a Garmin 17N
    "Garmin": "$PGRMF,290,293895,160305,093802,13,5213.1439,N,02100.6511,E,A,2,0,226,2,1*11",
    # gpsd's recording of a SkyTraq S2525F8-BD-RTK; RTK as SkyTraq's AN0028 quotes it
    "SkyTraq": "$PSTI,030,213121.000,A,4404.1295864,N,12118.8685453,W,1102.537,-0.01,0.01,0.03,070416,D,0.0,0.0*13",
    "SkyTraq RTK": "$PSTI,030,033010.000,A,2447.0895508,N,12100.5234656,E,94.615,0.00,-0.01,0.04,111219,R,0.999,3.724*1A",
    # SBG Systems, NMEA output, SBG_ECOM_LOG_NMEA_1_GGK
    "GGK": "$PTNL,GGK,161159.00,013020,4854.61758182,N,00210.08881241,E,1,07,8.3,EHT140.509,M*75",
    # www.gpsinformation.org/dale/nmea.htm
    "Magellan": "$PMGNST,02.12,3,T,534,05.0,+03327,00*40",
}

PUBX = "PUBX,00,120000.00,4739.7,N,12219.5,W,546.589,G3,2.1,2.0,36.0,77.52,0.007,,0.92,1.19,0.77,9,0,0"
PGRMF = "PGRMF,290,293895,050826,120000,13,4739.7,N,12219.5,W,A,2,36,226,2,1"
POS = "PASHR,POS,0,06,120000.00,4739.7,N,12219.5,W,43.110,,331.0,10.0,0.0,2.7,1.2,2.4,1.6,UC00"


def published(name: str) -> Sentence:
    said = parse(PUBLISHED[name])
    assert isinstance(said, Sentence)
    assert said.proprietary
    return said


@pytest.fixture
def receiver() -> Line:
    return Line()


def at(body: str, time: str) -> str:
    return body.replace("120000", time)


# --- one line -------------------------------------------------------------------------------------------------------------------------


def test_u_blox_00_tells_time_position_accuracy_speed_in_km_h_and_dops_and_no_height_since_that_is_the_ellipsoids() -> None:
    said = published("u-blox 00")
    assert (said.tod_ms, said.day, said.verdict, said.quality, said.nav_mode, said.sats) == (
        29_630_000, None, Verdict.GOOD, "autonomous", 3, 9,
    )  # fmt: skip
    assert [said.lat, said.lon] == pytest.approx([47.2852202, 8.56525312])
    assert (said.alt_m, said.acc_m, said.hdop, said.vdop) == (None, 2.1, 0.92, 1.19)
    assert [said.speed_mps, said.course_deg] == pytest.approx([0.007 / 3.6, 77.52])


def test_u_blox_04_tells_the_date_and_nothing_of_a_fix() -> None:
    said = published("u-blox 04")
    assert (said.tod_ms, said.day, said.verdict, said.lat) == (27_451_000, day(2002, 12, 9), None, None)


@pytest.mark.parametrize(
    ("status", "verdict", "nav_mode"),
    [
        ("G2", Verdict.GOOD, 2),
        ("D3", Verdict.GOOD, 3),
        ("RK", Verdict.GOOD, None),
        ("DR", Verdict.ESTIMATED, None),
        ("NF", Verdict.VOID, None),
    ],
)
def test_u_blox_00_says_what_kind_of_fix_it_is(status: str, verdict: Verdict, nav_mode: int | None) -> None:
    said = parse(sentence(PUBX.replace("G3", status)).decode().strip())
    assert isinstance(said, Sentence)
    assert (said.verdict, said.nav_mode) == (verdict, nav_mode)


def test_ashtech_speed_is_in_knots_as_all_its_manuals_say_where_gpsd_takes_km_h() -> None:
    said = published("Z-Family")
    assert (said.tod_ms, said.verdict, said.quality, said.sats) == (78_379_500, Verdict.GOOD, "autonomous", 6)
    assert [said.lat, said.lon] == pytest.approx([37.37308597, -121.99722947])
    assert [said.speed_mps, said.course_deg] == pytest.approx([0.7 * KNOT_MPS, 331.0])
    assert said.alt_m is None
    assert (said.pdop, said.hdop, said.vdop) == (2.7, 1.2, 2.4)
    assert published("ProFlex").quality == "rtk"
    assert published("UE00").speed_mps == pytest.approx(0.2 * KNOT_MPS)
    assert published("MB100").speed_mps == pytest.approx(3.159 * KNOT_MPS)


@pytest.mark.parametrize("mode", ["", "0"])
def test_ashtech_without_a_position_is_void(mode: str) -> None:
    """The first as a MB100 says it when it starts, the second as an MB-Two."""
    said = parse(sentence(f"PASHR,POS,{mode},0,,,,,,,,,,,99.9,99.9,99.9,99.9,Hp23").decode().strip())
    assert isinstance(said, Sentence)
    assert (said.verdict, said.lat, said.hdop) == (Verdict.VOID, None, None)


def test_other_pashr_sentences_say_nothing_of_a_fix() -> None:
    """The second is OxTS's, with time and heading; both in gpsd's recordings."""
    assert parse(sentence("PASHR,ACK").decode().strip()) is None
    assert parse("$PASHR,204132.000,010.51,T,+00.39,-00.79,-00.84,0.151,0.075,0.555,1,0*03") is None


def test_garmin_f_tells_date_time_position_and_whole_km_h() -> None:
    said = published("Garmin")
    assert (said.tod_ms, said.day, said.verdict, said.nav_mode, said.pdop) == (34_682_000, day(2005, 3, 16), Verdict.GOOD, 3, 2.0)
    assert [said.lat, said.lon] == pytest.approx([52.21906500, 21.01085167])
    assert (said.speed_mps, said.course_deg) == (0.0, 226.0)


def test_garmin_f_without_a_fix_is_void_and_with_a_manual_mode_it_is_nothing() -> None:
    void = parse(sentence(PGRMF.replace("A,2,36", "A,0,0")).decode().strip())
    assert isinstance(void, Sentence)
    assert (void.verdict, void.lat, void.day) == (Verdict.VOID, None, None)
    assert parse(sentence(PGRMF.replace("A,2,36", "M,2,36")).decode().strip()) is None


def test_skytraq_030_has_its_speed_from_velocities_and_its_height_above_the_sea() -> None:
    said = published("SkyTraq")
    assert (said.tod_ms, said.day, said.quality, said.alt_m) == (77_481_000, day(2016, 4, 7), "dgps", 1102.537)
    assert said.speed_mps == pytest.approx(0.0141421356)
    assert said.course_deg is None
    assert published("SkyTraq RTK").quality == "rtk"
    moving = parse(sentence(PUBLISHED["SkyTraq"][1:-3].replace("-0.01,0.01", "-3.00,4.00")).decode().strip())
    assert isinstance(moving, Sentence)
    assert [moving.speed_mps, moving.course_deg] == pytest.approx([5.0, 323.1301])


def test_trimble_ggk_has_the_month_first_and_no_height_above_the_sea() -> None:
    said = published("GGK")
    assert (said.tod_ms, said.day, said.quality, said.sats, said.alt_m) == (58_319_000, day(2020, 1, 30), "autonomous", 7, None)
    assert [said.lat, said.lon] == pytest.approx([48.910293030, 2.168146874])
    empty = parse("$PTNL,GGK,,,,,,,0,00,,,M*30")  # SBG's example of no fix
    assert isinstance(empty, Sentence)
    assert (empty.verdict, empty.lat) == (Verdict.VOID, None)


def test_magellan_tells_only_whether_there_is_a_fix() -> None:
    assert (published("Magellan").nav_mode, published("Magellan").verdict) == (3, None)
    lost = parse(sentence(PUBLISHED["Magellan"][1:-3].replace(",3,T", ",3,F")).decode().strip())
    assert isinstance(lost, Sentence)
    assert lost.nav_mode == 1


@pytest.mark.parametrize(
    "body",
    [
        PUBX.replace("G3", "XX"),
        PUBX.replace("4739.7", "47x9.7"),
        PUBX.removesuffix(",0"),
        "PUBX,00",
        POS.replace("10.0", "-10.0"),
        POS + ",1",
        PGRMF.replace("A,2", "A,3"),
        PGRMF.replace("050826", "320826"),
        "PSTI,030,120000.000,A",
        "PTNL,GGK,120000.00,990199,4739.7,N,12219.5,W,3,06,1.7,EHT-6.777,M",
        "PMGNST,02.12,3,X,534,05.0,+03327,00",
    ],
)
def test_a_field_that_cannot_be_refuses_the_line(body: str) -> None:
    with pytest.raises(LineRefused, match="field"):
        parse(sentence(body).decode().strip())


# --- alone ----------------------------------------------------------------------------------------------------------------------------


def test_a_receiver_that_sends_u_blox_sentences_alone_is_dated_by_04(receiver: Line) -> None:
    clock = "PUBX,04,120000.00,050826,302400.00,2430,18,1930035,-2660.664,43,"
    receiver.say(PUBX, clock)
    (fix,) = receiver.pause(0.5)
    assert (fix.mode, fix.utc_ms, fix.acc_m, fix.acc_estimated) == (FixMode.THREE_D, DAY_2026_08_05 * DAY_MS + 43_200_000, 2.1, False)
    assert (fix.speed_mps, fix.course_deg, fix.hdop, fix.sats, fix.quality) == (10.0, 77.52, 0.92, {"GN": 9}, "autonomous")


@pytest.mark.parametrize("body", [PUBX, POS, PGRMF])
def test_alone_it_is_a_fix_each_second_that_leaves_with_its_last_byte(receiver: Line, body: str) -> None:
    fixes = []
    for n in range(ENDER_CYCLES + 3):
        came = receiver.say(at(body, f"1200{n:02}"))
        assert len(came) == (n >= ENDER_CYCLES)
        fixes += came + receiver.pause(0.9)
    assert [fix.mode for fix in fixes] == [FixMode.THREE_D] * len(fixes)
    assert len(fixes) == ENDER_CYCLES + 3


def test_void_alone_is_a_loss(receiver: Line) -> None:
    receiver.say(PUBX)
    receiver.pause(0.5)
    receiver.say(at(PUBX.replace("G3", "NF"), "120001"))
    assert [fix.mode for fix in receiver.pause(0.5)] == [FixMode.NONE]
    (fix,) = receiver.say("PASHR,POS,,0,,,,,,,,,,,,,,,Hp23")
    assert (fix.mode, fix.lat) == (FixMode.NONE, None)


# --- beside the standard sentences ------------------------------------------------------------------------------------------------------


def only(fixes: list[Fix]) -> Fix:
    (fix,) = fixes
    return fix


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("own", [PUBX, POS, PGRMF])
def test_what_standard_sentences_tell_stays_as_it_is_wherever_the_makers_own_stands(receiver: Line, own: str, first: bool) -> None:
    """Its speed is 10 m/s, its course 77 to 331, its position the same to the tenth of a minute."""
    plain = Line()
    plain.say(gga("120000.00"), gsa(2, 7), rmc("120000.00"))
    expected = only(plain.pause(0.2))
    moved = own.replace("4739.7", "4839.7")
    receiver.say(*((moved, gga("120000.00")) if first else (gga("120000.00"), moved)), gsa(2, 7), rmc("120000.00"))
    fix = only(receiver.pause(0.2))
    assert (fix.lat, fix.lon, fix.alt_m, fix.speed_mps, fix.course_deg) == (
        expected.lat, expected.lon, expected.alt_m, expected.speed_mps, expected.course_deg,
    )  # fmt: skip
    assert (fix.utc_ms, fix.mode, fix.hdop, fix.sats, fix.quality) == (
        expected.utc_ms, expected.mode, expected.hdop, expected.sats, expected.quality,
    )  # fmt: skip


def test_beside_gll_alone_it_gives_speed_and_course(receiver: Line) -> None:
    receiver.say("GPGLL,4739.7,N,12219.5,W,120000.00,A,A", PUBX)
    fix = only(receiver.pause(0.5))
    assert (fix.speed_mps, fix.course_deg, fix.mode) == (10.0, 77.52, FixMode.THREE_D)


def test_the_empty_course_of_a_car_that_stands_is_not_filled_with_noise(receiver: Line) -> None:
    receiver.say(PUBX, gga("120000.00"), "GNRMC,120000.00,A,4739.7,N,12219.5,W,0.01,,050826,,,A,V")
    assert only(receiver.pause(0.5)).course_deg is None


def test_void_in_it_beats_good_and_dead_reckoning_beats_a_fix(receiver: Line) -> None:
    receiver.say(gga("120000.00"), rmc("120000.00"), PUBX.replace("G3", "NF"))
    assert only(receiver.pause(0.5)).mode is FixMode.NONE
    receiver.say(gga("120001.00"), rmc("120001.00"), at(PUBX.replace("G3", "DR"), "120001"))
    assert only(receiver.pause(0.5)).mode is FixMode.DEAD_RECKONING


def test_magellan_without_a_fix_takes_it_back_where_no_gsa_speaks(receiver: Line) -> None:
    receiver.say(gga("120000.00"), "PMGNST,02.12,2,F,534,05.0,+03327,00")
    assert only(receiver.pause(0.5)).mode is FixMode.NONE


def test_whole_seconds_beside_five_fixes_a_second_double_none(receiver: Line) -> None:
    """Garmin's sentence has no fractions: at 120000.4 it says 120000, an instant that was told already."""
    fixes = []
    for n in range(10):
        t = f"12000{n // 5}.{n % 5 * 2}0"
        fixes += receiver.say(gga(t), rmc(t), at(PGRMF, f"12000{n // 5}"), step_s=0.02)
        receiver.now += 0.14
    fixes += receiver.pause(0.5)
    assert [fix.utc_ms for fix in fixes] == [DAY_2026_08_05 * DAY_MS + 43_200_000 + 200 * n for n in range(10)]


def test_one_of_another_instant_is_no_fix_of_its_own_while_standard_sentences_tell_of_one(receiver: Line) -> None:
    receiver.say(gga("120000.00"), rmc("120000.00"))
    receiver.pause(0.5)
    assert receiver.say(at(POS, "120000.50".removesuffix(".50")).replace("120000.00", "120000.50")) == []
    assert receiver.pause(STANDARD_S) == []


def test_when_the_standard_sentences_are_turned_off_it_is_believed_again(receiver: Line) -> None:
    receiver.say(gga("120000.00"), rmc("120000.00"))
    receiver.pause(STANDARD_S)
    receiver.say(at(POS, "120003"))
    assert only(receiver.pause(0.5)).utc_ms == DAY_2026_08_05 * DAY_MS + 43_203_000


@pytest.mark.parametrize("own", [PUBX, POS, PGRMF, PUBLISHED["Magellan"][1:-3], "PUBX,04,120000.00,050826,1.00,2430,18,1,1.1,43,"])
def test_one_now_and_then_behind_the_last_sentence_does_not_unlearn_the_end(receiver: Line, own: str) -> None:
    """Every third cycle has it; each fix still leaves with its RMC."""
    for n in range(ENDER_CYCLES):
        t = f"1200{n:02}"
        receiver.say(gga(f"{t}.00"), gsa(2, 7), VTG, rmc(f"{t}.00"))
        receiver.pause(0.9)
    for n in range(ENDER_CYCLES, 20):
        t = f"1200{n:02}"
        only(receiver.say(gga(f"{t}.00"), gsa(2, 7), VTG, rmc(f"{t}.00")))
        assert receiver.say(*([at(own, t)] if n % 3 == 0 else [])) == []
        assert receiver.pause(0.9) == []


def test_the_barometers_height_still_counts_more_than_the_satellites(receiver: Line) -> None:
    """$PGRMZ has no time, and no other sentence tells the same; as before, as gpsd."""
    receiver.say(gga("120000.00"), PGRMF, "PGRMZ,100,f,3")
    assert only(receiver.pause(0.5)).alt_m == pytest.approx(100 * FOOT_M)

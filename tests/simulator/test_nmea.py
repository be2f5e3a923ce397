"""The sentences: pynmea2 reads back what went in."""

from datetime import UTC, datetime

import pynmea2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import nmea
from simulator.nmea import Instant, Talker

NOON = round(datetime(2026, 5, 17, 12, 34, 56, tzinfo=UTC).timestamp() * 1000)
HERE = Instant(NOON + 700, 36.6201234, 101.7798765, 2261.3, 13.37, 271.25)


@given(
    st.integers(0, 4_102_444_799_999),
    st.integers(-900_000_000, 900_000_000),
    st.integers(-1_800_000_000, 1_800_000_000),
    st.floats(0, 100),
    st.floats(0, 360),
)
def test_what_goes_in_is_read_back(utc_ms: int, lat_e7: int, lon_e7: int, speed_mps: float, course_deg: float) -> None:
    """Positions to 1e-7 degrees, the time to the millisecond, speed to a millimetre a second, course to 0.01 degrees."""
    now = Instant(utc_ms, lat_e7 / 1e7, lon_e7 / 1e7, 100.0, speed_mps, course_deg)
    rmc = pynmea2.parse(nmea.rmc(now), check=True)
    gga = pynmea2.parse(nmea.gga(now), check=True)
    for read in (rmc, gga):
        assert round(read.latitude * 1e7) == lat_e7
        assert round(read.longitude * 1e7) == lon_e7
    moment = datetime.fromtimestamp(utc_ms // 1000, UTC).replace(microsecond=utc_ms % 1000 * 1000)
    assert gga.timestamp == moment.timetz()
    assert rmc.timestamp == moment.timetz()
    assert rmc.datestamp.strftime("%d%m%y") == moment.strftime("%d%m%y")
    assert rmc.spd_over_grnd * 1852 / 3600 == pytest.approx(speed_mps, abs=0.001)
    assert abs((rmc.true_course - course_deg + 180) % 360 - 180) <= 0.0051


@pytest.mark.parametrize("talker", ["GN", "BD", "GP"])
@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("utc_ms", [NOON, NOON + 100, None])
def test_every_sentence_of_an_epoch_parses_and_is_short_enough(talker: Talker, valid: bool, utc_ms: int | None) -> None:
    """82 characters with $ and line end (NMEA 0183, 5.3.4), a good checksum, and types in order."""
    lines = nmea.epoch(HERE._replace(utc_ms=utc_ms, valid=valid), talker).decode().splitlines(keepends=True)
    kinds = []
    for line in lines:
        assert line.endswith("\r\n")
        assert len(line) <= 82
        read = pynmea2.parse(line, check=True)
        kinds.append(read.sentence_type)
        assert read.talker == (talker if read.sentence_type != "GSV" or talker != "GN" else read.talker)
    assert kinds[0] == "GGA"
    assert kinds[-2:] == ["RMC", "VTG"]
    assert ("GSV" in kinds) is (utc_ms != NOON + 100)


def test_a_checksum_is_that_of_the_published_example() -> None:
    """CASIC protocol V4.2.0.3: $PCAS02,1000*2E."""
    assert nmea.sentence("PCAS02", "1000") == "$PCAS02,1000*2E\r\n"


def test_no_fix_says_so_everywhere_and_gives_no_position() -> None:
    """Quality 0, status V, mode 1, mode N; empty, never 0."""
    lost = HERE._replace(valid=False)
    gga, rmc = pynmea2.parse(nmea.gga(lost)), pynmea2.parse(nmea.rmc(lost))
    assert (gga.gps_qual, gga.lat, gga.lon, gga.altitude) == (0, "", "", None)
    assert (rmc.status, rmc.lat, rmc.lon, rmc.mode_indicator) == ("V", "", "", "N")
    assert all(pynmea2.parse(line).mode_fix_type == "1" for line in nmea.gsa(lost))
    assert nmea.vtg(lost).split("*")[0].endswith(",N")


def test_satellites_are_told_for_each_constellation() -> None:
    """Twelve a GSA, with the system's number; one more in view than in use, under the system's own talker."""
    now = HERE._replace(sats={"BD": 14, "GP": 8})
    used = [pynmea2.parse(line).data for line in nmea.gsa(now)]
    assert [(len([s for s in data[2:14] if s]), data[17]) for data in used] == [(12, "4"), (2, "4"), (8, "1")]
    seen = [pynmea2.parse(line) for line in nmea.gsv(now)]
    assert {(s.talker, s.num_sv_in_view) for s in seen} == {("BD", "15"), ("GP", "09")}
    assert pynmea2.parse(nmea.gga(now)).num_sats == "22"


def test_a_receiver_of_one_constellation_tells_of_it_alone() -> None:
    """BeiDou only: BD everywhere."""
    said = nmea.epoch(HERE._replace(utc_ms=NOON, sats={"BD": 9}), "BD").decode().splitlines()
    assert {line[1:3] for line in said} == {"BD"}


def test_minutes_never_read_sixty() -> None:
    """Rounding carries into the degrees."""
    assert nmea.degrees_minutes(36.99999999999, 2) == "3700.000000"
    assert nmea.degrees_minutes(-0.5, 3) == "00030.000000"

"""GSV sentences become the sky: each satellite once, by its own number, whatever the receiver calls it."""

import pytest

from agent.adapters.satellites import Sight, identify
from agent.adapters.sentences import LineRefused, parse
from agent.adapters.skyview import OLD_S, SKY_S, SkyView
from agent.core.events import Satellite
from tests.adapters.pty_receiver import sentence


def sight(body: str) -> Sight:
    seen = parse(sentence(body).decode().strip())
    assert isinstance(seen, Sight)
    return seen


@pytest.mark.parametrize(
    ("known", "number", "found"),
    [
        ("BD", 6, ("BD", 6)),
        ("BD", 59, ("BD", 59)),  # BeiDou has more than 32
        ("BD", 201, ("BD", 1)),
        ("BD", 437, ("BD", 37)),
        (None, 201, ("BD", 1)),
        (None, 237, ("BD", 37)),
        (None, 412, ("BD", 12)),
        (None, 7, ("GP", 7)),
        ("GP", 40, ("SB", 127)),
        ("GL", 70, ("GL", 6)),
        ("GL", 6, ("GL", 6)),
        (None, 70, ("GL", 6)),
        ("GA", 301, ("GA", 1)),
        ("GA", 36, ("GA", 36)),
        ("GQ", 193, ("GQ", 1)),
        ("GP", 195, ("GQ", 3)),
        ("BD", 999, None),
        (None, 0, None),
        (None, 280, None),
    ],
)
def test_a_satellite_has_one_name(known: str | None, number: int, found: tuple[str, int] | None) -> None:
    assert identify(known, number) == found


def test_a_satellite_in_view_has_elevation_azimuth_and_strength() -> None:
    seen = sight("BDGSV,1,1,02,06,45,123,40,33,-2,,,1")
    assert (seen.talker, seen.signal, seen.index, seen.total) == ("BD", "1", 1, 1)
    first, second = seen.satellites
    assert (first.system, first.prn, first.elev_deg, first.azim_deg, first.cn0_dbhz) == ("BD", 6, 45, 123, 40.0)
    assert (second.prn, second.elev_deg, second.azim_deg, second.cn0_dbhz) == (33, -2, None, None)


@pytest.mark.parametrize(
    ("rest", "numbers", "signal"),
    [
        ("", [], ""),
        (",1", [], "1"),
        (",07,45,123,40", [7], ""),
        (",07,45,123,40,8", [7], "8"),
        (",07,45,123,40,13,45,123,40,30,45,123,40,1", [7, 13, 30], "1"),
        (",07,45,123,40,,,,", [7], ""),
        (",07,45,123,40,0,4", [7], "0"),  # Quectel's $PQGSV: signal and system
    ],
)
def test_a_signal_id_behind_fewer_than_four_satellites_is_none_of_them(rest: str, numbers: list[int], signal: str) -> None:
    """pynmea2 1.19 takes it for the number of another satellite."""
    seen = sight(f"PQGSV,1,1,03{rest}")
    assert [one.prn for one in seen.satellites] == numbers
    assert seen.signal == signal


@pytest.mark.parametrize(
    "body", ["GPGSV,1", "GPGSV,0,0,00", "GPGSV,1,2,00", "GPGSV,1,1,01,07,45,123", "GPGSV,1,1,01,7x,45,123,40", "GPGSV,,,"]
)
def test_a_gsv_that_is_not_what_it_should_be_is_refused(body: str) -> None:
    with pytest.raises(LineRefused, match="field"):
        sight(body)


def test_a_talker_that_has_no_satellites_has_no_sky() -> None:
    assert parse(sentence("SDGSV,1,1,01,07,45,123,40").decode().strip()) is None


def test_each_satellite_is_there_once_with_its_strongest_signal_and_whether_it_is_used() -> None:
    view = SkyView()
    view.take(0.0, sight("GBGSV,1,1,02,06,45,123,30,14,20,200,,1"))
    view.take(0.0, sight("GBGSV,1,1,02,06,45,123,41,14,20,200,25,5"))
    view.take(0.0, sight("GPGSV,1,1,01,07,10,010,20,1"))
    sky = view.sky(0.1, {("BD", 6)})
    assert sky is not None
    assert sky.satellites == (
        Satellite("BD", 6, 41.0, 45, 123, True),
        Satellite("BD", 14, 25.0, 20, 200, False),
        Satellite("GP", 7, 20.0, 10, 10, False),
    )


def test_the_sky_is_told_about_once_a_second_and_only_when_there_is_news() -> None:
    view = SkyView()
    assert view.sky(0.0, set()) is None
    told = 0
    for tenth in range(50):
        view.take(tenth / 10, sight("GPGSV,1,1,01,07,10,010,20,1"))
        told += view.sky(tenth / 10, set()) is not None
    assert told == 5
    assert view.sky(6.0, set()) is not None
    assert view.sky(6.0 + SKY_S, set()) is None


def test_a_series_of_which_a_sentence_is_lost_changes_nothing() -> None:
    view = SkyView()
    view.take(0.0, sight("GPGSV,2,1,02,07,10,010,20"))
    view.take(0.0, sight("GPGSV,2,2,02,08,10,010,20"))
    view.take(1.0, sight("GPGSV,2,1,02,09,10,010,20"))
    view.take(2.0, sight("GPGSV,2,1,02,09,10,010,20"))
    sky = view.sky(2.0, set())
    assert sky is not None
    assert [one.prn for one in sky.satellites] == [7, 8]


def test_a_series_that_is_told_no_more_is_forgotten() -> None:
    view = SkyView()
    view.take(0.0, sight("GLGSV,1,1,01,70,10,010,20"))
    view.take(OLD_S, sight("GPGSV,1,1,01,07,10,010,20"))
    sky = view.sky(OLD_S, set())
    assert sky is not None
    assert [one.system for one in sky.satellites] == ["GP"]


def test_right_after_a_sky_no_series_is_wanted() -> None:
    view = SkyView()
    assert view.wants(0.0)
    view.take(0.0, sight("GPGSV,1,1,01,07,10,010,20"))
    view.sky(0.0, set())
    assert not view.wants(0.5)
    assert view.wants(0.9)

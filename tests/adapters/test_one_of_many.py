"""What one constellation says of itself, what is left empty, and what cannot be: none of it takes a good fix away."""

import pytest

from agent.adapters.fields import DAY_MS
from agent.core.events import Fix, FixMode
from tests.adapters.test_epoch import DAY_2026_08_05, POSITION, Line, gga, gsa, rmc

T = "120000.00"
NOON = DAY_2026_08_05 * DAY_MS + 43_200_000
EMPTY_GGA = "GGA,,,,,,0,00,,,M,,M,,"


@pytest.fixture
def receiver() -> Line:
    return Line()


def one(receiver: Line, *bodies: str) -> Fix:
    """The only fix of these sentences and a pause."""
    (fix,) = receiver.say(*bodies) + receiver.pause(0.2)
    return fix


def void(talker: str) -> str:
    return gga(T, quality="0", sats="00", talker=talker)


@pytest.mark.parametrize("talker", ["GL", "GA", "BD", "GB", "GQ", "PQ"])
def test_a_constellation_without_a_fix_does_not_take_that_of_the_others_away(receiver: Line, talker: str) -> None:
    fix = one(receiver, gga(T, talker="GP"), void(talker), rmc(T))
    assert (fix.mode, fix.utc_ms, fix.alt_m) == (FixMode.THREE_D, NOON, 76.5)


def test_one_that_does_not_even_know_the_time_neither(receiver: Line) -> None:
    fix = one(receiver, gga(T, talker="GP"), f"BD{EMPTY_GGA}", rmc(T))
    assert (fix.mode, fix.speed_mps is None) == (FixMode.THREE_D, False)
    assert receiver.say(f"BD{EMPTY_GGA}") == []


@pytest.mark.parametrize("talkers", [("GP", "GN"), ("GN", "GN"), ("BD", "BD"), ("GL", "GL")])
def test_a_receiver_that_says_of_itself_that_it_has_no_fix_has_none(receiver: Line, talkers: tuple[str, str]) -> None:
    quality, status = talkers
    assert one(receiver, void(quality), rmc(T, talker=status)).mode is FixMode.NONE


def test_of_constellations_alone_one_with_a_fix_is_enough(receiver: Line) -> None:
    assert one(receiver, void("GL"), gga(T, talker="BD")).mode is FixMode.THREE_D
    assert one(Line(), void("GL"), void("BD")).mode is FixMode.NONE


def test_a_receiver_of_one_constellation_that_loses_time_and_fix_says_so(receiver: Line) -> None:
    one(receiver, gga(T, talker="BD"), rmc(T, talker="BD"))
    (fix,) = receiver.say(f"BD{EMPTY_GGA}")
    assert fix.mode is FixMode.NONE


def test_dead_reckoning_of_one_is_still_no_fix(receiver: Line) -> None:
    assert one(receiver, gga(T, quality="6", talker="BD"), rmc(T)).mode is FixMode.DEAD_RECKONING


def test_an_empty_quality_is_unknown_and_another_sentence_decides(receiver: Line) -> None:
    fix = one(receiver, gga(T, quality=""), rmc(T))
    assert (fix.mode, fix.alt_m, fix.hdop) == (FixMode.THREE_D, 76.5, 0.9)
    assert one(Line(), gga(T, quality=""), rmc(T, status="V", mode="N")).mode is FixMode.NONE
    assert Line().say(gga(T, quality="")) == []


def test_a_receiver_that_does_not_count_its_satellites_may_have_a_fix(receiver: Line) -> None:
    fix = one(receiver, gga(T, sats="00"), rmc(T))
    assert (fix.mode, fix.sats) == (FixMode.THREE_D, {})
    assert one(Line(), gga(T, sats="00")).mode is FixMode.NONE
    assert one(Line(), gga(T, sats="02"), rmc(T)).mode is FixMode.NONE


@pytest.mark.parametrize(
    ("counts", "sats"),
    [
        ({"GP": "09"}, {"GN": 9}),  # many a receiver says GP and means all
        ({"GN": "09"}, {"GN": 9}),
        ({"BD": "09"}, {"BD": 9}),
        ({"GP": "05", "GL": "03", "GB": "02"}, {"GP": 5, "GL": 3, "BD": 2}),  # Telit: each its own
        ({"GP": "05", "GN": "09"}, {"GN": 9}),  # Furuno
    ],
)
def test_without_gsa_the_count_is_of_whom_it_speaks(receiver: Line, counts: dict[str, str], sats: dict[str, int]) -> None:
    assert one(receiver, *(gga(T, sats=n, talker=talker) for talker, n in counts.items())).sats == sats


def test_with_gsa_it_is_the_satellites_themselves(receiver: Line) -> None:
    assert one(receiver, gga(T, talker="GP"), gsa(1, 2, 3)).sats == {"GP": 3}


def test_fields_filled_up_with_blanks_are_read(receiver: Line) -> None:
    fix = one(receiver, f"GNGGA,{T},{POSITION}, 1, 8,  1.0,  76.5,M, -21.6,M,,", f"GNRMC,{T},A,{POSITION},  2.00, 90.0,050826,,, A")
    assert (fix.mode, fix.alt_m, fix.hdop, fix.sats, fix.course_deg) == (FixMode.THREE_D, 76.5, 1.0, {"GN": 8}, 90.0)


@pytest.mark.parametrize("course", ["400.0", "-1", "nan"])
def test_a_course_that_cannot_be_costs_only_itself(receiver: Line, course: str) -> None:
    fix = one(receiver, f"GNRMC,{T},A,{POSITION},2.00,{course},050826,,,A")
    assert (fix.utc_ms, fix.course_deg, fix.speed_mps is None) == (NOON, None, False)


@pytest.mark.parametrize("position", ["0000.0000,N,00000.0000,E", "0000.00000,S,00000.00000,W"])
def test_zero_north_zero_east_is_an_empty_position_in_digits(receiver: Line, position: str) -> None:
    assert one(receiver, f"GNRMC,{T},A,{position},2.00,90.0,050826,,,A").mode is FixMode.NONE
    assert one(Line(), f"GNRMC,{T},A,0000.0001,N,00000.0000,E,2.00,90.0,050826,,,A").mode is FixMode.TWO_D


def test_dates_that_contradict_each_other_leave_the_day_as_reckoned(receiver: Line) -> None:
    one(receiver, gga(T), rmc(T))
    later = "120001.00"
    fix = one(receiver, gga(later), rmc(later), f"GNZDA,{later},09,08,2026,00,00")
    assert fix.utc_ms == NOON + 1000
    assert receiver.epochs.calendar.corrected == {"date_conflict": 1}


@pytest.mark.parametrize("year", ["0026", "9999", "1980"])
def test_a_year_of_zda_that_cannot_be_is_no_date(receiver: Line, year: str) -> None:
    assert one(receiver, gga(T), rmc(T), f"GNZDA,{T},05,01,{year},00,00").utc_ms == NOON
    assert one(Line(), gga(T), f"GNZDA,{T},05,01,{year},00,00").utc_ms is None


def test_a_fix_says_that_its_date_was_moved(receiver: Line) -> None:
    moved = one(receiver, gga(T), rmc(T, date="201206"))
    assert (moved.utc_ms, moved.date_moved) == (NOON, True)
    later = "120001.00"
    assert one(receiver, gga(later)).date_moved
    later = "120002.00"
    assert not one(receiver, gga(later), rmc(later)).date_moved

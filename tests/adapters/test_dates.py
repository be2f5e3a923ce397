"""The calendar of one receiver: midnights, lost weeks, leap seconds."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import BUILD_DATE
from agent.adapters.dates import BUILD_DAY, MOVED_DAYS_MAX, WEEKS_1024_DAYS, Calendar
from agent.adapters.fields import DAY_MS, day

NOON_MS = DAY_MS // 2
TODAY = day(2026, 11, 22)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


def test_the_build_date_is_a_date_and_not_later_than_the_software_believes_any_clock() -> None:
    assert datetime.date.fromisoformat(BUILD_DATE).toordinal() == BUILD_DAY + datetime.date(1970, 1, 1).toordinal()


def test_a_date_as_the_receiver_says_it(calendar: Calendar) -> None:
    assert calendar.utc_ms(0.0, NOON_MS, TODAY) == TODAY * DAY_MS + NOON_MS
    assert calendar.corrected == {}


def test_without_any_date_there_is_no_utc(calendar: Calendar) -> None:
    assert calendar.utc_ms(0.0, NOON_MS, None) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ((2007, 4, 8), (2026, 11, 22)),  # one roll-over
        ((1987, 8, 23), (2026, 11, 22)),  # two
        ((2026, 1, 1), (2026, 1, 1)),
        ((2045, 8, 16), (2045, 8, 16)),
        ((2006, 5, 18), (2026, 1, 1)),
        ((2014, 5, 15), (2033, 12, 29)),
    ],
)
def test_lost_weeks_are_given_back(calendar: Calendar, said: tuple[int, int, int], meant: tuple[int, int, int]) -> None:
    assert calendar.utc_ms(0.0, NOON_MS, day(*said)) == day(*meant) * DAY_MS + NOON_MS
    assert calendar.corrected == ({} if said == meant else {"week_rollover": 1})
    assert calendar.moved == (said != meant)


@pytest.mark.parametrize(
    "said",
    [
        *[(1980, 1, d) for d in (5, 6, 7, 10)],  # where receivers begin to count that have not heard the week yet
        *[(1999, 8, d) for d in (22, 23, 27)],
        *[(2000, 1, d) for d in (1, 2, 5)],
        *[(2019, 4, d) for d in (7, 8, 12)],
        (2015, 10, 18),
        (1970, 1, 1),
        (2025, 12, 31),
        (2045, 8, 17),
        (2068, 3, 15),
        (26, 1, 1),
        (9999, 1, 1),
    ],
)
def test_a_date_that_nobody_set_is_none(calendar: Calendar, said: tuple[int, int, int]) -> None:
    assert calendar.utc_ms(0.0, NOON_MS, day(*said)) is None
    assert calendar.corrected == {"date_impossible": 1}
    assert calendar.utc_ms(1.0, NOON_MS, TODAY) == TODAY * DAY_MS + NOON_MS
    assert calendar.utc_ms(2.0, NOON_MS, day(*said)) == TODAY * DAY_MS + NOON_MS


@given(st.integers(min_value=-1000, max_value=60_000))
def test_any_date_stands_or_is_moved_forward_by_1024_weeks_to_a_few_years_after_the_build_or_is_none(said: int) -> None:
    calendar = Calendar()
    utc_ms = calendar.utc_ms(0.0, 0, said)
    if utc_ms is None or utc_ms == said * DAY_MS:
        assert (utc_ms is not None) == (BUILD_DAY <= said < BUILD_DAY + WEEKS_1024_DAYS)
        assert not calendar.moved
        return
    meant = utc_ms // DAY_MS
    assert calendar.moved
    assert BUILD_DAY <= meant < BUILD_DAY + MOVED_DAYS_MAX
    assert meant - said in (WEEKS_1024_DAYS, 2 * WEEKS_1024_DAYS)


def test_two_dates_of_one_instant_that_contradict_each_other_are_none(calendar: Calendar) -> None:
    assert calendar.utc_ms(0.0, NOON_MS, TODAY, TODAY + 3) is None
    calendar.utc_ms(1.0, NOON_MS, TODAY, TODAY - WEEKS_1024_DAYS)  # the same day, once the weeks are back
    assert not calendar.moved
    assert calendar.utc_ms(2.0, NOON_MS + 1000, TODAY + 3, TODAY + 4) == TODAY * DAY_MS + NOON_MS + 1000
    assert calendar.corrected == {"date_conflict": 2, "week_rollover": 1}


@pytest.mark.parametrize(
    ("not_before", "meant"), [((2026, 1, 1), (2027, 1, 5)), ((2007, 1, 1), (2007, 5, 22)), ((1980, 1, 6), (2007, 5, 22))]
)
def test_a_recording_may_be_of_any_year(not_before: tuple[int, int, int], meant: tuple[int, int, int]) -> None:
    calendar = Calendar(day(*not_before), recorded=True)
    assert calendar.utc_ms(0.0, NOON_MS, day(2007, 5, 22)) == day(*meant) * DAY_MS + NOON_MS
    assert calendar.utc_ms(1.0, NOON_MS, TODAY) == TODAY * DAY_MS + NOON_MS
    assert Calendar(recorded=True).utc_ms(0.0, NOON_MS, day(1999, 8, 22)) == day(2038, 11, 21) * DAY_MS + NOON_MS
    assert Calendar(recorded=True).utc_ms(0.0, NOON_MS, day(26, 1, 1)) is None


@pytest.mark.parametrize("passed_s", [0.0, 0.1])
def test_a_midnight_without_a_date_is_the_next_day(calendar: Calendar, passed_s: float) -> None:
    calendar.utc_ms(10.0, DAY_MS - 100, TODAY)
    assert calendar.utc_ms(10.0 + passed_s, 0, None) == (TODAY + 1) * DAY_MS


def test_a_midnight_and_a_day_in_a_tunnel_are_counted_by_the_monotonic_clock(calendar: Calendar) -> None:
    calendar.utc_ms(0.0, NOON_MS, TODAY)
    assert calendar.utc_ms(40 * 3600.0, NOON_MS - 8 * 3_600_000, None) == (TODAY + 2) * DAY_MS + NOON_MS - 8 * 3_600_000


def test_a_step_back_over_midnight_is_the_day_before(calendar: Calendar) -> None:
    calendar.utc_ms(0.0, 500, TODAY)
    assert calendar.utc_ms(0.1, DAY_MS - 500, None) == (TODAY - 1) * DAY_MS + DAY_MS - 500


def test_a_date_that_is_late_by_eight_seconds_is_seen_through_by_a_receiver_that_has_run_since_the_evening(calendar: Calendar) -> None:
    """In the last seconds before midnight its date is no news, and leaves it as sure of the day as it was."""
    for second in range(-60, 30):
        said = TODAY if second < 8 else TODAY + 1
        assert calendar.utc_ms(60.0 + second, second * 1000 % DAY_MS, said) == (TODAY + 1) * DAY_MS + second * 1000
    assert calendar.corrected == {"midnight": 8}


def test_a_date_that_is_late_at_midnight_does_not_turn_time_back(calendar: Calendar) -> None:
    calendar.utc_ms(0.0, DAY_MS - 1000, TODAY)
    late = [calendar.utc_ms(1.0 + n, n * 1000, TODAY) for n in range(2)]
    right = calendar.utc_ms(3.0, 2000, TODAY + 1)
    assert [*late, right] == [(TODAY + 1) * DAY_MS + n * 1000 for n in range(3)]
    assert calendar.corrected == {"midnight": 2}


@pytest.mark.parametrize("early_s", [1, 18])
def test_a_date_that_is_early_at_midnight_does_not_turn_time_ahead(calendar: Calendar, early_s: int) -> None:
    """gpsd is a day ahead for as long as the date is early."""
    told = []
    for second in range(-30, 30):
        said = TODAY + (1 if second >= -early_s else 0)
        told.append(calendar.utc_ms(second + 100.0, second * 1000 % DAY_MS, said))
    assert told == [(TODAY + 1) * DAY_MS + second * 1000 for second in range(-30, 30)]
    assert calendar.corrected == {"midnight": early_s}


def test_a_first_date_just_before_midnight_may_be_early_and_is_not_held_to_for_long(calendar: Calendar) -> None:
    calendar.utc_ms(0.0, DAY_MS - 1000, TODAY + 1)
    told = [calendar.utc_ms(1.0 + n, n * 1000, TODAY + 1) for n in range(5)]
    assert told[2:] == [(TODAY + 1) * DAY_MS + n * 1000 for n in range(2, 5)]


def test_a_date_that_stays_behind_is_believed_in_the_end(calendar: Calendar) -> None:
    calendar.utc_ms(0.0, DAY_MS - 1000, TODAY)
    assert calendar.utc_ms(61.0, 60_000, TODAY) == TODAY * DAY_MS + 60_000


def test_time_stands_still_in_a_leap_second_and_never_runs_back(calendar: Calendar) -> None:
    leap_day = day(2028, 12, 31)
    told = [calendar.utc_ms(n / 2, DAY_MS - 1000 + n * 500, leap_day) for n in range(4)]
    told.append(calendar.utc_ms(2.0, 0, leap_day + 1))
    midnight = (leap_day + 1) * DAY_MS
    assert told == [midnight - 1000, midnight - 500, midnight - 1, midnight - 1, midnight]
    assert calendar.corrected == {"leap_second": 2}


def test_a_leap_second_without_dates_is_no_midnight(calendar: Calendar) -> None:
    calendar.utc_ms(0.0, DAY_MS - 1000, TODAY)
    calendar.utc_ms(1.0, DAY_MS, None)
    assert calendar.utc_ms(2.0, 0, None) == (TODAY + 1) * DAY_MS

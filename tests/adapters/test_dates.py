"""The calendar of one receiver: midnights, lost weeks, leap seconds."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import BUILD_DATE
from agent.adapters.dates import BUILD_DAY, WEEKS_1024_DAYS, Calendar
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
        ((2046, 7, 8), (2026, 11, 22)),  # one ahead
        ((2026, 1, 1), (2026, 1, 1)),
        ((2025, 12, 31), (2045, 8, 16)),
    ],
)
def test_lost_weeks_are_given_back(calendar: Calendar, said: tuple[int, int, int], meant: tuple[int, int, int]) -> None:
    assert calendar.utc_ms(0.0, NOON_MS, day(*said)) == day(*meant) * DAY_MS + NOON_MS
    assert calendar.corrected == ({} if said == meant else {"week_rollover": 1})


@given(st.integers(min_value=0, max_value=60_000))
def test_any_date_becomes_one_within_1024_weeks_of_the_build(said: int) -> None:
    utc_ms = Calendar().utc_ms(0.0, 0, said)
    assert utc_ms is not None
    snapped = utc_ms // DAY_MS
    assert BUILD_DAY <= snapped < BUILD_DAY + WEEKS_1024_DAYS
    assert (snapped - said) % WEEKS_1024_DAYS == 0


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


def test_a_date_that_is_late_at_midnight_does_not_turn_time_back(calendar: Calendar) -> None:
    calendar.utc_ms(0.0, DAY_MS - 1000, TODAY)
    late = [calendar.utc_ms(1.0 + n, n * 1000, TODAY) for n in range(2)]
    right = calendar.utc_ms(3.0, 2000, TODAY + 1)
    assert [*late, right] == [(TODAY + 1) * DAY_MS + n * 1000 for n in range(3)]
    assert calendar.corrected == {"midnight": 2}


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

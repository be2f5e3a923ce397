"""Local days against Python's own calendar."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import time_zone
from agent.core import local_days

EPOCH = date(1970, 1, 1)


@given(st.dates(date(1970, 1, 1), date(2400, 12, 31)))
def test_the_calendar_is_pythons(day: date) -> None:
    number = (day - EPOCH).days
    assert local_days.date(number) == (day.year, day.month, day.day)
    assert local_days.day_text(number) == day.isoformat()
    assert local_days.month(number) == day.year * 12 + day.month - 1
    assert local_days.month_text(local_days.month(number)) == day.replace(day=1).isoformat()


@given(st.datetimes(datetime(2026, 1, 1), datetime(2046, 1, 1)), st.integers(-12, 14))
def test_a_day_is_that_of_the_zone(utc: datetime, hours: int) -> None:
    aware = utc.replace(tzinfo=UTC)
    local = aware.astimezone(timezone(timedelta(hours=hours))).date()
    assert local_days.day(round(aware.timestamp() * 1000), lambda _: hours * 3600) == (local - EPOCH).days


@pytest.mark.parametrize(
    ("name", "month", "ahead_h"), [("Asia/Shanghai", 1, 8), ("Asia/Urumqi", 7, 6), ("Europe/Paris", 1, 1), ("Europe/Paris", 7, 2)]
)
def test_a_zone_tells_how_far_it_is_ahead_with_its_summer(name: str, month: int, ahead_h: int) -> None:
    ahead_s = time_zone.east_s(name)
    assert ahead_s is not None
    assert ahead_s(round(datetime(2027, month, 15, tzinfo=UTC).timestamp() * 1000)) == ahead_h * 3600


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd"])
def test_a_zone_that_is_none_is_none(name: str) -> None:
    assert time_zone.east_s(name) is None


def test_the_zone_for_whom_none_is_known_is_that_of_china() -> None:
    ahead_s = time_zone.east_s("Asia/Shanghai")
    assert ahead_s is not None
    assert local_days.china(1_800_000_000_000) == ahead_s(1_800_000_000_000)

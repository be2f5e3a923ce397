"""Days, months and minutes where the unit is: UTC goes in, the number of its local day and month, their dates, the time of day, come out.

The zone comes as a function (`EastS`) from the composition root, since reading a zone's rules is I/O.
"""

from collections.abc import Callable

EastS = Callable[[int], int]
"""UTC in ms; by how many seconds local time is then ahead of UTC."""

DAY_MS = 86_400_000
MINUTE_MS = 60_000


def china(_utc_ms: int) -> int:
    """UTC+8 all year (GB/T 7408): for whom no zone is known."""
    return 8 * 3600


def day(utc_ms: int, east_s: EastS) -> int:
    """Local days since 1970-01-01."""
    return (utc_ms + east_s(utc_ms) * 1000) // DAY_MS


def second(utc_ms: int, east_s: EastS) -> int:
    """Seconds since midnight by the clock on the wall."""
    return (utc_ms + east_s(utc_ms) * 1000) % DAY_MS // 1000


def minute_after(at: float, offset_ms: int | None) -> float:
    """The monotonic second at which the next full minute of UTC begins, as any local day does; while UTC is unknown, in a minute."""
    left_ms = MINUTE_MS if offset_ms is None else MINUTE_MS - (round(at * 1000) + offset_ms) % MINUTE_MS
    return at + left_ms / 1000


def month(day_number: int) -> int:
    """Months since year 0 of that day."""
    year, number, _ = date(day_number)
    return year * 12 + number - 1


def date(day_number: int) -> tuple[int, int, int]:
    """Year, month, day in the Gregorian calendar of a day since 1970-01-01 (H. Hinnant, chrono-Compatible Low-Level Date Algorithms)."""
    era, day_of_era = divmod(day_number + 719_468, 146_097)  # eras of 400 years that begin on the first of March
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * day_of_year + 2) // 153
    number = from_march + 3 if from_march < 10 else from_march - 9
    return year_of_era + era * 400 + (number <= 2), number, day_of_year - (153 * from_march + 2) // 5 + 1


def day_text(day_number: int) -> str:
    """`2027-01-16`."""
    return "{:04d}-{:02d}-{:02d}".format(*date(day_number))


def month_text(month_number: int) -> str:
    """The first day of that month, `2027-02-01`."""
    return f"{month_number // 12:04d}-{month_number % 12 + 1:02d}-01"

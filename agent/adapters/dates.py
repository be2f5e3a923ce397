"""Times of day and, now and then, a date in; UTC out, and counts of what had to be mended: the calendar of one receiver. Pure.

Theory. A receiver knows the time of day well and the date badly. GPS counts weeks modulo 1024, so a firmware that is old enough tells
a date 19.6 years back; some add the new day to RMC a second late at midnight; GGA and GLL bear no date at all; a leap second is
second 60. The calendar keeps the day of the last fix and counts on by the monotonic stamps, so that a date is needed once and a midnight,
even one in a tunnel, is passed without one.
"""

import datetime

from agent import BUILD_DATE
from agent.adapters.fields import DAY_MS, EPOCH_DAY

BUILD_DAY = datetime.date.fromisoformat(BUILD_DATE).toordinal() - EPOCH_DAY
WEEKS_1024_DAYS = 1024 * 7

MIDNIGHT_MS = 10_000
"""A date that is a day behind within this time after midnight is late; later it is what the receiver means."""


class Calendar:
    """Which day it is."""

    def __init__(self) -> None:
        self.corrected: dict[str, int] = {}
        """Fixes by what was mended; whoever reads it may empty it."""
        self._day: int | None = None
        self._tod_ms = 0
        self._at = 0.0

    def utc_ms(self, at: float, tod_ms: int, said_day: int | None) -> int | None:
        """UTC of a fix whose first byte came at `at` (monotonic s); `said_day`: its own date, days since 1970. None without any date."""
        if tod_ms >= DAY_MS:  # 23:59:60.x: time stands still for it, and does not run back at 00:00:00.0
            tod_ms = DAY_MS - 1
            self.count("leap_second")
        day = self._reckon(at, tod_ms)
        if said_day is not None:
            said = self._snap(said_day)
            if day is not None and said == day - 1 and tod_ms < MIDNIGHT_MS:
                self.count("midnight")
            else:
                day = said
        if day is None:
            return None
        self._day, self._tod_ms, self._at = day, tod_ms, at
        return day * DAY_MS + tod_ms

    def learn(self, at: float, tod_ms: int, said_day: int) -> None:
        """A date that came without a fix, from a receiver that has one."""
        self._day, self._tod_ms, self._at = self._snap(said_day), min(tod_ms, DAY_MS - 1), at

    def count(self, reason: str) -> None:
        """One more fix was mended."""
        self.corrected[reason] = self.corrected.get(reason, 0) + 1

    def _reckon(self, at: float, tod_ms: int) -> int | None:
        """The day on which this time of day comes nearest to the last fix plus what has passed since."""
        if self._day is None:
            return None
        since_ms = max(0.0, at - self._at) * 1000
        return self._day + round((self._tod_ms + since_ms - tod_ms) / DAY_MS)

    def _snap(self, day: int) -> int:
        """The day that is a whole number of 1024 weeks away and at or after the build, and less than 1024 weeks after it."""
        snapped = BUILD_DAY + (day - BUILD_DAY) % WEEKS_1024_DAYS
        if snapped != day:
            self.count("week_rollover")
        return snapped

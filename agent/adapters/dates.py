"""Times of day and, now and then, a date in; UTC out, and counts of what had to be mended: the calendar of one receiver. Pure.

Theory. A receiver knows the time of day well and the date badly. GPS counts weeks modulo 1024, so a firmware that is old enough tells
a date 19.6 years back, or twice that; one that has not heard the week number yet tells the day at which its own count begins; some add the
new day to RMC a second late at midnight, and one that counts in GPS time is a leap second or eighteen early; GGA and GLL bear no date at
all; a leap second is second 60. The calendar keeps the day of the last fix and counts on by the monotonic stamps, so that a date is needed
once and a midnight, even one in a tunnel, is passed without one.

A date nobody set must not become a plausible one. So a date is taken as it stands, or moved by one or two times 1024 weeks into the
`MOVED_DAYS_MAX` after the build; the rest is no date. Where receivers' counts begin (1980-01-06, 1999-08-22, 2019-04-07, 2000-01-01, and
the days after each) is moved to 2038 and later, and so is none. `moved` tells of the others: whoever learns the time may want more proof.
"""

import datetime

from agent import BUILD_DATE
from agent.adapters.fields import DAY_MS, EPOCH_DAY

BUILD_DAY = datetime.date.fromisoformat(BUILD_DATE).toordinal() - EPOCH_DAY
WEEKS_1024_DAYS = 1024 * 7

GPS_EPOCH_DAY = datetime.date(1980, 1, 6).toordinal() - EPOCH_DAY
LAST_DAY = BUILD_DAY + WEEKS_1024_DAYS
"""No receiver tells an earlier, or a later day, in its right mind."""

MOVES_MAX = 2
"""GPS weeks have begun anew in 1999 and in 2019 (the third time will be in 2038)."""

MOVED_DAYS_MAX = 8 * 365
"""No unit runs so long with one build; further than this a moved date is one that nobody set."""

MIDNIGHT_MS = 10_000
"""A date that is a day behind within this time after midnight is late; later it is what the receiver means."""

LATE_MS = 2000
"""The same, when it is not sure that the day before was right: receivers that are late are so for one second."""

EARLY_MS = 20_000
"""A date that is a day ahead within this time before midnight is early: GPS time is 18 s ahead of UTC."""


class Calendar:
    """Which day it is, of days at or after `not_before` (days since 1970-01-01).

    `recorded`: the sentences are of a recording, that may be of any year; any date since GPS began is then moved.
    """

    def __init__(self, not_before: int = BUILD_DAY, *, recorded: bool = False) -> None:
        self.corrected: dict[str, int] = {}
        """Fixes by what was mended; whoever reads it may empty it."""
        self.moved = False
        """Whether the day rests upon a date that was moved."""
        self._not_before = not_before
        self._recorded = recorded
        self._day: int | None = None
        self._sure = False
        self._tod_ms = 0
        self._at = 0.0

    def utc_ms(self, at: float, tod_ms: int, *said_days: int | None) -> int | None:
        """UTC of a fix whose first byte came at `at` (monotonic s); `said_days`: its own dates, days since 1970. None without any date."""
        if tod_ms >= DAY_MS:  # 23:59:60.x: time stands still for it, and does not run back at 00:00:00.0
            tod_ms = DAY_MS - 1
            self.count("leap_second")
        day = self._reckon(at, tod_ms)
        said = self._agreed(said_days)
        if said is not None:
            if day is not None and said != day and self._is_off_at_midnight(tod_ms, said - day):
                self.count("midnight")
            else:
                self._sure = (self._sure and said == day) or MIDNIGHT_MS <= tod_ms < DAY_MS - EARLY_MS
                day, self.moved = said, said not in said_days
        if day is None:
            return None
        self._day, self._tod_ms, self._at = day, tod_ms, at
        return day * DAY_MS + tod_ms

    def learn(self, at: float, tod_ms: int, *said_days: int) -> None:
        """A date that came without a fix, from a receiver that has one."""
        self.utc_ms(at, tod_ms, *said_days)

    def count(self, reason: str) -> None:
        """One more fix was mended."""
        self.corrected[reason] = self.corrected.get(reason, 0) + 1

    def _is_off_at_midnight(self, tod_ms: int, ahead_days: int) -> bool:
        """Whether the date is that of yesterday, just after midnight, or that of tomorrow, just before it."""
        if ahead_days == -1:
            return tod_ms < (MIDNIGHT_MS if self._sure else LATE_MS)
        return ahead_days == 1 and tod_ms >= DAY_MS - EARLY_MS

    def _reckon(self, at: float, tod_ms: int) -> int | None:
        """The day on which this time of day comes nearest to the last fix plus what has passed since."""
        if self._day is None:
            return None
        since_ms = max(0.0, at - self._at) * 1000
        return self._day + round((self._tod_ms + since_ms - tod_ms) / DAY_MS)

    def _agreed(self, said_days: tuple[int | None, ...]) -> int | None:
        """The one date that is meant by what RMC and ZDA say; none when they contradict each other."""
        meant = {day for said in said_days if said is not None and (day := self._meant(said)) is not None}
        if len(meant) > 1:
            self.count("date_conflict")
            return None
        return next(iter(meant), None)

    def _meant(self, said: int) -> int | None:
        """The day itself when it can be, else the one a whole number of 1024 weeks later that can; else None."""
        first = self._not_before
        if first <= said < LAST_DAY:
            return said
        moved = first + (said - first) % WEEKS_1024_DAYS
        lost = moved - said <= MOVES_MAX * WEEKS_1024_DAYS and moved < first + MOVED_DAYS_MAX
        if not GPS_EPOCH_DAY <= said < first or not (lost or self._recorded):
            self.count("date_impossible")
            return None
        self.count("week_rollover")
        return moved

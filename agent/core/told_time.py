"""Times told in this boot: a moment and its UTC go in; the UTC that may be told for it comes out, never earlier for a later moment.

Moments are asked for out of order (a switch is reported with when it began), so those told of late are remembered. Time that was found to
be wrong is left behind by `step`: what was told until then is never told again, nor anything before it.
"""

import bisect
import math
from operator import itemgetter

_at = itemgetter(0)

TOLD_MAX = 2048
"""Moments told of late that are remembered, so that what is dated between two fits there: some hours, for a record that could not be
dated when it was made gets its time when it leaves."""


class ToldTime:
    """What UTC was told for which monotonic second."""

    def __init__(self) -> None:
        self._told: list[tuple[float, int]] = []
        self._before = (-math.inf, 0)

    def step(self) -> None:
        """The time that was told was wrong: another one begins, after the last that was told."""
        if self._told:
            self._before = self._told[-1]
            self._told.clear()

    def behind_s(self, at: float, offset_ms: float) -> float:
        """How many seconds the time by this offset is, at that moment, behind what was told before the last step; negative: ahead."""
        return (self._before[1] - offset_ms) / 1000 - at

    def utc_ms(self, at: float, learned_ms: int, apart_ms_max: int) -> int | None:
        """What may be told for that moment, and is told from now on; None before the last step, or when it is further off than allowed."""
        before_at, before_ms = self._before
        if at <= before_at:  # what was known then was wrong: `clock_fix` tells
            return None
        told = self._told
        place = bisect.bisect_right(told, at, key=_at)
        utc_ms = max(learned_ms, told[place - 1][1] if place else before_ms)
        if place < len(told):
            utc_ms = min(utc_ms, told[place][1])
        if utc_ms - learned_ms > apart_ms_max:
            return None  # of the meantime, before the truth had caught up
        told.insert(place, (at, utc_ms))
        if len(told) > TOLD_MAX:
            del told[0]
        return utc_ms

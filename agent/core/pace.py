"""Pace: the receiver's UTC against the monotonic clock goes in; the suspicion that its time runs away or steps comes out.

What it can see: a step of more than OFF_MS at once (raised after PACE_RAISE_S), a time that stands still, a clock that is wrong by p in
rate after OFF_MS / (p - RATE_PPM). A step to another time that stays steady is re-accepted after SETTLE_S (whoever keeps the time decides
then whether to believe it), one of 1024 weeks or to a time that cannot be never. What it cannot see: a time that is wrong from the
start, a step below OFF_MS (a leap second is one), a clock pulled away more slowly than RATE_PPM.
"""

from agent.core.events import Fix, FixMode
from agent.core.suspicion import Suspicion
from agent.core.timebase import EARLIEST_UTC_MS, LATEST_UTC_MS, WEEKS_1024_MS
from agent.wire.whys import why

OFF_MS = 1500.0
"""A leap second, and the jitter of a receiver that ends its epoch late."""

RATE_PPM = 500.0
"""Five times what a crystal in the heat of a car drifts by: so fast does the reference follow."""

STEADY_MS = 600.0
"""The jitter of a receiver's output."""

FIXES_TO_BEGIN = 3

PACE_RAISE_S, PACE_CLEAR_S = 2.0, 10.0
SETTLE_S = 120.0


class Pace:
    """UTC minus monotonic time, as it has been, and as it is said now."""

    def __init__(self) -> None:
        self.off = Suspicion(PACE_RAISE_S, PACE_CLEAR_S)
        self._reference_ms: float | None = None
        self._at = 0.0
        self._said_ms = 0.0
        self._said_since = 0.0
        self._said = 0

    def take(self, fix: Fix) -> None:
        """One fix; only those computed from satellites have a time worth a look."""
        if fix.utc_ms is None or fix.mode in (FixMode.NONE, FixMode.DEAD_RECKONING):
            return
        at, offset_ms = fix.at, fix.utc_ms - fix.at * 1000
        possible = EARLIEST_UTC_MS <= fix.utc_ms < LATEST_UTC_MS
        if not self._said or abs(offset_ms - self._said_ms) > STEADY_MS:
            self._said_ms, self._said_since, self._said = offset_ms, at, 0
        self._said += 1
        reference_ms = self._reference_ms
        if not possible or reference_ms is None:
            self.off.judge(at, not possible, why("time_impossible"))
            if possible and self._said >= FIXES_TO_BEGIN:
                self._reference_ms, self._at = offset_ms, at
            return
        off_ms = offset_ms - reference_ms
        rolled = abs(off_ms) > WEEKS_1024_MS / 2 and abs((off_ms + WEEKS_1024_MS / 2) % WEEKS_1024_MS - WEEKS_1024_MS / 2) <= OFF_MS
        if abs(off_ms) > OFF_MS and at - self._said_since >= SETTLE_S and not rolled:
            reference_ms, off_ms = offset_ms, 0.0
        follow_ms = RATE_PPM / 1000 * max(0.0, at - self._at)
        bad = abs(off_ms) > OFF_MS
        self._reference_ms = reference_ms if bad else reference_ms + max(-follow_ms, min(follow_ms, off_ms))
        self._at = at
        self.off.judge(at, bad, why("time_off", seconds=off_ms / 1000))

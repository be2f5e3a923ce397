"""Static hold: fixes go in; where a standing car is shown, so that it does not wander on the map, comes out.

A receiver's position goes for walks of some ten metres while the car stands. Slower than HOLD_MPS for HOLD_AFTER_S, it is held where it is
then. It is let go when the car is faster again, when the receiver says for FAR_S that it is elsewhere (a tow truck without
Doppler, or a first position that was bad), and when fixes were missing. The track has every fix as it came.
"""

import math

from agent.core.events import Fix, FixMode
from agent.core.geodesy import distance_m

HOLD_MPS = 0.5
"""The noise of the speed of a standing receiver is smaller."""

HOLD_AFTER_S = 10.0
"""A stop at a crossing is shorter, and shown as it comes."""

LEAVE_MPS = 1.0
LEAVE_FIXES = 2
LEAVE_AT_ONCE_MPS = 2.0
"""Twice LEAVE_MPS in a row, or so fast at once: the car drives. In between is noise."""

FAR_M = 50.0
FAR_ACCURACIES = 4.0
FAR_S = 10.0

GAP_S = 10.0
"""After so long without a fix the car may be anywhere."""


class StaticHold:
    """`place` is where the position is held, latitude and longitude; None while it is not."""

    def __init__(self) -> None:
        self.place: tuple[float, float] | None = None
        self._slow_since = math.inf
        self._far_since = math.inf
        self._fast = 0
        self._at = -math.inf

    def take(self, fix: Fix) -> None:
        """One fix with a position."""
        gap_s, self._at = fix.at - self._at, fix.at
        speed_mps = fix.speed_mps
        if gap_s > GAP_S or speed_mps is None or fix.lat is None or fix.lon is None or fix.mode is FixMode.DEAD_RECKONING:
            self._release()
        if speed_mps is None or fix.lat is None or fix.lon is None:
            return
        if self.place is None:
            self._slow_since = min(self._slow_since, fix.at) if speed_mps < HOLD_MPS else math.inf
            if fix.at - self._slow_since >= HOLD_AFTER_S:
                self.place = fix.lat, fix.lon
            return
        self._fast = self._fast + 1 if speed_mps >= LEAVE_MPS else 0
        limit_m = max(FAR_M, FAR_ACCURACIES * (fix.acc_m or 0.0))
        far = distance_m(*self.place, fix.lat, fix.lon) > limit_m
        self._far_since = min(self._far_since, fix.at) if far else math.inf
        if self._fast >= LEAVE_FIXES or speed_mps >= LEAVE_AT_ONCE_MPS or fix.at - self._far_since >= FAR_S:
            self._release()

    def _release(self) -> None:
        self.place = None
        self._slow_since = self._far_since = math.inf
        self._fast = 0

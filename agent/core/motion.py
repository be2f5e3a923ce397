"""Motion: fixes go in; suspicions that the position jumps, stands still or is dragged away come out.

What each test can see, and what not:
- `jump`: more than SLACK_M beyond what the vehicle can do between two fixes (its reported speed and ACCELERATION within GAP_S, the fastest
  vehicle after a gap). Reflections in a street of high houses move a fix by tens of metres and are not seen; nor is a jump below SLACK_M,
  nor one during a silence of more than SILENCE_S. A jump that stays is believed again once all is consistent for JUMP_CLEAR_S.
- `frozen`: latitude and longitude the same to the last bit while the same fix reports a speed; or the whole fix, satellites and HDOP
  included, the same for SAME_S while the ignition is on. A receiver that holds its position while the car stands is honest.
- `drag`: the way that the positions go leaves the way that speed and course (Doppler) make. The difference leaks away with DRAG_LEAK_S, so
  it settles at rate times DRAG_LEAK_S: a drag of 3 m/s is seen after 75 s, of 10 m/s after 20, one below 2 m/s never. A transmitter
  that forges the Doppler too is not seen by this.
"""

import math

from agent.core.events import Fix, FixMode
from agent.core.geodesy import offset_m
from agent.core.suspicion import Suspicion
from agent.wire.whys import why

VEHICLE_MPS_MAX = 70.0
"""250 km/h."""

ACCELERATION_MPS2 = 10.0
"""Full braking, or a collision's first moment."""

SLACK_M = 100.0
SLACK_ACCURACIES = 6.0
"""What a good receiver is wrong by at once in a bad street, and more when it says itself that it is bad."""

ERROR_PER_HDOP_M = 5.0
"""Accuracy of a fix that states none: HDOP times the error of one range."""

GAP_S = 3.0
"""Fixes nearer together than this follow each other: speed and course hold between them."""

SILENCE_S = 120.0
"""After this long without a fix a new place is a new place."""

JUMP_CLEAR_S = 10.0

FREEZE_MPS = 2.0
FROZEN_RAISE_S, FROZEN_CLEAR_S = 10.0, 3.0
SAME_S = 900.0

DRAG_LEAK_S = 60.0
DRAG_M = 120.0
DRAG_ACCURACIES = 8.0
"""Noise of positions settles at about its own size, so eight times the accuracy is far outside; DRAG_M covers reflections."""

DRAG_RAISE_S, DRAG_CLEAR_S = 5.0, 30.0

STILL_MPS = 1.0
STILL_S = 10.0
"""So slow for so long: the car stands."""


class Motion:
    """The last fix, and what was wrong with those before."""

    def __init__(self) -> None:
        self.jump = Suspicion(0.0, JUMP_CLEAR_S)
        self.frozen = Suspicion(FROZEN_RAISE_S, FROZEN_CLEAR_S)
        self.drag = Suspicion(DRAG_RAISE_S, DRAG_CLEAR_S)
        self._last: Fix | None = None
        self._same_since = -math.inf
        self._still_since = math.inf
        self._astray = (0.0, 0.0)

    def still(self, at: float) -> bool:
        """Whether the car stood when it was last seen."""
        return at - self._still_since >= STILL_S

    def take(self, fix: Fix, ignition: bool | None) -> None:
        """One fix; those without a position computed from satellites tell nothing."""
        last = self._last
        if fix.mode in (FixMode.NONE, FixMode.DEAD_RECKONING) or fix.lat is None or fix.lon is None:
            return
        if last is not None and fix.at <= last.at:
            if fix.at == last.at and fix != last:  # read late, all at once, and without a time of its own: not to be judged
                self._last, self._astray = fix, (0.0, 0.0)
            return
        self._last = fix
        if fix.speed_mps is None or fix.speed_mps >= STILL_MPS:
            self._still_since = math.inf
        else:
            self._still_since = min(self._still_since, fix.at)
        if last is None or last.lat is None or last.lon is None:
            self._same_since = fix.at
            return
        seconds = _seconds(last, fix)
        if seconds > SILENCE_S:
            self._astray, self._same_since = (0.0, 0.0), fix.at
            return
        way = offset_m(last.lat, last.lon, fix.lat, fix.lon)
        jumped = self._judge_jump(last, fix, seconds, math.hypot(*way))
        stands = self._judge_frozen(last, fix, ignition)
        self._judge_drag(last, fix, seconds, way if not jumped and not stands else None)

    def _judge_jump(self, last: Fix, fix: Fix, seconds: float, way_m: float) -> bool:
        mps = VEHICLE_MPS_MAX
        if seconds <= GAP_S and last.speed_mps is not None and fix.speed_mps is not None:
            mps = min(mps, max(last.speed_mps, fix.speed_mps) + ACCELERATION_MPS2 * seconds)
        limit_m = mps * seconds + max(SLACK_M, SLACK_ACCURACIES * max(_accuracy_m(last), _accuracy_m(fix)))
        jumped = way_m > limit_m
        self.jump.judge(fix.at, jumped, why("jumped", way_m=way_m, seconds=seconds, limit_m=limit_m))
        return jumped

    def _judge_frozen(self, last: Fix, fix: Fix, ignition: bool | None) -> bool:
        """Whether the position stands while there is a speed."""
        stands = fix.lat == last.lat and fix.lon == last.lon
        same = stands and (fix.alt_m, fix.hdop, fix.sats, fix.speed_mps) == (last.alt_m, last.hdop, last.sats, last.speed_mps)
        if not same or ignition is not True:
            self._same_since = fix.at
        speed_mps = fix.speed_mps or 0.0
        if stands and speed_mps >= FREEZE_MPS:
            self.frozen.judge(fix.at, True, why("stands_at_speed", mps=speed_mps))
            return True
        dead = fix.at - self._same_since >= SAME_S
        self.frozen.judge(fix.at, dead, why("says_the_same", minutes=SAME_S / 60))
        return False

    def _judge_drag(self, last: Fix, fix: Fix, seconds: float, way: tuple[float, float] | None) -> None:
        before, now = _velocity(last), _velocity(fix)
        if seconds > GAP_S or way is None or before is None or now is None:
            self._astray = (0.0, 0.0)
            return
        kept = 1 - seconds / DRAG_LEAK_S
        east_m = self._astray[0] * kept + way[0] - (before[0] + now[0]) / 2 * seconds
        north_m = self._astray[1] * kept + way[1] - (before[1] + now[1]) / 2 * seconds
        self._astray = (east_m, north_m)
        astray_m = math.hypot(east_m, north_m)
        limit_m = max(DRAG_M, DRAG_ACCURACIES * _accuracy_m(fix)) / (2 if self.drag.raised else 1)
        self.drag.judge(fix.at, astray_m > limit_m, why("goes_astray", metres=astray_m))


def _seconds(last: Fix, fix: Fix) -> float:
    """Between two fixes: by the receiver's own time, which has no jitter, when it agrees with ours."""
    ours_s = fix.at - last.at
    if last.utc_ms is None or fix.utc_ms is None:
        return ours_s
    its_s = (fix.utc_ms - last.utc_ms) / 1000
    return its_s if its_s > 0 and abs(its_s - ours_s) < 1 else ours_s


def _accuracy_m(fix: Fix) -> float:
    if fix.acc_m is not None:
        return fix.acc_m
    return ERROR_PER_HDOP_M * (fix.hdop or 1.0)


def _velocity(fix: Fix) -> tuple[float, float] | None:
    """East and north, m/s; None when the receiver does not say it. Without a course there is hardly a speed."""
    if fix.speed_mps is None:
        return None
    if fix.course_deg is None:
        return (0.0, 0.0) if fix.speed_mps < STILL_MPS else None
    course = math.radians(fix.course_deg)
    return fix.speed_mps * math.sin(course), fix.speed_mps * math.cos(course)

"""Position: fixes go in; where we are, how well and how old that is, comes out, and the live dot for the map.

Theory. A live position leaves when enough has changed (time, distance, heading, speed, quality: a fix lost or found again, a flag), seldom
while parked, each second while an alarm is live. It is volatile: only the latest is worth sending, the track keeps them all. An old
position never looks live: its age and source say so. A car that stands is shown where it stopped (`held`); the track has what the receiver
said. A unit with a surveyed place is shown there (`fixed`) until the receiver has said for a minute that it is elsewhere. To spare the line
(`LiveSlowed`) it leaves only by time, and more seldom, or not at all; never so in an alarm.
"""

import math
from collections.abc import Callable
from typing import Any

from agent.config import Report
from agent.core.events import AlarmChanged, Event, Fix, FixMode, InputChanged, Lane, LinkUp, LiveSlowed, Reported, Started
from agent.core.geodesy import distance_m, turn_deg
from agent.core.integrity import Integrity
from agent.core.part import Outputs, Part
from agent.core.static_hold import StaticHold
from agent.core.surveyed import Surveyed
from agent.wire.records import Pos
from agent.wire.records import Position as PositionRecord

FRESH_S = 2.0
"""A position older than this is the last known one, not the present one: two epochs of a 1 Hz receiver."""

LOST_S = 3.0
"""A fix is lost when three of a 1 Hz receiver are missing: one or two are, now and then."""

SPACING_S = 1.0
"""A receiver at 10 Hz does not make ten reports of one bend, nor a flickering fix one each time."""

MOVING_MPS = 1.0
"""Below this a receiver's speed is mostly noise, and its course always."""

MOVED_M = 50.0
MOVED_ACCURACIES = 4.0
"""So far from where it was last seen to move, a car whose receiver tells no speed (GGA alone) has moved: more than positions wander."""

PARKED_AFTER_S = 60.0
"""A car that stands this long with its ignition off, or without one to watch, is parked; a red light is shorter."""


class Position(Part):
    """Where the unit is."""

    name = "position"
    listens = (Started, Fix, InputChanged, AlarmChanged, LinkUp, LiveSlowed)

    def __init__(self, config: Report, lights: Callable[[], str | None], integrity: Integrity, surveyed: Surveyed) -> None:
        self._config = config
        self._lights = lights
        self._integrity = integrity
        self._surveyed = surveyed
        self._hold = StaticHold()
        self._reported_quality: tuple[str, ...] = ()
        self._reported_place: tuple[float, float] | None = None
        self._lost_at = math.inf
        self._good: Fix | None = None
        self._latest: Fix | None = None
        self._reported: Fix | None = None
        self._reported_at = -math.inf
        self._report_at = math.inf
        self._moved_at = -math.inf
        self._moved_to: tuple[float, float] | None = None
        self._ignition: bool | None = None
        self._alarms: set[str] = set()
        self._factor = 1

    @property
    def deadline(self) -> float:
        """When a position is due although nothing changed."""
        return min(self._report_at, self._lost_at)

    def handle(self, event: Event) -> Outputs:
        """Take a fix, or a reason to report more or less often."""
        match event:
            case Started():
                self._moved_at = event.at
                self._report_at = event.at + self._interval_s(event.at)
            case Fix():
                return self._fix(event)
            case InputChanged(use="ignition", active=active):
                self._ignition = active
                return self._report(event.at)
            case AlarmChanged(test=True):
                pass  # nobody is in need: no emergency pace, and the SIM's cap holds
            case AlarmChanged(alarm_id=alarm, state="cleared"):
                self._alarms.discard(alarm)
            case AlarmChanged(alarm_id=alarm):
                self._alarms.add(alarm)
                self._report_at = min(self._report_at, event.at + self._interval_s(event.at))
            case LinkUp():
                return self._report(event.at)
            case LiveSlowed(factor=factor):
                self._factor = factor
                self._report_at = max(event.at, self._reported_at + self._interval_s(event.at))
        return ()

    def expire(self) -> Outputs:
        """Report because it is time, or because the fix is lost."""
        at = self.deadline
        if at < self._report_at and at - self._reported_at < self._spacing_s():
            self._lost_at = max(math.nextafter(at, math.inf), self._reported_at + self._spacing_s())
            return ()
        if at == self._lost_at:
            self._lost_at = math.inf
        return self._report(at)

    def _fix(self, fix: Fix) -> Outputs:
        self._latest = fix
        if fix.mode is FixMode.NONE or fix.lat is None or fix.lon is None:
            return ()
        now = fix.at if fix.read_at is None else fix.read_at
        self._good = fix
        self._lost_at = now + LOST_S
        self._hold.take(fix)
        if self._moves(fix, fix.lat, fix.lon):
            self._moved_at = fix.at
            self._report_at = min(self._report_at, max(now, self._reported_at + self._interval_s(fix.at)))
        if fix.at < now:
            return ()  # of a read that came late: the newest of it is the one to show
        return self._report(fix.at) if self._changed(fix) else ()

    def _moves(self, fix: Fix, lat: float, lon: float) -> bool:
        """By its speed; without one, by its way."""
        if fix.speed_mps is not None:
            return fix.speed_mps >= MOVING_MPS
        was, far_m = self._moved_to, max(MOVED_M, MOVED_ACCURACIES * (fix.acc_m or 0.0))
        if was is not None and distance_m(*was, lat, lon) < far_m:
            return False
        self._moved_to = (lat, lon)
        return was is not None

    def _changed(self, fix: Fix) -> bool:
        last, was, now = self._reported, self._reported_place, self._place()
        if last is None or was is None or now is None:
            return True
        if fix.at - self._reported_at < self._spacing_s():
            return False
        if self._quality(fix.at) != self._reported_quality:
            return True
        if now == self._surveyed.place:
            return False
        moving = (fix.speed_mps or 0.0) >= MOVING_MPS
        faster = abs((fix.speed_mps or 0.0) - (last.speed_mps or 0.0)) >= self._config.speed_mps
        if faster or distance_m(*was, *now) >= self._config.distance_m:
            return True
        if not moving or fix.course_deg is None or last.course_deg is None:
            return False
        return turn_deg(last.course_deg, fix.course_deg) >= self._config.heading_deg

    def _spacing_s(self) -> float:
        """However much has changed, no sooner after the last one."""
        slowed = self._factor != 1 and not self._alarms
        return self._config.interval_s * self._factor if slowed else min(SPACING_S, self._config.interval_s)

    def _place(self) -> tuple[float, float] | None:
        """Where the unit is shown."""
        fix = self._good
        if self._surveyed.place is not None:
            return self._surveyed.place
        if self._hold.place is not None:
            return self._hold.place
        return None if fix is None or fix.lat is None or fix.lon is None else (fix.lat, fix.lon)

    def _quality(self, at: float) -> tuple[str, ...]:
        """What is to be reported at once when it changes."""
        fix = self._good
        if fix is None or at >= fix.at + LOST_S:
            return ("lost", *self._integrity.flags)
        return ("dr" if fix.mode is FixMode.DEAD_RECKONING else "fix", *self._integrity.flags)

    def _interval_s(self, at: float) -> float:
        if self._alarms:
            return self._config.emergency_interval_s
        parked = self._surveyed.place is not None or (self._ignition is not True and at - self._moved_at >= PARKED_AFTER_S)
        return (self._config.parked_interval_s if parked else self._config.interval_s) * (self._factor or 1)

    def _report(self, at: float) -> Outputs:
        if not self._factor and not self._alarms:
            self._lost_at, self._report_at = math.inf, at + self._interval_s(at)
            return ()
        self._reported, self._reported_at = self._good, at
        self._reported_place, self._reported_quality = self._place(), self._quality(at)
        self._report_at = at + self._interval_s(at)
        record = PositionRecord(pos=self.here(at), ign=self._ignition, lights=self._lights())
        return [Reported(at, Lane.LIVE, record, "position")]

    def here(self, at: float) -> Pos | None:
        """The best known position at that moment; None when there has never been one."""
        fix, place, flags = self._good, self._place(), list(self._integrity.flags)
        if place is None:
            return None
        age_s = max(0.0, at - fix.at) if fix is not None else math.inf
        fresh = age_s <= FRESH_S
        if place == self._surveyed.place:
            sats = fix.sats or None if fix is not None and fresh else None
            alt_m = self._surveyed.alt_m
            return Pos(*place, mode="fixed", src="fixed", age_ms=0, alt_m=alt_m, sats=sats, flags=flags or None)  # type: ignore[arg-type]  # the literals of Integrity
        assert fix is not None
        held = self._hold.place is not None
        flags += ["held"] * held + ["stale"] * (not fresh)
        return Pos(
            lat=place[0],
            lon=place[1],
            mode=fix.mode.value,
            src="gnss" if fresh else "last",
            age_ms=round(age_s * 1000),
            alt_m=fix.alt_m,
            spd=None if not fresh else 0.0 if held else fix.speed_mps,
            cog=fix.course_deg if fresh and not held else None,
            hdop=fix.hdop,
            acc_m=fix.acc_m,
            sats=fix.sats or None,
            flags=flags or None,  # type: ignore[arg-type]  # the literals of Integrity, and ours
        )

    def status(self, now: float) -> dict[str, Any]:
        """Latitude, longitude, mode, age, speed, satellites; the mode is that of the latest word of the receiver."""
        here = self.here(now)
        mode = self._latest.mode.value if self._latest else None
        if here is None:
            return {"mode": mode or "none"}
        age_s = round(here.age_ms / 1000, 1)
        return {"lat": here.lat, "lon": here.lon, "mode": mode, "age_s": age_s, "spd_mps": here.spd, "sats": here.sats}

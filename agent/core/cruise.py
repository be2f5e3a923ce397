"""Cruise light: the ignition, the time, the place and the sun go in; whether the car asks for its cruise light comes out.

Theory. With `cruise = "schedule"` the light is on within any of the windows of the day: from a local time to another one (past midnight, if
that is the earlier one; the whole day, if both are the same), or from sunset to sunrise where the unit is. Who does not know the time, or
the place, cannot know that it is day: the light is on, since a dark car is worse, and the log and the status say why.
"""

import math
from collections.abc import Callable
from typing import Any

from agent.config import Lights
from agent.core import local_days, sun
from agent.core.effects import Note
from agent.core.events import Event, InputChanged, LightsAsked, Started, TimeLearned
from agent.core.part import Outputs, Part
from agent.core.timebase import Timebase
from agent.wire.records import Pos

SUN = "sunset-sunrise"


class Cruise(Part):
    """The car's own wish, the lowest row of the table of rights."""

    name = "cruise"
    listens = (Started, InputChanged, TimeLearned)

    def __init__(
        self, config: Lights, time: Timebase, here: Callable[[float], Pos | None], east_s: local_days.EastS = local_days.china
    ) -> None:
        """`here`: the best known position at that moment; `east_s`: the unit's time zone."""
        self._mode = config.cruise
        self._windows = config.schedule
        self._time = time
        self._here = here
        self._east_s = east_s
        self._keys: dict[str, bool] = {}
        self._lit = False
        self._why = ""
        self._look_at = math.inf

    @property
    def deadline(self) -> float:
        """The next full minute, when there is a schedule."""
        return self._look_at

    def handle(self, event: Event) -> Outputs:
        """A start, the key, or the time that has become known."""
        match event:
            case Started() if self._mode == "always":
                return self._set(event.at, True, "always")
            case InputChanged(use="ignition", input=name, active=active) if self._mode == "ignition":
                self._keys[name] = active
                return self._set(event.at, on := any(self._keys.values()), f"ignition {'on' if on else 'off'}")
            case Started() | TimeLearned() if self._mode == "schedule":
                return self._look(event.at)
        return ()

    def expire(self) -> Outputs:
        """A minute has gone by."""
        return self._look(self._look_at)

    def _look(self, at: float) -> Outputs:
        offset_ms = self._time.offset_ms()
        self._look_at = local_days.minute_after(at, offset_ms)
        if offset_ms is None:
            return self._set(at, True, "the time is not known")
        utc_ms = round(at * 1000) + offset_ms
        reasons = (self._reason(window, at, utc_ms) for window in self._windows)
        reason = next((reason for reason in reasons if reason), None)
        return self._set(at, reason is not None, reason or "outside of the schedule")

    def _reason(self, window: str, at: float, utc_ms: int) -> str | None:
        """Why that window wants light now; None when it does not."""
        if window != SUN:
            return window if within(window, local_days.second(utc_ms, self._east_s)) else None
        here = self._here(at)
        if here is None:
            return "the position is not known"
        return "the sun is down" if sun.elevation_deg(utc_ms, here.lat, here.lon) < sun.HORIZON_DEG else None

    def _set(self, at: float, lit: bool, why: str) -> Outputs:
        was, self._lit = self._lit, lit
        said, self._why = self._why, why
        if lit != was:
            return [LightsAsked(at, "cruise", "cruise" if lit else None), Note("info", f"cruise light {'on' if lit else 'off'}: {why}")]
        return [Note("info", f"cruise light stays {'on' if lit else 'off'}: {why}")] if said != why else ()

    def status(self, now: float) -> dict[str, Any]:
        """Whether it asks for light, by what rule, and why."""
        return {"lit": self._lit, "rule": self._mode, "why": self._why or None}


def within(window: str, second: int) -> bool:
    """Whether a second of the local day lies in a window `"HH:MM-HH:MM"`, its begin included, its end not."""
    begin, end = (int(word[:2]) * 3600 + int(word[3:]) * 60 for word in window.split("-"))
    return begin <= second < end if begin < end else second >= begin or second < end

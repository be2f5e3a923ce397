"""Surveyed: the surveyed position of a unit that does not move and its fixes go in; where it is, and whether it was moved, comes out."""

from collections.abc import Callable
from typing import Any

from agent.config import SurveyedPlace
from agent.core.events import Event, FaultSeen, Fix, FixMode
from agent.core.geodesy import distance_m
from agent.core.part import Outputs, Part
from agent.core.suspicion import Suspicion
from agent.wire.whys import why

MOVED_S = 60.0
"""So long must the receiver say that it is elsewhere, or back: a reflection passes sooner."""

ACCURACIES = 3.0
"""A receiver that says itself how bad it is has not moved as long as it is within three times that."""


class Surveyed(Part):
    """The surveyed place, when there is one; else this part does nothing. `doubted`: the receiver's position is not to be judged by."""

    name = "place"
    listens = (Fix,)

    def __init__(self, config: SurveyedPlace, doubted: Callable[[], bool]) -> None:
        self._lat, self._lon = config.lat, config.lon
        self.alt_m = config.alt_m
        self._moved_m = config.moved_m
        self._doubted = doubted
        self._moved = Suspicion(MOVED_S, MOVED_S)

    @property
    def place(self) -> tuple[float, float] | None:
        """Where the unit is, latitude and longitude; None when it has no surveyed place, or is not there any more."""
        if self._lat is None or self._lon is None or self._moved.raised:
            return None
        return self._lat, self._lon

    def handle(self, event: Event) -> Outputs:
        """Compare a fix with the place."""
        match event:
            case Fix(lat=float(lat), lon=float(lon), mode=mode) if mode in (FixMode.TWO_D, FixMode.THREE_D):
                return self._compare(event, lat, lon)
        return ()

    def _compare(self, fix: Fix, lat: float, lon: float) -> Outputs:
        if self._lat is None or self._lon is None or self._doubted():
            return ()
        away_m = distance_m(self._lat, self._lon, lat, lon)
        was = self._moved.raised
        self._moved.judge(fix.at, away_m > self._moved_m + ACCURACIES * (fix.acc_m or 0.0), why("place_left", metres=away_m))
        return () if self._moved.raised == was else [FaultSeen(fix.at, "unit.moved", self._moved.raised, self._moved.why)]

    def status(self, now: float) -> dict[str, Any]:
        """The surveyed position and whether the unit has left it; nothing for a vehicle."""
        if self._lat is None or self._lon is None:
            return {}
        return {"lat": self._lat, "lon": self._lon, "moved": self._moved.raised}

"""Certificate: what the files of the TLS identity say goes in; the days that are left, and the fault when they are few, come out."""

import math
from typing import Any

from agent.core.events import CertificateSeen, Event, FaultSeen, TimeLearned
from agent.core.part import Outputs, Part
from agent.core.timebase import Timebase
from agent.wire.whys import why

DAYS_FEW = 30
"""So early that somebody can drive to the car."""

LOOK_S = 3600.0
"""Days pass also when nothing is seen."""

DAY_MS = 86_400_000


class Certificate(Part):
    """How long the unit's own certificate is good for. While nobody knows the time, nobody knows."""

    name = "certificate"
    listens = (CertificateSeen, TimeLearned)

    def __init__(self, time: Timebase) -> None:
        self._time = time
        self._seen: CertificateSeen | None = None
        self._look_at = math.inf

    @property
    def deadline(self) -> float:
        """When the days are counted again."""
        return self._look_at

    def handle(self, event: Event) -> Outputs:
        """Take what the files say, or the time."""
        if isinstance(event, CertificateSeen):
            self._seen = event
        return self._told(event.at)

    def expire(self) -> Outputs:
        """Count the days again."""
        return self._told(self._look_at)

    def _told(self, at: float) -> Outputs:
        if self._seen is None:
            return ()
        self._look_at = at + LOOK_S
        days = self._days(at)
        if self._seen.reason:
            return [FaultSeen(at, "link.certificate", True, self._seen.reason)]
        if days is not None and days < DAYS_FEW:
            left = why("certificate_ends", days=days) if days >= 0 else why("certificate_ended", days=-days)
            return [FaultSeen(at, "link.certificate", True, left)]
        return [FaultSeen(at, "link.certificate", False)]

    def _days(self, at: float) -> int | None:
        offset_ms = self._time.offset_ms()
        if self._seen is None or self._seen.expires_utc_ms is None or offset_ms is None:
            return None
        return math.floor((self._seen.expires_utc_ms - offset_ms - at * 1000) / DAY_MS)

    def status(self, now: float) -> dict[str, Any]:
        """Whole days left (negative: since when it is over), None when there is no certificate or no time; why new files are not used."""
        return {"days_left": self._days(now), "trouble": (self._seen.reason or None) if self._seen else None}

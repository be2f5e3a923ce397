"""Track: every fix goes in; batches that are ready to send and to lie in the store come out.

Theory. The track is the evidence, the live position only the dot on the map: every fix with a position goes into the open batch, and the
batch is sealed when it is old enough (sooner while there is no link, since what is not sealed is not on disk), full, or its time column
would have to change its meaning. One batch is one record, one row of the store, one message.
"""

import math
from typing import Any

from agent.config import Store
from agent.core.events import Event, Fix, FixMode, Lane, LinkDown, LinkUp, Reported, StopRequested
from agent.core.part import Outputs, Part
from agent.core.timebase import Timebase
from agent.wire import track as columns
from agent.wire.track import TrackFix

FIXES_MAX = 600
"""A minute at 10 Hz: bounds what a batch costs in memory, in one row, and in one message (about 7 KB, at the very worst 60 KB).

That is below what brokers commonly take (AWS IoT 128 KB, Azure 256 KB, NATS and EMQX 1 MB). A broker set to less says so, and the outbox
passes over what is too large for it: a fix costs 12 bytes, so `commit_interval_online_s` times the rate decides."""

UTC_AGREES_MS = 2000
"""A fix's own UTC is used only when it is that near to the unit's."""


def said_before(fix: Fix, taken: Fix) -> bool:
    """Whether a fix is the one that was taken last, once more, or older. Several of one read may share a stamp: their UTC parts them."""
    if fix.at != taken.at:
        return fix.at < taken.at
    return fix.utc_ms == taken.utc_ms and (fix.utc_ms is not None or fix == taken)


class TrackLog(Part):
    """The open batch."""

    name = "track"
    listens = (Fix, LinkUp, LinkDown, StopRequested)

    def __init__(self, config: Store, time: Timebase) -> None:
        self._config = config
        self._time = time
        self._online = False
        self._open: list[TrackFix] = []
        self._t_is = "mono"
        self._opened_at = math.inf
        self._taken: Fix | None = None
        self.fixes = 0

    @property
    def deadline(self) -> float:
        """When the open batch is old enough."""
        return self._opened_at + (self._config.commit_interval_online_s if self._online else self._config.commit_interval_s)

    def handle(self, event: Event) -> Outputs:
        """Take a fix, or news of the link: without one the batch is sealed sooner."""
        match event:
            case Fix(lat=float(), lon=float()) if event.mode is not FixMode.NONE:
                return self._take(event)
            case LinkUp():
                self._online = True
            case LinkDown():
                self._online = False
                if event.at >= self.deadline:
                    return self._seal(event.at)
            case StopRequested():
                return self._seal(event.at)
        return ()

    def expire(self) -> Outputs:
        """Seal the batch."""
        return self._seal(self.deadline)

    def _take(self, fix: Fix) -> Outputs:
        if self._taken is not None and said_before(fix, self._taken):
            return []
        self._taken = fix
        now = fix.at if fix.read_at is None else fix.read_at
        out: list[Reported] = []
        ours, clock = self._time.stamp(fix.at)
        utc = fix.utc_ms is not None and ours is not None and clock.src == "gnss" and abs(fix.utc_ms - ours) <= UTC_AGREES_MS
        t_is = "utc" if utc else "mono"
        if self._open and (t_is != self._t_is or len(self._open) >= FIXES_MAX):
            out += self._seal(now)
        if not self._open:
            self._opened_at, self._t_is = now, t_is
        t = fix.utc_ms if utc and fix.utc_ms is not None else round(fix.at * 1000)
        mode = columns.MODES.index(fix.mode.value)
        sats = sum(fix.sats.values()) or None
        self._open.append(TrackFix(t, fix.lat, fix.lon, fix.alt_m, fix.speed_mps, fix.course_deg, fix.hdop, fix.acc_m, sats, mode))
        self.fixes += 1
        return out

    def _seal(self, at: float) -> list[Reported]:
        if not self._open:
            return []
        body = columns.pack(self._open, self._t_is)
        self._open, self._opened_at = [], math.inf
        return [Reported(at, Lane.BACKFILL, body)]

    def status(self, now: float) -> dict[str, Any]:
        """Fixes taken since the start, and how many wait in the open batch."""
        return {"fixes": self.fixes, "open": len(self._open)}

"""Track: every fix goes in; batches that are ready to send and to lie in the store come out.

Theory. The track is the evidence, the live position only the dot on the map: every fix with a position goes into the open batch. With a
link the batch is sealed when it is old enough. Without one it is put on disk every `commit_interval_s` as it is, as a draft that grows
under one number, and sealed when it is large: a long batch costs half the bytes a fix, on the card and on the line. It is also sealed when
its time column would have to change its meaning. One batch is one record, one row of the store, one message.
"""

import math
from typing import Any

from agent.config import Store
from agent.core.events import (
    Drafted,
    Event,
    Fix,
    FixMode,
    Lane,
    LinkDown,
    LinkUp,
    Reported,
    SpoolDown,
    SpoolOpened,
    StopRequested,
    StoreRoom,
)
from agent.core.part import Output, Outputs, Part
from agent.core.timebase import Timebase
from agent.wire import track as columns
from agent.wire.track import TrackFix

FIXES_MAX = 600
"""A minute at 10 Hz: bounds what a batch costs in memory, in one row, and in one message (about 7 KB, at the very worst 60 KB).

That is below what brokers commonly take (AWS IoT 128 KB, Azure 256 KB, NATS and EMQX 1 MB). A broker set to less says so, and the outbox
passes over what is too large for it: a fix costs 12 bytes, so `commit_interval_online_s` times the rate decides."""

OFFLINE_FIXES = 300
"""A draft of so many is sealed: five minutes at 1 Hz, 9 bytes a fix. Twice as many would save 4 % and cost twice the writing."""

DRAFT = "track"

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
    listens = (Fix, LinkUp, LinkDown, SpoolOpened, SpoolDown, StoreRoom, StopRequested)

    def __init__(self, config: Store, time: Timebase) -> None:
        self._config = config
        self._time = time
        self._online = False
        self._open: list[TrackFix] = []
        self._t_is = "mono"
        self._opened_at = math.inf
        self._due_at = math.inf
        self._drafted = 0
        self._taken: Fix | None = None
        self._stopping = False
        self._disk = False
        self.fixes = 0

    @property
    def deadline(self) -> float:
        """When the open batch is old enough to be sealed (with a link), or to be put on disk once more."""
        return self._opened_at + self._config.commit_interval_online_s if self._online else self._due_at

    def handle(self, event: Event) -> Outputs:
        """Take a fix, or news of the link: without one the batch is on disk sooner."""
        match event:
            case Fix(lat=float(), lon=float()) if event.mode is not FixMode.NONE:
                return self._take(event)
            case LinkUp():
                self._online = True
            case LinkDown():
                self._online = False
                if event.at >= self._due_at:
                    return self._draft(event.at)
            case SpoolOpened() | StoreRoom(room=True):
                self._disk = True
            case SpoolDown() | StoreRoom() if self._disk:
                self._disk = False  # a draft that lies there has to wait for it: let that be a short one
                return self._seal(event.at) if self._drafted else ()
            case StopRequested():
                self._stopping = True  # what still comes is put on disk at once
                return self._seal(event.at)
        return ()

    def expire(self) -> Outputs:
        """Seal the batch, or put it on disk as it is."""
        at = self.deadline
        return self._seal(at) if self._online or len(self._open) >= OFFLINE_FIXES else self._draft(at)

    def _take(self, fix: Fix) -> Outputs:
        if self._taken is not None and said_before(fix, self._taken):
            return []
        self._taken = fix
        now = fix.at if fix.read_at is None else fix.read_at
        out: list[Output] = []
        ours, clock = self._time.stamp(fix.at)
        utc = fix.utc_ms is not None and ours is not None and clock.src == "gnss" and abs(fix.utc_ms - ours) <= UTC_AGREES_MS
        t_is = "utc" if utc else "mono"
        if self._open and (t_is != self._t_is or len(self._open) >= FIXES_MAX):
            out += self._seal(now)
        if not self._open:
            self._opened_at, self._t_is = now, t_is
            self._due_at = now + self._config.commit_interval_s
        t = fix.utc_ms if utc and fix.utc_ms is not None else round(fix.at * 1000)
        mode = columns.MODES.index(fix.mode.value)
        sats = sum(fix.sats.values()) or None
        self._open.append(TrackFix(t, fix.lat, fix.lon, fix.alt_m, fix.speed_mps, fix.course_deg, fix.hdop, fix.acc_m, sats, mode))
        self.fixes += 1
        return [*out, *self._draft(now)] if self._stopping else out

    def _draft(self, at: float) -> list[Output]:
        self._due_at = at + self._config.commit_interval_s
        if self._drafted == len(self._open):
            return []  # a car in a garage writes nothing
        self._drafted = len(self._open)
        return [Drafted(at, Lane.BACKFILL, columns.pack(self._open, self._t_is), DRAFT, final=False)]

    def _seal(self, at: float) -> list[Output]:
        if not self._open:
            return []
        body, drafted = columns.pack(self._open, self._t_is), self._drafted
        self._open, self._opened_at, self._due_at, self._drafted = [], math.inf, math.inf, 0
        return [Drafted(at, Lane.BACKFILL, body, DRAFT, final=True) if drafted else Reported(at, Lane.BACKFILL, body)]

    def status(self, now: float) -> dict[str, Any]:
        """Fixes taken since the start, and how many wait in the open batch."""
        return {"fixes": self.fixes, "open": len(self._open)}

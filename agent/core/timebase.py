"""Time: fixes and readings of the system clock go in; what UTC it was at a monotonic moment, and how well that is known, comes out.

Theory. The board has no clock of its own that can be believed, so UTC is `monotonic + offset`, and the offset is learned: from the
receiver once three fixes in a row agree, or from the system clock while the kernel says that it is synchronised. A receiver that
contradicts what was learned is not followed backwards: time would then run back within a boot. It is not ignored either: the unit says
that it does not know the time (CONFLICT) until the two agree again. A wrong time never looks right.
"""

import enum
import math
from typing import Any

from agent.core.events import ClockRead, Event, FaultSeen, Fix, FixMode, TimeLearned
from agent.core.part import Outputs, Part
from agent.wire.records import Clock

EARLIEST_UTC_MS = 1_767_225_600_000
"""2026-01-01: no unit of this software ran before it, so a clock that says so is wrong."""

AGREE_MS = 1000
"""Two readings of one clock differ by less: a receiver ends its epoch within a second of the instant it speaks of."""

FIXES_TO_LEARN = 3
"""A single fix may be a receiver's last word from its memory; three in a row at the pace of our own clock are not."""

FIXES_TO_CONTRADICT = 10
"""As many before a contradiction is believed: shorter than a person would notice, longer than a hiccup."""

GNSS_ERR_MS = 500
"""From the instant of a fix to its first byte at our port; receivers take 50 to 450 ms."""

NTP_ERR_MS_MIN = 100
"""systemd-timesyncd sets the kernel's error bound to zero at each synchronisation; over a mobile network nobody is that good."""

DRIFT_PPM = 100
"""A Pi's crystal, with its temperature in a car."""

GNSS_STALE_S = 600.0
"""After this long without a fix a synchronised system clock is the better one."""


class Source(enum.Enum):
    """Whence the time is known."""

    NONE = "none"
    GNSS = "gnss"
    NTP = "ntp"
    CONFLICT = "conflict"


class Timebase(Part):
    """The unit's UTC."""

    name = "clock"
    listens = (Fix, ClockRead)

    def __init__(self) -> None:
        self.source = Source.NONE
        self._offset_ms = 0.0
        self._learned_at = -math.inf
        self._err_ms = 0
        self._candidate_ms = 0.0
        self._candidates = 0
        self._last = (-math.inf, 0)

    def handle(self, event: Event) -> Outputs:
        """Learn from a fix or from the system clock."""
        match event:
            case Fix(utc_ms=int(utc_ms), mode=mode) if mode is not FixMode.NONE and utc_ms >= EARLIEST_UTC_MS:
                return self._hear_receiver(event.at, utc_ms)
            case ClockRead(synchronized=True, utc_ms=utc_ms) if utc_ms >= EARLIEST_UTC_MS:
                return self._hear_system(event)
        return ()

    def _hear_receiver(self, at: float, utc_ms: int) -> Outputs:
        offset_ms = utc_ms - at * 1000
        if self._known() and abs(offset_ms - self._offset_ms) < AGREE_MS + self._err_now(at):
            self._candidates = 0
            if self.source is Source.GNSS:
                offset_ms = self._offset_ms + (offset_ms - self._offset_ms) / 8  # one late epoch moves the clock by an eighth of it
            return self._learn(Source.GNSS, at, offset_ms, GNSS_ERR_MS)
        if self._candidates and abs(offset_ms - self._candidate_ms) < AGREE_MS:
            self._candidates += 1
        else:
            self._candidate_ms, self._candidates = offset_ms, 1
        if not self._ever_known():
            return self._learn(Source.GNSS, at, offset_ms, GNSS_ERR_MS) if self._candidates >= FIXES_TO_LEARN else ()
        if self._candidates < FIXES_TO_CONTRADICT:
            return ()
        if offset_ms > self._offset_ms or (self.source is Source.CONFLICT and abs(offset_ms - self._offset_ms) < AGREE_MS):
            return self._learn(Source.GNSS, at, offset_ms, GNSS_ERR_MS)
        if self.source is Source.CONFLICT:
            return ()
        behind_s = (self._offset_ms - offset_ms) / 1000
        self.source = Source.CONFLICT
        return [FaultSeen(at, "clock.conflict", True, f"the receiver's time is {behind_s:.1f} s behind the time known before")]

    def _hear_system(self, read: ClockRead) -> Outputs:
        offset_ms = read.utc_ms - read.at * 1000
        stale = read.at - self._learned_at > GNSS_STALE_S
        if self.source is Source.CONFLICT or (self.source is Source.GNSS and not stale):
            return ()
        if self._ever_known() and offset_ms < self._offset_ms - AGREE_MS - self._err_now(read.at):
            return ()  # a synchronised clock that runs back by more than the error we state: keep ours, its error grows and says so
        return self._learn(Source.NTP, read.at, offset_ms, max(read.err_ms, NTP_ERR_MS_MIN))

    def _learn(self, source: Source, at: float, offset_ms: float, err_ms: int) -> Outputs:
        first = not self._ever_known()
        conflict = self.source is Source.CONFLICT
        self.source, self._offset_ms, self._learned_at, self._err_ms = source, offset_ms, at, err_ms
        if first:
            return [TimeLearned(at, round(offset_ms))]
        return [FaultSeen(at, "clock.conflict", False)] if conflict else ()

    def _known(self) -> bool:
        return self.source in (Source.GNSS, Source.NTP)

    def _ever_known(self) -> bool:
        return self.source is not Source.NONE

    def _err_now(self, at: float) -> int:
        return self._err_ms + round(max(0.0, at - self._learned_at) * DRIFT_PPM / 1000)

    def stamp(self, at: float) -> tuple[int | None, Clock]:
        """UTC in ms at that monotonic second, or None, and how well it is known. Never earlier for a later moment."""
        if not self._known():
            return None, Clock("none")
        learned_ms = utc_ms = round(at * 1000 + self._offset_ms)
        last_at, last_utc_ms = self._last
        if at >= last_at:
            utc_ms = max(learned_ms, last_utc_ms)
            self._last = (at, utc_ms)
        err_ms = self._err_now(at) + utc_ms - learned_ms  # a clock that waits for the truth to catch up is wrong by as much
        return utc_ms, Clock("gnss" if self.source is Source.GNSS else "ntp", err_ms)

    def offset_ms(self) -> int | None:
        """UTC ms minus monotonic ms, None while unknown."""
        return round(self._offset_ms) if self._known() else None

    def status(self, now: float) -> dict[str, Any]:
        """Source, error bound, UTC."""
        utc_ms, clock = self.stamp(now)
        return {"src": self.source.value, "err_ms": clock.err_ms, "utc_ms": utc_ms}

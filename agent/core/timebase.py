"""Time: fixes and readings of the system clock go in; what UTC it was at a monotonic moment, and how well that is known, comes out.

Theory. The board has no clock of its own that can be believed, so UTC is `monotonic + offset`, and the offset is learned: from the
receiver once three fixes in a row agree (a minute of them, when the date had lost 1024 weeks), or from the system clock while the kernel
says that it is synchronised. Only fixes with a position computed from satellites count, and none while the integrity of the receiver is in
doubt; a date before this software was written, or twenty years later, is nobody's time. A receiver that gains or loses 1024 weeks against
what is known is seen through. The system clock's readings are compared with what is known, never used to measure: a step of it,
unsynchronised, changes nothing.

Contradiction. When a receiver says for ten fixes something else than what was learned, one of the two is wrong. A synchronised system
clock that was read of late is the witness: it decides at once, for either side. Without it the unit says that it does not know the time
(CONFLICT) rather than guess. The way back:
- the receiver, or the system clock, agrees with the old time again: that was right, and goes on;
- the receiver stays with the new one for ten minutes (one minute when it differs by whole seconds up to 20: a receiver that has just
  heard of the leap seconds): the new one is believed;
- the receiver has said nothing for ten minutes and the system clock is synchronised: that is believed.
When the time believed lies behind what was told in this boot, nothing is told until it has caught up: time never runs back, nor does it
stand still or slow down meanwhile, it is absent. Records of the meantime stay undated and have `mono`; `clock_fix` follows when the time is
told again. Should that be longer than anybody wants to wait, a restart (a new boot) learns the time anew: the fault stands until then.
"""

import enum
import math
from collections.abc import Callable
from typing import Any

from agent.core.events import ClockRead, Event, FaultSeen, Fix, FixMode, TimeLearned
from agent.core.part import Output, Outputs, Part
from agent.core.told_time import ToldTime
from agent.wire.records import Clock
from agent.wire.whys import why

EARLIEST_UTC_MS = 1_767_225_600_000
"""2026-01-01: no unit of this software ran before it, so a clock that says so is wrong."""

LATEST_UTC_MS = EARLIEST_UTC_MS + round(20 * 365.25 * 86_400_000)
"""Twenty years: no unit lives that long, and a receiver whose weeks are counted wrongly is 19.6 years ahead."""

WEEKS_1024_MS = 1024 * 7 * 86_400_000
"""GPS counts weeks modulo 1024 (IS-GPS-200, 20.3.3.3.1.1)."""

AGREE_MS = 1000
"""Two readings of one clock differ by less: a receiver ends its epoch within a second of the instant it speaks of."""

FIXES_TO_LEARN = 3
"""A single fix may be a receiver's last word from its memory; three in a row at the pace of our own clock are not."""

FIXES_TO_CONTRADICT = 10
"""As many before a contradiction is believed: shorter than a person would notice, longer than a hiccup."""

BELIEVE_S = 600.0
"""A receiver that contradicts what was known is believed after this long, unless the system clock decides."""

BELIEVE_MOVED_S = 60.0
"""Before a date that lost 1024 weeks in the receiver is the first that is believed, unless the system clock attests it: one that the
receiver had before it read the week number is gone by then (each half minute GPS tells it)."""

BELIEVE_LEAP_S = 60.0
LEAP_S_MAX = 20
LEAP_AGREE_MS = 300
"""Sooner when it differs by whole seconds, as many as there are leap seconds (18) and some: it has just read them from the almanac."""

GNSS_ERR_MS = 500
"""From the instant of a fix to its first byte at our port; receivers take 50 to 450 ms."""

NTP_ERR_MS_MIN = 100
"""systemd-timesyncd sets the kernel's error bound to zero at each synchronisation; over a mobile network nobody is that good."""

DRIFT_PPM = 100
"""A Pi's crystal, with its temperature in a car."""

GNSS_STALE_S = 600.0
"""After this long without a fix a synchronised system clock is the better one."""

LATE_S = 60.0
"""Of fixes that came late in one read at most one a minute counts: their stamps agree by reckoning, and all are late by the same."""

WITNESS_S = 30.0
"""The system clock is read each ten seconds; an older reading says nothing about now."""

NTP_CONTRADICT_S = 60.0
"""A synchronised system clock that contradicts what it said itself, or a receiver long gone, is believed after this long."""

SATELLITES = (FixMode.TWO_D, FixMode.THREE_D, FixMode.FIXED)
"""Modes of a receiver that computes its time; with dead reckoning its own clock runs on."""


class Source(enum.Enum):
    """Whence the time is known."""

    NONE = "none"
    GNSS = "gnss"
    NTP = "ntp"
    CONFLICT = "conflict"


class _Word:
    """What a source has been saying: an offset, since when, and how often."""

    def __init__(self) -> None:
        self.offset_ms = 0.0
        self.since = math.inf
        self.at = -math.inf
        self.count = 0

    def hear(self, at: float, offset_ms: float) -> None:
        if not self.count or abs(offset_ms - self.offset_ms) >= AGREE_MS:
            self.offset_ms, self.since, self.count = offset_ms, at, 0
        self.at = at
        self.count += 1


class Timebase(Part):
    """The unit's UTC. `doubted` says whether the receiver's time is not to be believed just now."""

    name = "clock"
    listens = (Fix, ClockRead)

    def __init__(self, doubted: Callable[[], bool] = lambda: False) -> None:
        self.source = Source.NONE
        self._doubted = doubted
        self._offset_ms = 0.0
        self._learned_at = -math.inf
        self._err_ms = 0
        self._receiver = _Word()
        self._system = _Word()
        self._witness = (-math.inf, 0.0, 0)
        self._told = ToldTime()
        self._tell_at = math.inf
        self._fault = False

    @property
    def deadline(self) -> float:
        """When the time that is believed has caught up with what was told."""
        return self._tell_at

    def handle(self, event: Event) -> Outputs:
        """Learn from a fix or from the system clock."""
        match event:
            case Fix(read_at=float()) if event.at - max(self._learned_at, self._receiver.at) < LATE_S:
                return ()
            case Fix(utc_ms=int(utc_ms), mode=mode) if mode in SATELLITES and not self._doubted():
                offset_ms = self._unrolled(event.at, utc_ms - event.at * 1000)
                if EARLIEST_UTC_MS <= offset_ms + event.at * 1000 < LATEST_UTC_MS:
                    return self._hear_receiver(event.at, offset_ms, event.date_moved)
            case ClockRead(synchronized=True, utc_ms=utc_ms) if EARLIEST_UTC_MS <= utc_ms < LATEST_UTC_MS:
                return self._hear_system(event.at, utc_ms - event.at * 1000, max(event.err_ms, NTP_ERR_MS_MIN))
        return ()

    def expire(self) -> Outputs:
        """The truth has caught up: tell the time again."""
        at = self._tell_at
        behind_s = self._told.behind_s(at, self._offset_ms)
        self._tell_at = at + behind_s if behind_s > 0.001 else math.inf
        return [] if self._tell_at < math.inf else self._tell(at)

    # --- what the sources say -----------------------------------------------------------------------------------------------------

    def _unrolled(self, at: float, offset_ms: float) -> float:
        """The offset without a step of 1024 weeks against what is known."""
        weeks_ms = round((self._offset_ms - offset_ms) / WEEKS_1024_MS) * WEEKS_1024_MS if self._ever_known() else 0
        return offset_ms + weeks_ms if self._agrees(at, offset_ms + weeks_ms) else offset_ms

    def _hear_receiver(self, at: float, offset_ms: float, date_moved: bool) -> Outputs:
        agrees = self._agrees(at, offset_ms)
        if agrees and self.source is not Source.CONFLICT:
            self._receiver.count = 0
            if self.source is not Source.GNSS:
                return self._learn(Source.GNSS, at, offset_ms, GNSS_ERR_MS)
            ours_ms = self._offset_ms + (offset_ms - self._offset_ms) / 8  # one late epoch moves the clock by an eighth of it
            late_ms = offset_ms - ours_ms  # the instant was 0 to GNSS_ERR_MS before the fix's first byte, so the truth is between:
            return self._learn(Source.GNSS, at, ours_ms, round(max(GNSS_ERR_MS, GNSS_ERR_MS + late_ms, -late_ms)))
        self._receiver.hear(at, offset_ms)
        if not self._ever_known():
            proven = not date_moved or at - self._receiver.since >= BELIEVE_MOVED_S or self._attested(at, offset_ms)
            learns = proven and self._receiver.count >= FIXES_TO_LEARN
            return self._learn(Source.GNSS, at, offset_ms, GNSS_ERR_MS) if learns else ()
        if self._receiver.count < FIXES_TO_CONTRADICT:
            return ()
        if agrees or self._attested(at, offset_ms) or (not self._attested(at, self._offset_ms) and self._patience_is_over(at)):
            return self._learn(Source.GNSS, at, offset_ms, GNSS_ERR_MS)
        if not self._attested(at, self._offset_ms):
            self.source = Source.CONFLICT
        return self._contradicted(at)

    def _contradicted(self, at: float) -> Outputs:
        if self._fault:
            return ()
        self._fault = True
        ahead_s = (self._receiver.offset_ms - self._offset_ms) / 1000
        detail = why("time_ahead" if ahead_s > 0 else "time_behind", seconds=abs(ahead_s))
        if self.source is not Source.CONFLICT:
            detail = why("time_attested", reason=detail)
        return [FaultSeen(at, "clock.conflict", True, detail)]

    def _patience_is_over(self, at: float) -> bool:
        step_ms = self._receiver.offset_ms - self._offset_ms
        whole = abs(step_ms) < LEAP_S_MAX * 1000 + LEAP_AGREE_MS and abs(math.remainder(step_ms, 1000)) < LEAP_AGREE_MS
        return at - self._receiver.since >= (BELIEVE_LEAP_S if whole else BELIEVE_S)

    def _hear_system(self, at: float, offset_ms: float, err_ms: int) -> Outputs:
        self._witness = (at, offset_ms, err_ms)
        agrees = self._agrees(at, offset_ms)
        if self.source is Source.CONFLICT:
            seconded = self._receiver.count >= FIXES_TO_CONTRADICT and self._attested(at, self._receiver.offset_ms)
            gone = at - self._receiver.at > GNSS_STALE_S
            return self._learn(Source.NTP, at, offset_ms, err_ms) if agrees or seconded or gone else ()
        if self.source is Source.GNSS and at - self._learned_at <= GNSS_STALE_S:
            return ()
        if agrees or not self._ever_known():
            self._system.count = 0
            return self._learn(Source.NTP, at, offset_ms, err_ms)
        self._system.hear(at, offset_ms)
        return self._learn(Source.NTP, at, offset_ms, err_ms) if at - self._system.since >= NTP_CONTRADICT_S else ()

    def _agrees(self, at: float, offset_ms: float) -> bool:
        return self._ever_known() and abs(offset_ms - self._offset_ms) < AGREE_MS + self._err_now(at)

    def _attested(self, at: float, offset_ms: float) -> bool:
        """Whether the system clock says the same."""
        read_at, witness_ms, err_ms = self._witness
        return at - read_at <= WITNESS_S and abs(witness_ms - offset_ms) < AGREE_MS + err_ms

    # --- what is known ------------------------------------------------------------------------------------------------------------

    def _learn(self, source: Source, at: float, offset_ms: float, err_ms: int) -> Outputs:
        first, again = not self._ever_known(), self.source is Source.CONFLICT
        stepped = not first and not self._agrees(at, offset_ms)
        if stepped:
            self._told.step()
        self.source, self._offset_ms, self._learned_at, self._err_ms = source, offset_ms, at, err_ms
        if stepped or first or again:
            self._receiver.count = self._system.count = 0
            behind_s = self._told.behind_s(at, offset_ms)
            waits = behind_s > (AGREE_MS + err_ms) / 1000
            self._tell_at = at + behind_s if waits else math.inf
            return self._tell(at) if not waits else ()
        if self._fault and self._tell_at == math.inf:
            self._fault = False
            return [FaultSeen(at, "clock.conflict", False)]
        return ()

    def _tell(self, at: float) -> Outputs:
        out: list[Output] = [TimeLearned(at, round(self._offset_ms))]
        if self._fault:
            self._fault = False
            out.append(FaultSeen(at, "clock.conflict", False))
        return out

    def _known(self) -> bool:
        return self.source in (Source.GNSS, Source.NTP) and self._tell_at == math.inf

    def _ever_known(self) -> bool:
        return self.source is not Source.NONE

    def _err_now(self, at: float) -> int:
        return self._err_ms + round(abs(at - self._learned_at) * DRIFT_PPM / 1000)  # a moment long past is known no better

    def stamp(self, at: float) -> tuple[int | None, Clock]:
        """UTC in ms at that monotonic second, or None, and how well it is known. Never earlier for a later moment."""
        learned_ms = round(at * 1000 + self._offset_ms)
        utc_ms = self._told.utc_ms(at, learned_ms, AGREE_MS + self._err_ms) if self._known() else None
        if utc_ms is None:
            return None, Clock("none")
        err_ms = self._err_now(at) + abs(utc_ms - learned_ms)  # a clock that waits for the truth to catch up is wrong by as much
        return utc_ms, Clock("gnss" if self.source is Source.GNSS else "ntp", err_ms)

    def offset_ms(self) -> int | None:
        """UTC ms minus monotonic ms, None while unknown."""
        return round(self._offset_ms) if self._known() else None

    def status(self, now: float) -> dict[str, Any]:
        """Source, error bound, UTC."""
        utc_ms, clock = self.stamp(now)
        return {"src": self.source.value, "err_ms": clock.err_ms, "utc_ms": utc_ms}

"""Hearing: what the receiver says goes in; whether it does what is wanted of it, for each want, comes out.

A receiver's own "OK" proves little (XOR does not see swapped digits, and some answer OK to what they cannot do), so only what it does
counts: the rate by its fixes, the constellations by the satellites that it hears or uses, the sentences and the speed by what comes. What
has not been seen yet is unknown, which is neither: under a roof no constellation is missing.
"""

import enum
import math
from collections import deque
from collections.abc import Mapping

from agent.core.events import Event, Fix, ReceiverHeard, Sky
from agent.core.phrasebook import SentenceSet, Want

GRACE_S = {Want.CONSTELLATIONS: 12.0, Want.BAUD: 0.0, Want.SENTENCES: 2.0, Want.RATE: 2.0}
"""What is heard so soon after a command may still be of before it: a series of GSV counts for ten seconds, an engine restarts in two."""

RATE_WINDOW_S = 5.0
RATE_SPAN_S = 2.5
"""Fixes over so long give a rate; at 1 Hz that is four."""
RATE_OFF = (0.7, 1.4)
"""Rates of receivers are 1, 2, 4, 5, 10: a neighbour is further off than this, and fixes that were lost are not."""
RATE_OLD_S = 3.0

GOOD_MIN = 2
"""Right checksums that prove a speed, as in the hunt for it."""

SECONDS_KEPT = 12
"""ReceiverHeard is told about each second: twice over the longest cycle that we ask for (GSV with every fifth fix at 1 Hz)."""
SECONDS_MIN = 3

SEEN_S = 8.0
"""Longer than the longest cycle that we ask for (GSV with every fifth fix at 1 Hz), and shorter than `setup.FORGOT_S`: what came once by
mistake convicts nobody."""

LACK_S = 90.0
"""A constellation that is wanted and not to be seen for so long, while others are used, is switched off (or not over us: rare)."""
LACK_USED_MIN = 4

ALLOWED = {"beidou": {"BD"}, "beidou_gps": {"BD", "GP", "GQ", "SB"}, "all": {"BD", "GP", "GL", "GA", "GQ", "GI", "SB"}}
"""QZSS and SBAS go with GPS in most receivers."""
REQUIRED = {"beidou": {"BD"}, "beidou_gps": {"BD", "GP"}, "all": {"BD", "GP"}}
"""For `all`, GLONASS or Galileo besides: which of them depends on the receiver."""


class Verdict(enum.Enum):
    """What is to be said of one want."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"


class Hearing:
    """The evidence of one receiver. Bounded: some seconds of each kind."""

    def __init__(self, wants: Mapping[Want, str | int], sentences: SentenceSet) -> None:
        self._wants = wants
        self._sentences = sentences
        self.baud: int | None = None
        """The speed at which good sentences were heard last."""
        self.clear()

    def clear(self) -> None:
        """Another receiver, perhaps: nothing is known."""
        self._from = dict.fromkeys(Want, -math.inf)
        self._fixes: deque[float] = deque()
        self._seconds: deque[frozenset[str]] = deque(maxlen=SECONDS_KEPT)
        self._systems: dict[str, float] = {}
        self._used_since = math.inf
        self.baud, self._speed_heard = None, False

    def forget(self, want: Want, at: float) -> None:
        """A command went out: only what comes after its grace counts."""
        self._from[want] = at + GRACE_S[want]
        match want:
            case Want.RATE:
                self._fixes.clear()
            case Want.SENTENCES:
                self._seconds.clear()
            case Want.CONSTELLATIONS:
                self._systems.clear()
                self._used_since = math.inf
            case Want.BAUD:
                self._speed_heard = False

    def take(self, event: Event) -> None:
        """Anything from the receiver; what says nothing about a want is passed over."""
        match event:
            case Fix(at=at):
                if at >= self._from[Want.RATE] and (event.utc_ms is not None or event.lat is not None):
                    self._fixes.append(at)  # without time and place it may be one of several of the same instant
                    while self._fixes and at - self._fixes[0] > RATE_WINDOW_S:
                        self._fixes.popleft()
                self._see(at, {system for system, used in event.sats.items() if used > 0 and system != "GN"}, sum(event.sats.values()))
            case Sky(at=at, satellites=satellites):
                self._see(at, {one.system for one in satellites if one.used or one.cn0_dbhz}, 0)
            case ReceiverHeard(at=at, sentences=sentences) if sentences >= GOOD_MIN:
                self.baud, self._speed_heard = event.baud, True
                if at >= self._from[Want.SENTENCES]:
                    self._seconds.append(frozenset(kind[2:] for kind in event.kinds if len(kind) == 5))

    def _see(self, at: float, systems: set[str], used: int) -> None:
        if at < self._from[Want.CONSTELLATIONS]:
            return
        for system in systems:
            self._systems[system] = at
        if used >= LACK_USED_MIN:
            self._used_since = min(self._used_since, at)

    def verdict(self, want: Want, now: float) -> Verdict:
        """How it stands with one want."""
        match want:
            case Want.RATE:
                return self._rate(now)
            case Want.SENTENCES:
                return self._types()
            case Want.CONSTELLATIONS:
                return self._constellations(now)
            case Want.BAUD:
                if self.baud is None or not self._speed_heard:
                    return Verdict.UNKNOWN
                return Verdict.MET if self.baud == self._wants[Want.BAUD] else Verdict.UNMET

    def rate_hz(self, now: float) -> float | None:
        """Fixes a second; None when too few came lately."""
        if len(self._fixes) < 2 or now - self._fixes[-1] > RATE_OLD_S:
            return None
        span = self._fixes[-1] - self._fixes[0]
        return (len(self._fixes) - 1) / span if span >= RATE_SPAN_S else None

    def systems(self, now: float) -> set[str]:
        """The constellations that are heard or used now."""
        return {system for system, at in self._systems.items() if now - at <= SEEN_S}

    def _rate(self, now: float) -> Verdict:
        rate = self.rate_hz(now)
        if rate is None:
            return Verdict.UNKNOWN
        low, high = RATE_OFF
        return Verdict.MET if low <= rate / float(self._wants[Want.RATE]) <= high else Verdict.UNMET

    def _types(self) -> Verdict:
        if len(self._seconds) < SECONDS_MIN:
            return Verdict.UNKNOWN
        heard: set[str] = set().union(*self._seconds)
        lately: set[str] = set().union(*list(self._seconds)[-SECONDS_MIN:])
        if lately & set(self._sentences.silences):
            return Verdict.UNMET
        if set(self._sentences.hears) <= heard:
            return Verdict.MET
        return Verdict.UNMET if len(self._seconds) == SECONDS_KEPT else Verdict.UNKNOWN

    def _constellations(self, now: float) -> Verdict:
        wanted = str(self._wants[Want.CONSTELLATIONS])
        seen = self.systems(now)
        if seen - ALLOWED[wanted]:
            return Verdict.UNMET
        if REQUIRED[wanted] <= seen and (wanted != "all" or seen & {"GL", "GA"}):
            return Verdict.MET
        return Verdict.UNMET if seen and now - self._used_since >= LACK_S else Verdict.UNKNOWN

    def told(self, now: float) -> str:
        """What the receiver does, in words."""
        rate = self.rate_hz(now)
        said = [f"{rate:.1f} Hz" if rate else "", "+".join(sorted(self.systems(now))), f"{self.baud} baud" if self.baud else ""]
        return ", ".join(one for one in said if one)

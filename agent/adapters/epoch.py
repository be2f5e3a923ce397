"""Sentences in, one `Fix` per instant out: a receiver says the same instant in several sentences, in any order, of any talker.

What makes an epoch is its UTC time of day, never the order of lines. GSA and VTG carry no time: they belong to the epoch that is open, or
to the next one when a pause went before them, and never start one. An epoch ends
- at its *ender*: the sentence after which the time changed in the last cycles, learned, so that a fix leaves with its last byte;
- or when a sentence of another time comes;
- or when the line falls quiet (`flush`).
A sentence that comes after its epoch has left is dropped, and what was learned is unlearned: an instant is told once, and a second time
only when a late sentence takes the fix back.

Of what is said twice in an instant the last word counts, as in gpsd; but void beats good, and dead reckoning beats a fix.
"""

from agent.adapters.dates import Calendar
from agent.adapters.fields import DAY_MS
from agent.adapters.sentences import Sentence, Verdict
from agent.core.events import Fix, FixMode

TOLERANCE_MS = 10
"""Times of day nearer than this are one instant: receivers round, and 100 Hz is the fastest there is (gpsd: the same)."""

ENDER_CYCLES = 3
"""Cycles that must end alike before the ender is believed: a wrong one costs the facts of one epoch."""

QUIET_S = 0.15
"""A pause this long parts two epochs. Within one burst receivers pause for less (a byte takes 2 ms at 4800 baud; USB and our own drain add
50 ms); between bursts of 1 Hz there is more, and at 5 Hz or faster the next time comes as soon."""

EARLY_MAX = 16
"""GSA and VTG kept for an epoch that has not begun: five constellations, two GSA each, and room."""

SATELLITES_MIN = 3
"""No position can be computed from fewer; a receiver that claims one repeats an old one (gpsd)."""

KEYS_MAX = 64
"""Kinds of sentences, each of a talker, in one instant: a dozen are real."""

BEHIND_MS = 10_000
"""GST and GBS belong to a fix, and some receivers tell them of the last but one; so far back they start no instant of their own."""

UERE_M = {"autonomous": 5.0, "dgps": 2.0, "pps": 2.0, "float": 0.5, "rtk": 0.02}
"""Error of the ranges, 1 sigma, that times HDOP is the accuracy when the receiver does not state one: clear sky, single frequency; the
published GPS and BeiDou open services are better, streets are worse (docs/gnss.md). Dead reckoning has none."""

Mark = tuple[str, str, int]
"""Which sentence of an epoch: talker, kind, and how many of these there were, since the last GSA of five ends a cycle, not the first."""


class Epoch:
    """What the sentences of one instant have said so far; `at` is the stamp of the first byte."""

    def __init__(self, at: float, tod_ms: int | None) -> None:
        self.at = at
        self.tod_ms = tod_ms
        self.day: int | None = None
        self.verdict: Verdict | None = None
        self.mark: Mark = ("", "", 0)
        self.used: set[tuple[str, int]] = set()
        self._seen: dict[tuple[str, str], int] = {}
        self._position: tuple[float, float] | None = None
        self._alt_m: float | None = None
        self._speed_mps: float | None = None
        self._course_deg: float | None = None
        self._dops: dict[str, float] = {}
        self._errors_m: dict[str, float] = {}
        self._qualities: dict[str, str] = {}
        self._nav_mode: int | None = None
        self._counted: dict[str, int] = {}

    def has(self, sentence: Sentence) -> bool:
        """Whether this talker has said this kind already."""
        return (sentence.talker, sentence.kind) in self._seen

    def add(self, s: Sentence) -> None:
        """Take in one more sentence of this instant."""
        key = (s.talker, s.kind)
        n = self._seen.get(key, 0) + 1
        if n == 1 and len(self._seen) >= KEYS_MAX:
            return
        self._seen[key] = n
        self.mark = (s.talker, s.kind, n)
        if s.verdict is not None:
            self.verdict = s.verdict if self.verdict is None else min(self.verdict, s.verdict)
        if s.lat is not None and s.lon is not None:
            self._position = (s.lat, s.lon)
        if s.alt_m is not None:
            self._alt_m = s.alt_m
        if s.day is not None:
            self.day = s.day
        if s.speed_mps is not None:
            self._speed_mps = s.speed_mps
        if s.course_deg is not None:
            self._course_deg = s.course_deg
        self._add_quality(s)

    def _add_quality(self, s: Sentence) -> None:
        if s.hdop is not None:
            self._dops["h"] = s.hdop
        if s.pdop is not None:
            self._dops["p"] = s.pdop
        if s.vdop is not None:
            self._dops["v"] = s.vdop
        if s.acc_m is not None:
            self._errors_m[s.kind] = s.acc_m
        if s.quality is not None:
            self._qualities[s.kind] = s.quality
        if s.nav_mode is not None:
            self._nav_mode = max(s.nav_mode, self._nav_mode or 0)
        self.used.update(s.used)
        if s.sats is not None:
            self._counted[s.talker] = max(s.sats, self._counted.get(s.talker, 0))

    def fix(self, utc_ms: int | None) -> Fix | None:
        """The instant as an event; None when no sentence spoke of a fix (ZDA alone)."""
        if self.verdict is None:
            return None
        mode = self._mode()
        if mode is FixMode.NONE or self._position is None:
            return Fix(self.at, FixMode.NONE, sats=self._sats())
        (lat, lon), hdop, quality = self._position, self._dops.get("h"), self._quality()
        acc_m = self._errors_m.get("GST", self._errors_m.get("GBS"))
        estimated = acc_m is None and hdop is not None and mode is not FixMode.DEAD_RECKONING
        if estimated and hdop is not None:
            acc_m = hdop * UERE_M.get(quality or "autonomous", UERE_M["autonomous"])
        motion, dops = (self._speed_mps, self._course_deg), (self._dops.get("p"), self._dops.get("v"))
        return Fix(self.at, mode, utc_ms, lat, lon, self._alt_m, *motion, hdop, acc_m, self._sats(), *dops, quality, estimated)

    def _quality(self) -> str | None:
        """GGA tells more than a mode indicator; dead reckoning is told by any."""
        if self.verdict is Verdict.ESTIMATED:
            return "estimated"
        return next((self._qualities[kind] for kind in ("GGA", "GNS", "RMC", "GLL") if kind in self._qualities), None)

    def _mode(self) -> FixMode:
        if self.verdict is Verdict.VOID or self._nav_mode == 1 or self._position is None:
            return FixMode.NONE
        if self.verdict is Verdict.ESTIMATED:
            return FixMode.DEAD_RECKONING
        if self._too_few():
            return FixMode.NONE
        flat = self._nav_mode == 2 if self._nav_mode else self._alt_m is None
        return FixMode.TWO_D if flat else FixMode.THREE_D

    def _too_few(self) -> bool:
        """GP and GN count for all; Telit sends one GGA a constellation with its share; Furuno's GGA counts GPS, its GNS beside it all."""
        counts = [n for talker, n in self._counted.items() if talker in ("GP", "GN")]
        return bool(counts) and max(*counts, len(self.used), 0) < SATELLITES_MIN

    def _sats(self) -> dict[str, int]:
        """Satellites used by constellation: from GSA; else the count of GGA or GNS under its talker, `GN` being all together."""
        if not self.used:
            return {"BD" if talker == "GB" else talker: n for talker, n in self._counted.items()}
        sats: dict[str, int] = {}
        for name, _ in self.used:
            sats[name] = sats.get(name, 0) + 1
        return sats


class Epochs:
    """Fuses the sentences of one receiver."""

    def __init__(self) -> None:
        self.calendar = Calendar()
        self._open: Epoch | None = None
        self._closed: Epoch | None = None
        self._ender: Mark | None = None
        self._candidate: Mark | None = None
        self._agreed = 0
        self._early: list[Sentence] = []
        self._heard_at = 0.0

    @property
    def used(self) -> set[tuple[str, int]]:
        """The satellites used for the last instant, constellation and number; empty when the receiver sends no GSA."""
        return set() if self._closed is None else self._closed.used

    def ahead_ms(self, at: float) -> int:
        """How far the instant that began at `at` and is still open is after the last that left; 0 when there is none, or no time."""
        begun, left = self._open, self._closed
        if begun is None or left is None or begun.at != at or begun.tod_ms is None or left.tod_ms is None:
            return 0
        return (begun.tod_ms - left.tod_ms) % DAY_MS

    def take(self, at: float, sentence: Sentence) -> list[Fix]:
        """One sentence, whose first byte came at `at`; the fixes that are complete now."""
        paused, self._heard_at = at - self._heard_at >= QUIET_S, at
        if paused:
            self._early.clear()
        if sentence.tod_ms is None:
            return self._loss(at, sentence) if sentence.verdict is not None else self._untimed(sentence, paused)
        fixes: list[Fix] = []
        epoch = self._open
        if epoch is None or not _same(epoch.tod_ms, sentence.tod_ms):
            if sentence.kind in ("GST", "GBS") and _behind(epoch or self._closed, sentence.tod_ms):
                return []
            fixes = self.flush()
            if self._closed is not None and _same(self._closed.tod_ms, sentence.tod_ms):
                return fixes + self._late(sentence)
            epoch = self._open = Epoch(at, sentence.tod_ms)
            for early in self._early:
                epoch.add(early)
            self._early.clear()
        elif sentence.kind == "GGA" and epoch.has(sentence):
            self.calendar.count("repeated")
            return []  # its time stands still: the receiver repeats an old position
        return fixes + self._add(epoch, sentence)

    def flush(self) -> list[Fix]:
        """The line is quiet, or gone: whatever is open has ended, and the sentence that ended it is remembered."""
        epoch = self._open
        if epoch is None:
            return []
        if epoch.mark == self._candidate:
            self._agreed += 1
            if self._agreed >= ENDER_CYCLES:
                self._ender = epoch.mark
        else:
            self._candidate, self._agreed = epoch.mark, 1
        return self._close(epoch)

    def _untimed(self, sentence: Sentence, paused: bool) -> list[Fix]:
        """GSA or VTG."""
        if self._open is not None:
            return self._add(self._open, sentence)
        if (paused or self._early) and len(self._early) < EARLY_MAX:
            self._early.append(sentence)
            return []
        return self._late(sentence)

    def _loss(self, at: float, sentence: Sentence) -> list[Fix]:
        """A receiver that does not even know the time has no fix: told at once, and once per round of its sentences."""
        fixes = self.flush()
        if self._closed is not None and self._closed.tod_ms is None and not self._closed.has(sentence):
            self._closed.add(sentence)
            return fixes
        epoch = Epoch(at, None)
        epoch.add(sentence)
        return fixes + self._close(epoch)

    def _add(self, epoch: Epoch, sentence: Sentence) -> list[Fix]:
        epoch.add(sentence)
        return self._close(epoch) if epoch.mark == self._ender else []

    def _late(self, sentence: Sentence) -> list[Fix]:
        closed = self._closed
        if closed is None:
            return []
        if not closed.has(sentence) or not closed.used.issuperset(sentence.used):  # or one GSA more, for satellites that are new
            self._ender, self._candidate, self._agreed = None, None, 0
        elif sentence.kind == "GGA":
            self.calendar.count("repeated")
        taken_back = sentence.verdict is Verdict.VOID and closed.verdict is not Verdict.VOID
        closed.add(sentence)
        return self._close(closed) if taken_back else []

    def _close(self, epoch: Epoch) -> list[Fix]:
        good = self._closed is not None and self._closed.verdict is Verdict.GOOD
        self._open, self._closed = None, epoch
        if epoch.verdict is None and epoch.tod_ms is not None and epoch.day is not None and good:
            self.calendar.learn(epoch.at, epoch.tod_ms, epoch.day)
        fix = epoch.fix(self._utc_ms(epoch))
        return [] if fix is None else [fix]

    def _utc_ms(self, epoch: Epoch) -> int | None:
        if epoch.tod_ms is None or epoch.verdict in (None, Verdict.VOID):
            return None
        return self.calendar.utc_ms(epoch.at, epoch.tod_ms, epoch.day)


def _behind(epoch: Epoch | None, tod_ms: int) -> bool:
    """Whether this time of day was a short while before that of the epoch."""
    return epoch is not None and epoch.tod_ms is not None and 0 < (epoch.tod_ms - tod_ms) % DAY_MS <= BEHIND_MS


def _same(a: int | None, b: int | None) -> bool:
    if a is None or b is None:
        return False
    apart = abs(a - b)
    if max(a, b) >= DAY_MS:  # second 60, which is not the first of the next day
        return apart < TOLERANCE_MS
    return min(apart, DAY_MS - apart) < TOLERANCE_MS

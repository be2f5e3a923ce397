"""Sentences in, one `Fix` per instant out: a receiver says the same instant in several sentences, in any order, of any talker.

What makes an epoch is its UTC time of day, never the order of lines. GSA and VTG carry no time: they belong to the epoch that is open, or
to the next one when a pause went before them, or a receiver begins with them as a rule (`pauses`), and never start one. An epoch ends
- at its *ender*: the sentence after which the time changed in the last cycles, learned, so that a fix leaves with its last byte;
- or when a sentence of another time comes;
- or when the line falls quiet (`flush`).
A sentence that comes after its epoch has left is dropped, and what was learned is unlearned: an instant is told once, and a second time
only when a late sentence takes the fix back.

What is said twice in an instant is weighed in `instant`. A maker's own sentence (`proprietary`) only fills in. It ends an epoch only when
that needs it, and begins one only where no standard sentence has told of a fix lately: so it doubles no fix (Garmin's has whole seconds),
and does not disturb what is learned.
"""

from agent.adapters.dates import BUILD_DAY, Calendar
from agent.adapters.facts import Sentence, Verdict
from agent.adapters.fields import DAY_MS
from agent.adapters.instant import PARTS, Epoch, Mark
from agent.adapters.pauses import Pauses
from agent.core.events import Fix

TOLERANCE_MS = 10
"""Times of day nearer than this are one instant: receivers round, and 100 Hz is the fastest there is (gpsd: the same)."""

ENDER_CYCLES = 3
"""Cycles that must end alike before the ender is believed: a wrong one costs the facts of one epoch."""

QUIET_S = 0.15
"""A pause this long parts two epochs. Within one burst receivers pause for less (a byte takes 2 ms at 4800 baud; USB and our own drain add
50 ms); between bursts of 1 Hz there is more, and at 5 Hz or faster the next time comes as soon."""

EARLY_MAX = 16
"""GSA and VTG kept for an epoch that has not begun: five constellations, two GSA each, and room."""

BEHIND_MS = 10_000
"""GST and GBS belong to a fix, and some receivers tell them of the last but one; so far back they start no instant of their own."""

STANDARD_S = 3.0
"""So long after a standard sentence told of a fix, a proprietary one of another time waits for the standard ones of its instant."""


class Epochs:
    """Fuses the sentences of one receiver."""

    def __init__(self, not_before: int = BUILD_DAY, *, recorded: bool = False) -> None:
        self.calendar = Calendar(not_before, recorded=recorded)
        self._open: Epoch | None = None
        self._closed: Epoch | None = None
        self._ender: Mark | None = None
        self._candidate: Mark | None = None
        self._agreed = 0
        self._early: list[Sentence] = []
        self._heard_at = 0.0
        self._pauses = Pauses()

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

    def take(self, at: float, sentence: Sentence, pause_s: float = 0.0) -> list[Fix]:
        """One sentence, whose first byte came at `at`, `pause_s` after the byte before; the fixes that are complete now."""
        if pause_s:
            self._pauses.hear(pause_s, sentence.talker, sentence.kind, sentence.tod_ms is not None)
        paused, self._heard_at = at - self._heard_at >= QUIET_S, at
        if paused:
            self._early.clear()
        if sentence.proprietary and self._waits(at, sentence):
            return []
        if sentence.tod_ms is None:
            if sentence.verdict is not None:
                return [] if self._is_of_one_part(at, sentence) else self._loss(at, sentence)
            return self._untimed(sentence, paused)
        fixes: list[Fix] = []
        epoch = self._open
        if epoch is None or not _same(epoch.tod_ms, sentence.tod_ms):
            if sentence.kind in ("GST", "GBS") and _behind(epoch or self._closed, sentence.tod_ms):
                return []
            fixes = self.flush()
            self._pauses.end_cycle()
            if self._closed is not None and _same(self._closed.tod_ms, sentence.tod_ms):
                return fixes + self._late(sentence)
            epoch = self._open = Epoch(at, sentence.tod_ms)
            for early in self._early:
                if early.tod_ms is None or _same(early.tod_ms, sentence.tod_ms):
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

    def _waits(self, at: float, sentence: Sentence) -> bool:
        """Whether a proprietary sentence is not (yet) to be taken: nobody needs it, or its instant has not begun."""
        begun, left = self._open, self._closed
        standard = any(epoch is not None and epoch.is_standard and at - epoch.at < STANDARD_S for epoch in (begun, left))
        if sentence.tod_ms is None:
            return begun is None if sentence.verdict is None else standard
        if begun is not None and _same(begun.tod_ms, sentence.tod_ms):
            return False
        if left is not None and _same(left.tod_ms, sentence.tod_ms):
            return left.has(sentence) or not left.needs(sentence)
        if standard and len(self._early) < EARLY_MAX:
            self._early.append(sentence)
        return standard

    def _untimed(self, sentence: Sentence, paused: bool) -> list[Fix]:
        """GSA or VTG."""
        begins, fixes = (sentence.talker, sentence.kind) == self._pauses.starter, list[Fix]()
        if self._open is not None:
            if not begins or self._open.verdict is None:
                return self._add(self._open, sentence)
            fixes = self.flush()
        if (paused or begins or self._early) and len(self._early) < EARLY_MAX:
            self._early.append(sentence)
            return fixes
        return fixes + self._late(sentence)

    def _is_of_one_part(self, at: float, sentence: Sentence) -> bool:
        """Whether one constellation has no fix, and not even a time, while the others have both."""
        around = (self._open, self._closed)
        others = any(epoch is not None and at - epoch.at < STANDARD_S and epoch.is_good_beside(sentence.talker) for epoch in around)
        return sentence.talker in PARTS and others

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
        before = closed.verdict
        closed.add(sentence)
        return self._close(closed) if closed.verdict is Verdict.VOID and before is not Verdict.VOID else []

    def _close(self, epoch: Epoch) -> list[Fix]:
        good = self._closed is not None and self._closed.verdict is Verdict.GOOD
        self._open, self._closed = None, epoch
        if epoch.verdict is None and epoch.tod_ms is not None and epoch.days and good:
            self.calendar.learn(epoch.at, epoch.tod_ms, *epoch.days)
        fix = epoch.fix(self._utc_ms(epoch), self.calendar.moved)
        return [] if fix is None else [fix]

    def _utc_ms(self, epoch: Epoch) -> int | None:
        if epoch.tod_ms is None or epoch.verdict in (None, Verdict.VOID):
            return None
        return self.calendar.utc_ms(epoch.at, epoch.tod_ms, *epoch.days)


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

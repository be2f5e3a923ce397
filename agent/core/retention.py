"""Retention: a full store, and the days, go in; which rows have to make room or are too old comes out.

Theory. The store is bounded by bytes and by age. When it is full the history goes first, from its oldest end: the centre's broker has had
all of it. Then goes the oldest back-fill that was never sent, then events, never alarms. What was never sent is declared, and no
declaration goes. When nothing that may go makes room (the card is full of other things), that is said, and memory has to do. By age goes
history of more than `keep_days`, and back-fill that could not be sent for `unsent_days_max`.

Rows carry no dates that a store could compare. So a mark is set on each day: the name of the newest record then, kept in the store's
memory; what lies before the mark of a day is older than that day.
"""

import math
from typing import Any

from agent.config import Store
from agent.core.effects import Prune, Remember
from agent.core.events import (
    Event,
    Lane,
    LossesKept,
    Pruned,
    Remembered,
    RowsGivenUp,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    Started,
    Stored,
    StoreRoom,
)
from agent.core.given_up import note, noted
from agent.core.names import Names
from agent.core.part import Output, Outputs, Part
from agent.core.timebase import Timebase
from agent.wire.whys import Reason

MARK = "day "
"""Begins the name of a mark in the store's memory; the day since 1970 follows."""

LOOK_S = 3600.0
"""How often ages are looked at; the first time only so long after the start, when the time has had time to prove itself."""

ANSWER_S_MAX = 30.0
"""A Prune that is not answered by then was lost."""

ROWS = {None: 256, Lane.BACKFILL: 16, Lane.EVENT: 64}
"""Rows given up at a time: of back-fill some hours, since each is minutes of track."""

ORDER: tuple[Lane | None, ...] = (None, Lane.BACKFILL, Lane.EVENT)
"""What goes when there is no room: history, then what was never sent, the least urgent first."""

FULL, OLD = "store_full", "too_old"
"""Why a row is given up, as a gap record says it."""

DAY_MS = 86_400_000
MARKS_MAX = 4000


class Retention(Part):
    """What may stay in the store."""

    name = "retention"
    listens = (Started, SpoolOpened, SpoolDown, SpoolFull, Pruned, Stored, Remembered, LossesKept)

    def __init__(self, config: Store, names: Names, time: Timebase) -> None:
        self._names = names
        self._time = time
        self._limits = ((None, config.keep_days), (Lane.BACKFILL, config.unsent_days_max))
        self._look_at = math.inf
        self._open = False
        self._marks: dict[int, str] = {}
        self._marked: dict[int, str] = {}
        self._asked: tuple[Prune, str, float] | None = None
        self._aged: list[Prune] = []
        self._noted: list[str] = []
        self._took_since = True
        self._reason: Reason = ""
        self.kept = 0
        self.given_up = 0

    @property
    def deadline(self) -> float:
        """When ages are looked at next."""
        return self._look_at

    def handle(self, event: Event) -> Outputs:
        """Make room, or hear what became of it."""
        match event:
            case Started():
                self._look_at = event.at + LOOK_S
            case SpoolOpened(memory=memory, kept=kept):
                self._open, self.kept, self._asked = True, kept, None
                self._marks = _marks(memory) | self._marks
                self._marked = _marks(memory)
                return self._undeclared(event.at, memory)
            case LossesKept():
                notes, self._noted = self._noted, []
                return [Remember(name, None) for name in notes]
            case SpoolDown():
                self._open = False
            case Stored():
                self._took_since = True
            case Remembered(names=names):
                self._marked |= {day: mark for day, mark in self._marks.items() if f"{MARK}{day}" in names}
            case SpoolFull(reason=reason):
                self._reason = reason
                return self._make_room(event.at, ORDER[0])
            case Pruned():
                return self._pruned(event)
        return ()

    def expire(self) -> Outputs:
        """Mark the day, and ask for what is too old."""
        at = self._look_at
        self._look_at = at + LOOK_S
        utc_ms, _ = self._time.stamp(at)
        if utc_ms is None or not self._open:
            return ()
        today = utc_ms // DAY_MS
        if today not in self._marks:
            self._marks[today] = self._names.name(self._names.last)
        self._aged = [self._prune(lane, mark, OLD) for lane, days in self._limits if (mark := self._mark(today - days)) is not None]
        unmarked = [day for day in self._marks if self._marked.get(day) != self._marks[day]]
        out: list[Output] = [Remember(f"{MARK}{day}", self._marks[day].encode()) for day in unmarked]
        return [*out, *self._forget_marks(today), *self._next_aged(at)]

    # --- room -----------------------------------------------------------------------------------------------------------------------

    def _make_room(self, at: float, lane: Lane | None) -> list[Output]:
        if self._waits(at):
            return []
        if lane is not None and not self._took_since:
            return [StoreRoom(at, False, self._reason)]  # what was given up last made no room: giving up more would make none either
        return self._ask(at, self._prune(lane), FULL)

    def _no_room_by(self, at: float, lane: Lane | None) -> list[Output]:
        """Nothing of that lane is left to give up."""
        rest = ORDER[ORDER.index(lane) + 1 :]
        return self._make_room(at, rest[0]) if rest else [StoreRoom(at, False, self._reason)]

    # --- age ------------------------------------------------------------------------------------------------------------------------

    def _mark(self, day: int) -> str | None:
        """The newest mark that is at least so old."""
        return self._marks[max(days)] if (days := [other for other in self._marks if other <= day]) else None

    def _forget_marks(self, today: int) -> list[Output]:
        """Marks that no limit will ask for any more."""
        oldest = max((day for day in self._marks if day <= today - max(days for _, days in self._limits)), default=-1)
        gone = [day for day in self._marks if day < oldest]
        for day in gone:
            del self._marks[day]
            self._marked.pop(day, None)
        return [Remember(f"{MARK}{day}", None) for day in gone]

    def _next_aged(self, at: float) -> list[Output]:
        return self._ask(at, self._aged[0], OLD) if self._aged and not self._waits(at) else []

    def _undeclared(self, at: float, memory: dict[str, bytes]) -> list[Output]:
        """What was given up when nobody could be told any more: the power went, or the word was lost."""
        out: list[Output] = []
        for name, value in memory.items():
            found = noted(name, value) if name not in self._noted else None
            if found is not None:
                self._noted.append(name)
                out.append(RowsGivenUp(at, *found, before=True))
        return out

    # --- the store's answers --------------------------------------------------------------------------------------------------------

    def _prune(self, lane: Lane | None, before: str | None = None, why: str = FULL) -> Prune:
        return Prune(lane, ROWS[lane], before, "" if lane is None else note(lane, why))

    def _waits(self, at: float) -> bool:
        return self._asked is not None and at - self._asked[2] < ANSWER_S_MAX

    def _ask(self, at: float, prune: Prune, why: str) -> list[Output]:
        self._asked = (prune, why, at)
        return [prune]

    def _pruned(self, pruned: Pruned) -> list[Output]:
        at, asked = pruned.at, self._asked
        out: list[Output] = []
        if pruned.lane is None:
            self.kept = max(0, self.kept - len(pruned.names))
        if asked is None or asked[0].lane != pruned.lane:
            why = FULL  # the answer to a Prune that was believed lost
        else:
            why, self._asked = asked[1], None
        if pruned.lane is not None and pruned.names:
            self.given_up += len(pruned.names)
            self._noted.append(f"{note(pruned.lane, why)} {pruned.names[0]}")
            out.append(RowsGivenUp(at, pruned.lane, pruned.names, why))
        if why == OLD:
            if not pruned.more and self._aged:
                del self._aged[0]
        elif pruned.names:
            self._took_since = self._took_since and pruned.lane is None
            out.append(StoreRoom(at, True))
        else:
            out += self._no_room_by(at, pruned.lane)
        return [*out, *self._next_aged(at)]

    def status(self, now: float) -> dict[str, Any]:
        """Rows of history as of the opening, rows given up unsent in this boot, and the days that are marked."""
        return {"kept": self.kept, "given_up": self.given_up, "days": len(self._marks)}


def _marks(memory: dict[str, bytes]) -> dict[int, str]:
    """The marks among what is remembered; what is none is passed over."""
    found = {name.removeprefix(MARK): mark for name, mark in memory.items() if name.startswith(MARK)}
    good = {int(day): mark.decode("ascii", "replace") for day, mark in found.items() if day.isdigit() and len(day) <= 6}
    return dict(sorted(good.items())[-MARKS_MAX:])

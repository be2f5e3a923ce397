"""Resend: the centre's wish for records it has not got goes in; the rows of history that it means, and the answer, come out.

A PUBACK proves only the broker, which may lose what it acknowledged. So the centre looks for holes in the numbers and asks for them by
boot and range; what history has leaves once more, as it lies, behind everything that is new. The answer says how many rows were sent, and
which numbers history does not have: those that were never kept (the live position, an alarm's repeats), still wait to leave, or are gone.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from agent.core.effects import Recall
from agent.core.events import Event, HistoryWanted, HistoryWritten, OrderAnswered, OrderGiven, Recalled, Resent, SpoolOpened
from agent.core.part import Output, Outputs, Part
from agent.wire.records import BOOT

KIND = "resend"

RANGES_MAX = 64
"""Ranges in one order."""

ORDERS_MAX = 8
"""Orders that wait; more are refused, the centre may ask again."""

ROWS_AT_ONCE = 16
"""Rows asked of the store, and on their way, at a time."""

ANSWER_S_MAX = 5.0
"""The store is asked again after that."""

LOOK_S = 0.5
"""How often it is looked whether what was sent has arrived."""

PATIENCE_S = 3600.0
"""An order that comes no further for so long has failed: the store cannot be read, or the link is gone."""

MISSING_MAX = 64
"""Ranges named as missing in an answer; more are counted only."""

NUMBER_MAX = 1 << 40
"""Above all numbers; a range without an end ends here."""

WANTED = "ranges: a list of 1 to 64 [boot, first, last] or [boot, first], boot 16 hexadecimal digits, 1 <= first <= last"


class _Job:
    """One order: ranges still to be looked up, and what came of those before."""

    def __init__(self, order: str, ranges: list[tuple[str, int, int]]) -> None:
        self.order = order
        self.ranges = deque(ranges)
        self.next = ranges[0][1]
        self.sent = 0
        self.missing: list[list[Any]] = []
        self.missed = 0

    def miss(self, boot: str, first: int, last: int) -> None:
        """History has none of these; nobody knows what there should be up to the end of a range that has none."""
        if first > last or last == NUMBER_MAX:
            return
        self.missed += last - first + 1
        if len(self.missing) < MISSING_MAX:
            self.missing.append([boot, first, last])

    def result(self) -> dict[str, Any]:
        """Of the answer."""
        return {"sent": self.sent, "missed": self.missed, "missing": self.missing}


class Resend(Part):
    """Orders to send again, one after the other."""

    name = "resend"
    listens = (OrderGiven, HistoryWritten, Recalled, SpoolOpened)

    def __init__(self, resending: Callable[[], int]) -> None:
        """`resending` counts the rows that were handed over and have not arrived yet."""
        self._resending = resending
        self._jobs: deque[_Job] = deque()
        self._asked: tuple[str, int, int] | None = None
        self._act_at = math.inf
        self._moved_at = math.inf

    @property
    def deadline(self) -> float:
        """When it is looked again whether there is more to do."""
        return self._act_at

    def handle(self, event: Event) -> Outputs:
        """Take an order, or rows."""
        match event:
            case OrderGiven(kind=kind) if kind == KIND:
                return self._take(event)
            case HistoryWritten() if self._asked is not None:
                return [Recall(*self._asked, ROWS_AT_ONCE)]
            case Recalled():
                return self._recalled(event)
            case SpoolOpened() if self._asked is not None:
                return self._step(event.at)
        return ()

    def _take(self, given: OrderGiven) -> list[Output]:
        ranges = _ranges(given.body.get("ranges"))
        if ranges is None:
            return [OrderAnswered(given.at, given.order, "rejected", f"malformed: expected {WANTED}")]
        if len(self._jobs) >= ORDERS_MAX:
            return [OrderAnswered(given.at, given.order, "rejected", f"busy: {ORDERS_MAX} such orders wait; ask again later")]
        self._jobs.append(_Job(given.order, ranges))
        out: list[Output] = [OrderAnswered(given.at, given.order, "accepted")]
        if len(self._jobs) == 1:
            self._moved_at = given.at
            out += self._step(given.at)
        return out

    def expire(self) -> Outputs:
        """Go on, or give up."""
        at = self._act_at
        if at - self._moved_at > PATIENCE_S:
            job = self._jobs[0]
            reason = f"nothing moved for {PATIENCE_S:.0f} s: the store cannot be read, or the link does not last"
            return [OrderAnswered(at, job.order, "failed", reason, job.result()), *self._next_job(at)]
        return self._step(at)

    def _step(self, at: float) -> list[Output]:
        """Ask the store for the next rows when those before have arrived; be done when all have."""
        job = self._jobs[0]
        self._act_at = at + LOOK_S
        if self._resending():
            return []
        if not job.ranges:
            return [OrderAnswered(at, job.order, "done", None, job.result()), *self._next_job(at)]
        boot, _, last = job.ranges[0]
        self._asked = (boot, job.next, last)
        self._act_at = at + ANSWER_S_MAX
        return [HistoryWanted(at)]  # what is still to be written is asked of the store before the reading

    def _next_job(self, at: float) -> list[Output]:
        self._jobs.popleft()
        self._asked, self._act_at, self._moved_at = None, math.inf, at
        return self._step(at) if self._jobs else []

    def _recalled(self, recalled: Recalled) -> list[Output]:
        if self._asked != (recalled.boot, recalled.first, recalled.last):
            return []  # the answer to a question that was asked twice
        boot, first, last = self._asked
        numbers = [int(row.name.rpartition("-")[2]) for row in recalled.rows]
        job = self._jobs[0]
        self._asked, self._moved_at = None, recalled.at
        for number in numbers:
            job.miss(boot, first, number - 1)
            first = number + 1
        job.sent += len(numbers)
        job.next = first
        if not recalled.more:
            job.miss(boot, first, last)
            job.ranges.popleft()
            job.next = job.ranges[0][1] if job.ranges else 0
        self._act_at = recalled.at + LOOK_S
        if recalled.rows:
            return [Resent(recalled.at, recalled.rows)]
        return self._step(recalled.at)

    def status(self, now: float) -> dict[str, Any]:
        """Orders under way, and how many rows of the present one have been sent."""
        return {"orders": len(self._jobs), "sent": self._jobs[0].sent if self._jobs else 0}


def _ranges(found: Any) -> list[tuple[str, int, int]] | None:
    """The ranges of an order's body; None when it is malformed."""
    if not isinstance(found, list) or not 0 < len(found) <= RANGES_MAX:
        return None
    ranges: list[tuple[str, int, int]] = []
    for each in found:
        match each:
            case [str() as boot, int() as first, int() as last] if BOOT.fullmatch(boot) and 1 <= first <= last < NUMBER_MAX:
                ranges.append((boot, first, last))
            case [str() as boot, int() as first] if BOOT.fullmatch(boot) and 1 <= first < NUMBER_MAX:
                ranges.append((boot, first, NUMBER_MAX))
            case _:
                return None
    return ranges

"""Faults: what the parts see come and go goes in; one record per change comes out."""

import math
from dataclasses import dataclass
from typing import Any

from agent.core.events import Event, FaultSeen, Lane, Reported
from agent.core.part import Output, Outputs, Part
from agent.wire.faults import FAULTS
from agent.wire.records import FaultRecord
from agent.wire.whys import Reason, told

ANEW_S = 600.0
"""What is known of a fault that lasts may change all the time (a count, a C/N0): not more often than this is it told again."""


@dataclass(slots=True)
class Active:
    """A fault that is so: since when, what is known of it now and when that changed, and what of it was told last, and when."""

    since: float
    detail: Reason
    changed_at: float
    told: str
    told_at: float

    @property
    def anew_at(self) -> float:
        """When it is told again: when its sentence is another one, but not soon."""
        return math.inf if str(self.detail) == self.told else max(self.changed_at, self.told_at + ANEW_S)


class Faults(Part):
    """The faults that are so now."""

    name = "faults"
    listens = (FaultSeen,)

    def __init__(self) -> None:
        self.active: dict[str, Active] = {}

    @property
    def deadline(self) -> float:
        """When a fault is told again, for what is known of it by now."""
        return min((fault.anew_at for fault in self.active.values()), default=math.inf)

    def handle(self, event: Event) -> Outputs:
        """Report a fault once when it comes and once when it goes, and keep what was seen of it last."""
        assert isinstance(event, FaultSeen)
        assert event.code in FAULTS, f"{event.code} is not in the published table"
        code, known = event.code, self.active.get(event.code)
        if not event.active:
            return [] if self.active.pop(code, None) is None else [self._record(event.at, code, "cleared", event.detail)]
        if known is None:
            self.active[code] = Active(event.at, event.detail, event.at, str(event.detail), event.at)
            return [self._record(event.at, code, "raised", event.detail)]
        if str(event.detail) != str(known.detail):
            known.changed_at = event.at
        known.detail = event.detail
        return []

    def expire(self) -> Outputs:
        """Tell again of which more is known, or something else."""
        at, out = self.deadline, []
        for code, fault in self.active.items():
            if fault.anew_at <= at:
                fault.told, fault.told_at = str(fault.detail), at
                out.append(self._record(at, code, "raised", fault.detail))
        return out

    @staticmethod
    def _record(at: float, code: str, state: str, detail: Reason) -> Output:
        return Reported(at, Lane.EVENT, FaultRecord(code=code, state=state, detail=str(detail) or None))  # type: ignore[arg-type]  # two literals

    def listing(self, now: float) -> list[dict[str, Any]]:
        """The faults that are so now, the oldest first."""
        return [
            {"code": code, "detail": str(fault.detail), "since_s": round(now - fault.since, 1), **_pieces(fault.detail)}
            for code, fault in self.active.items()
        ]


def _pieces(detail: Reason) -> dict[str, Any]:
    """What it is made of, for a page in another language."""
    pieces = told(detail)
    return {} if pieces is None else {"why": pieces}

"""Faults: what the parts see come and go goes in; one record per change comes out."""

from typing import Any

from agent.core.events import Event, FaultSeen, Lane, Reported
from agent.core.part import Outputs, Part
from agent.wire.faults import FAULTS
from agent.wire.records import FaultRecord
from agent.wire.whys import Reason, told


class Faults(Part):
    """The faults that are so now."""

    name = "faults"
    listens = (FaultSeen,)

    def __init__(self) -> None:
        self.active: dict[str, tuple[float, Reason]] = {}

    def handle(self, event: Event) -> Outputs:
        """Report a fault once when it comes and once when it goes."""
        assert isinstance(event, FaultSeen)
        assert event.code in FAULTS, f"{event.code} is not in the published table"
        if event.active == (event.code in self.active):
            return ()
        if event.active:
            self.active[event.code] = (event.at, event.detail)
        else:
            del self.active[event.code]
        state = "raised" if event.active else "cleared"
        return [Reported(event.at, Lane.EVENT, FaultRecord(code=event.code, state=state, detail=str(event.detail) or None))]  # type: ignore[arg-type]  # two literals

    def listing(self, now: float) -> list[dict[str, Any]]:
        """The faults that are so now, the oldest first."""
        return [
            {"code": code, "detail": str(detail), "since_s": round(now - at, 1), **({"why": pieces} if (pieces := told(detail)) else {})}
            for code, (at, detail) in self.active.items()
        ]

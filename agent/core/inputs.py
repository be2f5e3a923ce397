"""Inputs: raw bouncing edges and re-posted levels go in; debounced changes come out.

Theory. An input's line must read the same for `debounce_s` (becoming active) or `release_s` (becoming inactive) without interruption
before it is believed; each contrary reading starts the wait anew. A lost edge heals with the next level, a second later at most.
"""

import math
from typing import Any

from agent.config import Input
from agent.core.events import Edge, Event, FaultSeen, InputChanged, InputsFailed, Levels
from agent.core.part import Output, Outputs, Part


class _Line:
    """One input: what is believed, and what it has read otherwise since."""

    def __init__(self, config: Input) -> None:
        self.config = config
        self.active: bool | None = None
        self.contrary_since = math.inf
        self.deadline = math.inf
        self.read_at = -math.inf

    def read(self, at: float, active: bool) -> InputChanged | None:
        if at < self.read_at:
            return None  # a level that was read before an edge and came after it must not undo a press
        self.read_at = at
        if self.active is None:
            self.active = active
            return InputChanged(at, self.config.id, self.config.use.value, active, at, True)
        if active == self.active:
            self.contrary_since = self.deadline = math.inf
        elif self.contrary_since == math.inf:
            self.contrary_since = at
            self.deadline = at + (self.config.debounce_s if active else self.config.release_s)
        return None

    def settle(self) -> InputChanged:
        self.active = not self.active
        changed = InputChanged(self.deadline, self.config.id, self.config.use.value, self.active, self.contrary_since)
        self.contrary_since = self.deadline = math.inf
        return changed


class Inputs(Part):
    """All inputs of the unit."""

    name = "inputs"
    listens = (Edge, Levels, InputsFailed)

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self._lines = {i.id: _Line(i) for i in inputs}
        self._failed = False

    @property
    def deadline(self) -> float:
        """When the next line settles."""
        return min((line.deadline for line in self._lines.values()), default=math.inf)

    def handle(self, event: Event) -> Outputs:
        """Read one line or all of them."""
        match event:
            case Edge(input=name, active=active):
                return self._read(event.at, {name: active})
            case Levels(active=levels):
                recovered = [FaultSeen(event.at, "inputs.failed", False)] if self._failed and levels.keys() >= self._lines.keys() else []
                self._failed = self._failed and not recovered
                return [*recovered, *self._read(event.at, levels)]
            case InputsFailed(reason=reason):
                self._failed = True
                return [FaultSeen(event.at, "inputs.failed", True, reason)]
        return ()

    def _read(self, at: float, levels: dict[str, bool]) -> list[Output]:
        changes = (self._lines[name].read(at, active) for name, active in levels.items() if name in self._lines)
        return [change for change in changes if change is not None]

    def expire(self) -> Outputs:
        """Believe the line that has read so for long enough."""
        line = min(self._lines.values(), key=lambda line: line.deadline)
        return [line.settle()]

    def status(self, now: float) -> dict[str, Any]:
        """Debounced levels by input."""
        return {name: line.active for name, line in self._lines.items() if line.active is not None}

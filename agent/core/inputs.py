"""Inputs: raw bouncing edges and re-posted levels go in; debounced changes, holds and the state of wires come out.

`input_line.py` says what is believed of one line and how a hold is counted, `supervised_wire.py` what two contacts say together. A lost
edge heals with the next levels, a second later at most.
"""

import math
from typing import Any

from agent.config import Input
from agent.core.events import Edge, Event, FaultSeen, InputsFailed, Levels
from agent.core.input_line import InputLine
from agent.core.part import Outputs, Part
from agent.core.supervised_wire import SupervisedWire


class PlainWire:
    """One contact."""

    def __init__(self, wired: Input) -> None:
        self._name = wired.id
        self._line = InputLine(wired)
        self._read_at = -math.inf

    @property
    def active(self) -> bool | None:
        """What is believed; None before it was read."""
        return self._line.active

    @property
    def deadline(self) -> float:
        """When it is believed to be otherwise, or is held for long enough."""
        return self._line.deadline

    def read(self, at: float, levels: dict[str, bool], whole: bool) -> list[Event]:
        """Its level, if it is among them; what cannot be read now (`whole`, and missing) stays as it was."""
        if whole and self._name not in levels:
            self._line.lose()
        if self._name not in levels or at < self._read_at:
            return []  # a level that was read before an edge and came after it must not undo a press
        self._read_at = at
        return self._line.read(at, levels[self._name])

    def expire(self) -> list[Event]:
        """Believe it."""
        return self._line.expire()


class Inputs(Part):
    """All inputs of the unit."""

    name = "inputs"
    listens = (Edge, Levels, InputsFailed)

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self._wires: dict[str, PlainWire | SupervisedWire] = {i.id: SupervisedWire(i) if i.supervised else PlainWire(i) for i in inputs}
        self._by_line = {line: self._wires[i.id] for i in inputs for line in i.lines()}
        self._failed = ""

    @property
    def deadline(self) -> float:
        """When the next one is believed to be otherwise, or is held for long enough."""
        return min((wire.deadline for wire in self._wires.values()), default=math.inf)

    def handle(self, event: Event) -> Outputs:
        """Read one line or all of them."""
        match event:
            case Edge(input=name, active=active) if name in self._by_line:
                return self._by_line[name].read(event.at, {name: active}, whole=False)
            case Levels(active=levels):
                well = self._fail(event.at, "") if levels.keys() >= self._by_line.keys() else []
                return [*well, *(out for wire in self._wires.values() for out in wire.read(event.at, levels, whole=True))]
            case InputsFailed(reason=reason):
                return self._fail(event.at, reason)
        return ()

    def _fail(self, at: float, reason: str) -> list[Event]:
        """They cannot be read, for this reason (empty: they can); another reason is told anew, for it names another input."""
        was, self._failed = self._failed, reason
        if was == reason:
            return []
        over = [FaultSeen(at, "inputs.failed", False)] if was else []
        return [*over, FaultSeen(at, "inputs.failed", True, reason)] if reason else [*over]

    def expire(self) -> Outputs:
        """Believe the one that is due."""
        return min(self._wires.values(), key=lambda wire: wire.deadline).expire()

    def status(self, now: float) -> dict[str, Any]:
        """Debounced levels by input."""
        return {name: wire.active for name, wire in self._wires.items() if wire.active is not None}

"""Wires: changes of inputs and of their wires go in; what they mean for their use comes out: `event` records and faults.

Only what has no part of its own is told here: panic buttons, the switch for the light, the light's sensor and the recorder's heartbeat
have theirs.
"""

from typing import Any, Literal

from agent.core.events import Event, InputChanged, Lane, Reported, Vitals, WireChanged
from agent.core.part import Output, Outputs, Part
from agent.core.shared_fault import SharedFault
from agent.wire.records import EventRecord

RECORDS: dict[str, Literal["ignition", "input", "tamper"]] = {"ignition": "ignition", "generic": "input", "tamper": "tamper"}
"""Uses whose changes are `event` records, and what these are called. What reads so at the start is no change: it is in `io`."""

BOARD = "the board"
BOARD_WELL_S = 60.0
"""The board's alarm speaks of the last two seconds, and a poor supply sags with every load: it must be well for so long to be well."""


class Wires(Part):
    """What is told of inputs, as the config says what they are for."""

    name = "wires"
    listens = (InputChanged, WireChanged, Vitals)

    def __init__(self) -> None:
        self._cut, self._short = SharedFault("input.cut"), SharedFault("input.short")
        self._low = SharedFault("power.low")
        self._active = {"tamper": SharedFault("tamper.open"), "low_voltage": self._low}  # by use: faults as long as it is active
        self._unwell: dict[str, str] = {}
        self._board_low_at: float | None = None

    def handle(self, event: Event) -> Outputs:
        """Tell what has changed."""
        match event:
            case InputChanged():
                return self._tell(event)
            case WireChanged(at=at, input=name, wire=wire):
                self._unwell = {other: how for other, how in self._unwell.items() if other != name} | ({} if wire == "ok" else {name: wire})
                return [*self._cut.change(at, name, wire == "cut"), *self._short.change(at, name, wire == "short")]
            case Vitals(at=at, supply_low=True):
                self._board_low_at = at
                return self._low.change(at, BOARD, True)
            case Vitals(at=at) if self._board_low_at is not None and at >= self._board_low_at + BOARD_WELL_S:
                self._board_low_at = None
                return self._low.change(at, BOARD, False)
        return ()

    def _tell(self, change: InputChanged) -> list[Output]:
        out: list[Output] = []
        if change.use in RECORDS and not change.first:
            record = EventRecord(what=RECORDS[change.use], id=change.input, active=change.active)
            out.append(Reported(change.since, Lane.EVENT, record))
        if change.use in self._active:
            out += self._active[change.use].change(change.at, change.input, change.active)
        return out

    def status(self, now: float) -> dict[str, Any]:
        """Supervised inputs whose wire is not well: cut or short."""
        return dict(self._unwell)

"""Inventory: what the machine and the modem are goes in; the retained `machine` comes out when that changes."""

from typing import Any

from agent.core.events import Event, MachineSeen, ModemSeen, StateChanged
from agent.core.part import Outputs, Part
from agent.wire.records import Machine, Record

GB = 1_000_000_000


class Inventory(Part):
    """What the unit is made of. It says nothing before the machine was seen."""

    name = "machine"
    listens = (MachineSeen, ModemSeen)

    def __init__(self, version: str) -> None:
        self._version = version
        self._machine: MachineSeen | None = None
        self._modem = ModemSeen(0.0)
        self._said: Machine | None = None

    def handle(self, event: Event) -> Outputs:
        """Say it when it differs from what was said; a modem that is away for a while is still the unit's."""
        match event:
            case MachineSeen():
                self._machine = event
            case ModemSeen(model=model, operator=operator) if model or operator:
                self._modem = event
        record = self._record()
        if record is None or record == self._said:
            return ()
        self._said = record
        return [StateChanged(event.at, "machine", record)]

    def _record(self) -> Machine | None:
        seen = self._machine
        if seen is None:
            return None
        written = seen.disk_written_bytes
        return Machine(
            agent=self._version,
            python=seen.python,
            os=seen.os or None,
            kernel=seen.kernel or None,
            board=seen.board or None,
            disk=seen.disk or None,
            disk_used_life=seen.disk_used_life,
            disk_written_gb=None if written is None else written // GB,
            disk_errors=seen.disk_errors,
            modem=self._modem.model or None,
            operator=self._modem.operator or None,
        )

    def status(self, now: float) -> dict[str, Any]:
        """The same, without what is not known."""
        return {key: value for key in KEYS if (value := getattr(self._said, key, None)) is not None}


KEYS = tuple(key for key in Machine.__struct_fields__ if key not in Record.__struct_fields__)
"""Its own, without the header's."""

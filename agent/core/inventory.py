"""Inventory: what machine and modem are goes in; the retained `machine`, when that changes, and the fault of a worn disk come out."""

from typing import Any

from agent.core.events import Event, FaultSeen, MachineSeen, ModemSeen, StateChanged
from agent.core.part import Output, Outputs, Part
from agent.wire.records import Machine, Record
from agent.wire.whys import Reason, Why, several, why

GB = 1_000_000_000
TB = 1_000_000_000_000

WORN = 0.9
"""Share of its life from which a disk is to be replaced. An eMMC tells it in tenths (JESD84-B51, DEVICE_LIFE_TIME_EST_TYP; this is 0x09:
80 to 90 % are used); of an SD card, which tells nothing, it is what was written against what the config says that it bears."""


class Inventory(Part):
    """What the unit is made of. It says nothing before the machine was seen."""

    name = "machine"
    listens = (MachineSeen, ModemSeen)

    def __init__(self, version: str, endurance_bytes: float) -> None:
        """`endurance_bytes`: may be written to the disk in its life."""
        self._version = version
        self._endurance_bytes = endurance_bytes
        self._worn: Reason = ""
        self._machine: MachineSeen | None = None
        self._modem = ModemSeen(0.0)
        self._said: Machine | None = None

    def handle(self, event: Event) -> Outputs:
        """Say it when it differs from what was said; a modem that is away for a while is still the unit's."""
        out: list[Output] = []
        match event:
            case MachineSeen():
                self._machine = event
                out += self._wear(event)
            case ModemSeen(model=model, operator=operator) if model or operator:
                self._modem = event
        record = self._record()
        if record is None or record == self._said:
            return out
        self._said = record
        return [*out, StateChanged(event.at, "machine", record)]

    def _wear(self, seen: MachineSeen) -> list[Output]:
        if seen.disk_used_life is seen.disk_written_bytes is seen.disk_errors is None:
            return []  # a card that does not answer any more is not better for that
        worn = several(self._troubles(seen))
        if str(worn) == str(self._worn):
            return []
        self._worn = worn
        return [FaultSeen(seen.at, "store.worn", True, worn) if worn else FaultSeen(seen.at, "store.worn", False)]

    def _troubles(self, seen: MachineSeen) -> list[Why]:
        """What an eMMC says of itself goes before what can be reckoned."""
        life, written, errors = seen.disk_used_life, seen.disk_written_bytes, seen.disk_errors
        told = []
        if life is not None and life >= WORN:
            told.append(why("worn_life", life=life) if life <= 1 else why("worn_over"))
        elif life is None and written is not None and written >= WORN * self._endurance_bytes:
            told.append(why("worn_written", written=written / TB, endurance=self._endurance_bytes / TB))
        return told + ([why("worn_errors", count=errors)] if errors else [])

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

"""Pin watch: the levels that come each second go in; the fault that none come any more comes out."""

import math

from agent.core.events import Event, FaultSeen, InputsFailed, Levels, Started
from agent.core.part import Outputs, Part
from agent.wire.whys import why

SILENT_S = 15.0
"""Levels come each second, and an event may be lost; when none have come for so long, a press would not be heard of either."""


class PinWatch(Part):
    """Whether anything is heard of the input pins."""

    name = "pins"
    listens = (Started, Levels, InputsFailed)

    def __init__(self, inputs: int) -> None:
        """`inputs`: how many there are; of none nothing is expected."""
        self._watches = inputs > 0
        self._silent_at = math.inf
        self._silent = False

    @property
    def deadline(self) -> float:
        """When nothing has been heard for too long."""
        return self._silent_at

    def handle(self, event: Event) -> Outputs:
        """Something was heard: what they read, or that they cannot be read."""
        if not self._watches:
            return ()
        self._silent_at = event.at + SILENT_S
        was, self._silent = self._silent, False
        return [FaultSeen(event.at, "inputs.silent", False)] if was else ()

    def expire(self) -> Outputs:
        """Nothing was."""
        at, self._silent_at, self._silent = self._silent_at, math.inf, True
        return [FaultSeen(at, "inputs.silent", True, why("pins_silent", seconds=SILENT_S))]

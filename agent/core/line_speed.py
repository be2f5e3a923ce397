"""Line speed: at which speed sentences were heard goes in; the memory of it, and the speed to begin with next time, come out.

Finding the speed anew costs up to ten seconds of fixes at each start; most receivers never change theirs. Only our own listening is set
here: nothing is sent to the receiver. What was remembered is no more than the first guess: the hunt goes on from it when garbage comes.
"""

import math
from typing import Any

from agent.config import Gnss
from agent.core.effects import Remember, SetReceiverBaud
from agent.core.events import Event, ReceiverHeard, ReceiverUp, Remembered, SpoolOpened
from agent.core.hearing import GOOD_MIN
from agent.core.part import Outputs, Part

MEMORY = "gnss baud "
"""Begins the name of the row in the store; the port follows."""

AGAIN_S = 5.0
"""A store that has not confirmed by then is asked again, with the next thing heard."""

BAUD_MAX = 4_000_000
"""More than any UART: what is above it in the store is damage."""


class LineSpeed(Part):
    """The speed of each of the receiver's ports, remembered."""

    name = "line_speed"
    listens = (SpoolOpened, ReceiverUp, ReceiverHeard, Remembered)

    def __init__(self, config: Gnss) -> None:
        self._finds = config.baud == "auto" or config.baud_wanted != "keep"
        self._ports = (config.port, *config.more_ports)
        self._port: str | None = None
        self._heard: int | None = None
        self._known: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        self._asked_at = -math.inf

    def handle(self, event: Event) -> Outputs:
        """Take a speed from the store, or from what is heard."""
        if not self._finds:
            return ()
        match event:
            case SpoolOpened(memory=memory):
                for port in self._ports:
                    if (baud := _speed(memory.get(MEMORY + port))) is not None:
                        self._kept[port] = baud
                        self._known.setdefault(port, baud)
                return self._begin()
            case ReceiverUp(port=port):
                self._port, self._heard = port, None
                return self._begin()
            case ReceiverHeard(at=at, baud=baud) if baud is not None and event.sentences >= GOOD_MIN and self._port is not None:
                self._heard = self._known[self._port] = baud
                if self._kept.get(self._port) != baud and at - self._asked_at >= AGAIN_S:
                    self._asked_at = at
                    return [Remember(MEMORY + self._port, str(baud).encode())]
            case Remembered(names=names):
                self._kept |= {port: baud for port, baud in self._known.items() if MEMORY + port in names}
        return ()

    def _begin(self) -> Outputs:
        """Start with what is known, unless sentences are being heard."""
        if self._port is None or self._heard is not None or self._port not in self._known:
            return ()
        return [SetReceiverBaud(self._known[self._port])]

    def status(self, now: float) -> dict[str, Any]:
        """The speed at which sentences come, None while they do not, or where the line has none."""
        return {"baud": self._heard}


def _speed(value: bytes | None) -> int | None:
    return int(value) if value is not None and len(value) <= 7 and value.isdigit() and 0 < int(value) <= BAUD_MAX else None

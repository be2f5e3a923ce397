"""A supervised input: the two contacts of a change-over switch go in; its position and the state of its wire come out.

    normally open   normally closed   is
    inactive        active            normal
    active          inactive          pressed
    inactive        inactive          cut: the common wire is gone, or the switch is on its way
    active          active            short

Both contacts make one reading. It counts as active when it is `pressed` and as inactive otherwise; its wire is believed apart, and slowly:
a switch that breaks before it makes passes through `cut`.
"""

import enum
import math

from agent.config import NC, NO, Input
from agent.core.events import Event, WireChanged
from agent.core.input_line import InputLine, Integrator

WIRE_S_MIN = 0.5
"""A slow finger takes a switch that does not snap through the gap between its contacts in well under this. A wire that is cut stays so."""


class Wire(enum.Enum):
    """How the wire of a supervised input is."""

    OK = "ok"
    CUT = "cut"
    SHORT = "short"


JOINT: dict[tuple[bool, bool], tuple[bool, Wire]] = {
    (False, True): (False, Wire.OK),
    (True, False): (True, Wire.OK),
    (False, False): (False, Wire.CUT),
    (True, True): (False, Wire.SHORT),
}
"""What (normally open, normally closed) say together: pressed, and the wire."""


class SupervisedWire:
    """Two contacts, read as one."""

    def __init__(self, wired: Input) -> None:
        self._wired = wired
        self._contacts: dict[str, bool | None] = {wired.id + NO: None, wired.id + NC: None}
        self._read_at = dict.fromkeys(self._contacts, -math.inf)
        self._position = InputLine(wired)
        self._belief: Integrator[Wire] | None = None
        self._wait_s = max(WIRE_S_MIN, wired.debounce_s, wired.release_s)

    @property
    def active(self) -> bool | None:
        """Whether it is pressed."""
        return self._position.active

    @property
    def deadline(self) -> float:
        """When the position or the wire is believed to be otherwise."""
        return min(self._position.deadline, self._wire_at)

    @property
    def _wire_at(self) -> float:
        return math.inf if self._belief is None else self._belief.deadline

    def read(self, at: float, levels: dict[str, bool], whole: bool) -> list[Event]:
        """One contact, or both of them; with `whole` a contact that is missing cannot be read now."""
        for name in self._contacts:
            if (name in levels or whole) and at >= self._read_at[name]:
                self._contacts[name] = levels.get(name)
                self._read_at[name] = at
        normally_open, normally_closed = self._contacts.values()
        if normally_open is None and normally_closed is None:
            return []
        # A contact that cannot be read is taken to say what the other says: a button with one good wire is still a button.
        pressed, wire = JOINT[
            not normally_closed if normally_open is None else normally_open,
            not normally_open if normally_closed is None else normally_closed,
        ]
        if self._belief is None:
            self._belief = Integrator(at, Wire.OK, lambda _wire: self._wait_s)
        self._belief.read(at, wire)
        return self._position.read(at, pressed)

    def expire(self) -> list[Event]:
        """Believe the position, or the wire."""
        if self._belief is None or self._position.deadline <= self._wire_at:
            return self._position.expire()
        at = self._wire_at
        self._belief.settle()
        return [WireChanged(at, self._wired.id, self._wired.use.value, self._belief.value.value)]

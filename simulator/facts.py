"""What the virtual world tells its promises beside the unit's own events and effects: what is really so, whoever knows it.

Every fact is told at the moment when it happens (`World.now`); names of records are `{boot}-{seq}`.
"""

from typing import Any

import msgspec

from agent.core.effects import Publish, Store
from agent.core.events import Lane
from simulator.ledger import Arrival


class Fact(msgspec.Struct, frozen=True, gc=False):
    """Something that is so in the world."""


class Booted(Fact, frozen=True):
    """A new process of the agent runs; its monotonic second 0 was at `origin` seconds of the world."""

    boot: str
    origin: float


class Died(Fact, frozen=True):
    """The process is gone. `how`: kill, power, stop, died."""

    boot: str
    how: str


class Written(Fact, frozen=True):
    """The unit asked the store to keep a row, for the first time under this name and edition; `facts` is the record as a map."""

    name: str
    store: Store
    facts: dict[str, Any]


class Committed(Fact, frozen=True):
    """These rows are on disk now, whether or not the unit will hear of it."""

    names: tuple[str, ...]


class Quarantined(Fact, frozen=True):
    """The store was damaged: these rows are gone, and perhaps what was remembered."""

    names: tuple[str, ...]
    memory: tuple[str, ...]


class PrunedRows(Fact, frozen=True):
    """These rows were removed from a lane, or from history (None), because the unit asked for it."""

    lane: Lane | None
    names: tuple[str, ...]


class Latched(Fact, frozen=True):
    """The memory of alarms is on disk as it is in `value` now."""

    value: bytes | None


class Sent(Fact, frozen=True):
    """The unit handed a message to its adapter. `way`: up or state; `name` is empty for a state; `facts` is the record as a map."""

    publish: Publish
    way: str
    kind: str
    name: str
    facts: dict[str, Any]


class Accepted(Fact, frozen=True):
    """The broker has the message and says so (PUBACK), whether or not the unit will hear of it."""

    sent: Sent


class Denied(Fact, frozen=True):
    """The broker has refused the message and says so, whether or not the unit will hear of it."""

    sent: Sent


class Mislaid(Fact, frozen=True):
    """The broker has lost a message that it had acknowledged, before the centre had it."""

    sent: Sent


class Arrived(Fact, frozen=True):
    """The centre has the message."""

    arrival: Arrival


class Ordered(Fact, frozen=True):
    """The centre has said `kind` (alarm.ack, alarm.clear) of that alarm: `manual`, a human who had seen its record `n`, or `auto`."""

    kind: str
    alarm: str
    by: str = "manual"
    n: int | None = None


class Given(Fact, frozen=True):
    """The centre gives an order to its broker, which keeps it for the unit."""

    payload: bytes


class PressBegan(Fact, frozen=True):
    """A hand is on the button, whose contacts bounce; or its wire looks like that."""

    input: str


class PressEnded(Fact, frozen=True):
    """The hand is off again: the contacts were closed without bouncing from `steady_at` until now, and bounced from `began_at`.

    `honest`: it was a hand, on a button whose wire was well all the time.
    """

    input: str
    began_at: float
    steady_at: float
    honest: bool = True


class Turned(Fact, frozen=True):
    """Something has happened to an input, and this is what it says now, noise and bouncing apart; perhaps what it said before."""

    input: str
    active: bool


class LampsTouched(Fact, frozen=True):
    """The lamps are told something else, or one is broken or mended."""


class Marked(Fact, frozen=True):
    """An output was pulsed; `use` as configured."""

    output: str
    use: str


class Pulse(Fact, frozen=True):
    """A second has passed."""

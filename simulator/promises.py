"""What must always hold: everything that happens in the world goes in; the first broken promise comes out as `Broken`, with its story.

A promise is a small class with a name and a sentence. It hears the events, effects and facts whose types stand in its `hears`, in order,
and keeps just what it needs. Those about records are in `promises_records`, those about help in `promises_press`, `promises_alarm` and
`promises_feedback`, those about light in `promises_lights`.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from agent.core.events import Event
from agent.wire.records import Presence
from simulator.facts import Pulse

if TYPE_CHECKING:
    from simulator.world import World


class Broken(AssertionError):
    """A promise does not hold. `journal` has the last things that happened, each with its second of the world."""

    def __init__(self, name: str, sentence: str, detail: str, at: float, journal: Iterable[tuple[float, Any]]) -> None:
        super().__init__(f"{name} is broken at {at:.3f} s: {sentence} But: {detail}")
        self.name = name
        self.detail = detail
        self.at = at
        self.journal = list(journal)

    def tail(self, lines: int = 40) -> str:
        """The last lines of the story."""
        return "\n".join(f"{at:12.6f} {thing!r:.400}" for at, thing in self.journal[-lines:])


class Promise:
    """One promise: its `name`, its `sentence`, and what it `hears` (a type, and the name of the method that takes it)."""

    name = ""
    sentence = ""
    hears: tuple[tuple[type, str], ...] = ()

    def __init__(self, world: "World") -> None:
        self.world = world

    def verdict(self) -> None:
        """All is over and has drained: what holds only in the end is looked at now."""

    def broken(self, detail: str) -> NoReturn:
        """Say that it does not hold."""
        raise Broken(self.name, self.sentence, detail, self.world.now, self.world.journal)


class Judge:
    """All promises of one world."""

    def __init__(self, world: "World") -> None:
        from simulator.promises_alarm import ALARM_PROMISES
        from simulator.promises_data import DATA_PROMISES
        from simulator.promises_faults import FAULT_PROMISES
        from simulator.promises_feedback import FEEDBACK_PROMISES
        from simulator.promises_gnss import GNSS_PROMISES
        from simulator.promises_lights import LIGHT_PROMISES
        from simulator.promises_link import LINK_PROMISES
        from simulator.promises_outage import OUTAGE_PROMISES
        from simulator.promises_press import PRESS_PROMISES
        from simulator.promises_records import RECORD_PROMISES
        from simulator.promises_wires import WIRE_PROMISES

        self.event: Event | None = None
        wires = (*PRESS_PROMISES, *FEEDBACK_PROMISES, *LIGHT_PROMISES, *FAULT_PROMISES, *WIRE_PROMISES)
        link = (*LINK_PROMISES, *OUTAGE_PROMISES)
        every = (*RECORD_PROMISES, *ALARM_PROMISES, *wires, *GNSS_PROMISES, *link, *DATA_PROMISES, *UNIT_PROMISES)
        self.promises = [promise(world) for promise in every]
        self._ears: dict[type, list[Callable[[Any], None]]] = {}
        for promise in self.promises:
            for heard, method in promise.hears:
                self._ears.setdefault(heard, []).append(getattr(promise, method))

    def begin(self, event: Event | None) -> None:
        """A turn of the loop begins, with an event or (None) with a timer; what follows until the next one comes of it."""
        self.event = event
        if event is not None:
            self.see(event)

    def see(self, thing: Any) -> None:
        """An event that the unit takes, an effect that it wants, or a fact of the world."""
        ears = self._ears.get(type(thing))
        if ears is not None:
            for ear in ears:
                ear(thing)

    def close(self) -> None:
        """The end."""
        for promise in self.promises:
            promise.verdict()


class BoundedMemory(Promise):
    """Queues have bounds."""

    name = "bounded memory"
    sentence = "What the unit holds in memory is bounded, whatever does not answer."
    hears = ((Pulse, "pulse"),)

    ENTRIES_MAX = 20_000
    """Of one part, all its queues and tables together: generously above what their own limits add up to."""

    EVERY_S = 300.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._next_at = -math.inf
        self.most: dict[str, int] = {}

    def pulse(self, _: Pulse) -> None:
        """Look into every part now and then."""
        unit, now = self.world.unit, self.world.now
        if unit is None or now < self._next_at:
            return
        self._next_at = now + self.EVERY_S
        for part in unit.parts:
            count = entries(part)
            if count > self.most.get(part.name, 0):
                self.most[part.name] = count
                if count > self.ENTRIES_MAX:
                    self.broken(f"{part.name} holds {count} entries, more than {self.ENTRIES_MAX}")


SMALL = 16
"""A container with more entries than this is a queue or a table: its entries count, and are not looked into."""


def entries(thing: object, depth: int = 4) -> int:
    """How many entries the containers have that belong to a part of the core, its own and those of what it is made of."""
    match thing:
        case dict():
            inside: Iterable[object] = thing.values()
        case list() | tuple() | set() | deque():
            inside = thing
        case _ if depth and type(thing).__module__.startswith("agent.core") and hasattr(thing, "__dict__"):
            return sum(entries(value, depth - 1) for value in vars(thing).values())
        case _:
            return 0
    count = len(thing)
    return count + (sum(entries(value, depth - 1) for value in inside) if depth and count <= SMALL else 0)


class HonestPresence(Promise):
    """The map does not lie about who is there."""

    name = "honest presence"
    sentence = "In the end, with a link, the centre knows that the unit is there."

    def verdict(self) -> None:
        """The latest retained presence."""
        presence = self.world.centre.ledger.state(self.world.config.unit.id, "presence")
        unit = self.world.unit
        if unit is None or not isinstance(presence, Presence) or not presence.online or presence.boot != unit.boot:
            self.broken(f"the unit's boot is {unit.boot if unit else None}, its presence {presence}")


UNIT_PROMISES: tuple[type[Promise], ...] = (BoundedMemory, HonestPresence)

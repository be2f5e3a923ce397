"""What must always hold: everything that happens in the world goes in; the first broken promise comes out as `Broken`, with its story.

A promise is a small class with a name and a sentence. It hears the events, effects and facts whose types stand in its `hears`, in order,
and keeps just what it needs. Those about records are in `promises_records`, those about help and light in `promises_alarm`.
"""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

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
        from simulator.promises_records import RECORD_PROMISES

        self.event: Event | None = None
        self.promises = [promise(world) for promise in (*RECORD_PROMISES, *ALARM_PROMISES, *UNIT_PROMISES)]
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

    LIMITS: ClassVar = {"known": 8000, "ready": 4000, "in flight": 200, "refused": 2000, "unstored": 6000, "forgetting": 6000, "slots": 16}
    """Entries of the outbox, each generously above what its own limits add up to."""

    EVERY_S = 10.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._next_at = -math.inf
        self.most = dict.fromkeys(self.LIMITS, 0)

    def pulse(self, _: Pulse) -> None:
        """Look into the outbox now and then."""
        unit, now = self.world.unit, self.world.now
        if unit is None or now < self._next_at:
            return
        self._next_at = now + self.EVERY_S
        outbox = unit.outbox
        counts = {
            "known": len(outbox._known),
            "ready": len(outbox._lanes),
            "in flight": len(outbox._window),
            "refused": len(outbox._refused),
            "unstored": len(outbox._shelf.unstored),
            "forgetting": len(outbox._shelf.forgetting),
            "slots": len(outbox._slots),
        }
        for name, count in counts.items():
            self.most[name] = max(self.most[name], count)
            if count > self.LIMITS[name]:
                self.broken(f"the outbox holds {count} {name}, more than {self.LIMITS[name]}")


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

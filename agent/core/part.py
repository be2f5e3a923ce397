"""What every part of the core is: events go in, events for the other parts and effects for the outside come out."""

import math
from collections.abc import Sequence
from typing import Any

from agent.core.effects import Effect
from agent.core.events import Event

Output = Event | Effect
Outputs = Sequence[Output]


class Part:
    """A small state machine. It sees only the events it `listens` to, in order; `deadline` is when it next wants to act by itself."""

    name: str = "part"
    listens: tuple[type[Event], ...] = ()
    actions: tuple[str, ...] = ()
    """What the officer may do by name (`ActionTaken`, to which it then listens): it answers the asker with an Answer."""

    @property
    def deadline(self) -> float:
        """When it next wants to act, monotonic seconds; infinity for never. May change only while it handles or expires."""
        return math.inf

    def handle(self, event: Event) -> Outputs:
        """Take one event."""
        raise AssertionError(f"{self.name} listens to {type(event).__name__} and does not handle it")

    def expire(self) -> Outputs:
        """Act at `deadline`, as if it were exactly that time now; must move the deadline."""
        raise AssertionError(f"{self.name} set a deadline and does not expire")

    def status(self, now: float) -> dict[str, Any]:
        """What somebody at the local socket is told; empty when there is nothing to tell."""
        return {}

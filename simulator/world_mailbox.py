"""The way from the adapters to the core: events go in, and come out as the faults will have it, once, twice, late or never.

Never touched: what the process itself puts in (`put`): Started, StopRequested, AdapterDied.
"""

import math
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from agent.core.events import (
    Acked,
    Antenna,
    Asked,
    ClockRead,
    Edge,
    Event,
    Fix,
    Forgotten,
    InputsFailed,
    Levels,
    LightsShown,
    LinkDown,
    LinkUp,
    Loaded,
    OutputFailed,
    OutputPulsed,
    Probed,
    Pruned,
    Recalled,
    Received,
    ReceiverDown,
    ReceiverHeard,
    ReceiverSpoke,
    ReceiverUp,
    Refused,
    Remembered,
    Sky,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    SpoolQuarantined,
    Stored,
    Subscribed,
    Traffic,
    Vitals,
)

if TYPE_CHECKING:
    from simulator.world import World

LATE_SHARE = 0.2
"""Of the events that may be late, so many are; those behind them wait."""

ADAPTERS: dict[type[Event], str] = {
    **dict.fromkeys((ReceiverUp, ReceiverDown, ReceiverHeard, ReceiverSpoke, Fix, Sky, Antenna), "gnss"),
    **dict.fromkeys((Edge, Levels, InputsFailed), "inputs"),
    **dict.fromkeys((LightsShown, OutputFailed, OutputPulsed), "outputs"),
    **dict.fromkeys((ClockRead, Vitals), "vitals"),
    Asked: "local_socket",
    **dict.fromkeys((SpoolOpened, SpoolDown, SpoolFull, SpoolQuarantined), "spool"),
    **dict.fromkeys((Stored, Remembered, Forgotten, Loaded, Recalled, Pruned), "spool"),
    **dict.fromkeys((LinkUp, LinkDown, Subscribed, Acked, Refused, Received, Probed, Traffic), "broker"),
}
"""Whose thread posts what."""


class Meddling(msgspec.Struct):
    """What happens to events between adapter and mailbox: probabilities, and seconds of delay at most."""

    lost: float = 0.0
    doubled: float = 0.0
    late_s: float = 0.0

    @property
    def on(self) -> bool:
        """Anything at all."""
        return bool(self.lost or self.doubled or self.late_s)


class WorldMailbox:
    """The mailbox of the process that runs, and what stands between it and the adapters."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.waiting: deque[Event] = deque()
        self.meddling = Meddling()
        self._disturbed_until = -math.inf
        self._late: dict[str, float] = {}
        self._process = 0

    def put(self, event: Event) -> None:
        """The process says something to itself."""
        self.waiting.append(event)

    def clear(self) -> None:
        """The process is gone."""
        self._process += 1
        self.waiting.clear()

    def post(self, event: Event) -> None:
        """An adapter says something."""
        if self._late and not self.meddling.on and max(self._late.values()) < self._world.now:
            self._late.clear()
        if self.meddling.on or self._late:
            self._meddle(event)
        else:
            self.waiting.append(event)

    def disturb(self, lasts_s: float) -> None:
        """What the core hears is not to be relied upon for so long."""
        self._disturbed_until = max(self._disturbed_until, self._world.now + lasts_s)

    def disturbed_since(self, at: float) -> bool:
        """Whether an event may have been lost, doubled or late since then."""
        return self.meddling.on or self._disturbed_until >= at

    def _meddle(self, event: Event) -> None:
        rng, counts = self._world.rng, self._world.counts
        self.disturb(self.meddling.late_s)
        if rng.random() < self.meddling.lost:
            counts["events lost"] += 1
            return
        for copy in range(1 + (rng.random() < self.meddling.doubled)):
            counts["events doubled"] += copy
            self._hand_in(event)

    def _hand_in(self, event: Event) -> None:
        """Now or late; those of one adapter in their order, as they come from one thread."""
        rng, now = self._world.rng, self._world.now
        adapter = ADAPTERS[type(event)]
        due = max(self._late.get(adapter, 0.0), now)
        if self.meddling.late_s and rng.random() < LATE_SHARE:
            due = max(due, now + rng.random() * self.meddling.late_s)
        if due == now:
            self.waiting.append(event)
            return
        self._world.counts["events late"] += 1
        self._late[adapter] = due
        self._world.after(due - now, self._post_late, event, self._process)

    def _post_late(self, event: Event, process: int) -> None:
        if process == self._process:
            self.waiting.append(event)

"""Promises about the way to the broker; see `promises`."""

import math
from typing import TYPE_CHECKING

from agent.core.effects import Connect, Disconnect
from agent.core.endpoints import RETURN_S_MAX
from agent.core.events import LinkDown, LinkUp, Received, Subscribed
from simulator.facts import Booted, Died, Given, Pulse, Sent, Written
from simulator.promises import Promise
from simulator.world_broker import SESSION_MESSAGES_MAX

if TYPE_CHECKING:
    from simulator.world import World


class Homecoming(Promise):
    """The order of the endpoints is an order of preference."""

    name = "homecoming"
    sentence = "A unit away from its first endpoint is back once that has been well, and nobody in need, for as long as it may wait."
    hears = ((LinkUp, "up"), (Booted, "booted"), (Pulse, "pulse"))

    LIMIT_S = RETURN_S_MAX + 300.0
    """The longest wait between two returns, and time for a probe, a quiet moment and a connection."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._away = False
        self._waited_s = 0.0
        self._pulse_at = 0.0
        self.returns = 0

    def up(self, up: LinkUp) -> None:
        """A link, perhaps away."""
        first = up.endpoint == self.world.config.mqtt.endpoints[0]
        self.returns += first and self._away
        self._away = not first

    def booted(self, _: Booted) -> None:
        """A new boot begins at the first."""
        self._away = False

    def pulse(self, _: Pulse) -> None:
        """The time runs while it is away, stands in an alarm, and begins anew after any trouble, of which a longer wait may have come."""
        world = self.world
        broker = world.broker
        passed_s, self._pulse_at = world.now - self._pulse_at, world.now
        trouble = broker.first_shut or broker.refusing or broker.outage or broker.hole or broker.old or not broker.connected
        if not self._away or trouble or world.unit is None or world.mailbox.disturbed_since(world.now - 60.0):
            self._waited_s = 0.0
        elif world.centre.quiet:
            self._waited_s += passed_s
        if self._waited_s > self.LIMIT_S:
            self.broken(f"it could have been back for {self._waited_s - self.LIMIT_S:.0f} s")


class _OnLink(Promise):
    """Knows since when the unit believes that it has a link."""

    hears: tuple[tuple[type, str], ...] = (
        (LinkUp, "up"),
        (LinkDown, "down"),
        (Connect, "down"),
        (Disconnect, "down"),
        (Died, "died"),
        (Pulse, "pulse"),
    )

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._up_at = math.inf

    def up(self, _: LinkUp) -> None:
        """There is one."""
        self._up_at = self.world.now

    def down(self, _: LinkDown | Connect | Disconnect) -> None:
        """There is none."""
        self._up_at = math.inf

    def died(self, _: Died) -> None:
        """Nobody believes anything."""
        self._up_at = math.inf

    @property
    def _disturbed(self) -> bool:
        return self.world.events_disturbed_since(self.world.now - self.world.pace.levels_s)

    @property
    def _dead(self) -> bool:
        return self.world.broker.outage or self.world.broker.hole


class AlarmsAtOnce(_OnLink):
    """Help does not queue."""

    name = "alarms at once"
    sentence = "With a link a new alarm leaves within two seconds, whatever else waits or is on the line."
    hears: tuple[tuple[type, str], ...] = (*_OnLink.hears, (Written, "written"), (Sent, "sent"))

    WITHIN_S = 2.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._waiting: dict[str, float] = {}

    def written(self, written: Written) -> None:
        """It waits from now on."""
        if written.facts["kind"] == "alarm":
            self._waiting.setdefault(written.name, self.world.now)

    def sent(self, sent: Sent) -> None:
        """It has left."""
        self._waiting.pop(sent.name, None)

    def died(self, died: Died) -> None:
        """What lies on disk has to be read first."""
        super().died(died)
        self._waiting.clear()

    def pulse(self, _: Pulse) -> None:
        """How long has each waited?"""
        late = [name for name, at in self._waiting.items() if self.world.now - max(at, self._up_at) > self.WITHIN_S]
        if late:
            self.broken(f"{', '.join(late)} has not left, and there is a link since {self._up_at:.1f} s")


class DeadLineNoticed(_OnLink):
    """A connection that stands and carries nothing is given up."""

    name = "a dead line is noticed"
    sentence = "A unit whose line carries nothing, in either direction, takes it for a link no longer than a minute."

    LIMIT_S = 60.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._since = math.inf

    def pulse(self, _: Pulse) -> None:
        """Does it still believe?"""
        dead = self._dead and self._up_at < math.inf and not self._disturbed
        self._since = min(self._since, self.world.now) if dead else math.inf
        if self.world.now - self._since > self.LIMIT_S:
            self.broken(f"nothing comes through since {self._since:.1f} s, and the unit has not noticed")


class OrdersWait(_OnLink):
    """The session is kept."""

    name = "orders wait"
    sentence = "An order that was given while the unit was away reaches it with the next link."
    hears: tuple[tuple[type, str], ...] = (*_OnLink.hears, (Subscribed, "subscribed"), (Given, "given"), (Received, "received"))

    LIMIT_S = 20.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._subscribed = False
        self._clear_since = math.inf
        self._waiting: dict[bytes, float] = {}

    def subscribed(self, _: Subscribed) -> None:
        """The broker keeps them from now on."""
        self._subscribed = True

    def given(self, given: Given) -> None:
        """It waits from now on."""
        if self._subscribed and len(self._waiting) < SESSION_MESSAGES_MAX:
            self._waiting[given.payload] = self.world.now

    def received(self, received: Received) -> None:
        """It is there."""
        self._waiting.pop(received.payload, None)

    def died(self, died: Died) -> None:
        """What was on its last steps is gone with the process."""
        if self._up_at < math.inf:
            self._waiting.clear()
        super().died(died)

    def pulse(self, _: Pulse) -> None:
        """How long could each have come?"""
        if self._disturbed:
            self._waiting.clear()
        now = self.world.now
        clear = self._up_at < math.inf and self.world.broker.connected and not self._dead
        self._clear_since = max(min(self._clear_since, now), self._up_at) if clear else math.inf
        if any(now - max(at, self._clear_since) > self.LIMIT_S for at in self._waiting.values()):
            given_at = min(self._waiting.values())
            self.broken(f"one given at {given_at:.1f} s has not come, and there is a link since {self._clear_since:.1f} s")


class OrdersAnswered(Promise):
    """The centre is not left waiting."""

    name = "orders are answered"
    sentence = "In the end every order to send again has been answered."

    def verdict(self) -> None:
        """What the clerk still waits for."""
        if not self.world.centre.clerk.settled:
            self.broken("the clerk still waits for an answer")


LINK_PROMISES: tuple[type[Promise], ...] = (Homecoming, AlarmsAtOnce, DeadLineNoticed, OrdersWait, OrdersAnswered)

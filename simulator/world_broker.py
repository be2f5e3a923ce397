"""Network and broker as the world has them: the link's effects go in; the link's events, and what the centre gets, come out.

As in `agent.adapters.broker`: one connection at a time, in the order of TCP; an earlier attempt says nothing any more; a Publish without a
connection is refused at once. The broker has a door for each endpoint of the unit, and the first may be shut. It keeps the session and
loses nothing that it has acknowledged. In an outage and in a black hole what is on its way stands still, and goes on when it ends, unless
the connection was given up before.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.core.effects import Connect, Disconnect, Effect, Probe, Publish, Subscribe, WatchLink
from agent.core.events import Acked, LinkDown, LinkUp, Probed, Received, Refused, Subscribed
from simulator.facts import Accepted, Denied, Mislaid, Sent
from simulator.world_bill import ANSWER_BYTES, FAILED_BYTES, HANDSHAKE_BYTES, MESSAGE_BYTES, WorldBill

if TYPE_CHECKING:
    from simulator.world import World

CONNECT_S = (0.05, 1.5)
"""Name, TCP, TLS and CONNECT over a mobile network."""

CONNECT_WITHIN_S = 10.0
"""As the adapter's: a connection without an answer is given up."""

TRIP_S = (0.02, 0.25)
"""One way over a mobile network."""

BYTES_PER_S = (8_000, 60_000)
"""A mobile network in the mountains, and in the city; drawn per connection."""

KEEPALIVE_LOST_S = (20.0, 40.0)
"""A client with a keepalive of 20 s notices a silent line after that."""

NETWORK_LOST_S = (0.5, 30.0)
"""An outage with a modem that says so, or without."""

STALL_LOST_S = (5.2, 6.2)
"""TCP gives up bytes that nobody acknowledges (TCP_USER_TIMEOUT)."""

SESSION_MESSAGES_MAX = 1000
"""Mosquitto's max_queued_messages."""


class _Connection:
    """One connection. `over`: the adapter says nothing of it any more; `cut`: what is on its way is lost too."""

    def __init__(self, connect: Connect, bytes_per_s: float, started_at: float) -> None:
        self.connect = connect
        self.bytes_per_s = bytes_per_s
        self.started_at = started_at
        self.up = False
        self.watched_s = 0.0
        self.over = False
        self.cut = False
        self.line_free_at = 0.0
        self.arrives_at = 0.0
        self.answers_at = 0.0
        self.stalled: list[Callable[[], None]] = []


class WorldBroker:
    """The line and the broker at its end."""

    def __init__(self, world: "World", deliver: Callable[[str, bytes], None]) -> None:
        """`deliver` is called with topic and payload of what the broker hands to the centre."""
        self._world = world
        self._deliver = deliver
        self._connection: _Connection | None = None
        self._subscribed = False
        self._session = False
        self._for_unit: list[tuple[str, bytes]] = []
        self.bill = WorldBill(world)
        # faults
        self.outage = False
        self.hole = False
        self.refusing = False
        self.first_shut = False
        self.old = False
        self.refusing_publishes = False
        self.answer_after_s = 0.0
        self.forgetful = False

    @property
    def connected(self) -> bool:
        """Whether the unit's adapter has a connection."""
        return self._connection is not None and self._connection.up

    @property
    def _dead_line(self) -> bool:
        return self.outage or self.hole

    # --- the adapter --------------------------------------------------------------------------------------------------------------

    def perform(self, effect: Effect) -> None:
        """Carry out an effect of the link other than Publish."""
        match effect:
            case Connect():
                self._leave(orderly=False)
                connection = _Connection(effect, self._world.rng.uniform(*BYTES_PER_S), self._world.now)
                self._connection = connection
                self._world.after(self._world.rng.uniform(*CONNECT_S), self._handshake, connection)
            case Disconnect(attempt=attempt):
                if self._connection is not None and self._connection.connect.attempt == attempt:
                    self._leave(orderly=not effect.will)
            case WatchLink(attempt=attempt, within_s=within_s):
                if self._connection is not None and self._connection.connect.attempt == attempt:
                    self._connection.watched_s = within_s
                    if self._dead_line and within_s:
                        self.lose_in_a_while(KEEPALIVE_LOST_S)
            case Probe(endpoint=endpoint):
                self._world.after(self._world.rng.uniform(*CONNECT_S), self._probed, endpoint)
            case Subscribe(attempt=attempt):
                if self.connected and self._connection is not None and self._connection.connect.attempt == attempt:
                    self._world.after(self._trip() * 2, self._subscribe, self._connection)

    def publish(self, sent: Sent) -> None:
        """Put a message on the line."""
        connection, now = self._connection, self._world.now
        if connection is None or not connection.up:
            self._world.post(Refused(self._world.mono(), sent.publish.token, "not connected", by_broker=False))
            return
        if self._dead_line:
            self._world.after(self._world.rng.uniform(*STALL_LOST_S), self._notice, connection)
        self.bill.count(len(sent.publish.topic) + len(sent.publish.payload) + MESSAGE_BYTES, 0)
        connection.line_free_at = max(connection.line_free_at, now) + len(sent.publish.payload) / connection.bytes_per_s
        connection.arrives_at = max(connection.arrives_at, connection.line_free_at + self._trip())
        self._world.after(connection.arrives_at - now, self._arrive, connection, sent)

    def _leave(self, orderly: bool) -> None:
        """The adapter lets go of the connection; without DISCONNECT the broker speaks the last will."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.over = True
            if connection.up and not orderly:
                self._deliver(connection.connect.will_topic, connection.connect.will_payload)

    def _lose(self, connection: _Connection, reason: str, wrong_protocol: bool = False) -> None:
        if connection is self._connection:
            self._leave(orderly=False)
            self._world.post(LinkDown(self._world.mono(), connection.connect.attempt, reason, wrong_protocol))

    def crash(self, power: bool) -> None:
        """The process is gone without a word; without power what is on its way is lost too."""
        if self._connection is not None:
            self._connection.cut = power
        self._leave(orderly=False)
        self.bill.crash()

    # --- the line -----------------------------------------------------------------------------------------------------------------

    def _trip(self) -> float:
        return self._world.rng.uniform(*TRIP_S)

    def _handshake(self, connection: _Connection) -> None:
        if connection is not self._connection:
            return
        if not self._dead_line:
            self.bill.count(*(FAILED_BYTES if self.refusing or self._shut(connection.connect.endpoint) else HANDSHAKE_BYTES))
        if self.outage and self._world.rng.random() < 0.5:
            self._lose(connection, "network is unreachable")
        elif self._dead_line:
            left_s = max(0.0, connection.started_at + CONNECT_WITHIN_S - self._world.now)
            self._world.after(left_s, self._lose, connection, f"no answer within {CONNECT_WITHIN_S:g} s")
        elif self.refusing or self._shut(connection.connect.endpoint):
            self._lose(connection, "connection refused")
        elif self.old and connection.connect.protocol == 5:
            self._lose(connection, "unsupported protocol version", True)
        else:
            connection.up = True
            connect = connection.connect
            self._world.post(LinkUp(self._world.mono(), connect.attempt, connect.endpoint, connect.protocol, self._session))
            self._session = True
            self._send_waiting()

    def _shut(self, endpoint: str) -> bool:
        return self.first_shut and endpoint == self._world.config.mqtt.endpoints[0]

    def shut_first(self) -> None:
        """The first door is shut from now on; who came in by it is thrown out."""
        self.first_shut = True
        if self._connection is not None and self._shut(self._connection.connect.endpoint):
            self._connection.cut = True
            self._lose(self._connection, "connection reset by peer")

    def _probed(self, endpoint: str) -> None:
        well = not (self._dead_line or self.refusing or self._shut(endpoint))
        self._world.post(Probed(self._world.mono(), endpoint, well, "" if well else "connection refused"))

    def _later(self, connection: _Connection, todo: Callable[[], None]) -> bool:
        """What comes while the line is dead waits for its end."""
        if self._dead_line and not connection.cut:
            connection.stalled.append(todo)
        return self._dead_line or connection.cut

    def resume(self) -> None:
        """The line is alive again: what stood still goes on."""
        connection = self._connection
        if connection is not None and not self._dead_line:
            stalled, connection.stalled = connection.stalled, []
            for todo in stalled:
                todo()
            self._send_waiting()

    def lose_in_a_while(self, wait_s: tuple[float, float]) -> None:
        """The adapter will notice that the line is dead, if it still is by then."""
        connection = self._connection
        if connection is not None and connection.up:
            wait = self._world.rng.uniform(*wait_s)
            self._world.after(min(wait, 2 * connection.watched_s) if connection.watched_s else wait, self._notice, connection)

    def _notice(self, connection: _Connection) -> None:
        if self._dead_line:
            connection.cut = True
            self._lose(connection, "keep alive time-out")

    def restart(self) -> None:
        """The broker goes down: every connection ends, what was not acknowledged is lost on the way."""
        if self._connection is not None:
            self._connection.cut = True
            self._lose(self._connection, "connection reset by peer")

    # --- the broker ---------------------------------------------------------------------------------------------------------------

    def _arrive(self, connection: _Connection, sent: Sent) -> None:
        if self._later(connection, lambda: self._arrive(connection, sent)):
            return
        publish = sent.publish
        refused = self.refusing_publishes
        if refused:
            self._world.tell(Denied(sent))
        else:
            if self.forgetful:
                self._world.tell(Mislaid(sent))
            else:
                self._deliver(publish.topic, publish.payload)
            self._world.tell(Accepted(sent))
        connection.answers_at = max(connection.answers_at, self._world.now + self._trip() + self.answer_after_s)
        self._world.after(connection.answers_at - self._world.now, self._answer, connection, publish, refused)

    def _answer(self, connection: _Connection, publish: Publish, refused: bool) -> None:
        if connection.over or self._later(connection, lambda: self._answer(connection, publish, refused)):
            return
        at = self._world.mono()
        self.bill.count(0, ANSWER_BYTES)
        self._world.post(Refused(at, publish.token, "quota exceeded") if refused else Acked(at, publish.token))

    def _subscribe(self, connection: _Connection) -> None:
        if connection.over or self._later(connection, lambda: self._subscribe(connection)):
            return
        self._subscribed = True
        self._world.post(Subscribed(self._world.mono(), connection.connect.attempt))

    # --- downwards ----------------------------------------------------------------------------------------------------------------

    def order(self, topic: str, payload: bytes) -> None:
        """The centre says something to the unit: kept in its session while it is away; lost when it never subscribed."""
        if self._subscribed and len(self._for_unit) < SESSION_MESSAGES_MAX:
            self._for_unit.append((topic, payload))
            self._send_waiting()

    def _send_waiting(self) -> None:
        if self._connection is not None and self._connection.up and self._for_unit:
            self._world.after(self._trip(), self._hand_over, self._connection)

    def _hand_over(self, connection: _Connection) -> None:
        """All that waits, in order; what finds the line dead stays in the session."""
        if connection.over or self._dead_line:
            return
        waiting, self._for_unit = self._for_unit, []
        for topic, payload in waiting:
            self.bill.count(ANSWER_BYTES, len(topic) + len(payload) + MESSAGE_BYTES)
            self._world.post(Received(self._world.mono(), topic, payload, False))

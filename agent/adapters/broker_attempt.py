"""One connection to a broker from its Connect to its end: commands in, link events out.

Two threads. `broker-connect-N` lives until paho's blocking `connect()` (name, TCP, TLS) returns, perhaps long after anybody waits for
it. `broker-N` is the only one that touches the client afterwards: it selects on the socket and on a wake-up pair, so that commands,
acknowledgements and messages are handled in one order, and no lock of ours meets paho's (one held around `publish()` and taken in
`on_publish` deadlocks; measured).
"""

import contextlib
import os
import queue
import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.adapters import broker_client, broker_socket
from agent.adapters.broker_files import Files
from agent.adapters.broker_heard import Heard, PubAck
from agent.adapters.broker_watch import Watch
from agent.adapters.traffic import Line, Meter, Payload
from agent.config import Mqtt
from agent.core.effects import Connect, Publish, Subscribe, WatchLink
from agent.core.events import Acked, Event, LinkDown, LinkUp, Refused, Subscribed

PULSE_S = 1.0
"""How often paho looks at its keepalive when nothing else happens."""

WITH_WILL = 0x04
"""Reason code of a DISCONNECT (MQTT 5, 3.14.2.1)."""

LINGER_S = 1.0
"""How long the end in order may take: to write what is still to be written, and until the broker has closed."""


class _Leave(NamedTuple):
    """The command to end in order; with `will`, the broker is to say the last will all the same."""

    will: bool


class Means(NamedTuple):
    """What every attempt of one adapter is made with. `post` must not block; `now` is seconds of the monotonic clock."""

    config: Mqtt
    client_id: str
    files: Files
    post: Callable[[Event], None]
    now: Callable[[], float]
    connect_within_s: float
    known: broker_socket.Known
    meter: Meter


class Attempt:
    """The connection of one Connect. `start`, `ask`, `leave`, `drop`, `join` are for the deciding thread and never block (`join` does)."""

    def __init__(self, connect: Connect, means: Means, after: "Attempt | None" = None) -> None:
        self.connect = connect
        self.connected = False
        self._means = means
        self._post = means.post
        self._now = means.now
        self._within_s = means.connect_within_s
        self._after = after
        self._muted = False
        # A newer Connect and a post of ours must not interleave; held for one post, never while paho runs.
        self._mute = threading.Lock()  # noqa: TID251  see above
        self._over = threading.Event()
        self._opened: queue.SimpleQueue[broker_client.Wired | str] = queue.SimpleQueue()
        self._commands: queue.SimpleQueue[Subscribe | Publish | WatchLink | _Leave] = queue.SimpleQueue()  # bounded by the outbox's window
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self._client: broker_client.Wired | None = None
        self._heard = Heard(connect, means.config.keepalive_s, means.now)
        self._watch = Watch()
        self._payload = Payload()
        self._line: Line | None = None
        self._tokens: dict[int, int] = {}
        self._left = False
        self._thread = threading.Thread(target=self._run, name=f"broker-{connect.attempt}", daemon=True)

    # --- for the deciding thread ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect: LinkUp or LinkDown follows within the bound."""
        self._thread.start()

    def ask(self, command: Subscribe | Publish | WatchLink) -> None:
        """Hand over a command; Subscribed, Acked, Refused or LinkDown follows, or nothing."""
        self._commands.put(command)
        self._wake()

    def leave(self, will: bool = False) -> None:
        """End in order: send what was asked before, then DISCONNECT. Nothing is posted from now on. `will`: see Disconnect."""
        self._silence()
        self._left = True
        self._commands.put(_Leave(will))
        self._wake()

    def drop(self) -> None:
        """End without a word to anybody. Nothing is posted from now on."""
        self._silence()
        self._over.set()
        self._wake()

    def join(self, timeout: float) -> None:
        """Wait for the end after `leave` or `drop`."""
        self._thread.join(timeout)

    def _silence(self) -> None:
        with self._mute:
            self._muted = True

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it wakes anyway; closed: it is gone anyway
            self._wake_w.send(b"\0")

    # --- the connecting thread ------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """DNS, TCP, TLS and the CONNECT packet."""
        where = broker_client.Endpoint(self.connect.endpoint, 0, False)
        try:
            where = broker_client.endpoint(self.connect.endpoint)
            # The one before us must have said goodbye (or be closed): else the broker would take our CONNECT for a takeover of its session,
            # and publish its last will.
            if self._after is not None:
                self._after.join(LINGER_S)
                self._after = None
            means = self._means
            client = broker_client.client(means.config, means.files, means.client_id, self.connect, where.tls, self._dial)
            client.connect_timeout = self._within_s
            client.payload = self._payload
            client.on_socket_open = self._on_socket_open
            self._heard.attach(client)
            properties = broker_client.connect_properties(self.connect.protocol)
            clean: dict[str, Any] = {} if properties is None else {"clean_start": False, "properties": properties}
            client.connect(where.host, where.port, means.config.keepalive_s, **clean)
        except (OSError, ValueError) as e:
            self._end_line()  # a TLS handshake that fails is on the bill
            self._opened.put(broker_client.in_plain_words(e, where, self._within_s))
        else:
            self._opened.put(client)
            if self._over.is_set():
                self._close_late()
        self._wake()

    def _close_late(self) -> None:
        """End a connection for which nobody waits any more. Its CONNECT is out, so DISCONNECT, lest the broker publish the last will."""
        try:
            late = self._opened.get_nowait()
        except queue.Empty:
            return
        if not isinstance(late, str):
            _say_goodbye(late, self._now() + LINGER_S, self._now)
            self._end_line()

    def _on_socket_open(self, _client: Client, _userdata: object, sock: Any) -> None:
        if self._over.is_set():  # before CONNECT is sent: one that comes late would throw the newer attempt out of our session
            sock.close()
            raise ConnectionAbortedError("given up")

    def _dial(self, host: str, port: int) -> socket.socket:
        sock = broker_socket.open_tcp(host, port, self._within_s, self._now, self._over.is_set, self._means.known)
        broker_socket.set_options(sock)
        self._line = self._means.meter.line(sock, self._payload)
        return sock

    def _end_line(self) -> None:
        """The client's socket is closed: count what it moved, and close for good."""
        if self._line is not None:
            self._line.close()

    # --- the thread of the connection -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        deadline = self._now() + self._within_s
        try:
            threading.Thread(target=self._open, name=f"broker-connect-{self.connect.attempt}", daemon=True).start()
            client = self._wait_for_client(deadline)
            if client is not None:
                self._client = client
                self._serve(client, deadline)
        finally:
            self.connected = False
            self._over.set()
            self._wake_r.close()
            self._wake_w.close()
            if self._client is not None:
                _close(self._client)
                self._end_line()
            else:
                self._close_late()

    def _wait_for_client(self, deadline: float) -> "broker_client.Wired | None":
        while not (self._over.is_set() or self._left):
            if not self._opened.empty():
                found = self._opened.get()
                if isinstance(found, str):
                    self._give_up(found)
                    return None
                return found
            left_s = deadline - self._now()
            if left_s <= 0:
                self._give_up(f"{self.connect.endpoint} did not answer within {self._within_s:g} s")
                return None
            select.select([self._wake_r], [], [], left_s)
            self._drain_wake()
        return None

    def _serve(self, client: broker_client.Wired, deadline: float) -> None:
        """Until the link is down, given up, or left in order."""
        while self._say_seen() and not self._over.is_set():
            sock = client.socket()
            if sock is None:
                break  # on_disconnect has told why
            if not self.connected and self._now() >= deadline:
                self._give_up(f"{self.connect.endpoint} took the connection but did not answer CONNECT within {self._within_s:g} s")
                break
            # what TLS has read but not handed out yet, select does not see
            pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            timeout = 0.0 if pending else min(PULSE_S, PULSE_S if self.connected else max(0.0, deadline - self._now()))
            readable, writable, _ = select.select([sock, self._wake_r], [sock] if client.want_write() else [], [], timeout)
            if self._wake_r in readable:
                self._drain_wake()
                self._carry_out(client)
                if self._over.is_set():
                    break
            if pending or sock in readable:
                self._watch.heard(self._now())
                client.loop_read()
            if sock in writable:
                client.loop_write()
            client.loop_misc()
            self._means.meter.look()
            if self.connected and (reason := self._watch.look(self._now(), client)):
                self._give_up(reason)
                break

    def _give_up(self, reason: str) -> None:
        self._say(LinkDown(self._now(), self.connect.attempt, reason))

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_r.recv(4096)

    def _carry_out(self, client: broker_client.Wired) -> None:
        while not self._commands.empty():
            match self._commands.get():
                case Publish() as publish:
                    self._publish(client, publish)
                case Subscribe() as subscribe:
                    self._subscribe(client, subscribe)
                case WatchLink(within_s=within_s):
                    self._watch.begin(self._now(), client, within_s)
                case _Leave(will=will):
                    self._over.set()
                    _say_goodbye(client, self._now() + LINGER_S, self._now, will)
                    return

    def _publish(self, client: Client, wanted: Publish) -> None:
        properties = broker_client.publish_properties(self.connect.protocol, wanted.expiry_s)
        try:
            info = client.publish(wanted.topic, wanted.payload, wanted.qos, wanted.retain, properties)
        except ValueError as e:  # a topic with a wildcard, a payload above 256 MiB
            self._heard.seen.append(Refused(self._now(), wanted.token, str(e)))
            return
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._tokens[info.mid] = wanted.token
        else:
            self._heard.seen.append(Refused(self._now(), wanted.token, f"paho: {info.rc.name}", by_broker=False))

    def _subscribe(self, client: Client, wanted: Subscribe) -> None:
        if not wanted.topics:
            self._heard.seen.append(Subscribed(self._now(), self.connect.attempt))
            return
        v5 = self.connect.protocol == MQTTProtocolVersion.MQTTv5
        try:
            rc, mid = client.subscribe(
                [(topic, SubscribeOptions(qos=1)) for topic in wanted.topics] if v5 else [(topic, 1) for topic in wanted.topics]
            )
        except ValueError:  # paho refuses an ill-formed filter before any broker could
            self._heard.seen.append(Subscribed(self._now(), self.connect.attempt, wanted.topics))
            return
        if rc == MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
            self._heard.subscriptions[mid] = wanted.topics

    def _say_seen(self) -> bool:
        """Post what the callbacks saw; False once the link is down."""
        for event in self._heard.take():
            match event:
                case PubAck():
                    self._settle(event)
                case LinkDown():
                    self.connected = False
                    self._say(event)
                    return False
                case LinkUp():
                    self.connected = True  # before the event is out: its answer may be a Publish
                    self._say(event)
                case _:
                    self._say(event)
        return True

    def _settle(self, ack: PubAck) -> None:
        token = self._tokens.pop(ack.mid, None)
        if token is None:
            return
        if ack.reason.is_failure:
            self._say(Refused(ack.at, token, f"the broker refused it: {ack.reason}"))
        else:
            self._say(Acked(ack.at, token))

    def _say(self, event: Event) -> None:
        with self._mute:
            if not self._muted:
                self._post(event)


def _say_goodbye(client: Client, deadline: float, now: Callable[[], float], will: bool = False) -> None:
    """Write what is left and DISCONNECT, then wait until the broker closes.

    `will`: the broker is to publish the last will if we are not back within the will's delay (MQTT 5, 3.14.2.1: reason 0x04); in 3.1.1
    it does so, at once, when there is no DISCONNECT.

    paho closes as soon as DISCONNECT is written. With a PUBACK still on its way to us that is a reset, on which Mosquitto publishes the
    last will although it had the DISCONNECT (seen); so a second descriptor holds the connection open until the broker is done.
    """
    sock = client.socket()
    if sock is None:
        return
    with socket.socket(fileno=os.dup(sock.fileno())) as held, contextlib.suppress(OSError):
        if client.protocol == MQTTProtocolVersion.MQTTv5:
            client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=WITH_WILL if will else 0))
        elif not will:
            client.disconnect()
        while client.socket() is not None and client.want_write() and (left_s := deadline - now()) > 0:
            select.select([], [held], [], left_s)
            client.loop_write()
        _close(client)
        held.shutdown(socket.SHUT_WR)
        while (left_s := deadline - now()) > 0 and select.select([held], [], [], left_s)[0] and held.recv(4096):
            pass


def _close(client: Client) -> None:
    """Close the socket under paho: no DISCONNECT, no callback."""
    sock = client.socket()
    if sock is not None:
        sock.close()

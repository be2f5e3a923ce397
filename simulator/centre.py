"""The small command centre: a broker's URL in; what the units say (`simulator.ledger`) and the human's answers to alarms out.

A reference consumer on its own paho client, which shares nothing with the agent but the contract: MQTT 5, else 3.1.1; without a session
of its own; it connects again by itself.
"""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.wire import topics
from simulator.ledger import Arrival, Ledger
from simulator.orders import plain_order

RETRY_S = 0.2
"""Pause between two attempts to connect."""

KEEPALIVE_S = 10

UNSUPPORTED_PROTOCOL_VERSION = 0x84
"""MQTT 5, 3.2.2.2; paho gives it too when a 3.1.1 broker answers."""


class Centre:
    """Listens to all units under `root`. `on_change` is called with each arrival, in the thread of the connection; it must not block."""

    def __init__(self, url: str, root: str = topics.ROOT_DEFAULT, on_change: Callable[[Arrival], None] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise ValueError(f"{url!r} is not mqtt://host:port")
        self.ledger = Ledger(root)
        self.root = root
        self.protocol = MQTTProtocolVersion.MQTTv5
        self._where = (parts.hostname, parts.port or 1883)
        self._on_change = on_change
        self._client: Client | None = None
        self._listening = threading.Event()
        self._ended = threading.Event()
        self._closed = threading.Event()
        self._waiters: list[threading.Event] = []
        self._thread = threading.Thread(target=self._run, name="centre", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def close(self) -> None:
        """End; the thread is gone."""
        self._closed.set()
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    # --- reading --------------------------------------------------------------------------------------------------------------------

    @property
    def listening(self) -> bool:
        """Connected, and the subscriptions are granted."""
        return self._listening.is_set()

    def wait_until_listening(self, timeout: float = 10.0) -> None:
        """Wait until everything that is said is heard.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        if not self._listening.wait(timeout):
            raise TimeoutError(f"the centre is not connected to {self._where[0]}:{self._where[1]} after {timeout:g} s")

    def records(self) -> list[Arrival]:
        """All that came, in order of arrival, as it is now."""
        return self.ledger.arrivals()

    def wait_for(self, predicate: Callable[[Arrival], bool], timeout: float = 10.0, since: int = 0) -> Arrival:
        """The first arrival from number `since` on, past or to come, for which `predicate` holds.

        Raises:
            TimeoutError: none within `timeout` seconds; says what came.
        """
        deadline = time.monotonic() + timeout
        news = threading.Event()
        self._waiters.append(news)
        try:
            looked_at = since
            while True:
                news.clear()
                for arrival in self.ledger.arrivals(looked_at):
                    looked_at = arrival.number + 1
                    if predicate(arrival):
                        return arrival
                if not news.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"not within {timeout:g} s; came since: {[a.topic for a in self.ledger.arrivals(since)][-20:]}")
        finally:
            self._waiters.remove(news)

    # --- what a human at the centre does --------------------------------------------------------------------------------------------

    def acknowledge(self, unit: str, alarm_id: str) -> str:
        """Say that somebody has seen the alarm; the order's name.

        Raises:
            ConnectionError: there is no connection.
        """
        return self.order(unit, "alarm.ack", {"alarm": alarm_id})

    def clear(self, unit: str, alarm_id: str, reason: str) -> str:
        """Say that the alarm is over; the order's name.

        Raises:
            ConnectionError: there is no connection.
        """
        return self.order(unit, "alarm.clear", {"alarm": alarm_id, "reason": reason})

    def order(self, unit: str, kind: str, body: dict[str, Any]) -> str:
        """Send a plain development order of any kind; its name.

        Raises:
            ConnectionError: there is no connection.
        """
        client, jti = self._client, str(uuid.uuid4())
        iat = time.time()  # noqa: TID251  a centre has a clock, and an order says when it was given
        if client is None or not self.listening:
            raise ConnectionError("the centre is not connected")
        info = client.publish(topics.down(self.root, unit, kind), plain_order(kind, body, jti, iat), qos=1)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionError(f"the order could not be sent: {info.rc.name}")
        return jti

    # --- the connection -------------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed.is_set():
            client = self._make()
            self._ended.clear()
            try:
                client.connect(*self._where, KEEPALIVE_S)
            except OSError:
                self._closed.wait(RETRY_S)
                continue
            self._client = client
            client.loop_start()
            while not (self._ended.wait(1.0) or self._closed.is_set()):
                pass
            self._listening.clear()
            self._client = None
            client.disconnect()
            client.loop_stop()
            # else a cycle keeps paho's wake-up sockets open until the gc comes
            client.on_connect = client.on_disconnect = client.on_subscribe = client.on_message = None
            if not self._closed.is_set():
                self._closed.wait(RETRY_S)

    def _make(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, f"centre-{uuid.uuid4().hex[:12]}", protocol=self.protocol, reconnect_on_failure=False
        )
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: Client, _userdata: object, _flags: ConnectFlags, reason: ReasonCode, _p: Properties | None) -> None:
        if reason.is_failure:
            if reason.value == UNSUPPORTED_PROTOCOL_VERSION:
                self.protocol = MQTTProtocolVersion.MQTTv311
            return
        client.subscribe([(f"{self.root}/u/+/up/+", 1), (f"{self.root}/u/+/state/+", 1)])

    def _on_subscribe(self, _c: Client, _u: object, _mid: int, reasons: list[ReasonCode], _p: Properties | None) -> None:
        if not any(reason.is_failure for reason in reasons):
            self._listening.set()

    def _on_disconnect(self, _c: Client, _u: object, _flags: DisconnectFlags, _reason: ReasonCode, _p: Properties | None) -> None:
        self._listening.clear()
        self._ended.set()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        arrival = self.ledger.feed(topic, bytes(message.payload), time.monotonic())
        for waiter in tuple(self._waiters):
            waiter.set()
        if self._on_change is not None:
            self._on_change(arrival)

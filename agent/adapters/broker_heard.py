"""What paho calls back, noted as events of the core: nothing is posted, decided or raised inside paho.

An exception in a callback would kill paho's loop, and `on_publish` runs under paho's own lock; so the thread of the connection takes what
was noted once paho has returned.
"""

import ssl
import sys
from collections.abc import Callable
from typing import NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import LogLevel, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.core.effects import Connect
from agent.core.events import Event, LinkDown, LinkUp, Received, Subscribed

UNSUPPORTED_PROTOCOL_VERSION = 0x84
"""Reason code of a CONNACK (MQTT 5, 3.2.2.2). paho gives it too when a 3.1.1 CONNACK with code 1 answers a v5 CONNECT, as NATS does."""

RECEIVE_MAX = 65_535
"""What a broker that states no Receive Maximum takes (MQTT 5, 3.2.2.3.3)."""


class PubAck(NamedTuple):
    """A message was acknowledged or refused; a QoS 0 message was written."""

    at: float
    mid: int
    reason: ReasonCode


class Heard:
    """The callbacks of one client and what they saw, in order."""

    def __init__(self, connect: Connect, keepalive_s: int, now: Callable[[], float]) -> None:
        self.seen: list[Event | PubAck] = []
        self.subscriptions: dict[int, tuple[str, ...]] = {}
        self._connect = connect
        self._keepalive_s = keepalive_s
        self._now = now
        self._answered = False
        self._trouble: str | None = None
        self._hung_up: str | None = ""  # an end of file: of that nothing is logged

    def attach(self, client: Client) -> None:
        """Become the callbacks of this client."""
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_log = self._on_log

    def take(self) -> list[Event | PubAck]:
        """What was seen since the last call."""
        seen, self.seen = self.seen, []
        return seen

    def _on_connect(self, _c: Client, _u: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        at, connect = self._now(), self._connect
        self._answered = True
        if reason.is_failure:
            wrong = reason.value == UNSUPPORTED_PROTOCOL_VERSION
            self.seen.append(LinkDown(at, connect.attempt, f"the broker refused us: {reason}", wrong_protocol=wrong))
            return
        self._keepalive_s = getattr(properties, "ServerKeepAlive", self._keepalive_s)  # paho obeys it
        receive_max = getattr(properties, "ReceiveMaximum", RECEIVE_MAX)
        bytes_max = getattr(properties, "MaximumPacketSize", None)
        self.seen.append(LinkUp(at, connect.attempt, connect.endpoint, connect.protocol, flags.session_present, receive_max, bytes_max))

    def _on_disconnect(self, _c: Client, _u: object, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None) -> None:
        text, wrong = self._why(flags.is_disconnect_packet_from_server, reason)
        self.seen.append(LinkDown(self._now(), self._connect.attempt, text, wrong_protocol=wrong))

    def _why(self, broker_said: bool, reason: ReasonCode) -> tuple[str, bool]:
        """Why the connection ended, and whether it was for the version of the protocol."""
        if broker_said:
            return f"the broker ended the connection: {reason}", reason.value == UNSUPPORTED_PROTOCOL_VERSION
        detail = f": {self._trouble}" if self._trouble else ""
        hung_up = self._hung_up
        v5 = self._connect.protocol == MQTTProtocolVersion.MQTTv5
        text, wrong = "the broker closed the connection", False
        match str(reason):  # a reason code that paho made up from its own error
            case "Protocol error" if not self._answered and not detail and not v5:
                # For code 1 of a 3.1.1 CONNACK paho says just this, calls no on_connect, logs nothing; for a bad length too. To try the
                # other version is right for the one and harmless for the other.
                text, wrong = "the broker refused MQTT 3.1.1, or what it said is not MQTT", True
            case "Protocol error":
                text = f"the broker sent what is not MQTT{detail}"
            case "Keep alive timeout":
                text = f"nothing heard from the broker for longer than the keepalive of {self._keepalive_s} s"
            case _ if hung_up is not None and not self._answered and self._connect.endpoint.startswith("mqtts://"):
                # In TLS 1.3 our side is done before the broker has looked at our certificate (RFC 8446, 4.4.2): its refusal ends up here.
                text = f"the broker ended the TLS connection before it answered CONNECT; it may not accept mqtt.cert{hung_up}"
            case _ if hung_up is not None and not self._answered:
                text = f"the broker closed the connection before it answered CONNECT{hung_up}"
            case _ if detail:
                text = f"connection lost{detail}"
        return text, wrong

    def _on_subscribe(self, _c: Client, _u: object, mid: int, reasons: list[ReasonCode], _properties: Properties | None) -> None:
        topics = self.subscriptions.pop(mid, ())
        refused = tuple(topic for topic, reason in zip(topics, reasons, strict=False) if reason.is_failure)
        self.seen.append(Subscribed(self._now(), self._connect.attempt, refused))

    def _on_publish(self, _c: Client, _u: object, mid: int, reason: ReasonCode, _properties: Properties | None) -> None:
        # paho calls this before publish() has returned when a QoS 0 message is written at once: looked up later, in _settle
        self.seen.append(PubAck(self._now(), mid, reason))

    def _on_message(self, _c: Client, _u: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic of anybody's: the core passes it over and counts it
        self.seen.append(Received(self._now(), topic, bytes(message.payload), message.retain))

    def _on_log(self, _c: Client, _u: object, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR or text.startswith("Received malformed"):
            self._trouble = text
            self._hung_up = _hung_up(sys.exception())  # paho logs where it has caught it; its text tells kinds of errors apart no longer


def _hung_up(error: BaseException | None) -> str | None:
    """How the other side ended the connection, in brackets; None when it was not the other side.

    A close is met as an end of file, a reset or a broken pipe, by whether CONNECT had been read, was on its way or still to be written
    just then: nothing that the person who reads it can mend, so the sentence is one.
    """
    match error:
        case ConnectionResetError() | BrokenPipeError():
            return f" ({error.strerror})"
        case ssl.SSLError():
            return f" ({error})"
    return None

"""Config and one Connect in, a paho client with everything set but nothing opened out; and what went wrong on the way, in plain words."""

import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.adapters.broker_files import Files, secret
from agent.adapters.traffic import Payload
from agent.config import Mqtt
from agent.core.effects import Connect

SESSION_EXPIRY_S = 7 * 86_400
"""How long the broker keeps our session, and with it the orders that came while we were away: as long as a car may stand in a garage."""

WILL_DELAY_S = 5
"""A connection that is back so soon was never reported as lost."""

PACKET_BYTES_MAX = 1_048_576 + 65_536
"""The largest packet we let a v5 broker send: the largest record (`agent.wire.codec`) and room for topic and properties."""

CONTENT_TYPE = "application/msgpack"


class Endpoint(NamedTuple):
    """Where a broker listens."""

    host: str
    port: int
    tls: bool


def endpoint(url: str) -> Endpoint:
    """`mqtt://host:port` or `mqtts://host:port` taken apart; ports 1883 and 8883 when it names none (IANA).

    Raises:
        ValueError: another scheme, no host, or a port that is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError(f"{url!r} is not mqtt://host:port or mqtts://host:port")
    tls = parts.scheme == "mqtts"
    return Endpoint(parts.hostname, parts.port or (8883 if tls else 1883), tls)


class Wired(Client):
    """paho's client with another way to its TCP connection, a ping when we want one, and a count of what it writes and reads.

    The names are paho's own and not public; `tests/adapters/test_broker_lines.py` says when they are gone.
    """

    dial: Callable[[str, int], socket.socket]
    payload: Payload

    def _create_socket_connection(self) -> socket.socket:
        return self.dial(self.host, self.port)

    def _sock_recv(self, bufsize: int) -> bytes:
        data = super()._sock_recv(bufsize)
        self.payload.down += len(data)
        return data

    def _sock_send(self, buf: bytes | bytearray) -> int:
        size = super()._sock_send(buf)
        self.payload.up += size
        self.payload.writes += 1
        return size

    def ping(self) -> None:
        """PINGREQ."""
        self._send_pingreq()


def client(
    config: Mqtt, files: Files, client_id: str, connect: Connect, tls: bool, dial: Callable[[str, int], socket.socket]
) -> Wired:
    """A new client for this attempt: persistent session, last will, credentials; it never queues and never reconnects by itself.

    `dial` makes the TCP connection to a host and a port.

    Raises:
        OSError, ValueError: a file named by the config cannot be used.
    """
    v5 = connect.protocol == MQTTProtocolVersion.MQTTv5
    made = Wired(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if v5 else False,
        protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    made.dial, made.payload = dial, Payload()
    made.max_inflight_messages = 0  # no limit: the outbox owns the window, and what paho queued would be sent out of its sight
    will = None
    if v5:
        will = Properties(PacketTypes.WILLMESSAGE)
        will.WillDelayInterval = WILL_DELAY_S
        will.ContentType = CONTENT_TYPE
    made.will_set(connect.will_topic, connect.will_payload, qos=1, retain=True, properties=will)
    if config.username is not None:
        password = secret(config.password_file).read_text("utf-8").rstrip("\r\n") if config.password_file is not None else None
        made.username_pw_set(config.username, password)
    if tls:
        made.tls_set_context(files.context())
    return made


def connect_properties(protocol: int) -> Properties | None:
    """What a v5 CONNECT says besides: keep our session, and spare us packets that we could not hold."""
    if protocol != MQTTProtocolVersion.MQTTv5:
        return None
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.MaximumPacketSize = PACKET_BYTES_MAX
    return properties


def publish_properties(protocol: int, expiry_s: int | None) -> Properties | None:
    """What a v5 PUBLISH says besides."""
    if protocol != MQTTProtocolVersion.MQTTv5:
        return None
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = CONTENT_TYPE
    if expiry_s is not None:
        properties.MessageExpiryInterval = expiry_s
    return properties


def in_plain_words(error: Exception, where: Endpoint, within_s: float) -> str:
    """Why no connection could be opened."""
    at = f"{where.host}:{where.port}"
    match error:
        case socket.gaierror():
            return f"the name {where.host} cannot be resolved: {error.strerror}"
        case ConnectionRefusedError():
            return f"nobody listens at {at}"
        case TimeoutError():
            return f"{at} did not answer within {within_s:g} s"
        case ConnectionResetError() | BrokenPipeError():  # the earliest of the closes that broker_heard.py tells of
            return f"the broker closed the connection before it answered CONNECT ({error.strerror})"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {at} is not accepted: {error.verify_message or error}"
        case ssl.SSLError():
            return f"TLS with {at} failed: {error.reason or error}"
        case OSError(filename=str(name)) if name:
            return f"{name}: {error.strerror}"
        case _:
            return f"no connection to {at}: {error}"

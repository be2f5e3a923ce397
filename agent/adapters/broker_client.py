"""Config and one Connect in, a paho client with everything set but nothing opened out; and what went wrong on the way, in plain words."""

import socket
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.config import Mqtt
from agent.core.effects import Connect

SESSION_EXPIRY_S = 7 * 86_400
"""How long the broker keeps our session, and with it the orders that came while we were away: as long as a car may stand in a garage."""

WILL_DELAY_S = 5
"""A connection that is back so soon was never reported as lost."""

PACKET_BYTES_MAX = 1_048_576 + 65_536
"""The largest packet we let a v5 broker send: the largest record (`agent.wire.codec`) and room for topic and properties."""

TCP_USER_TIMEOUT_MS = 6_000
"""Sent bytes that nobody acknowledges for so long end the connection. Without it a half-open link costs two keepalives (measured 118 s)."""

CONTENT_TYPE = "application/msgpack"


class Endpoint(NamedTuple):
    """Where a broker listens."""

    host: str
    port: int
    tls: bool


class _Socket(ssl.SSLSocket):
    """paho forgets a TLS socket whose handshake fails; this one closes itself."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


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


def secret(path: str) -> Path:
    """The file of a secret, after a look at who may read it.

    Raises:
        OSError: it is not there.
        PermissionError: group or others may read it.
    """
    file = Path(path)
    mode = file.stat().st_mode
    if mode & 0o077:
        raise PermissionError(f"{path} has mode {mode & 0o777:04o}: others may read this secret; set it to 0600")
    return file


def tls_context(config: Mqtt) -> ssl.SSLContext:
    """TLS 1.2 or later; the broker's certificate must be of the configured authority (else of the system's) and of that host name.

    Raises:
        OSError: a file is missing, unreadable, no certificate, or a key that others may read.
    """
    for path in (config.ca, config.cert):
        if path is not None:
            Path(path).stat()  # ssl's own error does not say which file is missing
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=config.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Socket
    if config.cert is not None:
        context.load_cert_chain(config.cert, str(secret(config.key)) if config.key is not None else None)
    return context


def client(config: Mqtt, client_id: str, connect: Connect, tls: bool) -> Client:
    """A new client for this attempt: persistent session, last will, credentials; it never queues and never reconnects by itself.

    Raises:
        OSError, ValueError: a file named by the config cannot be used.
    """
    v5 = connect.protocol == MQTTProtocolVersion.MQTTv5
    made = Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if v5 else False,
        protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
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
        made.tls_set_context(tls_context(config))
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


def set_socket_options(sock: socket.socket) -> None:
    """No Nagle (it holds a small message back for 40 ms, measured), and a bound on bytes that nobody acknowledges (Linux only)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        sock.setsockopt(socket.IPPROTO_TCP, option, TCP_USER_TIMEOUT_MS)


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
        case ssl.SSLCertVerificationError():
            return f"the certificate of {at} is not accepted: {error.verify_message or error}"
        case ssl.SSLError():
            return f"TLS with {at} failed: {error.reason or error}"
        case OSError(filename=str(name)) if name:
            return f"{name}: {error.strerror}"
        case _:
            return f"no connection to {at}: {error}"

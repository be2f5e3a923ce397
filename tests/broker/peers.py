"""Who talks to the shipped broker: an honest or a wicked client over paho, and packets written by hand over TLS."""

import queue
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

WAIT_S = 10.0


class Came(NamedTuple):
    """A message that was delivered."""

    topic: str
    payload: bytes
    retained: bool = False


class _Socket(ssl.SSLSocket):
    """Closes itself when its handshake fails; paho forgets it."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def context(authority: Path, identity: Path | None) -> ssl.SSLContext:
    """Trust this authority alone; show the certificate `identity`.crt, or none."""
    made = ssl.create_default_context(cafile=authority)
    made.sslsocket_class = _Socket
    if identity is not None:
        made.load_cert_chain(identity.with_suffix(".crt"), identity.with_suffix(".key"))
    return made


class Peer:
    """A client with a persistent session at 127.0.0.1; `refused` says why there is no connection, None when there is one."""

    def __init__(
        self, port: int, tls: ssl.SSLContext, client_id: str, protocol: int = 5, will: Came | None = None, clean: bool = True
    ) -> None:
        self.came: queue.SimpleQueue[Came] = queue.SimpleQueue()
        self.ended = threading.Event()
        self.refused: str | None = None
        self.session_present = False
        self._settled = threading.Event()
        self._granted = threading.Event()
        self._pubacks: queue.SimpleQueue[str] = queue.SimpleQueue()
        v5 = protocol == 5
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else clean,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self.client.tls_set_context(tls)
        if will is not None:
            self.client.will_set(will.topic, will.payload, qos=1, retain=will.retained)
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._disconnected
        self.client.on_message = self._message
        self.client.on_subscribe = lambda *_: self._granted.set()
        self.client.on_publish = lambda _c, _u, _mid, reason, _p: self._pubacks.put(str(reason))
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0 if clean else 600
        try:
            if v5:
                self.client.connect("127.0.0.1", port, clean_start=clean, properties=properties)
            else:
                self.client.connect("127.0.0.1", port)
        except OSError as e:
            self.refused = str(e)
            return
        self.client.loop_start()
        assert self._settled.wait(WAIT_S)

    def _connected(self, _c: Client, _u: object, flags: ConnectFlags, reason: ReasonCode, _p: Properties | None) -> None:
        self.refused = str(reason) if reason.is_failure else None
        self.session_present = flags.session_present
        self._settled.set()

    def _disconnected(self, _c: Client, _u: object, _flags: DisconnectFlags, reason: ReasonCode, _p: Properties | None) -> None:
        if not self._settled.is_set():
            self.refused = str(reason)
        self.ended.set()
        self._settled.set()

    def _message(self, _c: Client, _u: object, message: MQTTMessage) -> None:
        self.came.put(Came(message.topic, bytes(message.payload), message.retain))

    def subscribe(self, *filters: str) -> "Peer":
        """And wait for the SUBACK, whatever it says: what counts is what is delivered."""
        self._granted.clear()
        self.client.subscribe([(wanted, 1) for wanted in filters])
        assert self._granted.wait(WAIT_S)
        return self

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> str:
        """The PUBACK's reason; an empty string when the broker ended the connection instead."""
        self.client.publish(topic, payload, qos=1, retain=retain)
        for _ in range(int(WAIT_S / 0.05)):
            try:
                return self._pubacks.get(timeout=0.05)
            except queue.Empty:
                if self.ended.is_set():
                    return ""
        raise AssertionError(f"no PUBACK for {topic}")

    def next(self) -> Came:
        """The next message that is delivered."""
        return self.came.get(timeout=WAIT_S)

    def die(self) -> None:
        """End without DISCONNECT, so that the broker publishes the last will."""
        sock = self.client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)
        self._stop()

    def close(self) -> None:
        """DISCONNECT, the thread is gone."""
        self.client.disconnect()
        self._stop()

    def _stop(self) -> None:
        self.client.loop_stop()
        # else a cycle keeps paho's wake-up sockets open until the gc comes
        self.client.on_connect = self.client.on_disconnect = self.client.on_subscribe = None
        self.client.on_publish = self.client.on_message = None


# --- by hand ------------------------------------------------------------------------------------------------------------------------


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def connect_packet(client_id: str) -> bytes:
    """MQTT 3.1.1, clean session, keepalive 60 s (3.1)."""
    body = _text("MQTT") + b"\x04\x02\x00\x3c" + _text(client_id)
    return b"\x10" + bytes([len(body)]) + body


def publish_packet(topic: str, payload: bytes) -> bytes:
    """QoS 0: at once, no answer needed (3.3)."""
    body = _text(topic) + payload
    assert len(body) < 128, "the length has one byte here"
    return b"\x30" + bytes([len(body)]) + body


CONNACK_ACCEPTED = b"\x20\x02\x00\x00"


def blurted(port: int, tls: ssl.SSLContext, name: str, message: Came) -> bytes:
    """CONNECT and PUBLISH in one breath, before any answer could forbid it; the broker's first answer, empty when it closed without one."""
    heard = b""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as plain,
            tls.wrap_socket(plain, server_hostname="127.0.0.1") as s,
        ):
            s.sendall(connect_packet(name) + publish_packet(message.topic, message.payload))
            heard = s.recv(64)
            s.sendall(b"\xe0\x00")  # DISCONNECT
            while s.recv(64):
                pass
    except (ssl.SSLError, ConnectionError):
        pass
    return heard

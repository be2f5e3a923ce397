"""What the broker adapter is tested against besides real brokers: a server that misbehaves by script, certificates, a watching client."""

import contextlib
import queue
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.timing import PATIENCE_S

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with zero time: close() sends a reset."""


class Scripted:
    """A TCP server on a free port that treats every caller by the same script."""

    def __init__(self, script: Callable[[socket.socket], None]) -> None:
        self._script = script
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.05)
        self._done = threading.Event()
        self.url = f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, name="scripted", daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with self._server:
            while not self._done.is_set():
                with contextlib.suppress(TimeoutError):
                    sock, _ = self._server.accept()
                    thread = threading.Thread(target=self._treat, args=(sock,), name="scripted-call", daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _treat(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(PATIENCE_S)
            self._script(sock)

    def close(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + 1)


def silent(sock: socket.socket) -> None:
    """Take everything, say nothing."""
    while sock.recv(4096):
        pass


def closing(sock: socket.socket) -> None:
    """Close at once."""


def closing_after_connect(sock: socket.socket) -> None:
    """Read CONNECT, then close: nothing unread, so no reset."""
    sock.recv(4096)


def resetting(sock: socket.socket) -> None:
    """Close at once by a reset, as a close does when something has come that nobody has read."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def resetting_after_connect(sock: socket.socket) -> None:
    """Read CONNECT, then reset, as a machine does whose broker has been killed."""
    sock.recv(4096)
    resetting(sock)


def saying(data: bytes) -> Callable[[socket.socket], None]:
    """Answer CONNECT with these bytes, then keep quiet."""

    def script(sock: socket.socket) -> None:
        sock.recv(4096)
        sock.sendall(data)
        silent(sock)

    return script


class Watcher:
    """A v5 client without a session that sees what others publish, with retained flag and properties."""

    def __init__(self, port: int, topic: str, protocol: int = 5) -> None:
        self.came: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._topic = topic
        version = MQTTProtocolVersion.MQTTv5 if protocol == 5 else MQTTProtocolVersion.MQTTv311
        self.client = Client(CallbackAPIVersion.VERSION2, f"watcher-{id(self)}", protocol=version, reconnect_on_failure=False)
        self.client.on_message = lambda _c, _u, m: self.came.put(m)
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_connect = self._connected
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._ready.wait(PATIENCE_S)

    def _connected(self, client: Client, _u: object, _flags: ConnectFlags, _reason: ReasonCode, _p: Properties | None) -> None:
        client.subscribe(self._topic, 1)

    def next(self, timeout: float = PATIENCE_S) -> MQTTMessage:
        return self.came.get(timeout=timeout)

    def say(self, topic: str, payload: bytes, retain: bool = False) -> None:
        sent = self.client.publish(topic, payload, qos=1, retain=retain)
        sent.wait_for_publish(PATIENCE_S)
        assert sent.is_published()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        # else a cycle keeps paho's wake-up sockets open until the gc comes
        self.client.on_connect = self.client.on_subscribe = self.client.on_message = None


def certificates(directory: Path) -> dict[str, Path]:
    """Made by openssl, P-256: an authority `ca`, another `other_ca`, a `server` for 127.0.0.1 only, a `client`; keys as `server_key` …"""
    made: dict[str, Path] = {}

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory, timeout=30)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other_ca"):
        openssl("req", "-x509", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
        made[name] = directory / f"{name}.pem"
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        openssl("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (directory / f"{name}.ext").write_text(extension)
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"),
            *("-out", f"{name}.pem", "-extfile", f"{name}.ext"),
        )
        made[name] = directory / f"{name}.pem"
        made[f"{name}_key"] = directory / f"{name}.key"
        made[f"{name}_key"].chmod(0o600)
    return made

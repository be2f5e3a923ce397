"""What the cluster is loaded with and judged by: numbered alarms with an own window, and a centre whose session outlives its node."""

import itertools
import queue
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.wire import codec, topics
from agent.wire.records import Alarm
from simulator.centre import Centre

ROOT = topics.ROOT_DEFAULT
UNIT = "load"
BOOT = "00000000feedbeef"
WINDOW = 50
CONNACK_WITHIN_S = 3.0


def place(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def alarm(seq: int) -> Alarm:
    """Number `seq` of the load."""
    id_ = f"{BOOT}-1"
    return Alarm(unit=UNIT, kind="alarm", boot=BOOT, seq=seq, id=id_, cause="panic", source="b", mode="overt", state="raised", n=1)


class PersistentCentre(Centre):
    """The small centre on a list of nodes, each attempt at the next one, with a session that the cluster keeps (MQTT 3.1.1)."""

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(urls[0])
        self.protocol = MQTTProtocolVersion.MQTTv311
        self._nodes = itertools.cycle([place(url) for url in urls])

    def _make(self) -> Client:
        self._where = next(self._nodes)
        client = Client(
            CallbackAPIVersion.VERSION2, "centre", clean_session=False, protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False
        )
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client


class Load:
    """Alarms of one unit, numbered 1, 2, 3 …, `per_s` a second, at most `WINDOW` unacknowledged; what is not acknowledged goes again."""

    def __init__(self, urls: Sequence[str], per_s: float) -> None:
        self.acked: set[int] = set()
        self.gap_s = 0.0
        """The longest time between two acknowledgements."""
        self._per_s = per_s
        self._nodes = itertools.cycle([place(url) for url in urls])
        self._unacked: dict[int, bytes] = {}
        self._next = 1
        self._tokens: dict[int, int] = {}
        self._pubacks: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._connected = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def finish(self, timeout: float = 60.0) -> None:
        """No new ones; wait until each has been acknowledged."""
        self._closing.set()
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"{len(self._unacked)} alarms are not acknowledged after {timeout:g} s"

    def _run(self) -> None:
        begun = last_ack = time.monotonic()
        client: Client | None = None
        while not self._closing.is_set() or self._unacked:
            if client is None or self._ended.is_set():
                self._stop(client)
                client = self._connect()
                continue
            self._offer(client, begun)
            try:
                mid = self._pubacks.get(timeout=0.01)
            except queue.Empty:
                continue
            seq = self._tokens.pop(mid, None)
            if seq is not None:
                now = time.monotonic()
                self.gap_s, last_ack = max(self.gap_s, now - last_ack), now
                self._unacked.pop(seq)
                self.acked.add(seq)
        self._stop(client)

    def _offer(self, client: Client, begun: float) -> None:
        """As many new ones as are due and fit."""
        while not self._closing.is_set() and len(self._unacked) < WINDOW and self._next < (time.monotonic() - begun) * self._per_s:
            self._unacked[self._next] = codec.encode(alarm(self._next))
            self._send(client, self._next)
            self._next += 1

    def _send(self, client: Client, seq: int) -> None:
        info = client.publish(topics.up(ROOT, UNIT, "alarm"), self._unacked[seq], qos=1)
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._tokens[info.mid] = seq

    def _connect(self) -> Client | None:
        """At the next node, and all that is unacknowledged again; None when it does not answer."""
        self._tokens.clear()
        pubacks: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._pubacks = pubacks
        self._ended.clear()
        self._connected.clear()
        client = Client(CallbackAPIVersion.VERSION2, UNIT, protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False)
        client.max_inflight_messages = 0
        client.on_connect = self._on_connect
        client.on_disconnect = lambda *_: self._ended.set()
        client.on_publish = lambda _c, _u, mid, _reason, _p: pubacks.put(mid)
        try:
            client.connect(*next(self._nodes), 10)
        except OSError:
            self._stop(client)
            self._closing.wait(0.05)
            return None
        client.loop_start()
        if not self._connected.wait(CONNACK_WITHIN_S):
            self._stop(client)
            return None
        for seq in self._unacked:
            self._send(client, seq)
        return client

    def _on_connect(self, _c: Client, _u: object, _flags: ConnectFlags, reason: ReasonCode, _p: Properties | None) -> None:
        if not reason.is_failure:
            self._connected.set()

    @staticmethod
    def _stop(client: Client | None) -> None:
        if client is not None:
            client.disconnect()
            client.loop_stop()
            # else a cycle keeps paho's wake-up sockets open until the gc comes
            client.on_connect = client.on_disconnect = client.on_publish = None

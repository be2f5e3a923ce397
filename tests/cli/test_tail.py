"""`outpost tail` against real brokers: Mosquitto for MQTT 5, NATS for a broker that knows only 3.1.1."""

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from paho.mqtt import publish

from agent.cli.parser import main
from agent.wire import codec
from agent.wire.records import EventRecord, FaultRecord
from simulator.bench.brokers import Broker, Mosquitto, Nats, find_mosquitto, find_nats, free_port
from tests.timing import PATIENCE_S

ROOT = Path(__file__).parent.parent.parent
PROGRAM = "import sys; from agent.cli.parser import main; sys.exit(main(sys.argv[1:]))"
WITHIN_S = PATIENCE_S
EVENT = codec.encode(EventRecord(v=1, unit="A", kind="event", boot="0" * 16, seq=1, mono=5, what="agent"))
FAULT = codec.encode(FaultRecord(v=1, unit="B", kind="fault", boot="0" * 16, seq=1, mono=5, code="x", state="raised"))

needs_mosquitto = pytest.mark.skipif(find_mosquitto() is None, reason="Mosquitto is not installed")
needs_nats = pytest.mark.skipif(find_nats() is None, reason="NATS is not installed")


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    yield from running(Mosquitto(tmp_path_factory.mktemp("mosquitto")))


def running(broker: Broker) -> Iterator[Broker]:
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Tail:
    """A running `outpost tail` whose lines can be waited for."""

    def __init__(self, *arguments: str, config: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "tail", "-c", str(config), *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": "."},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out = self._lines(self.process.stdout)
        self.err = self._lines(self.process.stderr)

    def _lines(self, stream: IO[bytes] | None) -> "queue.SimpleQueue[str]":
        assert stream is not None
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()

        def read() -> None:
            with stream:
                for line in stream:
                    lines.put(line.decode().rstrip("\n"))

        threading.Thread(target=read, name="tail-lines", daemon=True).start()
        return lines

    def line(self) -> dict[str, Any]:
        found = json.loads(self.out.get(timeout=WITHIN_S))
        assert isinstance(found, dict)
        return found

    def said(self) -> str:
        return self.err.get(timeout=WITHIN_S)

    def ended(self) -> int:
        return self.process.wait(WITHIN_S)


@pytest.fixture
def tails(tmp_path: Path) -> Iterator["Tails"]:
    tails = Tails(tmp_path / "none.toml")
    yield tails
    tails.end()


class Tails:
    """Starts tails, and ends those that still run when the test is over."""

    def __init__(self, no_config: Path) -> None:
        self._no_config = no_config
        self._started: list[Tail] = []

    def __call__(self, *arguments: str, config: Path | None = None) -> Tail:
        tail = Tail(*arguments, config=config or self._no_config)
        self._started.append(tail)
        return tail

    def end(self) -> None:
        for tail in self._started:
            if tail.process.poll() is None:
                tail.process.kill()
            tail.process.wait(WITHIN_S)


def say(broker: Broker, topic: str, payload: bytes, *, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname="127.0.0.1", port=broker.port)


@needs_mosquitto
def test_each_message_is_a_line_as_soon_as_it_comes(mosquitto: Broker, tails: Tails) -> None:
    tail = tails("-b", mosquitto.url, "-n", "2")
    assert tail.said() == f"outpost tail: {mosquitto.url}: outpost/v1/#, MQTT 5"
    say(mosquitto, "outpost/v1/u/A/up/event", EVENT)
    first = tail.line()
    assert first["record"] == {"v": 1, "unit": "A", "kind": "event", "boot": "0" * 16, "seq": 1, "mono": 5, "what": "agent"}
    assert first["retained"] is False
    assert first["at"].endswith("Z")
    say(mosquitto, "outpost/v1/u/A/up/event", b"\xc1")
    assert tail.line()["hex"] == "c1"
    assert tail.ended() == 0


@needs_mosquitto
def test_only_the_unit_and_the_root_that_are_asked_for_are_shown_and_retained_is_told(mosquitto: Broker, tails: Tails) -> None:
    say(mosquitto, "city/u/B/state/io", FAULT, retain=True)
    say(mosquitto, "city/u/A/state/io", EVENT, retain=True)
    tail = tails("-b", mosquitto.url, "--root", "city", "-u", "B", "--raw", "-n", "1")
    assert tail.line() | {"at": ""} == {"topic": "city/u/B/state/io", "at": "", "retained": True, "bytes": len(FAULT), "hex": FAULT.hex()}
    assert tail.ended() == 0


@needs_mosquitto
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_it_with_0(mosquitto: Broker, tails: Tails) -> None:
    tail = tails("-b", mosquitto.url)
    tail.said()
    tail.process.send_signal(signal.SIGINT)
    assert tail.ended() == 0


@needs_mosquitto
def test_a_reader_that_goes_away_ends_it_without_a_word(mosquitto: Broker, tmp_path: Path) -> None:
    """As `outpost tail | head -1` does."""
    reads, writes = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "tail", "-b", mosquitto.url, "-c", str(tmp_path / "none")],
        cwd=ROOT,
        stdout=writes,
        stderr=subprocess.PIPE,
    )
    os.close(writes)
    assert process.stderr is not None
    with process.stderr as stderr:
        stderr.readline()
        os.close(reads)
        say(mosquitto, "outpost/v1/u/A/up/event", EVENT)
        assert process.wait(WITHIN_S) == 0
        assert stderr.read() == b""


@needs_mosquitto
def test_the_broker_is_the_first_of_the_config_file(mosquitto: Broker, tails: Tails, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f'[unit]\nid = "A"\n[mqtt]\nendpoints = ["{mosquitto.url}", "mqtt://nowhere"]\nroot = "town/v1"\n')
    assert tails(config=config).said() == f"outpost tail: {mosquitto.url}: town/v1/#, MQTT 5"


@needs_mosquitto
@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="mosquitto_passwd is not installed")
def test_the_configs_password_is_for_the_configs_broker_and_no_other(tails: Tails, tmp_path: Path) -> None:
    """This broker takes anybody, but nobody with a wrong password."""
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(tmp_path / "users"), "A", "right"], check=True)
    (tmp_path / "password").write_text("right\n")
    (tmp_path / "password").chmod(0o600)
    for broker in running(Mosquitto(tmp_path / "broker", config=(f"password_file {tmp_path}/users",))):
        config = tmp_path / "agent.toml"
        text = f'[unit]\nid = "A"\n[mqtt]\nendpoints = ["{broker.url}"]\nusername = "A"\npassword_file = "password"\n'
        config.write_text(text)
        assert "MQTT 5" in tails(config=config).said()
        (tmp_path / "password").write_text("wrong\n")
        refused = tails(config=config)
        assert refused.said() == f"outpost tail: {broker.url} refused us: Not authorized"
        assert refused.ended() == 1
        config.write_text(text.replace(broker.url, "mqtt://elsewhere"))
        assert "MQTT 5" in tails("-b", broker.url, config=config).said()


@needs_mosquitto
def test_a_lost_connection_is_tried_again(tails: Tails, tmp_path: Path) -> None:
    for broker in running(Mosquitto(tmp_path)):
        tail = tails("-b", broker.url, "-n", "1")
        tail.said()
        broker.kill()
        assert tail.said().endswith("trying again")
        broker.start()
        while (said := tail.said()).endswith("trying again"):
            pass
        assert said.endswith("MQTT 5")
        say(broker, "outpost/v1/u/A/up/event", EVENT)
        assert tail.line()["record"]["unit"] == "A"
        assert tail.ended() == 0


@needs_mosquitto
def test_a_broker_that_refuses_us_is_exit_1(tails: Tails, tmp_path: Path) -> None:
    """Only clients of another name may come in here."""
    for broker in running(Mosquitto(tmp_path, config=("clientid_prefixes outpost-up",))):
        tail = tails("-b", broker.url)
        assert tail.said().startswith(f"outpost tail: {broker.url} refused us: ")
        assert tail.ended() == 1


@needs_nats
def test_a_broker_that_knows_only_3_1_1_gets_3_1_1(tails: Tails, tmp_path: Path) -> None:
    for broker in running(Nats(tmp_path / "nats")):
        tail = tails("-b", broker.url, "-n", "1")
        assert tail.said() == f"outpost tail: {broker.url}: outpost/v1/#, MQTT 3.1.1"
        say(broker, "outpost/v1/u/A/up/event", EVENT)
        assert tail.line()["record"]["kind"] == "event"
        assert tail.ended() == 0


def test_a_broker_that_is_not_there_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert main(["tail", "-b", f"mqtt://127.0.0.1:{port}", "-c", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err == f"outpost tail: nobody listens at 127.0.0.1:{port}\n"


def test_a_server_that_is_no_broker_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hang_up_twice, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        assert main(["tail", "-b", f"mqtt://127.0.0.1:{port}", "-c", str(tmp_path / "none")]) == 1
    assert f"mqtt://127.0.0.1:{port} hung up without an answer" in capsys.readouterr().err


def _hang_up_twice(server: socket.socket) -> None:
    for _ in range(2):
        client, _address = server.accept()
        client.close()


@pytest.mark.parametrize("arguments", [["-b", "http://x"], ["-u", "a/b"], ["--root", "a/#"], ["-n", "0"], ["-b", "mqtt://h:99999"]])
def test_an_argument_that_cannot_be_is_exit_2(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tail", "-c", str(tmp_path / "none"), *arguments]) == 2
    assert capsys.readouterr().err.startswith("outpost tail: ")


def test_a_config_with_mistakes_is_told_unless_a_broker_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "agent.toml"
    config.write_text("[unit]\n")
    assert main(["tail", "-c", str(config)]) == 2
    assert "unit.id: missing" in capsys.readouterr().err
    assert main(["tail", "-c", str(config), "-b", f"mqtt://127.0.0.1:{free_port()}"]) == 1

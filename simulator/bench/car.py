"""One simulated car at the desk: options in; a broker behind a line, wiring, a receiver and the real agent process, to be played with, out.

    with Car(directory, Options(rate_hz=1)) as car:
        car.start_agent()
        car.press(); ...; car.release(); car.line.cut(); car.kill_agent()

Used by the demo, the black-box tests and the measurements. Nothing is left behind: every process is ended by its id, every socket removed.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from agent.cli.ask import NoAnswer, NotRunning, ask
from simulator.bench import car_config
from simulator.bench.brokers import Broker, Mosquitto, Nats, best_broker
from simulator.bench.car_config import BAR, IGNITION_PIN, LAMP_PIN, PANIC_PIN, Options
from simulator.bench.line import Line
from simulator.bench.receiver import Receiver
from simulator.bench.wiring import Wiring
from simulator.receiver_profiles import PROFILES
from simulator.reckoning import Life, Span
from simulator.route import Route

READY_WITHIN_S = 15.0
"""From the start of the process until it says that it is ready; half a second on an idle machine."""

STOP_WITHIN_S = 20.0
"""The agent gives itself 3 s, its adapters some more."""

LOOK_S = 0.02

EARLIEST = datetime(2026, 1, 2, tzinfo=UTC)
"""A desk whose clock is older than the agent believes (2026-01-01) gets a receiver that is not."""

BrokerName = Literal["auto", "mosquitto", "nats"]


class AgentFailed(RuntimeError):
    """The agent did not start, or ended by itself; ends with its log."""


class Lamp(NamedTuple):
    """A lamp as its pin is driven; a `level` of None: nobody drives it, it is dark."""

    id: str
    colour: str
    level: int | None


class Car:
    """The car and its network. `broker`, `line`, `wiring`, `receiver` are there from `start` (or `with`) to `close`.

    `directory`: for the config file, the store and the logs; must be empty or absent.
    """

    broker: Broker
    line: Line
    wiring: Wiring
    receiver: Receiver

    def __init__(self, directory: Path, options: Options | None = None, broker: BrokerName = "auto") -> None:
        if directory.exists() and any(directory.iterdir()):
            raise FileExistsError(f"{directory} is not empty; a car needs a directory of its own")
        self.directory = directory
        self.options = options or Options()
        self.route = Route.through_xining(self.options.seed)
        """Where it drives from `start` on."""
        self.lives: list[Life] = []
        """When the agent's process ran, oldest first."""
        self.unplugged: list[Span] = []
        """When the receiver's plug was out."""
        self._broker_name = broker
        self._agent: subprocess.Popen[bytes] | None = None
        self._left = contextlib.ExitStack()
        self._clock_ms = 0.0
        self.exit_code: int | None = None
        """Of the last process that ended; negative: the signal that killed it."""

    def __enter__(self) -> Self:
        """Started, without an agent."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def start(self) -> None:
        """Everything but the agent: the receiver talks from now on, the ignition is on.

        Raises:
            BrokerMissing, BrokerFailed: there is no broker, or it does not start.
        """
        with contextlib.ExitStack() as left:
            self.directory.mkdir(parents=True, exist_ok=True)
            # A Unix socket's path has room for 107 bytes: in a short directory of their own they fit wherever the rest lies.
            self._sockets = Path(tempfile.mkdtemp(prefix="outpost-"))
            left.callback(shutil.rmtree, self._sockets, ignore_errors=True)
            self.broker = self._make_broker()
            left.callback(self.broker.stop)
            self.broker.start()
            self.line = Line(self.broker.port)
            left.callback(self.line.close)
            self.wiring = Wiring(self._sockets / "pins.sock", self.options.outputs_keep)
            left.callback(self.wiring.close)
            self.wiring.press(IGNITION_PIN)
            self.config_file.write_text(car_config.text(self.options, self._sockets, self.directory, self.line.url))
            self.receiver = self._make_receiver()
            left.callback(self.receiver.close)
            left.callback(self._end_agent)
            self._left = left.pop_all()

    def close(self) -> None:
        """End everything, the agent first. Twice is harmless."""
        self._left.close()

    def _make_broker(self) -> Broker:
        makers = {"auto": best_broker, "mosquitto": Mosquitto, "nats": Nats}
        return makers[self._broker_name](self.directory / "broker")

    def _make_receiver(self) -> Receiver:
        """A receiver that tells today's time, as a real one: an agent on a desk whose clock is synchronised would see through another."""
        wall_s = time.time()  # noqa: TID251  see above
        threading.Event().wait(1 - wall_s % 1)  # epochs begin on whole seconds
        start = max(datetime.fromtimestamp(round(wall_s - wall_s % 1) + 1, UTC), EARLIEST)
        self._clock_ms = start.timestamp() * 1000 - time.monotonic() * 1000
        profile = None if self.options.receiver is None else PROFILES[self.options.receiver]
        return Receiver(self.route, self.options.rate_hz, start, self._sockets, profile=profile)

    # --- what is so -----------------------------------------------------------------------------------------------------------------

    @property
    def config_file(self) -> Path:
        """The agent's config."""
        return self.directory / "agent.toml"

    @property
    def log(self) -> Path:
        """What the agent says, over all its lives."""
        return self.directory / "agent.log"

    @property
    def pid(self) -> int | None:
        """The agent's process; None while none runs. An agent that has ended by itself is noticed here."""
        if self._agent is not None and self._agent.poll() is not None:
            # Anything but an orderly end takes with it what a kill -9 would.
            self._ended(time.monotonic(), killed=self._agent.returncode != 0)
        return None if self._agent is None else self._agent.pid

    @property
    def bar(self) -> tuple[Lamp, ...]:
        """The light bar from left to right, as the pins are driven at this moment."""
        return tuple(Lamp(id_, colour, self.wiring.level(pin)) for id_, colour, pin in BAR)

    @property
    def lamp(self) -> Lamp:
        """The officer's lamp beside the button."""
        return Lamp("panic_lamp", "red", self.wiring.level(LAMP_PIN))

    def utc_ms(self, at: float) -> int:
        """What the receiver's clock says at that monotonic second."""
        return round(at * 1000 + self._clock_ms)

    def status(self, timeout_s: float = 1.0) -> dict[str, Any] | None:
        """What the agent says of itself on its local socket; None when nobody answers."""
        try:
            return ask(str(self._sockets / "agent.sock"), {"ask": "status"}, timeout_s)
        except (NotRunning, NoAnswer):
            return None

    @property
    def last_words(self) -> str:
        """The last line of the log that tells of trouble (also a traceback's last line), else the last one; and where the log is."""
        said = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        lines = [line for line in said if line.strip()] or ["it said nothing"]
        trouble = [line for line in lines if " INFO " not in line and " DEBUG " not in line]
        return f"{(trouble or lines)[-1].strip()} (all of it: {self.log})"

    @property
    def boots(self) -> list[str]:
        """The names of the agent's lives as it logged them, oldest first."""
        said = self.log.read_text(errors="replace") if self.log.exists() else ""
        return re.findall(r"boot ([0-9a-f]{16})", said)

    # --- the agent ------------------------------------------------------------------------------------------------------------------

    def start_agent(self) -> int:
        """Start `outpost run`; returns its process id, at once."""
        if self.pid is not None:
            raise AgentFailed(f"it runs already as process {self.pid}")
        beside = Path(sys.executable).with_name("outpost")
        command = [str(beside)] if beside.exists() else [sys.executable, "-m", "agent"]
        env = {**os.environ, "GPIOZERO_PIN_FACTORY": "simulated", "OUTPOST_SIM_PINS": str(self._sockets / "pins.sock")}
        self.lives.append(Life(time.monotonic()))
        with self.log.open("ab") as log:
            # A session of its own, so that a Ctrl-C meant for us does not take it along before we have stopped it.
            self._agent = subprocess.Popen(
                [*command, "run", "-c", str(self.config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                start_new_session=True,
            )
        return self._agent.pid

    def wait_until_ready(self, timeout: float = READY_WITHIN_S) -> None:
        """Wait until the agent says that it is ready.

        Raises:
            AgentFailed: it ended, or did not say so in time.
        """
        deadline = time.monotonic() + timeout
        pause = threading.Event()
        while self.pid is not None and time.monotonic() < deadline:
            if ((self.status() or {}).get("unit") or {}).get("ready"):
                return
            pause.wait(LOOK_S)
        what = "it ended" if self.pid is None else f"it is not ready after {timeout:g} s"
        raise AgentFailed(f"{what}; its log ends:\n{self.log.read_text(errors='replace')[-2000:]}")

    def kill_agent(self) -> float:
        """SIGKILL, as a power cut of the process; returns when (monotonic seconds)."""
        at = time.monotonic()
        if self._agent is not None:
            with contextlib.suppress(ProcessLookupError):
                self._agent.send_signal(signal.SIGKILL)
            self._agent.wait()
            self._ended(at, killed=True)
        return at

    def stop_agent(self) -> int | None:
        """Ask it to end (SIGTERM) and wait; its exit code, None when none ran. One that does not end in time is killed (-9)."""
        agent, at = self._agent, time.monotonic()
        if agent is None:
            return None
        agent.terminate()
        try:
            code = agent.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill_agent()
            return -int(signal.SIGKILL)
        self._ended(at, killed=False)
        return code

    def _ended(self, at: float, killed: bool) -> None:
        uncommitted_s = max(self.options.commit_interval_s, self.options.commit_interval_online_s) if killed else 0.0
        self.lives[-1] = self.lives[-1]._replace(ended_at=at, killed=killed, uncommitted_s_max=uncommitted_s)
        self.exit_code = None if self._agent is None else self._agent.returncode
        self._agent = None

    def _end_agent(self) -> None:
        if self.pid is not None:
            self.stop_agent()

    # --- what a person does ---------------------------------------------------------------------------------------------------------

    def press(self) -> float:
        """Press the panic button; returns when (monotonic seconds)."""
        return self.wiring.press(PANIC_PIN)

    def release(self) -> float:
        """Let the panic button go; returns when (monotonic seconds)."""
        return self.wiring.release(PANIC_PIN)

    def ignition(self, on: bool) -> float:
        """Turn the key; returns when (monotonic seconds)."""
        return self.wiring.press(IGNITION_PIN) if on else self.wiring.release(IGNITION_PIN)

    def unplug(self) -> None:
        """Pull the receiver's plug."""
        if not self.unplugged or self.unplugged[-1].until is not None:
            self.unplugged.append(Span(time.monotonic()))
            self.receiver.unplug()

    def plug(self) -> None:
        """Plug the receiver in again."""
        if self.unplugged and self.unplugged[-1].until is None:
            self.receiver.plug()
            self.unplugged[-1] = Span(self.unplugged[-1].since, time.monotonic())

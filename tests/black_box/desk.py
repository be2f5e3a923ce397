"""A car at the desk together with its centre: what the black-box tests play with, and how they wait for what they want to see.

Everything is real and outside of this process but the bench itself: the agent is `outpost run`, the broker is Mosquitto (or NATS).
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from agent.wire.records import Alarm, FaultRecord, Position, Presence, Record
from simulator.bench.brokers import Broker, Mosquitto
from simulator.bench.car import BrokerName, Car
from simulator.bench.car_config import BAR, Options
from simulator.centre import Centre
from simulator.ledger import Arrival
from simulator.reckoning import Account, Fate, Harvest, Life, reckon

OUTPOST = [sys.executable, "-m", "agent"]
PATIENCE_S = 45.0
"""Nothing that is asserted: how long a test waits before it calls something missing."""

QUICK = Options(more={"report": {"interval_s": 1.0}})
"""A position a second, so that nobody waits for the next one."""

R = TypeVar("R", bound=Record)
Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found], timeout: float = PATIENCE_S) -> Found:
    """What `look` gives, once it is true; looked at every 20 ms."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        pause.wait(0.02)
    return found


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB (10^6 bytes), as the kernel counts it."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


class Desk(Car):
    """A car and the centre that listens to its broker from before the first start of the agent, past the line that may be cut."""

    centre: Centre

    def __init__(
        self, directory: Path, options: Options | None = None, broker: BrokerName = "auto", broker_config: tuple[str, ...] = ()
    ) -> None:
        super().__init__(directory, options, broker)
        self.command = OUTPOST
        self._broker_config = broker_config

    def start(self) -> None:
        super().start()
        self.centre = Centre(self.broker.url)
        self._left.callback(self.centre.close)
        self.centre.start()
        self.centre.wait_until_listening(PATIENCE_S)

    def _make_broker(self) -> Broker:
        return Mosquitto(self.directory / "broker", config=self._broker_config) if self._broker_config else super()._make_broker()

    def configure(self, old: str, new: str) -> None:
        """Change the config file before the agent reads it; `old` must be in it."""
        text = self.config_file.read_text()
        assert old in text, f"{old!r} is not in\n{text}"
        self.config_file.write_text(text.replace(old, new))

    @property
    def socket(self) -> Path:
        """The agent's local socket."""
        return self._sockets / "agent.sock"

    @property
    def environment(self) -> dict[str, str]:
        """What the agent is started with."""
        return {**os.environ, "GPIOZERO_PIN_FACTORY": "simulated", "OUTPOST_SIM_PINS": str(self._sockets / "pins.sock")}

    # --- the process ----------------------------------------------------------------------------------------------------------------

    def start_agent(self) -> int:
        """As the car does it, but by `command`."""
        assert self.pid is None, "it runs already"
        self.lives.append(Life(time.monotonic()))
        with self.log.open("ab") as log:
            self._agent = subprocess.Popen(
                [*self.command, "run", "-c", str(self.config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        return self._agent.pid

    def run(self) -> str:
        """Start the agent, wait until it is ready; the name of its boot."""
        self.start_agent()
        self.wait_until_ready(PATIENCE_S)
        return self.boots[-1]

    def run_online(self) -> str:
        """Start the agent, wait until the centre knows that it is there; the name of its boot."""
        boot = self.run()
        self.hear(Presence, lambda r: r.online and r.boot == boot)
        return boot

    def wait_ended(self, timeout: float = PATIENCE_S) -> tuple[int, float]:
        """Wait until the agent has ended by itself; exit code, and when (monotonic seconds)."""
        agent = self._agent
        assert agent is not None
        code = agent.wait(timeout)
        at = time.monotonic()
        assert self.pid is None
        return code, at

    def terminate(self) -> int:
        """SIGTERM; the exit code, never that of a kill."""
        code = self.stop_agent()
        assert code is not None
        assert code != -signal.SIGKILL, f"it did not end: {self.log.read_text()[-2000:]}"
        return code

    def page(self) -> str:
        """`outpost status`, as a person reads it."""
        done = subprocess.run(
            [*OUTPOST, "status", "-c", str(self.config_file)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self, timeout_s: float = 10.0) -> dict[str, Any] | None:
        """As the car's, for an agent that may not get the processor at once."""
        return super().status(timeout_s)

    def told(self, what: str, look: Callable[[dict[str, Any]], object], timeout: float = PATIENCE_S) -> dict[str, Any]:
        """The agent's status, once `look` finds in it what it wants."""
        last: dict[str, Any] = {}

        def wanted() -> bool:
            nonlocal last
            last = self.status() or {}
            return bool(last) and bool(look(last))

        try:
            until(what, wanted, timeout)
        except AssertionError as e:
            raise AssertionError(f"{e}; it says {json.dumps(last, ensure_ascii=False)}") from None
        return last

    def faults(self) -> dict[str, str]:
        """The faults that the agent names now: code, detail."""
        return {fault["code"]: fault.get("detail") or "" for fault in (self.status() or {"faults": []})["faults"]}

    # --- the centre -----------------------------------------------------------------------------------------------------------------

    @property
    def heard(self) -> int:
        """How many messages the centre has heard: where to look from."""
        return len(self.centre.records())

    def hear(self, kind: type[R], wanted: Callable[[R], object] = lambda _: True, since: int = 0, timeout: float = PATIENCE_S) -> R:
        """The first record of that kind from number `since` on, past or to come, that is wanted."""
        return self.hear_when(kind, wanted, since, timeout)[0]

    def hear_when(
        self, kind: type[R], wanted: Callable[[R], object] = lambda _: True, since: int = 0, timeout: float = PATIENCE_S
    ) -> tuple[R, float]:
        """As `hear`, with the monotonic second of its arrival."""

        def fits(arrival: Arrival) -> bool:
            return isinstance(arrival.record, kind) and bool(wanted(arrival.record))

        try:
            found = self.centre.wait_for(fits, timeout, since)
        except TimeoutError as e:
            raise AssertionError(f"no such {kind.__name__}: {e}; the agent's log ends:\n{self.log.read_text()[-1500:]}") from None
        assert isinstance(found.record, kind)
        return found.record, found.at

    def hear_fault(self, code: str, state: str, since: int = 0, timeout: float = PATIENCE_S) -> FaultRecord:
        """That fault came (`raised`) or went (`cleared`)."""
        return self.hear(FaultRecord, lambda r: r.code == code and r.state == state, since, timeout)

    def hear_fix(self, since: int = 0, timeout: float = PATIENCE_S) -> Position:
        """A live position that is one."""
        return self.hear(Position, lambda r: r.pos is not None and r.pos.src == "gnss" and r.pos.age_ms < 2000, since, timeout)

    def raise_alarm(self) -> str:
        """Press until the centre has heard it and the officer's lamp says that it is on disk and at the broker; the alarm's id."""
        since = self.heard
        self.press()
        alarm = self.hear(Alarm, lambda r: r.state in ("raised", "repeated"), since)
        self.release()
        self.told("the lamp says sent", lambda s: s["lights"]["lamp"] == "sent" and not s["inputs"]["driver"])
        return alarm.id

    def drive_into_a_tunnel(self) -> None:
        """No more fixes, and the agent knows: so those from before are in its track, and none is still on its way from the receiver."""
        self.receiver.void(lost=True)
        self.told("no fix any more", lambda s: s["position"]["mode"] == "none")

    def all_on_disk(self) -> None:
        """Wait until nothing is on its way to the store; what was remembered before it is there too, as the store works in order."""
        self.told("all on disk", lambda s: s["outbox"]["unstored"] == 0 and s["outbox"]["store"] == "open")

    def account(self) -> Account:
        """What became of every fix that the receiver told; what has not come counts as lost, also when it is on its way."""
        harvest = Harvest()
        for record in self.centre.ledger.records(unit=self.options.unit):
            harvest.take(record)
        return reckon(self.receiver.emitted, harvest, self.lives, self.unplugged)

    def missing(self, before: float) -> list[float]:
        """When the fixes were told, before that monotonic second, that an agent must have taken and that have not come."""
        return [epoch.at for epoch in self.account().of(Fate.LOST) if epoch.at < before]

    def let_go(self, pin: int) -> list[int | None]:
        """The last two levels of an output that nobody drives any more, once the bench has seen that: later than we see the process end."""
        until(f"nobody drives pin {pin}", lambda: self.wiring.level(pin) is None)
        return [driven.level for driven in self.wiring.history(pin)][-2:]

    def flashes(self, since: float) -> bool:
        """Whether the bar's first light has gone on twice since then, as it does in an alarm and in no other show."""
        return sum(d.level == 1 for d in self.wiring.history(BAR[0][2], since)) >= 2

"""A car whose computer is a booted tree: an installed tree goes in; its service, its wires, a broker and a centre come out.

The agent is the service that systemd runs, with simulated pins (a drop-in says so). The bench serves them on a socket in the tree's files.
"""

import contextlib
import time
from pathlib import Path
from typing import Any, Self

from agent.cli.ask import NoAnswer, NotRunning, ask
from agent.wire.records import Alarm
from simulator.bench import car_config
from simulator.bench.brokers import Mosquitto
from simulator.bench.car_config import BAR, IGNITION_PIN, LAMP_PIN, PANIC_PIN, Options
from simulator.bench.wiring import Wiring
from simulator.centre import Centre
from tests.install.tree import PATIENCE_S, Tree

PORT = 1883
SAFE = {**{pin: 0 for _, _, pin in BAR}, LAMP_PIN: 0}
"""The safe level of every output."""

BENCH = "/srv/bench/pins.sock"
DROP_IN = f"""# Written by a test: pins that are on no board.
[Service]
Environment=GPIOZERO_PIN_FACTORY=simulated OUTPOST_SIM_PINS={BENCH}
"""

OPTIONS = Options(
    outputs_keep=True,
    more={"store": {"path": "/var/lib/outpost"}, "gnss": {"port": "/dev/ttyUSB9"}, "report": {"interval_s": 1.0}},
)
"""No receiver: a position a second without a fix; the state where it is on a vehicle."""


class InstalledCar:
    """Not booted yet: `tree.boot()`; and no broker yet: `go_online`."""

    def __init__(self, tree: Tree, options: Options = OPTIONS) -> None:
        self.tree = tree
        self.config = car_config.text(options, Path("/run/outpost"), Path("/var/lib/outpost"), f"mqtt://127.0.0.1:{PORT}")
        tree.write("/etc/outpost/agent.toml", self.config)
        tree.write("/etc/systemd/system/outpost.service.d/bench.conf", DROP_IN)
        bench = tree.path(BENCH)
        bench.parent.mkdir(parents=True, exist_ok=True)
        self.wiring = Wiring(bench, options.outputs_keep)
        bench.chmod(0o666)
        self.wiring.press(IGNITION_PIN)
        self.centre: Centre | None = None
        self._left = contextlib.ExitStack()
        self._left.callback(self.wiring.close)
        self._left.callback(tree.shut_down)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    # --- the service ----------------------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The agent's main process as its own systemd knows it; 0 when none runs."""
        return int(self.tree.show("outpost", "MainPID"))

    def signal(self, name: str) -> float:
        """Send a signal to the main process; when that was (monotonic seconds)."""
        pid = self.pid
        assert pid, self.tree.journal("outpost")[-2000:]
        at = time.monotonic()
        self.tree.run(["sh", "-c", f"kill -{name} {pid}"])
        return at

    def wait_active(self, unit: str = "outpost.service", state: str = "active") -> None:
        """Until systemd has heard READY=1; or until that unit is in that state."""
        self.tree.wait_for(f"{unit} is {state}", lambda: self.tree.show(unit, "ActiveState") == state)

    def next_process(self, before: int) -> int:
        """The main process, as soon as there is one and it is another."""
        return self.tree.wait_for("another process", lambda: 0 if self.pid == before else self.pid)

    @property
    def started_at(self) -> float:
        """When the main process was started (monotonic seconds; the clock is the machine's, so it is ours)."""
        return int(self.tree.show("outpost", "ExecMainStartTimestampMonotonic")) / 1e6

    @property
    def restarts(self) -> int:
        """How often systemd has started it afresh by itself."""
        return int(self.tree.show("outpost", "NRestarts"))

    def status(self) -> dict[str, Any]:
        """What the agent says of itself; empty when nobody answers."""
        try:
            return ask(str(self.tree.inside("/run/outpost/agent.sock")), {"ask": "status"}, 5.0)
        except (NotRunning, NoAnswer):
            return {}

    # --- the wires ------------------------------------------------------------------------------------------------------------------

    def levels(self) -> dict[int, int | None]:
        """Of every output."""
        return {pin: self.wiring.level(pin) for pin in SAFE}

    def flashes(self, since: float) -> bool:
        """Whether the bar's first light has gone on twice since then, as it does in an alarm and in no other show."""
        return sum(d.level == 1 for d in self.wiring.history(BAR[0][2], since)) >= 2

    def safe_after_s(self, since: float, until: float) -> float:
        """Seconds from `since` until the last output came to its safe level and stayed there until `until`, by their drivers' stamps."""
        took_s = 0.0
        for pin, safe in SAFE.items():
            driven = [one for one in self.wiring.history(pin) if one.at < until]
            last_unsafe = max((i for i, one in enumerate(driven) if one.level != safe), default=-1)
            assert last_unsafe + 1 < len(driven), f"pin {pin} was left at {driven[-1].level}"
            took_s = max(took_s, driven[last_unsafe + 1].at - since)
        return took_s

    # --- the centre -----------------------------------------------------------------------------------------------------------------

    def go_online(self, directory: Path, more: tuple[str, ...] = ()) -> Centre:
        """A broker in the car's own network, and a centre that hears all. `more`: further lines of the broker's config."""
        with self.tree.network():
            broker = Mosquitto(directory, PORT, more)
            broker.start()
            self._left.callback(broker.stop)
            self.centre = Centre(broker.url)
            self._left.callback(self.centre.close)
            self.centre.start()
        self.centre.wait_until_listening(PATIENCE_S)
        return self.centre

    def boots(self) -> set[str]:
        """The names of the agent's lives that the centre has heard of."""
        assert self.centre is not None
        return {arrival.record.boot for arrival in self.centre.records() if arrival.record is not None}

    def hear_new_boot(self, known: set[str]) -> float:
        """When the first record of another boot came (monotonic seconds)."""
        assert self.centre is not None
        return self.centre.wait_for(lambda arrival: arrival.record is not None and arrival.record.boot not in known, PATIENCE_S).at

    def raise_alarm(self) -> None:
        """Press until the centre has heard it."""
        assert self.centre is not None
        since = len(self.centre.records())
        self.wiring.press(PANIC_PIN)
        self.centre.wait_for(lambda arrival: isinstance(arrival.record, Alarm) and arrival.record.state == "raised", PATIENCE_S, since)
        self.wiring.release(PANIC_PIN)

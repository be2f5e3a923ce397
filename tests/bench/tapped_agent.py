"""The real agent, with a tap on its mailbox and on what it publishes: a config file in, the agent and a JSON file of moments out.

    python tests/bench/tapped_agent.py CONFIG FILE

FILE, written at the end, holds monotonic seconds: `started`, `up` (each LinkUp), `acks` (each PUBACK), `epoch` (at which all patterns
began), `lamp` (when the officer's lamp was told to say what), and `alarms`: `published`, `acked` and `stored` of each alarm that was asked
of the store (a repeat from memory is none).
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from agent import clock, config_file, daemon
from agent.adapters.outputs import Outputs
from agent.config import Config
from agent.config_start import Start
from agent.core import effects
from agent.core.events import Acked, Event, Lane, LinkUp, Stored


class Tap:
    """What passed."""

    def __init__(self) -> None:
        self.started = clock.monotonic()
        self.up: list[float] = []
        self.acks: list[float] = []
        self.alarms: dict[int, dict[str, float]] = {}
        self.epoch: float | None = None
        self.lamp: list[tuple[float, str]] = []
        self.disk: dict[str, float] = {}
        self._asked: dict[bytes, str] = {}
        self._names: dict[int, str] = {}
        self._compose = daemon.compose

    def compose(self, config: Config, boot: str, post: Callable[[Event], None]) -> tuple[list[daemon.Adapter], daemon.Performers]:
        """As daemon.compose, tapped."""

        def heard(event: Event) -> None:
            match event:
                case Acked(at=at, token=token):
                    self.acks.append(at)
                    if token in self.alarms:
                        self.alarms[token]["acked"] = at
                case Stored(at=at, names=names):
                    for name in names:
                        self.disk.setdefault(name, at)  # what is asked again is said again
                case LinkUp(at=at):
                    self.up.append(at)
            post(event)

        adapters, performers = self._compose(config, boot, heard)
        self.epoch = next((adapter._epoch for adapter in adapters if isinstance(adapter, Outputs)), None)
        publish, store = performers[effects.Publish], performers[effects.Store]

        def publish_tapped(effect: effects.Publish) -> None:
            if effect.payload in self._asked:
                self._names[effect.token] = self._asked[effect.payload]
                self.alarms[effect.token] = {"published": clock.monotonic()}
            publish(effect)

        def store_tapped(effect: effects.Store) -> None:
            if effect.lane is Lane.ALARM:
                self._asked[effect.payload] = effect.name
            store(effect)

        show = performers[effects.ShowLights]
        lamps = [output.id for output in config.output if output.use == "panic_lamp"]

        def show_tapped(effect: effects.ShowLights) -> None:
            self.lamp += [(clock.monotonic(), effect.outputs[lamp].name) for lamp in lamps if lamp in effect.outputs]
            show(effect)

        tapped: daemon.Performers = {effects.Publish: publish_tapped, effects.Store: store_tapped, effects.ShowLights: show_tapped}
        return adapters, {**performers, **tapped}

    def told(self) -> str:
        """The file's text."""
        disk = {token: {"stored": self.disk[name]} for token, name in self._names.items() if name in self.disk}
        alarms = [moments | disk.get(token, {}) for token, moments in self.alarms.items()]
        told = {"started": self.started, "up": self.up, "acks": self.acks, "alarms": alarms, "epoch": self.epoch, "lamp": self.lamp}
        return json.dumps(told)


def main() -> int:
    """Run the agent until it is asked to stop."""
    path, file = sys.argv[1:]
    tap = Tap()
    daemon.compose = tap.compose
    try:
        return daemon.run(Start(config_file.read(path)), Path(path))
    finally:
        Path(file).write_text(tap.told())


if __name__ == "__main__":
    sys.exit(main())

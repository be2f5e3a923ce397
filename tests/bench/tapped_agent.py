"""The real agent, with a tap on its mailbox and on what it publishes: a config file in, the agent and a JSON file of moments out.

    python tests/bench/tapped_agent.py CONFIG FILE

FILE, written at the end, holds monotonic seconds: `started`, `up` (each LinkUp), `acks` (each PUBACK), and
`alarms`: `published` and `acked` of each alarm that was stored (a repeat from memory is none).
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from agent import clock, config_file, daemon
from agent.config import Config
from agent.core import effects
from agent.core.events import Acked, Event, Lane, LinkUp


class Tap:
    """What passed."""

    def __init__(self) -> None:
        self.started = clock.monotonic()
        self.up: list[float] = []
        self.acks: list[float] = []
        self.alarms: dict[int, dict[str, float]] = {}
        self._stored: set[bytes] = set()
        self._compose = daemon.compose

    def compose(self, config: Config, boot: str, post: Callable[[Event], None]) -> tuple[list[daemon.Adapter], daemon.Performers]:
        """As daemon.compose, tapped."""

        def heard(event: Event) -> None:
            match event:
                case Acked(at=at, token=token):
                    self.acks.append(at)
                    if token in self.alarms:
                        self.alarms[token]["acked"] = at
                case LinkUp(at=at):
                    self.up.append(at)
            post(event)

        adapters, performers = self._compose(config, boot, heard)
        publish, store = performers[effects.Publish], performers[effects.Store]

        def publish_tapped(effect: effects.Publish) -> None:
            if effect.payload in self._stored:
                self.alarms[effect.token] = {"published": clock.monotonic()}
            publish(effect)

        def store_tapped(effect: effects.Store) -> None:
            if effect.lane is Lane.ALARM:
                self._stored.add(effect.payload)
            store(effect)

        return adapters, {**performers, effects.Publish: publish_tapped, effects.Store: store_tapped}

    def told(self) -> str:
        """The file's text."""
        return json.dumps({"started": self.started, "up": self.up, "acks": self.acks, "alarms": list(self.alarms.values())})


def main() -> int:
    """Run the agent until it is asked to stop."""
    path, file = sys.argv[1:]
    tap = Tap()
    daemon.compose = tap.compose
    try:
        return daemon.run(config_file.read(path))
    finally:
        Path(file).write_text(tap.told())


if __name__ == "__main__":
    sys.exit(main())

"""`outpost run` with a tap at the doors of its core: the agent's own words and a file in; what store and broker told it, line by line, out.

    python -m tests.chaos.tapped_agent FILE DEFECT run -c agent.toml

Each line is written before the core sees the event, so that a SIGKILL at any moment takes none that the core has acted on. DEFECT plants
a mistake between core and adapters, to show that the judge finds it; `none` plants none.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent import clock, daemon
from agent.__main__ import main
from agent.config import Config
from agent.core import effects
from agent.core.events import Acked, Event, Lane, Levels, Stored
from agent.wire import codec

Perform = Callable[[Any], None]

FORGETS_EARLY = "forgets-before-puback"
KEEPS_NOTHING = "keeps-nothing"
CLAIMS = "claims-what-is-not-stored"
DEFECTS = {
    FORGETS_EARLY: "a row is forgotten when it is sent, not when the broker has acknowledged it",
    KEEPS_NOTHING: "what was delivered is forgotten instead of kept as history",
    CLAIMS: "every third batch of the track is called stored and is not",
}


class Tap:
    """What passed."""

    def __init__(self, file: Path, defect: str) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._defect = defect
        self._compose = daemon.compose
        self._asked: dict[tuple[str, int], int] = {}
        self._sent: dict[int, tuple[str, str]] = {}
        self._levels = False
        self._claimed = 0

    def _note(self, **facts: Any) -> None:
        os.write(self._file, json.dumps(facts).encode() + b"\n")

    def compose(self, config: Config, boot: str, post: Callable[[Event], None]) -> tuple[list[daemon.Adapter], daemon.Performers]:
        """As daemon.compose, tapped."""

        def heard(event: Event) -> None:
            match event:
                case Stored(names=names, editions=editions):
                    for name in names:
                        edition = editions.get(name, 0)
                        self._note(stored=name, fixes=self._asked.get((name, edition), 0))
                case Acked(token=token) if token in self._sent:
                    name, track = self._sent.pop(token)
                    self._note(acked=name, track=track)
                case Levels(at=at) if not self._levels:
                    self._levels = True
                    self._note(boot=boot, levels=at)
            post(event)

        adapters, performers = self._compose(config, boot, heard)
        performers = {**performers, effects.Publish: self._publish(performers), effects.Store: self._store(performers, heard)}
        if self._defect == KEEPS_NOTHING:
            forget = performers[effects.Forget]
            performers[effects.Keep] = lambda keep: forget(effects.Forget(keep.names))
        return adapters, performers

    def _publish(self, performers: daemon.Performers) -> Perform:
        publish, forget = performers[effects.Publish], performers[effects.Forget]

        def tapped(effect: effects.Publish) -> None:
            if "/up/" in effect.topic:
                record = codec.unpack(effect.payload)
                name = f"{record['boot']}-{record['seq']}"
                self._sent[effect.token] = (name, effect.payload.hex() if record["kind"] == "track" else "")
                if self._defect == FORGETS_EARLY:
                    forget(effects.Forget((name,)))
            publish(effect)

        return tapped

    def _store(self, performers: daemon.Performers, post: Callable[[Event], None]) -> Perform:
        store = performers[effects.Store]

        def tapped(effect: effects.Store) -> None:
            self._asked[effect.name, effect.edition] = fixes_of(effect.payload)
            if self._defect == CLAIMS and effect.lane is Lane.BACKFILL:
                self._claimed += 1
                if self._claimed % 3 == 0:
                    post(Stored(clock.monotonic(), (effect.name,), {effect.name: effect.edition}))
                    return
            store(effect)

        return tapped


def fixes_of(payload: bytes) -> int:
    """How many fixes a record holds; 0 when it is no track."""
    return int(codec.unpack(payload).get("n", 0)) if codec.header(payload).kind == "track" else 0


if __name__ == "__main__":
    tap = Tap(Path(sys.argv[1]), sys.argv[2])
    daemon.compose = tap.compose
    sys.argv[1:3] = []
    sys.exit(main())

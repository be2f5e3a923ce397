"""A process that works the real Spool and says, line by line, what it asks, what is acknowledged, and what the broker has.

`python -m tests.power.workload DIRECTORY SEED TURNS [DEFECT]`. Lines: `ask {...}` before an effect is handed over, `ack N` when the event
that answers the N-th came, `puback NAME` when the broker has a row. A defect is one of DEFECTS: what must not be, so that it is seen that
the test would find it.
"""

import json
import os
import queue
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from agent.adapters import diskcache_store, spool
from agent.adapters.spool_batch import Answers, done, events
from agent.adapters.spool_rows import Rows
from agent.core.effects import Effect, Forget, Keep, OpenSpool, Prune, Remember, Store
from agent.core.events import Event, Forgotten, Lane, Pruned, Remembered, SpoolOpened, Stored

BOOT = "00000000000000b1"
SIZE = 4 << 20
DEFECTS = ("normal", "early ack", "early forget")


def content(name: str, edition: int) -> bytes:
    """The payload of a row: told by its name and edition alone."""
    rng = random.Random(f"{name}/{edition}")
    return f"{name}/{edition}/".encode() + rng.randbytes(rng.choice((40, 40, 300, 900, 3000)))


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


class Work:
    """Asks in turns; each turn waits until all of it is answered."""

    def __init__(self, directory: str, seed: int, defect: str) -> None:
        self.rng = random.Random(seed)
        self.defect = defect
        self.opened: queue.SimpleQueue[SpoolOpened] = queue.SimpleQueue()
        self.answered: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.pending: deque[tuple[int, type[Event], str, int]] = deque()
        self.asked = 0
        self.seq = 0
        self.lying: list[str] = []
        self.late: list[str] = []
        self.spool = spool.Spool(directory, SIZE, BOOT, self.post, time.monotonic)
        self.spool.start()
        self.spool.perform(OpenSpool())
        self.opened.get(timeout=60)

    def post(self, event: Event) -> None:
        """In the spool's thread. Events come in the order of the asks, one for neighbours of one kind."""
        if isinstance(event, SpoolOpened):
            self.opened.put(event)
        while self.pending:
            number, kind, name, edition = self.pending[0]
            if not isinstance(event, kind):
                return
            if isinstance(event, Stored | Forgotten | Remembered) and name not in event.names:
                return
            if isinstance(event, Stored) and event.editions.get(name, 0) < edition:
                return
            self.pending.popleft()
            say(f"ack {number}")
            self.answered.put(number)
            if isinstance(event, Pruned):
                return

    def ask(self, effect: Effect, kind: type[Event], key: str, least: int, /, **facts: Any) -> None:
        """`key` and `least` are the name, and the edition, that the event must bear to be the answer."""
        self.asked += 1
        say(f"ask {json.dumps({'n': self.asked, **facts})}")
        self.pending.append((self.asked, kind, key, least))
        self.spool.perform(effect)

    def store(self, name: str, lane: Lane, edition: int) -> None:
        effect = Store(name, lane, content(name, edition), edition)
        self.ask(effect, Stored, name, edition, do="store", name=name, lane=lane, edition=edition)

    def part(self, names: list[str]) -> None:
        """Rows that the broker has go into history, or for good; with a defect before it has them."""
        if self.defect != "early forget":
            self.pubacked(names)
        keep = self.rng.random() < 0.6
        self.ask((Keep if keep else Forget)(tuple(names)), Forgotten, names[0], 0, do="keep" if keep else "forget", names=names)
        if self.defect == "early forget":
            self.late = names

    def pubacked(self, names: list[str]) -> None:
        for name in names:
            say(f"puback {name}")

    def turn(self) -> None:
        """One to six asks that may share a transaction."""
        before = self.asked
        grown: dict[str, int] = {}
        for _ in range(self.rng.randint(1, 4)):
            self.seq += 1
            name = f"{BOOT}-{self.seq}"
            self.store(name, self.rng.choice(list(Lane)), 0)
            grown[name] = 0
        if self.rng.random() < 0.3:
            name = self.rng.choice(list(grown))
            self.store(name, Lane.BACKFILL, 1)
        self.lying += grown
        if self.rng.random() < 0.6 and len(self.lying) > 3:
            # Among them rows of this very turn, as when the broker is quicker than the disk.
            names = self.rng.sample(self.lying, self.rng.randint(1, min(6, len(self.lying))))
            self.lying = [name for name in self.lying if name not in names]
            self.part(names)
        if self.rng.random() < 0.3:
            value = self.rng.randbytes(20).hex()
            self.ask(Remember("alarm", value.encode()), Remembered, "alarm", 0, do="remember", value=value)
        if self.rng.random() < 0.15:
            self.ask(Prune(None, 3), Pruned, "", 0, do="prune", rows=3)
        for _ in range(self.asked - before):
            self.answered.get(timeout=60)
        self.pubacked(self.late)
        self.late = []


def planted_early_ack(post: Callable[[Event], None]) -> Callable[[Rows, list[Effect]], Answers]:
    """Answer, then write."""

    def early(rows: Rows, effects: list[Effect]) -> Answers:
        for event in events(time.monotonic(), [(effect, None) for effect in effects]):
            post(event)
        return done(rows, effects)

    return early


def main(directory: str, seed: str, turns: str, defect: str = "") -> None:
    if defect == "normal":
        diskcache_store.SETTINGS["sqlite_synchronous"] = 1
    work = Work(directory, int(seed), defect)
    if defect == "early ack":
        vars(spool)["done"] = planted_early_ack(work.post)
    for _ in range(int(turns)):
        work.turn()
    work.spool.close()
    say("closed")


if __name__ == "__main__":
    main(*sys.argv[1:])

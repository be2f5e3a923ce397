"""What the tests of the spool share: a spool under a directory, with its events at hand."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from agent.adapters.spool import Spool
from agent.core.effects import Effect, Forget, Keep, Load, OpenSpool, Prune, Recall, Remember, Store
from agent.core.events import Event, Forgotten, Lane, Loaded, Pruned, Recalled, Remembered, Row, SpoolFull, SpoolOpened, Stored
from tests.adapters.conftest import Posted

BOOT = "00000000000000b1"
NEXT_BOOT = "00000000000000a2"
"""Sorts before BOOT, although it comes later: names say nothing about order."""

SIZE = 64 << 20


class Running:
    """A spool whose thread runs. Methods ask for one thing and wait until it is answered."""

    def __init__(self, path: Path, boot: str, size_bytes_max: int) -> None:
        self.posted = Posted()
        self.boot = boot
        self.spool = Spool(str(path), size_bytes_max, boot, self.posted, time.monotonic)

    def perform(self, *effects: Effect) -> None:
        """Ask without waiting."""
        for effect in effects:
            self.spool.perform(effect)

    def open(self) -> SpoolOpened:
        """Open the store."""
        self.perform(OpenSpool())
        return self.posted.expect(SpoolOpened)

    def name(self, seq: int) -> str:
        """The name of this boot's row of that number."""
        return f"{self.boot}-{seq}"

    def store(self, *seqs: int, lane: Lane = Lane.EVENT, payload: bytes | None = None) -> None:
        """Store rows; without a payload it is the row's name."""
        names = {self.name(seq) for seq in seqs}
        self.perform(*(Store(name, lane, payload or name.encode()) for name in sorted(names)))
        while names:
            names -= set(self.posted.expect(Stored).names)

    def forget(self, *names: str) -> None:
        """Forget rows."""
        self.perform(Forget(names))
        self.posted.expect(Forgotten, where=lambda event: set(names) <= set(event.names))

    def keep(self, *names: str) -> None:
        """Move rows into history."""
        self.perform(Keep(names))
        self.posted.expect(Forgotten, where=lambda event: set(names) <= set(event.names))

    def recall(self, first: int, last: int, boot: str | None = None, limit: int = 100) -> Recalled:
        """Recall once."""
        self.perform(Recall(boot or self.boot, first, last, limit))
        return self.posted.expect(Recalled)

    def history(self, boot: str | None = None) -> list[Row]:
        """All rows of history of a boot, recalled bit by bit."""
        rows: list[Row] = []
        while True:
            first = int(rows[-1].name.split("-")[1]) + 1 if rows else 0
            recalled = self.recall(first, 10**14, boot)
            rows += recalled.rows
            if not recalled.more:
                return rows

    def kept(self, boot: str | None = None) -> list[str]:
        """The names of all rows of history of a boot."""
        return [row.name for row in self.history(boot)]

    def prune(self, lane: Lane | None, rows: int, before: str | None = None) -> Pruned:
        """Prune once."""
        self.perform(Prune(lane, rows, before))
        return self.posted.expect(Pruned)

    def remember(self, name: str, value: bytes | None) -> None:
        """Keep or remove a value."""
        self.perform(Remember(name, value))
        self.posted.expect(Remembered, where=lambda event: name in event.names)

    def stored_or_full(self) -> Stored | SpoolFull:
        """What became of a Store."""
        event = self.posted.expect(Event, where=lambda event: isinstance(event, Stored | SpoolFull))
        assert isinstance(event, Stored | SpoolFull)
        return event

    def load(self, lane: Lane = Lane.EVENT, after: str | None = None, limit: int = 100) -> Loaded:
        """Load once."""
        self.perform(Load(lane, after, limit))
        return self.posted.expect(Loaded, where=lambda event: event.lane == lane)

    def rows(self, lane: Lane = Lane.EVENT) -> list[Row]:
        """All rows of a lane, loaded bit by bit."""
        rows: list[Row] = []
        while True:
            loaded = self.load(lane, rows[-1].name if rows else None)
            rows += loaded.rows
            if not loaded.more:
                return rows

    def names(self, lane: Lane = Lane.EVENT) -> list[str]:
        """The names of all rows of a lane."""
        return [row.name for row in self.rows(lane)]


@contextmanager
def running(path: Path, boot: str = BOOT, size_bytes_max: int = SIZE) -> Iterator[Running]:
    """A spool that is started and, at the end, closed; not opened yet."""
    run = Running(path, boot, size_bytes_max)
    run.spool.start()
    try:
        yield run
    finally:
        run.spool.close()


@contextmanager
def file_of(path: Path) -> Iterator[sqlite3.Connection]:
    """The store's file, as anybody could open it with sqlite3."""
    with closing(sqlite3.connect(path / "spool" / "cache.db", isolation_level=None)) as connection:
        yield connection

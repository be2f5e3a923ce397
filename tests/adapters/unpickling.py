"""Is anything unpickled that lies in a store's file? A directory goes in; what pickle was made to look up comes out, by plant, as JSON.

    python -m tests.adapters.unpickling diskcache|before|after DIRECTORY

A process of its own, because its audit hook (PEP 578, `pickle.find_class`) stays for good: the hook hears every pickle that names anything,
also one whose effect would be caught or undone. `diskcache`: it is read by diskcache as it comes. `before`: the agent's spool opens a
store in which the pickle lies already. `after`: it is planted while the agent's store is open, past the check of the opening, and then
everything is done with it.
"""

import json
import os
import pickle
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import diskcache

from agent.adapters.diskcache_store import FILE_NAME, DiskcacheStore, sealed
from agent.adapters.segment_store import Room, StoreError
from agent.core.effects import Load, OpenSpool, Remember
from agent.core.events import Event, Lane, Loaded, SpoolOpened
from tests.adapters.spools import BOOT, NEXT_BOOT, running

SPRUNG = "sprung"
"""The directory that the pickle makes when it is loaded."""

KEY = f"2/00000001/000000000001/{BOOT}"
"""As the spool names a row of its live lane."""

SIZE = 64 << 20
EVERYTHING = ("", "\U0010ffff")


class Trap:
    """Pickled, it is a call of os.mkdir."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def row(**columns: object) -> Callable[[sqlite3.Connection, Path, bytes], None]:
    """A row with these columns; TRAP stands for the pickle."""

    def plant(file: sqlite3.Connection, directory: Path, trap: bytes) -> None:
        (directory / "side.val").write_bytes(trap)
        every: dict[str, object] = {"key": KEY, "raw": 1, "mode": 1, "filename": None, "value": None, "tag": None, **columns}
        told = {name: trap if value is TRAP else value for name, value in every.items()}
        file.execute("INSERT INTO Cache (key, raw, mode, filename, value, tag) VALUES (:key, :raw, :mode, :filename, :value, :tag)", told)

    return plant


def setting(name: str) -> Callable[[sqlite3.Connection, Path, bytes], None]:
    """A value in the table of settings."""

    def plant(file: sqlite3.Connection, directory: Path, trap: bytes) -> None:
        file.execute("INSERT OR REPLACE INTO Settings (key, value) VALUES (?, ?)", (name, trap))

    return plant


TRAP = object()
MODE_PICKLE = 4
"""diskcache.core.MODE_PICKLE, part of its file format."""

LIVE = {
    "value in the row": row(mode=MODE_PICKLE, value=TRAP),
    "value of memory": row(key="memory/alarm", mode=MODE_PICKLE, value=TRAP),
    "value in a file beside": row(mode=MODE_PICKLE, filename="side.val"),
    "key": row(key=TRAP, raw=0, value=b"x"),
    "key and value": row(key=TRAP, raw=0, mode=MODE_PICKLE, value=TRAP),
}
"""Where diskcache 5.6.3 loads a pickle."""

IDLE = {
    "tag": row(value=sealed(KEY, b"mine"), tag=TRAP),
    "setting of the disk": setting("disk_pickle_protocol"),
    "setting that is a count": setting("size"),
    "foreign setting": setting("pickle"),
    "value that says it is plain": row(value=TRAP),
    "key that says it is plain": row(key=TRAP, raw=1, value=b"x"),
    "mode that is none": row(mode=5, value=TRAP),
    "binary in a file beside": row(mode=2, filename="side.val"),
    "text in a file beside": row(mode=3, filename="side.val"),
}
"""Where it does not, and a later release might."""

PLANTS = LIVE | IDLE


def plant(name: str, directory: Path, trap: bytes) -> None:
    """Put the pickle into the store's file."""
    with closing(sqlite3.connect(directory / FILE_NAME, isolation_level=None)) as file:
        PLANTS[name](file, directory, trap)


def read_by_diskcache(directory: Path) -> None:
    """As any program with diskcache would."""
    with diskcache.Cache(str(directory)) as cache:
        for key in list(cache):
            cache.get(key)


def opened_by_the_spool(parent: Path) -> None:
    """Open, which finds the damage, sets it aside and rescues what is whole; then read and write."""
    with running(parent, NEXT_BOOT) as run:
        run.perform(OpenSpool())
        run.posted.expect(SpoolOpened)
        run.perform(Remember("alarm", b"mine"))
        for lane in Lane:
            run.perform(Load(lane, None, 100))
            run.posted.expect(Event, where=lambda event: isinstance(event, Loaded | SpoolOpened))  # opened anew: it was damaged


def used_while_planted(directory: Path, trap: bytes, name: str) -> None:
    """Open first, plant then; do everything that a store can do, each by itself so that one refusal hides no other."""
    store = DiskcacheStore(directory, SIZE)
    plant(name, directory, trap)
    doings: list[Callable[[], object]] = [
        lambda: list(store.read(*EVERYTHING, 1000)),
        lambda: store.keys(*EVERYTHING, 1000),
        lambda: store.count(*EVERYTHING),
        lambda: store.move({KEY: "3/moved"}),
        lambda: store.put(KEY, b"mine"),
        lambda: store.put("memory/alarm", b"mine"),
        lambda: store.drop([KEY, "memory/alarm"]),
    ]
    for do in doings:
        with suppress(StoreError), store.transact(Room.URGENT):
            do()
    store.close()


def met(how: str, name: str, parent: Path) -> None:
    """Make a store, and let it meet the pickle."""
    directory = parent / "spool"
    trap = pickle.dumps(Trap(parent / SPRUNG))
    DiskcacheStore(directory, SIZE).close()
    if how == "after":
        used_while_planted(directory, trap, name)
        return
    plant(name, directory, trap)
    if how == "diskcache":
        read_by_diskcache(directory)
    else:
        opened_by_the_spool(parent)


def main(how: str, parent: Path) -> dict[str, list[str]]:
    """What pickle was made to look up, by plant; each in a directory of its name."""
    heard: list[str] = []
    sys.addaudithook(lambda event, about: heard.append(".".join(map(str, about))) if event == "pickle.find_class" else None)
    told = {}
    for name in LIVE if how == "diskcache" else PLANTS:
        (parent / name).mkdir()
        met(how, name, parent / name)
        told[name] = list(heard)
        heard.clear()
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]))) + "\n")

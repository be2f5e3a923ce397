"""A damaged store is set aside: in goes its directory, out come a fresh one with all that could be read, and where the old one lies.

The fresh store is filled beside the damaged one and takes its place by renaming, so that a power cut on the way repeats or completes the
rescue.
"""

import math
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from agent.adapters.bytes_disk import Unsound
from agent.adapters.diskcache_store import FILE_NAME, unsealed
from agent.adapters.segment_store import Room, SegmentStore, StoreFull
from agent.adapters.spool_rows import AFTER_SLASH, HISTORY, KEY, MARKS, MEMORY, MEMORY_MAX
from agent.adapters.store_carve import Column, carve
from agent.adapters.store_lock import sync

ASIDE_MAX = 3
"""So many damaged stores are kept for whoever wants to look; the oldest goes, or they would fill the card."""

GROUP_ROWS = 200
"""Rows in one commit of the fresh store."""

COLUMNS = "SELECT key, raw, mode, filename, value FROM Cache"


def fresh_beside(directory: Path) -> Path:
    """Where the store grows that will replace the damaged one."""
    return directory.with_name(f"{directory.name}.fresh")


def settle(directory: Path) -> None:
    """Complete, or clear away, a rescue that was cut off. Raises OSError."""
    fresh = fresh_beside(directory)
    if fresh.exists():
        if directory.exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(directory)
            sync(directory.parent)


def rescue(directory: Path, open_store: Callable[[Path], SegmentStore]) -> tuple[Path, int]:
    """Replace a damaged store, which nobody has open, by a fresh one; where it lies now, and how many rows were saved.

    Raises StoreError or OSError when the fresh one cannot be made; the damaged one is then where it was.
    """
    settle(directory)
    fresh = fresh_beside(directory)
    store = open_store(fresh)
    with closing(store):
        salvage(directory / FILE_NAME, store)
        with store.transact(Room.MOVES):
            rows = store.count("0/", f"{HISTORY}{AFTER_SLASH}")
    asides = _asides(directory)
    aside = directory.with_name(f"{directory.name}.damaged-{max(asides, default=0) + 1}")
    directory.rename(aside)
    fresh.rename(directory)
    sync(directory.parent)
    for number in sorted(asides)[: len(asides) + 1 - ASIDE_MAX]:
        # What cannot be removed takes room and nothing else.
        shutil.rmtree(asides[number], ignore_errors=True)
    return aside, rows


def salvage(file: Path, target: SegmentStore) -> None:
    """Copy every row that can be read and whose checksum is right, memory first, until the target is full. Raises StoreFailed."""
    box = _Box(target)
    try:
        if not _read_by_sqlite(file, box):
            _read_by_page(file, box)
        box.commit()
    except (StoreFull, OSError):
        # Full: the old store may have been larger. What is in is in; the rest lies in the one that is set aside.
        return


def _read_by_sqlite(file: Path, box: "_Box") -> bool:
    """Take the rows that SQLite finds; False when it came upon something that it could not read."""
    try:
        # Read only, so that closing does not fold the write-ahead log into what may be evidence.
        uri = f"{file.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=1.0, isolation_level=None)) as connection:
            for query, parameters in (
                (f"{COLUMNS} WHERE key > ? AND key < ?", (MEMORY, f"memory{AFTER_SLASH}")),
                # The plus keeps the index out of it, which may be damaged while the table is whole. What waits goes before history.
                (f"{COLUMNS} WHERE +key < ? ORDER BY rowid", (f"{HISTORY}/",)),
                (f"{COLUMNS} WHERE +key > ? ORDER BY rowid", (f"{HISTORY}/",)),
            ):
                for columns in connection.execute(query, parameters):
                    row = box.sound(*columns)
                    if row is not None:
                        box.put(*row)
    except (sqlite3.Error, UnicodeDecodeError):
        # The latter when SQLite's own words quote a damaged schema.
        return False
    return True


def _read_by_page(file: Path, box: "_Box") -> None:
    """Take the rows that lie on any page, unless they are there; of other values the newest. Raises StoreFull, OSError."""
    box.commit()
    newest: dict[str, float] = dict.fromkeys(box.others(), math.inf)
    for stored_at, *columns in carve(file):
        row = box.sound(*columns)
        if row is None:
            continue
        key = row[0]
        if KEY.fullmatch(key):
            if not box.has_row(key):
                box.put(*row)
        elif stored_at >= newest.get(key, 0.0):
            newest[key] = stored_at
            box.put(*row)


class _Box:
    """Rows on their way into the fresh store."""

    def __init__(self, target: SegmentStore) -> None:
        self._target = target
        self._rows: dict[str, bytes] = {}

    @staticmethod
    def sound(key: Column, raw: Column, mode: Column, filename: Column, value: Column) -> tuple[str, bytes] | None:
        """Key and content of a row that is one of ours and whole."""
        try:
            row = unsealed(key, raw, mode, filename, value)
        except Unsound:
            return None
        return row if KEY.fullmatch(row[0]) or row[0].startswith((MEMORY, MARKS)) else None

    def put(self, key: str, content: bytes) -> None:
        """Keep it. Raises StoreError."""
        self._rows[key] = content
        if len(self._rows) >= GROUP_ROWS:
            self.commit()

    def has_row(self, key: str) -> bool:
        """Whether a row of a lane was kept before. Keys of one length: at most fifteen others end in another digit."""
        if key in self._rows:
            return True
        with self._target.transact(Room.MOVES), closing(self._target.read(key[:-1], f"{key}~", 16)) as near:
            return any(name == key for name, _ in near)

    def others(self) -> list[str]:
        """The keys of memory and marks that were kept before."""
        with self._target.transact(Room.MOVES):
            return [key for start in (MEMORY, MARKS) for key, _ in self._target.read(start, f"{start[:-1]}{AFTER_SLASH}", MEMORY_MAX)]

    def commit(self) -> None:
        """Put what is there on disk. Raises StoreError."""
        rows, self._rows = self._rows, {}
        with self._target.transact(Room.ROWS):
            for name, content in rows.items():
                self._target.put(name, content)


def _asides(directory: Path) -> dict[int, Path]:
    """The damaged stores that lie beside, by number."""
    pattern = re.compile(re.escape(directory.name) + r"\.damaged-([0-9]+)")
    matches = ((pattern.fullmatch(path.name), path) for path in directory.parent.iterdir())
    return {int(match[1]): path for match, path in matches if match}

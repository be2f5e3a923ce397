"""A damaged store is set aside: in goes its directory, out come a fresh one with all that could be read, and where the old one lies.

The fresh store is filled beside the damaged one and takes its place by renaming, so that a power cut on the way repeats or completes the
rescue.
"""

import math
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from agent.adapters.bytes_disk import Unsound
from agent.adapters.diskcache_store import FILE_NAME, unsealed
from agent.adapters.segment_store import Room, SegmentStore, StoreFull
from agent.adapters.spool_rows import AFTER_DIGITS, AFTER_SLASH, HISTORY, KEY, MARKS, MEMORY, MEMORY_MAX
from agent.adapters.store_aside import Kind, make_room, place_for
from agent.adapters.store_carve import Column, carve
from agent.adapters.store_lock import sync
from agent.core.events import Lane

GROUP_ROWS = 200
"""Rows in one commit of the fresh store."""

RETRY_S, RETRY_S_MAX = 5.0, 3600.0
"""Between two rescues of a store: each copies all of it, which a disk that fails must not be asked for every few seconds."""

ALARMS = f"{Lane.ALARM:d}/"
EVENTS = f"{Lane.EVENT:d}/"
GAPS = f"{Lane.GAP:d}/"

RANGES = (
    (ALARMS, f"{Lane.ALARM:d}{AFTER_SLASH}", True),
    (MARKS, f"memory{AFTER_SLASH}", True),
    (GAPS, f"{Lane.GAP:d}{AFTER_SLASH}", True),
    ("", f"{Lane.EVENT:d}{AFTER_SLASH}", False),
    (f"{Lane.EVENT:d}{AFTER_SLASH}", f"{HISTORY}/", False),
    (f"{HISTORY}/", AFTER_DIGITS, False),
)
"""Of keys, and whether they are few. What matters most comes first, since the fresh store may have less room: alarms, memory, declared
losses, events, all else that waits, history. What the index misses of the few comes with the others."""


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


class Retry:
    """When a rescue may be tried again: at once at first, then after a wait that doubles, until the store has taken a row."""

    def __init__(self) -> None:
        self._due_s = -math.inf
        self.wait_s = 0.0

    def is_due(self, now: float) -> bool:
        """Whether one may be tried."""
        return now >= self._due_s

    def tried(self, now: float) -> None:
        """One is over, whatever came of it."""
        self.wait_s = min(max(2 * self.wait_s, RETRY_S), RETRY_S_MAX)
        self._due_s = now + self.wait_s

    def succeeded(self) -> None:
        """The store takes rows. Its opening alone proves little: the place that fails may be the one of the next row."""
        self.wait_s, self._due_s = 0.0, -math.inf


def rescue(directory: Path, bytes_max: int, open_store: Callable[[Path], SegmentStore]) -> tuple[Path, int]:
    """Replace a damaged store, which nobody has open, by a fresh one; where it lies now, and how many rows were saved.

    What was set aside before is removed as far as it would be more than `bytes_max` together with this one. Raises StoreError or OSError
    when the fresh one cannot be made; the damaged one is then where it was.
    """
    settle(directory)
    aside = place_for(directory, Kind.DAMAGED)
    make_room(directory, Kind.DAMAGED, bytes_max)
    fresh = fresh_beside(directory)
    store = open_store(fresh)
    with closing(store):
        salvage(directory / FILE_NAME, store)
        with store.transact(Room.MOVES):
            rows = store.count("0/", f"{Lane.GAP:d}{AFTER_SLASH}")
    directory.rename(aside)
    fresh.rename(directory)
    sync(directory.parent)
    return aside, rows


def salvage(file: Path, target: SegmentStore) -> None:
    """Copy every row that can be read and whose checksum is right, alarms first, until the target is full. Raises StoreFailed."""
    box = _Box(target)
    try:
        if not _read_by_sqlite(file, box):
            _read_by_page(file, box)
        box.commit()
    except (StoreFull, OSError):
        # Full: the old store may have been larger. What is in is in; the rest lies in the one that is set aside.
        return


def _read_by_sqlite(file: Path, box: "_Box") -> bool:
    """Take the rows that SQLite finds; False when it came upon something that it could not read. Raises StoreError."""
    try:
        # Read only, so that closing does not fold the write-ahead log into what may be evidence.
        uri = f"{file.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=1.0, isolation_level=None)) as connection:
            for above, below, are_few in RANGES:
                if not (are_few and _read_range(connection, "key", above, below, box)):
                    # The plus keeps the index out of it, which may be damaged while the table is whole.
                    _read_range(connection, "+key", above, below, box)
    except (sqlite3.Error, UnicodeDecodeError):
        # The latter when SQLite's own words quote a damaged schema.
        return False
    return True


def _read_range(connection: sqlite3.Connection, column: str, above: str, below: str, box: "_Box") -> bool:
    """Take the rows of a range; False when the index cannot be read. Raises StoreError, and sqlite3.Error without the index."""
    order = "key" if column == "key" else "rowid"
    query = f"SELECT key, raw, mode, filename, value FROM Cache WHERE {column} > ? AND {column} < ? ORDER BY {order}"  # noqa: S608  names of ours
    try:
        for columns in connection.execute(query, (above, below)):
            row = box.sound(*columns)
            if row is not None:
                box.put(*row)
    except sqlite3.Error:
        if order == "rowid":
            raise
        return False
    finally:
        box.commit()
    return True


def _read_by_page(file: Path, box: "_Box") -> None:
    """Take the rows that lie on any page, unless they are there; of other values the newest. Raises StoreError, OSError."""
    box.commit()
    newest: dict[str, float] = dict.fromkeys(box.others(), math.inf)
    for turn in range(len(RANGES)):
        for stored_at, *columns in carve(file):
            row = box.sound(*columns) if _turn(columns[0]) == turn else None
            if row is None:
                continue
            key = row[0]
            if KEY.fullmatch(key):
                if not box.has_row(key):
                    box.put(*row)
            elif stored_at >= newest.get(key, 0.0):
                newest[key] = stored_at
                box.put(*row)
        box.commit()


def _turn(key: Column) -> int:
    """Which of the RANGES is the first to find a row of this key."""
    if not isinstance(key, str):
        return len(RANGES)
    if key.startswith(ALARMS):
        return 0
    if key.startswith((MEMORY, MARKS)):
        return 1
    if key.startswith(GAPS):
        return 2
    return 3 if key.startswith(EVENTS) else 5 if key.startswith(HISTORY) else 4


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
        """Put what is there on disk; alarms, memory and marks into the room that is kept for them too. Raises StoreError."""
        rows, self._rows = self._rows, {}
        for room in (Room.URGENT, Room.GAPS, Room.ROWS):
            self._keep([row for row in rows.items() if _room(row[0]) is room], room)

    def _keep(self, rows: list[tuple[str, bytes]], room: Room) -> None:
        """In one commit or, when there is no room for all, as many of the first as there is room for. Raises StoreError."""
        if not rows:
            return
        try:
            with self._target.transact(room):
                for name, content in rows:
                    self._target.put(name, content)
        except StoreFull:
            half = len(rows) // 2
            if not half:
                raise
            self._keep(rows[:half], room)
            self._keep(rows[half:], room)


def _room(key: str) -> Room:
    return Room.URGENT if key.startswith((ALARMS, MEMORY, MARKS)) else Room.GAPS if key.startswith(GAPS) else Room.ROWS

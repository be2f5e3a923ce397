"""Rows of lanes, history and memory on top of a SegmentStore: in go names `{boot}-{seq}`, out come rows in the order of their making.

Keys sort by lane, then by start of the agent, then by number: `{lane}/{generation:08x}/{seq:012x}/{boot}`; history, the rows that were
delivered, is a fifth lane, `4`. A generation counts the boots that the store has seen (a boot's name is random and says nothing about
order). So the key of a name can be computed once the boot's generation is known: this boot's is given when the store is opened, those of
former boots are learned from the keys that lie there. Memory lies under `memory/{name}`, the newest generation ever given under
`mark/generation`, the store's own name under `mark/id`.
"""

import re
import secrets
from contextlib import AbstractContextManager, closing

from agent.adapters.segment_store import Room, SegmentStore, StoreDamaged
from agent.core.events import Lane, Row
from agent.wire.whys import why

NAME = re.compile(r"([0-9a-f]{16})-(0|[1-9][0-9]{0,13})")
"""A row's name; 14 digits fit into the key's twelve hexadecimal ones."""

KEY = re.compile(r"[0-5]/([0-9a-f]{8})/([0-9a-f]{12})/([0-9a-f]{16})")
HISTORY = "4"
"""The place of history among the lanes, of which none has this number."""

PLACES: tuple[Lane | None, ...] = (*Lane, None)
"""Where a row may lie; None is history."""

SEQ_MAX = 0xFFFF_FFFF_FFFF
"""The largest number that fits into a key."""

MEMORY = "memory/"
MARKS = "mark/"
GENERATION = f"{MARKS}generation"
ID = f"{MARKS}id"
"""Eight random bytes, by which a store is known again that was away; names of files and numbers of inodes are used again."""

AFTER_SLASH = "0"
"""The character after "/": keys that begin with `x/` lie between `x/` and `x0`."""

AFTER_DIGITS = "~"
"""Sorts after all hexadecimal digits."""

LOAD_BYTES_MAX = 256 * 1024
"""One Load answers with at most so many bytes (and one row at least): what the outbox can send in a while, and memory can hold twice."""

PRUNE_ROWS_MAX = 1000
"""Rows that one Prune removes: some 200 KB of the write-ahead log, so that a full disk takes it."""

MEMORY_MAX = 10_000
"""Values of memory that are read at opening."""


Found = tuple[tuple[Row, ...], bool]
"""Rows, and whether others follow."""


class Rows:
    """All rows and memory of an open store. All but `open`, `tidy` and `close` are called inside `transact`, all by one thread."""

    def __init__(self, store: SegmentStore, boot: str, generations: dict[str, int]) -> None:
        """`generations` by boot are remembered by the caller over openings: a name stays known when its rows are gone."""
        self._store = store
        self._boot = boot
        self._generations = generations
        self._newest = 0
        self.store_id = b""

    def open(self, former_id: bytes | None = None) -> None:
        """Learn the generations that lie in the store, and give this boot its own. Raises StoreError.

        What was known before is forgotten when this is another store than the one of the `former_id`.
        """
        with self._store.transact(Room.MOVES):
            with closing(self._store.read(MARKS, f"mark{AFTER_SLASH}", len((GENERATION, ID)))) as found:
                marks = dict(found)
            self.store_id = marks.get(ID) or secrets.token_bytes(8)
            if former_id not in (None, self.store_id):
                self._generations.clear()
            mark = int.from_bytes(marks.get(GENERATION, b""), "big")
            for place in PLACES:
                self._learn(place)
            self._newest = max([mark, *self._generations.values()])
            self._generation(self._boot)
            if self._newest > mark:
                self._store.put(GENERATION, self._newest.to_bytes(4, "big"))
            if ID not in marks:
                self._store.put(ID, self.store_id)

    def transact(self, room: Room) -> AbstractContextManager[None]:
        """As the store's."""
        return self._store.transact(room)

    def tidy(self) -> None:
        """As the store's."""
        self._store.tidy()

    def store(self, name: str, lane: Lane | None, payload: bytes) -> None:
        """Put a row into a lane, or into history (None), out of any other."""
        key = self._key(lane, name)
        assert key is not None, f"{name!r} is no name of a row: expected 16 hexadecimal digits, a dash and a number"
        self._store.drop([f"{_prefix(other)}{key[1:]}" for other in PLACES if other != lane])
        self._store.put(key, payload)

    def forget(self, names: tuple[str, ...]) -> None:
        """Remove rows, whatever lane they lie in, from history too."""
        self._store.drop(key for name in names for key in self._known_keys(name, PLACES))

    def keep(self, names: tuple[str, ...]) -> None:
        """Move rows from whatever lane they lie in into history."""
        self._store.move({key: f"{HISTORY}{key[1:]}" for name in names for key in self._known_keys(name, tuple(Lane))})

    def load(self, lane: Lane, after: str | None, limit: int) -> Found:
        """Rows of a lane after that one, bounded in number and bytes, and whether others follow. After an unknown name: from the start."""
        start = self._key(lane, after) if after is not None and self._is_known(after) else None
        return self._found(lane, start or f"{lane:d}/", f"{lane:d}{AFTER_SLASH}", limit)

    def recall(self, boot: str, first: int, last: int, limit: int) -> Found:
        """Rows of history, of one boot and with the numbers first to last, bounded in number and bytes, and whether others follow.

        What lane a row lay in is not kept: it is given back as one of the lane of back-fill.
        """
        generation = self._generations.get(boot)
        if generation is None or last < 0:
            return (), False
        start = f"{HISTORY}/{generation:08x}/"
        above, below = f"{start}{min(max(first, 0), SEQ_MAX):012x}/", f"{start}{min(last, SEQ_MAX):012x}/{AFTER_DIGITS}"
        return self._found(Lane.BACKFILL, above, below, limit)

    def prune(self, lane: Lane | None, rows: int, before: str | None) -> tuple[tuple[str, ...], bool]:
        """Remove the oldest rows of a lane or of history: their names, and whether others could go. Nothing is older than a stranger."""
        prefix = _prefix(lane)
        below: str | None = f"{prefix}{AFTER_SLASH}"
        if before is not None:
            below = self._key(lane, before) if self._is_known(before) else None
        if below is None:
            return (), False
        limit = max(0, min(rows, PRUNE_ROWS_MAX))
        keys = self._store.keys(f"{prefix}/", below, limit + 1)
        gone = keys[:limit]
        names = tuple(_name(key) for key in gone)
        self._store.drop(gone)
        return names, len(keys) > limit

    def remember(self, name: str, value: bytes | None) -> None:
        """Keep or remove a value of memory."""
        if value is None:
            self._store.drop([f"{MEMORY}{name}"])
        else:
            self._store.put(f"{MEMORY}{name}", value)

    def waiting(self) -> dict[Lane, int]:
        """How many rows lie in each lane."""
        return {lane: self._count(lane) for lane in Lane}

    def kept(self) -> int:
        """How many rows lie in history."""
        return self._count(None)

    def memory(self) -> dict[str, bytes]:
        """All that is remembered."""
        with closing(self._store.read(MEMORY, f"memory{AFTER_SLASH}", MEMORY_MAX)) as found:
            return {key.removeprefix(MEMORY): value for key, value in found}

    def close(self) -> None:
        """Close the store. Raises StoreError."""
        self._store.close()

    def _found(self, lane: Lane, above: str, below: str, limit: int) -> Found:
        rows: list[Row] = []
        size = 0
        with closing(self._store.read(above, below, limit + 1)) as found:
            for key, payload in found:
                size += len(payload)
                if len(rows) >= limit or (rows and size > LOAD_BYTES_MAX):
                    return tuple(rows), True
                rows.append(Row(_name(key), lane, payload))
        return tuple(rows), False

    def _count(self, place: Lane | None) -> int:
        return self._store.count(f"{_prefix(place)}/", f"{_prefix(place)}{AFTER_SLASH}")

    def _learn(self, place: Lane | None) -> None:
        """Note the boot of every generation in a lane: one look per generation, since each belongs to one boot."""
        prefix = _prefix(place)
        above = f"{prefix}/"
        while keys := self._store.keys(above, f"{prefix}{AFTER_SLASH}", 1):
            generation, boot, _ = _parts(keys[0])
            self._generations[boot] = generation
            above = f"{prefix}/{generation:08x}/{AFTER_DIGITS}"

    def _is_known(self, name: str) -> bool:
        return name[:16] in self._generations

    def _generation(self, boot: str) -> int:
        """Of a boot seen for the first time: the next one.

        Should the transaction be rolled back, the number stays given in this process and is lost for others: they learn it from the keys,
        and without keys nobody misses it.
        """
        if boot not in self._generations:
            self._newest += 1
            self._generations[boot] = self._newest
        return self._generations[boot]

    def _known_keys(self, name: str, places: tuple[Lane | None, ...]) -> list[str]:
        """Where the row of that name may lie; nowhere when its boot is unknown, or it is no name."""
        key = self._key(None, name) if self._is_known(name) else None
        return [] if key is None else [f"{_prefix(place)}{key[1:]}" for place in places]

    def _key(self, place: Lane | None, name: str) -> str | None:
        """Where the row of that name lies if it lies there; None for what is no name."""
        match = NAME.fullmatch(name)
        if match is None:
            return None
        boot, seq = match.groups()
        return f"{_prefix(place)}/{self._generation(boot):08x}/{int(seq):012x}/{boot}"


def _prefix(place: Lane | None) -> str:
    return HISTORY if place is None else f"{place:d}"


def _name(key: str) -> str:
    _, boot, seq = _parts(key)
    return f"{boot}-{seq}"


def _parts(key: str) -> tuple[int, str, int]:
    """Generation, boot and seq of a row's key; StoreDamaged when it is not one of ours."""
    match = KEY.fullmatch(key)
    if match is None:
        raise StoreDamaged(why("store_foreign", found=repr(key)))
    generation, seq, boot = match.groups()
    return int(generation, 16), boot, int(seq, 16)

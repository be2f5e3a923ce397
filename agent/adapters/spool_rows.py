"""Rows of lanes and memory on top of a SegmentStore: in go names `{boot}-{seq}`, out come rows in the order in which they were stored.

Keys sort by lane, then by start of the agent, then by number: `{lane}/{generation:08x}/{seq:012x}/{boot}`. A generation counts the boots
that the store has seen (a boot's name is random and says nothing about order). So the key of a name can be computed once the boot's
generation is known: this boot's is given when the store is opened, those of former boots are learned from the keys that lie there.
Memory lies under `memory/{name}`, the newest generation ever given under `mark/generation`.
"""

import re
from contextlib import AbstractContextManager, closing

from agent.adapters.segment_store import SegmentStore, StoreDamaged
from agent.core.events import Lane, Row

NAME = re.compile(r"([0-9a-f]{16})-(0|[1-9][0-9]{0,13})")
"""A row's name; 14 digits fit into the key's twelve hexadecimal ones."""

KEY = re.compile(r"[0-3]/([0-9a-f]{8})/([0-9a-f]{12})/([0-9a-f]{16})")
MEMORY = "memory/"
MARKS = "mark/"
GENERATION = f"{MARKS}generation"

AFTER_SLASH = "0"
"""The character after "/": keys that begin with `x/` lie between `x/` and `x0`."""

AFTER_DIGITS = "~"
"""Sorts after all hexadecimal digits."""

LOAD_BYTES_MAX = 256 * 1024
"""One Load answers with at most so many bytes (and one row at least): what the outbox can send in a while, and memory can hold twice."""

MEMORY_MAX = 10_000
"""Values of memory that are read at opening."""


class Rows:
    """All rows and memory of an open store. All but `open` and `close` are called inside `transact`, all by one thread."""

    def __init__(self, store: SegmentStore, boot: str, generations: dict[str, int]) -> None:
        """`generations` by boot are remembered by the caller over openings: a name stays known when its rows are gone."""
        self._store = store
        self._boot = boot
        self._generations = generations
        self._newest = 0

    def open(self) -> None:
        """Learn the generations that lie in the store, and give this boot its own. Raises StoreError."""
        with self._store.transact(reserve=True):
            with closing(self._store.read(MARKS, f"mark{AFTER_SLASH}", 1)) as marks:
                mark = next((int.from_bytes(value, "big") for _, value in marks), 0)
            for lane in Lane:
                self._learn(lane)
            self._newest = max([mark, *self._generations.values()])
            self._generation(self._boot)
            if self._newest > mark:
                self._store.put(GENERATION, self._newest.to_bytes(4, "big"))

    def transact(self, reserve: bool) -> AbstractContextManager[None]:
        """As the store's."""
        return self._store.transact(reserve)

    def store(self, name: str, lane: Lane, payload: bytes) -> None:
        """Put a row into a lane, out of any other."""
        key = self._key(lane, name)
        assert key is not None, f"{name!r} is no name of a row: expected 16 hexadecimal digits, a dash and a number"
        self._store.drop([f"{other:d}{key[1:]}" for other in Lane if other != lane])
        self._store.put(key, payload)

    def forget(self, names: tuple[str, ...]) -> None:
        """Remove rows, whatever lane they lie in."""
        keys = (self._key(lane, name) for name in names for lane in Lane if self._is_known(name))
        self._store.drop(key for key in keys if key is not None)

    def load(self, lane: Lane, after: str | None, limit: int) -> tuple[tuple[Row, ...], bool]:
        """Rows of a lane after that one, bounded in number and bytes, and whether others follow. After an unknown name: from the start."""
        start = self._key(lane, after) if after is not None and self._is_known(after) else None
        rows: list[Row] = []
        size = 0
        with closing(self._store.read(start or f"{lane:d}/", f"{lane:d}{AFTER_SLASH}", limit + 1)) as found:
            for key, payload in found:
                size += len(payload)
                if len(rows) >= limit or (rows and size > LOAD_BYTES_MAX):
                    return tuple(rows), True
                boot, seq = _parts(key)[1:]
                rows.append(Row(f"{boot}-{seq}", lane, payload))
        return tuple(rows), False

    def remember(self, name: str, value: bytes | None) -> None:
        """Keep or remove a value of memory."""
        if value is None:
            self._store.drop([f"{MEMORY}{name}"])
        else:
            self._store.put(f"{MEMORY}{name}", value)

    def waiting(self) -> dict[Lane, int]:
        """How many rows lie in each lane."""
        return {lane: self._store.count(f"{lane:d}/", f"{lane:d}{AFTER_SLASH}") for lane in Lane}

    def memory(self) -> dict[str, bytes]:
        """All that is remembered."""
        with closing(self._store.read(MEMORY, f"memory{AFTER_SLASH}", MEMORY_MAX)) as found:
            return {key.removeprefix(MEMORY): value for key, value in found}

    def close(self) -> None:
        """Close the store. Raises StoreError."""
        self._store.close()

    def _learn(self, lane: Lane) -> None:
        """Note the boot of every generation in a lane: one look per generation, since each belongs to one boot."""
        above = f"{lane:d}/"
        while True:
            with closing(self._store.read(above, f"{lane:d}{AFTER_SLASH}", 1)) as found:
                key = next((key for key, _ in found), None)
            if key is None:
                return
            generation, boot, _ = _parts(key)
            self._generations[boot] = generation
            above = f"{lane:d}/{generation:08x}/{AFTER_DIGITS}"

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

    def _key(self, lane: Lane, name: str) -> str | None:
        """Where the row of that name lies if it lies in that lane; None for what is no name."""
        match = NAME.fullmatch(name)
        if match is None:
            return None
        boot, seq = match.groups()
        return f"{lane:d}/{self._generation(boot):08x}/{int(seq):012x}/{boot}"


def _parts(key: str) -> tuple[int, str, int]:
    """Generation, boot and seq of a row's key; StoreDamaged when it is not one of ours."""
    match = KEY.fullmatch(key)
    if match is None:
        raise StoreDamaged(f"the key {key!r} is none of a row")
    generation, seq, boot = match.groups()
    return int(generation, 16), boot, int(seq, 16)

"""What the spool asks of a store: text keys and bytes values in key order, in transactions; out come those, or a StoreError.

`DiskcacheStore` is one; anything with these methods can stand in for it.
"""

import enum
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from agent.wire.whys import Why


class StoreError(Exception):
    """The store could not do what was asked; the reason says what, where and what to do."""

    def __init__(self, reason: Why) -> None:
        super().__init__(str(reason))
        self.reason = reason


class StoreFull(StoreError):
    """There is no room. The store is whole, and reading and dropping still work."""


class StoreDamaged(StoreError):
    """The store holds what was never put there, or cannot be read: it must be set aside."""


class StoreFailed(StoreError):
    """The disk or the system refused. What the store holds is not to be trusted before it has been opened and checked again."""


class StoreBroken(StoreFailed):
    """The disk failed to read, write or flush: what the files hold may not be what was written, whatever it says from now on."""


class StoreGone(StoreFailed):
    """The files are not where they were opened: they were removed, or their disk is away. What is written now is lost."""


class StoreNewer(StoreError):
    """The store was written by a newer version: it must be put aside as it is."""


class Room(enum.IntEnum):
    """Who may fill the store how far: the last pages are for gaps, alarms, memory, the very last for moving rows (so a fullness ends)."""

    ROWS = 0
    GAPS = 1
    URGENT = 2
    MOVES = 3


class SegmentStore(Protocol):
    """A store that is open. All but `tidy` and `close` are called inside `transact`, all by the thread that opened it."""

    def transact(self, room: Room) -> AbstractContextManager[None]:
        """What is done inside is on disk when this ends without an exception, and has not happened when it ends with one.

        It may fill the store as far as `room` says. Raises StoreError.
        """
        ...

    def tidy(self) -> None:
        """Do what may wait until somebody has been told that the last transaction is on disk; else the next one does. Raises StoreError."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep a value; one of the same key is replaced."""
        ...

    def drop(self, keys: Iterable[str]) -> None:
        """Remove values; unknown keys are no error."""
        ...

    def move(self, keys: Mapping[str, str]) -> None:
        """Let the values of some keys lie under others, in the place of what lies there; unknown keys are no error."""
        ...

    def read(self, above: str, below: str, limit: int) -> Generator[tuple[str, bytes], None, None]:
        """Up to `limit` pairs with above < key < below, in the order of the keys' code points."""
        ...

    def keys(self, above: str, below: str, limit: int) -> list[str]:
        """As `read`, without reading the values."""
        ...

    def count(self, above: str, below: str) -> int:
        """How many keys there are with above < key < below, without reading the values."""
        ...

    def close(self) -> None:
        """Let the files go."""
        ...

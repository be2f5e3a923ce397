"""What the spool asks of a store: text keys and bytes values in key order, in transactions; out come those, or one of three errors.

`DiskcacheStore` is one; anything with these six methods can stand in for it.
"""

from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager
from typing import Protocol


class StoreError(Exception):
    """The store could not do what was asked; the message says what, where and what to do."""


class StoreFull(StoreError):
    """There is no room. The store is whole, and reading and dropping still work."""


class StoreDamaged(StoreError):
    """The store holds what was never put there, or cannot be read: it must be set aside."""


class StoreFailed(StoreError):
    """The disk or the system refused. What the store holds is not to be trusted before it has been opened and checked again."""


class SegmentStore(Protocol):
    """A store that is open. All but `close` are called inside `transact`, all by the thread that opened it."""

    def transact(self, reserve: bool = False) -> AbstractContextManager[None]:
        """What is done inside is on disk when this ends without an exception, and has not happened when it ends with one.

        The last pages are kept for those who ask for the `reserve`. Raises StoreError.
        """
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep a value; one of the same key is replaced."""
        ...

    def drop(self, keys: Iterable[str]) -> None:
        """Remove values; unknown keys are no error."""
        ...

    def read(self, above: str, below: str, limit: int) -> Generator[tuple[str, bytes], None, None]:
        """Up to `limit` pairs with above < key < below, in the order of the keys' code points."""
        ...

    def count(self, above: str, below: str) -> int:
        """How many keys there are with above < key < below, without reading the values."""
        ...

    def close(self) -> None:
        """Let the files go."""
        ...

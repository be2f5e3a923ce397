"""A SegmentStore in one diskcache directory: in go keys and values, out come the same after a checksum; SQLite's errors become StoreErrors.

What diskcache is asked for and why (each was measured): every commit is flushed (its default loses seconds at a power cut), nothing is
evicted (its default silently drops the oldest), values lie in the row as bytes (else pickles, and side files that are never flushed), the
size is bounded by pages (a full disk wedges SQLite, our own bound does not), pages of 1 KB (half the bytes written), a small page cache
(its default is 32 MB).
"""

import errno
import sqlite3
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import diskcache

from agent.adapters.bytes_disk import MODE_RAW, BytesDisk, Unsound
from agent.adapters.segment_store import StoreDamaged, StoreError, StoreFailed, StoreFull
from agent.adapters.store_check import check, check_versions

FILE_NAME = "cache.db"
"""The file's name inside the directory is diskcache's choice."""

PAGE_BYTES = 1024
"""A commit writes whole pages: with 1 KB a row of 80 bytes costs 11 KB on the card, with SQLite's 4 KB it is 23 KB."""

CACHE_PAGES = 512
"""Page cache of the connection: 512 KB; more was no faster."""

WAL_BYTES_MAX = 4 << 20
"""Out of size_bytes_max this much, at most a quarter, is left for the write-ahead log beside the file."""

RESERVE_PAGES = 256
"""At most an eighth of the pages are kept for alarms and memory, so that what matters most fits when all else is full."""

DROP_KEYS_MAX = 400
"""Keys in one DELETE; SQLite takes 999 parameters at least."""

SETTINGS: dict[str, int | str] = {
    "statistics": 0,
    "tag_index": 0,
    "eviction_policy": "none",
    "size_limit": 1 << 62,
    "cull_limit": 0,
    "sqlite_auto_vacuum": 0,
    "sqlite_cache_size": CACHE_PAGES,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 0,
    "sqlite_synchronous": 2,
    "disk_min_file_size": 1 << 62,
    "disk_pickle_protocol": 5,
}
"""All settings that diskcache 5.6 knows, so that none is taken from the file; the bound of the size comes on top."""

KNOWN_SETTINGS = frozenset(SETTINGS) | {"sqlite_max_page_count", "count", "size", "hits", "misses"}

DAMAGE_CODES = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}
)
OUR_WORDS = ("cannot start a transaction", "cannot commit", "cannot rollback")
"""How SQLite's plain error 1 begins when it is not the file. Our statements are always the same: else a damaged schema is to blame."""


def sealed(key: str, value: bytes) -> bytes:
    """The value with a CRC-32 of key and value before it: SQLite has no checksums, and a card may return what was never written."""
    return zlib.crc32(value, zlib.crc32(key.encode())).to_bytes(4, "big") + value


def unsealed(key: Any, raw: Any, mode: Any, filename: Any, value: Any) -> tuple[str, bytes]:
    """Key and value of a row of the table; Unsound when it is not one that we wrote, or its checksum is wrong."""
    if not raw or type(key) is not str or mode != MODE_RAW or filename is not None or type(value) is not bytes:
        raise Unsound(f"a row that is not plain bytes (mode {mode}) lies in the store")
    content = value[4:]
    if sealed(key, content) != value:
        raise Unsound(f"the row {key!r} has a wrong checksum")
    return key, content


class DiskcacheStore:
    """One directory with one SQLite file. Used by one thread only: diskcache has a connection per thread, and transactions belong to it."""

    def __init__(self, directory: Path, size_bytes_max: int) -> None:
        """Open the store, after a check of some two seconds at most, or make it; the parent must be there. Raises StoreError."""
        pages_max = (size_bytes_max - min(WAL_BYTES_MAX, size_bytes_max // 4)) // PAGE_BYTES
        self._directory = directory
        self._size_bytes_max = size_bytes_max
        self._used_pages_max = pages_max - min(RESERVE_PAGES, pages_max // 8)
        with self._translated():
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)
            file = directory / FILE_NAME
            is_new = not file.exists() or file.stat().st_size == 0
            if not is_new:
                check_versions(file)
            # Held open over diskcache's own opening and closing, or each of them would fold the write-ahead log in and make a new one.
            with closing(sqlite3.connect(file, timeout=1.0, isolation_level=None)) as first:
                if is_new:
                    # diskcache turns the journal on before it would set a page size, and then it is too late.
                    first.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                    first.execute("PRAGMA journal_mode = WAL")
                else:
                    check(first, KNOWN_SETTINGS)
                self._cache = diskcache.Cache(str(directory), timeout=1.0, disk=BytesDisk, sqlite_max_page_count=pages_max, **SETTINGS)

    @contextmanager
    def transact(self, reserve: bool = False) -> Iterator[None]:
        """Begin; at the end commit and flush, or roll back. Raises StoreError, StoreFull among them."""
        with self._translated():
            try:
                with self._cache.transact():
                    yield
                    if not reserve and self._used_pages() > self._used_pages_max:
                        raise StoreFull(self._full())
            except BaseException:
                # After a COMMIT that failed diskcache believes that the transaction is over; SQLite does not.
                if self._cache._con.in_transaction:
                    self._sql("ROLLBACK")
                raise

    def put(self, key: str, value: bytes) -> None:
        """Insert or replace a row."""
        self._cache.set(key, sealed(key, value))

    def drop(self, keys: Iterable[str]) -> None:
        """Delete rows by key."""
        # diskcache's own delete would read each row first; its triggers keep its counters right in any case.
        waiting = list(keys)
        for start in range(0, len(waiting), DROP_KEYS_MAX):
            some = waiting[start : start + DROP_KEYS_MAX]
            self._sql(f"DELETE FROM Cache WHERE key IN ({', '.join('?' * len(some))})", some)  # noqa: S608  question marks only

    def read(self, above: str, below: str, limit: int) -> Generator[tuple[str, bytes], None, None]:
        """Range read by the index on the key; raises Unsound (StoreDamaged outside of the transaction)."""
        rows = self._sql(
            "SELECT key, raw, mode, filename, value FROM Cache WHERE key > ? AND key < ? ORDER BY key LIMIT ?", (above, below, limit)
        )
        with closing(rows):
            for row in rows:
                yield unsealed(*row)

    def count(self, above: str, below: str) -> int:
        """Counted in the index alone."""
        ((count,),) = self._sql("SELECT count(*) FROM Cache WHERE key > ? AND key < ?", (above, below)).fetchall()
        return int(count)

    def close(self) -> None:
        """Fold the write-ahead log in and close the file. Raises StoreError."""
        with self._translated():
            self._cache.close()

    def _sql(self, statement: str, parameters: Iterable[Any] = ()) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self._cache._sql(statement, parameters)
        return cursor

    def _used_pages(self) -> int:
        """Pages that hold something. The file does not shrink, so its length would call a store full that has been emptied."""
        ((pages,),) = self._sql("PRAGMA page_count").fetchall()
        ((free,),) = self._sql("PRAGMA freelist_count").fetchall()
        return int(pages) - int(free)

    def _full(self) -> str:
        return (
            f"full: {self._directory} has reached its {self._size_bytes_max} bytes, or its disk is full; "
            "rows must be forgotten, [store] size_bytes_max raised, or room made"
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Let the errors of SQLite, diskcache and the system out as StoreErrors."""
        try:
            yield
        except (sqlite3.Error, diskcache.Timeout, OSError, Unsound, UnicodeDecodeError) as error:
            raise self._translation(_first(error)) from error

    def _translation(self, error: BaseException) -> StoreError:
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        if primary == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
            return StoreFull(self._full())
        plain = (
            isinstance(error, sqlite3.DatabaseError)
            and not isinstance(error, sqlite3.ProgrammingError)
            and primary in (None, sqlite3.SQLITE_ERROR)
            and not str(error).startswith(OUR_WORDS)
        )
        # Python cannot decode SQLite's own words when they quote a damaged schema.
        foreign = isinstance(error, Unsound | UnicodeDecodeError)
        if foreign or plain or primary in DAMAGE_CODES:
            return StoreDamaged(f"{self._directory} is damaged: {error}")
        return StoreFailed(
            f"{self._directory} cannot be used: {error}; it must be a directory that the agent may write, on a disk that works and has room"
        )


def _first(error: BaseException) -> BaseException:
    """The error that began it: diskcache hides a failed BEGIN behind a Timeout, and a failed statement behind "cannot rollback"."""
    while isinstance(error.__context__, sqlite3.Error):
        error = error.__context__
    return error

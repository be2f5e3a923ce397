"""A SegmentStore in one diskcache directory: in go keys and values, out come the same after a checksum; SQLite's errors become StoreErrors.

What diskcache is asked for and why (each was measured): every commit is flushed (its default loses seconds at a power cut), nothing is
evicted (its default silently drops the oldest), values lie in the row as bytes (else pickles, and side files that are never flushed), the
size is bounded by pages (a full disk wedges SQLite, our own bound does not), pages of 1 KB (half the bytes written), a small page cache
(its default is 32 MB).
"""

import errno
import os
import sqlite3
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import diskcache

from agent.adapters.bytes_disk import MODE_RAW, BytesDisk, Unsound
from agent.adapters.segment_store import Room, StoreBroken, StoreDamaged, StoreError, StoreFailed, StoreFull, StoreGone, StoreNewer
from agent.adapters.store_check import check, check_versions
from agent.adapters.store_lock import sync
from agent.adapters.store_version import VERSION, Newer, check_version, migrate
from agent.wire.whys import Why, why

FILE_NAME = "cache.db"
"""The file's name inside the directory is diskcache's choice."""

PAGE_BYTES = 1024
"""A commit writes whole pages: with 1 KB a row of 80 bytes costs 11 KB on the card, with SQLite's 4 KB it is 23 KB."""

CACHE_PAGES = 512
"""Page cache of the connection: 512 KB; more was no faster."""

WAL_BYTES_MAX = 4 << 20
"""Out of size_bytes_max this much, at most a quarter, is left for the write-ahead log beside the file."""

CHECKPOINT_PAGES = 1000
"""So many pages in the write-ahead log (about: they are reckoned) are folded into the file; at most a quarter of what the log may be."""

MAX_PAGES = 1 << 32
"""More than SQLite counts. What makes room is never refused, also in a file that is larger than it may be by now."""

COMMIT_PAGES = 4
ROW_PAGES = 3
"""What a transaction and each row in it cost in the log, for the reckoning. Measured with rows of 80 bytes: one stored alone 6 pages, ten
together 14, one moved alone 11, ten together 14."""

RESERVE_PAGES = 256
"""At most an eighth of the pages are kept for alarms and memory, so that what matters most fits when all else is full."""

MOVING_PAGES = 32
"""A row that moves needs a place in the index before it leaves its old one. Measured with 8000 rows: oldest first, as they are delivered,
this takes 3 pages for all; at random, 170."""

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
    "sqlite_wal_autocheckpoint": 0,
    "disk_min_file_size": 1 << 62,
    "disk_pickle_protocol": 5,
}
"""All settings that diskcache 5.6 knows, so that none is taken from the file; the bound of the size comes on top."""

KNOWN_SETTINGS = frozenset(SETTINGS) | {"sqlite_max_page_count", "count", "size", "hits", "misses"}

DAMAGE_CODES = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}
)
BROKEN_CODES = frozenset(
    {
        *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_WRITE),
        *(sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC, sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_DATA),
    }
)
"""After a failed flush Linux takes the pages for written: the next flush succeeds, and they are not there (`fsyncgate`, 2018)."""

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
        """Open the store, after a check of 1.5 seconds at most, or make it; the parent must be there. Raises StoreError."""
        log_bytes_max = min(WAL_BYTES_MAX, size_bytes_max // 4)
        pages_max = (size_bytes_max - log_bytes_max) // PAGE_BYTES
        self._directory = directory
        self._size_bytes_max = size_bytes_max
        reserve_pages = min(RESERVE_PAGES, pages_max // 8)
        self._used_pages_max = {
            Room.ROWS: pages_max - reserve_pages,
            Room.GAPS: pages_max - reserve_pages * 3 // 4,
            Room.URGENT: pages_max - min(MOVING_PAGES, reserve_pages // 4),
            Room.MOVES: MAX_PAGES,
        }
        self._checkpoint_pages = min(CHECKPOINT_PAGES, log_bytes_max // PAGE_BYTES // 4)
        self._pages_logged = 0
        self._can_grow = True
        self._files = (directory / FILE_NAME, directory / f"{FILE_NAME}-wal")
        with self._translated():
            if not directory.exists():
                directory.mkdir(mode=0o700)
                sync(directory.parent)
            directory.chmod(0o700)
            file = self._files[0]
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
                    check_version(first)
                    check(first, KNOWN_SETTINGS)
                migrate(first)
                # A file that is larger than it may be by now needs some pages more, so that rows can move and it can be emptied.
                ((pages,),) = first.execute("PRAGMA page_count").fetchall()
                bound = {"sqlite_max_page_count": max(pages_max, pages + MOVING_PAGES)}
                self._cache = diskcache.Cache(str(directory), timeout=1.0, disk=BytesDisk, **bound, **SETTINGS)
                _reserve(self._files[1], 2 * self._checkpoint_pages * PAGE_BYTES)
            self.identity = self._identity()

    @contextmanager
    def transact(self, room: Room) -> Iterator[None]:
        """Begin; at the end commit and flush, or roll back. Raises StoreError, StoreFull among them."""
        with self._translated():
            self._fold_if_due()
            if not self._can_grow and room is Room.ROWS:
                self._checkpoint()
                if not self._can_grow:
                    raise StoreFull(self._full())
            logged_before = self._pages_logged
            try:
                with self._cache.transact():
                    yield
                    if self._used_pages() > self._used_pages_max[room]:
                        raise StoreFull(self._full())
            except BaseException:
                # After a COMMIT that failed diskcache believes that the transaction is over; SQLite does not.
                if self._cache._con.in_transaction:
                    self._sql("ROLLBACK")
                raise
            if self._identity() != self.identity:
                raise StoreGone(why("store_gone", path=str(self._directory)))
            if self._pages_logged > logged_before:
                self._pages_logged += COMMIT_PAGES

    def tidy(self) -> None:
        """Fold the write-ahead log in when it is long. Raises StoreError."""
        with self._translated():
            self._fold_if_due()

    def put(self, key: str, value: bytes) -> None:
        """Insert or replace a row."""
        self._pages_logged += ROW_PAGES + len(value) // PAGE_BYTES
        self._cache.set(key, sealed(key, value))

    def drop(self, keys: Iterable[str]) -> None:
        """Delete rows by key."""
        # diskcache's own delete would read each row first; its triggers keep its counters right in any case.
        waiting = list(keys)
        for start in range(0, len(waiting), DROP_KEYS_MAX):
            some = waiting[start : start + DROP_KEYS_MAX]
            self._pages_logged += 2 * len(some)
            self._sql(f"DELETE FROM Cache WHERE key IN ({', '.join('?' * len(some))})", some)  # noqa: S608  question marks only

    def move(self, keys: Mapping[str, str]) -> None:
        """Give rows other keys; raises Unsound. The row stays in its place, so that only its first page is written, and the index."""
        waiting = list(keys)
        for start in range(0, len(waiting), DROP_KEYS_MAX):
            some = waiting[start : start + DROP_KEYS_MAX]
            there = self._sql(f"SELECT key FROM Cache WHERE key IN ({', '.join('?' * len(some))})", some).fetchall()  # noqa: S608  question marks only
            for (key,) in there:
                self._pages_logged += ROW_PAGES
                # The checksum holds the key too.
                (row,) = self._sql("SELECT key, raw, mode, filename, value FROM Cache WHERE key = ?", (key,)).fetchall()
                value = sealed(keys[key], unsealed(*row)[1])
                self._sql("UPDATE OR REPLACE Cache SET key = ?, value = ? WHERE key = ?", (keys[key], value, key))

    def read(self, above: str, below: str, limit: int) -> Generator[tuple[str, bytes], None, None]:
        """Range read by the index on the key; raises Unsound (StoreDamaged outside of the transaction)."""
        rows = self._sql(
            "SELECT key, raw, mode, filename, value FROM Cache WHERE key > ? AND key < ? ORDER BY key LIMIT ?", (above, below, limit)
        )
        with closing(rows):
            for row in rows:
                yield unsealed(*row)

    def keys(self, above: str, below: str, limit: int) -> list[str]:
        """Range read in the index alone."""
        rows = self._sql("SELECT key FROM Cache WHERE key > ? AND key < ? ORDER BY key LIMIT ?", (above, below, limit))
        return [key for (key,) in rows.fetchall()]

    def count(self, above: str, below: str) -> int:
        """Counted in the index alone."""
        ((count,),) = self._sql("SELECT count(*) FROM Cache WHERE key > ? AND key < ?", (above, below)).fetchall()
        return int(count)

    def close(self) -> None:
        """Fold the write-ahead log in and close the file. Raises StoreError."""
        with self._translated():
            self._cache.close()

    def _fold_if_due(self) -> None:
        if self._pages_logged >= self._checkpoint_pages:
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Fold the write-ahead log in. By itself SQLite would do so as well, and keep to itself that a flush has failed."""
        self._pages_logged = 0
        try:
            self._sql("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._can_grow = True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            # The disk is full. The log keeps what it has, and what room it has is for what matters most.
            self._can_grow = False

    def _identity(self) -> tuple[tuple[int, int] | None, ...]:
        """Device and number of each file, as its name leads to it now."""
        return tuple(_device_and_number(file) for file in self._files)

    def _sql(self, statement: str, parameters: Iterable[Any] = ()) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self._cache._sql(statement, parameters)
        return cursor

    def _used_pages(self) -> int:
        """Pages that hold something. The file does not shrink, so its length would call a store full that has been emptied."""
        ((pages,),) = self._sql("PRAGMA page_count").fetchall()
        ((free,),) = self._sql("PRAGMA freelist_count").fetchall()
        return int(pages) - int(free)

    def _full(self) -> Why:
        return why("store_full", path=str(self._directory), bytes=self._size_bytes_max)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Let the errors of SQLite, diskcache and the system out as StoreErrors."""
        try:
            yield
        except Newer as newer:
            raise StoreNewer(why("store_newer", path=str(self._directory), found=newer.found, known=VERSION)) from newer
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
            return StoreDamaged(why("store_damaged", path=str(self._directory), reason=str(error)))
        is_broken = code in BROKEN_CODES or (isinstance(error, OSError) and error.errno == errno.EIO)
        return (StoreBroken if is_broken else StoreFailed)(why("store_failed", path=str(self._directory), reason=str(error)))


def _device_and_number(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _reserve(log: Path, size: int) -> None:
    """Give the write-ahead log its room now, so that rows can be forgotten, and alarms stored, when the disk is full later.

    What lies behind its last record is not read by SQLite, and zeros are none.
    """
    # Without it the log grows as far as the disk has room.
    with suppress(OSError), log.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def _first(error: BaseException) -> BaseException:
    """The error that began it: diskcache hides a failed BEGIN behind a Timeout, and a failed statement behind "cannot rollback"."""
    while isinstance(error.__context__, sqlite3.Error):
        error = error.__context__
    return error

"""Rows out of a broken SQLite file without SQLite: in goes the file of a diskcache store, out come the columns of the rows on its pages.

SQLite finds a row by way of pages above it, so that one bad page near the root hides everything. But rows lie whole on leaf pages, and
each of ours carries a checksum: here every page is looked at by itself, and what does not fit is left out. The format:
sqlite.org/fileformat2.html (1.3 header, 1.5 freelist, 1.6 pages, 2.1 records, 4.1 write-ahead log).
"""

import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from agent.adapters.diskcache_store import PAGE_BYTES

MAGIC = b"SQLite format 3\x00"
WAL_MAGICS = (0x377F0682, 0x377F0683)
WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
LEAF = 0x0D
COLUMNS_COUNT = 12
ROW_BYTES_MAX = 4 << 20
"""A length beyond this is garbage: the records of the project stay far below a megabyte."""

Column = int | float | bytes | str | None
INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def carve(file: Path) -> Iterator[tuple[float, Column, Column, Column, Column, Column]]:
    """Store time, key, raw, mode, file name and value of each row; pages that are known to be free are passed over.

    A row may come twice, or be one that was replaced: the store time (of the system clock then) tells which is newer. Raises OSError.
    """
    log = file.with_name(f"{file.name}-wal")
    with ExitStack() as stack:
        pages = _Pages(stack.enter_context(file.open("rb")), stack.enter_context(log.open("rb")) if log.exists() else None)
        free = pages.free()
        for number in pages.numbers():
            if number in free:
                continue
            for payload in _leaf_payloads(pages, number):
                row = _row(payload)
                if row is not None:
                    yield row


class _Pages:
    """The pages of a file, counted from 1, as of the last commit in the write-ahead log."""

    def __init__(self, file: BinaryIO, log: BinaryIO | None) -> None:
        self._file = file
        header = file.read(100)
        self.size = PAGE_BYTES
        if header[:16] == MAGIC:
            # The format writes 65536 as 1.
            size = int.from_bytes(header[16:18], "big")
            self.size = 65536 if size == 1 else size if size >= 512 and size.bit_count() == 1 else PAGE_BYTES
        self._count = file.seek(0, os.SEEK_END) // self.size
        self._log = log
        self._newer = {} if log is None else _committed(log, self.size)

    def numbers(self) -> Iterator[int]:
        """Of all pages there are: in the file, and beyond its end those that lie in the log only."""
        yield from range(1, self._count + 1)
        yield from (number for number in self._newer if number > self._count)

    def read(self, number: int) -> bytes:
        """A page; ValueError when there is none of that number, or the card does not give it out."""
        source, at = self._file, (number - 1) * self.size
        if self._log is not None and number in self._newer:
            source, at = self._log, self._newer[number]
        elif not 1 <= number <= self._count:
            raise ValueError(f"no page {number}")
        try:
            page = os.pread(source.fileno(), self.size, at)
        except OSError as error:
            raise ValueError(f"page {number}: {error}") from error
        if len(page) < self.size:
            raise ValueError(f"page {number} is cut off")
        return page

    def free(self) -> set[int]:
        """Pages of the freelist, as far as it can be followed: they hold rows that were removed."""
        free: set[int] = set()
        try:
            trunk = int.from_bytes(self.read(1)[32:36], "big")
            while trunk and trunk not in free:
                free.add(trunk)
                page = self.read(trunk)
                trunk, leaves = struct.unpack_from(">II", page)
                free.update(struct.unpack_from(f">{leaves}I", page, 8) if leaves <= self.size // 4 else ())
        except (ValueError, struct.error):
            # A damaged list. Rows that come back from the dead are repeats, which the centre knows by their names.
            return free
        return free


def _committed(log: BinaryIO, page_bytes: int) -> dict[int, int]:
    """Where in a write-ahead log the newest committed content of a page begins. Its checksums are not looked at: the rows have theirs."""
    committed: dict[int, int] = {}
    pending: dict[int, int] = {}
    header = log.read(WAL_HEADER_BYTES)
    if len(header) < WAL_HEADER_BYTES or int.from_bytes(header[:4], "big") not in WAL_MAGICS:
        return {}
    at = WAL_HEADER_BYTES
    while len(frame := log.read(FRAME_HEADER_BYTES + page_bytes)) == FRAME_HEADER_BYTES + page_bytes:
        number, pages_after_commit = struct.unpack_from(">II", frame)
        if frame[8:16] != header[16:24]:
            # Salts of an earlier round: what follows has been folded in long ago.
            break
        pending[number] = at + FRAME_HEADER_BYTES
        if pages_after_commit:
            committed |= pending
            pending = {}
        at += len(frame)
    return committed


def _leaf_payloads(pages: _Pages, number: int) -> Iterator[bytes]:
    """The records on a page, if it is a leaf of a table."""
    try:
        page = pages.read(number)
    except ValueError:
        return
    start = 100 if number == 1 else 0
    if page[start] != LEAF:
        return
    cells = int.from_bytes(page[start + 3 : start + 5], "big")
    for cell in range(min(cells, pages.size // 4)):
        try:
            at = start + 8 + 2 * cell
            yield _payload(pages, page, int.from_bytes(page[at : at + 2], "big"))
        except (ValueError, IndexError):
            continue


def _payload(pages: _Pages, page: bytes, at: int) -> bytes:
    """The record of a cell, collected over its overflow pages. Raises ValueError or IndexError for garbage."""
    length, at = _varint(page, at)
    _, at = _varint(page, at)
    if length > ROW_BYTES_MAX:
        raise ValueError("too long")
    usable = pages.size
    local_max, local_min = usable - 35, (usable - 12) * 32 // 255 - 23
    if length <= local_max:
        return page[at : at + length]
    local = local_min + (length - local_min) % (usable - 4)
    local = local if local <= local_max else local_min
    parts = [page[at : at + local]]
    following = int.from_bytes(page[at + local : at + local + 4], "big")
    missing = length - local
    while missing > 0:
        overflow = pages.read(following)
        following = int.from_bytes(overflow[:4], "big")
        parts.append(overflow[4 : 4 + missing])
        missing -= usable - 4
    return b"".join(parts)


def _row(payload: bytes) -> tuple[float, Column, Column, Column, Column, Column] | None:
    """The columns of interest of a record of diskcache's table `Cache`; None for anything else."""
    try:
        columns = _columns(payload)
    except (ValueError, IndexError, struct.error):
        return None
    if len(columns) != COLUMNS_COUNT:
        return None
    _, key, raw, stored_at, _, _, _, _, _, mode, filename, value = columns
    return (stored_at if isinstance(stored_at, float) else 0.0), key, raw, mode, filename, value


def _columns(payload: bytes) -> list[Column]:
    """A record's columns. Raises ValueError, IndexError or struct.error for garbage."""
    header_bytes, at = _varint(payload, 0)
    body = header_bytes
    columns: list[Column] = []
    while at < header_bytes and len(columns) <= COLUMNS_COUNT:
        kind, at = _varint(payload, at)
        column: Column = None
        if kind in INTEGER_BYTES:
            width = INTEGER_BYTES[kind]
            column = int.from_bytes(payload[body : body + width], "big", signed=True)
        elif kind == 7:
            width = 8
            (column,) = struct.unpack_from(">d", payload, body)
        elif kind in (8, 9):
            width, column = 0, kind - 8
        elif kind >= 12:
            width = (kind - 12) // 2
            content = payload[body : body + width]
            column = content.decode() if kind % 2 else content
        else:
            width = 0
        columns.append(column)
        body += width
    return columns


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends. Raises IndexError."""
    value = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | data[at], at + 1

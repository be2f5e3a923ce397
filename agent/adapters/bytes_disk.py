"""What diskcache may put on disk and take from it: in go `str` keys and `bytes` values, out come the same; no pickle, no side file.

diskcache unpickles what it reads, so that whoever can write the directory could run code (CVE-2025-69872, no fixed release).
Here nothing is pickled in either direction, and a row that another program put there is refused instead of read.
"""

import sqlite3
from typing import Any

import diskcache

MODE_RAW = 1
"""diskcache's number for "the value lies in the row as it is" (diskcache.core.MODE_RAW, part of its file format)."""


class Unsound(ValueError):
    """What lies in the store is not what this project put there."""


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """A diskcache `Disk` for text keys and bytes in the row."""

    def put(self, key: Any) -> tuple[str, bool]:
        """The key as it goes into the table, and that it is raw; TypeError for anything but str."""
        if type(key) is not str:
            raise TypeError(f"a key is str, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        """The key as it comes out of the table; Unsound when it is a pickle or not text."""
        if not raw or type(key) is not str:
            raise Unsound("a key that is not text lies in the store")
        return key

    def store(self, value: Any, read: Any, key: Any = None) -> tuple[int, int, None, memoryview]:
        """The columns size, mode, file name and value; TypeError for anything but bytes, whatever their size."""
        if type(value) is not bytes or read:
            raise TypeError(f"a value is bytes, not {type(value).__name__}")
        return 0, MODE_RAW, None, sqlite3.Binary(value)

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> bytes:
        """The value of a row; Unsound when it is a pickle, a side file, or anything but bytes in the row."""
        if mode != MODE_RAW or filename is not None or read or type(value) is not bytes:
            raise Unsound(f"a value that is not plain bytes (mode {mode}) lies in the store")
        return value

    def remove(self, file_path: Any) -> None:
        """Called when a row with a side file is replaced: we write none, and a planted name could point out of the directory."""
        raise Unsound(f"a row names the side file {file_path!r}")

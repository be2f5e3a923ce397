"""Stores that are set aside: in goes the directory of one that cannot be used, out comes where it lies; all of them are bounded in bytes.

Damaged ones lie in `{directory}.damaged-{n}`, those of a newer Outpost in `{directory}.newer-{n}`; the higher number is the newer one.
"""

import os
import re
import shutil
from enum import StrEnum
from pathlib import Path

from agent.adapters.store_lock import sync

DAMAGED_MAX = 3
"""So many damaged stores are kept for whoever wants to look."""

BLOCK_BYTES = 512
"""What st_blocks counts, whatever the file system (stat(2))."""


class Kind(StrEnum):
    """Why a store was set aside."""

    DAMAGED = "damaged"
    NEWER = "newer"


def make_room(directory: Path, kind: Kind, bytes_max: int) -> None:
    """Remove what was set aside before, the oldest first, so that with this store, which comes next, it is `bytes_max` at most.

    Of a damaged store a copy will be made: for that the disk must have room too. Damaged ones go before newer ones, which nobody has
    copied. The newest of either kind stays, whatever it takes: for the kind that comes, that is this store. Raises OSError.
    """
    damaged, newer = (_asides(directory, each) for each in Kind)
    coming = bytes_of(directory)
    copy = min(coming, bytes_max) if kind is Kind.DAMAGED else 0
    there = {path: bytes_of(path) for path in (*damaged, *newer)}
    # The clock may have been wrong at any of them: only the numbers tell what is older.
    for path in damaged[: None if kind is Kind.DAMAGED else -1] + newer[: None if kind is Kind.NEWER else -1]:
        is_one_too_many = kind is Kind.DAMAGED and path in damaged and len(there.keys() & set(damaged)) >= DAMAGED_MAX
        if is_one_too_many or sum(there.values()) + coming > bytes_max or shutil.disk_usage(directory.parent).free < copy:
            # What cannot be removed takes room and nothing else.
            shutil.rmtree(path, ignore_errors=True)
            del there[path]


def place_for(directory: Path, kind: Kind) -> Path:
    """Where a store of that kind goes. Asked before room is made, so that no number is used twice in a row. Raises OSError."""
    taken = [_number(path) for path in _asides(directory, kind)]
    return directory.with_name(f"{directory.name}.{kind}-{max(taken, default=0) + 1}")


def put_newer_aside(directory: Path, bytes_max: int) -> Path:
    """Set a newer store, which nobody has open, aside as it is: where it lies now. Raises OSError."""
    aside = place_for(directory, Kind.NEWER)
    make_room(directory, Kind.NEWER, bytes_max)
    directory.rename(aside)
    sync(directory.parent)
    return aside


def bytes_of(directory: Path) -> int:
    """What the files below a directory take on the disk; nothing for one that is not there."""
    size = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            size += Path(parent, name).lstat().st_blocks * BLOCK_BYTES
    return size


def _asides(directory: Path, kind: Kind) -> list[Path]:
    """What lies beside of a kind, the oldest first."""
    pattern = re.compile(rf"{re.escape(directory.name)}\.{kind}-[0-9]+")
    return sorted((path for path in directory.parent.iterdir() if pattern.fullmatch(path.name)), key=_number)


def _number(aside: Path) -> int:
    return int(aside.name.rpartition("-")[2])

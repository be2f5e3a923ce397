"""Which version of Outpost wrote the file: in goes an open SQLite connection, out comes a file of this version, or Newer.

The number lies in the file's header (PRAGMA user_version). It grows when keys, checksums or the meaning of rows change. An older file is
brought up step by step, each step in one transaction with its number; a newer one is nobody's to touch here.
"""

import sqlite3
from collections.abc import Callable

VERSION = 2
"""0: before history and this number. 1: `4/` is history. 2: `5/` is declared losses."""

VERSION_MAX = 999
"""A number beyond this was never given to a version: it is garbage in the header, and the file is looked at for damage like any other."""


class Newer(Exception):
    """The file was written by a newer Outpost, of the store version in `found`."""

    def __init__(self, found: int) -> None:
        super().__init__(f"store version {found}; this one knows {VERSION}")
        self.found = found


def _from_0(_: sqlite3.Connection) -> None:
    """Lanes, memory and marks lie where they lay, and there was no history: the number is all."""


def _from_1(_: sqlite3.Connection) -> None:
    """Declared losses lay among the events, and those that are there leave from there."""


STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {0: _from_0, 1: _from_1}
"""What brings a file of that version to the next."""


def check_version(connection: sqlite3.Connection) -> None:
    """Raises Newer for a file that this Outpost must not touch, sqlite3.Error for one that cannot be read."""
    version = version_of(connection)
    if VERSION < version <= VERSION_MAX:
        raise Newer(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a sound file up to VERSION. Raises sqlite3.Error; then it is as it was after the last step that was done."""
    version = version_of(connection)
    while version != VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            STEPS.get(version, _from_0)(connection)
            version = version + 1 if version in STEPS else VERSION
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def version_of(connection: sqlite3.Connection) -> int:
    """The number in the file."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(version)

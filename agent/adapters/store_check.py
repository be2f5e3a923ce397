"""Is the file sound? In goes an open SQLite connection to a diskcache file, out comes nothing, or Unsound or sqlite3.DatabaseError.

The check reads the whole file, so it is bounded in time: some 1.5 s, 60 MB of a good card. Damage beyond is met when it is read, since
rows carry checksums.
"""

import sqlite3
import threading
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from agent.adapters.bytes_disk import MODE_RAW, Unsound

CHECK_S_MAX = 1.5
"""How long the store may be read before it is opened anyway: the unit waits for it."""

VERSIONS = (b"\x01\x01", b"\x02\x02", b"")
"""Of the file format to write and to read: rollback journal, write-ahead log; and a file so short that SQLite refuses it."""

UNREADABLE = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)

FOREIGN_ROWS = f"""
    SELECT rowid FROM Cache
    WHERE typeof(key) != 'text' OR raw != 1 OR mode != {MODE_RAW} OR filename IS NOT NULL OR typeof(value) != 'blob' LIMIT 1
"""  # noqa: S608  a number of ours


def check(connection: sqlite3.Connection, known_settings: Set[str], seconds_max: float = CHECK_S_MAX) -> bool:
    """Look for damage, settings that are not ours and rows that are not plain bytes; False when the time was over before the end.

    Raises Unsound or sqlite3.DatabaseError for what it finds. Nothing of a row is interpreted.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "Settings" in tables:
        # diskcache executes settings by their names, before anything else.
        foreign = {name for (name,) in connection.execute("SELECT key FROM Settings")} - known_settings
        if foreign:
            raise Unsound(f"foreign settings {sorted(map(str, foreign))}")
    with _interrupted_after(connection, seconds_max):
        try:
            ((found,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
            if found != "ok":
                raise Unsound(str(found))
            # No table: a first opening that was cut off before diskcache made it.
            row = connection.execute(FOREIGN_ROWS).fetchone() if "Cache" in tables else None
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return False
            if error.sqlite_errorcode in UNREADABLE:
                # A worn cell of the card. It will not heal, so the file is set aside like any other damage.
                raise Unsound(str(error)) from error
            raise
    if row is not None:
        raise Unsound(f"row {row[0]} is not plain bytes, so it is none of ours")
    return True


def check_versions(file: Path) -> None:
    """SQLite opens a file of a version that it does not know for reading only, which would look like a disk that cannot be written.

    Raises Unsound, OSError. Called before SQLite opens the file: closing it here would give up the process's locks on it.
    """
    with file.open("rb") as raw:
        versions = raw.read(20)[18:]
    if versions not in VERSIONS:
        raise Unsound(f"the header gives the versions {versions.hex()}")


@contextmanager
def _interrupted_after(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Interrupt the statement that runs after so long. A progress callback would not do: SQLite 3.40 does not call it in quick_check."""
    done = threading.Event()

    def watch() -> None:
        # Again and again: an interrupt between two statements is forgotten.
        wait_s = seconds
        while not done.wait(wait_s):
            connection.interrupt()
            wait_s = 0.05

    watcher = threading.Thread(target=watch, name="spool-check", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()

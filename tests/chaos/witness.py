"""What was committed: the tap's lines, and the store's file as a killed agent left it, in; names of records that must arrive out.

Two witnesses, since either alone could be wrong: the store's word to the core (`Stored`), and what a stranger reads in the file.
"""

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from agent.adapters.diskcache_store import unsealed
from tests.chaos.tapped_agent import fixes_of

KEY_PARTS = 4
"""Of a row: `{lane}/{generation}/{seq}/{boot}`; 4 is history (agent/adapters/spool_rows.py)."""


class Broken(NamedTuple):
    """A promise of the store that did not hold after a kill."""

    life: int
    what: str


class Witness:
    """Takes notes while the run goes on. Records are named `{boot}-{seq}`."""

    def __init__(self, tap: Path, store: Path) -> None:
        self._tap = tap
        self._read = 0
        self._store = store
        self.claimed: dict[str, int] = {}
        """What the store called stored, with the number of fixes in it (0: no track)."""
        self.found: dict[str, int] = {}
        """What lay in the file after a kill, as it was last."""
        self.acked: dict[str, bytes] = {}
        """What the broker called its own; a track's payload."""
        self.levels: list[float] = []
        """When the inputs were first read, in each life that came so far, monotonic seconds."""
        self.broken: list[Broken] = []

    @property
    def committed(self) -> dict[str, int]:
        """All that was ever on disk, with the most fixes that it was known to hold."""
        return {name: max(self.claimed.get(name, 0), self.found.get(name, 0)) for name in self.claimed.keys() | self.found.keys()}

    def hear(self) -> None:
        """Read what the tap has written since."""
        if not self._tap.exists():
            return
        with self._tap.open("rb") as file:
            file.seek(self._read)
            said = file.read()
        whole = said[: said.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            fact = json.loads(line)
            if "stored" in fact:
                self.claimed[fact["stored"]] = max(fact["fixes"], self.claimed.get(fact["stored"], 0))
            elif "acked" in fact:
                self.acked[fact["acked"]] = bytes.fromhex(fact["track"])
            else:
                self.levels.append(fact["levels"])

    def look(self, life: int) -> None:
        """Read the file that a killed agent has left, without touching it, and hold it against what the store had said."""
        self.hear()
        try:
            rows = _rows(self._store)
        except Exception as e:  # noqa: BLE001  whatever is wrong with the file is what we are here to find
            self.broken.append(Broken(life, f"the store's file cannot be read: {type(e).__name__}: {e}"))
            return
        for name, fixes in self.committed.items():
            if name not in rows:
                self.broken.append(Broken(life, f"{name} was on disk, and is not"))
            elif rows[name] < fixes:
                self.broken.append(Broken(life, f"{name} had {fixes} fixes on disk, and has {rows[name]}"))
        self.found |= rows


def _rows(store: Path) -> dict[str, int]:
    """Names of all rows, with the number of fixes in each. The file is copied: opening it would change it."""
    files = list(store.rglob("cache.db"))
    if not files:
        return {}
    with tempfile.TemporaryDirectory() as place:
        for file in (files[0], files[0].with_name("cache.db-wal")):
            if file.exists():
                shutil.copy(file, place)
        with closing(sqlite3.connect(Path(place) / "cache.db")) as db:
            if not db.execute("SELECT name FROM sqlite_master WHERE name = 'Cache'").fetchall():
                return {}  # killed while it was made
            found = [unsealed(*row) for row in db.execute("SELECT key, raw, mode, filename, value FROM Cache")]
    parts = ((key.split("/"), payload) for key, payload in found)
    return {f"{part[3]}-{int(part[2], 16)}": fixes_of(payload) for part, payload in parts if len(part) == KEY_PARTS}

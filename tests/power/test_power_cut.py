"""Power cuts: the disk of a real process as it may be at any recorded write and flush, opened by the real Spool.

Nothing that was acknowledged is lost, nothing is invented. A cut at one moment gives several disks: without all that was not flushed, with
all of it, and torn ones by chance. What lies on each must be what was asked up to some moment, no earlier than the last acknowledgement
and no later than the last ask.
"""

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.core.effects import OpenSpool
from agent.core.events import Event, Lane, SpoolDown, SpoolOpened
from tests.adapters.spools import Running, file_of, running
from tests.power import workload
from tests.power.platter import Platter
from tests.power.tape import Entry, record

HOME = Path(__file__).parents[2]
HISTORY = "history"
Where = dict[str, tuple[str, int]]
"""Name of a row to its place and edition."""


@dataclass
class Said:
    """What the process has said so far, and the disk after each of its asks."""

    states: list[tuple[Where, str | None]] = field(default_factory=lambda: [({}, None)])
    acked: int = 0
    at_broker: set[str] = field(default_factory=set)
    stored: dict[int, str] = field(default_factory=dict)
    pruned: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        if verb == "ask":
            self.ask(json.loads(rest))
        elif verb == "ack":
            self.acked = int(rest)
        elif verb == "puback":
            self.at_broker.add(rest)

    def ask(self, asked: dict[str, object]) -> None:
        rows, memory = dict(self.states[-1][0]), self.states[-1][1]
        match asked:
            case {"do": "store", "name": str(name), "lane": int(lane), "edition": int(edition)}:
                rows[name] = (Lane(lane).name, edition)
                self.stored[len(self.states)] = name
            case {"do": "keep", "names": list(names)}:
                rows |= {name: (HISTORY, rows[name][1]) for name in names if name in rows}
            case {"do": "forget", "names": list(names)}:
                rows = {name: where for name, where in rows.items() if name not in names}
            case {"do": "remember", "value": str(value)}:
                memory = value
            case {"do": "prune", "rows": int(count)}:
                kept = sorted((name for name, where in rows.items() if where[0] == HISTORY), key=lambda name: int(name.split("-")[1]))
                self.pruned.update(kept[:count])
                rows = {name: where for name, where in rows.items() if name not in kept[:count]}
            case _:
                raise AssertionError(f"what is {asked}?")
        self.states.append((rows, memory))

    def broken_promise(self, rows: Where, memory: str | None) -> str | None:
        """What is wrong with this disk, in words."""
        if (rows, memory) not in self.states[self.acked :]:
            known, _ = self.states[self.acked]
            return f"not what was asked: after ask {self.acked} it would lack {sorted(set(known) - set(rows))[:3]}"
        for number, name in self.stored.items():
            if number <= self.acked and name not in self.at_broker and rows.get(name, (HISTORY, 0))[0] == HISTORY:
                return f"{name} was stored, the broker has not acknowledged it, and it does not wait any more"
        return None


def on_disk(run: Running) -> tuple[Where, str | None, list[Event]]:
    """Open and read all: rows, memory, and events of damage."""
    run.perform(OpenSpool())
    events: list[Event] = []
    while True:
        event = run.posted.expect(Event)
        if isinstance(event, SpoolOpened):
            break
        events.append(event)
        if isinstance(event, SpoolDown):
            return {}, None, events
    rows: Where = {}
    found = [(lane.name, row) for lane in Lane for row in run.rows(lane)] + [(HISTORY, row) for row in run.history(workload.BOOT)]
    for place, row in found:
        edition = int(row.payload.split(b"/", 2)[1])
        assert row.payload == workload.content(row.name, edition), f"invented: {row.name}"
        assert row.name not in rows, f"{row.name} lies in two places"
        rows[row.name] = (place, edition)
    assert event.kept + sum(event.waiting.values()) == len(rows)
    memory = event.memory.get("alarm")
    return rows, None if memory is None else memory.decode(), events


@dataclass(frozen=True)
class Cut:
    """One disk that broke a promise."""

    entry: int
    variant: str
    why: str


def after(entries: list[Entry], stride: int) -> Iterator[tuple[int, Entry, bool]]:
    """Entries, and whether to cut after each: at every flush, and before it, at each word, and at some of the others."""
    for index, entry in enumerate(entries):
        following = entries[index + 1].what if index + 1 < len(entries) else "flushed"
        yield index, entry, index % stride == 0 or "flushed" in (entry.what, following) or (entry.what == "said" and following != "said")


def cuts(
    entries: list[Entry], platter: Platter, said: Said, variants: list[str], stride: int = 1, may_be_damaged: bool = False
) -> tuple[int, list[Cut]]:
    """How many disks were looked at, and those that broke a promise."""
    bad: list[Cut] = []
    looked_at = 0
    memory = Path("/dev/shm")
    for index, entry, cut in after(entries, stride):
        if entry.what == "said":
            said.hear(entry.data.decode())
        else:
            platter.step(entry)
        if not cut:
            continue
        for variant in variants:
            looked_at += 1
            with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as there:
                platter.write_to(Path(there), variant, random.Random(f"{index}/{variant}"))
                with running(Path(there), "00000000000000c1", workload.SIZE) as run:
                    try:
                        rows, value, events = on_disk(run)
                        why = said.broken_promise(rows, value)
                    except AssertionError as e:
                        why, events = str(e), []
                if events and not may_be_damaged:
                    why = f"{why}; {events}"
            if why:
                bad.append(Cut(index, variant, why))
    return looked_at, bad


def recorded(tmp_path: Path, seed: int, turns: int, defect: str = "") -> tuple[list[Entry], Path]:
    """The tape of one process on an empty directory."""
    root = tmp_path / "disk"
    root.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.power.workload", str(root), str(seed), str(turns), defect]
    entries = record(command, root, tmp_path / "trace", HOME)
    assert entries[-1].data == b"closed" or Entry("said", data=b"closed") in entries
    return entries, root


def empty(root: Path, strict: bool = False) -> Platter:
    shutil.rmtree(root)
    root.mkdir()
    return Platter(str(root), strict)


def test_no_cut_loses_what_was_acknowledged_or_invents_a_row(tmp_path: Path) -> None:
    entries, root = recorded(tmp_path, 1, 12)
    looked_at, bad = cuts(entries, empty(root), Said(), ["none", "all", "torn 1"], stride=3)
    assert bad == []
    assert looked_at > 200


@pytest.mark.parametrize("defect", workload.DEFECTS)
def test_a_planted_defect_is_found(tmp_path: Path, defect: str) -> None:
    """Else the test above would prove nothing."""
    entries, root = recorded(tmp_path, 2, 12, defect)
    _, bad = cuts(entries, empty(root), Said(), ["none"], stride=10**9)
    assert bad


def test_no_cut_while_a_damaged_store_is_replaced_loses_a_row(tmp_path: Path) -> None:
    """A row that is none of ours has the store set aside when it is opened; the process is cut on the way."""
    looked_at, bad = replacing(tmp_path, ["none", "torn 1"], 10**9, turns=4)
    assert bad == []
    assert looked_at > 50


def replacing(tmp_path: Path, variants: list[str], stride: int, strict: bool = False, turns: int = 15) -> tuple[int, list[Cut]]:
    entries, root = recorded(tmp_path, 3, turns)
    said = Said()
    for entry in entries:
        if entry.what == "said":
            said.hear(entry.data.decode())
    with file_of(root) as planted:
        planted.execute("INSERT INTO Cache (key, raw, mode, value) VALUES ('4/what', 1, 1, 'text')")
    before = tmp_path / "before"
    shutil.copytree(root, before)
    entries, _ = recorded(tmp_path, 3, 0)
    assert any(entry.what == "renamed" for entry in entries)
    shutil.rmtree(root)
    before.rename(root)
    return cuts(entries, Platter(str(root), strict), said, variants, stride, may_be_damaged=True)


@pytest.mark.soak
@pytest.mark.parametrize("strict", [False, True], ids=["a flush commits all names", "a flush of a directory commits its names"])
@pytest.mark.parametrize("seed", range(10, 14))
def test_no_cut_at_any_entry_loses_or_invents_anything(tmp_path: Path, seed: int, strict: bool) -> None:
    entries, root = recorded(tmp_path, seed, 60)
    looked_at, bad = cuts(entries, empty(root, strict), Said(), ["none", "all", "torn 1", "torn 2"])
    writes, flushes = (sum(entry.what == what for entry in entries) for what in ("wrote", "flushed"))
    print(f"seed {seed}, strict {strict}: {writes} writes, {flushes} flushes, {looked_at} disks, {len(bad)} bad")
    assert bad == []


@pytest.mark.soak
@pytest.mark.parametrize("strict", [False, True], ids=["a flush commits all names", "a flush of a directory commits its names"])
def test_no_cut_at_any_entry_of_a_replacement_loses_or_invents_anything(tmp_path: Path, strict: bool) -> None:
    looked_at, bad = replacing(tmp_path, ["none", "all", "torn 1", "torn 2"], 1, strict)
    print(f"replacement, strict {strict}: {looked_at} disks, {len(bad)} bad")
    assert bad == []

"""A disk that fails at the n-th call: the real Spool in a real process, strace giving it the error.

It does not crash, and nothing that was acknowledged is lost.
"""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.core.effects import OpenSpool
from agent.core.events import Lane, SpoolOpened
from tests.adapters.spools import running
from tests.power import persistent
from tests.power.platter import Platter
from tests.power.tape import record, strace_or_skip

HOME = Path(__file__).parents[2]
CALLS = ("openat", "pwrite64", "fsync", "fdatasync", "ftruncate", "pread64", "fallocate", "unlink", "rename", "mkdir", "chmod", "fchmod")
ROWS = 40
SECONDS = 20


@dataclass
class Outcome:
    """What a process said, and its exit code."""

    lines: list[str]
    code: int

    def said(self, word: str) -> list[str]:
        return [line.partition(" ")[2] for line in self.lines if line.split(" ")[0] == word]


def in_the_store(root: Path) -> list[str]:
    """What has strace look at calls on the store's files only, and not at those of the interpreter."""
    files = [root / name for name in ("", "spool.lock")]
    for directory in ("spool", "spool.fresh"):
        files += [root / directory / name for name in ("", "cache.db", "cache.db-wal", "cache.db-shm")]
    return [part for file in files for part in ("-P", str(file))]


def run(root: Path, *inject: str, seconds: float = SECONDS, rows: int = ROWS) -> Outcome:
    """The process on this directory, with these injections."""
    command = [strace_or_skip(), "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "signal=none", "-e", f"trace={','.join(CALLS)}"]
    command += in_the_store(root)
    command += [part for one in inject for part in ("-e", f"inject={one}")]
    worker = [sys.executable, "-m", "tests.power.persistent", str(root), str(rows), str(seconds)]
    ran = subprocess.run([*command, *worker], cwd=HOME, capture_output=True, text=True, timeout=120, check=False)
    assert not ran.stderr, ran.stderr
    return Outcome(ran.stdout.splitlines(), ran.returncode)


def calls_without_error(tmp_path: Path) -> list[tuple[str, int]]:
    """All calls of a run that could fail, as strace counts them: each kind by itself, from 1."""
    trace = tmp_path / "count"
    root = tmp_path / "counted"
    root.mkdir()
    command = [strace_or_skip(), "-f", "-qq", "-e", "signal=none", "-e", f"trace={','.join(CALLS)}", "-o", str(trace), *in_the_store(root)]
    worker = [sys.executable, "-m", "tests.power.persistent", str(root), str(ROWS), str(SECONDS)]
    subprocess.run([*command, *worker], cwd=HOME, capture_output=True, timeout=120, check=True)
    made = Counter(re.findall(r"^\d+\s+(\w+)\(", trace.read_text(), re.MULTILINE))
    return [(call, number) for call, count in sorted(made.items()) for number in range(1, count + 1)]


def lying(root: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """What lies there: each row's place by its name, and memory. Every row is as it was stored."""
    with running(root, "00000000000000c1", persistent.SIZE) as spool:
        spool.perform(OpenSpool())
        opened = spool.posted.expect(SpoolOpened)
        places = {row.name: lane.name for lane in Lane for row in spool.rows(lane)}
        found = [row for lane in Lane for row in spool.rows(lane)] + spool.history(persistent.BOOT)
        assert all(row.payload == persistent.content(row.name) for row in found)
        return places | dict.fromkeys(spool.kept(persistent.BOOT), "history"), opened.memory


def lost(said: list[str], places: dict[str, str], memory: dict[str, bytes]) -> list[str]:
    """What was acknowledged and is not as it should be."""
    wanted = dict.fromkeys(line.split()[1] for line in said if line.startswith("ack "))
    left = {line.split()[1] for line in said if line.startswith("left ")}
    forgotten = {f"{persistent.BOOT}-{seq - 10}" for seq in range(30, ROWS + 1, 30)}  # those that `effects` forgets
    asked_to_leave = {f"{persistent.BOOT}-{seq - 10}" for seq in range(12, ROWS + 1) if seq % 3 == 0}
    bad = [name for name in wanted if name not in places and name not in forgotten]
    bad += [f"{name} waits again" for name in left if places.get(name, "history") != "history"]
    bad += [f"{name} left" for name in wanted if name not in asked_to_leave and places.get(name) == "history"]
    remembered = [line.split()[1] for line in said if line.startswith("remembered ")]
    bad += [name for name in remembered if memory.get(name) != name[1:].encode()]
    return bad


def one_error(tmp_path: Path, error: str, call: str, number: int) -> Outcome:
    """A run in which one call fails; nothing is lost, and all is done in the end."""
    root = tmp_path / f"{error}-{call}-{number}"
    root.mkdir()
    outcome = run(root, f"{call}:error={error}:when={number}")
    assert outcome.code == 0, outcome.lines[-3:]
    assert outcome.lines[-1] == "all", outcome.lines[-5:]
    assert lost(outcome.lines, *lying(root)) == [], outcome.lines
    return outcome


def test_without_an_error_everything_is_done_at_once(tmp_path: Path) -> None:
    outcome = run(tmp_path)
    assert outcome.lines[-1] == "all"
    assert not outcome.said("down")
    assert lost(outcome.lines, *lying(tmp_path)) == []


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_one_error_at_a_call_loses_nothing(tmp_path: Path, error: str) -> None:
    """A few of all places, by chance; all of them when soaked."""
    for call, number in random.Random(error).sample(calls_without_error(tmp_path), 4):
        one_error(tmp_path, error, call, number)


@pytest.mark.soak
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_one_error_at_any_call_loses_nothing(tmp_path: Path, error: str) -> None:
    calls = calls_without_error(tmp_path)
    downs = quarantines = 0
    for call, number in calls:
        outcome = one_error(tmp_path, error, call, number)
        downs += bool(outcome.said("down"))
        quarantines += bool(outcome.said("quarantined"))
    print(f"{error} at each of {len(calls)} calls: 0 lost, down {downs} times, replaced {quarantines} times")


def test_after_a_flush_that_failed_the_store_is_replaced_by_a_checked_copy(tmp_path: Path) -> None:
    outcome = run(tmp_path, "fdatasync,fsync:error=EIO:when=45")
    assert outcome.lines[-1] == "all"
    assert len(outcome.said("down")) == 1
    assert "disk I/O error" in outcome.said("quarantined")[0]
    assert (tmp_path / "spool.damaged-1" / "cache.db").exists()
    assert lost(outcome.lines, *lying(tmp_path)) == []


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_a_disk_that_fails_for_good_is_told_and_does_not_end_the_process(tmp_path: Path, error: str) -> None:
    """From some call on nothing can be written; what was acknowledged before is there when the disk is."""
    outcome = run(tmp_path, f"pwrite64:error={error}:when=300+", f"fsync,fdatasync:error={error}:when=41+", seconds=1.5)
    assert outcome.code == 0
    assert re.fullmatch(r"missing \d+", outcome.lines[-1])
    assert len(outcome.said("down")) + len(outcome.said("full")) > 1
    assert outcome.said("ack")
    assert lost(outcome.lines, *lying(tmp_path)) == []


def test_a_disk_that_comes_back_is_used_again(tmp_path: Path) -> None:
    """Thirty writes in a row that fail, and four flushes; then it works."""
    outcome = run(tmp_path, "pwrite64:error=EIO:when=300..330", "fdatasync:error=EIO:when=41..44")
    assert outcome.lines[-1] == "all"
    assert outcome.said("down")
    assert lost(outcome.lines, *lying(tmp_path)) == []


def test_a_slow_flush_delays_and_breaks_nothing(tmp_path: Path) -> None:
    """Two seconds for one flush in the middle of the work."""
    outcome = run(tmp_path, "fdatasync:delay_enter=2000000:when=30")
    assert outcome.lines[-1] == "all"
    assert not outcome.said("down")
    assert lost(outcome.lines, *lying(tmp_path)) == []


def cut_after_failed_flush(tmp_path: Path, number: int, *defect: str) -> tuple[int, list[str]]:
    """The n-th flush fails, its pages never reach the platter, and the power is cut whenever the process has said something."""
    root = tmp_path / f"flush-{number}"
    root.mkdir()
    command = [sys.executable, "-m", "tests.power.persistent", str(root), "25", str(SECONDS), *defect]
    entries = record(command, root, tmp_path / "trace", HOME, ("-e", f"inject=fsync,fdatasync:error=EIO:when={number}"))
    for directory, _, files in os.walk(root, topdown=False):
        for file in files:
            Path(directory, file).unlink()
    platter = Platter(str(root))
    said: list[str] = []
    bad: list[str] = []
    looked_at = 0
    for index, entry in enumerate(entries):
        if entry.what != "said":
            platter.step(entry)
            continue
        said.append(entry.data.decode())
        if index + 1 < len(entries) and entries[index + 1].what == "said":
            continue
        looked_at += 1
        there = tmp_path / f"cut-{number}-{index}"
        there.mkdir()
        platter.write_to(there, "none", random.Random(0))
        bad += [f"entry {index}: {what}" for what in lost(said, *lying(there))]
    assert said[-1] == "all"
    return looked_at, bad


@pytest.mark.parametrize("number", [41, 43, 45])
def test_a_cut_after_a_failed_flush_loses_nothing_that_was_acknowledged(tmp_path: Path, number: int) -> None:
    looked_at, bad = cut_after_failed_flush(tmp_path, number)
    assert bad == []
    assert looked_at > 3


def test_a_store_that_acknowledges_whatever_the_flush_says_is_found_out(tmp_path: Path) -> None:
    """A planted defect: else the test above would prove nothing."""
    _, bad = cut_after_failed_flush(tmp_path, 41, "early")
    assert bad


@pytest.mark.soak
def test_a_cut_after_any_failed_flush_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    disks = 0
    for number in range(1, 55):
        looked_at, bad = cut_after_failed_flush(tmp_path, number)
        disks += looked_at
        assert bad == [], f"flush {number}"
    print(f"54 failed flushes, {disks} disks: 0 lost")

"""What a process did to its disk: in goes a command, out come its writes, names and flushes under a directory, and its words, in order.

strace writes it down (Debian's package `strace`; ptrace must be allowed). Both kinds of facts lie on one tape, so it is known what the
process had said when a write or a flush happened.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,unlink,unlinkat,"
    "rename,renameat,renameat2,fsync,fdatasync,sync_file_range,link,linkat,copy_file_range,sendfile"
)
UNKNOWN = frozenset({"writev", "pwritev", "pwritev2", "truncate", "sync_file_range", "link", "linkat", "copy_file_range", "sendfile"})
"""Calls that the disk of the tests does not know: under the directory they are an error, not passed over."""

FLUSHES = frozenset({"fsync", "fdatasync"})

TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
PLACE = re.compile(r"(?:\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})+)>")
CALL = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+=\s+(-?\d+)(.*)$", re.S)
RESUMED = re.compile(r"^(\d+)\s+<\.\.\. \w+ resumed>(.*)$", re.S)


@dataclass(frozen=True)
class Entry:
    """One fact: `what` is opened (`at` -1: not emptied), wrote, sized, grew, removed, renamed, flushed, not flushed (an error) or said."""

    what: str
    path: str = ""
    at: int = 0
    data: bytes = b""
    to: str = ""


def strace_or_skip() -> str:
    """The program, where it works; else the test is passed over and says why."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not there (apt install strace)")
    if subprocess.run([program, "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here: ptrace is forbidden (kernel.yama.ptrace_scope, a container without CAP_SYS_PTRACE)")
    return program


def record(command: list[str], root: Path, trace: Path, cwd: Path, inject: tuple[str, ...] = ()) -> list[Entry]:
    """Run the command to its end and read the tape of what it did under `root`; `inject` is what fails, in words of strace."""
    strace = strace_or_skip()
    options = ("-f", "-qq", "-y", "-xx", "-s", "8388608", "-e", f"trace={CALLS}", "-e", "signal=none", *inject, "-o", str(trace))
    subprocess.run(
        [strace, *options, *command],
        stdout=subprocess.DEVNULL,
        cwd=cwd,
        check=True,
        timeout=300,
    )
    return list(entries(trace, root))


def entries(trace: Path, root: Path) -> Iterator[Entry]:
    """What is on a tape that strace has written, of what lies under `root`."""
    return _entries(trace, os.path.realpath(root))


def _entries(trace: Path, root: str) -> Iterator[Entry]:
    for name, arguments, result, tail in _calls(trace):
        places = [_text(place) for place in PLACE.findall(arguments)]
        inside = bool(places) and (places[0] == root or places[0].startswith(f"{root}/"))
        if name == "write" and arguments.startswith("1<"):
            for line in _bytes(arguments)[:result].splitlines():
                yield Entry("said", data=line)
        elif name in ("openat", "open", "creat"):
            opened = PLACE.match(f"0{tail.strip()}")
            path = _text(opened[1]) if opened else ""
            if path.startswith(f"{root}/") and ("O_CREAT" in arguments or "O_TRUNC" in arguments or name == "creat"):
                yield Entry("opened", path, at=0 if "O_TRUNC" in arguments or name == "creat" else -1)
        elif name in ("unlink", "unlinkat", "rename", "renameat", "renameat2"):
            paths = _named(arguments, places)
            if any(path.startswith(f"{root}/") for path in paths) and "AT_REMOVEDIR" not in arguments:
                yield Entry("removed", paths[0]) if name.startswith("unlink") else Entry("renamed", paths[0], to=paths[1])
        elif inside:
            assert name not in UNKNOWN, f"{name} under {root}: teach it to the tape and the platter"
            yield _of_a_file(name, arguments, result, places[0].removesuffix(" (deleted)"))


def _of_a_file(name: str, arguments: str, result: int, path: str) -> Entry:
    numbers = [part.strip() for part in arguments.rsplit(",", 3)]
    match name:
        case "write":
            return Entry("wrote", path, -1, _bytes(arguments)[:result])
        case "pwrite64":
            return Entry("wrote", path, int(numbers[-1]), _bytes(arguments)[:result])
        case "ftruncate":
            return Entry("sized", path, int(numbers[-1]))
        case "fallocate":
            return Entry("grew", path, int(numbers[-2]) + int(numbers[-1]))
        case _:
            return Entry("flushed" if result == 0 else "not flushed", path)


def _calls(trace: Path) -> Iterator[tuple[str, str, int, str]]:
    """Name, arguments, result and what follows of each call that succeeded, or was to flush, in the order in which they ended."""
    unfinished: dict[str, str] = {}
    with trace.open(errors="replace") as lines:
        for raw in lines:
            line = raw.rstrip("\n")
            if line.endswith("<unfinished ...>"):
                unfinished[line.split(None, 1)[0]] = line.removesuffix("<unfinished ...>").rstrip()
                continue
            if resumed := RESUMED.match(line):
                line = unfinished.pop(resumed[1], "") + resumed[2]
            if (call := CALL.match(line)) and (int(call[4]) >= 0 or call[2] in FLUSHES):
                yield call[2], call[3], int(call[4]), call[5]


def _named(arguments: str, places: list[str]) -> list[str]:
    """The paths of a call that names files, each relative to the descriptor before it."""
    paths = [_text(text) for text in TEXT.findall(arguments)]
    where = places if len(places) == len(paths) else [str(Path.cwd())] * len(paths)
    joined = [Path(at, path) for at, path in zip(where, paths, strict=True)]
    return [f"{os.path.realpath(path.parent)}/{path.name}" for path in joined]


def _text(digits: str) -> str:
    return bytes.fromhex(digits.replace("\\x", "")).decode(errors="replace")


def _bytes(arguments: str) -> bytes:
    found = TEXT.search(arguments)
    return bytes.fromhex(found[1].replace("\\x", "")) if found else b""

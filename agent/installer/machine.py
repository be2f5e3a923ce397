"""The machine around the installer: commands go in, what they said comes out; facts that do not change while it runs."""

import importlib.util
import os
import platform
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

NOT_STARTED = 127
"""What a shell says of a command that is not there."""

TIMED_OUT = 124
"""What timeout(1) says. Not done in time is no verdict."""


class Ran(NamedTuple):
    """What a command said, both outputs in one, and its exit code."""

    code: int
    text: str

    def last(self, lines: int = 3) -> str:
        """Its last words."""
        return "\n".join(self.text.strip().splitlines()[-lines:])


@dataclass(frozen=True)
class Facts:
    """Who and what we are."""

    uid: int = 0
    bits: int = 64
    python: tuple[int, int] = (3, 11)
    executable: str = "/usr/bin/python3"
    implementation: str = "CPython"
    machine: str = "aarch64"
    has_venv: bool = True
    terminal: bool = False


class System(Protocol):
    """Commands, processes and time."""

    def run(self, argv: Sequence[str], *, timeout_s: float = 60.0, env: dict[str, str] | None = None) -> Ran:
        """Run a command to its end."""

    def program(self, pid: int) -> str:
        """The path of the interpreter that a process was started with; empty when there is none."""

    def free_bytes(self, path: Path) -> int:
        """Room on the file system of the nearest folder that is there."""

    def read_only(self, path: Path) -> bool:
        """Whether the file system of the nearest folder that is there is mounted read-only."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


class Debian:
    """The real one."""

    def run(self, argv: Sequence[str], *, timeout_s: float = 60.0, env: dict[str, str] | None = None) -> Ran:
        """Run a command to its end; one that is not there or takes too long is one that failed."""
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                env=os.environ | (env or {}),
                start_new_session=True,  # Ctrl-C is for us: what starts the agent again must not die of it
                check=False,
            )
        except OSError as e:
            return Ran(NOT_STARTED, f"{argv[0]}: {e.strerror}")
        except subprocess.TimeoutExpired:
            return Ran(TIMED_OUT, "")
        return Ran(done.returncode, done.stdout.decode(errors="replace"))

    def program(self, pid: int) -> str:
        """The first word of its command line: the interpreter of a virtual environment as the script's first line calls it."""
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        except OSError:
            return ""

    def free_bytes(self, path: Path) -> int:
        """Bytes that are free for us."""
        return shutil.disk_usage(nearest(path)).free

    def read_only(self, path: Path) -> bool:
        """As statvfs(3) says."""
        return bool(os.statvfs(nearest(path)).f_flag & os.ST_RDONLY)

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()  # noqa: TID251  the one place of the installer, which imports nothing of the agent

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        threading.Event().wait(seconds)


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def facts() -> Facts:
    """Of this process."""
    return Facts(
        uid=os.geteuid(),
        bits=struct.calcsize("P") * 8,
        python=sys.version_info[:2],
        executable=sys.executable,
        implementation=platform.python_implementation(),
        machine=platform.machine(),
        has_venv=all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")),
        terminal=sys.stdin.isatty(),
    )

"""Trials in processes of their own: what each is to do goes in; whether it was killed, lived or took too long comes out."""

import contextlib
import enum
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

WALL_FACTOR = 12
"""By the clock a trial may take so many times its limit of processor time, for one that waits without end; others use the machine too."""

MEMORY_BYTES_MAX = 2 << 30
OUTPUT_BYTES_MAX = 20_000

PASSED, FAILED, BROKEN = 0, 1, 3
"""Exit codes of a trial: those of pytest, and BROKEN when the trial itself could not be made."""

Body = Callable[[], int]
"""What a trial does; its exit code."""


class Verdict(enum.Enum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    ALIVE = "alive"


@dataclass(frozen=True)
class Ended:
    """One trial that is over: its place in the sequence, its exit code (None: it took too long), and the end of what it said."""

    place: int
    code: int | None
    said: str


@dataclass(frozen=True)
class _Running:
    """A trial under way."""

    place: int
    pid: int
    output: int
    until: float


def run(bodies: Sequence[Body], cpu_s_max: int, jobs: int = 1) -> Iterator[Ended]:
    """Make the trials, `jobs` at a time; each as it ends."""
    waiting = list(enumerate(bodies))[::-1]
    running: dict[int, _Running] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                place, body = waiting.pop()
                pid, output = _fork(body, cpu_s_max)
                running[os.pidfd_open(pid)] = _Running(place, pid, output, monotonic() + cpu_s_max * WALL_FACTOR)
            left = min(trial.until for trial in running.values()) - monotonic()
            ended, _, _ = select.select(list(running), [], [], max(0.0, left))
            for fd in ended or [fd for fd, trial in running.items() if trial.until <= monotonic()]:
                over = running.pop(fd)
                os.close(fd)
                yield _ended(over, late=not ended)
    finally:
        for fd, trial in running.items():
            end(trial.pid)
            os.close(fd)
            os.close(trial.output)


def end(pid: int) -> int:
    """End a process with its group; its wait status."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _ended(trial: _Running, late: bool) -> Ended:
    status = end(trial.pid) if late else os.waitpid(trial.pid, 0)[1]
    with os.fdopen(trial.output, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - OUTPUT_BYTES_MAX))
        said = file.read().decode("utf-8", "replace")
    if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)):
        return Ended(trial.place, None, said)
    return Ended(trial.place, os.waitstatus_to_exitcode(status), said)


def _fork(body: Body, cpu_s_max: int) -> tuple[int, int]:
    """The process of a trial, and a file of what it says."""
    output = os.memfd_create("said")
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid, output
    code = BROKEN
    try:
        os.setpgid(0, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s_max, cpu_s_max + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
        code = body()
    except BaseException:  # noqa: BLE001  told to whoever reads the output; the process ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

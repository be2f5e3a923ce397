"""A Debian system that boots: a directory tree goes in, a systemd as process 1 in namespaces of its own comes out, to run commands in.

    with Tree.copied(base_tree(), directory) as tree:
        tree.write("/etc/systemd/system/x.service", text)
        tree.boot()
        tree.run(["systemctl", "start", "x"])
        tree.wait_for("it runs", lambda: tree.show("x", "ActiveState") == "active")

systemd-nspawn runs it on a pty, with a loopback and no other network. It shares the kernel and its clocks with us; that is all.
Whatever happens here, nothing of it stays: it is ended by process id, and the kernel ends it when this process dies.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

from tests.install.debian import copy_tree, remove_tree

PATIENCE_S = 60.0
"""Nothing that is asserted: how long one waits before one calls something missing."""

LOOK_S = 0.02

STOP_WITHIN_S = 30.0

CLONE_NEWNET = 0x40000000
"""<sched.h>; see setns(2)."""

AS_ON_A_MACHINE = ("--private-network", "--link-journal=no", "--system-call-filter=bpf @clock")
"""nspawn forbids the calls of @clock, also to read, and bpf; a machine does not."""

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
"""Of commands that are run in it: nothing of ours."""

Found = TypeVar("Found")


class Tree:
    """One system. `root`: where its files are, as seen from here (but /run, /tmp, /proc, /sys and /dev while it runs: see `inside`)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.console = root.with_name(f"{root.name}.console")
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader: int | None = None
        self._drain: threading.Thread | None = None

    @classmethod
    def copied(cls, base: Path, to: Path) -> Self:
        """A copy of that tree, at a place that does not exist yet; removed again by `close`."""
        copy_tree(base, to)
        return cls(to)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Shut it down and remove its files. Twice is harmless."""
        try:
            self.shut_down()
        finally:
            remove_tree(self.root)

    # --- its files ------------------------------------------------------------------------------------------------------------------

    def path(self, inside: str) -> Path:
        """Where a file of it is on the disk."""
        return self.root / inside.lstrip("/")

    def inside(self, path: str) -> Path:
        """The same while it runs, also in what it has mounted (/run, /tmp): through its process 1."""
        return Path(f"/proc/{self.leader}/root") / path.lstrip("/")

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """A file on its disk, as root; directories are made."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    # --- boot and end ---------------------------------------------------------------------------------------------------------------

    @property
    def leader(self) -> int:
        """Process 1 of it, by its id here."""
        assert self._leader is not None, "it is not booted"
        return self._leader

    @property
    def running(self) -> bool:
        """Whether it is booted, and has not ended by itself since."""
        return self._nspawn is not None and self._nspawn.poll() is None

    def boot(self, *more: str, wait: bool = True) -> float:
        """Start it; with `wait` until all that starts with it has started or failed. `more`: further words for systemd-nspawn.

        Returns when process 1 was started (monotonic seconds).
        """
        assert not self.running, "it runs already"
        master, slave = os.openpty()
        # setpriv: should this process die, so does nspawn, and takes its process 1 along.
        command = ["setpriv", "--pdeathsig", "KILL", "systemd-nspawn", "-q", "-D", str(self.root), "--register=no", "--keep-unit", "-b"]
        began = time.monotonic()
        try:
            self._nspawn = subprocess.Popen(
                [*command, *AS_ON_A_MACHINE, *more],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
                # One hierarchy of control groups, as on every machine today; so its systemd also enforces DevicePolicy= (by bpf).
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        finally:
            os.close(slave)
        self._drain = threading.Thread(target=self._read_console, args=(master,), name="console", daemon=True)
        self._drain.start()
        try:
            self._leader = self.wait_for("it has a process 1 that listens", self._find_leader)
            if wait:
                self.run(["systemctl", "is-system-running", "--wait"], check=False)
        except BaseException:
            self.kill()
            raise
        return began

    def _read_console(self, master: int) -> None:
        """What it says on its console goes into a file; somebody must read, or it waits for ever."""
        with self.console.open("ab") as log, os.fdopen(master, "rb", buffering=0) as console, contextlib.suppress(OSError):
            while said := console.read(4096):
                log.write(said)
                log.flush()

    def _find_leader(self) -> int | None:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended with {self._nspawn.returncode}:\n{self.said_last()}")
        # The death signal is kept by exec, but not by the fork between nspawn and process 1; nspawn itself ends that one.
        for pid in Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split():
            process = Path("/proc", pid)
            if (process / "root" / "run/systemd/private").exists() and (process / "comm").read_text() == "systemd\n":
                return int(pid)
        return None

    def said_last(self) -> str:
        """The end of what it said on its console."""
        return self.console.read_text(errors="replace")[-2000:] if self.console.exists() else ""

    def shut_down(self) -> None:
        """As by its power button: it stops all that runs; what takes too long is killed."""
        if self._nspawn is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.leader, signal.SIGRTMIN + 4)  # systemd(1): poweroff.target
        try:
            self._nspawn.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """As by a power cut, but for what was not on the disk yet, which here stays."""
        if self._nspawn is None:
            return
        for pid in (self._leader, self._nspawn.pid):
            if pid is not None and self._nspawn.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._nspawn.wait(STOP_WITHIN_S)
        if self._drain is not None:
            self._drain.join(STOP_WITHIN_S)
        self._nspawn = self._leader = self._drain = None

    # --- in it ----------------------------------------------------------------------------------------------------------------------

    def run(
        self,
        argv: Sequence[str],
        check: bool = True,
        input: str | None = None,  # noqa: A002  as subprocess.run calls it
        timeout: float = PATIENCE_S,
        env: dict[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in it, as root. With `check` an exit code that is not 0 is an AssertionError with what it said."""
        done = subprocess.run(
            ["nsenter", "-a", "-t", str(self.leader), "--", *argv],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=ENVIRONMENT | (env or {}),
            cwd="/",
            check=False,
        )
        said = done.stdout[-2000:] + done.stderr[-2000:]
        assert not check or done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}:\n{said}"
        return done

    def show(self, unit: str, name: str) -> str:
        """A property of a unit, as `systemctl show` says it."""
        return self.run(["systemctl", "show", "-p", name, "--value", unit]).stdout.strip()

    def journal(self, unit: str = "", *more: str) -> str:
        """What this boot's journal has, or of it one unit; only the texts."""
        words = ["journalctl", "-b", "--no-pager", "-o", "cat", *(["-u", unit] if unit else []), *more]
        return self.run(words).stdout

    def wait_for(self, what: str, look: Callable[[], Found], timeout: float = PATIENCE_S) -> Found:
        """What `look` gives, once it is true; looked at every 20 ms."""
        deadline = time.monotonic() + timeout
        pause = threading.Event()
        while not (found := look()):
            assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}; its console ends:\n{self.said_last()}"
            pause.wait(LOOK_S)
        return found

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """The calling thread, the threads and the processes that it starts, are in its network (127.0.0.1 is its own)."""
        libc = ctypes.CDLL(None, use_errno=True)

        def enter(namespace: int) -> None:
            if libc.setns(namespace, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

        with open("/proc/thread-self/ns/net") as ours, open(f"/proc/{self.leader}/ns/net") as its:  # noqa: PTH123  no files that Path reads
            enter(its.fileno())
            try:
                yield
            finally:
                enter(ours.fileno())

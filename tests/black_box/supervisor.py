"""What systemd does for the agent, as far as its outputs are concerned: starts it, watches it, ends one that hangs, cleans up after it.

The commands and the times are those of `systemd/outpost.service`, with the paths of an installed unit replaced. See systemd.service(5):
WatchdogSec, TimeoutAbortSec, ExecStopPost; an ended hang gets SIGABRT and SIGCONT, so that also a stopped process sees it.
"""

import configparser
import contextlib
import os
import shlex
import signal
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Self

from tests.black_box.desk import OUTPOST, PATIENCE_S, Desk

UNIT_FILE = Path(__file__).parents[2] / "systemd/outpost.service"
PROGRAM, CONFIG = "/opt/outpost/current/bin/outpost", "/etc/outpost/agent.toml"


def service() -> configparser.SectionProxy:
    """The section [Service]; of a key that stands there more than once, the last."""
    unit = configparser.RawConfigParser(strict=False, delimiters="=")
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys are not folded to lower case
    unit.read(UNIT_FILE, "utf-8")
    return unit["Service"]


class Supervisor:
    """Runs the agent of a desk, from `with` to its end. `started_at`, `ended_at`, `cleaned_at`: monotonic seconds, once it is so."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.service = service()
        self.ready = threading.Event()
        self.cleaned = threading.Event()
        self.aborted = False
        self.started_at = self.ended_at = self.cleaned_at = float("nan")
        self.exit_code: int | None = None
        self.clean_up_code: int | None = None
        self._name = f"outpost-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._heard.bind(f"\0{self._name}")
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._agent: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.started_at = time.monotonic()
        watchdog_us = round(float(self.service["WatchdogSec"]) * 1e6)
        more = dict(part.split("=", 1) for part in shlex.split(self.service["Environment"]))
        self._agent = self._spawn("ExecStart", more | {"NOTIFY_SOCKET": f"@{self._name}", "WATCHDOG_USEC": str(watchdog_us)})
        self._thread.start()
        if not self.ready.wait(PATIENCE_S):
            self.__exit__()
            raise AssertionError(f"it is not ready; its log ends:\n{self.desk.log.read_text()[-2000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._agent is not None
        with contextlib.suppress(ProcessLookupError):
            self._agent.kill()
        self._thread.join(PATIENCE_S)
        self._heard.close()

    @property
    def pid(self) -> int:
        """Of the agent."""
        assert self._agent is not None
        return self._agent.pid

    def command(self, key: str) -> list[str]:
        """A command line of the unit file."""
        program, *words = shlex.split(self.service[key])
        assert program == PROGRAM
        start = self.desk.command if key == "ExecStart" else OUTPOST
        return [*start, *(str(self.desk.config_file) if word == CONFIG else word for word in words)]

    def _spawn(self, key: str, more: dict[str, str]) -> "subprocess.Popen[bytes]":
        with self.desk.log.open("ab") as log:
            return subprocess.Popen(
                self.command(key),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.desk.environment | more,
                start_new_session=True,
            )

    def _watch(self) -> None:
        """Until the agent has ended and its end has been cleaned up."""
        assert self._agent is not None
        watchdog_s = float(self.service["WatchdogSec"])
        petted_at = float("inf")  # the watchdog begins to run when the service is ready
        self._heard.settimeout(0.02)
        while self._agent.poll() is None:
            with contextlib.suppress(TimeoutError):
                words = self._heard.recv(4096).split(b"\n")
                if b"READY=1" in words or b"WATCHDOG=1" in words:
                    petted_at = time.monotonic()
                if b"READY=1" in words:
                    self.ready.set()
            if time.monotonic() - petted_at >= watchdog_s:
                self._abort()
                break
        self.exit_code = self._agent.wait()
        self.ended_at = time.monotonic()
        self.clean_up_code = self._spawn("ExecStopPost", {}).wait(PATIENCE_S)
        self.cleaned_at = time.monotonic()
        self.cleaned.set()

    def _abort(self) -> None:
        assert self._agent is not None
        self.aborted = True
        self._agent.send_signal(signal.SIGABRT)
        self._agent.send_signal(signal.SIGCONT)
        try:
            self._agent.wait(float(self.service["TimeoutAbortSec"]))
        except subprocess.TimeoutExpired:
            self._agent.kill()

"""Somebody who installs: `outpost commission` on a pseudo-terminal, whose questions are answered and whose wishes are fulfilled."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from simulator.bench.car_config import BAR
from simulator.bench.wiring import Wiring
from simulator.route import Route, State
from tests.black_box.desk import OUTPOST, Desk

OWN = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""As after a login: the terminal belongs to the command, so its loss is told; no signal is ignored, as in what a shell has put into the
background. (In Popen's child no Python may run beside our threads.)"""


class Parked(Route):
    """A car that stands where its way begins."""

    def at(self, seconds: float) -> State:
        """Always the same."""
        return super().at(0.0)._replace(speed_mps=0.0)


class Deed(NamedTuple):
    """What is done when the screen shows this: each time that it does."""

    shows: str
    do: Callable[[], object]


class Terminal:
    """The command on a terminal; `answer` types, `play` reads until it has ended."""

    def __init__(self, desk: Desk, *words: str, program: Sequence[str] = OUTPOST) -> None:
        self._master, slave = pty.openpty()
        command = [sys.executable, "-c", OWN, *program, "commission", "-c", str(desk.config_file), *words]
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=desk.environment, start_new_session=True, close_fds=True
        )
        os.close(slave)
        self.screen = ""

    def answer(self, text: str = "") -> None:
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.signal(signal.SIGINT)

    def signal(self, number: signal.Signals) -> None:
        """Something else ends it: `kill`, or the machine is short of memory."""
        self._process.send_signal(number)

    def hang_up(self) -> int:
        """The connection breaks: there is no terminal any more, and the kernel says SIGHUP; the exit code."""
        os.close(self._master)
        self._master = -1
        return self._process.wait(20)

    def play(self, deeds: Sequence[Deed], timeout: float) -> int:
        """Do what the screen asks for, in the order in which it does; the exit code."""
        deadline, read_to = time.monotonic() + timeout, 0
        while True:
            assert time.monotonic() < deadline, f"not at its end after {timeout:g} s:\n{self.screen[-3000:]}"
            if not select.select([self._master], [], [], 0.2)[0]:
                continue
            try:
                got = os.read(self._master, 65536)
            except OSError:  # the other end is closed: it has ended
                got = b""
            if not got:
                break
            self.screen += got.decode("utf-8", "replace").replace("\r\n", "\n")
            while (found := self._next(deeds, read_to)) is not None:
                read_to, do = found
                do()
        return self._process.wait(10)

    def _next(self, deeds: Sequence[Deed], since: int) -> tuple[int, Callable[[], object]] | None:
        """The earliest deed that the screen asks for from there on, and where it does."""
        asked = [(found.end(), deed.do) for deed in deeds if (found := re.compile(deed.shows).search(self.screen, since))]
        return min(asked, key=lambda one: one[0]) if asked else None

    def close(self) -> None:
        """End it, also when a test has failed half-way."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._master >= 0:
            os.close(self._master)


class Eye:
    """A line that watches the light bar: its pin is low while any of the lamps shines that are not `burnt`."""

    def __init__(self, wiring: Wiring, pin: int, burnt: Sequence[str] = ()) -> None:
        self._wiring, self._pin = wiring, pin
        self._lamps = [lamp for name, _, lamp in BAR if name not in burnt]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="eye", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        shines: bool | None = None
        while not self._over.wait(0.02):
            now = any(self._wiring.level(pin) == 1 for pin in self._lamps)
            if now is not shines:
                shines = now
                self._wiring.press(self._pin) if now else self._wiring.release(self._pin)

    def close(self) -> None:
        """Shut."""
        self._over.set()
        self._thread.join()

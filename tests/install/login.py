"""Somebody at a terminal: lines go in as if typed, what the screen shows and each line's exit code come out.

The terminal is a real one (pty(7)), and so is what follows from it: ssh asks whether to trust a host, mkfs knows that a person
is there.
"""

import contextlib
import os
import re
import select
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.install.tree import ENVIRONMENT, PATIENCE_S, STOP_WITHIN_S, Tree

PROMPT = re.compile(r"<<(\d+)>> \Z")
"""Behind it the exit code of the line before; `may_log_in` has the shell say so."""

ROWS, COLUMNS = 50, 400
"""Wide, so that a shell shows a long line as it was typed."""

TURN_S = 0.1


class Deed(NamedTuple):
    """What is done when the screen shows this: each time that it does."""

    shows: str
    do: Callable[[], object]


class Typed(NamedTuple):
    """A line that has ended."""

    code: int
    said: str


def may_log_in(tree: Tree, user: str) -> None:
    """A user with a shell that says how each line has ended. The tree is booted."""
    tree.run(["useradd", "-m", "-s", "/bin/bash", user])
    with tree.path(f"/home/{user}/.bashrc").open("a") as file:
        file.write("PS1='<<$?>> '\n")


class Login:
    """A login shell of that user in a booted tree, on a terminal of its own, until `close`."""

    def __init__(self, tree: Tree, user: str) -> None:
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (ROWS, COLUMNS))
        shell = ["setsid", "--ctty", "nsenter", "-a", "-t", str(tree.leader), "--", "runuser", "-l", user]
        try:
            self._process = subprocess.Popen(shell, stdin=slave, stdout=slave, stderr=slave, env=ENVIRONMENT | {"TERM": "dumb"}, cwd="/")
        finally:
            os.close(slave)
        self.screen = ""
        self._until_prompt(0, PATIENCE_S, (), lambda: None)

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            os.close(self._master)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def answer(self, text: str = "") -> None:
        """Type something and Enter, and wait for nothing."""
        os.write(self._master, f"{text}\n".encode())

    def line(
        self, text: str, timeout: float = PATIENCE_S, deeds: Sequence[Deed] = (), meanwhile: Callable[[], object] = lambda: None
    ) -> Typed:
        """Type a line, do what the screen then asks for, until a shell asks for the next. `meanwhile` is called ten times a second."""
        since = len(self.screen)
        self.answer(text)
        return self._until_prompt(since, timeout, deeds, meanwhile)

    def _until_prompt(self, since: int, timeout: float, deeds: Sequence[Deed], meanwhile: Callable[[], object]) -> Typed:
        deadline, read_to = time.monotonic() + timeout, since
        while True:
            meanwhile()
            if select.select([self._master], [], [], TURN_S)[0]:
                self._read()
            while (found := self._next(deeds, read_to)) is not None:
                read_to, do = found
                do()
            if prompt := PROMPT.search(self.screen, since):
                return Typed(int(prompt[1]), self.screen[since : prompt.start()])
            assert time.monotonic() < deadline, f"no prompt within {timeout:g} s:\n{self.screen[-3000:]}"

    def _read(self) -> None:
        try:
            got = os.read(self._master, 65536)
        except OSError:  # nobody has the other end any more
            got = b""
        assert got, f"the terminal is gone:\n{self.screen[-3000:]}"
        self.screen += got.decode("utf-8", "replace").replace("\r\n", "\n")

    def _next(self, deeds: Sequence[Deed], since: int) -> tuple[int, Callable[[], object]] | None:
        """The earliest deed that the screen asks for from there on, and where it does."""
        asked = [(found.end(), deed.do) for deed in deeds if (found := re.compile(deed.shows).search(self.screen, since))]
        return min(asked, key=lambda one: one[0]) if asked else None

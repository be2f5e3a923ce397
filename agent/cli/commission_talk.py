"""The talk with whoever installs: sentences and questions go out, what is typed (or stands in a file of answers) comes in."""

import json
import os
import select
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from agent.wire.sentence import Sentence

TYPED_CHARS_MAX = 400
"""Of one answer: a reason, not a novel."""

TURN_S = 0.1
"""How often what is waited for is looked at: a hand on a button stays longer."""


class LeftOut(Exception):
    """This is to be left out: somebody has typed so, or nobody is there; `reason` says why."""

    def __init__(self, reason: Sentence | str = "") -> None:
        super().__init__(str(reason))
        self.reason = reason


class Stopped(Exception):
    """Somebody has ended the whole commissioning: Ctrl-C, or the terminal is gone."""


class Talk(Protocol):
    """Who answers."""

    @property
    def attended(self) -> bool:
        """Whether somebody is there, who can be asked once more."""

    def say(self, text: str) -> None:
        """A line for the person."""

    def ask(self, key: str, question: str) -> str:
        """The answer to a question, without blanks around it; empty for a mere Enter. `key` names it for a file of answers."""

    def turn(self) -> None:
        """Wait for a moment while something else is waited for. Raises LeftOut, Stopped."""


class Terminal:
    """A person at a terminal; or a script at a pipe, which is none."""

    def __init__(self) -> None:
        self._typed = b""

    @property
    def attended(self) -> bool:
        """Whether it is a terminal."""
        return sys.stdin.isatty()

    def say(self, text: str) -> None:
        """Print it."""
        _print(text)

    def ask(self, key: str, question: str) -> str:
        """Print the question, and wait for a line as long as it takes. What a hand has typed before it was asked is no answer to it."""
        if sys.stdin.isatty():
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
            self._typed = b""
        _print(f"{question} ", end="")
        while b"\n" not in self._typed:
            self._read()
        return self._line()

    def turn(self) -> None:
        """A line that is typed meanwhile: `s` and a reason leaves it out; anything else is passed over."""
        if not select.select([sys.stdin], [], [], TURN_S)[0]:
            return
        self._read()
        if b"\n" in self._typed:
            reason = left_out(self._line())
            if reason is not None:
                raise LeftOut(reason)

    def _read(self) -> None:
        try:
            got = os.read(sys.stdin.fileno(), 4096)
        except OSError:
            got = b""
        if not got:
            raise Stopped("the terminal is gone")
        self._typed = (self._typed + got)[-TYPED_CHARS_MAX * 4 :]

    def _line(self) -> str:
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode("utf-8", "replace").strip()[:TYPED_CHARS_MAX]


class Answers:
    """Nobody is there: each question is answered by a file, or with Enter."""

    attended = False

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self._answers = dict(answers or {})

    def say(self, text: str) -> None:
        """Print it: it is the log."""
        _print(text)

    def ask(self, key: str, question: str) -> str:
        """What the file has for that key; for a key that it has not, Enter."""
        answer = self._answers.get(key, "").strip()[:TYPED_CHARS_MAX]
        _print(f"{question} {answer}")
        return answer

    def turn(self) -> None:
        """Wait."""
        threading.Event().wait(TURN_S)


def _print(text: str, end: str = "\n") -> None:
    try:
        print(text, end=end, flush=True)
    except OSError as e:
        raise Stopped("the terminal is gone") from e


def left_out(answer: str) -> str | None:
    """The reason behind `s`, or `s` alone (empty); None for any other answer."""
    word, _, reason = answer.partition(" ")
    return reason.strip() if word.lower() == "s" else None


def read_answers(path: Path) -> Answers:
    """A file of answers: one JSON object, of keys and texts.

    Raises:
        OSError, ValueError: it cannot be read, or is something else.
    """
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not all(isinstance(answer, str) for answer in found.values()):
        raise ValueError("expected one JSON object of texts")
    return Answers(found)

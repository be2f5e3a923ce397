"""What every step of the installer is handed: where things lie, the hand that changes them, the machine, and whom to tell."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.installer.hand import Hand
from agent.installer.machine import TIMED_OUT, Debian, Facts, Ran, System, facts
from agent.installer.places import Places
from agent.installer.signals import Signals
from agent.installer.words import Language, Said


class Failed(Exception):
    """The installer cannot go on: what was found, and what to do, as `said`."""

    def __init__(self, code: str, /, **facts: object) -> None:
        self.said = Said(code, **facts)
        super().__init__(code)

    def __str__(self) -> str:
        return str(self.said)


@dataclass
class Site:
    """One unit that something is installed on. `live`: systemd runs on it (else it is a tree, an image that is being made).

    `at_once`: a live alarm is no reason to wait with a restart.
    """

    places: Places = field(default_factory=Places)
    hand: Hand = field(default_factory=Hand)
    system: System = field(default_factory=Debian)
    facts: Facts = field(default_factory=facts)
    say: Callable[[str], None] = print
    live: bool = True
    at_once: bool = False
    language: Language = "en"
    signals: Signals = field(default_factory=Signals)

    def text(self, said: Said) -> str:
        """A sentence in the language of whoever is there."""
        return said.text(self.language)

    def tell(self, code: str, /, **facts: object) -> None:
        """Say a sentence."""
        self.say(self.text(Said(code, **facts)))

    def do(self, argv: Sequence[str], *, timeout_s: float = 60.0, env: dict[str, str] | None = None) -> Ran:
        """Run a command that changes something: told before, and not run when nothing is to be changed."""
        if not self.hand.may("would.run", command=" ".join(argv)):
            return Ran(0, "")
        return self.system.run(argv, timeout_s=timeout_s, env=env)

    def must(self, argv: Sequence[str], what: Said, *, timeout_s: float = 60.0) -> Ran:
        """Run such a command, which has to succeed; `what` it is for.

        Raises:
            Failed: it did not; with its last words.
        """
        ran = self.do(argv, timeout_s=timeout_s)
        if ran.code == TIMED_OUT:
            raise Failed("command.late", what=what, command=" ".join(argv), span=timeout_s)
        if ran.code != 0:
            raise Failed("command.failed", what=what, command=" ".join(argv), code=ran.code, last=ran.last(5))
        return ran

    def systemctl(self, *words: str) -> Ran:
        """Tell the service manager, where one runs."""
        return self.do(["systemctl", *words]) if self.live else Ran(0, "")


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex; empty when there is none."""
    return digest(path.read_bytes()) if path.is_file() else ""

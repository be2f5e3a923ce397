"""Who is told: lines go in; they stand on the terminal, or in the journal from the moment on in which that is gone."""

import os
import sys
import syslog
from typing import TextIO

from agent.installer.words import Language, Said

IDENTIFIER = "outpost-install"
"""journalctl -t outpost-install."""


class Voice:
    """Standard output and standard error, each as long as somebody reads it."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._gone: set[int] = set()

    def say(self, words: str) -> None:
        """As it goes on."""
        self._tell(sys.stdout, words)

    def complain(self, words: str) -> None:
        """When it cannot go on."""
        self._tell(sys.stderr, words)

    def _tell(self, stream: TextIO, words: str) -> None:
        if stream.fileno() not in self._gone:
            try:
                stream.write(f"{words}\n")
                stream.flush()
            except OSError:  # a pipe that nobody reads, a terminal that was hung up
                self._lose(stream.fileno())
            else:
                return
        for line in filter(str.strip, words.splitlines()):
            syslog.syslog(line)

    def _lose(self, descriptor: int) -> None:
        """What is still in its buffer goes nowhere, or Python ended with an error of its own."""
        if not self._gone:
            syslog.openlog(IDENTIFIER, syslog.LOG_PID, syslog.LOG_DAEMON)
            syslog.syslog(Said("voice.gone").text(self.language))
        self._gone.add(descriptor)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)

"""What may end the installer from outside: signals go in; it goes on, or ends where the unit is left as it should be.

A terminal that is gone (SIGHUP) ends nothing: an SSH session is lost in the middle of an upgrade, and nobody is there to take it up.
SIGTERM and Ctrl-C end it by an exception, once: what then puts the unit back in order is not ended again.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """Somebody wants it to end; `number` of the signal. No Exception: nothing may take it for an error of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class Signals:
    """Those of this process, once `listen` was called."""

    def __init__(self) -> None:
        self._holds = 0
        self._waits = 0
        self._ended = False

    def listen(self) -> None:
        """From now on. Programs that are started ignore SIGHUP too; of Ctrl-C they do not hear (`machine.Debian.run`)."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in ENDING:
            signal.signal(number, lambda number, _: self.came(number))

    def came(self, number: int) -> None:
        """One has come: it ends us, or waits.

        Raises:
            Stopped: the first one, where none is held.
        """
        if self._holds:
            self._waits = number
        elif not self._ended:
            self._ended = True
            raise Stopped(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Signals wait until this is done."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._look()

    @contextmanager
    def free(self) -> Iterator[None]:
        """Within `held`: what may be ended all the same. What is held around it then still comes, and is held."""
        holds, self._holds = self._holds, 0
        try:
            self._look()
            yield
        finally:
            self._holds = holds

    def _look(self) -> None:
        if self._waits and not self._holds:
            number, self._waits = self._waits, 0
            self.came(number)

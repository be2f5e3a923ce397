"""Good sentences heard in, the speed to try next out: finds a serial receiver's baud rate. Pure."""

import math

BAUDS = (9600, 115200, 38400, 57600, 4800)
"""The commonest first: 9600 is the default of CASIC and of u-blox up to generation 9, 115200 that of Airoha and Unicore."""

GOOD_MIN = 2
"""Right checksums that prove a speed: of noise that looks like a sentence, one in 256 has one."""

DWELL_S = 2.0
"""How long a speed is tried while only garbage comes: a receiver at 1 Hz speaks at least once in it."""

LOST_S = 5.0
"""Garbage for so long at a speed that was right: the receiver has changed it (a restart, a flat backup battery)."""


class BaudHunt:
    """Which speed to use now. Only garbage moves it on: a silent receiver has no speed that could be found."""

    def __init__(self, first: int = BAUDS[0], also: tuple[int, ...] = ()) -> None:
        """Begins with `first`; `also` are speeds that the receiver may have been set to, beside those of receivers as they are bought."""
        self.baud = first
        self._tried = tuple(dict.fromkeys((*BAUDS, first, *also)))
        self._forget()

    def _forget(self) -> None:
        self._good = 0
        self._garbage_since = math.inf

    def heard(self, now: float, good: int) -> int | None:
        """Bytes came, with so many good sentences in them; the speed to set now, None to stay. `now`: monotonic seconds."""
        if good:
            self._good += good
            self._garbage_since = math.inf
            return None
        self._garbage_since = min(self._garbage_since, now)
        if now - self._garbage_since < (LOST_S if self._good >= GOOD_MIN else DWELL_S):
            return None
        at = self._tried.index(self.baud) if self.baud in self._tried else -1
        self.baud = self._tried[(at + 1) % len(self._tried)]
        self._forget()
        return self.baud

    def told(self, baud: int) -> None:
        """Somebody knows the speed, or wants it tried: it is the one to use now, as little trusted as any."""
        self.baud = baud
        self._forget()

    def reopened(self) -> None:
        """The port is open anew: begin with the speed that was used last, and trust it no more than any."""
        self._forget()

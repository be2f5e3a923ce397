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

    def __init__(self) -> None:
        self.baud: int = BAUDS[0]
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
        self.baud = BAUDS[(BAUDS.index(self.baud) + 1) % len(BAUDS)]
        self._forget()
        return self.baud

    def reopened(self) -> None:
        """The port is open anew: begin with the speed that was used last, and trust it no more than any."""
        self._forget()

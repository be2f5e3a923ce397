"""Sentences and the pauses before them in; the sentence with which a receiver begins each instant, out: learned, or None. Pure.

Theory. GSA and VTG bear no time, and mostly follow the sentences that do. Some receivers say them first. At 1 Hz the pause before them is
long enough to part two instants (`epoch.QUIET_S`); at 10 Hz it is some 30 ms, as short as those within a burst may be. But in each cycle it
is the longest, and always before the same sentence. A pause is how long the port was empty, not the time between two reads, which is ours.
"""

PAUSE_S = 0.004
"""Shorter ones are the bytes' own, at 4800 baud or faster."""

LONGEST_TIMES = 2.0
"""So many times as long as the next one in its cycle, or it parts nothing."""

CYCLES = 3


class Pauses:
    """Of one receiver. `starter` is talker and kind of a sentence without a time that begins each cycle."""

    def __init__(self) -> None:
        self.starter: tuple[str, str] | None = None
        self._longest_s = 0.0
        self._next_s = 0.0
        self._before: tuple[str, str] | None = None
        self._candidate: tuple[str, str] | None = None
        self._agreed = 0

    def hear(self, pause_s: float, talker: str, kind: str, timed: bool) -> None:
        """A sentence of the fix, and how long the port was silent before it; `timed`: it bears a time."""
        if pause_s < PAUSE_S:
            return
        if pause_s > self._longest_s:
            self._longest_s, self._next_s = pause_s, self._longest_s
            self._before = None if timed else (talker, kind)
        else:
            self._next_s = max(self._next_s, pause_s)

    def end_cycle(self) -> None:
        """The time has changed: of the cycle since it last did, the longest pause parted the two instants."""
        if self._longest_s >= max(PAUSE_S, LONGEST_TIMES * self._next_s):
            self._agreed = self._agreed + 1 if self._before == self._candidate else 1
            self._candidate = self._before
            if self._agreed >= CYCLES:
                self.starter = self._candidate
        self._longest_s = self._next_s = 0.0
        self._before = None

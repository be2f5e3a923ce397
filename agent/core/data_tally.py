"""One tally: an amount (bytes, milliseconds) goes in, and which day or month it is; how much was of the present one comes out.

While the date is not known they count to the one last known, and go along into the present as soon as that is known.
"""

import math


class Tally:
    """The amount of one day or of one month; `label` is its number, None as long as none was known."""

    def __init__(self, length_s: float) -> None:
        """`length_s`: no such period is longer."""
        self.label: int | None = None
        self._length_s = length_s
        self._dated = 0
        self._undated = 0
        self._known_at = math.inf
        self._before: tuple[int, int] | None = None

    @property
    def amount(self) -> int:
        """Of the present one."""
        return self._dated + self._undated

    def add(self, size: int) -> None:
        """So much more, while the date was as last said."""
        self._undated += size

    def is_label(self, at: float, label: int) -> None:
        """It is that one now: a new one begins with what came while nobody knew. One that has been before (the clock was wrong) goes on."""
        if self.label is not None and label > self.label:
            self._before = (self.label, self._dated)
            self._dated = 0
        elif self.label is not None and label < self.label and self._before is not None and self._before[0] == label:
            self._dated += self._before[1]
            self._before = None
        self.label, self._known_at = label, at
        self._dated += self._undated
        self._undated = 0

    def is_unknown(self, at: float) -> None:
        """Nobody knows the date: when it has not been known for as long as any of its kind lasts, another one has begun."""
        self._known_at = min(self._known_at, at)
        if at - self._known_at >= self._length_s:
            self._dated = self._undated = 0
            self._known_at = at

    def recall(self, label: int | None, size: int) -> None:
        """What had been counted before this boot; nothing when that was of an earlier one."""
        if label is None:
            self._undated += size
        elif self.label is None or label >= self.label:
            self._dated += size
            self.label = label if self.label is None else self.label

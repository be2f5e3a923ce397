"""How a trouble was seen: each occurrence goes in; how many there were, how many were flagged, and how late at worst, comes out."""

import math


class Tally:
    """One kind of trouble. `unseen`: over before its delay was, or not to be seen at all (see the promise)."""

    def __init__(self) -> None:
        self.began = self.flagged = self.unseen = 0
        self.worst_s = 0.0
        self.stated_s = 0.0
        """What was stated for the one that came nearest to its limit; a drag's depends on its strength."""

    def flag(self, after_s: float, stated_s: float) -> None:
        """It was flagged so long after it was to be seen."""
        self.flagged += 1
        share = after_s / stated_s if stated_s < math.inf else 0.0
        if not self.stated_s or share > self.worst_s / self.stated_s:
            self.worst_s, self.stated_s = after_s, stated_s if stated_s < math.inf else 0.0

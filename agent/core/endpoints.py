"""Endpoints: how attempts and links ended goes in; which endpoint is next, and when the first one is to be asked again, comes out.

Theory. The list is an order of preference. It is tried from top to bottom and round again. A link that has lasted is tried once more
where it was (a tunnel is no reason to move), unless somebody needs help: then the next one is the better bet. Away from the first
endpoint we go back to it: after `RETURN_S` it is probed beside the link that works, and only when somebody listens there the link is left
for it, at a quiet moment. If it then does not become a link, we are back at once where it worked, and the next return waits twice as long.
"""

import math

RETURN_S = 900.0
RETURN_S_MAX = 3600.0
"""A quarter of an hour at the second choice costs nobody anything; a first one that lets us in and then fails is left alone for longer."""

LASTED_S = 60.0
"""A link that was shorter is no reason to go back to the same door."""


class Endpoints:
    """The list, the place in it, and the way back to its top."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        self.urls = urls
        self.rounds = 0
        self.returning = False
        """The present attempt, or the link that is not proved yet, is a return."""
        self.return_at = math.inf
        self._index = 0
        self._home = 0
        self._again = False
        self._return_s = RETURN_S

    @property
    def current(self) -> str:
        """The one that is tried or connected now."""
        return self.urls[self._index]

    @property
    def first(self) -> str:
        """The preferred one."""
        return self.urls[0]

    @property
    def away(self) -> bool:
        """We are not at the preferred one."""
        return self._index != 0

    def go_back(self) -> None:
        """The working link is left for the first endpoint."""
        self._home, self._index, self.returning = self._index, 0, True

    def up(self, at: float) -> None:
        """Connected. Being away is measured over all links until the first one is proved: a bad network must not put it off for ever."""
        if self.away and self.return_at == math.inf:
            self.return_at = at + self._return_s

    def proved(self) -> None:
        """The link is good for something."""
        self.rounds, self.returning, self._again = 0, False, False
        if not self.away:
            self.return_at, self._return_s = math.inf, RETURN_S

    def probe(self, at: float) -> str:
        """The first one is probed now; should no answer come, again after the usual time."""
        self.return_at = at + self._return_s
        return self.first

    def lost(self, lasted_s: float, urgent: bool) -> None:
        """A proved link has ended."""
        if lasted_s >= LASTED_S and not urgent:
            self._again = True
        else:
            self._next()

    def failed(self, at: float) -> bool:
        """An attempt, or a link that was not proved, has ended; True when it was a return, and the next attempt is to be made at once."""
        if self.returning:
            self._index, self.returning = self._home, False
            self._return_s = min(RETURN_S_MAX, 2 * self._return_s)
            self.return_at = at + self._return_s
            return True
        if self._again and self.away:  # where it worked it does not: from the top
            self._index = 0
        else:
            self._next()
        self._again = False
        return False

    @property
    def at_top(self) -> bool:
        """The next attempt begins the list anew."""
        return self._index == 0

    def _next(self) -> None:
        self._index = (self._index + 1) % len(self.urls)
        self.rounds += self._index == 0

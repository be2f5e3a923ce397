"""Suspicion: what a test finds at each look goes in; a flag that comes and goes with stated delays comes out."""

import math

from agent.wire.whys import Reason


class Suspicion:
    """A flag with hysteresis: found bad for `raise_s` without interruption it is raised, found good for `clear_s` it is cleared."""

    def __init__(self, raise_s: float, clear_s: float) -> None:
        self.raised = False
        self.why: Reason = ""
        self.judged_at = 0.0
        self._raise_s = raise_s
        self._clear_s = clear_s
        self._otherwise_since: float | None = None

    def judge(self, at: float, bad: bool, why: Reason = "") -> None:
        """One look. A look that tells nothing is not to be judged: the flag stays as it is."""
        self.judged_at = at
        if bad == self.raised:
            self._otherwise_since = None
            return
        if self._otherwise_since is None:
            self._otherwise_since = at
        if at >= self.due_at:
            self._turn(bad, why)

    @property
    def due_at(self) -> float:
        """When the flag turns unless a look finds otherwise: for what is said once, and stands until it is taken back."""
        since = self._otherwise_since
        return math.inf if since is None else since + (self._clear_s if self.raised else self._raise_s)

    def forget(self) -> None:
        """Nothing can confirm it any more."""
        self._turn(False, "")

    def _turn(self, raised: bool, why: Reason) -> None:
        self.raised, self.why, self._otherwise_since = raised, why if raised else "", None

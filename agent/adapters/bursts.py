"""Fixes of one read in, the same with stamps reckoned back out: what a stall of ours, or of the network, has kept waiting.

Theory. All that comes in one read bears its stamp, and only the newest instant in it can be of then. Those before it are as much older as
the receiver's UTC says. So the newest keeps the stamp, late by less than the time between two fixes, and the others go back from there:
never before the fix that was told last (stamps never run back), by BACK_S_MAX at most, and only where the UTC of both is known.
"""

import math
from collections.abc import Sequence

import msgspec

from agent.core.events import Fix

BACK_S_MAX = 600.0
"""A tty holds 64 KiB, two minutes at 1 Hz, a socket's buffers some minutes; a step of the receiver's time by more is no stall."""

LATE_S = 0.1
"""What spans no more than this was gathered in one turn of the reader, and is in time."""


class Bursts:
    """Stamps the fixes of one opening of a port; `since`: monotonic second before which nothing was said."""

    def __init__(self, since: float = -math.inf) -> None:
        self._told_at = since
        self._late_at = -math.inf

    def stamped(self, at: float, fixes: Sequence[Fix], ahead_ms: int = 0) -> list[Fix]:
        """The fixes that a read at `at` completed, oldest first; `ahead_ms`: how far after the last the instant is that is open now."""
        backs_s = self._backs_s([fix.utc_ms for fix in fixes], ahead_ms)
        if any(fix.at == at and back_s > LATE_S for fix, back_s in zip(fixes, backs_s, strict=True)):
            self._late_at = at
        return [self._stamp(fix, at, back_s) for fix, back_s in zip(fixes, backs_s, strict=True)]

    def _backs_s(self, times_ms: list[int | None], ahead_ms: int) -> list[float]:
        """How long before the newest each one was; one without a time is taken to be of the next one's."""
        backs_s, after_ms, back_s = [], None, 0.0
        if times_ms and times_ms[-1] is not None:
            back_s = _step_s(ahead_ms)
        for utc_ms in reversed(times_ms):
            if utc_ms is not None:
                back_s += 0.0 if after_ms is None else _step_s(after_ms - utc_ms)
                after_ms = utc_ms
            backs_s.append(min(back_s, BACK_S_MAX))
        return backs_s[::-1]

    def _stamp(self, fix: Fix, at: float, back_s: float) -> Fix:
        read_at = fix.at if fix.at == self._late_at else None
        stamp = max(self._told_at, at - back_s if fix.at == at else fix.at)  # what began before this read keeps its stamp
        self._told_at = stamp
        return msgspec.structs.replace(fix, at=stamp, read_at=read_at) if stamp != fix.at or read_at is not None else fix


def _step_s(step_ms: int) -> float:
    return step_ms / 1000 if 0 < step_ms <= BACK_S_MAX * 1000 else 0.0

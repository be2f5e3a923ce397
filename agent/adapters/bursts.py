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
        """The fixes that a read at `at` completed, oldest first; `ahead_ms`: how far before the instant that has just begun the last is."""
        back_s, spans_s = [0.0] * len(fixes), 0.0
        if fixes and fixes[-1].utc_ms is not None:
            spans_s = _step_s(ahead_ms)
        for i in range(len(fixes) - 1, -1, -1):
            if i + 1 < len(fixes):
                here, after = fixes[i].utc_ms, fixes[i + 1].utc_ms
                spans_s += _step_s(after - here) if here is not None and after is not None else 0.0
            back_s[i] = spans_s = min(spans_s, BACK_S_MAX)
        if spans_s > LATE_S:
            self._late_at = at
        return [self._stamp(fix, at, back) for fix, back in zip(fixes, back_s, strict=True)]

    def _stamp(self, fix: Fix, at: float, back_s: float) -> Fix:
        if fix.at == at:  # it began in this read, not before
            stamp = max(self._told_at, at - back_s)
            fix = msgspec.structs.replace(fix, at=stamp)
        if at == self._late_at and fix.at >= self._told_at and back_s >= 0:
            fix = msgspec.structs.replace(fix, read_at=at)
        self._told_at = max(self._told_at, fix.at)
        return fix


def _step_s(step_ms: int) -> float:
    return step_ms / 1000 if 0 < step_ms <= BACK_S_MAX * 1000 else 0.0

"""Bytes of a receiver in, fixes out, with counts of good and refused lines: pure, the clock comes in as the stamp of each read.

A line runs from `$` to its line end. Whatever stands before the last `$` (binary packets, the wrong speed, a line cut short by lost bytes)
is passed over, and memory is bounded whatever comes.
"""

from agent.adapters.epoch import QUIET_S, Epochs
from agent.adapters.sentences import LINE_CHARS_MAX, LineRefused, parse
from agent.core.events import Fix


class Nmea:
    """Reads one receiver's bytes."""

    def __init__(self) -> None:
        self.sentences = 0
        """Good ones, since the last `counts`."""
        self._refused: dict[str, int] = {}
        self._epochs = Epochs()
        self._tail = b""
        self._tail_at = 0.0
        self._heard_at = 0.0

    def feed(self, at: float, data: bytes) -> list[Fix]:
        """Bytes that came at `at`; the fixes that are complete with them."""
        fixes: list[Fix] = []
        self._heard_at = at
        first_at = self._tail_at if self._tail else at
        *lines, tail = (self._tail + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line:
                fixes += self._line(first_at, line)
            first_at = at
        if len(tail) > LINE_CHARS_MAX:
            self._refuse("too_long" if tail.startswith(b"$") else "noise")
            resync = tail.rfind(b"$", 1)
            tail = tail[resync:] if resync > 0 and len(tail) - resync <= LINE_CHARS_MAX else b""
            first_at = at
        self._tail, self._tail_at = tail, first_at
        return fixes

    def flush(self, now: float) -> list[Fix]:
        """To be asked while nothing comes: the fix that a pause of QUIET_S has completed."""
        return self._epochs.flush() if now - self._heard_at >= QUIET_S else []

    def end(self) -> list[Fix]:
        """The port is gone, or another speed is tried: what was complete leaves, half a line is forgotten."""
        self._tail = b""
        return self._epochs.flush()

    def counts(self) -> tuple[int, dict[str, int]]:
        """Good sentences, and refused lines by reason, since the last call."""
        counted = self.sentences, self._refused
        self.sentences, self._refused = 0, {}
        return counted

    def _refuse(self, reason: str) -> None:
        self._refused[reason] = self._refused.get(reason, 0) + 1

    def _line(self, at: float, raw: bytes) -> list[Fix]:
        start = raw.rfind(b"$")
        if start < 0:
            self._refuse("noise")
            return []
        if raw.find(b"$") < start - 1:  # `$$GNRMC` is a habit of some receivers, no loss
            self._refuse("cut")
        try:
            sentence = parse(raw[start:].decode("ascii").rstrip())
        except UnicodeDecodeError:
            self._refuse("noise")
            return []
        except LineRefused as e:
            self._refuse(e.reason)
            return []
        self.sentences += 1
        return [] if sentence is None else self._epochs.take(at, sentence)

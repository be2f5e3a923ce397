"""Receiver: what the port says of itself goes in; faults of port, silence, garbage and sky come out."""

import math
from typing import Any

from agent.config import Gnss
from agent.core.events import Event, FaultSeen, Fix, FixMode, ReceiverDown, ReceiverHeard, ReceiverUp, Started
from agent.core.part import Output, Outputs, Part
from agent.wire.whys import why

GARBAGE_AFTER_S = 10.0
"""As long as most lines are unreadable before it is called garbage: the tail of a baud change is shorter."""

NO_FIX_AFTER_S = 60.0
"""A cold start under open sky takes about half a minute."""


class Receiver(Part):
    """The health of the GNSS receiver's port."""

    name = "receiver"
    listens = (Started, ReceiverUp, ReceiverDown, ReceiverHeard, Fix)

    def __init__(self, config: Gnss) -> None:
        self._silence_s = config.silence_s
        self._port = config.port
        self._up = False
        self._silent_at = math.inf
        self._no_fix_at = math.inf
        self._garbage_since: float | None = None
        self.sentences = 0
        self.refused: dict[str, int] = {}

    @property
    def deadline(self) -> float:
        """When silence, or the lack of a fix, becomes a fault."""
        return min(self._silent_at, self._no_fix_at)

    def handle(self, event: Event) -> Outputs:
        """Take the port's word."""
        match event:
            case Started():
                self._no_fix_at = event.at + NO_FIX_AFTER_S
            case ReceiverUp(port=port):
                self._up, self._port = True, port
                self._silent_at = event.at + self._silence_s
                return [FaultSeen(event.at, "gnss.port", False)]
            case ReceiverDown(port=port, reason=reason):
                self._up, self._port, self._silent_at = False, port, math.inf
                return [FaultSeen(event.at, "gnss.port", True, f"{port}: {reason}"), FaultSeen(event.at, "gnss.silent", False)]
            case ReceiverHeard():
                return self._heard(event)
            case Fix(mode=mode, read_at=read_at) if mode is not FixMode.NONE:
                self._no_fix_at = (event.at if read_at is None else read_at) + NO_FIX_AFTER_S
                return [FaultSeen(event.at, "gnss.no_fix", False)]
        return ()

    def _heard(self, heard: ReceiverHeard) -> Outputs:
        self.sentences += heard.sentences
        for reason, count in heard.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count
        out: list[Output] = []
        if heard.sentences:
            self._silent_at = heard.at + self._silence_s
            out.append(FaultSeen(heard.at, "gnss.silent", False))
            if not self._up:  # that it was opened is an event like any other: it may have been lost
                self._up = True
                out.append(FaultSeen(heard.at, "gnss.port", False))
        bad = sum(heard.refused.values())
        if not bad and not heard.sentences:
            return out  # bytes, but no line yet: that speaks neither for it nor against it
        if bad <= heard.sentences:
            self._garbage_since = None
            return [*out, FaultSeen(heard.at, "gnss.garbage", False)]
        since = self._garbage_since = heard.at if self._garbage_since is None else self._garbage_since
        if heard.at - since < GARBAGE_AFTER_S:
            return out
        worst = max(heard.refused, key=lambda reason: heard.refused[reason])
        return [*out, FaultSeen(heard.at, "gnss.garbage", True, why("receiver_garbage", count=bad, reason=worst))]

    def expire(self) -> Outputs:
        """Call it silent, or without a fix."""
        at = self.deadline
        if at == self._silent_at:
            self._silent_at = math.inf
            return [FaultSeen(at, "gnss.silent", True, why("receiver_silent", port=self._port, seconds=self._silence_s))]
        self._no_fix_at = math.inf
        return [FaultSeen(at, "gnss.no_fix", True, why("no_fix", seconds=NO_FIX_AFTER_S))]

    def status(self, now: float) -> dict[str, Any]:
        """Port, whether it is open, sentences heard and lines refused since the start."""
        return {"port": self._port, "up": self._up, "sentences": self.sentences, "refused": self.refused}

"""I/O: inputs, outputs and the alarm go in; the retained `io` comes out, once for a burst of changes."""

import math
from collections.abc import Callable
from typing import Any

from agent.core.events import (
    AlarmChanged,
    Event,
    InputChanged,
    LightsSeen,
    LightsShed,
    LightsShown,
    LightsTurned,
    LinkUp,
    OutputFailed,
    StateChanged,
    WireChanged,
)
from agent.core.part import Outputs, Part
from agent.wire.records import Io

BURST_S = 0.2
"""Changes that belong together (a press, its light, its lamp) make one message."""


class IoState(Part):
    """What the inputs read and the outputs show, for the centre."""

    name = "io"
    listens = (InputChanged, WireChanged, LightsShown, LightsTurned, LightsSeen, LightsShed, OutputFailed, AlarmChanged, LinkUp)

    def __init__(self, tell: Callable[[float], dict[str, Any]]) -> None:
        self._tell = tell
        self._publish_at = math.inf
        self._published: Io | None = None

    @property
    def deadline(self) -> float:
        """When the burst is over."""
        return self._publish_at

    def handle(self, event: Event) -> Outputs:
        """Something may have changed."""
        self._publish_at = min(self._publish_at, event.at + BURST_S)
        return ()

    def expire(self) -> Outputs:
        """Publish what is so now, when it differs from what was published."""
        at, self._publish_at = self._publish_at, math.inf
        told = self._tell(at)
        lights = told["lights"]
        record = Io(
            inputs=told["inputs"] | told["light_sense"]["lines"],  # these follow every flash
            outputs=dict(lights["shown"]),
            lights=lights["show"],
            lights_by=lights["by"],
            alarm=told["alarm"]["state"],
            wires=told["wires"] or None,
            lit=told["light_sense"]["lit"] or None,
            shed=told["shedding"]["shed"] or None,
        )
        if record == self._published:
            return ()
        self._published = record
        return [StateChanged(at, "io", record)]

"""Output trial: somebody who installs asks for one output (`output.test`); that it is driven, and when it goes back by itself, comes out.

Theory. One lease at a time, of some seconds. While it runs the one output is at its active level and every other light is dark, so that a
person sees which lamp it is. It is refused, and over at once, when it could do harm: while an alarm is live, while the car moves, and when
the officer's hand, an alarm or a task wants the lights. A silent alarm is no reason: that could be seen, and it asks for no light. The
video recorder's mark line knows pulses only, and gets one.
"""

import math
from collections.abc import Sequence
from typing import Any

from agent.config import Output as OutputConfig
from agent.core.effects import Answer, PulseOutput
from agent.core.events import ActionTaken, AlarmChanged, Event, Fix, LightsAsked, OutputTried
from agent.core.part import Output, Outputs, Part

ACTION = "output.test"
LEASE_S = 3.0
LEASE_S_MAX = 10.0
"""Nobody looks at a lamp for longer; whoever does asks again."""

MOVES_MPS = 2.0
"""A receiver that stands says less, also between houses."""

MOVED_S = 10.0
"""A speed is believed for so long: with no fix since, the car may stand in the workshop."""

ENDS = ("hand", "panic", "task")
"""Rows whose wish for light is worth more than a trial."""


class OutputTrial(Part):
    """The lease that runs, if any."""

    name = "output_test"
    listens = (ActionTaken, AlarmChanged, LightsAsked, Fix)
    actions = (ACTION,)

    def __init__(self, outputs: Sequence[OutputConfig]) -> None:
        self._uses = {output.id: output.use for output in outputs}
        self._alarms: set[str] = set()
        self._moved_at = -math.inf
        self._output: str | None = None
        self._ends_at = math.inf

    @property
    def deadline(self) -> float:
        """When the lease is over."""
        return self._ends_at

    def handle(self, event: Event) -> Outputs:
        """Begin, or end, a trial."""
        match event:
            case ActionTaken(action="output.test"):
                return self._asked(event)
            case AlarmChanged(alarm_id=alarm, state=state, mode=mode, test=False) if mode != "silent":
                self._alarms = self._alarms - {alarm} if state == "cleared" else self._alarms | {alarm}
                return self._end(event.at) if self._alarms else ()
            case LightsAsked(by=by, show=show) if show is not None and by in ENDS:
                return self._end(event.at)
            case Fix(speed_mps=float(speed)) if speed >= MOVES_MPS:
                self._moved_at = event.at
                return self._end(event.at)
        return ()

    def expire(self) -> Outputs:
        """The lease is over."""
        return self._end(self._ends_at)

    def _asked(self, action: ActionTaken) -> list[Output]:
        output, lease_s = action.body.get("output", ...), action.body.get("s", LEASE_S)
        if output is None:
            return [*self._end(action.at), Answer(action.asker, {"done": ACTION, "output": None})]
        why = self._refusal(action.at, output, lease_s)
        if why:
            return [Answer(action.asker, {"error": why})]
        answer = Answer(action.asker, {"done": ACTION, "output": output, "s": lease_s})
        if self._uses[output] == "recorder_mark":
            return [*self._end(action.at), PulseOutput(output, round(lease_s * 1000)), answer]
        self._output, self._ends_at = output, action.at + lease_s
        return [OutputTried(action.at, output), answer]

    def _refusal(self, at: float, output: object, lease_s: object) -> str:
        """Why not; empty when it may be."""
        if not isinstance(output, str) or output not in self._uses:
            return f"no output {output!r:.60}; there are: {', '.join(self._uses) or 'none'}"
        if isinstance(lease_s, bool) or not isinstance(lease_s, int | float) or not 0.1 <= lease_s <= LEASE_S_MAX:
            return f"expected s: seconds from 0.1 to {LEASE_S_MAX:g}, found {lease_s!r:.60}"
        if self._alarms:
            return "an alarm is live: no output is tried before the centre has cleared it"
        return "the car moves: outputs are tried while it stands" if at - self._moved_at < MOVED_S else ""

    def _end(self, at: float) -> list[Output]:
        was, self._output, self._ends_at = self._output, None, math.inf
        return [] if was is None else [OutputTried(at, None)]

    def status(self, now: float) -> dict[str, Any]:
        """The output under trial and the seconds left; None when there is none."""
        return {"output": self._output, "left_s": round(self._ends_at - now, 1) if self._output else None}

"""Output trial: somebody who installs asks for one output, or a show (`output.test`); that it is driven, and when it goes back, comes out.

Theory. One lease at a time, of some seconds. While it runs the one output is at its active level and every other light is dark, so that a
person sees which lamp it is; or all lights play a show (`off` for darkness). It is no row of the table of rights, for it must be over by
itself: a hand that forgot its wish would leave the car dark in the next alarm. It is refused, and over at once, when it could do harm:
while an alarm is live, while the car moves, and while the officer's hand, an alarm or a task wants the lights; such a wish stands until
its row gives it up. A silent alarm is no reason: that could be seen, and it asks for no light. The video recorder's mark line knows pulses
only, and gets one.
"""

import math
from collections.abc import Sequence
from typing import Any

from agent.config import Output as OutputConfig
from agent.core.effects import Answer, PulseOutput
from agent.core.events import ActionTaken, AlarmChanged, Event, Fix, LightsAsked, OutputTried
from agent.core.part import Output, Outputs, Part
from agent.wire.why_codes import Code
from agent.wire.whys import Why, refused, why

ACTION = "output.test"
LEASE_S = 3.0
LEASE_S_MIN, LEASE_S_MAX = 0.1, 10.0
"""Nobody looks at a lamp for longer; whoever does asks again."""

MOVES_MPS = 2.0
"""A receiver that stands says less, also between houses."""

MOVED_S = 10.0
"""A speed is believed for so long: with no fix since, the car may stand in the workshop."""

ENDS: dict[str, Code] = {"hand": "trial_hand", "panic": "trial_panic", "task": "trial_task"}
"""Rows whose wish for light is worth more than a trial, and how that is said."""


class OutputTrial(Part):
    """The lease that runs, if any."""

    name = "output_test"
    listens = (ActionTaken, AlarmChanged, LightsAsked, Fix)
    actions = (ACTION,)

    def __init__(self, outputs: Sequence[OutputConfig], shows: Sequence[str] = ()) -> None:
        """`shows`: the names of those that may be played."""
        self._uses = {output.id: output.use for output in outputs}
        self._shows = shows
        self._alarms: set[str] = set()
        self._wishes: dict[str, str] = {}
        self._moved_at = -math.inf
        self._tried: str | None = None
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
            case LightsAsked(by=by, show=show) if by in ENDS:
                return self._wished(event.at, by, show)
            case Fix(speed_mps=float(speed)) if speed >= MOVES_MPS:
                self._moved_at = event.at
                return self._end(event.at)
        return ()

    def expire(self) -> Outputs:
        """The lease is over."""
        return self._end(self._ends_at)

    def _asked(self, action: ActionTaken) -> list[Output]:
        what = "show" if "show" in action.body else "output"
        name, lease_s = action.body.get(what, ...), action.body.get("s", LEASE_S)
        if name is None:
            return [*self._end(action.at), Answer(action.asker, {"done": ACTION, what: None})]
        refusal = self._refusal(action.at, what, name, lease_s)
        if refusal is not None:
            return [Answer(action.asker, refused(refusal))]
        answer = Answer(action.asker, {"done": ACTION, what: name, "s": lease_s})
        if what == "output" and self._uses[name] == "recorder_mark":
            return [*self._end(action.at), PulseOutput(name, round(lease_s * 1000)), answer]
        self._tried, self._ends_at = name, action.at + lease_s
        return [OutputTried(action.at, **{what: name}), answer]

    def _wished(self, at: float, by: str, show: str | None) -> Outputs:
        """That row has a wish, which stands, or gives it up."""
        if show is None:
            self._wishes.pop(by, None)
            return ()
        self._wishes[by] = show
        return self._end(at)

    def _refusal(self, at: float, what: str, name: object, lease_s: object) -> Why | None:
        """Why not; None when it may be."""
        unknown: Code
        known, unknown = (list(self._uses), "output_unknown") if what == "output" else (self._shows, "show_unknown")
        if not isinstance(name, str) or name not in known:
            return why(unknown, found=f"{name!r:.60}", known=", ".join(known) or "-")
        if isinstance(lease_s, bool) or not isinstance(lease_s, int | float) or not LEASE_S_MIN <= lease_s <= LEASE_S_MAX:
            return why("lease_malformed", least=LEASE_S_MIN, most=LEASE_S_MAX, found=f"{lease_s!r:.60}")
        if self._alarms:
            return why("trial_alarm_live")
        wanting = next((by for by in ENDS if by in self._wishes), None)
        if wanting is not None:
            return why(ENDS[wanting], show=self._wishes[wanting])
        return why("trial_moving") if at - self._moved_at < MOVED_S else None

    def _end(self, at: float) -> list[Output]:
        was, self._tried, self._ends_at = self._tried, None, math.inf
        return [] if was is None else [OutputTried(at)]

    def status(self, now: float) -> dict[str, Any]:
        """The output, or the show, under trial and the seconds left; None when there is none."""
        return {"tried": self._tried, "left_s": round(self._ends_at - now, 1) if self._tried else None}

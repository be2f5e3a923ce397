"""The video recorder's mark: alarms, lights and orders go in; a pulse on its mark line, and a pointer for the centre, come out.

Theory. The recorder is another device, with a clock of its own. What we can do is pulse its mark line at the moment that matters, and tell
the centre which time is of interest (`media`). The pointer waits for the outputs' word that the line was pulsed, and goes without it
when the line cannot be driven, or when there is none: it is worth having all the same.

A silent alarm must change nothing in the car, and a recorder that is marked may beep. So unless `mark_silent` says that it does not, a
silent alarm has its pointer only, and while one is live so has an order.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from agent.config import Input, InputUse
from agent.config import Output as OutputConfig
from agent.config import Recorder as RecorderConfig
from agent.core.effects import PulseOutput
from agent.core.events import (
    AlarmChanged,
    Event,
    Lane,
    LightsShown,
    OrderAnswered,
    OrderGiven,
    OutputFailed,
    OutputPulsed,
    Reported,
    StopRequested,
)
from agent.core.part import Output, Outputs, Part
from agent.core.timebase import Timebase
from agent.wire.records import Media, Pos

SHOW = "response"
"""The show that is of interest to whoever looks at pictures later."""

ASK_AGAIN_S = 1.0
ASKS_MAX = 4
"""Outputs answer in a millisecond. What they have not said after three seconds they will not say, and the pointer must leave."""

SAME_S = 60.0
"""Whoever presses again, or plays with the switch, within a minute of a mark for the same reason, is in its pictures already."""

WAITING_MAX = 16
"""Marks that wait for the outputs' word; more are answered as those are. There is one for each order, and few others."""

NO_RECORDER = "this unit has no recorder: no output of use recorder_mark, no input of use recorder_alive"


class _Mark(NamedTuple):
    """What is to be marked: when it happened, why, where the unit was, and whose it is."""

    at: float
    cause: Literal["panic", "lights", "order"]
    pos: Pos | None
    alarm: str | None = None
    order: str | None = None


class Recorder(Part):
    """The mark line, and the pointers. `show` gives the show that is on and whose it is; `here` where the unit is."""

    name = "recorder"
    listens = (AlarmChanged, LightsShown, OrderGiven, OutputPulsed, OutputFailed, StopRequested)

    def __init__(
        self,
        config: RecorderConfig,
        inputs: tuple[Input, ...],
        outputs: tuple[OutputConfig, ...],
        show: Callable[[], tuple[str, str | None]],
        time: Timebase,
        here: Callable[[float], Pos | None],
    ) -> None:
        self._config = config
        self._lines = [o.id for o in outputs if o.use == "recorder_mark"]
        self._there = bool(self._lines) or any(i.use is InputUse.RECORDER_ALIVE for i in inputs)
        self._show = show
        self._time = time
        self._here = here
        self._silent: set[str] = set()
        self._responding = False
        self._marked_at: dict[str | None, float] = {}
        self._waiting: list[_Mark] = []
        self._unpulsed: dict[str, str] = {}
        self._asks = 0
        self._ask_again_at = math.inf

    @property
    def deadline(self) -> float:
        """When the outputs are asked again, or given up."""
        return self._ask_again_at

    def handle(self, event: Event) -> Outputs:
        """Mark what the policy names; take the outputs' word."""
        match event:
            case AlarmChanged(test=False):
                return self._hear_alarm(event)
            case LightsShown():
                return self._look_at_lights(event.at)
            case OrderGiven(kind="mark"):
                return self._obey(event)
            case OutputPulsed(output=output) if output in self._unpulsed:
                del self._unpulsed[output]
                return [] if self._unpulsed else self._point(event.at)
            case OutputFailed(output=output, reason=reason) if output in self._unpulsed:
                self._unpulsed[output] = reason
            case StopRequested():
                return self._point(event.at)
        return ()

    def expire(self) -> Outputs:
        """Ask the outputs again; after a few times let the pointers go without them."""
        return self._ask(self._ask_again_at) if self._asks < ASKS_MAX else self._point(self._ask_again_at)

    # --- what is marked -----------------------------------------------------------------------------------------------------------

    def _hear_alarm(self, alarm: AlarmChanged) -> Outputs:
        if alarm.state == "cleared":
            self._silent.discard(alarm.alarm_id)
            self._marked_at.pop(alarm.alarm_id, None)
        elif alarm.mode == "silent":
            self._silent.add(alarm.alarm_id)
        if alarm.state != "raised":
            return ()
        silent = alarm.mode == "silent" and not self._config.mark_silent
        return self._mark_unless_marked(_Mark(alarm.at, "panic", self._here(alarm.at), alarm=alarm.alarm_id), silent)

    def _look_at_lights(self, at: float) -> Outputs:
        show, by = self._show()
        before, self._responding = self._responding, show == SHOW
        if before or not self._responding or (by == "panic" and "panic" in self._config.mark_on):
            return ()  # it goes on; it is over; the alarm has its own mark
        return self._mark_unless_marked(_Mark(at, "lights", self._here(at)))

    def _mark_unless_marked(self, mark: _Mark, silent: bool = False) -> Outputs:
        if not self._there or mark.cause not in self._config.mark_on or mark.at < self._marked_at.get(mark.alarm, -math.inf) + SAME_S:
            return ()
        self._marked_at[mark.alarm] = mark.at
        return self._tell(mark.at, mark, False, None) if silent else self._begin(mark)

    def _obey(self, order: OrderGiven) -> Outputs:
        reason = None
        if not self._there:
            reason = NO_RECORDER
        elif "order" not in self._config.mark_on:
            reason = 'recorder.mark_on does not name "order"'
        if reason is not None:
            return [OrderAnswered(order.at, order.order, "failed", reason)]
        mark = _Mark(order.at, "order", self._here(order.at), order=order.order)
        if self._silent and not self._config.mark_silent:
            return self._tell(order.at, mark, False, "a silent alarm is live, and recorder.mark_silent is off; only the pointer was sent")
        return self._begin(mark)

    # --- the line -----------------------------------------------------------------------------------------------------------------

    def _begin(self, mark: _Mark) -> Outputs:
        if not self._lines:
            return self._tell(mark.at, mark, False, None)
        if len(self._waiting) >= WAITING_MAX:
            return self._tell(mark.at, mark, False, "too many marks wait for the outputs")
        self._waiting.append(mark)
        self._unpulsed = dict.fromkeys(self._lines, "the outputs do not answer")
        self._asks = 0
        return self._ask(mark.at)

    def _ask(self, at: float) -> list[Output]:
        self._asks += 1
        self._ask_again_at = at + ASK_AGAIN_S
        return [PulseOutput(output, round(self._config.pulse_s * 1000)) for output in self._unpulsed]

    def _point(self, at: float) -> list[Output]:
        """The pointers leave: the line was pulsed, or it was given up and `_unpulsed` says why."""
        waiting, self._waiting, self._ask_again_at = self._waiting, [], math.inf
        reason = "; ".join(self._unpulsed.values()) or None
        self._unpulsed = {}
        return [output for mark in waiting for output in self._tell(at, mark, reason is None, reason)]

    def _tell(self, at: float, mark: _Mark, marked: bool, reason: str | None) -> list[Output]:
        """The pointer, and the answer to who ordered it: failed with a reason, done without."""
        mono = round(mark.at * 1000)
        first, last = max(0, mono - round(self._config.before_s * 1000)), mono + round(self._config.after_s * 1000)
        utc, _ = self._time.stamp(mark.at)
        media = Media(
            recorder=self._config.name,
            cause=mark.cause,
            marked=marked,
            from_mono=first,
            to_mono=last,
            start=None if utc is None else utc + first - mono,
            end=None if utc is None else utc + last - mono,
            alarm=mark.alarm,
            order=mark.order,
            pos=mark.pos,
        )
        out: list[Output] = [Reported(mark.at, Lane.EVENT, media)]
        if mark.order is not None:
            out.append(OrderAnswered(at, mark.order, "failed" if reason else "done", reason, {"marked": marked}))
        return out

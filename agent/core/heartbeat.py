"""Heartbeats of video recorders: their lines and the ignition go in; whether they are alive comes out, and the fault when they should be.

Theory. A recorder tells that it is alive by a line that changes at least every `alive_s`, or (`alive_s = 0`) that is active. It is taken
to be alive until it has been silent for that long. It is expected to be alive while the ignition is on (always, where no input tells),
after the time that it takes to start; silence of a recorder that is not expected is no fault.
"""

import math

from agent.config import Input, InputUse
from agent.core.events import Event, InputChanged, Lane, Reported
from agent.core.part import Output, Outputs, Part
from agent.core.shared_fault import SharedFault
from agent.wire.records import EventRecord

START_S = 60.0
"""A recorder that comes up with the ignition, or with us, has to start first."""


class _Recorder:
    """One recorder's line."""

    def __init__(self, wired: Input) -> None:
        self.id = wired.id
        self.alive = True
        self.silent_at = math.inf
        self._beats = wired.alive_s > 0
        # A change is believed at most so much later than it happened, and perhaps the one before was not.
        self._wait_s = wired.alive_s + max(wired.debounce_s, wired.release_s)

    def read(self, change: InputChanged) -> bool | None:
        """Whether it is alive, as far as this tells."""
        if change.first and not (change.active and not self._beats):
            self.silent_at = change.at + max(START_S, self._wait_s)
            return None
        self.silent_at = change.at + self._wait_s if self._beats else math.inf
        return self._beats or change.active


class Heartbeats(Part):
    """All lines of use `recorder_alive`."""

    name = "heartbeat"
    listens = (InputChanged,)

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self._recorders = {i.id: _Recorder(i) for i in inputs if i.use is InputUse.RECORDER_ALIVE}
        self._ignitions = {i.id: False for i in inputs if i.use is InputUse.IGNITION}
        self._expected = not self._ignitions
        self._expect_at = math.inf
        self._fault = SharedFault("recorder.silent")

    @property
    def deadline(self) -> float:
        """When the next recorder has been silent for too long, or all have had time to start."""
        return min(self._expect_at, *(recorder.silent_at for recorder in self._recorders.values()), math.inf)

    def handle(self, event: Event) -> Outputs:
        """A sign of life, or the ignition."""
        match event:
            case InputChanged(input=name) if name in self._recorders:
                recorder = self._recorders[name]
                alive = recorder.read(event)
                return () if alive is None else self._set(event.at, recorder, alive)
            case InputChanged(input=name, active=active) if name in self._ignitions and self._recorders:
                self._ignitions[name] = active
                return self._turn_key(event.at, any(self._ignitions.values()))
        return ()

    def expire(self) -> Outputs:
        """Too long a silence, the end of the start, or both: when all come up together they end together."""
        at = self.deadline
        if self._expect_at == at:
            self._expected, self._expect_at = True, math.inf
        silent = [recorder for recorder in self._recorders.values() if recorder.silent_at == at]
        for recorder in silent:
            recorder.silent_at = math.inf
        return [*(out for recorder in silent for out in self._set(at, recorder, False)), *self._judge(at)]

    def _turn_key(self, at: float, on: bool) -> list[Output]:
        if not on:
            self._expected, self._expect_at = False, math.inf
        elif not self._expected and self._expect_at == math.inf:
            self._expect_at = at + START_S
        return self._judge(at)

    def _set(self, at: float, recorder: _Recorder, alive: bool) -> list[Output]:
        if alive == recorder.alive:
            return []
        recorder.alive = alive
        return [Reported(at, Lane.EVENT, EventRecord(what="recorder", id=recorder.id, active=alive)), *self._judge(at)]

    def _judge(self, at: float) -> list[Output]:
        judged = [self._fault.change(at, r.id, self._expected and not r.alive) for r in self._recorders.values()]
        return [out for outs in judged for out in outs]

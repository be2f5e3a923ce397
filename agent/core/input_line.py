"""One line: raw, bouncing readings go in; what is believed of it comes out, and how long it has been held.

Theory. What is believed changes when the contrary has outweighed it by the wait: time that reads otherwise counts up, time that reads as
believed counts down again, never below nothing, where a change begins anew (`since`). So contacts that bounce are believed a little
later and not never, and noise of under half the time neither makes nor breaks a press.

A hold is counted on the raw line, not on what is believed: the time that it has read active in all since the press began, so that the wait
for the release adds nothing to a short press, and a shaking hand or a bad contact costs only the time that is missing.
"""

import math
from collections.abc import Callable
from typing import Generic, TypeVar

from agent.config import Input, InputUse
from agent.core.events import Event, InputChanged, InputHeld

STUCK_S = 30.0
"""Nobody holds a panic button as long as this: it is stuck or its wire is short."""

REAL_ALARM_S = 5.0
"""Held as long as this in a walk test, a press is a real alarm all the same."""

CANCEL_S_MIN = 3.0
"""A wish to cancel an alarm is no slip of the hand."""

Value = TypeVar("Value")


class Integrator(Generic[Value]):
    """What is believed of something that is read now and then, and what has been read otherwise since."""

    def __init__(self, at: float, value: Value, wait_s: Callable[[Value], float]) -> None:
        """`value` is believed from `at` on; `wait_s` says by how many seconds the contrary must outweigh a value."""
        self.value = self.raw = value
        self.at = self.since = at
        self._wait_s = wait_s
        self._contrary_s = 0.0

    @property
    def deadline(self) -> float:
        """When the contrary will have outweighed what is believed, if it goes on so."""
        return math.inf if self.raw == self.value else self.at + max(0.0, self._wait_s(self.value) - self._contrary_s)

    @property
    def resting(self) -> bool:
        """Nothing contrary is left."""
        return self._contrary_s == 0.0 and self.raw == self.value

    def read(self, at: float, raw: Value) -> None:
        """It reads so from `at` on; not later than the deadline. What comes too late counts from where we are."""
        at = max(at, self.at)
        contrary_s = self._contrary_s + (at - self.at) * (1 if self.raw != self.value else -1)
        self.at, self._contrary_s = at, max(0.0, contrary_s)
        if self.resting and raw != self.value:
            self.since = at
        self.raw = raw

    def settle(self) -> None:
        """Believe what is read, at the deadline."""
        self.at, self.value, self._contrary_s = self.deadline, self.raw, 0.0


def marks_s(wired: Input) -> tuple[float, ...]:
    """The holds that mean something for its use, ascending."""
    match wired.use:
        case InputUse.PANIC:
            return tuple(sorted({wired.hold_s, REAL_ALARM_S, STUCK_S}))
        case InputUse.PANIC_CANCEL:
            return (max(CANCEL_S_MIN, wired.hold_s),)
    return ()


class InputLine:
    """What is believed of one input; unknown until it is read for the first time."""

    def __init__(self, wired: Input) -> None:
        self._wired = wired
        self._marks_s = marks_s(wired)
        self._belief: Integrator[bool] | None = None
        self._since = 0.0
        self._first = False
        self._active_s = 0.0
        self._marks_left: tuple[float, ...] = ()

    @property
    def active(self) -> bool | None:
        """What is believed."""
        return None if self._belief is None else self._belief.value

    @property
    def deadline(self) -> float:
        """When the next change is believed, or the next hold long enough, if it goes on reading so."""
        return min(self._change_at, self._held_at)

    @property
    def _change_at(self) -> float:
        return math.inf if self._belief is None else self._belief.deadline

    @property
    def _held_at(self) -> float:
        belief = self._belief
        if belief is None or not (self._marks_left and belief.value and belief.raw):
            return math.inf
        return belief.at + max(0.0, self._marks_left[0] - self._active_s)

    def read(self, at: float, raw: bool) -> list[Event]:
        """It reads so from `at` on. The first reading is believed, nothing else is known; a press is not before it has outweighed."""
        belief = self._belief
        if belief is None:
            believed = raw and not self._marks_s
            belief = self._belief = Integrator(at, believed, lambda active: self._wired.release_s if active else self._wired.debounce_s)
            belief.read(at, raw)
            self._since, self._first = at, raw
            return [self._changed(at, believed, at, first=True)]
        self._count_until(belief, at)
        belief.read(at, raw)
        if raw and not belief.value and belief.since == belief.at:
            self._active_s, self._first = 0.0, False  # nothing is left of what came before: here a press begins
        return []

    def lose(self) -> None:
        """It cannot be read now. A press that has begun is believed in doubt; that it goes on for half a minute nobody has seen."""
        self._marks_left = tuple(mark for mark in self._marks_left if mark <= self._wired.hold_s)

    def _count_until(self, belief: Integrator[bool], at: float) -> None:
        if belief.raw:
            self._active_s += max(0.0, at - belief.at)

    def expire(self) -> list[Event]:
        """Believe what outweighs, or say that it is held for long enough."""
        belief = self._belief
        assert belief is not None, f"{self._wired.id} has never been read"
        at = self.deadline
        self._count_until(belief, at)
        if self._change_at > at:
            self._active_s = max(self._active_s, self._marks_left[0])
            belief.read(at, belief.raw)
            return self._held(at)
        belief.settle()
        if not belief.value:
            self._marks_left = ()
            return [self._changed(at, False, belief.since)]
        self._since, self._marks_left = belief.since, self._marks_s
        return [self._changed(at, True, belief.since, self._first), *self._held(at)]

    def _held(self, at: float) -> list[Event]:
        reached = [mark for mark in self._marks_left if mark <= self._active_s]
        self._marks_left = self._marks_left[len(reached) :]
        wired = self._wired
        return [InputHeld(at, wired.id, wired.use.value, mark, self._since, self._first) for mark in reached]

    def _changed(self, at: float, active: bool, since: float, first: bool = False) -> InputChanged:
        return InputChanged(at, self._wired.id, self._wired.use.value, active, since, first)

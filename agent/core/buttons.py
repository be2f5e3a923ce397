"""Buttons: believed changes and holds of one panic button go in; whether they make a press comes out.

Theory. A hold of `hold_s` is a press. With `press = "twice"` two presses that begin within TWICE_S of each other are one as well: the hold
still counts, so that nobody has to know how this car is set up. A hold is a press once; what it was taken for is remembered, so
that a hold which was taken for a test can still become an alarm (REAL_ALARM_S), and nothing becomes two.
"""

import enum
import math

from agent.config import Input
from agent.core.events import InputChanged

TWICE_S = 2.0
"""Two presses that begin within this of each other are meant as one sign."""

STORE_WAIT_S = 3.0
"""How long a button that was down at the start waits for the store, which may hold the alarm that it has raised already."""

TEST_HOLD_S_MAX = 3.0
"""Nobody lets go of a button between a longer hold and the 5 s of a real alarm: in a walk test such a one is pressed, not held."""


class Taken(enum.Enum):
    """What the present press was taken for."""

    NOTHING = enum.auto()
    TEST = enum.auto()
    ALARM = enum.auto()


class Button:
    """One panic button."""

    def __init__(self, config: Input) -> None:
        self.config = config
        self.taken = Taken.NOTHING
        self.held_back_at = math.inf
        """When it was pressed, as long as nobody has been told: it was down at the start, and the store is not open yet."""
        self._began_before = -math.inf

    @property
    def tested_by_a_touch(self) -> bool:
        """Its hold is too long to be part of a test."""
        return self.config.hold_s > TEST_HOLD_S_MAX

    @property
    def told_at(self) -> float:
        """When a press that is held back is told whatever the store does."""
        return self.held_back_at + STORE_WAIT_S

    def turned(self, change: InputChanged) -> bool:
        """It goes down or up; whether that makes a press, as the second of two."""
        self.taken = Taken.NOTHING
        if not change.active or self.config.press != "twice":
            return False
        twice = change.since - self._began_before <= TWICE_S
        self._began_before = -math.inf if twice else change.since
        return twice

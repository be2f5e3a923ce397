"""Dark approach: the show that has won goes in; reminders that the car is dark come out, for the officer and for the centre."""

import math

from agent.core.events import Event, Lane, LightsTurned, ReminderAsked, Reported
from agent.core.part import Outputs, Part
from agent.core.shows import HIDDEN
from agent.wire.records import EventRecord


class DarkApproach(Part):
    """Since when the car has been dark on purpose."""

    name = "dark_approach"
    listens = (LightsTurned,)

    def __init__(self, reminder_s: float) -> None:
        self._reminder_s = reminder_s
        self._since = math.inf
        self._remind_at = math.inf

    @property
    def deadline(self) -> float:
        """When the next reminder is due."""
        return self._remind_at

    def handle(self, event: Event) -> Outputs:
        """Dark, or no more."""
        assert isinstance(event, LightsTurned)
        dark, was = event.show == HIDDEN, self._since < math.inf
        if dark == was:
            return ()
        if not dark:
            self._since = self._remind_at = math.inf
            return [ReminderAsked(event.at, None), self._report(event.at, False, None)]
        self._since, self._remind_at = event.at, event.at + self._reminder_s
        return [self._report(event.at, True, f"by {event.by}")]

    def expire(self) -> Outputs:
        """Remind."""
        at = self._remind_at
        self._remind_at = at + self._reminder_s
        return [ReminderAsked(at, HIDDEN), self._report(at, True, f"for {round(at - self._since)} s")]

    def _report(self, at: float, active: bool, detail: str | None) -> Reported:
        return Reported(at, Lane.EVENT, EventRecord(what="lights", id="dark_approach", active=active, detail=detail))

"""The promise about outages that somebody asks for: help never waits for their end; see `promises`."""

import math
from typing import TYPE_CHECKING

from agent.core.effects import Answer, Connect
from agent.core.events import LinkUp
from simulator.facts import Booted, Died, Pulse, Written
from simulator.promises import Promise

if TYPE_CHECKING:
    from simulator.world import World


class CommissioningDelaysNobody(Promise):
    """An officer's alarm goes before whoever tries the link."""

    name = "commissioning delays no alarm"
    sentence = "In an outage that was asked for, a new alarm is followed by an attempt to connect within a second."
    hears = (
        (Answer, "answered"),
        (Written, "written"),
        (Connect, "connects"),
        (LinkUp, "linked"),
        (Booted, "over"),
        (Died, "over"),
        (Pulse, "pulse"),
    )

    WITHIN_S = 1.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._out_until = -math.inf
        self._alarm_at = math.inf
        self.outages = 0
        self.alarms = 0

    def answered(self, answer: Answer) -> None:
        """One begins."""
        if answer.body.get("done") == "link.outage" and answer.body["s"]:
            self._out_until = self.world.now + answer.body["s"]
            self.outages += 1

    def written(self, written: Written) -> None:
        """A press, also a silent one, also of a walk test."""
        facts = written.facts
        if facts["kind"] == "alarm" and facts["state"] == "raised" and self.world.now < self._out_until and self._alarm_at == math.inf:
            self._alarm_at = self.world.now
            self.alarms += 1

    def connects(self, _: Connect) -> None:
        """That is what it waits for."""
        self._alarm_at, self._out_until = math.inf, -math.inf

    def linked(self, _: LinkUp) -> None:
        """And that is more."""
        self._alarm_at, self._out_until = math.inf, -math.inf

    def over(self, _: object) -> None:
        """A new boot knows of no outage."""
        self._alarm_at, self._out_until = math.inf, -math.inf

    def pulse(self, _: Pulse) -> None:
        """How long has it waited?"""
        if self.world.now - self._alarm_at > self.WITHIN_S:
            self.broken(f"an alarm was raised at {self._alarm_at:.1f} s, and nobody has tried to connect since")


OUTAGE_PROMISES: tuple[type[Promise], ...] = (CommissioningDelaysNobody,)

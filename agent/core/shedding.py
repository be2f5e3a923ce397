"""Shedding: the words about the supply go in; which groups of lights stay dark to save power, and the fault, come out.

Theory. Low is what an input of use `low_voltage` or the board itself says. While an engine is cranked every supply is low, so only what
lasts counts. Then the groups of `shed` go dark in that order, the first at once, another each `shed_every_s`. When the supply has been well
for `restore_after_s`, the last one comes back, and the others each `shed_every_s` after it: all at once might pull it down again.
"""

import math
from collections.abc import Iterable
from typing import Any

from agent.config import Lights
from agent.core.events import Event, InputChanged, LightsShed, Vitals
from agent.core.part import Outputs, Part
from agent.core.shared_fault import SharedFault

CRANK_S = 5.0
"""A starter motor pulls the supply down for a second or three, in the cold for longer; nobody cranks for more than five seconds."""

BOARD = "the board"
BOARD_S = 15.0
"""The board speaks of the last seconds, each ten seconds: a second word of it is waited for."""


class Shedding(Part):
    """What is dark because the supply is low."""

    name = "shedding"
    listens = (InputChanged, Vitals)

    def __init__(self, config: Lights, groups: Iterable[str]) -> None:
        """`groups`: those there are."""
        there = set(groups)
        self._order = tuple(group for group in dict.fromkeys(config.shed) if group in there)
        self._config = config
        self._by: dict[str, float] = {}
        self._low = False
        self._low_at = math.inf
        self._next_at = math.inf
        self._turned_at = -math.inf
        self._shed: tuple[str, ...] = ()
        self._fault = SharedFault("lights.shed")

    @property
    def deadline(self) -> float:
        """When the supply has been low for long enough, or one more group goes dark or comes back."""
        return min(self._low_at, self._next_at)

    def handle(self, event: Event) -> Outputs:
        """Somebody says that the supply is low, or well."""
        match event:
            case InputChanged(use="low_voltage", input=who, active=low):
                return self._hear(event.at, who, low)
            case Vitals(supply_low=bool(low)):
                return self._hear(event.at, BOARD, low)
        return ()

    def expire(self) -> Outputs:
        """Believe that it is low; shed one more group, or give one back."""
        at = self.deadline
        if self._low_at == at:
            self._low, self._low_at = True, math.inf
            if len(self._shed) < len(self._order):
                self._next_at = max(at, self._turned_at + self._config.shed_every_s)
        if self._next_at > at:
            return ()
        return self._turn(at)

    def _turn(self, at: float) -> Outputs:
        """One group goes dark or comes back."""
        was = len(self._shed)
        now = was + 1 if self._low else was - 1
        self._shed, self._turned_at = self._order[:now], at
        more = now < len(self._order) if self._low else now > 0
        self._next_at = at + self._config.shed_every_s if more else math.inf
        return [LightsShed(at, self._shed), *self._fault.change(at, self._order[min(was, now)], self._low)]

    def _hear(self, at: float, who: str, low: bool) -> Outputs:
        was = bool(self._by)
        if low:
            self._by.setdefault(who, at + (BOARD_S if who == BOARD else CRANK_S))
        else:
            self._by.pop(who, None)
        if self._by and not self._low:
            self._low_at, self._next_at = min(self._by.values()), math.inf
        elif was and not self._by:
            self._low, self._low_at = False, math.inf
            self._next_at = at + self._config.restore_after_s if self._shed else math.inf
        return ()

    def status(self, now: float) -> dict[str, Any]:
        """Groups that are dark because of it, and who says that the supply is low."""
        return {"shed": list(self._shed), "low": list(self._by)}

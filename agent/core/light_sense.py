"""Light sense: lines that watch the lamps, and what the outputs say they play, go in; what is seen to shine, and two faults, come out.

Theory. A line is active while its lamps shine; so it follows every flash. Fast on, slow off: light is believed at once, darkness only when
it has lasted longer than the longest dark phase of any pattern of the group. Then it is compared. A group that plays light and is seen dark
for as long again, and for the time that lamps and relays take, is `lights.dark`; one that plays none and is seen to shine for so long is
`lights.stuck`. While the outputs do not say what they play (that is `lights.output`), nothing is concluded. Several lines may watch one
group: each is judged for itself, and the group shines when any of them sees light.
"""

import math
from collections.abc import Sequence
from typing import Any

from agent.config import Input, InputUse
from agent.core.events import Event, InputChanged, Lane, LightsSeen, LightsTurned, Reported
from agent.core.part import Output, Outputs, Part
from agent.core.shared_fault import SharedFault
from agent.core.shows import Shows
from agent.wire.records import EventRecord

SLACK_S = 1.0
"""A line's own filter, and the way to the lamp and back."""

LAMP_S = 2.0
"""A relay closes and a discharge lamp burns within it; a filament has cooled down."""


class _Eye:
    """One line, and what it is believed to see."""

    def __init__(self, name: str, group: str, dark_s: float) -> None:
        self.name = name
        self.group = group
        self.lit: bool | None = None
        self.dark_at = math.inf
        self.judge_at = math.inf
        self.plays: bool | None = None
        self.slow_off_s = dark_s + SLACK_S
        self.patience_s = self.slow_off_s + LAMP_S

    @property
    def told(self) -> str:
        """In the detail of a fault."""
        return f"{self.group} (as {self.name} sees it)"

    @property
    def contrary(self) -> bool:
        """It sees the contrary of what is played."""
        return self.lit is not None and self.plays is not None and self.lit != self.plays

    def compare(self, at: float) -> None:
        """From now on, or no more, it sees the contrary."""
        if not self.contrary:
            self.judge_at = math.inf
        elif self.judge_at == math.inf:
            self.judge_at = at + self.patience_s


class LightSense(Part):
    """All lines of use `light_sense` that watch a group of lights."""

    name = "light_sense"
    listens = (InputChanged, LightsTurned)

    def __init__(self, inputs: Sequence[Input], shows: Shows) -> None:
        groups = {i.id: _watched(i, shows) for i in inputs if i.use is InputUse.LIGHT_SENSE}
        self._eyes = {name: _Eye(name, group, shows.dark_s(group)) for name, group in groups.items() if group is not None}
        self._dark, self._stuck = SharedFault("lights.dark"), SharedFault("lights.stuck")
        self._faulty: dict[str, SharedFault] = {}

    @property
    def deadline(self) -> float:
        """When darkness is believed, or the contrary has been seen for long enough."""
        return min((min(eye.dark_at, eye.judge_at) for eye in self._eyes.values()), default=math.inf)

    def handle(self, event: Event) -> Outputs:
        """A line changes, or the outputs play something else."""
        match event:
            case InputChanged(input=name, active=active) if name in self._eyes:
                eye = self._eyes[name]
                eye.dark_at = math.inf if active else event.at + eye.slow_off_s
                return self._see(event.at, eye, True) if active else ()
            case LightsTurned(playing=playing):
                out: list[Output] = []
                for eye in self._eyes.values():
                    if eye.plays != playing.get(eye.group):
                        eye.plays, eye.judge_at = playing.get(eye.group), math.inf
                        eye.compare(event.at)
                        out += self._clear(event.at, eye)
                return out
        return ()

    def expire(self) -> Outputs:
        """Darkness is believed, or a fault is."""
        at = self.deadline
        eye = min(self._eyes.values(), key=lambda eye: min(eye.dark_at, eye.judge_at))
        if eye.dark_at == at:
            eye.dark_at = math.inf
            return self._see(at, eye, False)
        eye.judge_at = math.inf
        self._faulty[eye.name] = self._dark if eye.plays else self._stuck
        return self._faulty[eye.name].change(at, eye.told, True)

    def _see(self, at: float, eye: _Eye, lit: bool) -> list[Output]:
        """It sees light, or darkness, now."""
        if eye.lit is lit:
            return []
        was, first = self.lit().get(eye.group), eye.lit is None
        eye.lit = lit
        eye.compare(at)
        out: list[Output] = [] if first else [Reported(at, Lane.EVENT, EventRecord(what="input", id=eye.name, active=lit))]
        now = self.lit()[eye.group]
        return [*out, *([LightsSeen(at, eye.group, now)] if now != was else []), *self._clear(at, eye)]

    def _clear(self, at: float, eye: _Eye) -> list[Output]:
        """A fault goes as soon as what is seen is what is played."""
        fault = self._faulty.get(eye.name)
        if fault is None or eye.plays is None or (eye.contrary and fault is (self._dark if eye.plays else self._stuck)):
            return []
        del self._faulty[eye.name]
        return list(fault.change(at, eye.told, False))

    def lit(self) -> dict[str, bool]:
        """By group: whether it is seen to shine; groups that nothing watches, or whose lines have not been read yet, are absent."""
        seen = [eye for eye in self._eyes.values() if eye.lit is not None]
        return {eye.group: any(other.lit is True for other in seen if other.group == eye.group) for eye in seen}

    def belies(self) -> bool:
        """Whether a group that plays light has been found dark."""
        return self._dark in self._faulty.values()

    def status(self, now: float) -> dict[str, Any]:
        """What is seen to shine by group, and by line."""
        return {"lit": self.lit(), "lines": {eye.name: eye.lit for eye in self._eyes.values() if eye.lit is not None}}


def _watched(wired: Input, shows: Shows) -> str | None:
    """The group that a line watches: the one it names, or the only one there is."""
    group = wired.senses if wired.senses is not None or len(shows.groups) != 1 else next(iter(shows.groups))
    return group if group in shows.groups else None

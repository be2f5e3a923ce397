"""Outage: somebody who installs asks for an end of the link (`link.outage`); that there is to be none for some seconds comes out.

Theory. It shows that what is made without a network comes through afterwards. It must delay nobody's alarm. So it is refused while one is
live, whoever may see it, and `link.py` forgets it in the very turn in which one is raised, also a silent one and one of a walk test: help
before discretion. It is short: shorter than what makes a lost link a fault. The refusal does not say of what kind the hindrance is.
"""

import math
from typing import Any

from agent.core.effects import Answer
from agent.core.events import ActionTaken, AlarmChanged, Event, LinkDown, LinkUp, OutageAsked
from agent.core.part import Outputs, Part
from agent.wire.whys import refused, why

ACTION = "link.outage"
OUTAGE_S = 30.0
OUTAGE_S_MIN, OUTAGE_S_MAX = 1.0, 45.0


class Outage(Part):
    """The outage that was asked for, if any."""

    name = "outage"
    listens = (ActionTaken, AlarmChanged, LinkUp, LinkDown)
    actions = (ACTION,)

    def __init__(self) -> None:
        self._alarms: set[str] = set()
        self._online = False
        self._until = -math.inf

    def handle(self, event: Event) -> Outputs:
        """Take the wish, an alarm, or news of the link."""
        match event:
            case ActionTaken(action="link.outage"):
                return self._asked(event)
            case AlarmChanged(alarm_id=alarm, state=state):
                self._alarms = self._alarms - {alarm} if state == "cleared" else self._alarms | {alarm}
                if state in ("raised", "repeated"):
                    self._until = -math.inf
            case LinkUp():
                self._online, self._until = True, -math.inf
            case LinkDown():
                self._online = False
        return ()

    def _asked(self, action: ActionTaken) -> Outputs:
        wanted_s = action.body.get("s", OUTAGE_S)
        number = isinstance(wanted_s, int | float) and not isinstance(wanted_s, bool)
        if not number or not (wanted_s == 0 or OUTAGE_S_MIN <= wanted_s <= OUTAGE_S_MAX):
            wrong = why("outage_malformed", least=OUTAGE_S_MIN, most=OUTAGE_S_MAX, found=f"{wanted_s!r:.60}")
            return [Answer(action.asker, refused(wrong))]
        if wanted_s and (self._alarms or not self._online):
            return [Answer(action.asker, refused(why("outage_not_now")))]
        self._until = action.at + wanted_s
        return [OutageAsked(action.at, self._until), Answer(action.asker, {"done": ACTION, "s": wanted_s})]

    def status(self, now: float) -> dict[str, Any]:
        """Whether one is on, and the seconds left."""
        on = self._until > now
        return {"on": on, "left_s": round(self._until - now, 1) if on else None}

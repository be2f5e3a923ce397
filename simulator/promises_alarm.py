"""Promises about live alarms: they are said again until the centre acknowledges them, and only the centre ends them. See `promises`."""

import math
from typing import TYPE_CHECKING

from agent.core.effects import Connect, Disconnect, Remember
from agent.core.events import LinkDown, LinkUp, SpoolOpened
from agent.core.latches import MEMORY
from agent.core.panic import REPEAT_AFTER_S
from simulator.facts import Booted, Denied, Died, Latched, Ordered, Pulse, Sent, Written
from simulator.promises import Promise
from simulator.promises_feedback import latches

if TYPE_CHECKING:
    from simulator.world import World


class AlarmsRepeat(Promise):
    """It does not give up."""

    name = "alarms repeat"
    sentence = (
        "A live alarm is said again each minute or sooner while there is a link, until the centre acknowledges, through restarts; where "
        "the broker refuses alarms, one of them at least."
    )
    hears = (
        (Booted, "booted"),
        (Died, "died"),
        (Written, "written"),
        (Latched, "latched"),
        (Ordered, "ordered"),
        (Sent, "sent"),
        (Denied, "denied"),
        (LinkUp, "link_up"),
        (LinkDown, "link_down"),
        (Connect, "link_down"),
        (Disconnect, "link_down"),
        (SpoolOpened, "opened"),
        (Pulse, "pulse"),
    )

    SLACK_S = 8.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._live: dict[str, float] = {}
        self._on_disk: set[str] = set()
        self._acknowledged: set[str] = set()
        self._known: set[str] = set()
        self._online_since = math.inf

    def booted(self, _: Booted) -> None:
        """A new unit knows nothing but what it reads."""
        self._known = set()

    def died(self, _: Died) -> None:
        """What is on disk lives on."""
        self._online_since = math.inf
        self._live = {alarm: said for alarm, said in self._live.items() if alarm in self._on_disk}

    def written(self, written: Written) -> None:
        """Raised, raised again, or ended."""
        facts = written.facts
        if facts["kind"] != "alarm" or facts.get("test"):
            return
        alarm = facts["id"]
        if facts["state"] == "cleared":
            self._live.pop(alarm, None)
        elif facts["state"] == "acknowledged":
            self._acknowledged.add(alarm)
        elif facts["state"] in ("raised", "repeated"):
            self._live[alarm] = self.world.now
            self._known.add(alarm)
            self._acknowledged.discard(alarm)

    def latched(self, latched: Latched) -> None:
        """On disk."""
        self._on_disk = set(latches(latched.value))

    def ordered(self, ordered: Ordered) -> None:
        """A human has seen it."""
        if ordered.by == "manual":
            self._acknowledged.add(ordered.alarm)
        if ordered.kind == "alarm.clear":
            self._live.pop(ordered.alarm, None)

    def sent(self, sent: Sent) -> None:
        """Said again."""
        if sent.kind == "alarm" and sent.facts["id"] in self._live:
            self._live[sent.facts["id"]] = self.world.now

    def denied(self, denied: Denied) -> None:
        """The broker takes none of them: the one that it has just refused stands for all."""
        if denied.sent.kind == "alarm":
            self._live = dict.fromkeys(self._live, self.world.now)

    def link_up(self, _: LinkUp) -> None:
        """There is somebody to say it to."""
        self._online_since = self.world.now

    def link_down(self, _: object) -> None:
        """There is nobody."""
        self._online_since = math.inf

    def opened(self, opened: SpoolOpened) -> None:
        """The unit reads what it had latched."""
        for alarm in latches(opened.memory.get(MEMORY)):
            if alarm in self._live and alarm not in self._known:
                self._live[alarm] = self.world.now
                self._known.add(alarm)

    def pulse(self, _: Pulse) -> None:
        """How long has each been silent?"""
        if not self._live or not self.world.broker.connected:
            return
        for alarm, said in self._live.items():
            silent_s = self.world.now - max(said, self._online_since)
            if alarm in self._known and alarm not in self._acknowledged and silent_s > REPEAT_AFTER_S[-1] + self.SLACK_S:
                self.broken(f"alarm {alarm} has not been repeated for {silent_s:.0f} s although there is a link")


class OnlyTheCentreEnds(Promise):
    """The latch."""

    name = "only the centre ends an alarm"
    sentence = "The unit forgets a latch, or calls it acknowledged, only when the centre has said so."
    hears = ((Booted, "booted"), (SpoolOpened, "opened"), (Remember, "remember"), (Ordered, "ordered"), (Written, "written"))

    LATCHES_MAX = 8

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._ids: set[str] = set()
        self._cleared: set[str] = set()
        self._acknowledged: set[str] = set()

    def booted(self, _: Booted) -> None:
        """It knows nothing yet."""
        self._ids = set()

    def opened(self, opened: SpoolOpened) -> None:
        """It has read what was latched."""
        self._ids |= set(latches(opened.memory.get(MEMORY)))

    def written(self, written: Written) -> None:
        """A new alarm must be latched with the next word to the store; the same turn says it before."""
        facts = written.facts
        if facts["kind"] == "alarm" and facts["state"] == "raised" and not facts.get("test") and written.name not in self._ids:
            self.broken(f"alarm {written.name} is raised and was not latched")

    def remember(self, remember: Remember) -> None:
        """Compare with what was known before."""
        if remember.name != MEMORY:
            return
        held = latches(remember.value)
        missing = self._ids - held.keys() - self._cleared
        if missing and len(held) < self.LATCHES_MAX:
            self.broken(f"the latch of {', '.join(sorted(missing))} is gone, and the centre has not cleared it")
        for alarm, latch in held.items():
            if latch["state"] == "acknowledged" and alarm not in self._acknowledged:
                self.broken(f"the latch of {alarm} says acknowledged, and the centre has not")
        self._ids = set(held)

    def ordered(self, ordered: Ordered) -> None:
        """The centre's word."""
        if ordered.by == "auto":
            return
        (self._acknowledged if ordered.kind == "alarm.ack" else self._cleared).add(ordered.alarm)

    def verdict(self) -> None:
        """Every alarm has been ended by the centre."""
        if self._ids:
            self.broken(f"still latched in the end: {', '.join(sorted(self._ids))}")


ALARM_PROMISES: tuple[type[Promise], ...] = (AlarmsRepeat, OnlyTheCentreEnds)

"""Promises about what is told of the inputs: a change is told, and what was none is not; the recorder is marked. See `promises`."""

import math
from collections import deque
from typing import TYPE_CHECKING

from simulator.facts import Booted, Marked, Pulse, Turned, Written
from simulator.promises import Promise

if TYPE_CHECKING:
    from simulator.world import World

TOLD = {"ignition", "input", "tamper"}


class ADipIsNoChange(Promise):
    """A starter pulls the ignition's line down, a spark turns it over."""

    name = "a dip is no change"
    sentence = "A change of an input is told only when its line has said so for its filter's time, the contrary taken off, and then it is."
    hears = ((Booted, "booted"), (Turned, "turned"), (Written, "written"), (Pulse, "pulse"))

    SLACK_S = 0.05
    LATE_S = 6.0
    TURNS_MAX = 24

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._inputs = {i.id: i for i in world.config.input if i.use.value in ("ignition", "generic", "tamper")}
        self._turns: dict[str, deque[tuple[float, bool]]] = {
            name: deque([(-math.inf, False)], maxlen=self.TURNS_MAX) for name in self._inputs
        }
        self._said: dict[str, bool] = {}
        self._said_at: dict[str, float] = {}
        self._booted_at = math.inf

    def booted(self, _: Booted) -> None:
        """What reads so at the start is no change."""
        self._booted_at = self.world.now
        self._said.clear()
        self._said_at.clear()

    def turned(self, turned: Turned) -> None:
        """This is so now."""
        turns = self._turns.get(turned.input)
        if turns is not None and turns[-1][1] is not turned.active:
            turns.append((self.world.now, turned.active))

    def written(self, written: Written) -> None:
        """This is told."""
        facts = written.facts
        if facts["kind"] != "event" or facts["what"] not in TOLD or facts["id"] not in self._inputs:
            return
        wired, active, now = self._inputs[facts["id"]], facts["active"], self.world.now
        self._said[wired.id] = active
        before, self._said_at[wired.id] = self._said_at.get(wired.id, self._booted_at), now
        if self._excused(now - self.LATE_S) or self._booted_at > now - self.LATE_S:
            return
        wanted_s = wired.debounce_s if active else wired.release_s
        if self._outweighed_s(wired.id, active, before) < wanted_s - self.SLACK_S:
            self.broken(f"{wired.id} is called {'active' if active else 'inactive'}; it was {list(self._turns[wired.id])[-4:]}")

    def _outweighed_s(self, name: str, active: bool, before: float) -> float:
        """By how much that has outweighed the contrary at most, since `before`, when that was told: a starter pulls more than once."""
        until, balance_s, most_s = self.world.now, 0.0, 0.0
        for turned_at, so in reversed(self._turns[name]):
            since = max(turned_at, before)
            balance_s += (until - since) * (1 if so is active else -1)
            most_s, until = max(most_s, balance_s), since
            if since == before:
                break
        return most_s

    def pulse(self, _: Pulse) -> None:
        """Is what was said last still so?"""
        now = self.world.now
        for name, said in self._said.items():
            since, so = self._turns[name][-1]
            wired = self._inputs[name]
            wait_s = wired.debounce_s if so else wired.release_s
            lasts_s = now - max(since, self._booted_at)
            late = said is not so and self.world.running and lasts_s > wait_s + self.SLACK_S + 1.0
            if late and not self._excused(now - wait_s - self.LATE_S):
                self.broken(f"{name} has been {'active' if so else 'inactive'} since {since:.3f} s, and the contrary was told last")

    def _excused(self, since: float) -> bool:
        return self.world.events_disturbed_since(since) or self.world.noisy_since(since)


class TheRecorderIsMarked(Promise):
    """Pictures of it."""

    name = "the recorder is marked"
    sentence = "The pointer of an alarm that may be seen is told within five seconds, and says marked only when the mark line was pulsed."
    hears = ((Booted, "booted"), (Written, "written"), (Marked, "marked"), (Pulse, "pulse"))

    WITHIN_S = 5.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._there = any(o.use == "recorder_mark" for o in world.config.output) and "panic" in world.config.recorder.mark_on
        self._due: dict[str, float] = {}
        self._marked_at = -math.inf

    def booted(self, _: Booted) -> None:
        """What a dead process had to mark is forgotten."""
        self._due.clear()

    def written(self, written: Written) -> None:
        """An alarm, or a pointer."""
        facts = written.facts
        if facts["kind"] == "alarm" and facts["state"] == "raised" and facts["mode"] != "silent" and not facts.get("test") and self._there:
            self._due[facts["id"]] = self.world.now + self.WITHIN_S
        elif facts["kind"] == "media":
            self._due.pop(str(facts.get("alarm")), None)
            if facts["marked"] and self.world.now - self._marked_at > self.WITHIN_S:
                self.broken(f"{written.name} says that the recorder was marked, and its line was not pulsed")

    def marked(self, marked: Marked) -> None:
        """The line was pulsed."""
        if marked.use == "recorder_mark":
            self._marked_at = self.world.now

    def pulse(self, _: Pulse) -> None:
        """What is due?"""
        if not self._due:
            return
        now = self.world.now
        late = [alarm for alarm, due in self._due.items() if now > due]
        for alarm in late:
            due = self._due.pop(alarm)
            if self.world.running and not self.world.events_disturbed_since(due - self.WITHIN_S - 1.0):
                self.broken(f"alarm {alarm} has no pointer after {now - due + self.WITHIN_S:.1f} s")


WIRE_PROMISES: tuple[type[Promise], ...] = (ADipIsNoChange, TheRecorderIsMarked)

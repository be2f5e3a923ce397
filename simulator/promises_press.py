"""Promises about the panic buttons: who presses is heard, and nobody else raises an alarm. See `promises`."""

import math
from collections import Counter, deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.config import Input
from agent.core.buttons import TWICE_S
from agent.core.events import Asked, Received, SpoolOpened
from agent.core.input_line import REAL_ALARM_S
from agent.wire.records import Alarm
from simulator.facts import Arrived, Booted, Committed, Died, PressBegan, PressEnded, Quarantined, Written
from simulator.promises import Promise
from simulator.world_noise import DUTY_MAX

if TYPE_CHECKING:
    from simulator.world import World

QUIET_S = 0.5
"""So long after a level has come the unit knows how the line was before."""

SLACK_S = 0.05


class _Said(NamedTuple):
    """A press as a record of the unit tells it."""

    at: float
    source: str
    name: str
    test: bool


def _pressed_at(world: "World", facts: dict[str, Any]) -> float:
    """When the press was; at the start of the agent its record may wait for the store to say what is live already."""
    return world.world_time(facts["mono"] - (facts.get("age_ms", 0) if facts["state"] == "raised" else 0))


def _of_a_hand(written: Written) -> bool:
    return bool(written.facts["kind"] == "alarm" and written.facts["state"] in ("raised", "repeated"))


class HonestPressRaises(Promise):
    """The button works."""

    name = "an honest press raises"
    sentence = (
        "A button whose wire is well, held for hold_s and the debounce (longer in noise), or pressed twice where that counts, while the "
        "agent runs, makes a record of its alarm; in a walk test a hold of five seconds is a real one."
    )
    hears = ((Booted, "booted"), (Written, "written"), (PressEnded, "ended"), (Asked, "asked"), (Received, "received"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._booted_at = math.inf
        self._said: deque[_Said] = deque(maxlen=100)
        self._buttons = {i.id: i for i in world.config.input if i.use.value == "panic"}
        self._before: dict[str, PressEnded] = {}
        self._ended_before: dict[str, float] = {}
        self._test_from = self._test_to = -math.inf
        self.heard: list[_Said] = []
        """What was said of honest presses."""

    def booted(self, _: Booted) -> None:
        """It runs from now on, and no test does."""
        self._booted_at = self._test_to = self.world.now

    def asked(self, asked: Asked) -> None:
        """A walk test may be open from now on."""
        if asked.request.get("do") == "walk_test":
            self.open_test()

    def received(self, received: Received) -> None:
        """So may one that the centre has asked for."""
        if received.topic.endswith("/selftest"):
            self.open_test()

    def open_test(self) -> None:
        """Presses may be tests."""
        self._test_from, self._test_to = min(self._test_from, self.world.now) if self._test_to == math.inf else self.world.now, math.inf

    def written(self, written: Written) -> None:
        """An alarm's record that a hand has made; or a test is over."""
        facts = written.facts
        if facts["kind"] == "selftest":
            self._test_to = self.world.now
        elif _of_a_hand(written):
            self._said.append(_Said(_pressed_at(self.world, facts), facts["source"], written.name, bool(facts.get("test"))))

    def ended(self, press: PressEnded) -> None:
        """By now the alarm is raised."""
        button = self._buttons.get(press.input)
        if button is None:
            return
        now = self.world.now
        before, self._before[press.input] = self._before.get(press.input), press
        began_before, ended_before = (before.began_at if before else -math.inf), self._ended_before.get(press.input, -math.inf)
        self._ended_before[press.input] = now
        if not press.honest:
            self._before.pop(press.input, None)
            return
        quiet_from = press.began_at - self.world.pace.levels_s - QUIET_S
        wanted_s = self._wanted_s(button, self.world.noisy_since(quiet_from))
        held_s = now - press.steady_at
        from_at = press.began_at
        if held_s < wanted_s:
            gap_s, apart_s = press.began_at - ended_before, press.began_at - began_before
            twice = button.press == "twice" and gap_s > button.release_s + SLACK_S and apart_s < TWICE_S - SLACK_S
            short = before is None or min(held_s, ended_before - before.steady_at) < button.debounce_s + SLACK_S
            if not twice or short or self.world.noisy_since(began_before - self.world.pace.levels_s - QUIET_S):
                return
            from_at, quiet_from = began_before, began_before - self.world.pace.levels_s - QUIET_S
            self._before.pop(press.input, None)
        self._look(press, button, from_at, quiet_from, wanted_s)

    @staticmethod
    def _wanted_s(button: Input, noisy: bool, hold_s: float | None = None) -> float:
        """Noise of less than half of the time takes its share of what is read."""
        hold_s = button.hold_s if hold_s is None else hold_s
        return (hold_s / (1 - DUTY_MAX) + button.debounce_s / (1 - 2 * DUTY_MAX) if noisy else hold_s + button.debounce_s) + SLACK_S

    def _look(self, press: PressEnded, button: Input, from_at: float, quiet_from: float, wanted_s: float) -> None:
        self.world.counts["honest presses"] += 1
        if not self.world.running or self._booted_at > quiet_from or self.world.events_disturbed_since(quiet_from):
            return
        self.world.counts["honest presses undisturbed"] += 1
        now = self.world.now
        mine = [said for said in self._said if said.source == press.input]
        said = next((said for said in mine if from_at <= said.at <= press.steady_at + wanted_s), None)
        if said is None:
            self.broken(f"{press.input} was held from {press.steady_at:.3f} s to {now:.3f} s, and no alarm was raised")
        if said.test and not self._test_from <= press.began_at <= self._test_to:
            self.broken(f"{press.input} was held at {press.steady_at:.3f} s, and taken for a test although there is none")
        if now - press.steady_at > self._wanted_s(button, self.world.noisy_since(quiet_from), max(REAL_ALARM_S, button.hold_s)):
            said = next((said for said in mine if not said.test and said.at >= from_at), said)
            if said.test:
                self.broken(f"{press.input} was held for {now - press.steady_at:.1f} s, and is called a test")
        self.heard.append(said)


class HonestPressArrives(Promise):
    """And somebody hears it."""

    name = "an honest press arrives"
    sentence = "The record of a press, or a later one of the same alarm, reaches the centre, unless the unit died before it was on disk."
    hears = (
        (Written, "written"),
        (Committed, "committed"),
        (Died, "died"),
        (Quarantined, "quarantined"),
        (Arrived, "arrived"),
    )

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.waiting: dict[str, tuple[str, int]] = {}
        """Alarm and `n`, by name of the record that nobody has heard of yet."""
        self._on_disk: set[str] = set()

    def written(self, written: Written) -> None:
        """It is told; not what a new boot says again of an alarm that the centre may have ended meanwhile."""
        again = written.facts.get("state") == "repeated" and isinstance(self.world.judge.event, SpoolOpened)
        if _of_a_hand(written) and not again:
            self.waiting[written.name] = written.facts["id"], written.facts["n"]

    def committed(self, committed: Committed) -> None:
        """It outlives the process."""
        if self.waiting:
            self._on_disk.update(name for name in committed.names if name in self.waiting)

    def died(self, _: Died) -> None:
        """What was in memory only is gone, and the lamp had not said otherwise (`FeedbackIsTrue`)."""
        self.waiting = {name: told for name, told in self.waiting.items() if name in self._on_disk}

    def quarantined(self, quarantined: Quarantined) -> None:
        """Gone with the store."""
        for name in quarantined.names:
            self.waiting.pop(name, None)

    def arrived(self, arrived: Arrived) -> None:
        """Somebody hears it."""
        record = arrived.arrival.record
        if self.waiting and isinstance(record, Alarm):
            heard = [name for name, (alarm, n) in self.waiting.items() if alarm == record.id and n <= record.n]
            for name in heard:
                del self.waiting[name]
                self._on_disk.discard(name)

    def verdict(self) -> None:
        """All has drained."""
        if self.waiting:
            self.broken(f"never heard of: {', '.join(sorted(self.waiting))}")


class OnlyHonestPressesRaise(Promise):
    """No false alarm."""

    name = "only an honest press raises"
    sentence = "No alarm is raised but by a button held for hold_s, or pressed twice where that counts; bounce and noise never raise one."
    hears = ((Booted, "booted"), (PressBegan, "began"), (PressEnded, "ended"), (Written, "written"))

    SLACK_S = 0.02
    LATE_S = 5.0
    """An edge that is lost is believed until the next level, and that may be so late."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._disturbed_s = self.LATE_S + world.pace.levels_s
        self._buttons = {i.id: i for i in world.config.input if i.use.value == "panic"}
        self._holds: dict[str, deque[list[float]]] = {name: deque(maxlen=6) for name in self._buttons}
        self._booted_at = -math.inf

    def booted(self, _: Booted) -> None:
        """A new process sees what is down, not since when."""
        self._booted_at = self.world.now

    def began(self, press: PressBegan) -> None:
        """Somebody presses."""
        if press.input in self._holds:
            self._holds[press.input].append([self.world.now, math.inf])

    def ended(self, press: PressEnded) -> None:
        """And lets go."""
        if press.input in self._holds:
            self._holds[press.input][-1][1] = self.world.now

    def written(self, written: Written) -> None:
        """Who was it?"""
        if not _of_a_hand(written):
            return
        facts = written.facts
        at = _pressed_at(self.world, facts)
        if self.world.events_disturbed_since(at - self._disturbed_s):
            return
        if facts["state"] == "repeated" and isinstance(self.world.judge.event, SpoolOpened):
            return  # read back from the store, not pressed
        if not self._pressed(facts["source"], at, self.world.noisy_since(at - self._disturbed_s)):
            self.broken(f"alarm {written.name} of {facts['source']} at {at:.3f} s; its presses {list(self._holds[facts['source']])}")

    def _pressed(self, name: str, at: float, noisy: bool) -> bool:
        button, holds = self._buttons[name], self._holds[name]
        recent = [(began, min(ended, at)) for began, ended in holds if ended >= at - self._disturbed_s and began <= at]
        if noisy:
            return bool(recent)  # noise on top of a hand makes a short press longer: its release needs a quiet line to be believed
        begins = [max(began, self._booted_at) for began, _ in recent]  # what is down at the start is taken to begin there
        if button.press == "twice" and any(second - first <= TWICE_S + self.SLACK_S for first, second in pairwise(begins)):
            return True
        held_s, until = 0.0, at
        for began, ended in reversed(recent):
            if until - ended > button.release_s + self.SLACK_S:
                break
            held_s, until = held_s + ended - began, began
        return held_s >= button.hold_s - self.SLACK_S


class OnePressOneRecord(Promise):
    """No flood."""

    name = "one press, one record"
    sentence = "However long a button is down, its press makes one record, and one more when a test becomes an alarm."
    hears = ((PressBegan, "began"), (Booted, "booted"), (Written, "written"))

    RECORDS_MAX = 2
    QUIET_S = 60.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._records: Counter[str] = Counter()

    def began(self, press: PressBegan) -> None:
        """A new press."""
        self._records[press.input] = 0

    def booted(self, _: Booted) -> None:
        """What is down at the start is a press for the new process."""
        self._records.clear()

    def written(self, written: Written) -> None:
        """One more record of it; what is read back from the store is none."""
        if not _of_a_hand(written) or isinstance(self.world.judge.event, SpoolOpened):
            return
        source, since = written.facts["source"], self.world.now - self.QUIET_S
        self._records[source] += 1
        if self._records[source] > self.RECORDS_MAX and not (self.world.events_disturbed_since(since) or self.world.noisy_since(since)):
            self.broken(f"{self._records[source]} records of one press of {source}")


PRESS_PROMISES: tuple[type[Promise], ...] = (HonestPressRaises, HonestPressArrives, OnlyHonestPressesRaise, OnePressOneRecord)

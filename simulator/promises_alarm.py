"""Promises about help and light: who presses is heard, nobody else raises an alarm, and only the centre ends it. See `promises`."""

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import msgpack

from agent.core.effects import Connect, Disconnect, Remember
from agent.core.events import LinkDown, LinkUp, SpoolOpened
from agent.core.lights import SHOWS
from agent.core.panic import MEMORY, REPEAT_AFTER_S
from simulator.facts import Booted, Died, Latched, Ordered, PressBegan, PressEnded, Pulse, Sent, Written
from simulator.promises import Promise

if TYPE_CHECKING:
    from simulator.world import World


def _latches(value: bytes | None) -> dict[str, dict[str, Any]]:
    """What lies in memory, by id."""
    return {latch["id"]: latch for latch in msgpack.unpackb(value)} if value else {}


class HonestPressRaises(Promise):
    """The button works."""

    name = "an honest press raises"
    sentence = "A button held for hold_s and the debounce, undisturbed, while the agent runs, raises an alarm or repeats the live one."
    hears = ((Booted, "booted"), (Written, "written"), (PressEnded, "ended"))

    QUIET_S = 0.5
    """So long after a level has come the unit knows how the line was before."""

    SLACK_S = 0.05

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._booted_at = math.inf
        self._alarms: deque[float] = deque(maxlen=100)
        self._buttons = {i.id: i for i in world.config.input}

    def booted(self, _: Booted) -> None:
        """It runs from now on."""
        self._booted_at = self.world.now

    def written(self, written: Written) -> None:
        """An alarm's record that a hand has made."""
        if written.facts["kind"] == "alarm" and written.facts["state"] in ("raised", "repeated"):
            self._alarms.append(self.world.world_time(written.facts["mono"]))

    def ended(self, press: PressEnded) -> None:
        """By now the alarm is raised."""
        button, now = self._buttons[press.input], self.world.now
        wanted_s = button.hold_s + button.debounce_s + self.SLACK_S
        quiet_from = press.began_at - self.world.pace.levels_s - self.QUIET_S
        if now - press.steady_at < wanted_s:
            return
        self.world.counts["honest presses"] += 1
        disturbed = self.world.events_disturbed_since(quiet_from) or self.world.noisy_since(quiet_from)
        if not self.world.running or self._booted_at > quiet_from or disturbed:
            return
        self.world.counts["honest presses undisturbed"] += 1
        if not any(press.began_at <= at <= press.steady_at + wanted_s for at in self._alarms):
            self.broken(f"{press.input} was held from {press.steady_at:.3f} s to {now:.3f} s, and no alarm was raised")


class OnlyHonestPressesRaise(Promise):
    """No false alarm."""

    name = "only an honest press raises"
    sentence = "No alarm is raised unless a button was held for hold_s (release_s counts as held); bounce and noise never raise one."
    hears = ((PressBegan, "began"), (PressEnded, "ended"), (Written, "written"))

    SLACK_S = 0.02
    LATE_S = 5.0
    """An edge that is lost is believed until the next level, and that may be so late."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._disturbed_s = self.LATE_S + world.pace.levels_s
        self._buttons = {i.id: i for i in world.config.input if i.use.value == "panic"}
        self._began = dict.fromkeys(self._buttons, math.inf)
        self._ended = dict.fromkeys(self._buttons, math.inf)

    def began(self, press: PressBegan) -> None:
        """Somebody presses."""
        self._began[press.input], self._ended[press.input] = self.world.now, math.inf

    def ended(self, press: PressEnded) -> None:
        """And lets go."""
        self._ended[press.input] = self.world.now

    def written(self, written: Written) -> None:
        """Who was it?"""
        facts = written.facts
        if facts["kind"] != "alarm" or facts["state"] not in ("raised", "repeated"):
            return
        at = self.world.world_time(facts["mono"])
        if self.world.events_disturbed_since(at - self._disturbed_s):
            return
        if facts["state"] == "repeated" and isinstance(self.world.judge.event, SpoolOpened):
            return  # read back from the store, not pressed
        candidates = [facts["source"]] if facts["state"] == "raised" else list(self._buttons)
        noisy = self.world.noisy_since(at - self._disturbed_s)
        if any(self._held(name, at, noisy) for name in candidates):
            return
        self.broken(f"alarm {written.name} of {facts['source']} at {at:.3f} s; presses began {self._began}, ended {self._ended}")

    def _held(self, name: str, at: float, noisy: bool) -> bool:
        """Noise on top of a hand makes a short press longer: its release needs a quiet line to be believed."""
        button = self._buttons[name]
        long_enough = self._began[name] <= at - button.hold_s + self.SLACK_S
        release_s = self._disturbed_s if noisy else button.release_s + self.SLACK_S
        return long_enough and self._ended[name] >= at - release_s


class AlarmsRepeat(Promise):
    """It does not give up."""

    name = "alarms repeat"
    sentence = "A live alarm is said again each minute or sooner while there is a link, until the centre acknowledges, through restarts."
    hears = (
        (Booted, "booted"),
        (Died, "died"),
        (Written, "written"),
        (Latched, "latched"),
        (Ordered, "ordered"),
        (Sent, "sent"),
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
        if facts["kind"] != "alarm":
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
        self._on_disk = set(_latches(latched.value))

    def ordered(self, ordered: Ordered) -> None:
        """A human has seen it."""
        self._acknowledged.add(ordered.alarm)
        if ordered.kind == "alarm.clear":
            self._live.pop(ordered.alarm, None)

    def sent(self, sent: Sent) -> None:
        """Said again."""
        if sent.kind == "alarm" and sent.facts["id"] in self._live:
            self._live[sent.facts["id"]] = self.world.now

    def link_up(self, _: LinkUp) -> None:
        """There is somebody to say it to."""
        self._online_since = self.world.now

    def link_down(self, _: object) -> None:
        """There is nobody."""
        self._online_since = math.inf

    def opened(self, opened: SpoolOpened) -> None:
        """The unit reads what it had latched."""
        for alarm in _latches(opened.memory.get(MEMORY)):
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
        self._ids |= set(_latches(opened.memory.get(MEMORY)))

    def written(self, written: Written) -> None:
        """A new alarm must be latched with the next word to the store; the same turn says it before."""
        if written.facts["kind"] == "alarm" and written.facts["state"] == "raised" and written.name not in self._ids:
            self.broken(f"alarm {written.name} is raised and was not latched")

    def remember(self, remember: Remember) -> None:
        """Compare with what was known before."""
        if remember.name != MEMORY:
            return
        latches = _latches(remember.value)
        missing = self._ids - latches.keys() - self._cleared
        if missing and len(latches) < self.LATCHES_MAX:
            self.broken(f"the latch of {', '.join(sorted(missing))} is gone, and the centre has not cleared it")
        for alarm, latch in latches.items():
            if latch["state"] == "acknowledged" and alarm not in self._acknowledged:
                self.broken(f"the latch of {alarm} says acknowledged, and the centre has not")
        self._ids = set(latches)

    def ordered(self, ordered: Ordered) -> None:
        """The centre's word."""
        (self._acknowledged if ordered.kind == "alarm.ack" else self._cleared).add(ordered.alarm)

    def verdict(self) -> None:
        """Every alarm has been ended by the centre."""
        if self._ids:
            self.broken(f"still latched in the end: {', '.join(sorted(self._ids))}")


class LightsTellTheTruth(Promise):
    """The bar."""

    name = "lights tell the truth"
    sentence = "The bar plays response while an overt alarm is live and the outputs work, within two seconds; otherwise it never does."
    hears = ((Booted, "booted"), (SpoolOpened, "opened"), (Remember, "remember"), (Pulse, "pulse"))

    WITHIN_S = 2.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._overt: set[str] = set()
        self._ended: set[str] = set()
        self._since = math.inf
        bar = [o.id for o in world.config.output if o.use == "light"]
        patterns = SHOWS["response"]
        self._response = {output: patterns[i % len(patterns)].name for i, output in enumerate(bar)}

    def booted(self, _: Booted) -> None:
        """A new unit has nothing to show."""
        self._overt, self._ended, self._since = set(), set(), self.world.now

    def opened(self, opened: SpoolOpened) -> None:
        """What was latched is live, but for what this process has ended since."""
        found = _latches(opened.memory.get(MEMORY)).items()
        self._set(self._overt | {alarm for alarm, latch in found if latch["mode"] == "overt" and alarm not in self._ended})

    def remember(self, remember: Remember) -> None:
        """What is latched now is live."""
        if remember.name == MEMORY:
            overt = {alarm for alarm, latch in _latches(remember.value).items() if latch["mode"] == "overt"}
            self._ended |= self._overt - overt
            self._set(overt)

    def _set(self, overt: set[str]) -> None:
        if bool(overt) != bool(self._overt):
            self._since = self.world.now
        self._overt = overt

    def pulse(self, _: Pulse) -> None:
        """Look at the bar."""
        car, now = self.world.car, self.world.now
        if car.mute_outputs:
            self._since = now
        if now - self._since <= self.WITHIN_S:
            return
        plays = {output: car.shown.get(output) for output in self._response} == self._response
        if plays != bool(self._overt):
            self.broken(f"live overt alarms: {', '.join(sorted(self._overt)) or 'none'}; the bar plays {car.shown}")


ALARM_PROMISES: tuple[type[Promise], ...] = (HonestPressRaises, OnlyHonestPressesRaise, AlarmsRepeat, OnlyTheCentreEnds, LightsTellTheTruth)

"""Promises about the light bar: it plays what it should, nobody is told more than shines, the centre never darkens it. See `promises`."""

import math
from collections import deque
from typing import TYPE_CHECKING

from agent.core.effects import Pattern, Remember, ShowLights
from agent.core.events import Received, SpoolOpened
from agent.core.latches import MEMORY
from agent.core.shows import Shows, shines
from simulator.facts import Booted, Died, Pulse, Sent
from simulator.promises import Promise
from simulator.promises_feedback import latches

if TYPE_CHECKING:
    from simulator.world import World


class LightsTellTheTruth(Promise):
    """The bar."""

    name = "lights tell the truth"
    sentence = (
        "The bar plays response while an overt alarm is live and the outputs work, within two seconds, unless the hand has it or power is "
        "short; nobody else having asked for it, it never plays response otherwise."
    )
    hears = ((Booted, "booted"), (SpoolOpened, "opened"), (Remember, "remember"), (Pulse, "pulse"))

    WITHIN_S = 2.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._overt: set[str] = set()
        self._ended: set[str] = set()
        self._since = math.inf
        self._true: dict[str, str] | None = None
        """What the outputs played when it was as it should be."""
        played = Shows(world.config.show, world.config.output).play("response")
        self._response = {output: pattern.name for output, pattern in played.items() if shines(pattern)}
        self._asks = [i.id for i in world.config.input if i.use.value in ("light_hand", "low_voltage")]

    def booted(self, _: Booted) -> None:
        """A new unit has nothing to show."""
        self._overt, self._ended, self._since, self._true = set(), set(), self.world.now, None

    def opened(self, opened: SpoolOpened) -> None:
        """What was latched is live, but for what this process has ended since."""
        found = latches(opened.memory.get(MEMORY)).items()
        self._set(self._overt | {alarm for alarm, latch in found if latch["mode"] == "overt" and alarm not in self._ended})

    def remember(self, remember: Remember) -> None:
        """What is latched now is live."""
        if remember.name == MEMORY:
            overt = {alarm for alarm, latch in latches(remember.value).items() if latch["mode"] == "overt"}
            self._ended |= self._overt - overt
            self._set(overt)

    def _set(self, overt: set[str]) -> None:
        if bool(overt) != bool(self._overt):
            self._since, self._true = self.world.now, None
        self._overt = overt

    def pulse(self, _: Pulse) -> None:
        """Look at the bar."""
        lamps, now, unit = self.world.car.lamps, self.world.now, self.world.unit
        if lamps.mute:
            self._since = now
        if lamps.shown is self._true or now - self._since <= self.WITHIN_S or unit is None:
            return
        plays = all(lamps.shown.get(output) == name for output, name in self._response.items())
        if plays == bool(self._overt):
            self._true = lamps.shown
            return
        show, by = unit.lights.winner()
        asked = by in ("hand", "remote") if plays else by == "hand" or bool(unit.status(unit.now)["shedding"]["shed"])
        if asked:
            self._since = now
        else:
            self.broken(f"live overt alarms: {', '.join(sorted(self._overt)) or 'none'}; the bar plays {lamps.shown} ({show} by {by})")


class LightsClaimNoMore(Promise):
    """What the centre is told of the light."""

    name = "lights claim no more than shines"
    sentence = (
        "A group is called lit only when it has just been seen to shine; a position names a show only when the outputs have just played it."
    )
    hears = ((Booted, "booted"), (Died, "died"), (Sent, "sent"), (Pulse, "pulse"))

    LIT_S = 6.0
    """Darkness is believed when it has lasted longer than that of any pattern."""

    PLAYED_S = 5.0
    """Outputs that hang are asked again each second, and no longer believed after three."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        shows = Shows(world.config.show, world.config.output)
        self._plays = {show: {o: p.name for o, p in shows.play(show).items()} for show in shows.names}
        self._was: deque[tuple[float, dict[str, str]]] = deque(maxlen=12)
        """What was played from when on, at whole seconds."""

    def booted(self, _: Booted) -> None:
        """Nothing is played yet."""
        self._was.clear()

    def died(self, _: Died) -> None:
        """Nothing is played any more."""
        self._was.clear()

    def pulse(self, _: Pulse) -> None:
        """Remember what the outputs have played."""
        shown = self.world.car.lamps.shown
        if not self._was or self._was[-1][1] is not shown:
            self._was.append((self.world.now, shown))

    def sent(self, sent: Sent) -> None:
        """What does it claim?"""
        if sent.kind == "io" and sent.way == "state":
            self._io(sent)
        elif sent.kind == "position" and sent.way == "up" and sent.facts.get("lights") not in (None, "off"):
            self._position(sent)

    def _io(self, sent: Sent) -> None:
        lamps, now = self.world.car.lamps, self.world.now
        for group, claimed in (sent.facts.get("lit") or {}).items():
            dark_s = 0.0 if lamps.lit[group] else now - lamps.changed_at[group]
            since = now - self.LIT_S - self.world.pace.levels_s
            if claimed and dark_s > self.LIT_S and not (self.world.events_disturbed_since(since) or self.world.noisy_since(since)):
                self.broken(f"io calls {group} lit, and it has been dark for {dark_s:.1f} s")

    def _position(self, sent: Sent) -> None:
        wanted = self._plays[sent.facts["lights"]]
        at = self.world.world_time(sent.facts["mono"])
        true = self._is(wanted, self.world.car.lamps.shown)
        if true or self.world.events_disturbed_since(at - self.PLAYED_S) or at < self.world.now - 2.0:
            return
        recent = [shown for since, shown in self._was if since >= at - self.PLAYED_S] or [shown for _, shown in list(self._was)[-1:]]
        if not any(self._is(wanted, shown) for shown in recent):
            self.broken(f"a position says {sent.facts['lights']}, and the outputs play {self.world.car.lamps.shown}")


    @staticmethod
    def _is(wanted: dict[str, str], shown: dict[str, str]) -> bool:
        """Groups that are shed are dark in it, but not all that it has."""
        plays = {shown.get(output) == name for output, name in wanted.items() if name != "off"}
        return True in plays and all(shown.get(output) in (name, "off") for output, name in wanted.items())


class RemoteNeverDarkens(Promise):
    """The centre may ask for light, and that is all."""

    name = "the centre never darkens"
    sentence = "An order for lights darkens no group that is lit, unless it gives a lease back, and changes nothing that the hand has."
    hears = ((Booted, "booted"), (ShowLights, "shown"), (Pulse, "pulse"))

    HAND_S = 2.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._bar: dict[str, Pattern] = {}
        self._hands = [i.id for i in world.config.input if i.use.value == "light_hand"]
        self._hand_since = math.inf

    def booted(self, _: Booted) -> None:
        """It shows nothing yet."""
        self._bar, self._hand_since = {}, math.inf

    def pulse(self, _: Pulse) -> None:
        """Since when has the hand switch been on?"""
        if self._hands:
            on = any(self.world.car.switches[name].on for name in self._hands)
            self._hand_since = min(self._hand_since, self.world.now) if on else math.inf

    def shown(self, effect: ShowLights) -> None:
        """What is asked for now, and what was before; a wish that the outputs did not hear is asked for again and changes nothing."""
        was = self._bar
        self._bar = {o: effect.outputs[o] for outputs in self.world.car.lamps.groups.values() for o in outputs}
        event = self.world.judge.event
        if not isinstance(event, Received) or not event.topic.endswith("/light.set") or not was or was == self._bar:
            return
        if self.world.now - self._hand_since > self.HAND_S and not self.world.events_disturbed_since(self._hand_since):
            self.broken(f"{event.payload!r:.200} changes what the hand has asked for: {self._names(was)} to {self._names(self._bar)}")
        for group, outputs in self.world.car.lamps.groups.items():
            lit, before = (any(shines(bar[o]) for o in outputs) for bar in (self._bar, was))
            if before and not lit and b"show\xc0" not in event.payload:
                self.broken(f"{event.payload!r:.200} darkens {group}")

    @staticmethod
    def _names(bar: dict[str, Pattern]) -> dict[str, str]:
        return {output: pattern.name for output, pattern in bar.items()}


class HandIsSteady(Promise):
    """A slide switch."""

    name = "the hand is steady"
    sentence = "While the hand switch slides from one position to another the bar does not go dark in between."
    hears = ((Booted, "booted"), (ShowLights, "shown"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._lit = False

    def booted(self, _: Booted) -> None:
        """It is dark."""
        self._lit = False

    def shown(self, effect: ShowLights) -> None:
        """Does the bar go dark on the way? It may be dark for want of power."""
        world, since, was = self.world, self.world.now - 2.0, self._lit
        self._lit = any(shines(effect.outputs[o]) for outputs in world.car.lamps.groups.values() for o in outputs)
        if not was or self._lit or world.now >= world.car.hands.passing_until:
            return
        if world.car.hands.steady_since(world.now - 1.0) and not (world.events_disturbed_since(since) or world.noisy_since(since)):
            self.broken("the switch is between two positions, and the bar goes dark")


class SafeWithoutUs(Promise):
    """Nobody drives the lamps."""

    name = "safe without us"
    sentence = "When the agent is gone, however it went, every output is at its safe level until the next one asks for something."
    hears = ((Died, "died"), (Booted, "booted"))

    WITHIN_S = 0.5

    def died(self, _: Died) -> None:
        """Look a little later."""
        self.world.after(self.WITHIN_S, self._look)

    def booted(self, _: Booted) -> None:
        """And when it is back."""
        self._look()

    def _look(self) -> None:
        if not self.world.running and not self.world.car.lamps.safe():
            self.broken(f"nobody drives the lamps, and they play {self.world.car.lamps.shown}")


LIGHT_PROMISES: tuple[type[Promise], ...] = (LightsTellTheTruth, LightsClaimNoMore, RemoteNeverDarkens, HandIsSteady, SafeWithoutUs)

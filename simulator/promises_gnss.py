"""Promises about flags: what the signals really are goes in, and the flags that the unit raises; see `promises`.

What is promised holds for what the core can see: a receiver that speaks, events that arrive, a sky that was known before it was jammed.
"""

import math
from typing import TYPE_CHECKING

from agent.core.firmament import KNOWN_AFTER_S, USUAL_S
from agent.core.integrity import DELAY_S_MAX, Integrity
from agent.core.motion import DRAG_ACCURACIES, DRAG_LEAK_S, DRAG_M, FREEZE_MPS
from simulator.facts import Booted, Pulse
from simulator.promises import Promise
from simulator.promises_fix import FIX_PROMISES
from simulator.tally import Tally
from simulator.world_signals import ANTENNA_AGAIN_S, HDOP, HDOP_PER_M, RANGE_ERROR_M, SKY_EVERY_S

if TYPE_CHECKING:
    from simulator.world import World

FLAGS = {
    "jam": "jam",
    "drag": "spoof",
    "jump": "jump",
    "frozen": "frozen",
    "antenna": "antenna_open",
    "plug": "antenna_open",
    "short": "antenna_short",
    "rolled": "time",
}
"""What each trouble has to be called; a tunnel and reflections have no name: they are no trouble."""

CAUSES: dict[str, tuple[str, ...]] = {
    "jam": ("jam",),
    "spoof": ("drag", "jump", "rolled"),
    "jump": ("jump", "drag", "frozen"),
    "frozen": ("frozen",),
    "time": ("rolled",),
    "antenna_open": ("antenna", "plug"),
    "antenna_short": ("short",),
}
"""What may raise each flag: a drag that ends and a position that thaws jump back; a jump with a step of time is a reason to suspect."""

READ_LATE = ("jump", "spoof", "time")
"""What a reader that stood still may raise: fixes without a time of their own cannot be stamped rightly afterwards."""

AFTER_S = 180.0
"""A trouble may show after its end: a receiver that was silent meanwhile says where it is now (`motion.SILENCE_S`), and a suspicion has
its own delay."""

TURN_S = 4.0
"""The first fix that shows it comes within 1.4 s, what differs from it with the next, and this promise looks once a second."""

CLEAR_AFTER_S = 120.0
"""After reflections every satellite is soon known again as strong as it is."""


class _Sight:
    """Since when the core could see everything that it needs."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.since = math.inf
        self.driving_since = math.inf
        self.clear_since = math.inf

    def look(self) -> None:
        world, now = self._world, self._world.now
        car = world.car.receiver
        timeless = car.timeless or "default" in car.signals.since
        sees = world.running and car.fixes and not timeless and not world.events_disturbed_since(now - world.pace.levels_s)
        self.since = min(self.since, now) if sees else math.inf
        self.driving_since = min(self.driving_since, now) if sees and car.speed_mps > 2 * FREEZE_MPS else math.inf
        clear = sees and not car.signals.recent(("jam",), 5 * USUAL_S) and not car.signals.recent(("multipath",), CLEAR_AFTER_S)
        self.clear_since = min(self.clear_since, now) if clear else math.inf


class FlagsInTime(Promise):
    """What goes wrong is said."""

    name = "flags in time"
    sentence = "Each trouble of the signals that the core can see is flagged within the stated delay."
    hears = ((Booted, "booted"), (Pulse, "pulse"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._sight = _Sight(world)
        self._seen: dict[str, float] = {}
        self._known: dict[str, bool] = {}
        self._began: dict[str, float] = {}
        self.tallies = {trouble: Tally() for trouble in FLAGS}

    def booted(self, _: Booted) -> None:
        """A new core has to learn the sky anew."""
        self._sight = _Sight(self.world)
        self._known = dict.fromkeys(self.world.car.receiver.signals.since, False)

    def pulse(self, _: Pulse) -> None:
        """Is every trouble flagged that should be by now?"""
        sight, signals = self._sight, self.world.car.receiver.signals
        clear_since = sight.clear_since
        sight.look()
        if not signals.since and not self._began:
            return
        flags = flags_of(self.world)
        for trouble, since in signals.since.items():
            if trouble not in FLAGS:
                continue
            if self._began.get(trouble) != since:
                self._began[trouble] = since
                self.tallies[trouble].began += 1
            if trouble not in self._known:
                self._known[trouble] = since - clear_since >= KNOWN_AFTER_S + 2 * SKY_EVERY_S
            if self._seen.get(trouble) != since:
                self._look(trouble, since, flags)
        for trouble in [name for name in self._began if name not in signals.since]:
            self.tallies[trouble].unseen += self._seen.get(trouble) != self._began.pop(trouble)
            self._known.pop(trouble, None)

    def _look(self, trouble: str, since: float, flags: tuple[str, ...]) -> None:
        """Whether a trouble that was not flagged yet is now, or should be."""
        sight, signals, now = self._sight, self.world.car.receiver.signals, self.world.now
        visible = max(since, sight.driving_since if trouble == "frozen" else sight.since)
        if trouble == "jam" and "multipath" in signals.since:
            self._known[trouble] = False  # satellites that differ for another reason are not alike, and are learned as they are
        # what was astray is counted anew after a jump; of two words about the antenna the receiver says the worse
        hidden_by = {"jump": ("frozen",), "drag": ("jump", "frozen"), "antenna": ("short",), "plug": ("short",)}.get(trouble, ())
        marks = [times.get(other, -math.inf) for other in hidden_by for times in (signals.since, signals.ended)]
        visible = max(visible, *marks, since)
        delay_s = self._delay_s(trouble, signals.strength[trouble])
        if trouble == "plug":  # heard with the next sky; when that was lost, or before this core began, when it is told again
            delay_s += SKY_EVERY_S if visible == since else SKY_EVERY_S + ANTENNA_AGAIN_S
        if FLAGS[trouble] in flags and now - visible <= delay_s:
            self._seen[trouble] = since
            self.world.counts["flags in time"] += 1
            self.tallies[trouble].flag(max(0.0, now - visible) if visible < math.inf else 0.0, delay_s)
            return
        if trouble == "jam" and not self._known[trouble]:
            return
        if trouble == "jump" and sight.since > since - TURN_S:
            return  # the core must have seen where it was before
        if any(other in signals.since for other in hidden_by):
            return  # a position that stands hides where it would go
        if now - visible > delay_s:
            self.broken(f"{trouble} ({signals.strength[trouble]:.1f}) since {since:.1f}, visible since {visible:.1f}; up: {flags}")

    def _delay_s(self, trouble: str, strength: float) -> float:
        flag = FLAGS[trouble]
        if trouble == "drag":  # the difference settles at rate times leak, as a leaky integral does
            signals = self.world.car.receiver.signals
            sigma_m = signals.strength.get("multipath", 0.0) if signals.recent(("multipath",), DRAG_LEAK_S) else 0.0
            limit_m = max(DRAG_M, DRAG_ACCURACIES * RANGE_ERROR_M * (HDOP + HDOP_PER_M * sigma_m)) + 3 * max(sigma_m, signals.error_m() / 3)
            if limit_m >= 0.95 * strength * DRAG_LEAK_S:
                return math.inf
            found_s = -DRAG_LEAK_S * math.log(1 - limit_m / (strength * DRAG_LEAK_S)) * 1.2
            return found_s + DELAY_S_MAX["gnss.spoof"] + TURN_S
        looks_s = 2 * SKY_EVERY_S if trouble in ("jam", "antenna", "short") else 0.0
        return DELAY_S_MAX[f"gnss.{flag.split('_')[0]}"] + looks_s + TURN_S


class NoFlagWithoutCause(Promise):
    """And nothing else."""

    name = "no flag without a cause"
    sentence = "A flag that nothing explains comes once in a week at most."
    hears = ((Booted, "booted"), (Pulse, "pulse"))

    WEEK_S = 7 * 86_400.0

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._up: frozenset[str] = frozenset()
        self._false: list[tuple[float, str]] = []

    def booted(self, _: Booted) -> None:
        """No flag yet."""
        self._up = frozenset()

    def pulse(self, _: Pulse) -> None:
        """Which flags are new, and why?"""
        up = frozenset(flags_of(self.world))
        if up == self._up:
            return
        car = self.world.car.receiver
        read_late = self.world.now - car.read_late_at <= AFTER_S
        for flag in up - self._up:
            if not car.signals.recent(CAUSES.get(flag, ()), AFTER_S) and not (read_late and flag in READ_LATE):
                self.world.counts["flags false"] += 1
                self._false = [(at, name) for at, name in self._false if self.world.now - at < self.WEEK_S]
                self._false.append((self.world.now, flag))
                if len(self._false) > 1:
                    self.broken(f"{len(self._false)} within a week: {self._false}")
        self._up = up


def flags_of(world: "World") -> tuple[str, ...]:
    """The flags that are up in the unit."""
    if world.unit is None:
        return ()
    return next(part.flags for part in world.unit.parts if isinstance(part, Integrity))


GNSS_PROMISES: tuple[type[Promise], ...] = (FlagsInTime, NoFlagWithoutCause, *FIX_PROMISES)

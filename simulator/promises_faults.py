"""Promises about the faults of wires and lamps: each is told within its time when it is so, and not when it is not. See `promises`."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from agent.config import NC, NO
from simulator.facts import Booted, LampsTouched, Pulse, Turned, Written
from simulator.promises import Promise
from simulator.world_switch import FOLLOW, Switch

if TYPE_CHECKING:
    from simulator.world import World

STUCK_S = 30.0


Affected = frozenset[str] | None
"""Ids of what is in trouble."""


class Watch(NamedTuple):
    """One code: of what it is so in this world (None: nobody can tell), within how many seconds it is told, and is taken back.

    `not_before_s`: it must have been so of one of them for at least so long.
    """

    code: str
    of: Callable[["World"], "Affected"]
    told_s: float
    cleared_s: float
    not_before_s: float = 0.0


def _used(world: "World", use: str) -> list[Switch]:
    return [switch for switch in world.car.switches.values() if switch.config.use.value == use]


def _wires(level: bool) -> Callable[["World"], Affected]:
    """Both contacts of a supervised input read so, as far as its wire has it."""

    def affected(world: "World") -> Affected:
        supervised = (switch for switch in world.car.switches.values() if switch.config.supervised)
        return frozenset(switch.config.id for switch in supervised if switch.contact(NO) is level and switch.contact(NC) is level)

    return affected


def _active(world: "World", use: str) -> frozenset[str]:
    return frozenset(switch.config.id for switch in _used(world, use) if switch.reads)


def _stuck(world: "World") -> Affected:
    return _active(world, "panic")


def _power(world: "World") -> Affected:
    return _active(world, "low_voltage") | ({"supply"} if world.car.supply_low else set())


def _tamper(world: "World") -> Affected:
    return _active(world, "tamper")


def _recorder(world: "World") -> Affected:
    """A recorder need not live while the ignition is off."""
    dead = world.car.recorder_dead and any(world.car.switches[key].reads for key in world.car.hands.keys)
    return frozenset(recorder.id for recorder in world.car.recorders if dead)


def _dark(world: "World") -> Affected:
    """A group that is watched plays light and all of its lamps are burnt."""
    lamps = world.car.lamps
    if lamps.mute:
        return None
    return frozenset(
        group for group in lamps.watched if lamps.wanted(group) and set(lamps.groups[group]) <= lamps.burnt - lamps.welded
    )


def _welded(world: "World") -> Affected:
    """A group that is watched plays none, and one of its lamps shines."""
    lamps = world.car.lamps
    if lamps.mute:
        return None
    return frozenset(group for group in lamps.watched if not lamps.wanted(group) and set(lamps.groups[group]) & lamps.welded)


WATCHES = (
    Watch("input.cut", _wires(False), 3.0, 3.0),
    Watch("input.short", _wires(True), 3.0, 3.0),
    Watch("panic.stuck", _stuck, STUCK_S + 2.0, 3.0, STUCK_S - 1.0),
    Watch("power.low", _power, 15.0, 90.0),
    Watch("tamper.open", _tamper, 3.0, 3.0),
    Watch("recorder.silent", _recorder, 90.0, 20.0),
    Watch("lights.dark", _dark, 12.0, 12.0),
    Watch("lights.stuck", _welded, 12.0, 12.0),
)
"""The board's own word for its supply comes each ten seconds, and must be well for a minute; a recorder has a minute to start in."""

CODES = {watch.code: watch for watch in WATCHES}


class FaultsAreTrue(Promise):
    """What the list of faults says."""

    name = "faults are true"
    sentence = (
        "A cut or short wire, a stuck button, a low supply, an open box, a dead recorder, a burnt lamp and a welded relay are a fault "
        "soon, and no longer than they are so."
    )
    hears = ((Booted, "booted"), (Turned, "turned"), (LampsTouched, "touched"), (Written, "written"), (Pulse, "pulse"))

    CALM_S = 100.0
    """Longer than any of the times: what nobody has touched for so long need not be looked at."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._booted_at = math.inf
        self._so: dict[str, bool | None] = {}
        self._since: dict[str, float] = {}
        self._began: dict[str, dict[str, float]] = {watch.code: {} for watch in WATCHES}
        self._last_so: dict[str, float] = {}
        self._told: dict[str, bool] = {}
        self._looked_at = -math.inf
        self._apart = {i.id for i in world.config.input if i.use.value not in FOLLOW}

    def booted(self, _: Booted) -> None:
        """It has its times to see what is so."""
        self._booted_at = self.world.now

    def turned(self, turned: Turned) -> None:
        """What is so only for a moment may be told, too."""
        if turned.input in self._apart:
            for watch in WATCHES:
                self._see(watch)

    def touched(self, _: LampsTouched) -> None:
        """The same of lamps."""
        for watch in WATCHES:
            self._see(watch)

    def _see(self, watch: Watch) -> bool | None:
        """Whether it is so now; since when of what has been so the longest, and when it was so last, is remembered."""
        affected, was = watch.of(self.world), self._so.get(watch.code)
        so = None if affected is None else bool(affected)
        began = self._began[watch.code] = {name: self._began[watch.code].get(name, self.world.now) for name in affected or ()}
        if so is not was:
            self._so[watch.code], self._since[watch.code] = so, self.world.now
        if began:
            self._since[watch.code] = min(began.values())
        if so is not False or was is not False:
            self._last_so[watch.code] = self.world.now
        return so

    def written(self, written: Written) -> None:
        """What is told has been so just now, also when it is over by the next look."""
        facts = written.facts
        if facts["kind"] != "fault" or facts["state"] != "raised" or facts["code"] not in CODES:
            return
        watch, now = CODES[facts["code"]], self.world.now
        self._see(watch)
        if now - self._last_so.get(watch.code, -math.inf) > watch.cleared_s and not self._excused(now - watch.cleared_s - 6.0):
            self.broken(f"{watch.code} is told ({facts.get('detail')}), and it was not so")

    def pulse(self, _: Pulse) -> None:
        """Compare what is so with what is told."""
        world = self.world
        if world.unit is None:
            return
        now, active = world.now, world.unit.faults.active
        calm = now > max(world.car.touched_at, self._booted_at) + self.CALM_S
        if calm and not any(self._so.values()) and not (active and active.keys() & CODES.keys()):
            return  # all have been compared since, none is so, and none has come
        looks, self._looked_at = world.car.touched_at >= self._looked_at, now
        for watch in WATCHES:
            so = self._see(watch) if looks else self._so[watch.code]
            if so is None:
                continue
            if so is not False:
                self._last_so[watch.code] = now
            told = watch.code in active
            came = told and not self._told.get(watch.code, False)
            self._told[watch.code] = told
            if told is so and not (came and watch.not_before_s):
                continue
            lasts_s = now - max(self._since[watch.code], self._booted_at)
            limit_s = watch.told_s if so else watch.cleared_s
            late = told is not so and lasts_s > limit_s
            early = told and so and lasts_s < watch.not_before_s
            # What was not read for a moment is not known to have been held through it.
            since = min(now - limit_s - 6.0, self._since[watch.code] if watch.not_before_s else now)
            if (late or early) and not self._excused(since):
                says = "is told" if told else "is not told"
                self.broken(f"{watch.code} {says}, and for {lasts_s:.1f} s it has been {'' if so else 'not '}so")

    def _excused(self, since: float) -> bool:
        return self.world.events_disturbed_since(since) or self.world.noisy_since(since)


FAULT_PROMISES: tuple[type[Promise], ...] = (FaultsAreTrue,)

"""Promises about positions and times: what the receiver said goes in, and what the unit makes of it for the world; see `promises`."""

import itertools
import math
from collections import deque
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from agent.core.events import Fix, FixMode
from agent.core.position import FRESH_S
from agent.core.static_hold import FAR_S, GAP_S
from agent.wire import track
from simulator import reading
from simulator.facts import Booted, Pulse, Sent
from simulator.promises import Promise
from simulator.tally import Tally

if TYPE_CHECKING:
    from simulator.world import World

FIXES_MAX = 1200
"""Remembered: twenty minutes, much longer than a batch of the track is open."""

DECEIVED = ("drag", "jump", "frozen")

PLACE_DEG = 0.6e-7
"""A track has seven decimals."""


class _Said:
    """The last fixes with a place that the unit took, by the millisecond of their stamp."""

    def __init__(self) -> None:
        self._fixes: dict[int, list[Fix]] = {}
        self._order: deque[int] = deque()

    def take(self, fix: Fix) -> None:
        ms = round(fix.at * 1000)
        self._fixes.setdefault(ms, []).append(fix)
        self._order.append(ms)
        if len(self._order) > FIXES_MAX:
            self._fixes.pop(self._order.popleft(), None)

    def covers(self, ms: int) -> bool:
        """Whether fixes of then are remembered."""
        return len(self._order) < FIXES_MAX or ms > self._order[0] + 1

    def at(self, ms: int) -> list[Fix]:
        """Those of that millisecond, by two roundings."""
        return [fix for near in (ms - 1, ms, ms + 1) for fix in self._fixes.get(near, ())]

    def since(self, ms: int) -> list[Fix]:
        """Those of then and later, the newest first."""
        return [fix for at in itertools.takewhile(lambda at: at >= ms, reversed(self._order)) for fix in self._fixes.get(at, ())]


class PlaceAsSaid(Promise):
    """The dot on the map does not lie."""

    name = "a place as it was said"
    sentence = (
        "A position is one that the receiver said, in its mode and of its age; void is none, estimated is dr, old is marked stale. "
        "Or it is the surveyed one."
    )
    hears = ((Booted, "booted"), (Fix, "fix"), (Sent, "sent"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._said = _Said()
        self._boot = ""
        self.shown: dict[str, int] = {}

    def booted(self, booted: Booted) -> None:
        """A new unit knows no place."""
        self._boot, self._said = booted.boot, _Said()

    def fix(self, fix: Fix) -> None:
        """It hears of a place."""
        if fix.mode is not FixMode.NONE:
            self._said.take(fix)

    def sent(self, sent: Sent) -> None:
        """It shows one."""
        pos: dict[str, Any] | None = sent.facts.get("pos")
        if pos is None or sent.facts["boot"] != self._boot:
            return
        flags, age_ms, fix_ms = pos.get("flags", ()), pos["age_ms"], sent.facts["mono"] - pos["age_ms"]
        place = self.world.config.place
        if pos["src"] == "fixed":
            self.shown["fixed"] = self.shown.get("fixed", 0) + 1
            if (pos["lat"], pos["lon"], pos["mode"]) != (place.lat, place.lon, "fixed"):
                self.broken(f"{sent.kind} {sent.name} shows {pos}, surveyed is {place}")
            return
        fresh = pos["src"] == "gnss"
        what = "estimated" if pos["mode"] == "dr" else "good"
        self.shown[what if fresh else "old"] = self.shown.get(what if fresh else "old", 0) + 1
        if fresh and (age_ms > FRESH_S * 1000 + 1 or "stale" in flags):
            self.broken(f"{sent.kind} {sent.name} looks live and is {age_ms} ms old: {pos}")
        if not fresh and ("stale" not in flags or "spd" in pos or "cog" in pos):
            self.broken(f"{sent.kind} {sent.name} shows an old place that does not look it: {pos}")
        if not self._said.covers(fix_ms):
            return
        said = self._said.at(fix_ms)
        if not said and age_ms == 0:  # a press that reached the core late: it is shown where the unit is, a little after its time
            said = self._said.since(fix_ms)
        fixes = [fix for fix in said if fix.mode.value == pos["mode"]]
        if not any("held" in flags or (fix.lat == pos["lat"] and fix.lon == pos["lon"]) for fix in fixes):
            self.broken(f"{sent.kind} {sent.name} shows {pos}, said was {said}")


class _Boot:
    """The fixes with a place of one boot that have not left in a track, by both of their times."""

    def __init__(self) -> None:
        self.mono: dict[int, list[Fix]] = {}
        self.utc: dict[int, list[Fix]] = {}

    def drop(self, fix: Fix) -> None:
        """It has left, or it is the one that was said twice."""
        for times, t in ((self.mono, round(fix.at * 1000)), (self.utc, fix.utc_ms)):
            fixes = times.get(t) if t is not None else None
            if fixes and len(fixes) == 1:
                del times[t]  # type: ignore[arg-type]  # it was found there
            elif fixes:
                fixes.remove(fix)


class TrackAsSaid(Promise):
    """Evidence is not made up."""

    name = "a track as it was said"
    sentence = "Every fix of a track is one that the receiver said, at that time, at that place, in that mode."
    hears = ((Booted, "booted"), (Fix, "fix"), (Sent, "sent"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._boots: dict[str, _Boot] = {}
        self._now = _Boot()
        self._seen: set[str] = set()
        self.estimated = self.good = self.made_up = 0

    def booted(self, booted: Booted) -> None:
        """Times are of this boot now."""
        self._now = self._boots[booted.boot] = _Boot()

    def fix(self, fix: Fix) -> None:
        """It hears of a place."""
        if fix.mode is not FixMode.NONE:
            self._now.mono.setdefault(round(fix.at * 1000), []).append(fix)
            if fix.utc_ms is not None:
                self._now.utc.setdefault(fix.utc_ms, []).append(fix)

    def sent(self, sent: Sent) -> None:
        """A batch leaves, for the first time."""
        if sent.kind != "track" or sent.name in self._seen:
            return
        self._seen.add(sent.name)
        boot = self._boots[sent.facts["boot"]]
        said_at = boot.utc if sent.facts["t_is"] == "utc" else boot.mono
        for one in reading.fixes(sent.publish.payload):
            if one.lat is None or one.lon is None or one.mode is None:
                self.broken(f"{sent.name} has a fix without a place: {one}")
            mode, said = track.MODES[one.mode], said_at.get(one.t, [])
            fix = next((fix for fix in said if fix.mode.value == mode and _near(fix, one.lat, one.lon)), None)
            if fix is None:
                self.made_up += 1
                self.broken(f"{sent.name} has {one} ({mode}), said was {said}")
            self.estimated += mode == "dr"
            self.good += mode != "dr"
            boot.drop(fix)


def _near(fix: Fix, lat: float, lon: float) -> bool:
    """The same place, as a track can say it."""
    return fix.lat is not None and fix.lon is not None and abs(fix.lat - lat) <= PLACE_DEG and abs(fix.lon - lon) <= PLACE_DEG


class HeldStill(Promise):
    """A parked car does not wander."""

    name = "a parked car is held"
    sentence = "While the car stands and the receiver is heard without a gap, the place at which it is held does not change."
    hears = ((Booted, "booted"), (Fix, "fix"), (Sent, "sent"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._boot = ""
        self._held: tuple[float, float, float] | None = None
        self._fix_at = -math.inf
        self.held = self.moved = 0

    def booted(self, booted: Booted) -> None:
        """Nothing is held."""
        self._boot, self._held = booted.boot, None

    def fix(self, fix: Fix) -> None:
        """A gap, or a receiver that does not say how fast it is, lets it go; so do one that is deceived, and drives that are read late."""
        if fix.mode is FixMode.NONE:
            return
        gap_s, self._fix_at = fix.at - self._fix_at, fix.at
        receiver = self.world.car.receiver
        unheld = gap_s > GAP_S or fix.speed_mps is None or fix.mode is FixMode.DEAD_RECKONING
        if unheld or fix.read_at is not None or receiver.signals.recent(DECEIVED, FAR_S + 5.0):
            self._held = None

    def sent(self, sent: Sent) -> None:
        """Where it is held."""
        pos: dict[str, Any] | None = sent.facts.get("pos") if sent.kind == "position" else None
        if pos is None or "held" not in pos.get("flags", ()):
            return
        if sent.facts["boot"] != self._boot or sent.facts["mono"] < self.world.mono() * 1000 - 1500:
            return  # of a while ago
        here, now = (pos["lat"], pos["lon"]), self.world.now
        before = self._held
        stood = before is not None and self.world.car.receiver.stood_since < before[2]
        if before is not None and stood and before[:2] != here:
            self.moved += 1
            self.broken(f"held at {before[:2]} since {before[2]:.1f} s, now at {here}, and the car has not moved")
        if before is None or not stood:
            self.held += 1
            self._held = (*here, now)


class BoundedTime(Promise):
    """No time without its error bound."""

    name = "a bound with every time"
    sentence = "A record that has a time has its source and the bound of its error, and is wrong by less."
    hears = ((Booted, "booted"), (Sent, "sent"))

    ROUNDING_MS = 2

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._boot, self._origin = "", 0.0
        self.times = self.undated = self.outside = 0
        self.worst_ms, self.worst_stated_ms, self.stated_ms_max = 0.0, 0, 0
        self.nearest = (0.0, 0)
        """Error and bound of the time that came nearest to its bound."""

    def booted(self, booted: Booted) -> None:
        """What its monotonic clock counts from."""
        self._boot, self._origin = booted.boot, booted.origin

    def sent(self, sent: Sent) -> None:
        """Compare with the truth."""
        facts = sent.facts
        if facts.get("boot") != self._boot:
            return
        time, clock = facts.get("time"), facts.get("clock") or {}
        if time is None:
            self.undated += 1
            return
        bound_ms = clock.get("err_ms")
        if bound_ms is None or clock.get("src") not in ("gnss", "ntp"):
            self.broken(f"{sent.kind} {sent.name} has a time, and of its clock it says {clock}")
        wrong_ms = abs(time - self.world.utc_ms(self._origin + facts["mono"] / 1000))
        self.times += 1
        self.stated_ms_max = max(self.stated_ms_max, bound_ms)
        if wrong_ms > self.worst_ms:
            self.worst_ms, self.worst_stated_ms = wrong_ms, bound_ms
        if wrong_ms * self.nearest[1] >= self.nearest[0] * bound_ms:
            self.nearest = wrong_ms, bound_ms
        if wrong_ms > bound_ms + self.ROUNDING_MS:
            self.outside += 1
            self.broken(f"{sent.kind} {sent.name} is {wrong_ms:.0f} ms wrong and says {clock}")


class PortInTime(Promise):
    """The port's own faults."""

    name = "the port's faults in time"
    sentence = "A receiver that is gone, silent, unreadable or without a fix is a fault within the stated delay, and not when it is well."
    hears = ((Booted, "booted"), (Pulse, "pulse"))

    TURN_S = 4.0
    """Told each second, up to 0.4 s late; looked at once a second; a port that is lost is opened again within 2 s."""

    WELL_S = 4.0
    """And one word of the receiver's."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._booted_at = math.inf
        self._well_since = math.inf
        self._flagged: set[str] = set()
        self._since: dict[str, float] = {}
        self.stated_s = {"gnss.port": 0.0, "gnss.silent": world.config.gnss.silence_s, "gnss.garbage": 10.0, "gnss.no_fix": 60.0}
        self.tallies = {code: Tally() for code in self.stated_s}

    def booted(self, _: Booted) -> None:
        """All anew."""
        self._booted_at, self._well_since = self.world.now, math.inf
        self._since.clear()
        self._flagged.clear()

    def _troubles(self) -> dict[str, float]:
        """Since when what is so; infinity: it is not."""
        receiver, booted_at, never = self.world.car.receiver, self._booted_at, math.inf
        found = dict.fromkeys(self.stated_s, never)
        if receiver.opened_at == never:
            found["gnss.port"] = max(booted_at, receiver.unplugged_at)
        else:
            found["gnss.silent"] = max(receiver.opened_at, receiver.good_at if receiver.good_at < never else -never)
            heard = self.world.now - receiver.bad_at < self.TURN_S  # a stall hides it
            found["gnss.garbage"] = max(receiver.bad_since, receiver.read_late_at) if heard else never
        found["gnss.no_fix"] = receiver.fixed_at if receiver.fixed_at < never else booted_at
        return found

    def pulse(self, _: Pulse) -> None:
        """Is everything said that should be by now, and nothing else?"""
        unit, receiver, now = self.world.unit, self.world.car.receiver, self.world.now
        if unit is None:
            return
        disturbed = self.world.events_disturbed_since(now - self.world.pace.levels_s)
        active = unit.faults.active
        if receiver.fixes and not disturbed and not self._flagged and active.keys().isdisjoint(self.stated_s):
            self._since.clear()
            self._well_since = min(self._well_since, now)
            return
        for code, since in self._troubles().items():
            if disturbed:
                self._since[code] = now
            self._look(code, max(since, self._since.get(code, -math.inf)), active.keys())
        self._well(disturbed, active.keys())

    def _look(self, code: str, since: float, active: AbstractSet[str]) -> None:
        late_s, limit_s = self.world.now - since, self.stated_s[code] + self.TURN_S
        if code not in active:
            self._flagged.discard(code)
            if late_s > limit_s:
                self.broken(f"{code} is so since {since:.1f} s, and is not said; up: {sorted(active)}")
        elif code not in self._flagged and since < math.inf:
            self._flagged.add(code)
            self.tallies[code].began += 1
            self.tallies[code].flag(max(0.0, late_s), limit_s)

    def _well(self, disturbed: bool, active: AbstractSet[str]) -> None:
        """A receiver that is heard and has a fix for a while has no fault."""
        receiver, now = self.world.car.receiver, self.world.now
        well = receiver.fixes and receiver.opened_at < math.inf and not disturbed
        self._well_since = min(self._well_since, now) if well else math.inf
        if now - self._well_since > self.WELL_S + self.world.pace.fix_s and (wrong := sorted(self.stated_s.keys() & active)):
            self.broken(f"the receiver is well since {self._well_since:.1f} s, and these are up: {', '.join(wrong)}")


class SetUpAgain(Promise):
    """A receiver that forgets is told again."""

    name = "set up again"
    sentence = "A receiver that is heard does what the config wants of it after a while, or gnss.setup says that it does not."
    hears = ((Booted, "booted"), (Pulse, "pulse"))

    SET_UP_S = 180.0
    """Ten seconds until it has forgotten, two questions, the phrases with their waits, and three more tries."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._bad_since = math.inf
        self._forgot_at = math.inf
        self.tally = Tally()

    def booted(self, _: Booted) -> None:
        """It may find it as it is."""
        self._bad_since = math.inf

    def pulse(self, _: Pulse) -> None:
        """Does it?"""
        unit, receiver, now = self.world.unit, self.world.car.receiver, self.world.now
        if unit is None or not receiver.book.constellations:
            return
        does = receiver.settings.does(receiver.wants)
        if does and self._forgot_at < math.inf:
            self.tally.flag(now - self._bad_since if self._bad_since < math.inf else 0.0, self.SET_UP_S)
        if not does and self._forgot_at == math.inf:
            self.tally.began += 1
        self._forgot_at = math.inf if does else min(self._forgot_at, now)
        told = "gnss.setup" in unit.faults.active
        bad = not does and not told and receiver.fixes and not self.world.events_disturbed_since(now - self.world.pace.levels_s)
        self._bad_since = min(self._bad_since, now) if bad else math.inf
        if now - self._bad_since > self.SET_UP_S:
            self.broken(f"it is set to {receiver.settings.now} since {self._bad_since:.1f} s, and nothing is said of it")


FIX_PROMISES: tuple[type[Promise], ...] = (PlaceAsSaid, TrackAsSaid, HeldStill, BoundedTime, PortInTime, SetUpAgain)

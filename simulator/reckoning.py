"""What became of every fix: emitted epochs, what the centre got and the lives of the agent in; an account with one fate for each fix out.

Theory. A fix that the receiver told is *delivered* when a `track` record with it has reached the centre, and else it is lost, unless one of
these can be shown, each counted apart and named:

    no_agent      no process of the agent ran, or it had only just begun and not yet opened the receiver's port
    unplugged     the receiver's plug was being pulled, or the agent had not yet found it plugged in again
    uncommitted   the process was killed, and this fix belongs to the unbroken run at the end of its life that is younger than what the
                  config lets it keep off the disk; a hole before a fix that did arrive is a loss
    waiting       (only while the story goes on) it may still be on its way

A fix counts by its UTC, and by its position: the same instant with another place is `altered`, an instant that no receiver told is
`invented`. Fixes from before the agent knew the time count monotonic milliseconds of their boot; they are dated by the boot's `clock_fix`
(or any dated record of it) and found by their position among the epochs around that time; a boot that never learned the time has only the
order and the places. A live `position` record is not the track and delivers nothing; what it showed of uncommitted fixes is told.
Pure: no clock, no I/O. `at` is seconds of the machine's monotonic clock, which receiver and lives share.
"""

import enum
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from agent.wire import track
from agent.wire.records import ClockFix, Position, Record, Track

SAME_PLACE_DEG = 1.5e-7
"""A track rounds to 1e-7 degrees, the receiver's sentences to 1.7e-8."""

DATING_MS = 1000
"""A time made from a monotonic one is that good; the agent states ± 500 ms for the receiver's own delay."""

START_S_MAX = 5.0
"""A process that has not opened the receiver's port by then is not starting any more."""

REOPEN_S_MAX = 3.0
"""The agent looks for an unplugged receiver every 2 s."""

READ_S_MAX = 0.3
"""What lies in the port unread is taken out within this: gathering takes 45 ms, a busy machine the rest."""

COMMIT_S_MAX = 1.0
"""From the end of the commit interval until the batch is on disk: the hand-over and an fsync."""


class Epoch(Protocol):
    """An epoch with a valid position, as `simulator.bench.receiver.Emitted` remembers it."""

    @property
    def utc_ms(self) -> int:
        """The instant."""

    @property
    def lat(self) -> float:
        """Degrees, WGS 84."""

    @property
    def lon(self) -> float:
        """Degrees, WGS 84."""

    @property
    def at(self) -> float:
        """When its first byte went, monotonic seconds."""

    @property
    def listened(self) -> bool:
        """Somebody had the port open, and all bytes found room."""


class Life(NamedTuple):
    """One process of the agent, from its start until it was told to end (or was seen to have ended); None: it runs.

    `uncommitted_s_max`: for a killed one, how old a fix may get before it is on disk.
    """

    started_at: float
    ended_at: float | None = None
    killed: bool = False
    uncommitted_s_max: float = 0.0

    def covers(self, at: float) -> bool:
        """Whether it ran at that moment."""
        return self.started_at <= at < (math.inf if self.ended_at is None else self.ended_at)


class Span(NamedTuple):
    """From `since` to `until`, monotonic seconds; None: still."""

    since: float
    until: float | None = None


class Fate(enum.Enum):
    """What became of a fix."""

    DELIVERED = "delivered"
    NO_AGENT = "no_agent"
    UNPLUGGED = "unplugged"
    UNCOMMITTED = "uncommitted_before_kill"
    WAITING = "waiting"
    LOST = "lost"


class Place(NamedTuple):
    """A fix as the centre has it: `t` in ms, UTC or of the boot's monotonic clock."""

    t: int
    lat: float
    lon: float

    def is_at(self, epoch: Epoch) -> bool:
        """Whether it is the same place."""
        return abs(self.lat - epoch.lat) <= SAME_PLACE_DEG and abs(self.lon - epoch.lon) <= SAME_PLACE_DEG


class Harvest:
    """What the centre has of one unit's fixes; records that came again are not to be fed."""

    def __init__(self) -> None:
        self.dated: list[Place] = []
        self.undated: dict[str, list[Place]] = {}
        self.live: dict[str, list[Place]] = {}
        self.offsets_ms: dict[str, int] = {}
        self._by_clock_fix: set[str] = set()

    def take(self, record: Record) -> None:
        """One record of up/.

        Raises:
            ValueError: a track whose columns do not fit together.
        """
        if record.time is not None and record.boot not in self.offsets_ms:
            self.offsets_ms[record.boot] = record.time - record.mono
        match record:
            case Track():
                fixes = [Place(fix.t, fix.lat, fix.lon) for fix in track.unpack(record) if fix.lat is not None and fix.lon is not None]
                (self.dated if record.t_is == "utc" else self.undated.setdefault(record.boot, [])).extend(fixes)
            case ClockFix(of=boot, offset_ms=offset_ms):
                self.offsets_ms[boot] = offset_ms
            case Position(pos=pos) if pos is not None:
                self.live.setdefault(record.boot, []).append(Place(record.mono - pos.age_ms, pos.lat, pos.lon))


class Account(NamedTuple):
    """Fates of all emitted fixes, in their order, and what the centre got that cannot be right."""

    epochs: tuple[Epoch, ...]
    fates: tuple[Fate, ...]
    duplicates: int
    """Fixes that came in more than one record."""
    altered: int
    invented: int
    uncommitted_seen_live: int
    """Of the uncommitted, those whose place a live position record had shown."""
    uncommitted_s: float
    """Age of the oldest uncommitted fix when its process was killed."""

    def count(self, fate: Fate) -> int:
        """How many fixes had that fate."""
        return self.fates.count(fate)

    def of(self, fate: Fate) -> list[Epoch]:
        """The fixes of that fate, in order."""
        return [epoch for epoch, found in zip(self.epochs, self.fates, strict=True) if found is fate]


def reckon(
    emitted: Sequence[Epoch], harvest: Harvest, lives: Sequence[Life], unplugged: Sequence[Span] = (), settled_at: float = math.inf
) -> Account:
    """The account. `emitted`, `lives` oldest first; nothing that was emitted before `settled_at` is on its way: what is missing is lost."""
    matching = _Matching(emitted)
    for place in harvest.dated:
        matching.deliver_dated(place)
    for boot, places in harvest.undated.items():
        matching.deliver_undated(places, harvest.offsets_ms.get(boot))
    arrived = [i in matching.times for i in range(len(emitted))]
    fates = _fates(emitted, arrived, lives, unplugged, settled_at)
    live = ((place, harvest.offsets_ms[boot]) for boot, places in harvest.live.items() if boot in harvest.offsets_ms for place in places)
    seen = {matching.find(place, offset_ms) for place, offset_ms in live}
    uncommitted = [i for i, fate in enumerate(fates) if fate is Fate.UNCOMMITTED]
    ends = [(emitted[i].at, life.ended_at) for i in uncommitted for life in lives if life.covers(emitted[i].at)]
    return Account(
        tuple(emitted),
        tuple(fates),
        sum(matching.times.values()) - len(matching.times),
        matching.altered,
        matching.invented,
        len(seen.intersection(uncommitted)),
        max((ended_at - at for at, ended_at in ends if ended_at is not None), default=0.0),
    )


class _Matching:
    """Finds the epoch of each fix that came."""

    def __init__(self, emitted: Sequence[Epoch]) -> None:
        self._emitted = emitted
        self._utc_ms = [epoch.utc_ms for epoch in emitted]
        self._index = {epoch.utc_ms: i for i, epoch in enumerate(emitted)}
        self.times: Counter[int] = Counter()
        self.altered = 0
        self.invented = 0

    def deliver_dated(self, place: Place) -> None:
        i = self._index.get(place.t)
        if i is None:
            self.invented += 1
        elif not place.is_at(self._emitted[i]):
            self.altered += 1
        else:
            self.times[i] += 1

    def deliver_undated(self, places: Sequence[Place], offset_ms: int | None) -> None:
        after = -1
        for place in places:
            i = self._next(place, after) if offset_ms is None else self.find(place, offset_ms)
            if i is None:
                self.invented += 1
                continue
            after = i
            self.times[i] += 1

    def find(self, place: Place, offset_ms: int) -> int | None:
        """The epoch at this place around that time; of several (the car stands) the nearest in time."""
        utc_ms = place.t + offset_ms
        around = range(bisect_left(self._utc_ms, utc_ms - DATING_MS), bisect_right(self._utc_ms, utc_ms + DATING_MS))
        here = [i for i in around if place.is_at(self._emitted[i])]
        return min(here, key=lambda i: abs(self._utc_ms[i] - utc_ms), default=None)

    def _next(self, place: Place, after: int) -> int | None:
        """The first epoch at this place behind `after` that has not come."""
        behind = range(after + 1, len(self._emitted))
        return next((i for i in behind if i not in self.times and place.is_at(self._emitted[i])), None)


def _fates(
    emitted: Sequence[Epoch], arrived: list[bool], lives: Sequence[Life], unplugged: Sequence[Span], settled_at: float
) -> list[Fate]:
    fates: list[Fate] = []
    last_arrived: dict[Life, float] = {}
    first_listened: dict[Life, float] = {}
    owners = [next((life for life in lives if life.covers(epoch.at)), None) for epoch in emitted]
    for epoch, came, life in zip(emitted, arrived, owners, strict=True):
        if life is not None and epoch.listened:
            first_listened.setdefault(life, epoch.at)
        if life is not None and came:
            last_arrived[life] = epoch.at
    for epoch, came, life in zip(emitted, arrived, owners, strict=True):
        if came:
            fates.append(Fate.DELIVERED)
        elif life is None or (epoch.at <= first_listened.get(life, math.inf) and epoch.at - life.started_at <= START_S_MAX):
            # The first that found the port open may have come while it was being opened, which empties it.
            fates.append(Fate.NO_AGENT)
        elif any(span.since - READ_S_MAX <= epoch.at <= (span.until or math.inf) + REOPEN_S_MAX for span in unplugged):
            fates.append(Fate.UNPLUGGED)
        elif _uncommitted(epoch.at, life, last_arrived.get(life, -math.inf)):
            fates.append(Fate.UNCOMMITTED)
        else:
            fates.append(Fate.LOST if epoch.at < settled_at else Fate.WAITING)
    return fates


def _uncommitted(at: float, life: Life, last_arrived: float) -> bool:
    if not life.killed or life.ended_at is None:
        return False
    return at > last_arrived and life.ended_at - at <= life.uncommitted_s_max + COMMIT_S_MAX

"""The store as the world has it: the spool's effects go in; what is on disk, and the spool's events after each flush, come out.

As in `agent.adapters.spool`: all that waits is done in one transaction and answered after its flush; what fails is not answered. What was
not flushed is gone with the process; whether the transaction under way was flushed, chance decides.
"""

import itertools
from bisect import bisect_right, insort
from typing import TYPE_CHECKING

from agent.core.effects import Effect, Forget, Load, OpenSpool, Remember, Store
from agent.core.events import (
    Event,
    Forgotten,
    Lane,
    Loaded,
    Remembered,
    Row,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    SpoolQuarantined,
    Stored,
)
from agent.core.panic import MEMORY as ALARMS
from simulator.facts import Committed, Latched, Quarantined

if TYPE_CHECKING:
    from simulator.world import World

WAITING_MAX = 1024
"""As the spool's: what does not fit is dropped without a word."""

LOAD_BYTES_MAX = 256 * 1024
"""As the spool's."""

FLUSH_S = (0.004, 0.03)
SLOW_FLUSH_S = (0.1, 0.6)
SLOW_FLUSH_SHARE = 0.02
"""A good SD card flushes in some milliseconds, and now and then collects its garbage."""

OPEN_S = (0.05, 0.4)

Key = tuple[int, int, str]
"""Generation of the boot, number, name: the order in which rows lie."""


class WorldStore:
    """The card and the spool's thread."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.rows: dict[str, Row] = {}
        self.memory: dict[str, bytes] = {}
        self._keys: dict[Lane, list[Key]] = {lane: [] for lane in Lane}
        self._generations: dict[str, int] = {}
        self._waiting: list[Effect] = []
        self._under_way: list[Effect] = []
        self._process = 0
        self._open = False
        # faults
        self.flush_s: float | None = None
        self.down = False
        self.full = False
        self.damage: float | None = None

    # --- the spool's thread -------------------------------------------------------------------------------------------------------

    def perform(self, effect: Effect) -> None:
        """Put an effect of the store into the queue."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(effect)
            if not self._under_way:
                self._begin()

    def _begin(self) -> None:
        self._under_way, self._waiting = self._waiting, []
        self._world.after(self._transaction_s(), self._finish, self._process)

    def _transaction_s(self) -> float:
        rng = self._world.rng
        if self.flush_s is not None:
            return self.flush_s
        if any(isinstance(effect, OpenSpool) for effect in self._under_way):
            return rng.uniform(*OPEN_S)
        return rng.uniform(*(SLOW_FLUSH_S if rng.random() < SLOW_FLUSH_SHARE else FLUSH_S))

    def _finish(self, process: int) -> None:
        if process != self._process:
            return
        for opening, some in itertools.groupby(self._under_way, key=lambda effect: isinstance(effect, OpenSpool)):
            if opening:
                self._open_spool()
            elif self._open:
                self._write(list(some))
        self._under_way = []
        if self._waiting:
            self._begin()

    def _open_spool(self) -> None:
        if self.down:
            self._go_down()
        elif self.damage is not None:
            self._set_aside()
        else:
            self._open = True
            waiting = {lane: len(keys) for lane, keys in self._keys.items()}
            self._world.post(SpoolOpened(self._world.mono(), waiting, dict(self.memory)))

    def _write(self, effects: list[Effect]) -> None:
        if self.down:
            self._go_down()
            return
        if self.damage is not None:
            self._set_aside()
            return
        for event in self._commit(self._fitting(effects)):
            self._world.post(event)
        if len(self._fitting(effects)) < len(effects):
            self._world.post(SpoolFull(self._world.mono(), "full: no room for rows"))

    def _fitting(self, effects: list[Effect]) -> list[Effect]:
        """What finds room: when it is full, alarms, memory, and what makes or takes none."""
        return [effect for effect in effects if not self.full or not isinstance(effect, Store) or effect.lane is Lane.ALARM]

    def _go_down(self) -> None:
        self._open = False
        self._world.post(SpoolDown(self._world.mono(), "read-only file system"))

    def _set_aside(self) -> None:
        """A fresh store, with the rows that could be saved."""
        rng, share = self._world.rng, self.damage or 0.0
        self.damage = None
        lost = tuple(name for name in self.rows if rng.random() < share)
        for name in lost:
            self._drop(name)
        memory = tuple(name for name in self.memory if rng.random() < share)
        for name in memory:
            del self.memory[name]
        self._world.tell(Quarantined(lost, memory))
        self._world.post(SpoolQuarantined(self._world.mono(), "/var/lib/outpost/spool.damaged", "malformed database", len(self.rows)))
        self._open_spool()

    # --- on disk ------------------------------------------------------------------------------------------------------------------

    def _commit(self, effects: list[Effect]) -> list[Event]:
        """Do all of it; the events that answer it, one for neighbours of one kind."""
        at = self._world.mono()
        events: list[Event] = []
        for kind, some in itertools.groupby(effects, key=type):
            names: dict[str, None] = {}
            for effect in some:
                match effect:
                    case Store(name, lane, payload):
                        self._put(Row(name, lane, payload))
                        names[name] = None
                    case Forget(forgotten):
                        for name in forgotten:
                            self._drop(name)
                            names[name] = None
                    case Remember(name, value):
                        self._remember(name, value)
                        names[name] = None
                    case Load(lane, after, limit):
                        events.append(Loaded(at, lane, *self._load(lane, after, limit)))
            if kind is Store:
                self._world.tell(Committed(tuple(names)))
                events.append(Stored(at, tuple(names)))
            elif kind is Forget:
                events.append(Forgotten(at, tuple(names)))
            elif kind is Remember:
                events.append(Remembered(at, tuple(names)))
        return events

    def _key(self, name: str) -> Key:
        boot, seq = name.split("-")
        return self._generations.setdefault(boot, len(self._generations)), int(seq), name

    def _put(self, row: Row) -> None:
        self._drop(row.name)
        insort(self._keys[row.lane], self._key(row.name))
        self.rows[row.name] = row

    def _drop(self, name: str) -> None:
        row = self.rows.pop(name, None)
        if row is not None:
            keys = self._keys[row.lane]
            del keys[bisect_right(keys, self._key(name)) - 1]

    def _remember(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.memory.pop(name, None)
        else:
            self.memory[name] = value
        if name == ALARMS:
            self._world.tell(Latched(value))

    def _load(self, lane: Lane, after: str | None, limit: int) -> tuple[tuple[Row, ...], bool]:
        keys = self._keys[lane]
        start = bisect_right(keys, self._key(after)) if after is not None else 0
        rows: list[Row] = []
        size = 0
        for _, _, name in keys[start : start + limit]:
            row = self.rows[name]
            size += len(row.payload)
            if rows and size > LOAD_BYTES_MAX:
                break
            rows.append(row)
        return tuple(rows), start + len(rows) < len(keys)

    # --- the process ends ---------------------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """Killed, or without power: the transaction under way was flushed or was not, the queue is gone."""
        if self._under_way and self._open and not self.down and self.damage is None and self._world.rng.random() < 0.5:
            self._commit(self._fitting([effect for effect in self._under_way if not isinstance(effect, OpenSpool)]))
        self._forget_process()

    def close(self) -> None:
        """An orderly end: what was asked for is done, but nobody hears of it."""
        if self._open and not self.down and self.damage is None:
            self._commit(self._fitting([effect for effect in (*self._under_way, *self._waiting) if not isinstance(effect, OpenSpool)]))
        self._forget_process()

    def _forget_process(self) -> None:
        self._process += 1
        self._under_way, self._waiting, self._open = [], [], False

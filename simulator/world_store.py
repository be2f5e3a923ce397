"""The store as the world has it: the spool's effects go in; what is on disk, and the spool's events after each flush, come out.

Rows that wait lie in their lanes, rows that are kept in the history. A full card has no room beyond what its rows take just then.

As in `agent.adapters.spool`: all that waits is done in one transaction and answered after its flush; what fails is not answered. What was
not flushed is gone with the process; whether the transaction under way was flushed, chance decides.
"""

import itertools
from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

from agent.core.effects import Effect, Forget, Keep, Load, OpenSpool, Prune, Recall, Remember, Store
from agent.core.events import (
    Event,
    Forgotten,
    Lane,
    Loaded,
    Pruned,
    Recalled,
    Remembered,
    Row,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    SpoolQuarantined,
    Stored,
)
from agent.core.latches import MEMORY as ALARMS
from simulator.facts import Committed, Latched, PrunedRows, Quarantined

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


RESERVED = (Lane.ALARM, Lane.GAP)
"""Lanes for which a full store has some room left."""


class WorldStore:
    """The card and the spool's thread."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.rows: dict[str, Row] = {}
        self.memory: dict[str, bytes] = {}
        self.history: dict[str, Row] = {}
        self._keys: dict[Lane | None, list[Key]] = {lane: [] for lane in (*Lane, None)}
        self._generations: dict[str, int] = {}
        self._waiting: list[Effect] = []
        self._under_way: list[Effect] = []
        self._process = 0
        self._open = False
        # faults
        self.flush_s: float | None = None
        self.down = False
        self._bytes_max: int | None = None
        self.damage: float | None = None

    @property
    def full(self) -> bool:
        """There is no room beyond what the rows take now."""
        return self._bytes_max is not None

    @full.setter
    def full(self, full: bool) -> None:
        """It fills up, or is emptied of what is not ours."""
        self._bytes_max = self._bytes() if full else None

    def _bytes(self) -> int:
        return sum(len(row.payload) for rows in (self.rows, self.history) for row in rows.values() if row.lane not in RESERVED)

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
            waiting = {lane: len(self._keys[lane]) for lane in Lane}
            self._world.post(SpoolOpened(self._world.mono(), waiting, dict(self.memory), len(self.history)))

    def _write(self, effects: list[Effect]) -> None:
        if self.down:
            self._go_down()
            return
        if self.damage is not None:
            self._set_aside()
            return
        fitting = self._fitting(effects)
        for event in self._commit(fitting):
            self._world.post(event)
        if len(fitting) < len(effects):
            self._world.post(SpoolFull(self._world.mono(), "full: no room for rows"))

    def _fitting(self, effects: list[Effect]) -> list[Effect]:
        """What finds room: when it is full, alarms, declared losses, memory, and what makes or takes none."""
        if self._bytes_max is None:
            return effects
        new = sum(len(effect.payload) for effect in effects if isinstance(effect, Store) and effect.lane not in RESERVED)
        if self._bytes() + new <= self._bytes_max:
            return effects
        return [effect for effect in effects if not isinstance(effect, Store) or effect.lane in RESERVED]

    def _go_down(self) -> None:
        self._open = False
        self._world.post(SpoolDown(self._world.mono(), "read-only file system"))

    def _set_aside(self) -> None:
        """A fresh store, with the rows that could be saved."""
        rng, share = self._world.rng, self.damage or 0.0
        self.damage = None
        lost = tuple(name for name in (*self.rows, *self.history) if rng.random() < share)
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
            editions: dict[str, int] = {}
            for effect in some:
                match effect:
                    case Store(name, lane, payload, edition):
                        self._put(Row(name, lane, payload))
                        names[name], editions[name] = None, edition
                    case Keep(gone) | Forget(gone):
                        for name in gone:
                            (self._keep if kind is Keep else self._drop)(name)
                            names[name] = None
                    case Remember(name, value):
                        self._remember(name, value)
                        names[name] = None
                    case Load(lane, after, limit):
                        events.append(Loaded(at, lane, *self._load(lane, after, limit)))
                    case Recall(boot, first, last, limit):
                        events.append(Recalled(at, boot, first, last, *self._recall(boot, first, last, limit)))
                    case Prune():
                        events.append(self._prune(at, effect))
            if kind is Store:
                self._world.tell(Committed(tuple(names)))
                events.append(Stored(at, tuple(names), {name: edition for name, edition in editions.items() if edition}))
            elif kind in (Forget, Keep):
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
            self._unlist(row.lane, name)
        if self.history.pop(name, None) is not None:
            self._unlist(None, name)

    def _unlist(self, lane: Lane | None, name: str) -> None:
        keys = self._keys[lane]
        del keys[bisect_right(keys, self._key(name)) - 1]

    def _keep(self, name: str) -> None:
        row = self.rows.get(name)
        if row is not None:
            self._drop(name)
            insort(self._keys[None], self._key(name))
            self.history[name] = row

    def _prune(self, at: float, prune: Prune) -> Pruned:
        keys = self._keys[prune.lane]
        end = len(keys)
        if prune.before is not None:
            known = prune.before.partition("-")[0] in self._generations
            end = bisect_left(keys, self._key(prune.before)) if known else 0
        names = tuple(name for _, _, name in keys[: min(end, prune.rows)])
        for name in names:
            self._drop(name)
        if prune.note and names:
            self._remember(f"{prune.note} {names[0]}", " ".join(names).encode())
        self._world.tell(PrunedRows(prune.lane, names))
        return Pruned(at, prune.lane, names, end > len(names))

    def _recall(self, boot: str, first: int, last: int, limit: int) -> tuple[tuple[Row, ...], bool]:
        if boot not in self._generations:
            return (), False
        keys, generation = self._keys[None], self._generations[boot]
        found = keys[bisect_left(keys, (generation, first, "")) : bisect_left(keys, (generation, last + 1, ""))]
        rows, more = self._bounded([self.history[name] for _, _, name in found[:limit]])
        return rows, more or len(found) > limit

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
        rows, _ = self._bounded([self.rows[name] for _, _, name in keys[start : start + limit]])
        return rows, start + len(rows) < len(keys)

    @staticmethod
    def _bounded(rows: list[Row]) -> tuple[tuple[Row, ...], bool]:
        """As many of them as one answer may carry, and whether that leaves some."""
        sizes = itertools.accumulate(len(row.payload) for row in rows)
        fit = max(1, sum(size <= LOAD_BYTES_MAX for size in sizes))
        return tuple(rows[:fit]), fit < len(rows)

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

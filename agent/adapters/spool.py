"""The store's own thread: in go OpenSpool, Store, Forget, Load, Remember, out come what became of them, and how the store is.

All that waits is done in one transaction (a flush of the card costs the same for one row and for a thousand), in the order in which it was
asked for, and answered after the flush. What fails is not answered: the core asks again.
"""

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from agent.adapters.diskcache_store import DiskcacheStore
from agent.adapters.segment_store import SegmentStore, StoreDamaged, StoreError, StoreFull
from agent.adapters.spool_rescue import rescue, settle
from agent.adapters.spool_rows import Rows
from agent.adapters.store_lock import StoreLock
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

WAITING_MAX = 1024
"""Effects that wait for the thread. At 700 bytes a row this is a second of a slow card, and well under a megabyte."""

CLOSE_S_MAX = 10.0
"""How long `close` waits: a commit on a slow card, or the check of a large store."""

DIRECTORY = "spool"

Answers = list[tuple[Effect, tuple[tuple[Row, ...], bool] | None]]
"""Effects that are done, with what a Load has found."""


class Spool:
    """The store in the directory `spool` under `path`, bounded by `size_bytes_max`, for the rows of this `boot` (16 hexadecimal digits)."""

    def __init__(self, path: str, size_bytes_max: int, boot: str, post: Callable[[Event], None], now: Callable[[], float]) -> None:
        """Nothing is touched before OpenSpool. `now` gives monotonic seconds; `post` never blocks."""
        self._directory = Path(path) / DIRECTORY
        self._size_bytes_max = size_bytes_max
        self._boot = boot
        self._post = post
        self._now = now
        self._waiting: queue.Queue[Effect | None] = queue.Queue(WAITING_MAX)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._rows: Rows | None = None
        self._lock: StoreLock | None = None
        self._generations: dict[str, int] = {}

    def start(self) -> None:
        """Begin to work off what is asked for."""
        self._thread.start()

    def perform(self, effect: Effect) -> None:
        """Ask for OpenSpool, Store, Forget, Load or Remember; returns at once."""
        # When the queue is full the effect is dropped without a word: nothing answers it, and the core asks again.
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(effect)

    def close(self) -> None:
        """Do what was asked for so far, close the store and end the thread."""
        self._closing.set()
        # When the queue is full the thread is not waiting at it, and sees that we are closing before it would.
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S_MAX)

    # --- from here on: in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._work_off([self._waiting.get(), *self._all_waiting()])
            self._work_off(self._all_waiting())
        finally:
            self._shut()
            if self._lock is not None:
                self._lock.release()

    def _all_waiting(self) -> list[Effect | None]:
        waiting: list[Effect | None] = []
        with contextlib.suppress(queue.Empty):
            while len(waiting) < WAITING_MAX:
                waiting.append(self._waiting.get_nowait())
        return waiting

    def _work_off(self, effects: list[Effect | None]) -> None:
        """In order: neighbouring OpenSpools are one, and so is all between two of them."""
        for opening, some in itertools.groupby(effects, key=lambda effect: isinstance(effect, OpenSpool)):
            if opening:
                self._open()
            else:
                self._write([effect for effect in some if effect is not None])

    # --- opening ---

    def _open(self) -> None:
        """Open the store unless it is, and say what is in it."""
        try:
            if self._rows is None:
                self._lock = self._lock or StoreLock(self._directory)
                settle(self._directory)
                self._rows = Rows(self._opened(self._directory), self._boot, self._generations)
                self._rows.open()
            self._tell()
        except StoreDamaged as damage:
            self._set_aside(damage)
        except (StoreError, OSError) as error:
            self._go_down(error)

    def _opened(self, directory: Path) -> SegmentStore:
        return DiskcacheStore(directory, self._size_bytes_max)

    def _tell(self) -> None:
        assert self._rows is not None
        with self._rows.transact(reserve=True):
            waiting, memory = self._rows.waiting(), self._rows.memory()
        self._post(SpoolOpened(self._now(), waiting, memory))

    def _set_aside(self, damage: StoreDamaged) -> None:
        """Put a fresh store, with what could be saved, in the place of the damaged one, and open it."""
        self._shut()
        try:
            aside, rows = rescue(self._directory, self._opened)
            self._post(SpoolQuarantined(self._now(), str(aside), str(damage), rows))
            self._rows = Rows(self._opened(self._directory), self._boot, self._generations)
            self._rows.open()
            self._tell()
        except (StoreError, OSError) as error:
            self._go_down(error)

    def _go_down(self, error: StoreError | OSError) -> None:
        self._shut()
        reason = str(error)
        if isinstance(error, OSError):
            reason = f"{self._directory} cannot be used: {error}; [store] path must be a directory that the agent may write"
        self._post(SpoolDown(self._now(), reason))

    def _shut(self) -> None:
        rows, self._rows = self._rows, None
        if rows is not None:
            # It is given up, or was committed long before; an error of closing adds nothing to what has been said.
            with contextlib.suppress(StoreError):
                rows.close()

    # --- rows ---

    def _write(self, effects: list[Effect]) -> None:
        """Do all in one transaction and answer. When there is no room, do at least what makes some, and what matters most."""
        full: StoreFull | None = None
        for choice in (_anything, _is_urgent, _is_freeing):
            chosen = [effect for effect in effects if choice(effect)]
            if self._rows is None or not chosen:
                continue
            try:
                self._answer(self._done(self._rows, chosen))
                break
            except StoreFull as error:
                full = error
            except StoreDamaged as damage:
                self._set_aside(damage)
                return
            except StoreError as error:
                self._go_down(error)
                return
        if full is not None:
            # The store stays open: room is made by forgetting.
            self._post(SpoolFull(self._now(), str(full)))

    def _done(self, rows: Rows, effects: list[Effect]) -> Answers:
        answers: Answers = []
        with rows.transact(reserve=all(_is_urgent(effect) for effect in effects)):
            for effect in effects:
                found = None
                match effect:
                    case Store(name, lane, payload):
                        rows.store(name, lane, payload)
                    case Forget(names):
                        rows.forget(names)
                    case Remember(name, value):
                        rows.remember(name, value)
                    case Load(lane, after, limit):
                        found = rows.load(lane, after, limit)
                    case _:
                        raise AssertionError(f"{effect!r} is nothing for the store")
                answers.append((effect, found))
        return answers

    def _answer(self, answers: Answers) -> None:
        """One event for neighbours of one kind, so that the order of what happened to a name is the order of the events."""
        at = self._now()
        for kind, some in itertools.groupby(answers, key=lambda answer: type(answer[0])):
            names: dict[str, None] = {}
            for effect, found in some:
                match effect:
                    case Load(lane) if found is not None:
                        self._post(Loaded(at, lane, *found))
                    case Forget(forgotten):
                        names.update(dict.fromkeys(forgotten))
                    case Store(name) | Remember(name):
                        names[name] = None
            if kind is Store:
                self._post(Stored(at, tuple(names)))
            elif kind is Forget:
                self._post(Forgotten(at, tuple(names)))
            elif kind is Remember:
                self._post(Remembered(at, tuple(names)))


def _anything(_: Effect) -> bool:
    return True


def _is_urgent(effect: Effect) -> bool:
    """What may use the last pages: all but rows of the lower lanes."""
    return not isinstance(effect, Store) or effect.lane == Lane.ALARM


def _is_freeing(effect: Effect) -> bool:
    """What takes no room."""
    return isinstance(effect, Forget | Load)

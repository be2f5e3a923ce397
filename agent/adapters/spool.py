"""The store's own thread: in go OpenSpool, Store, Keep, Load and their like, out come what became of them, and how the store is.

All that waits is done in one transaction (a flush of the card costs the same for one row and for a thousand), in the order in which it was
asked for, and answered after the flush. What fails is not answered: the core asks again. After an error of the disk the files are not
trusted any more: at the next OpenSpool what they hold is checked row by row and copied into fresh ones. When that does not help, the
store is down, and the next copy is made after a wait that doubles.
"""

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from agent.adapters.diskcache_store import DiskcacheStore
from agent.adapters.segment_store import Room, SegmentStore, StoreBroken, StoreDamaged, StoreError, StoreFailed, StoreFull, StoreNewer
from agent.adapters.spool_batch import CHOICES, done, events
from agent.adapters.spool_rescue import Retry, rescue, settle
from agent.adapters.spool_rows import Rows
from agent.adapters.store_aside import put_newer_aside
from agent.adapters.store_lock import StoreLock
from agent.core.effects import Effect, OpenSpool, Remember, Store
from agent.core.events import Event, SpoolDown, SpoolFull, SpoolOpened, SpoolQuarantined
from agent.wire.whys import Why, why

WAITING_MAX = 1024
"""Effects that wait for the thread. At 700 bytes a row this is a second of a slow card, and well under a megabyte."""

CLOSE_S_MAX = 10.0
"""How long `close` waits: a commit on a slow card, or the check of a large store."""

DIRECTORY = "spool"


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
        self._store_id: bytes | None = None
        self._broken: Why | None = None
        self._retry = Retry()

    def start(self) -> None:
        """Begin to work off what is asked for."""
        self._thread.start()

    def perform(self, effect: Effect) -> None:
        """Ask for any effect of the store; returns at once."""
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
                if self._broken and self._directory.exists():
                    raise StoreDamaged(self._broken)
                self._open_rows(self._store_id)
            self._tell()
        except StoreDamaged as damage:
            self._rescue(damage)
        except StoreNewer as newer:
            self._replace(newer, lambda: (put_newer_aside(self._directory, self._size_bytes_max), None))
        except (StoreError, OSError) as error:
            self._go_down(error)

    def _open_rows(self, former_id: bytes | None) -> None:
        rows = Rows(self._opened(self._directory), self._boot, self._generations)
        self._rows = rows
        rows.open(former_id)
        self._store_id, self._broken = rows.store_id, None
        if former_id not in (None, rows.store_id):
            reason = why("store_another", path=str(self._directory))
            self._post(SpoolQuarantined(self._now(), str(self._directory), reason, 0))

    def _opened(self, directory: Path) -> SegmentStore:
        return DiskcacheStore(directory, self._size_bytes_max)

    def _tell(self) -> None:
        assert self._rows is not None
        with self._rows.transact(Room.MOVES):
            waiting, memory, kept = self._rows.waiting(), self._rows.memory(), self._rows.kept()
        self._post(SpoolOpened(self._now(), waiting, memory, kept))

    def _rescue(self, damage: StoreDamaged) -> None:
        """Copy what can be read into a fresh store, unless that was done a short while ago."""
        reason = damage.reason
        if self._broken:
            reason = why("store_copied", reason=self._broken)
        # So that it is not opened again before it was copied.
        self._broken = self._broken or reason
        if self._retry.is_due(self._now()):
            self._replace(StoreDamaged(reason), lambda: rescue(self._directory, self._size_bytes_max, self._opened))
            self._retry.tried(self._now())
        else:
            self._go_down(StoreFailed(why("store_copied_in_vain", reason=self._broken, seconds=round(self._retry.wait_s))))

    def _replace(self, error: StoreError, put_away: Callable[[], tuple[Path, int | None]]) -> None:
        """Put a fresh store, with what could be saved, in the place of the one that cannot be used, and open it."""
        self._shut()
        try:
            aside, rows = put_away()
            self._broken = None
            self._post(SpoolQuarantined(self._now(), str(aside), error.reason, rows))
            self._open_rows(None)
            self._tell()
        except (StoreError, OSError) as e:
            self._go_down(e)

    def _go_down(self, error: StoreError | OSError) -> None:
        self._shut()
        if self._lock is not None:
            # It may lie in a directory that is gone. Whoever opens takes it anew.
            self._lock.release()
            self._lock = None
        if isinstance(error, StoreError):
            reason = error.reason
        else:
            reason = why("store_unusable", path=str(self._directory), reason=str(error))
        if isinstance(error, StoreBroken):
            self._broken = reason
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
        nothing_leaves = False
        for choice in CHOICES:
            chosen = [effect for effect in effects if choice(effect)]
            if self._rows is None or not chosen:
                continue
            try:
                answers = done(self._rows, chosen)
                if any(isinstance(effect, Store | Remember) for effect in chosen):
                    self._retry.succeeded()
                for event in events(self._now(), answers):
                    self._post(event)
                # An officer waits for the word; the log is folded in, which takes as many flushes again, when it is given.
                self._rows.tidy()
                break
            except StoreFull as error:
                full, nothing_leaves = error, choice is CHOICES[-1]
            except StoreDamaged as damage:
                self._rescue(damage)
                return
            except StoreError as error:
                self._go_down(error)
                return
        if full is not None and nothing_leaves:
            # A disk without a block for the log, or one (f2fs, btrfs) that takes a new block even to write an old one.
            self._go_down(full)
        elif full is not None:
            # The store stays open: room is made by forgetting.
            self._post(SpoolFull(self._now(), full.reason))

"""What lies in the store and what was asked of it: confirmations go in, requests to make or to repeat come out; for the outbox."""

import math

from agent.core.effects import Forget, Keep, Load
from agent.core.events import Lane, Loaded, SpoolOpened
from agent.wire.whys import Reason

ASK_AGAIN_S = 5.0
"""A store, a load or a forgetting that is not confirmed by then is asked again; longer than a slow card's fsync."""

UNSTORED_MAX = 2000
"""Records asked of it and not confirmed; a disk that hangs without an error is treated as none from there on."""

ROOM_S = 60.0
"""A full store is one until it takes something and has not said `full` for so long: small rows fit where others do not."""

LOAD_ROWS = 64
"""Rows read back at a time."""


class Shelf:
    """The store, as far as the outbox knows it."""

    def __init__(self) -> None:
        self.open = False
        self.down: Reason = ""
        self.unstored: dict[str, float] = {}
        self.forgetting: dict[str, tuple[float, bool]] = {}
        self.has_room = True
        self._full_at = -math.inf
        self._crowded = False
        self._open_asked_at = -math.inf
        self._rows: dict[Lane, int] = dict.fromkeys(Lane, 0)
        self._loading: dict[Lane, float] = {}
        self._more: dict[Lane, None] = {}
        self._cursor: dict[Lane, str | None] = {}

    # --- the store as a whole ------------------------------------------------------------------------------------------------------

    def opened(self, opened: SpoolOpened) -> None:
        """It is open, with so many rows: all of them are to be read, some may be in memory too."""
        self.open = True
        self.down = "" if self.has_room else self.down
        self._rows = dict.fromkeys(Lane, 0) | opened.waiting
        self._loading.clear()
        for lane, rows in opened.waiting.items():
            if rows:
                self.let_lie(lane)

    def failed(self, reason: Reason) -> None:
        """It is down; nothing is durable."""
        self.open, self.down = False, reason

    def said_full(self, at: float) -> None:
        """It is there, and took nothing but alarms just now."""
        self._full_at = at

    def room(self, room: bool, reason: Reason) -> None:
        """Whether room could be made in it."""
        self.has_room, self.down = room, "" if room else reason
        self._crowded |= not room

    def crowded(self, at: float) -> None:
        """What was to be kept had to go."""
        self._crowded, self._full_at = True, at

    def room_again(self, at: float) -> bool:
        """It took a row that is no alarm: whether that is the end of being full."""
        if not self._crowded or at - self._full_at < ROOM_S:
            return False
        self.has_room, self.down, self._crowded = True, "", False
        return True

    @property
    def takes(self) -> bool:
        """Whether what is asked of it now will probably lie there soon."""
        return self.open and self.has_room and not self.full()

    @property
    def takes_gaps(self) -> bool:
        """The same of the declaration of a loss, for which a full store has room of its own."""
        return self.open and not self.full()

    def reopen(self, at: float) -> bool:
        """Whether it is time to ask for it again: it is down, or it is said to be open and answers nothing (its end may have been lost)."""
        silent = self._owes(at) and at - self._full_at >= 2 * ASK_AGAIN_S  # one that says that it is full is there
        if (self.open and not silent) or at - self._open_asked_at < ASK_AGAIN_S:
            return False
        self._open_asked_at = at
        return True

    def _owes(self, at: float) -> bool:
        asked = (*self.unstored.values(), *(since for since, _ in self.forgetting.values()), *self._loading.values())
        return any(at - asked_at >= ASK_AGAIN_S for asked_at in asked)

    def full(self) -> bool:
        """Whether it has been asked for all that it will be waited for."""
        return len(self.unstored) >= UNSTORED_MAX

    def rows(self, lane: Lane) -> int:
        """Rows of that lane in the store, as far as is known."""
        return self._rows[lane]

    # --- rows ----------------------------------------------------------------------------------------------------------------------

    def stored(self, lane: Lane) -> None:
        """One more row lies there."""
        self._rows[lane] += 1

    def off_disk(self, lane: Lane) -> None:
        """One row of that lane does not wait there any more."""
        self._rows[lane] = max(0, self._rows[lane] - 1)

    def forget(self, at: float, name: str, lane: Lane, counted: bool) -> Forget:
        """One row less, when it was `counted`."""
        self._part(at, name, lane, counted, False)
        return Forget((name,))

    def keep(self, at: float, name: str, lane: Lane, counted: bool) -> Keep:
        """One row goes from its lane, where it was `counted`, into history."""
        self._part(at, name, lane, counted, True)
        return Keep((name,))

    def _part(self, at: float, name: str, lane: Lane, counted: bool, keeps: bool) -> None:
        if counted:
            self.off_disk(lane)
        self.forgetting[name] = (at, keeps)

    def unstored_for_long(self, at: float) -> list[str]:
        """Rows that were asked of it and not confirmed."""
        return [name for name, asked in self.unstored.items() if at - asked >= ASK_AGAIN_S]

    def forget_again(self, at: float) -> list[Forget | Keep]:
        """The forgetting and keeping that was not confirmed, asked again."""
        if not self.forgetting:
            return []
        late = {name: keeps for name, (asked, keeps) in self.forgetting.items() if at - asked >= ASK_AGAIN_S}
        self.forgetting.update((name, (at, keeps)) for name, keeps in late.items())
        forget, keep = (tuple(name for name, keeps in late.items() if keeps is which) for which in (False, True))
        return [*([Forget(forget)] if forget else []), *([Keep(keep)] if keep else [])]

    # --- reading back --------------------------------------------------------------------------------------------------------------

    def let_lie(self, lane: Lane) -> None:
        """A row is on disk and not in memory any more: it will be read back, even when the reading has already passed its place."""
        self._more[lane] = None
        self._cursor.pop(lane, None)

    def lying(self) -> list[Lane]:
        """Lanes of which rows lie there that memory does not hold, alarms first."""
        return sorted(self._more)

    def load(self, at: float, lane: Lane) -> Load | None:
        """The next rows of a lane, when there are any that memory does not hold and they have not been asked for just now."""
        if not self.open or lane not in self._more or at - self._loading.get(lane, -math.inf) < ASK_AGAIN_S:
            return None
        self._loading[lane] = at
        return Load(lane, self._cursor.setdefault(lane, None), LOAD_ROWS)

    def loaded(self, loaded: Loaded) -> None:
        """Rows have come; the next ones are those behind them."""
        asked = self._loading.pop(loaded.lane, None)
        if asked is None or loaded.lane not in self._cursor:
            return  # something was laid down behind the reader since it was asked: it reads from the start again
        if loaded.more and loaded.rows:
            self._cursor[loaded.lane] = loaded.rows[-1].name
        else:
            self._more.pop(loaded.lane, None)
            del self._cursor[loaded.lane]

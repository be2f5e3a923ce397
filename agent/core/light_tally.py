"""Light tally: which groups play light, and which are seen dark, go in; for how long the bar has shone on the local day comes out.

Theory. The bar shines while any group plays light, as its outputs say, and is not seen dark. The sum is remembered, so that a restart does
not begin it anew: seldom, since each commit wears the card (a crash loses what came since), and when the day turns. While the date is not
known, the time counts to the day last known; see `data_tally`.
"""

import math
from typing import Any

from agent.core import local_days
from agent.core.data_tally import Tally
from agent.core.effects import Remember
from agent.core.events import Event, LightsSeen, LightsTurned, Remembered, SpoolDown, SpoolOpened, Started, StopRequested
from agent.core.part import Outputs, Part
from agent.core.timebase import Timebase

MEMORY = "lights_on"
"""Name under which the sum lies in the store: day, milliseconds; `-` for a day that was never known."""

WRITE_S = 600.0
"""It is written no more often than that, but for the turn of a day and the end of the process."""

DAY_S = 86_400.0


class LightTally(Part):
    """How long the bar has shone today."""

    name = "lights_on"
    listens = (Started, LightsTurned, LightsSeen, SpoolOpened, SpoolDown, Remembered, StopRequested)

    def __init__(self, time: Timebase, east_s: local_days.EastS = local_days.china, bar: bool = True) -> None:
        """`bar`: whether there are any lights."""
        self._time = time
        self._east_s = east_s
        self._bar = bar
        self._day = Tally(DAY_S)
        self._playing: dict[str, bool | None] = {}
        self._dark: set[str] = set()
        self._counted_to = -math.inf
        self._look_at = math.inf
        self._open = self._recalled = False
        self._asked: tuple[int | None, int] = (None, 0)
        self._asked_at = -math.inf
        self._kept = True

    @property
    def deadline(self) -> float:
        """The next full minute, in which a day may begin."""
        return self._look_at

    def handle(self, event: Event) -> Outputs:
        """Count up to now, then take what has changed."""
        at = event.at
        if not self._bar:
            return ()
        self._count(at)
        match event:
            case Started():
                self._look_at = local_days.minute_after(at, self._time.offset_ms())
            case LightsTurned(playing=playing):
                self._playing = playing
            case LightsSeen(group=group, lit=lit):
                self._dark = self._dark - {group} if lit else self._dark | {group}
            case SpoolOpened(memory=memory):
                self._opened(memory.get(MEMORY))
            case SpoolDown():
                self._open = False
            case Remembered(names=names):
                self._kept = self._kept or MEMORY in names
            case StopRequested():
                return self._write(at, after_s=0.0)
        return ()

    def expire(self) -> Outputs:
        """A minute has gone by, and perhaps a day."""
        at = self._look_at
        self._count(at)
        self._look_at = local_days.minute_after(at, self._time.offset_ms())
        turned = self._asked[0] is not None and self._day.label != self._asked[0]
        return self._write(at, after_s=0.0 if turned else WRITE_S)

    def _count(self, at: float) -> None:
        """The time since it was last counted, of the day that it was then; whole milliseconds, so that nothing is lost in between."""
        since = self._counted_to
        if any(plays and group not in self._dark for group, plays in self._playing.items()):
            ms = math.floor((at - since) * 1000)
            self._day.add(ms)
            self._look(since)
            self._counted_to = since + ms / 1000
        else:
            self._counted_to = at
        self._look(at)

    def _look(self, at: float) -> None:
        """What day it is."""
        offset_ms = self._time.offset_ms()
        if offset_ms is None:
            self._day.is_unknown(at)
        else:
            self._day.is_label(at, local_days.day(round(at * 1000) + offset_ms, self._east_s))

    # --- the store ----------------------------------------------------------------------------------------------------------------

    def _opened(self, kept: bytes | None) -> None:
        """The first opening of a boot tells what was counted before it; one without our row has lost it."""
        self._open = True
        found = _read(kept)
        if not self._recalled and found is not None:
            self._day.recall(*found)
            self._asked = found
        self._recalled = True
        if found is None and self._day.amount:
            self._kept = False

    def _write(self, at: float, after_s: float) -> Outputs:
        now = (self._day.label, self._day.amount)
        if not self._open or (self._kept and now[1] == self._asked[1]) or at - self._asked_at < after_s:
            return ()
        self._asked, self._asked_at, self._kept = now, at, False
        label = "-" if now[0] is None else now[0]
        return [Remember(MEMORY, f"{label} {now[1]}".encode())]

    def status(self, now: float) -> dict[str, Any]:
        """Whole seconds of today; None until the store has said what came before, and where there are no lights."""
        return {"s_today": self._day.amount // 1000 if self._bar and self._recalled else None}


def _read(value: bytes | None) -> tuple[int | None, int] | None:
    """What was remembered; None when that is nothing of ours."""
    words = (value or b"").decode("ascii", "replace").split(" ")
    if len(words) != 2 or not all(word.isdecimal() and len(word) <= 15 for word in words if word != "-") or words[1] == "-":
        return None
    return None if words[0] == "-" else int(words[0]), int(words[1])

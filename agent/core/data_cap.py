"""Data cap: bytes on the bill, and the day where the unit is, go in; what has to wait or become seldom, to spare the SIM, comes out.

Theory. The contract with the network is for a day, a month, or both. What is used of the fuller one decides:

    80 %   history (back-fill) waits, for the next day or month; fault `data.cap`
    90 %   the live position comes SLOW_FACTOR times more seldom
    100 %  no live position

Alarms with their positions, events, answers, states and presence always go, beyond every cap: a bill is cheaper than an officer. Within
a day the counts only rise, so a step once taken stays until the day ends (or the cap is raised, which takes a restart).

The counts are remembered, so that restarts do not begin them anew: a crash loses what came since, WRITE_EACH of the smaller cap at most or
what WRITE_S brings. Who does not know the time yet counts to the day last known; see `data_tally`.
"""

import math
from typing import Any

from agent.config import Mqtt
from agent.core import local_days
from agent.core.data_tally import Tally
from agent.core.effects import Note, Remember
from agent.core.events import (
    Event,
    FaultSeen,
    HistoryHeld,
    LiveSlowed,
    Remembered,
    SpoolDown,
    SpoolOpened,
    Started,
    StopRequested,
    Traffic,
)
from agent.core.part import Output, Outputs, Part
from agent.core.timebase import Timebase
from agent.wire.why_codes import Code
from agent.wire.whys import Reason, told, why

HOLD, SLOW, STOP = 0.8, 0.9, 1.0
"""Shares of a cap: the last fifth is for what happens now, the last tenth for who is where."""

FULL: dict[str, Code] = {"day": "data_cap_day", "month": "data_cap_month"}
"""What is said when a cap is nearly reached."""

SLOW_FACTOR = 6
"""A car that says each half minute where it is can still be found on a map; its dot is a sixth of the bytes."""

LOOK_S = 60.0
"""How often the date is looked at: a day begins so late at most, with what waited for it."""

WRITE_S = 300.0
WRITE_EACH = 0.01
WRITE_S_MIN = 10.0
"""The counts are written so often, or sooner when so much of a cap has moved since, but no more often than that."""

WRITE_UNCAPPED_S = 1800.0
"""Without a cap they are for information only, and each commit wears the card."""

AGAIN_S = 30.0
"""A store that has not confirmed by then is asked again."""

MEMORY = "data"
"""Name under which the counts lie in the store: day, bytes, month, bytes; `-` for a date that was never known."""

DAY_S, MONTH_S = 86_400.0, 31 * 86_400.0


class DataCap(Part):
    """The bytes of the SIM."""

    name = "data"
    listens = (Started, StopRequested, Traffic, SpoolOpened, SpoolDown, Remembered)

    def __init__(self, config: Mqtt, time: Timebase, east_s: local_days.EastS) -> None:
        self._time = time
        self._east_s = east_s
        self._day, self._month = Tally(DAY_S), Tally(MONTH_S)
        self._caps = (("day", config.bytes_per_day_max, self._day), ("month", config.bytes_per_month_max, self._month))
        caps = [cap for _, cap, _ in self._caps if cap]
        self._write_bytes = min(caps) * WRITE_EACH if caps else math.inf
        self._write_s = WRITE_S if caps else WRITE_UNCAPPED_S
        self._look_at = math.inf
        self._up = self._down = 0
        self._step = 0.0
        self._open = self._recalled = False
        self._asked_bytes = 0
        self._asked_at = -math.inf
        self._kept = True

    @property
    def deadline(self) -> float:
        """When the date is looked at next."""
        return self._look_at

    def handle(self, event: Event) -> Outputs:
        """Count bytes, or hear of the store."""
        at = event.at
        match event:
            case Started():
                self._look_at = at + LOOK_S
            case Traffic():
                return self._count(event)
            case SpoolOpened(memory=memory):
                return self._opened(at, memory.get(MEMORY))
            case SpoolDown():
                self._open = False
            case Remembered(names=names):
                self._kept = self._kept or MEMORY in names
            case StopRequested():
                return self._write(at, least=1, after_s=0.0)
        return ()

    def expire(self) -> Outputs:
        """Another day may have begun."""
        at = self._look_at
        self._look_at = at + LOOK_S
        self._look(at)
        return [*self._judge(at), *self._write_if_due(at)]

    # --- counting -----------------------------------------------------------------------------------------------------------------

    def _count(self, traffic: Traffic) -> Outputs:
        """The sums of the process: what is doubled or late adds nothing."""
        size = max(0, traffic.up_bytes - self._up) + max(0, traffic.down_bytes - self._down)
        self._up, self._down = max(self._up, traffic.up_bytes), max(self._down, traffic.down_bytes)
        self._look(traffic.at)
        self._day.add(size)
        self._month.add(size)
        self._look(traffic.at)
        return [*self._judge(traffic.at), *self._write_if_due(traffic.at)]

    def _look(self, at: float) -> None:
        """What day it is."""
        offset_ms = self._time.offset_ms()
        if offset_ms is None:
            self._day.is_unknown(at)
            self._month.is_unknown(at)
            return
        day = local_days.day(round(at * 1000) + offset_ms, self._east_s)
        self._day.is_label(at, day)
        self._month.is_label(at, local_days.month(day))

    # --- what is spared -----------------------------------------------------------------------------------------------------------

    def _fullest(self) -> tuple[float, str, int, Tally]:
        """Share, and what is to be said of it; 0 without a cap."""
        shares = ((tally.amount / cap if cap else 0.0, name, cap, tally) for name, cap, tally in self._caps)
        return max(shares, key=lambda found: found[0])

    def _judge(self, at: float) -> list[Output]:
        share, name, cap, tally = self._fullest()
        step = max(step for step in (0.0, HOLD, SLOW, STOP) if share >= step)
        was, self._step = self._step, step
        out: list[Output] = []
        if step == was:
            return out
        if bool(step) != bool(was):
            out.append(HistoryHeld(at, step > 0))
        if _factor(step) != _factor(was):
            out.append(LiveSlowed(at, _factor(step)))
        if not step:
            return [*out, FaultSeen(at, "data.cap", False), Note("info", "the bytes of a new day or month: nothing is held back any more")]
        used = f"{tally.amount / 1e6:.1f} of {cap / 1e6:.1f} MB of this {name} are used"
        out.append(Note("warning", f"{used}: {_spares(step)} until {self._until()}"))
        facts = {"used_mb": tally.amount / 1e6, "cap_mb": cap / 1e6, "until": self._until(), "slow": SLOW, "stop": STOP}
        return [*out, FaultSeen(at, "data.cap", True, why(FULL[name], **facts))]

    def _until(self) -> Reason:
        """The local date on which the last of what holds something back ends."""
        (_, _, day), (_, cap, month) = self._caps
        if cap and month.amount >= HOLD * cap:
            return why("next_month") if month.label is None else local_days.month_text(month.label + 1)
        return why("next_day") if day.label is None else local_days.day_text(day.label + 1)

    # --- the store ----------------------------------------------------------------------------------------------------------------

    def _opened(self, at: float, kept: bytes | None) -> Outputs:
        """The first opening of a boot tells what was counted before it; one without our row has lost it."""
        self._open = True
        self._look(at)
        found = _read(kept)
        if not self._recalled and found is not None:
            day, day_bytes, month, month_bytes = found
            self._day.recall(day, day_bytes)
            self._month.recall(month, month_bytes)
        self._recalled = True
        if found is None and self._up + self._down:
            self._kept = False
        return self._judge(at)

    def _write_if_due(self, at: float) -> list[Output]:
        soon = self._up + self._down - self._asked_bytes >= self._write_bytes
        return self._write(at, least=0 if not self._kept else 1, after_s=WRITE_S_MIN if soon else self._write_s if self._kept else AGAIN_S)

    def _write(self, at: float, least: int, after_s: float) -> list[Output]:
        total = self._up + self._down
        if not self._open or total - self._asked_bytes < least or at - self._asked_at < after_s:
            return []
        self._asked_bytes, self._asked_at, self._kept = total, at, False
        words = (f"{'-' if tally.label is None else tally.label} {tally.amount}" for tally in (self._day, self._month))
        return [Remember(MEMORY, " ".join(words).encode())]

    def status(self, now: float) -> dict[str, Any]:
        """Bytes of this day and month (None until the store has said what came before), their caps, what is spared, and of this boot."""
        until: Reason = self._until() if self._step else ""
        return {
            "today_bytes": self._day.amount if self._recalled else None,
            "month_bytes": self._month.amount if self._recalled else None,
            **{f"{name}_bytes_max": cap for name, cap, _ in self._caps if cap},
            "spares": _spares(self._step) or None,
            "until": str(until) or None,
            **({"until_why": pieces} if (pieces := told(until)) else {}),
            "up_bytes": self._up,
            "down_bytes": self._down,
        }


def _factor(step: float) -> int:
    return 0 if step >= STOP else SLOW_FACTOR if step >= SLOW else 1


def _spares(step: float) -> str:
    """What waits or is seldom from that share on."""
    live = "no live position" if step >= STOP else "slow live position" if step >= SLOW else ""
    return ", ".join(part for part in ("history waits" if step >= HOLD else "", live) if part)


def _read(value: bytes | None) -> tuple[int | None, int, int | None, int] | None:
    """What was remembered; None when that is nothing of ours."""
    words = (value or b"").decode("ascii", "replace").split(" ")
    good = len(words) == 4 and all(word == "-" or (word.isdecimal() and len(word) <= 15) for word in words)
    if not good or "-" in (words[1], words[3]):
        return None
    day, month = (None if word == "-" else int(word) for word in (words[0], words[2]))
    return day, int(words[1]), month, int(words[3])

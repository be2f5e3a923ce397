"""Untested: what came of walk tests, and the time, go in; the fault `panic.untested` comes out when a button's last test is too long ago.

Theory. Days count from the last passed test of a button; of one that was never tested from when the unit first knew the time, or first
knew of the button. Both are remembered. Without the time nobody can say how long ago that was, so nothing is said; a test that is passed
before the time is known is dated when it becomes known, in this boot or (then with the time of that) in a later one.
"""

import math
from typing import Any

import msgpack
import msgspec

from agent.config import Input, InputUse
from agent.config import WalkTest as Config
from agent.core.events import Event, FaultSeen, Remembered, Reported, SpoolOpened, TimeLearned
from agent.core.keepsake import Keepsake
from agent.core.part import Output, Outputs, Part
from agent.core.timebase import Timebase
from agent.wire.records import SelfTest
from agent.wire.whys import why

MEMORY = "tested"
"""Name under which the dates lie in the store."""

DAY_MS = 86_400_000

LOOK_S_MIN = 1.0
"""The time may be told a little less than a day by a day's end."""


class Date(msgspec.Struct):
    """From when the days of a button count (None: from when the time is known), and whether that was a passed test."""

    utc_ms: int | None = None
    passed: bool = False


class Untested(Part):
    """When each panic button was tested."""

    name = "tested"
    listens = (SpoolOpened, Remembered, TimeLearned, Reported)

    def __init__(self, inputs: tuple[Input, ...], config: Config, time: Timebase) -> None:
        self._buttons = [i.id for i in inputs if i.use is InputUse.PANIC]
        self._every_ms = config.every_days * DAY_MS
        self._time = time
        self._memory = Keepsake(MEMORY)
        self._dates: dict[str, Date] = {}
        self._passed_at: dict[str, float] = {}
        self._opened = False
        self._look_at = math.inf
        self._overdue: list[str] = []

    @property
    def deadline(self) -> float:
        """When the next button is overdue, or the store is to be asked again."""
        return min(self._look_at, self._memory.deadline)

    def handle(self, event: Event) -> Outputs:
        """Take what is remembered, the time, or what came of a test."""
        match event:
            case Reported(record=SelfTest(what="walk_test", inputs=inputs)):
                return self._passed(event.at, [name for name in self._buttons if inputs.get(name) == "acknowledged"])
            case SpoolOpened(memory=memory):
                return self._recall(event.at, memory.get(MEMORY))
            case Remembered(names=names):
                self._memory.confirmed(names)
            case TimeLearned():
                return self._judge(event.at)
        return ()

    def expire(self) -> Outputs:
        """Look at the dates, or ask the store again."""
        at = self.deadline
        return self._judge(at) if at == self._look_at else [self._memory.again()]

    def _passed(self, at: float, names: list[str]) -> list[Output]:
        for name in names:
            self._dates[name] = Date(passed=True)
            self._passed_at[name] = at
        return self._judge(at, changed=bool(names))

    def _recall(self, at: float, value: bytes | None) -> list[Output]:
        """What was remembered counts, but for what was tested in this boot."""
        self._opened = True
        self._dates = _unpacked(value) | {name: date for name, date in self._dates.items() if name in self._passed_at}
        return self._judge(at, changed=bool(self._passed_at))

    def _judge(self, at: float, changed: bool = False) -> list[Output]:
        """Date what can be dated, and see what is overdue."""
        self._look_at = math.inf
        now_ms, _ = self._time.stamp(at)
        if not self._opened:
            return []
        if now_ms is not None:
            changed |= self._date(now_ms)
        out: list[Output] = [self._keep(at)] if changed else []
        return [*out, *self._compare(at, now_ms)] if now_ms is not None and self._every_ms else out

    def _date(self, now_ms: int) -> bool:
        """Whether there was any without a date."""
        undated = [name for name in self._buttons if self._dates.get(name, Date()).utc_ms is None]
        for name in undated:
            at = self._passed_at.get(name)
            utc_ms = now_ms if at is None else self._time.stamp(at)[0] or now_ms
            self._dates[name] = Date(utc_ms, passed=self._dates.get(name, Date()).passed)
        return bool(undated)

    def _compare(self, at: float, now_ms: int) -> list[Output]:
        left_ms = {name: (self._dates[name].utc_ms or now_ms) + self._every_ms - now_ms for name in self._buttons}
        overdue = [name for name, left in left_ms.items() if left <= 0]
        ahead = [left for left in left_ms.values() if left > 0]
        self._look_at = at + max(LOOK_S_MIN, min(ahead) / 1000) if ahead else math.inf
        if overdue == self._overdue:
            return []
        self._overdue = overdue
        if not overdue:
            return [FaultSeen(at, "panic.untested", False)]
        reason = why("buttons_untested", days=self._every_ms // DAY_MS, inputs=", ".join(overdue))
        return [FaultSeen(at, "panic.untested", True, reason)]

    def _keep(self, at: float) -> Output:
        dates = {name: self._dates[name] for name in self._buttons if name in self._dates}
        return self._memory.keep(at, msgpack.packb(msgspec.to_builtins(dates)))

    def status(self, now: float) -> dict[str, Any]:
        """By button: UTC in ms of the last test that it passed, None when there is none or that is not known."""
        dates = {name: self._dates.get(name, Date()) for name in self._buttons}
        return {name: date.utc_ms if date.passed else None for name, date in dates.items()}


def _unpacked(value: bytes | None) -> dict[str, Date]:
    """Nothing for what is nothing of ours: the days then count from now."""
    try:
        return msgspec.convert(msgpack.unpackb(value), dict[str, Date]) if value else {}
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError, msgpack.exceptions.UnpackException):
        return {}

"""Commissioned: a finished commissioning, and what the hardware says of itself, go in; its record, and later changes, come out.

Theory. At the end of a commissioning (`commission`) the unit remembers what it is made of: board, SIM, receiver. From then on what says
another identity is an `event` record `hardware.changed`, once, and the new one is what is remembered. What was not known at the
commissioning and is told later is remembered without a word: a SIM may come after. A commissioning of some steps takes the place of no
whole one, and one that is `partial` makes nothing new the measure. What is silent has not changed: receivers tell who
they are at their own start only, and nobody can say that a thing is gone from its silence.
"""

from typing import Annotated, Any, Literal

import msgpack
import msgspec
from msgspec import Meta

from agent.core.effects import Answer
from agent.core.events import (
    ActionTaken,
    Event,
    Lane,
    MachineSeen,
    ModemSeen,
    ReceiverSpoke,
    Remembered,
    Reported,
    SpoolOpened,
    TimeLearned,
)
from agent.core.keepsake import Keepsake
from agent.core.part import Output, Outputs, Part
from agent.core.receiver_identity import MAKERS, identified
from agent.core.timebase import Timebase
from agent.wire.records import EventRecord, SelfTest, StepResult
from agent.wire.whys import refused, why

ACTION = "commission"
MEMORY = "commissioned"
"""Name under which it lies in the store."""

RECEIVER = "receiver "
"""Before the key of each line in which a receiver says who it is."""

IDENTITY_CHARS_MAX = 160
"""The contract's."""

Step = Annotated[str, Meta(pattern="^[a-z_]{1,32}$")]


class Finished(msgspec.Struct, frozen=True):
    """The body of the action: what came of it, step by step; SHA-256 of the report's bytes; whether that is signed.

    `full`: all steps there are were to be done, not some that somebody chose.
    """

    result: Literal["passed", "failed", "partial"]
    steps: Annotated[dict[Step, StepResult], Meta(max_length=32)]
    report: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    signed: bool
    full: bool = True


class Memory(msgspec.Struct):
    """As it lies in the store: when (None while unknown), what came of it, and what there was, by name; `full` as in `Finished`."""

    result: str
    report: str
    utc_ms: int | None
    known: dict[str, str]
    full: bool = True


class Commissioned(Part):
    """What the unit was when it was handed over."""

    name = "commissioned"
    listens = (ActionTaken, MachineSeen, ModemSeen, ReceiverSpoke, SpoolOpened, Remembered, TimeLearned)
    actions = (ACTION,)

    def __init__(self, time: Timebase) -> None:
        self._time = time
        self._memory = Keepsake(MEMORY)
        self._then: Memory | None = None
        self._finished_at: float | None = None
        self._now: dict[str, str] = {}
        self._opened = False

    @property
    def deadline(self) -> float:
        """When the store is to be asked again."""
        return self._memory.deadline

    def handle(self, event: Event) -> Outputs:
        """Take the end of a commissioning, or what a part of the hardware says of itself."""
        match event:
            case ActionTaken(action="commission"):
                return self._finish(event)
            case MachineSeen(board_identity=told):
                return self._see(event.at, "board", told)
            case ModemSeen(sim=told):
                return self._see(event.at, "sim", told)
            case ReceiverSpoke(text=text):
                said = identified(text)
                return () if said is None else self._see(event.at, RECEIVER + said.key, said.text)
            case SpoolOpened(memory=memory):
                return self._recall(event.at, memory.get(MEMORY))
            case Remembered(names=names):
                self._memory.confirmed(names)
            case TimeLearned():
                return self._date(event.at)
        return ()

    def expire(self) -> Outputs:
        """Ask the store again."""
        return [self._memory.again()]

    # --- the commissioning ----------------------------------------------------------------------------------------------------------

    def _finish(self, action: ActionTaken) -> list[Output]:
        if not action.by_root:  # it takes the place of the last one, and the centre believes it
            return [Answer(action.asker, refused(why("root_only")))]
        body = {key: value for key, value in action.body.items() if key != "do"}
        try:
            told = msgspec.convert(body, Finished)
        except msgspec.ValidationError as e:
            return [Answer(action.asker, refused(why("malformed", reason=str(e))))]
        record = SelfTest(
            what="commission", result=told.result, ended="done", inputs={}, steps=told.steps, report=told.report, signed=told.signed
        )
        answer = Answer(action.asker, {"done": ACTION, "hardware": dict(self._now)})
        return [Reported(action.at, Lane.EVENT, record), *self._replace(action.at, told), answer]

    def _replace(self, at: float, told: Finished) -> list[Output]:
        """A part takes the place of no whole one, and what was not all looked at is no new measure for the hardware."""
        was = self._then
        if was is not None and was.full and not told.full:
            return []
        known = dict(self._now) if was is None or told.result != "partial" else was.known
        self._finished_at = at
        self._then = Memory(told.result, told.report, self._time.stamp(at)[0], known, told.full)
        return [self._keep(at)]

    def _date(self, at: float) -> list[Output]:
        """The time is known now, and so is when it was."""
        if self._then is None or self._then.utc_ms is not None or self._finished_at is None:
            return []
        self._then.utc_ms = self._time.stamp(self._finished_at)[0]
        return [self._keep(at)]

    # --- what has changed since -----------------------------------------------------------------------------------------------------

    def _see(self, at: float, name: str, told: str) -> list[Output]:
        if not told or self._now.get(name) == told[:IDENTITY_CHARS_MAX]:
            return []
        self._now[name] = told[:IDENTITY_CHARS_MAX]
        return self._compare(at, name) if self._opened else []

    def _compare(self, at: float, name: str) -> list[Output]:
        """That part of the hardware with what was there."""
        if self._then is None:
            return []
        known, told = self._then.known, self._now[name]
        others = [other for other in known if _maker(other) not in (None, _maker(name))] if _maker(name) else []
        was = known.get(name) or (known[others[0]] if others else None)
        if was == told:
            return []
        for other in others:
            del known[other]
        known[name] = told
        kind = "receiver" if _maker(name) else name
        changed = [Reported(at, Lane.EVENT, EventRecord(what="hardware.changed", id=kind, old=was, new=told))] if was else []
        return [*changed, self._keep(at)]

    def _recall(self, at: float, value: bytes | None) -> list[Output]:
        """What was remembered counts, unless this boot has seen a commissioning."""
        first, self._opened = not self._opened, True
        stored = _unpacked(value)
        if self._then is not None and self._finished_at is not None and (self._then.full or stored is None or not stored.full):
            return [self._keep(at)]
        if not first:
            return []
        self._then, self._finished_at = stored, None
        return [out for name in list(self._now) for out in self._compare(at, name)]

    def _keep(self, at: float) -> Output:
        return self._memory.keep(at, msgpack.packb(msgspec.to_builtins(self._then)))

    def status(self, now: float) -> dict[str, Any]:
        """What came of the last commissioning, when, its report; and what the hardware says of itself."""
        then = self._then
        told = {"result": None} if then is None else {"result": then.result, "utc_ms": then.utc_ms, "report": then.report}
        return {**told, "hardware": dict(self._now)}


def _maker(name: str) -> str | None:
    """Of a receiver's line; None for any other part of the hardware."""
    return MAKERS.get(name.removeprefix(RECEIVER)) if name.startswith(RECEIVER) else None


def _unpacked(value: bytes | None) -> Memory | None:
    """None for what is nothing of ours: the unit then was never commissioned."""
    try:
        return msgspec.convert(msgpack.unpackb(value), Memory) if value else None
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError, msgpack.exceptions.UnpackException):
        return None

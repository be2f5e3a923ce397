"""Panic: debounced buttons and the centre's answers go in; alarms, the light and the officer's lamp come out.

Theory. A button held for `hold_s` raises an alarm. An alarm is a latch that the unit cannot open:

    raised        repeats itself with a fresh position, first every 5 s, later slower, never stopping
    acknowledged  a human at the centre has seen it; quiet, still live; one more press raises it again
    (cleared)     only by the centre

The latch is asked of the store before anything else (and asked again until it is confirmed), so that a crash or a power cut changes
nothing but the number of repeats. There is one alarm for each button: every further press of it is one more record of that alarm, a press
of another button an alarm of its own, with its own mode, so that a silent or a stuck one hides no other. Repeats are volatile (the latest
wins), the other records are durable.
"""

import enum
import math
from collections.abc import Callable
from typing import Any, Literal

import msgpack
import msgspec

from agent.config import Input
from agent.core.effects import Remember
from agent.core.events import (
    AlarmChanged,
    Event,
    FaultSeen,
    InputChanged,
    LampAsked,
    Lane,
    LightsAsked,
    LinkUp,
    OrderAnswered,
    OrderGiven,
    Remembered,
    Reported,
    ReportLeft,
    SpoolOpened,
    TimeLearned,
)
from agent.core.names import Names
from agent.core.part import Output, Outputs, Part
from agent.core.timebase import Timebase
from agent.wire.records import Alarm, Pos

MEMORY = "alarms"
"""Name under which the latches lie in the store."""

REPEAT_AFTER_S = (5.0,) * 12 + (15.0,) * 20 + (60.0,)
"""Wait before each repeat, the last one for ever: every 5 s for a minute, every 15 s for five, then each minute."""

STUCK_AFTER_S = 30.0
"""Nobody holds a button as long as this: it is stuck or its wire is short. The alarm stands all the same."""

ALARMS_MAX = 32
"""Latches kept: more than there are pins for buttons. Bounds the memory row."""

CLEARED_MAX = 64
"""Alarms cleared in this boot that a store coming back late must not raise again."""

REMEMBER_RETRY_S = 5.0
"""A store that has not confirmed the latch by then is asked again."""


class State(enum.Enum):
    """What is so of one alarm."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"


class Latch(msgspec.Struct):
    """One live alarm, as it lies in the store. `since`: ms UTC when it was raised, None while unknown."""

    id: str
    source: str
    mode: Literal["overt", "discreet", "silent"]
    state: State
    n: int
    since: int | None = None
    at_boot: bool = False


class _Live:
    """A latch with what only this boot knows of it."""

    def __init__(self, latch: Latch, raised_at: float | None) -> None:
        self.latch = latch
        self.raised_at = raised_at
        self.repeats = 0
        self.repeat_at = math.inf
        self.awaited = ""
        self.sent = False


class _Button:
    """One panic button: since when it has been down, and when that means something."""

    def __init__(self, config: Input) -> None:
        self.config = config
        self.raise_at = math.inf
        self.stuck_at = math.inf
        self.at_boot = False
        self.stuck = False


class Panic(Part):
    """All panic buttons and all live alarms of the unit."""

    name = "alarm"
    listens = (InputChanged, OrderGiven, SpoolOpened, Remembered, ReportLeft, TimeLearned, LinkUp)

    def __init__(self, inputs: tuple[Input, ...], names: Names, time: Timebase, here: Callable[[float], Pos | None]) -> None:
        self._buttons = {i.id: _Button(i) for i in inputs if i.use.value == "panic"}
        self._names = names
        self._time = time
        self._here = here
        self._live: dict[str, _Live] = {}
        self._cleared: list[str] = []
        self._remember_again_at = math.inf
        self._unremembered = 0

    @property
    def deadline(self) -> float:
        """The next hold that is long enough, repeat that is due, or memory that is to be asked for again."""
        buttons = (min(b.raise_at, b.stuck_at) for b in self._buttons.values())
        return min(self._remember_again_at, *buttons, *(live.repeat_at for live in self._live.values()), math.inf)

    def handle(self, event: Event) -> Outputs:
        """Take a press, a release, an order, or news from the store."""
        match event:
            case InputChanged(input=name) if name in self._buttons:
                return self._turn(self._buttons[name], event)
            case OrderGiven(kind="alarm.ack"):
                return self._acknowledge(event)
            case OrderGiven(kind="alarm.clear"):
                return self._clear(event)
            case SpoolOpened(memory=memory):
                return self._recall(event.at, memory.get(MEMORY))
            case Remembered(names=names) if MEMORY in names:
                self._unremembered = max(0, self._unremembered - names.count(MEMORY))
                self._remember_again_at = self._remember_again_at if self._unremembered else math.inf
            case ReportLeft(name=name, stored=True, acked=True):
                return self._left(event.at, name)
            case TimeLearned():
                return self._date(event.at)
            case LinkUp():
                raised = [live for live in self._live.values() if live.latch.state is State.RAISED]
                return [report for live in raised for report in self._repeat(event.at, live)]
        return ()

    def expire(self) -> Outputs:
        """Raise, repeat, or call a button stuck."""
        at = self.deadline
        for button in self._buttons.values():
            if button.raise_at == at:
                button.raise_at = math.inf
                return self._press(at, button)
            if button.stuck_at == at:
                button.stuck_at, button.stuck = math.inf, True
                return [FaultSeen(at, "panic.stuck", True, f"button {button.config.id} has been down for {STUCK_AFTER_S:.0f} s")]
        for live in self._live.values():
            if live.repeat_at == at:
                return self._repeat(at, live)
        self._unremembered = 0  # whatever was asked before, this is the value that counts
        return self._remember(at)

    # --- the button ---------------------------------------------------------------------------------------------------------------

    def _turn(self, button: _Button, change: InputChanged) -> Outputs:
        if change.active:
            button.at_boot = change.first
            button.raise_at = max(change.at, change.since + button.config.hold_s)
            button.stuck_at = max(change.at, change.since + STUCK_AFTER_S)
            return ()
        button.raise_at = button.stuck_at = math.inf
        was_stuck, button.stuck = button.stuck, False
        free = was_stuck and not any(other.stuck for other in self._buttons.values())
        return [FaultSeen(change.at, "panic.stuck", False)] if free else ()

    def _press(self, at: float, button: _Button) -> Outputs:
        same = [live for live in self._live.values() if live.latch.source == button.config.id]
        if same:
            report = self._say_again(at, same[-1])
            return [*self._remember(at), report, *self._show(at, same[-1], "raised")]
        seq = self._names.take()
        since, _ = self._time.stamp(at)
        latch = Latch(self._names.name(seq), button.config.id, button.config.mode, State.RAISED, 1, since, button.at_boot)
        live = self._live[latch.id] = _Live(latch, at)
        report = self._durable(at, live, "raised", seq)
        return [*self._remember(at), report, *self._show(at, live, "raised")]

    # --- the alarm ----------------------------------------------------------------------------------------------------------------

    def _durable(self, at: float, live: _Live, state: str, seq: int) -> Reported:
        """The record that the officer's lamp waits for; the repeats begin anew."""
        live.awaited, live.sent = self._names.name(seq), False
        live.repeats = 0
        live.repeat_at = at + REPEAT_AFTER_S[0]
        return self._report(at, live, state, slot=None, seq=seq)

    def _say_again(self, at: float, live: _Live) -> Reported:
        live.latch.n += 1
        live.latch.state = State.RAISED
        return self._durable(at, live, "repeated", self._names.take())

    def _say_acknowledged(self, at: float, live: _Live) -> Reported:
        live.latch.n += 1
        return self._report(at, live, "acknowledged", slot=None)

    def _left(self, at: float, name: str) -> Outputs:
        live = next((live for live in self._live.values() if live.awaited == name), None)
        if live is None:
            return ()
        live.sent = True
        return self._lamp(at)

    def _repeat(self, at: float, live: _Live) -> list[Output]:
        live.repeats += 1
        live.latch.n += 1
        live.repeat_at = at + REPEAT_AFTER_S[min(live.repeats, len(REPEAT_AFTER_S) - 1)]
        return [self._report(at, live, "repeated", slot=f"alarm {live.latch.id}")]

    def _acknowledge(self, order: OrderGiven) -> Outputs:
        live = self._live.get(str(order.body.get("alarm")))
        if live is None:
            return [OrderAnswered(order.at, order.order, "failed", self._unknown(order))]
        out: list[Output] = [OrderAnswered(order.at, order.order, "done")]
        if live.latch.state is State.ACKNOWLEDGED:
            return out
        live.latch.state = State.ACKNOWLEDGED
        live.repeat_at = math.inf
        report = self._say_acknowledged(order.at, live)
        return [*self._remember(order.at), report, *self._show(order.at, live, "acknowledged"), *out]

    def _clear(self, order: OrderGiven) -> Outputs:
        live = self._live.pop(str(order.body.get("alarm")), None)
        if live is None:
            return [OrderAnswered(order.at, order.order, "failed", self._unknown(order))]
        live.latch.n += 1
        self._cleared = [*self._cleared, live.latch.id][-CLEARED_MAX:]
        report = self._report(order.at, live, "cleared", slot=None)
        return [*self._remember(order.at), report, *self._show(order.at, live, "cleared"), OrderAnswered(order.at, order.order, "done")]

    def _unknown(self, order: OrderGiven) -> str:
        return f"no live alarm {order.body.get('alarm')!r:.60}; live: {', '.join(self._live) or 'none'}"

    def _report(self, at: float, live: _Live, state: str, slot: str | None, seq: int | None = None) -> Reported:
        latch = live.latch
        record = Alarm(
            id=latch.id,
            cause="panic",
            source=latch.source,
            mode=latch.mode,
            state=state,  # type: ignore[arg-type]  # the callers' literals
            n=latch.n,
            since=latch.since,
            age_ms=None if live.raised_at is None else round((at - live.raised_at) * 1000),
            at_boot=True if latch.at_boot else None,
            pos=self._here(at),
        )
        return Reported(at, Lane.ALARM, record, slot, seq)

    # --- light and lamp -----------------------------------------------------------------------------------------------------------

    def _show(self, at: float, live: _Live, state: str) -> list[Output]:
        out: list[Output] = [AlarmChanged(at, live.latch.id, state, live.latch.mode)]
        overt = any(other.latch.mode == "overt" for other in self._live.values())
        out.append(LightsAsked(at, "panic", "response" if overt else None))
        return [*out, *self._lamp(at)]

    def _lamp(self, at: float) -> list[Output]:
        """The worst of what is live: raised, then sent (on disk and at the broker), then acknowledged. Silent alarms show nothing."""
        shown = [live for live in self._live.values() if live.latch.mode != "silent"]
        if not shown:
            return [LampAsked(at, None)]
        raised = [live for live in shown if live.latch.state is State.RAISED]
        return [LampAsked(at, "acknowledged" if not raised else "sent" if all(live.sent for live in raised) else "raised")]

    # --- memory -------------------------------------------------------------------------------------------------------------------

    def _remember(self, at: float) -> list[Output]:
        self._remember_again_at = at + REMEMBER_RETRY_S
        self._unremembered += 1
        latches = [live.latch for live in self._live.values()][-ALARMS_MAX:]
        return [Remember(MEMORY, msgpack.packb(msgspec.to_builtins(latches)) if latches else None)]

    def _recall(self, at: float, value: bytes | None) -> Outputs:
        """The store is open: what it holds and we do not know is live too; what we hold goes (back) into it."""
        try:
            latches = msgspec.convert(msgpack.unpackb(value), list[Latch]) if value else []
        except (ValueError, TypeError, msgspec.MsgspecError) as e:  # a button must work whatever lies there
            damaged = FaultSeen(at, "store.damaged", True, f"the alarms that were remembered cannot be read: {e}")
            return [damaged, *self._remember(at)]
        recalled = [_Live(latch, None) for latch in latches if latch.id not in self._live and latch.id not in self._cleared]
        if not latches and not self._live:
            return ()
        self._live = {live.latch.id: live for live in recalled} | self._live  # the newest stays last
        out: list[Output] = []
        for live in recalled:  # said again, and durably: nothing tells which of its records have left, or if it was cleared in vain
            out.append(self._say_again(at, live) if live.latch.state is State.RAISED else self._say_acknowledged(at, live))
            out += self._show(at, live, live.latch.state.value)
        return [*self._remember(at), *out]

    def _date(self, at: float) -> Outputs:
        """The time is known now: an alarm that this boot raised before gets its time."""
        undated = [live for live in self._live.values() if live.latch.since is None and live.raised_at is not None]
        for live in undated:
            live.latch.since, _ = self._time.stamp(live.raised_at if live.raised_at is not None else at)
        return self._remember(at) if undated else ()

    def status(self, now: float) -> dict[str, Any]:
        """The newest alarm: id, state, number of records, age."""
        if not self._live:
            return {"state": "none"}
        live = list(self._live.values())[-1]
        age_s = None if live.raised_at is None else round(now - live.raised_at, 1)
        return {"state": live.latch.state.value, "id": live.latch.id, "n": live.latch.n, "age_s": age_s, "live": len(self._live)}

"""Panic: presses of the buttons and the centre's answers go in; alarms, the light and the officer's lamp come out.

Theory. A press (`buttons.py`) raises an alarm. An alarm is a latch that the unit cannot open (`latches.py`):

    raised        repeats itself with a fresh position, first every 5 s, later slower, never stopping
    acknowledged  a human at the centre has seen it; quiet, still live; one more press raises it again
    (cleared)     only by the centre

The officer can ask that it be cancelled, which is one more record and changes nothing. There is one alarm for each button: every further
press of it is one more record of that alarm, a press of another button an alarm of its own, with its own mode, so that a silent or a stuck
one hides no other. A button that is down at the start may have raised its alarm before: until the store has said so, or a few seconds are
over, that press waits. Repeats are volatile (the latest wins), the other records are durable. A press asks for nothing: no position, no
time, no link, no disk, nobody signed on; what there is goes along. What the lamp may say is in `feedback.py`, the test of the buttons in
`walk_test.py`. A silent alarm changes nothing that can be seen or heard: no light, no lamp, nothing in what is told in the car
(`discretion.py`).
"""

import math
from collections.abc import Callable
from typing import Any

import msgspec

from agent.config import Input, InputUse
from agent.config import WalkTest as WalkTestConfig
from agent.core.buttons import Button, Taken
from agent.core.effects import Answer
from agent.core.events import (
    ActionTaken,
    AlarmChanged,
    Event,
    FaultSeen,
    InputChanged,
    InputHeld,
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
from agent.core.feedback import lamp
from agent.core.input_line import CANCEL_S_MIN, REAL_ALARM_S, STUCK_S
from agent.core.latches import MEMORY, Ack, Latches, Live, State, raised
from agent.core.names import Names
from agent.core.part import Output, Outputs, Part
from agent.core.shared_fault import SharedFault
from agent.core.timebase import Timebase
from agent.core.walk_test import MEMORY as TEST_MEMORY
from agent.core.walk_test import WalkTest, wished
from agent.wire.orders import AckBody, ClearBody
from agent.wire.records import Pos
from agent.wire.whys import Why, refused, why

REPEAT_AFTER_S = (5.0,) * 12 + (15.0,) * 20 + (60.0,)
"""Wait before each repeat, the last one for ever: every 5 s for a minute, every 15 s for five, then each minute."""

NOT_WHILE_LIVE = why("walk_test_alarm_live")


class Panic(Part):
    """All panic buttons and all live alarms of the unit."""

    name = "alarm"
    listens = (InputChanged, InputHeld, OrderGiven, ActionTaken, SpoolOpened, Remembered, ReportLeft, TimeLearned, LinkUp)
    actions = ("alarm.cancel", "walk_test")

    def __init__(
        self, inputs: tuple[Input, ...], test: WalkTestConfig, names: Names, time: Timebase, here: Callable[[float], Pos | None]
    ) -> None:
        buttons = tuple(i for i in inputs if i.use is InputUse.PANIC)
        self._buttons = {config.id: Button(config) for config in buttons}
        self._names = names
        self._time = time
        self._here = here
        self._latches = Latches()
        self._test = WalkTest(test, buttons, names, time, here)
        self._opened = False
        self._stuck, self._stuck_in_car = SharedFault("panic.stuck"), SharedFault("panic.stuck")
        self._stuck_shown: FaultSeen | None = None
        self._show: str | None = None
        self._lamp: str | None = None

    @property
    def deadline(self) -> float:
        """The next repeat or press that is due, memory that is to be asked for again, or what the walk test waits for."""
        held_back = (button.told_at for button in self._buttons.values())
        return min(self._latches.repeat_at, self._latches.memory.deadline, self._test.deadline, *held_back)

    def handle(self, event: Event) -> Outputs:
        """Take a press, a release, an order, an action, or news from the store."""
        match event:
            case InputChanged(input=name) if name in self._buttons:
                out = self._turn(self._buttons[name], event)
            case InputHeld(input=name) if name in self._buttons:
                out = self._hold(self._buttons[name], event)
            case InputHeld(use="panic_cancel", held_s=held_s) if held_s >= CANCEL_S_MIN:
                out = self._request_cancel(event.at, self._latches.shown)
            case OrderGiven():
                out = self._order(event)
            case ActionTaken(action="alarm.cancel"):
                out = self._cancel(event)
            case ActionTaken(action="walk_test"):
                out = self._walk(event)
            case LinkUp():
                alarms = [live for live in self._latches.all if live.latch.state is State.RAISED]
                out = [*(report for live in alarms for report in self._again(event.at, live)), *self._test.linked(event.at)]
            case _:
                out = self._store_says(event)
        return self._settled(event.at, out)

    def expire(self) -> Outputs:
        """Repeat, tell a press that waited, ask the store again, or let the walk test go on."""
        at = self.deadline
        if at == self._latches.memory.deadline:
            return [self._latches.memory.again()]
        for live in self._latches.all:
            if live.repeat_at == at:
                return self._repeat(at, live)
        if at == self._test.deadline:
            return self._settled(at, self._test.expire(at))
        return self._settled(at, self._tell_held_back(at, at))

    def _settled(self, at: float, out: list[Output]) -> list[Output]:
        """After each turn: an alarm that may be seen ends a test, and light and lamp follow what is so now."""
        alarms = self._latches.shown
        if alarms:
            out += self._test.give_way(at)
        show = "response" if any(live.latch.mode == "overt" for live in alarms) else None
        if show != self._show:
            self._show = show
            out.append(LightsAsked(at, "panic", show))
        says = lamp(alarms) if alarms else self._test.lamp()
        if says != self._lamp:
            self._lamp = says
            out.append(LampAsked(at, says))
        return out

    # --- the button ---------------------------------------------------------------------------------------------------------------

    def _turn(self, button: Button, change: InputChanged) -> list[Output]:
        pressed = button.turned(change)
        if pressed or (change.active and button.tested_by_a_touch and self._tests(button, change.since)):
            return self._press(change.at, button, change.since, change.first)
        return [] if change.active else self._stick(change.at, button, False)

    def _hold(self, button: Button, held: InputHeld) -> list[Output]:
        if held.held_s >= STUCK_S:
            return self._stick(held.at, button, True)
        if button.taken is Taken.ALARM:
            return []
        if held.held_s >= REAL_ALARM_S:  # of a press that was taken for a test, or of a button that is held so long anyway
            return self._alarm(held.at, button, held.first)
        if button.taken is Taken.TEST and self._test.open:
            return []
        return self._press(held.at, button, held.since, held.first)

    def _stick(self, at: float, button: Button, stuck: bool) -> list[Output]:
        """The fault names all that are stuck; a second one, for the car, knows of no silent button."""
        name = button.config.id
        if button.config.mode != "silent":
            self._stuck_shown = next(reversed(self._stuck_in_car.change(at, name, stuck)), self._stuck_shown)
        return [*self._stuck.change(at, name, stuck)]

    def _tests(self, button: Button, since: float) -> bool:
        return self._test.takes(since) and self._latches.of(button.config.id) is None

    def _press(self, at: float, button: Button, since: float, first: bool) -> list[Output]:
        if self._tests(button, since):
            button.taken = Taken.TEST
            return self._test.press(at, button.config, first)
        return self._alarm(at, button, first)

    # --- the alarm ----------------------------------------------------------------------------------------------------------------

    def _alarm(self, at: float, button: Button, first: bool) -> list[Output]:
        button.taken = Taken.ALARM
        if first and not self._opened and self._latches.of(button.config.id) is None:
            button.held_back_at = at
            return []
        return self._tell(at, button, first, at)

    def _tell_held_back(self, at: float, due: float = math.inf) -> list[Output]:
        """Presses that waited for the store, those that are due by then."""
        buttons = [button for button in self._buttons.values() if button.held_back_at < math.inf and button.told_at <= due]
        return [output for button in buttons for output in self._tell(at, button, True, button.held_back_at)]

    def _tell(self, at: float, button: Button, first: bool, pressed_at: float) -> list[Output]:
        button.held_back_at = math.inf
        live = self._latches.of(button.config.id)
        if live is not None:
            live.pressed(first)
            report = self._durable(at, live, "repeated")
        else:
            seq = self._names.take()
            since, _ = self._time.stamp(pressed_at)
            live = raised(pressed_at, self._names.name(seq), button.config, since, first)
            self._latches.add(live)
            report = self._durable(at, live, "raised", seq)
        return [self._latches.keep(at), report, self._changed(at, live, "raised")]

    def _durable(self, at: float, live: Live, state: str, seq: int | None = None) -> Reported:
        """The record that the officer's lamp waits for; the repeats begin anew."""
        seq = seq or self._names.take()
        live.awaited, live.sent = self._names.name(seq), False
        live.repeats, live.repeat_at = 0, at + REPEAT_AFTER_S[0]
        return self._report(at, live, state, seq=seq)

    def _repeat(self, at: float, live: Live) -> list[Output]:
        live.repeats += 1
        live.repeat_at = at + REPEAT_AFTER_S[min(live.repeats, len(REPEAT_AFTER_S) - 1)]
        return self._again(at, live)

    def _again(self, at: float, live: Live) -> list[Output]:
        live.latch.n += 1
        return [*self._latches.keep_if_far(at, live), self._report(at, live, "repeated", slot=f"alarm {live.latch.id}")]

    def _say(self, at: float, live: Live, state: str, reason: str | None = None) -> list[Output]:
        """One more durable record, and nothing else."""
        live.latch.n += 1
        record = live.record(at, state, self._here(at), reason=reason)
        return [Reported(at, Lane.ALARM, record), self._changed(at, live, state)]

    def _report(self, at: float, live: Live, state: str, slot: str | None = None, seq: int | None = None) -> Reported:
        return Reported(at, Lane.ALARM, live.record(at, state, self._here(at)), slot, seq)

    def _changed(self, at: float, live: Live, state: str) -> AlarmChanged:
        return AlarmChanged(at, live.latch.id, state, live.latch.mode)

    # --- the centre's word --------------------------------------------------------------------------------------------------------

    def _order(self, order: OrderGiven) -> list[Output]:
        """Bodies have been checked by the orders part."""
        match order.kind:
            case "alarm.ack":
                return self._acknowledge(order, msgspec.convert(order.body, AckBody))
            case "alarm.clear":
                return self._clear(order, msgspec.convert(order.body, ClearBody))
            case "selftest":
                refusal = NOT_WHILE_LIVE if self._latches.all else self._no_test()
                if refusal is not None:
                    return [OrderAnswered(order.at, order.order, "failed", str(refusal))]
                return [OrderAnswered(order.at, order.order, "accepted"), *self._test.begin(order.at, order.order)]
        return []

    def _acknowledge(self, order: OrderGiven, body: AckBody) -> list[Output]:
        at, live, trial = order.at, self._latches.get(body.alarm), self._test.get(body.alarm)
        known = live or trial
        if known is None:
            return [self._unknown(order, body.alarm)]
        ack = known.acknowledge(body.by, body.n)
        if ack in (Ack.UNSAID, Ack.CROSSED):
            return [self._doubted(order, known, body.n)]
        answer = OrderAnswered(at, order.order, "done")
        if known is trial:
            return [answer, *self._test.acknowledged(at, known, ack)]
        said = self._say(at, known, "acknowledged") if ack is Ack.SEEN else []
        return [*([self._latches.keep(at)] if ack is not Ack.NOTHING else []), *said, answer]

    def _clear(self, order: OrderGiven, body: ClearBody) -> list[Output]:
        at, answer = order.at, OrderAnswered(order.at, order.order, "done")
        trial = self._test.get(body.alarm)
        if trial is not None:
            return [answer, *self._test.cleared(at, trial, body.reason)]
        live = self._latches.get(body.alarm)
        if live is None:
            return [self._unknown(order, body.alarm)]
        if live.doubt(body.n) is not None:
            state = "acknowledged" if live.latch.state is State.ACKNOWLEDGED else "repeated"  # again: the centre may not know of it
            return [self._doubted(order, live, body.n), self._report(at, live, state, slot=f"alarm {live.latch.id}")]
        self._latches.remove(body.alarm)
        return [self._latches.keep(at), *self._say(at, live, "cleared", body.reason), answer]

    @staticmethod
    def _doubted(order: OrderGiven, live: Live, n: int | None) -> OrderAnswered:
        latch = live.latch
        crossed = f"it was pressed again: that press is n {latch.pressed_n}, and what was seen is n {n}"
        unsaid = f"n {n} was never said: the newest is n {latch.n}"
        return OrderAnswered(order.at, order.order, "failed", crossed if live.doubt(n) is Ack.CROSSED else unsaid)

    def _unknown(self, order: OrderGiven, alarm: str) -> OrderAnswered:
        live = ", ".join(live.latch.id for live in self._latches.all) or "none"
        return OrderAnswered(order.at, order.order, "failed", f"no live alarm {alarm!r:.60}; live: {live}")

    # --- the officer's wish -------------------------------------------------------------------------------------------------------

    def _request_cancel(self, at: float, alarms: list[Live]) -> list[Output]:
        """Say that the officer asks for it. The centre decides; until then everything goes on."""
        said = [output for live in alarms for output in self._say(at, live, "cancel_requested")]
        return [self._latches.keep(at), *said] if said else []

    def _cancel(self, taken: ActionTaken) -> list[Output]:
        at, asker, alarm, held_s = taken.at, taken.asker, taken.body.get("alarm"), taken.body.get("held_s")
        if not isinstance(held_s, int | float) or not held_s >= CANCEL_S_MIN:
            return [Answer(asker, refused(why("cancel_malformed", least=CANCEL_S_MIN, found=f"{held_s!r:.60}")))]
        alarms = [live for live in self._latches.shown if alarm in (None, live.latch.id)]
        if not alarms:
            return [Answer(asker, refused(why("alarm_none") if alarm is None else why("alarm_unknown", found=f"{alarm!r:.60}")))]
        return [*self._request_cancel(at, alarms), Answer(asker, {"cancel_requested": [live.latch.id for live in alarms]})]

    # --- the walk test ------------------------------------------------------------------------------------------------------------

    def _walk(self, taken: ActionTaken) -> list[Output]:
        """Begin a test, end it, or renew its lease. A silent alarm is no reason to refuse: that could be seen."""
        wish = wished(taken.body)
        if isinstance(wish, Why):
            return [Answer(taken.asker, refused(wish))]
        if wish.stop or wish.renew:
            return [*self._test.wanted(taken.at, wish), Answer(taken.asker, self._test.status(taken.at))]
        refusal = NOT_WHILE_LIVE if self._latches.shown else self._no_test()
        if refusal is not None:
            return [Answer(taken.asker, refused(refusal))]
        out = self._test.begin(taken.at, lease_s=wish.lease_s)
        lease = {} if wish.lease_s is None else {"lease_s": wish.lease_s}
        return [*out, Answer(taken.asker, self._test.status(taken.at) | {"buttons": self._described()} | lease)]

    def _no_test(self) -> Why | None:
        """Why none can begin; None when it can."""
        if not self._buttons:
            return why("walk_test_no_button")
        return why("walk_test_open") if self._test.open else None

    def _described(self) -> dict[str, dict[str, Any]]:
        configs = (button.config for button in self._buttons.values())
        return {config.id: {"seat": config.seat, "hold_s": config.hold_s, "press": config.press} for config in configs}

    # --- the store ----------------------------------------------------------------------------------------------------------------

    def _store_says(self, event: Event) -> list[Output]:
        match event:
            case SpoolOpened(memory=memory):
                self._opened = True
                out = [*self._recall(event.at, memory.get(MEMORY)), *self._test.recall(event.at, memory.get(TEST_MEMORY))]
                return [*out, *self._tell_held_back(event.at)]
            case Remembered(names=names):
                self._latches.memory.confirmed(names)
                self._test.memory.confirmed(names)
            case ReportLeft(name=name, stored=True, acked=True):
                self._test.left(name)
                live = self._latches.awaiting(name)
                if live is not None:
                    live.sent = True
            case TimeLearned():
                return self._date(event.at)
        return []

    def _recall(self, at: float, value: bytes | None) -> list[Output]:
        """The store is open: what it holds and we do not know is live too; what we hold goes (back) into it."""
        try:
            recalled = self._latches.recall(value)
        except ValueError as e:  # a button must work whatever lies there
            reason = why("memory_unreadable", reason=str(e))
            return [FaultSeen(at, "store.damaged", True, reason), self._latches.keep(at)]
        if not value and not self._latches.all:
            return []
        out: list[Output] = []
        for live in recalled:  # said again, and durably: nothing tells which of its records have left, or if it was cleared in vain
            live.latch.n += 1
            if live.latch.state is State.RAISED:
                out += [self._durable(at, live, "repeated"), self._changed(at, live, "raised")]
            else:
                out += [self._report(at, live, "acknowledged"), self._changed(at, live, "acknowledged")]
        return [self._latches.keep(at), *out]

    def _date(self, at: float) -> list[Output]:
        """The time is known now: an alarm that this boot raised before gets its time."""
        undated = [live for live in self._latches.all if live.latch.since is None and live.raised_at is not None]
        for live in undated:
            live.latch.since, _ = self._time.stamp(at if live.raised_at is None else live.raised_at)
        return [self._latches.keep(at)] if undated else []

    # --- what is told -------------------------------------------------------------------------------------------------------------

    def status(self, now: float) -> dict[str, Any]:
        """The newest alarm: id, state, number of records, age; how many there are; the walk test, when there was one in this boot."""
        return self._told(now, self._latches.all)

    def shown(self, now: float) -> dict[str, Any]:
        """The same for somebody in the car: without silent alarms."""
        return self._told(now, self._latches.shown)

    def stuck_shown(self, now: float) -> dict[str, Any] | None:
        """The fault `panic.stuck` as somebody in the car reads it; None when only silent buttons are stuck, or none."""
        fault = self._stuck_shown
        told = fault is not None and fault.active
        return {"code": fault.code, "detail": fault.detail, "since_s": round(now - fault.at, 1)} if fault and told else None

    def _told(self, now: float, alarms: list[Live]) -> dict[str, Any]:
        told: dict[str, Any] = {"state": "none"}
        if alarms:
            live = alarms[-1]
            age_s = None if live.raised_at is None else round(now - live.raised_at, 1)
            told = {"state": live.latch.state.value, "id": live.latch.id, "n": live.latch.n, "age_s": age_s, "live": len(alarms)}
        test = self._test.status(now)
        return told if test == {"open": False} else told | {"walk_test": test}

"""The command centre as the world has it: what the broker hands over goes in; a human's answers to alarms come out.

It keeps the `Ledger` of everything, sees an alarm after a while, acknowledges it, ends it later, and says so again until the unit says that
it has understood: an order may be lost on its way like anything else. Its clerk asks for records that are missing.
"""

import math
from typing import TYPE_CHECKING, Any

from agent.wire import topics
from agent.wire.records import AckRecord, Alarm
from simulator import reading
from simulator.facts import Arrived, Ordered
from simulator.ledger import Ledger
from simulator.orders import plain_order
from simulator.world_clerk import Clerk
from simulator.world_desk import Desk

if TYPE_CHECKING:
    from simulator.world import World

SEEN_AFTER_S = (3.0, 120.0)
"""Until a human acknowledges."""

AUTO_AFTER_S = (0.3, 4.0)
"""Until the centre's software has put it on somebody's table, and says so; half of the centres have such a software."""

AUTO_EACH_S = 10.0
"""It does not say so of every repeat."""

CLEARED_AFTER_S = (20.0, 600.0)
"""From there until it is over."""

AGAIN_S = 20.0
"""An order that had no visible consequence is given again."""


class _Case:
    """One alarm as the centre sees it. `stage`: seen or acknowledged; `told_ms`, `n`: UTC and number of the newest record about it."""

    def __init__(self) -> None:
        self.stage = "seen"
        self.told_ms = 0.0
        self.order_at = 0.0
        self.n = 0
        self.auto_at = -math.inf


class WorldCentre:
    """The ledger and the human in front of it."""

    def __init__(self, world: "World", unit: str, root: str) -> None:
        self._world = world
        self._unit = unit
        self._root = root
        self.ledger = Ledger(root, reading.record)
        self.clerk = Clerk(world, unit, root, self.ledger)
        self._cases: dict[str, _Case] = {}
        self._orders: dict[str, tuple[str, str]] = {}
        self._software = world.rng.random() < 0.5
        self.desk = Desk(world, self.order)
        self.ended: set[str] = set()
        """Alarms that it has cleared, whether or not the unit knows."""

    @property
    def quiet(self) -> bool:
        """No alarm is open."""
        return not self._cases

    def feed(self, topic: str, payload: bytes) -> None:
        """Take one message."""
        arrival = self.ledger.feed(topic, payload, self._world.now)
        self._world.tell(Arrived(arrival))
        match arrival.record:
            case Alarm() as alarm if not arrival.duplicate:
                self._hear(alarm)
            case AckRecord(order=order, label=("done" | "failed") as label) if order in self._orders:
                crossed = label == "failed" and "pressed again" in (arrival.record.reason or "")
                self._answered(*self._orders.pop(order), "crossed" if crossed else label)
            case AckRecord() as ack:
                self.clerk.hear(ack)

    def _hear(self, alarm: Alarm) -> None:
        told_ms = self._world.utc_ms() if alarm.time is None else alarm.time
        case = self._cases.get(alarm.id)
        if case is None:
            if alarm.state == "cleared":
                return
            case = self._cases[alarm.id] = _Case()
            self._plan(alarm.id, case, SEEN_AFTER_S)
        elif told_ms < case.told_ms:
            return  # back-filled: what is known is newer
        case.told_ms, case.n = told_ms, alarm.n
        if alarm.state == "cleared":
            del self._cases[alarm.id]
        elif alarm.state == "acknowledged":
            self._acknowledged(alarm.id, case)
        else:
            if case.stage != "seen":
                case.stage = "seen"
                self._plan(alarm.id, case, SEEN_AFTER_S)
            if self._software and self._world.now >= case.auto_at + AUTO_EACH_S:
                case.auto_at = self._world.now
                self._world.after(self._world.rng.uniform(*AUTO_AFTER_S), self._give, "alarm.ack", alarm.id, "auto", alarm.n)

    def _answered(self, kind: str, alarm_id: str, label: str) -> None:
        case = self._cases.get(alarm_id)
        if case is None:
            return
        if label == "crossed":
            self._plan(alarm_id, case, (AGAIN_S, AGAIN_S * 1.5))  # by then it has heard of that press
        elif kind == "alarm.ack" and label == "done":
            self._acknowledged(alarm_id, case)
        else:
            del self._cases[alarm_id]  # over, or the unit does not know it; should it come back, it will repeat itself

    def _acknowledged(self, alarm_id: str, case: _Case) -> None:
        if case.stage != "acknowledged":
            case.stage = "acknowledged"
            self._plan(alarm_id, case, CLEARED_AFTER_S)

    def _plan(self, alarm_id: str, case: _Case, wait_s: tuple[float, float]) -> None:
        wait = self._world.rng.uniform(*wait_s)
        case.order_at = self._world.now + wait
        self._world.after(wait, self._say, alarm_id, case, case.order_at)

    def _say(self, alarm_id: str, case: _Case, planned_at: float) -> None:
        if self._cases.get(alarm_id) is not case or case.order_at != planned_at:
            return
        kind = "alarm.ack" if case.stage == "seen" else "alarm.clear"
        self._orders[self._give(kind, alarm_id, "manual", case.n)] = (kind, alarm_id)
        self._plan(alarm_id, case, (AGAIN_S, AGAIN_S * 1.5))

    def _give(self, kind: str, alarm_id: str, by: str, n: int | None) -> str:
        """The name of the order."""
        self._world.tell(Ordered(kind, alarm_id, by, n))
        if kind == "alarm.clear":
            self.ended.add(alarm_id)
        body: dict[str, Any] = {"reason": "officer safe"} if kind == "alarm.clear" else {"by": by}
        return self.order(kind, {"alarm": alarm_id} | body | ({} if n is None else {"n": n}))

    def order(self, kind: str, body: dict[str, Any]) -> str:
        """Give the unit any order; its name."""
        jti = f"{self._world.rng.getrandbits(64):016x}"
        order = plain_order(kind, body, jti, self._world.utc_ms() / 1000)
        self._world.give_order(topics.down(self._root, self._unit, kind), order)
        return jti

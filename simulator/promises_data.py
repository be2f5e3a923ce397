"""Promises about the bytes of the SIM, in a world whose config has a cap for the day; see `promises`."""

from collections import deque
from typing import TYPE_CHECKING

from agent.core import local_days
from agent.core.data_cap import HOLD, MEMORY, STOP
from agent.core.events import SpoolOpened
from agent.core.latches import MEMORY as ALARMS
from agent.core.unit import Unit
from agent.core.window import GROWTH_MAX, RESERVE_BYTES
from simulator.facts import Booted, Died, Pulse, Quarantined, Sent
from simulator.promises import Promise
from simulator.world_bill import TOLD_EACH_BYTES

if TYPE_CHECKING:
    from simulator.world import World

UNTOLD_S = 30.0
"""A sum that was lost on its way is followed by the next."""

LEFT_MAX = 64
"""Records that have left and may leave again with the next link, for the sake of their numbers: more than a window holds."""

ALARM_TAIL_S = 15.0
"""A live position that was made in an alarm may leave so long after its end."""


class CapIsKept(Promise):
    """The bill stays where the contract has it."""

    name = "the cap is kept"
    sentence = "Beyond four fifths of a day's bytes no history leaves, beyond all of them no live position but in an alarm; a window apart."
    hears = (
        *((Sent, "sent"), (Died, "died"), (Quarantined, "quarantined"), (Pulse, "pulse")),
        *((Booted, "booted"), (SpoolOpened, "opened")),
    )

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        mqtt = world.config.mqtt
        self._cap = mqtt.bytes_per_day_max
        self._slack = GROWTH_MAX * mqtt.window_bytes + RESERVE_BYTES + TOLD_EACH_BYTES
        self._day = -1
        self._excused = 0
        self._astray_day = -1
        self._alarm_at = 0.0
        self._knows = True
        self._left: deque[str] = deque(maxlen=LEFT_MAX)

    def booted(self, _: Booted) -> None:
        """How much was used today it learns from the store."""
        self._knows = False

    def opened(self, _: SpoolOpened) -> None:
        """Now it may know."""
        self._knows = True

    def died(self, _: Died) -> None:
        """What had not been written is forgotten: some minutes, or a hundredth of the cap, unless the card was away."""
        if self._cap:
            self._excused = max(self._excused, self.world.broker.bill.today - self._remembered())

    def quarantined(self, quarantined: Quarantined) -> None:
        """With a damaged store the counts may be gone."""
        if MEMORY in quarantined.memory:
            self._astray_day = self.world.broker.bill.day

    def pulse(self, _: Pulse) -> None:
        """Is the unit's day the true one? In one of which it did not know, it may have counted to another."""
        if not self._cap:
            return
        bill, unit = self.world.broker.bill, self.world.unit
        bill.look()
        if bill.day != self._day:
            self._day, self._excused = bill.day, 0
        if unit is None:
            return
        if self._elsewhen() and bill.today > self._slack:  # a minute after midnight it is not
            self._astray_day = bill.day
        self._look_for_alarms(unit)

    def _elsewhen(self) -> bool:
        """By its own clock the unit is in another day."""
        bill, unit = self.world.broker.bill, self.world.unit
        offset_ms = unit.timebase.offset_ms() if unit else None
        return offset_ms is not None and local_days.day(round(self.world.mono() * 1000) + offset_ms, bill.east_s) != bill.day

    def _look_for_alarms(self, unit: Unit) -> None:
        if self.world.store.memory.get(ALARMS) or unit.panic.status(self.world.mono())["state"] != "none":
            self._alarm_at = self.world.now

    def sent(self, sent: Sent) -> None:
        """Something leaves."""
        bill = self.world.broker.bill
        if not self._cap or bill.day == self._astray_day or self.world.mailbox.disturbed_since(self.world.now - UNTOLD_S):
            return
        used = bill.today - self._excused - self._slack
        if sent.kind == "alarm" and used > STOP * self._cap:
            self.world.counts["records of alarms beyond the cap"] += 1
        if self.world.unit is not None:
            self._look_for_alarms(self.world.unit)
        quiet = self.world.now - self._alarm_at > ALARM_TAIL_S
        again = sent.name in self._left
        self._left.append(sent.name)
        if not self._knows or again or self._elsewhen():
            return
        if (sent.kind == "track" and used > HOLD * self._cap) or (sent.kind == "position" and quiet and used > STOP * self._cap):
            self.broken(f"{sent.kind} {sent.name} leaves after {bill.today} bytes of {self._cap} today, {self._excused} of them excused")

    def _remembered(self) -> int:
        """Bytes of today that the unit's next boot will know of."""
        words = self.world.store.memory.get(MEMORY, b"").split()
        return int(words[1]) if words and words[0] == str(self.world.broker.bill.day).encode() else 0


DATA_PROMISES: tuple[type[Promise], ...] = (CapIsKept,)

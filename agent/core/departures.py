"""Departures: messages that are ready go in; those that leave now come out, the most urgent first; for the outbox.

The lanes in their order, the retained states, the slots of what is volatile, and the window of what has left: all that decides which
message is the next one. Back-fill may be held (`history_held`) without touching anything else.
"""

import math

from agent.core.custody import Custody
from agent.core.effects import Publish
from agent.core.events import FaultSeen, Lane, LinkUp, Reported, Row, StateChanged
from agent.core.lanes import READY_MAX, Lanes, Message
from agent.core.losses import Losses
from agent.core.part import Output
from agent.core.postmark import Postmark
from agent.core.refusals import Refusals
from agent.core.retained import Retained
from agent.core.window import Window, packet_bytes
from agent.wire import codec
from agent.wire.whys import why

LIVE_EXPIRY_S = 60
"""The broker throws a live position away that it could not deliver for so long (MQTT 5): the dot is old, and the track has it."""

READ_AHEAD = READY_MAX[Lane.BACKFILL] // 2
"""Back-fill that is ready when more of it is read."""


class Departures:
    """What is ready to leave, and what has left without an answer yet."""

    def __init__(self, window_bytes: int, postmark: Postmark, custody: Custody, losses: Losses) -> None:
        self._postmark = postmark
        self._custody = custody
        self._shelf = custody.shelf
        self._losses = losses
        self._slots: dict[tuple[Lane, str], Reported] = {}
        self._retained = Retained()
        self._resent: list[Message] = []
        self.window = Window(window_bytes)
        self.lanes = Lanes()
        self.refusals = Refusals()
        self.online = False
        self._online_at = math.inf
        self.history_held = False

    # --- what comes to be ready -----------------------------------------------------------------------------------------------------

    def slot(self, report: Reported) -> None:
        """Something volatile: the latest wins. Without a link there is nothing live; the track and the latch hold what matters."""
        if self.online and report.slot is not None:
            self._slots[(report.lane, report.slot)] = report

    def state(self, changed: StateChanged) -> None:
        """A retained state is so now."""
        self._retained.changed(changed)

    def take_row(self, at: float, row: Row) -> list[Output]:
        """A row of the store that was read back is ready; what is no record is declared and goes."""
        try:
            message = self._postmark.row(row)
        except codec.Malformed as e:
            self._losses.add(at, "store_damaged", "row", 1)
            forget = self._shelf.forget(at, row.name, row.lane, counted=True)
            return [FaultSeen(at, "store.damaged", True, why("row_unreadable", row=row.name, reason=str(e))), forget]
        self._custody.known[row.name] = message
        self.lanes.add(message)
        return []

    def resend(self, rows: tuple[Row, ...]) -> None:
        """Rows of history leave once more, as they lie; whether they arrive is the asker's business."""
        for row in rows:
            message = self._postmark.row(row)
            message.durable = False
            self._resent.append(message)
            self.lanes.add(message)

    def resending(self) -> int:
        """Rows of history that have not arrived yet."""
        self._resent = [message for message in self._resent if self.waits(message)]
        return len(self._resent)

    def held(self, lane: Lane) -> int:
        """Messages of that lane that wait in memory."""
        return self.lanes.count(lane) + self.refusals.count(lane)

    def waits(self, message: Message) -> bool:
        """Whether it is in flight, ready, or set aside for another try."""
        return message in self.window or message in self.lanes or message in self.refusals

    @property
    def empty(self) -> bool:
        """Nothing that may leave is ready, and nothing is in flight."""
        ready = any(self.lanes.count(lane) for lane in Lane if not (lane is Lane.BACKFILL and self.history_held))
        return not self.window and not ready and not self._retained

    # --- the link -------------------------------------------------------------------------------------------------------------------

    def link_up(self, up: LinkUp) -> list[Output]:
        """All may be tried again with this broker; it is told every state."""
        self.online, self._online_at = True, up.at
        self._retained.link_up()
        self.lanes.put_back(self.refusals.take_all())
        if not self.window.link_up(up) or not self.refusals.passed_over:
            return []
        while self.refusals.passed_over:  # this broker may take what the one before did not
            self._shelf.let_lie(self.refusals.passed_over.popitem()[0])
        return [FaultSeen(up.at, "link.refused", False)]

    def link_down(self, at: float) -> list[Output]:
        """What was in flight leaves again with the next link, before all else of its lane."""
        self.online = False
        again, suspects = self.refusals.link_down(at, self.window.take_all())
        self.lanes.put_back(again)
        self._slots.clear()
        reasons = [why("message_ends_link", topic=message.topic, count=message.ends) for message in suspects[:1]]
        return [FaultSeen(at, "link.refused", True, reason) for reason in reasons]

    # --- what leaves ----------------------------------------------------------------------------------------------------------------

    def pump(self, at: float) -> list[Output]:
        """Send what may leave now: alarms, states, events, declared losses, the live position, back-fill."""
        if not self.online:
            return self._load_if_dry(at)
        out = self.pump_alarms(at)
        while self._retained and self.window.room(Lane.EVENT):
            state = self._postmark.state(self._retained.take())
            state.refused = self.refusals.state_refused(state.kind)
            out.append(self._send(at, state))
        for lane in (Lane.EVENT, Lane.GAP, Lane.LIVE, Lane.BACKFILL):
            while self._may_leave(lane) and (message := self._next(lane)) is not None:
                out.append(self._send(at, message))
        return [*out, *self._load_if_dry(at)]

    def pump_alarms(self, at: float) -> list[Output]:
        """Send the alarms alone: in a turn in which others may come, nothing leaves between them."""
        out: list[Output] = []
        while self.online and self._has(Lane.ALARM) and (message := self._next_alarm()) is not None:
            out.append(self._send(at, message))
        return out

    def _next_alarm(self) -> Message | None:
        """The oldest; when the line is full of those that a tunnel has held back, the newest, if it was said since."""
        if self.window.room(Lane.ALARM):
            return self._next(Lane.ALARM)
        newest = self.lanes.newest(Lane.ALARM)
        if not self.window.room(Lane.ALARM, fresh=True) or (newest is not None and newest.made_at < self._online_at):
            return None
        return self._next(Lane.ALARM) if newest is None else self.lanes.take_last(Lane.ALARM)

    def _may_leave(self, lane: Lane) -> bool:
        return self.window.room(lane) and not (lane is Lane.BACKFILL and self.history_held)

    def _has(self, lane: Lane) -> bool:
        return self.lanes.count(lane) > 0 or bool(self._slots)

    def _next(self, lane: Lane) -> Message | None:
        if self.lanes.count(lane):
            return self.lanes.take(lane)
        if not self._slots:
            return None
        free = (key for key, slot in self._slots.items() if key[0] is lane and not self.refusals.holds(lane, slot.record.KIND))
        slot = next(free, None)
        return None if slot is None else self._postmark.record(self._slots.pop(slot))

    def _send(self, at: float, message: Message) -> Output:
        self._postmark.leave(at, message)
        if self.window.too_large(message):
            return self._pass_over(at, message)
        expiry_s = LIVE_EXPIRY_S if message.lane is Lane.LIVE else None
        return Publish(self.window.send(at, message), message.topic, message.payload, 1, message.retain, expiry_s)

    def _pass_over(self, at: float, message: Message) -> Output:
        """It does not leave, and nothing waits for it: it lies in the store for a broker that takes it, or is declared as lost."""
        self.refusals.too_large(at, message)
        if not message.retain and message.lane is not Lane.ALARM and (message.stored or not message.durable or not self._shelf.takes):
            self._custody.drop(message)
            if not message.stored:
                self._losses.give_up(message)
        most = round(self.window.packet_bytes_max)
        detail = why("message_too_large", topic=message.topic, bytes=packet_bytes(message), most=most)
        return FaultSeen(at, "link.refused", True, detail)

    def _load_if_dry(self, at: float) -> list[Output]:
        """Read back what a lane could not hold, once it has run dry; alarms also without a link, so that they stand ready.

        Back-fill is read ahead of that: else the line would wait for the disk.
        """
        lanes = [lane for lane in self._shelf.lying() if self.online or lane is Lane.ALARM]
        dry = [lane for lane in lanes if self.lanes.count(lane) <= (READ_AHEAD if lane is Lane.BACKFILL else 0)]
        loads = (self._shelf.load(at, lane) for lane in dry if self.held(lane) < READY_MAX[lane])
        return [load for load in loads if load is not None]

    # --- what has to leave once more ------------------------------------------------------------------------------------------------

    def again(self, at: float) -> str | None:
        """Make messages ready that were refused a while ago, or whose acknowledgement is overdue; the reason when the link is no good."""
        if not self.online:
            return None
        if self.refusals.unsent_for_long(at):
            return "nothing can be sent"
        self.lanes.put_back(self.refusals.take_due(at))
        self.lanes.put_back(self.refusals.take_suspect(at))
        self._retained.again(*self.refusals.states_due(at))
        if reason := self.window.stalled(at):
            return reason
        for message in reversed(self.window.take_overdue(at)):  # their acknowledgements were lost on the way: later ones have come
            if message.retain:
                self._retained.again(message.kind)
            else:
                self.lanes.put_back([message])
        return None

"""Outbox: what the parts report goes in; what is to be stored, sent and forgotten comes out. Nothing durable is lost between the two.

Theory. A durable record gets its number and its bytes when it is reported, and is stored and sent side by side: neither waits for the
other. It is forgotten when it is both on disk and acknowledged. A volatile one (the live position, an alarm's repeat) waits in a slot,
where the latest wins, and gets its number when it leaves: so what was never sent leaves no hole in the numbers.

Only a window of bytes is in flight, so that little stands before an alarm, which is not held by it. What a lane cannot hold in memory
lies in the store and is read back when the lane has run dry. Whatever the outside does not confirm is asked again.
"""

import math
from typing import Any

from agent.core.custody import Custody
from agent.core.effects import OpenSpool, Publish, Store
from agent.core.events import (
    Acked,
    Event,
    EventsDropped,
    FaultSeen,
    Forgotten,
    Lane,
    LinkDown,
    LinkStalled,
    LinkUp,
    Loaded,
    Refused,
    Reported,
    ReportLeft,
    Row,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    SpoolQuarantined,
    Started,
    StateChanged,
    Stored,
    TimeLearned,
)
from agent.core.lanes import READY_MAX, Lanes, Message
from agent.core.losses import Losses
from agent.core.names import Names
from agent.core.part import Output, Outputs, Part
from agent.core.postmark import Postmark
from agent.core.refusals import Refusals
from agent.core.retained import Retained
from agent.core.timebase import Timebase
from agent.core.window import Window, packet_bytes
from agent.wire import codec
from agent.wire.records import ClockFix

TICK_S = 1.0
"""How often what is not confirmed is looked over."""

LIVE_EXPIRY_S = 60
"""The broker throws a live position away that it could not deliver for so long (MQTT 5): the dot is old, and the track has it."""


class Outbox(Part):
    """Everything on its way to the centre."""

    name = "outbox"
    listens = (
        *(Started, Reported, StateChanged, TimeLearned, EventsDropped),
        *(Stored, Forgotten, Loaded, SpoolOpened, SpoolDown, SpoolFull, SpoolQuarantined),
        *(LinkUp, LinkDown, Acked, Refused),
    )

    def __init__(self, root: str, window_bytes: int, names: Names, time: Timebase) -> None:
        self._names = names
        self._postmark = Postmark(root, names, time)
        self._custody = Custody()
        self._known, self._shelf = self._custody.known, self._custody.shelf
        self._window = Window(window_bytes)
        self._losses = Losses()
        self._lanes = Lanes()
        self._slots: dict[tuple[Lane, str], Reported] = {}
        self._retained = Retained()
        self._refusals = Refusals()
        self._undated = False
        self._online = False
        self._tick_at = math.inf
        self.acked = 0

    @property
    def deadline(self) -> float:
        """When the unconfirmed is looked over."""
        return self._tick_at

    def handle(self, event: Event) -> Outputs:
        """Take a report, or the word of the store or the broker; then send what may leave."""
        match event:
            case Acked(token=token):
                out = self._ack(event.at, token)
            case Reported(lane=Lane.ALARM):
                return [*self._report(event), *self._pump_alarms(event.at)]  # there may be another in this turn: nothing comes between
            case Reported():
                out = self._report(event)
            case Stored(names=names):
                out = self._stored(event.at, names)
            case Forgotten(names=names):
                for name in names:
                    self._shelf.forgetting.pop(name, None)
                return ()
            case Loaded():
                out = self._loaded(event)
            case StateChanged():
                self._retained.changed(event)
                out = []
            case LinkUp():
                return [*self._link_up(event), *self._pump_alarms(event.at)]  # the rest follows in this turn: the link says presence
            case LinkDown():
                return self._link_down(event.at)
            case Refused():
                out = self._refuse(event)
            case _:
                out = self._store_or_time(event)
        return [*out, *self._pump(event.at)]

    def _store_or_time(self, event: Event) -> list[Output]:
        match event:
            case Started():
                self._tick_at = event.at + TICK_S
                return [OpenSpool()] if self._shelf.reopen(event.at) else []
            case SpoolOpened():
                return self._spool_opened(event)
            case SpoolDown(reason=reason):
                self._shelf.failed(reason)
                return [FaultSeen(event.at, "store.down", True, reason)]
            case SpoolFull(reason=reason):
                self._shelf.no_room(event.at, reason)
                return [FaultSeen(event.at, "store.full", True, reason)]
            case SpoolQuarantined(path=path, reason=reason, rows=rows):
                kept = "an unknown number of" if rows is None else str(rows)
                detail = f"{reason}; set aside at {path}, {kept} rows saved"
                self._losses.add(event.at, "store_damaged", "rows", None)
                self._custody.emptied(event.at)
                return [FaultSeen(event.at, "store.damaged", True, detail)]
            case TimeLearned(offset_ms=offset_ms):
                return self._time_learned(event.at, offset_ms)
            case EventsDropped(count=count):
                self._losses.add(event.at, "events_dropped", "events", count)
                return [FaultSeen(event.at, "agent.overload", True, f"{count} events dropped")]
        return []

    def _report(self, report: Reported) -> list[Output]:
        if report.slot is not None:
            if self._online:  # offline there is nothing live; the track and the latch hold what matters
                self._slots[(report.lane, report.slot)] = report
            return []
        message = self._postmark.record(report)
        if report.lane is Lane.BACKFILL and not self._online:
            self._postmark.file(message)  # so that it lies in the store as it will leave
        self._undated |= not message.dated
        self._known[message.name] = message
        self._shelf.unstored[message.name] = report.at
        self._lanes.add(message)
        return [Store(message.name, message.lane, message.payload), *self._trim(message.lane)]

    def _trim(self, lane: Lane) -> list[Output]:
        """Keep a lane's memory bounded: what is on disk can be read back; without a store the oldest is given up and declared."""
        while self._lanes.count(lane) and self._held(lane) > READY_MAX[lane]:
            if self._shelf.takes:
                self._lanes.take_last(lane)  # it stays known until the store confirms it, so that it can be asked again
                return []
            if lane is Lane.ALARM:
                return []  # never an alarm
            oldest = self._lanes.take(lane)
            if oldest.stored:
                self._let_lie(oldest)  # it lies on the disk that is away just now
                continue
            self._custody.drop(oldest)
            self._losses.give_up(oldest)
        return []

    def _held(self, lane: Lane) -> int:
        return self._lanes.count(lane) + self._refusals.count(lane)

    def _let_lie(self, message: Message) -> None:
        self._known.pop(message.name, None)
        if not self._window.too_large(message):  # such a one would only be read again
            self._shelf.let_lie(message.lane)

    def _time_learned(self, at: float, offset_ms: int) -> list[Output]:
        for message in self._lanes:
            self._postmark.date(message)
        if not self._undated:
            return []
        self._undated = False  # some have left, some lie in the store as they were, perhaps for a later boot to send
        return self._report(Reported(at, Lane.EVENT, ClockFix(of=self._names.boot, offset_ms=offset_ms)))

    def _spool_opened(self, opened: SpoolOpened) -> list[Output]:
        self._shelf.opened(opened)
        return [FaultSeen(opened.at, "store.down", False), *self._custody.store_again(opened.at, self._shelf.unstored)]

    def _stored(self, at: float, names: tuple[str, ...]) -> list[Output]:
        out: list[Output] = []
        for name in names:
            self._shelf.unstored.pop(name, None)
            message = self._known.get(name)
            if message is None or message.stored:
                continue
            message.stored = True
            self._shelf.stored(message.lane)
            if message.lane is not Lane.ALARM and self._shelf.room_again(at):
                out.append(FaultSeen(at, "store.full", False))
            if message.lane is Lane.ALARM:
                out.append(ReportLeft(at, name, True, message.acked))
            if message.acked:
                out.append(self._custody.forget(at, message))
            elif not self._waits(message):
                self._let_lie(message)  # trimmed while it was on its way to the disk
        return out

    def _waits(self, message: Message) -> bool:
        return message in self._window or message in self._lanes or message in self._refusals

    def _loaded(self, loaded: Loaded) -> list[Output]:
        news = [row for row in loaded.rows if row.name not in self._known and row.name not in self._shelf.forgetting]
        out = [output for row in news for output in self._take_row(loaded.at, row)]
        self._shelf.loaded(loaded)
        return out

    def _take_row(self, at: float, row: Row) -> list[Output]:
        try:
            message = self._postmark.row(row)
        except codec.Malformed as e:
            self._losses.add(at, "store_damaged", "row", 1)
            forget = self._shelf.forget(at, row.name, row.lane, counted=True)
            return [FaultSeen(at, "store.damaged", True, f"row {row.name}: {e}"), forget]
        self._known[row.name] = message
        self._lanes.add(message)
        return []

    def _link_up(self, up: LinkUp) -> list[Output]:
        self._online = True
        self._retained.link_up()
        self._lanes.put_back(self._refusals.take_all())
        if not self._window.link_up(up) or not self._refusals.passed_over:
            return []
        while self._refusals.passed_over:  # this broker may take what the one before did not
            self._shelf.let_lie(self._refusals.passed_over.popitem()[0])
        return [FaultSeen(up.at, "link.refused", False)]

    def _link_down(self, at: float) -> Outputs:
        self._online = False
        again, suspects = self._refusals.link_down(at, self._window.take_all())
        self._lanes.put_back(again)
        self._slots.clear()
        told = "{0.topic}: the broker ended the link {0.ends} times when it came"
        return [FaultSeen(at, "link.refused", True, told.format(message)) for message in suspects[:1]]

    def _ack(self, at: float, token: int) -> list[Output]:
        message = self._window.take(token)
        if message is None:
            return []
        self._window.acked(at, message)
        self.acked += 1
        mended = message.refused and not self._refusals.passed_over
        out: list[Output] = [FaultSeen(at, "link.refused", False)] if mended else []
        self._refusals.delivered(message)
        message.acked = True
        if not message.durable:
            return out
        if message.lane is Lane.ALARM:
            out.append(ReportLeft(at, message.name, message.stored, True))
        if message.stored:
            out.append(self._custody.forget(at, message))
        elif message.lane is not Lane.ALARM and self._shelf.full():
            self._custody.drop(message)  # there is no store; should this one lie in it all the same, it is sent once more
        return out

    def _refuse(self, refused: Refused) -> list[Output]:
        message = self._window.take(refused.token)
        if message is None:
            return []
        self._refusals.add(refused.at, message, refused.by_broker)
        if not refused.by_broker:
            return []
        message.refused = True
        return [FaultSeen(refused.at, "link.refused", True, f"{message.topic}: {refused.reason}")]

    def _pump(self, at: float) -> list[Output]:
        """Send what may leave now: alarms, states, events, the live position, back-fill."""
        if not self._online:
            return self._load_if_dry(at)
        out = self._pump_alarms(at)
        while self._retained and self._window.room(Lane.EVENT):
            state = self._postmark.state(self._retained.take())
            state.refused = self._refusals.state_refused(state.kind)
            out.append(self._send(at, state))
        for lane in (Lane.EVENT, Lane.LIVE, Lane.BACKFILL):
            while self._window.room(lane) and (message := self._next(lane)) is not None:
                out.append(self._send(at, message))
        return [*out, *self._load_if_dry(at)]

    def _pump_alarms(self, at: float) -> list[Output]:
        out: list[Output] = []
        while self._online and self._window.room(Lane.ALARM) and (message := self._next(Lane.ALARM)) is not None:
            out.append(self._send(at, message))
        return out

    def _next(self, lane: Lane) -> Message | None:
        if self._lanes.count(lane):
            return self._lanes.take(lane)
        free = (key for key, slot in self._slots.items() if key[0] is lane and not self._refusals.holds(lane, slot.record.KIND))
        slot = next(free, None)
        return None if slot is None else self._postmark.record(self._slots.pop(slot))

    def _send(self, at: float, message: Message) -> Output:
        self._postmark.leave(at, message)
        if self._window.too_large(message):
            return self._pass_over(at, message)
        self._undated |= not message.dated and not message.retain
        expiry_s = LIVE_EXPIRY_S if message.lane is Lane.LIVE else None
        return Publish(self._window.send(at, message), message.topic, message.payload, 1, message.retain, expiry_s)

    def _pass_over(self, at: float, message: Message) -> Output:
        """It does not leave, and nothing waits for it: it lies in the store for a broker that takes it, or is declared as lost."""
        self._refusals.too_large(at, message)
        if not message.retain and message.lane is not Lane.ALARM and (message.stored or not message.durable or not self._shelf.takes):
            self._custody.drop(message)
            if not message.stored:
                self._losses.give_up(message)
        detail = f"{message.topic}: {packet_bytes(message)} bytes, the broker takes {self._window.packet_bytes_max:.0f}"
        return FaultSeen(at, "link.refused", True, detail)

    def _load_if_dry(self, at: float) -> list[Output]:
        """Read back what a lane could not hold, once it has run dry; alarms also without a link, so that they stand ready."""
        lanes = [lane for lane in self._shelf.lying() if self._online or lane is Lane.ALARM]
        loads = (self._shelf.load(at, lane) for lane in lanes if not self._lanes.count(lane) and self._held(lane) < READY_MAX[lane])
        return [load for load in loads if load is not None]

    def expire(self) -> Outputs:
        """Look over what is not confirmed, and ask again."""
        at = self._tick_at
        self._tick_at = at + TICK_S
        out: list[Output] = []
        if self._shelf.reopen(at):
            out.append(OpenSpool())
        if self._shelf.open:
            out += self._custody.store_again(at, self._shelf.unstored_for_long(at))
            out += self._shelf.forget_again(at)
        if (self._online or self._shelf.takes) and self._held(Lane.EVENT) < READY_MAX[Lane.EVENT]:  # else it would be given up itself
            for gap in self._losses.declare():
                out += self._report(Reported(at, Lane.EVENT, gap))
        self._take_up()
        return [*out, *self._send_again(at), *self._pump(at)]

    def _take_up(self) -> None:
        """What was set aside until it lies on disk goes out of memory once its lane has run dry: the disk may never answer."""
        dry = {lane for lane in Lane if not self._lanes.count(lane)}
        for message in self._known.values():
            left = message.acked or self._waits_elsewhere(message)
            if message.lane in dry and not left and self._held(message.lane) < READY_MAX[message.lane]:
                self._lanes.add(message)

    def _waits_elsewhere(self, message: Message) -> bool:
        lies = self._shelf.takes and self._window.too_large(message)
        return lies or message in self._window or message in self._refusals

    def _send_again(self, at: float) -> list[Output]:
        """Messages that were refused a while ago, and messages whose acknowledgement is overdue."""
        if not self._online:
            return []
        if self._refusals.unsent_for_long(at):
            return [LinkStalled(at, "nothing can be sent")]
        self._lanes.put_back(self._refusals.take_due(at))
        self._lanes.put_back(self._refusals.take_suspect(at))
        self._retained.again(*self._refusals.states_due(at))
        if reason := self._window.stalled(at):
            return [LinkStalled(at, reason)]
        for message in reversed(self._window.take_overdue(at)):  # their acknowledgements were lost on the way: later ones have come
            if message.retain:
                self._retained.again(message.kind)
            else:
                self._lanes.put_back([message])
        return []

    def settled(self) -> bool:
        """Nothing that could still be done quickly is left undone: all is on disk, and what may leave has been acknowledged."""
        stored = not self._shelf.unstored or not self._shelf.open
        sent = not self._window and not self._lanes and not self._retained
        return stored and (sent or not self._online)

    def waiting(self) -> dict[str, int]:
        """Records not yet acknowledged, by lane."""
        return self._custody.waiting()

    def status(self, now: float) -> dict[str, Any]:
        """Backlog by lane, in flight, not yet on disk, the store's state."""
        return {
            "waiting": self.waiting(),
            "in_flight": len(self._window),
            "in_flight_bytes": self._window.bytes,
            "unstored": len(self._shelf.unstored),
            "store": "open" if self._shelf.open else "down",
            "store_reason": self._shelf.down or None,
            "acked": self.acked,
        }

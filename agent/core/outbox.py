"""Outbox: what the parts report goes in; what is to be stored, sent and forgotten comes out. Nothing durable is lost between the two.

Theory. A durable record gets its number and its bytes when it is reported, and is stored and sent side by side: neither waits for the
other. Once it is both on disk and acknowledged it waits no more: it is kept as history, or forgotten. A track made while the link is good
is asked of the store only when the broker's word is late, or for the history. A draft is a durable record that still grows: it is stored
as it is, again and again under its one name, and leaves when it is final. A volatile record (the live position, an alarm's repeat) waits
in a slot, where the latest wins, and gets its number when it leaves: so what was never sent leaves no hole in the numbers.

Only a window of bytes is in flight, so that little stands before an alarm, which is not held by it. What a lane cannot hold in memory
lies in the store and is read back when the lane has run dry. Whatever the outside does not confirm is asked again.
"""

import math
from typing import Any

from agent.core.custody import Custody
from agent.core.departures import Departures
from agent.core.effects import OpenSpool
from agent.core.events import (
    Acked,
    Drafted,
    Event,
    EventsDropped,
    FaultSeen,
    Forgotten,
    HistoryHeld,
    HistoryWanted,
    HistoryWritten,
    Lane,
    LinkDown,
    LinkStalled,
    LinkUp,
    Loaded,
    LossesKept,
    Refused,
    Reported,
    ReportLeft,
    Resent,
    RowsGivenUp,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    SpoolQuarantined,
    Started,
    StateChanged,
    StopRequested,
    Stored,
    StoreRoom,
    TimeLearned,
)
from agent.core.lanes import READY_MAX, Message
from agent.core.losses import Losses
from agent.core.names import Names
from agent.core.part import Output, Outputs, Part
from agent.core.postmark import Postmark
from agent.core.timebase import Timebase
from agent.wire.records import ClockFix, Gap
from agent.wire.whys import told, why

TICK_S = 1.0
"""How often what is not confirmed is looked over."""

DISK_S_MAX = 10.0
"""A draft that is final leaves after that, whether or not the disk has its last edition."""


class Outbox(Part):
    """Everything on its way to the centre."""

    name = "outbox"
    listens = (
        *(Started, StopRequested, Reported, Drafted, StateChanged, TimeLearned, EventsDropped, Resent, HistoryHeld, HistoryWanted),
        *(Stored, Forgotten, Loaded, SpoolOpened, SpoolDown, SpoolFull, SpoolQuarantined, StoreRoom, RowsGivenUp),
        *(LinkUp, LinkDown, Acked, Refused),
    )

    def __init__(self, root: str, window_bytes: int, names: Names, time: Timebase, keeps_history: bool = False) -> None:
        self._names = names
        self._postmark = Postmark(root, names, time)
        self._custody = Custody(keeps_history)
        self._known, self._shelf = self._custody.known, self._custody.shelf
        self._losses = Losses()
        self._leaving = Departures(window_bytes, self._postmark, self._custody, self._losses)
        self._lanes, self._window, self._refusals = self._leaving.lanes, self._leaving.window, self._leaving.refusals
        self._drafts: dict[str, Message] = {}
        self._tick_at = math.inf
        self.acked = 0
        self._acked_at: float | None = None

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
                return [*self._report(event), *self._leaving.pump_alarms(event.at)]  # there may be another in this turn
            case Reported():
                out = self._report(event)
            case Drafted():
                out = self._draft(event)
            case Stored():
                out = self._stored(event)
            case Forgotten(names=names):
                for name in names:
                    self._shelf.forgetting.pop(name, None)
                return ()
            case Loaded():
                out = self._loaded(event)
            case StateChanged():
                self._leaving.state(event)
                out = []
            case LinkUp():
                return [*self._leaving.link_up(event), *self._leaving.pump_alarms(event.at)]  # the rest follows: the link says presence
            case LinkDown():
                return [*self._leaving.link_down(event.at), *self._custody.ask_deferred(event.at)]
            case Refused():
                out = self._refuse(event)
            case _:
                out = self._seldom(event)
        return [*out, *self._leaving.pump(event.at)]

    def _seldom(self, event: Event) -> list[Output]:
        match event:
            case Started():
                self._tick_at = event.at + TICK_S
                return [OpenSpool()] if self._shelf.reopen(event.at) else []
            case StopRequested():
                return self._stop(event.at)
            case TimeLearned(offset_ms=offset_ms):
                return self._time_learned(event.at, offset_ms)
            case EventsDropped(count=count):
                self._losses.add(event.at, "events_dropped", "events", count)
                return [FaultSeen(event.at, "agent.overload", True, why("events_dropped", count=count))]
            case Resent(rows=rows):
                self._leaving.resend(rows)
            case HistoryHeld(held=held):
                self._leaving.history_held = held
            case HistoryWanted():
                return [*self._custody.write_history(event.at), HistoryWritten(event.at)]
            case _:
                return self._store_says(event)
        return []

    def _store_says(self, event: Event) -> list[Output]:
        match event:
            case SpoolOpened():
                self._shelf.opened(event)
                again = self._custody.store_again(event.at, self._shelf.unstored)
                return [FaultSeen(event.at, "store.down", False), *again]
            case SpoolDown(reason=reason):
                self._shelf.failed(reason)
                return [FaultSeen(event.at, "store.down", True, reason)]
            case SpoolFull():
                self._shelf.said_full(event.at)
            case StoreRoom(room=room, reason=reason):
                self._shelf.room(room, reason)
                return [] if room else [FaultSeen(event.at, "store.full", True, reason)]
            case RowsGivenUp():
                return self._rows_given_up(event)
            case SpoolQuarantined(path=path, reason=reason, rows=rows):
                aside = why("store_set_aside_unread", reason=reason, path=path)
                detail = aside if rows is None else why("store_set_aside", reason=reason, path=path, rows=rows)
                self._losses.add(event.at, "store_damaged", "rows", None)
                self._custody.emptied(event.at)
                return [FaultSeen(event.at, "store.damaged", True, detail)]
        return []

    # --- records come ---------------------------------------------------------------------------------------------------------------

    def _report(self, report: Reported) -> list[Output]:
        if report.slot is not None:
            self._leaving.slot(report)
            return []
        message = self._postmark.record(report)
        if report.lane is Lane.BACKFILL and not self._leaving.online:
            self._postmark.file(message)  # so that it lies in the store as it will leave
        self._lanes.add(message)
        later = message.lane is Lane.BACKFILL and self._leaving.online
        return [*self._custody.take(report.at, message, later), *self._trim(message.lane)]

    def _draft(self, drafted: Drafted) -> list[Output]:
        message = self._drafts.get(drafted.draft)
        if message is None:
            message = self._postmark.record(Reported(drafted.at, drafted.lane, drafted.record))
            message.draft = True
            self._drafts[drafted.draft] = message
        else:
            self._postmark.rewrite(message, drafted.at, drafted.record)
        if not self._leaving.online:
            self._postmark.file(message)
        out = self._custody.rewritten(drafted.at, message)
        if drafted.final:
            del self._drafts[drafted.draft]
            message.draft, message.sent_at = False, drafted.at
            if not self._waits_for_disk(drafted.at, message):
                self._lanes.add(message)
                out += self._trim(message.lane)
        return out

    def _waits_for_disk(self, at: float, message: Message) -> bool:
        """A shorter edition may lie there: should we die now, it would follow this one under the same name, to be dropped as a repeat."""
        waits = message.edition > 0 and not message.stored and (self._shelf.takes or message.shelved)
        return waits and at - message.sent_at < DISK_S_MAX

    def _trim(self, lane: Lane) -> list[Output]:
        """Keep a lane's memory bounded: what is on disk can be read back; without a store the oldest is given up and declared."""
        while self._lanes.count(lane) and self._leaving.held(lane) > READY_MAX[lane]:
            if self._shelf.takes:
                last = self._lanes.take_last(lane)  # it stays known until the store confirms it, so that it can be asked again
                return self._custody.ask_if_deferred(last)
            if lane is Lane.ALARM:
                return []  # never an alarm
            oldest = self._lanes.take(lane)
            if oldest.stored:
                self._let_lie(oldest)  # it lies on the disk that is away just now
                continue
            self._custody.drop(oldest)
            self._losses.give_up(oldest)
        return []

    def _let_lie(self, message: Message) -> None:
        self._known.pop(message.name, None)
        if not self._window.too_large(message):  # such a one would only be read again
            self._shelf.let_lie(message.lane)

    def _stop(self, at: float) -> list[Output]:
        """What a full card has not taken by now goes with the process; that is declared, since for that there is room."""
        out = self._custody.defer_no_more(at)
        if self._shelf.open and not self._shelf.takes and not self._leaving.online:
            for message in self._custody.unwritten(Lane.EVENT, Lane.BACKFILL):
                self._losses.add(at, "store_full", message.kind, 1, message.name)
        return [*out, *self._declare(at)]

    def _time_learned(self, at: float, offset_ms: int) -> list[Output]:
        fix = Reported(at, Lane.EVENT, ClockFix(of=self._names.boot, offset_ms=offset_ms))
        return self._report(fix) if self._postmark.date_all(self._lanes) else []

    def resending(self) -> int:
        """Rows of history that have been asked for and are not acknowledged yet."""
        return self._leaving.resending()

    # --- the store's word -----------------------------------------------------------------------------------------------------------

    def _rows_given_up(self, given_up: RowsGivenUp) -> list[Output]:
        """Rows were removed unsent; what memory still holds of them is only not on disk any more."""
        at = given_up.at
        lost = [name for name in given_up.names if self._row_given_up(at, name, None if given_up.before else given_up.lane)]
        for name in lost:
            self._losses.add(at, given_up.why, given_up.lane.name.lower(), 1, name)
        if given_up.why != "store_full" or not lost:
            return self._declare(at)
        self._shelf.crowded(at)
        return [FaultSeen(at, "store.full", True, why("rows_given_up")), *self._declare(at)]

    def _row_given_up(self, at: float, name: str, lane: Lane | None) -> bool:
        """Whether nobody has it now: what is in flight may still arrive. `lane`: where the row was counted."""
        if lane is not None:
            self._shelf.off_disk(lane)
        message = self._known.get(name)
        if message is None:
            return name not in self._shelf.forgetting
        message.stored = False
        if message not in self._lanes:
            self._shelf.unstored[name] = at  # memory has it, as the word of a loss: it is to lie there once more
            return False
        self._lanes.remove(message)
        self._custody.drop(message)
        if message.kind != Gap.KIND:
            return True
        self._losses.give_up(message)  # it is said anew
        return False

    def _stored(self, stored: Stored) -> list[Output]:
        at = stored.at
        out: list[Output] = []
        for name in stored.names:
            message = self._known.get(name)
            if message is not None and stored.editions.get(name, 0) != message.edition:
                out.append(self._custody.ask(at, message))  # it has grown since that was asked
                continue
            self._shelf.unstored.pop(name, None)
            if message is None or message.stored:
                continue
            message.stored = True
            self._shelf.stored(message.lane)
            if message.lane not in (Lane.ALARM, Lane.GAP) and self._shelf.room_again(at):
                out.append(FaultSeen(at, "store.full", False))
            if message.lane is Lane.ALARM:
                out.append(ReportLeft(at, name, True, message.acked))
            if message.kind == Gap.KIND and not self._losses.undeclared and not self._custody.unwritten(Lane.GAP):
                out.append(LossesKept(at))
            if message.acked:
                out += self._custody.delivered(at, message)
            elif not message.draft and not self._leaving.waits(message):
                self._let_lie(message)  # trimmed while it was on its way to the disk
        return out

    def _loaded(self, loaded: Loaded) -> list[Output]:
        news = [row for row in loaded.rows if row.name not in self._known and row.name not in self._shelf.forgetting]
        out = [output for row in news for output in self._leaving.take_row(loaded.at, row)]
        self._shelf.loaded(loaded)
        return out

    # --- the broker's word ----------------------------------------------------------------------------------------------------------

    def _ack(self, at: float, token: int) -> list[Output]:
        message = self._window.take(token)
        if message is None:
            return []
        self._window.acked(at, message)
        self.acked, self._acked_at = self.acked + 1, at
        mended = message.refused and not self._refusals.passed_over
        out: list[Output] = [FaultSeen(at, "link.refused", False)] if mended else []
        self._refusals.delivered(message)
        message.acked = True
        if not message.durable:
            return out
        if message.lane is Lane.ALARM:
            out.append(ReportLeft(at, message.name, message.stored, True))
        return [*out, *self._custody.delivered(at, message)]

    def _refuse(self, refused: Refused) -> list[Output]:
        message = self._window.take(refused.token)
        if message is None:
            return []
        self._refusals.add(refused.at, message, refused.by_broker)
        if not refused.by_broker:
            return []
        message.refused = True
        return [FaultSeen(refused.at, "link.refused", True, why("message_refused", topic=message.topic, reason=refused.reason))]

    # --- what is not confirmed ------------------------------------------------------------------------------------------------------

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
        out += self._custody.ask_late(at)
        out += self._declare(at)
        self._take_up(at)
        if reason := self._leaving.again(at):
            return [*out, LinkStalled(at, reason), *self._leaving.pump(at)]
        return [*out, *self._leaving.pump(at)]

    def _declare(self, at: float) -> list[Output]:
        """Say what was lost, unless the saying would be lost itself; without a link one declaration grows, so that they are few."""
        online = self._leaving.online
        if not (online or self._shelf.takes_gaps) or self._leaving.held(Lane.GAP) >= READY_MAX[Lane.GAP]:
            return []
        gaps = self._losses.declare(final=online)
        return [out for draft, gap in gaps for out in self._draft(Drafted(at, Lane.GAP, gap, draft, final=online))]

    def _take_up(self, at: float) -> None:
        """What was set aside until it lies on disk goes out of memory once its lane has run dry: the disk may never answer."""
        dry = {lane for lane in Lane if not self._lanes.count(lane)} if self._known else set()
        for message in self._known.values():
            if message.lane not in dry or message.acked or message.draft or self._waits_for_disk(at, message):
                continue
            if not self._waits_elsewhere(message) and self._leaving.held(message.lane) < READY_MAX[message.lane]:
                self._lanes.add(message)

    def _waits_elsewhere(self, message: Message) -> bool:
        return message in self._window or message in self._refusals or (self._shelf.takes and self._window.too_large(message))

    def settled(self) -> bool:
        """Nothing that could still be done quickly is left undone: all is on disk, and what may leave has been acknowledged."""
        return (self._custody.settled or not self._shelf.open) and (self._leaving.empty or not self._leaving.online)

    def quiet(self) -> bool:
        """Nothing is on its way to the broker, and nothing waits to be."""
        return self._leaving.empty

    def waiting(self) -> dict[str, int]:
        """Records not yet acknowledged, by lane."""
        return self._custody.waiting()

    def status(self, now: float) -> dict[str, Any]:
        """Backlog by lane, in flight, not yet on disk, the store's state, acknowledgements and the age of the last."""
        return {
            "waiting": self.waiting(),
            **self._window.status(),
            "unstored": len(self._shelf.unstored),
            "store": "open" if self._shelf.open else "down",
            "store_reason": str(self._shelf.down) or None,
            "store_why": told(self._shelf.down),
            "acked": self.acked,
            "acked_s": None if self._acked_at is None else round(now - self._acked_at, 1),
        }

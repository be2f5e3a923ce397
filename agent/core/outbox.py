"""Outbox: what the parts report goes in; what is to be stored, sent and forgotten comes out. Nothing durable is lost between the two.

Theory. A durable record gets its number and its bytes when it is reported, and is stored and sent side by side: neither waits for the
other. It is forgotten when it is both on disk and acknowledged. A volatile one (the live position, an alarm's repeat) waits in a slot,
where the latest wins, and gets its number when it leaves: so what was never sent leaves no hole in the numbers.

Only a window of bytes is in flight, so that little stands before an alarm, which is not held by it. What a lane cannot hold in memory
lies in the store and is read back when the lane has run dry. Whatever the outside does not confirm is asked again.
"""

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from agent.core.effects import Effect, Forget, Load, OpenSpool, Publish, Store
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
    SpoolOpened,
    SpoolQuarantined,
    Started,
    StateChanged,
    Stored,
    TimeLearned,
)
from agent.core.lanes import Lanes, Message
from agent.core.names import Names
from agent.core.part import Output, Outputs, Part
from agent.core.timebase import Timebase
from agent.wire import codec, topics
from agent.wire.records import VERSION, ClockFix, Gap, Record

TICK_S = 1.0
"""How often what is not confirmed is looked over."""

ASK_AGAIN_S = 5.0
"""A store, a load or a forgetting that is not confirmed by then is asked again; longer than a slow card's fsync."""

ACK_S_MAX = 10.0
"""A message unacknowledged for longer is sent again when others were acknowledged since; when none was, the link is stalled."""

REFUSED_WAIT_S = 30.0
"""A message that the broker refused is tried again after that; it may be the broker's mood, and must not become a storm."""

LIVE_S = 10.0
"""A record that leaves later than this after it was made is marked as history."""

READY_MAX = {Lane.ALARM: 1000, Lane.EVENT: 500, Lane.LIVE: 64, Lane.BACKFILL: 32}
"""Messages of a lane kept in memory; the rest waits in the store (or, without one, the oldest is given up and declared)."""

UNSTORED_MAX = 2000
"""Records asked of the store and not confirmed; a disk that hangs without an error is treated as none from there on."""

RESERVE_BYTES = 2048
"""Room above the window for events and the live position, so that back-fill cannot shut them out."""

ALARMS_IN_FLIGHT_MAX = 32
"""Alarms are not held by the window; this many at once is more than any honest button makes."""

LOAD_ROWS = 64
"""Rows read back at a time."""


class Outbox(Part):
    """Everything on its way to the centre."""

    name = "outbox"
    listens = (
        Started,
        Reported,
        StateChanged,
        Stored,
        Forgotten,
        Loaded,
        SpoolOpened,
        SpoolDown,
        SpoolQuarantined,
        LinkUp,
        LinkDown,
        Acked,
        Refused,
        TimeLearned,
        EventsDropped,
    )

    def __init__(self, root: str, window_bytes: int, names: Names, time: Timebase) -> None:
        self._root = root
        self._window_bytes = window_bytes
        self._names = names
        self._time = time
        self._tick_at = math.inf
        # memory
        self._lanes = Lanes()
        self._known: dict[str, Message] = {}
        self._slots: dict[tuple[Lane, str], Reported] = {}
        self._states: dict[str, StateChanged] = {}
        self._states_due: dict[str, None] = {}
        self._refused: list[Message] = []
        self._undated_left = False
        self._lost: dict[str, Gap] = {}
        # store
        self.store_open = False
        self._store_down = ""
        self._open_asked_at = -math.inf
        self._unstored: dict[str, float] = {}
        self._forgetting: dict[str, float] = {}
        self._load_asked_at: dict[Lane, float] = {}
        self._more: set[Lane] = set()
        self._cursor: dict[Lane, str | None] = {}
        self._rows: dict[Lane, int] = dict.fromkeys(Lane, 0)
        # link
        self._online = False
        self._flight: dict[int, Message] = {}
        self._flight_bytes = 0
        self._token = 0
        self._receive_max = 65535
        self._acked_at = -math.inf
        self.acked = 0

    @property
    def deadline(self) -> float:
        """When the unconfirmed is looked over."""
        return self._tick_at

    # --- events -------------------------------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> Outputs:
        """Take a report, or the word of the store or the broker."""
        match event:
            case Acked(token=token):
                out = self._ack(event.at, token)
            case Reported():
                out = self._report(event)
            case Stored(names=names):
                out = self._stored(event.at, names)
            case Forgotten(names=names):
                for name in names:
                    self._forgetting.pop(name, None)
                return ()
            case Loaded():
                out = self._loaded(event)
            case StateChanged(name=name):
                self._states[name] = event
                self._states_due[name] = None
                out = []
            case LinkUp():
                out = self._link_up(event)
            case LinkDown():
                return self._link_down()
            case Refused(token=token, reason=reason):
                out = self._refuse(event.at, token, reason)
            case _:
                out = self._store_or_time(event)
        return [*out, *self._pump(event.at)]

    def _store_or_time(self, event: Event) -> list[Output]:
        match event:
            case Started():
                self._tick_at = event.at + TICK_S
                self._open_asked_at = event.at
                return [OpenSpool()]
            case SpoolOpened():
                return self._spool_opened(event)
            case SpoolDown(reason=reason):
                self.store_open = False
                self._store_down = reason
                return [FaultSeen(event.at, "store.down", True, reason)]
            case SpoolQuarantined(path=path, reason=reason, rows=rows):
                kept = "an unknown number of" if rows is None else str(rows)
                detail = f"{reason}; set aside at {path}, {kept} rows saved"
                self._give_up("store_damaged", "rows", None, event.at)
                for name, message in self._known.items():  # what we still hold is not on that disk any more
                    message.stored = False
                    self._unstored[name] = event.at
                return [FaultSeen(event.at, "store.damaged", True, detail)]
            case TimeLearned(offset_ms=offset_ms):
                return self._time_learned(event.at, offset_ms)
            case EventsDropped(count=count):
                self._give_up("events_dropped", "events", count, event.at)
                return [FaultSeen(event.at, "agent.overload", True, f"{count} events dropped")]
        return []

    # --- reports ------------------------------------------------------------------------------------------------------------------

    def _report(self, report: Reported) -> list[Output]:
        if report.slot is not None:
            if self._online:  # offline there is nothing live; the track and the latch hold what matters
                self._slots[(report.lane, report.slot)] = report
            return []
        message = self._make(report, report.seq if report.seq is not None else self._names.take())
        message.durable = True
        message.hist = report.lane is Lane.BACKFILL and not self._online
        if message.hist:
            message.payload = codec.amend(message.payload, hist=True)
        self._known[message.name] = message
        self._unstored[message.name] = report.at
        self._lanes.add(message)
        return [Store(message.name, message.lane, message.payload), *self._trim(message.lane)]

    def _make(self, report: Reported, seq: int) -> Message:
        utc_ms, clock = self._time.stamp(report.at)
        kind = type(report.record).KIND
        record = msgspec.structs.replace(
            report.record,
            v=VERSION,
            unit=self._names.unit,
            kind=kind,
            boot=self._names.boot,
            seq=seq,
            time=utc_ms,
            mono=round(report.at * 1000),
            clock=clock,
        )
        topic = topics.up(self._root, self._names.unit, kind)
        message = Message(report.lane, kind, topic, codec.encode(record), report.at, name=self._names.name(seq))
        message.dated = utc_ms is not None
        return message

    def _trim(self, lane: Lane) -> list[Output]:
        """Keep a lane's memory bounded: what is on disk can be read back; without a store the oldest is given up and declared."""
        while self._lanes.count(lane) > READY_MAX[lane]:
            newest = self._lanes.take_last(lane)
            if newest.stored or (self.store_open and len(self._unstored) < UNSTORED_MAX):
                if newest.stored:
                    self._let_lie(newest)
                return []  # else it stays known until the open store confirms it, so that it can be asked again
            self._lanes.add(newest)
            oldest = self._lanes.take(lane)
            if lane is Lane.ALARM:
                self._lanes.put_back([oldest])
                return []  # never an alarm
            self._known.pop(oldest.name, None)
            self._unstored.pop(oldest.name, None)
            self._give_up("memory_full", oldest.kind, 1, oldest.made_at)
        return []

    def _let_lie(self, message: Message) -> None:
        """It is on disk and not in memory any more: it will be read back, even when the reading has already passed its place."""
        self._known.pop(message.name, None)
        self._more.add(message.lane)
        self._cursor.pop(message.lane, None)

    def _give_up(self, why: str, what: str, count: int | None, at: float) -> None:
        """Something is lost: it will be declared with the next tick, in one record per reason however many there are."""
        before = self._lost.get(f"{why} {what}")
        mono = round(at * 1000)
        total = None if count is None else count + (before.count or 0 if before else 0)
        first = before.from_mono if before else mono
        self._lost[f"{why} {what}"] = Gap(why=why, what=what, count=total, from_mono=first, to_mono=mono)

    def _time_learned(self, at: float, offset_ms: int) -> list[Output]:
        for message in self._lanes:
            self._date(message)
        if not self._undated_left:
            return []
        self._undated_left = False
        return self._report(Reported(at, Lane.EVENT, ClockFix(of=self._names.boot, offset_ms=offset_ms)))

    # --- the store ----------------------------------------------------------------------------------------------------------------

    def _spool_opened(self, opened: SpoolOpened) -> list[Output]:
        self.store_open = True
        self._rows = dict.fromkeys(Lane, 0) | opened.waiting
        self._more |= {lane for lane, rows in opened.waiting.items() if rows}
        out: list[Output] = [FaultSeen(opened.at, "store.down", False)] if self._store_down else []
        self._store_down = ""
        return [*out, *self._store_again(opened.at, self._unstored)]

    def _store_again(self, at: float, names: Iterable[str]) -> list[Output]:
        out: list[Output] = []
        for name in list(names):
            message = self._known.get(name)
            if message is not None and not message.acked:
                self._unstored[name] = at
                out.append(Store(name, message.lane, message.payload))
                continue
            del self._unstored[name]
            if message is not None:  # delivered before it was confirmed to be on disk, where it may lie all the same
                out += self._forget(at, message)
        return out

    def _stored(self, at: float, names: tuple[str, ...]) -> list[Output]:
        out: list[Output] = []
        for name in names:
            self._unstored.pop(name, None)
            message = self._known.get(name)
            if message is None or message.stored:
                continue
            message.stored = True
            self._rows[message.lane] += 1
            if message.lane is Lane.ALARM:
                out.append(ReportLeft(at, name, True, message.acked))
            if message.acked:
                out += self._forget(at, message)
            elif not self._waits(message):
                self._let_lie(message)  # trimmed while it was on its way to the disk
        return out

    def _waits(self, message: Message) -> bool:
        return message in self._flight.values() or message in self._lanes or message in self._refused

    def _forget(self, at: float, message: Message) -> list[Output]:
        self._known.pop(message.name, None)
        self._rows[message.lane] = max(0, self._rows[message.lane] - message.stored)
        self._forgetting[message.name] = at
        return [Forget((message.name,))]

    def _loaded(self, loaded: Loaded) -> list[Output]:
        asked = self._load_asked_at.pop(loaded.lane, None)
        out: list[Output] = []
        for row in loaded.rows:
            if row.name not in self._known and row.name not in self._forgetting:
                out += self._take_row(loaded.at, row)
        if asked is None or loaded.lane not in self._cursor:
            return out  # something was laid down behind the reader since it was asked: it reads from the start again
        if loaded.more:
            self._cursor[loaded.lane] = loaded.rows[-1].name
        else:
            self._more.discard(loaded.lane)
            del self._cursor[loaded.lane]
        return out

    def _take_row(self, at: float, row: Row) -> list[Output]:
        try:
            facts = codec.unpack(row.payload)
            kind = str(facts["kind"])
        except (codec.Malformed, KeyError) as e:
            self._give_up("store_damaged", "row", 1, at)
            self._forgetting[row.name] = at
            return [FaultSeen(at, "store.damaged", True, f"row {row.name}: {e}"), Forget((row.name,))]
        topic = topics.up(self._root, self._names.unit, kind)
        message = Message(row.lane, kind, topic, row.payload, -math.inf, name=row.name, durable=True)
        message.stored = True
        message.hist = bool(facts.get("hist"))
        message.dated = facts.get("time") is not None or facts.get("boot") != self._names.boot
        if not message.dated:
            message.made_at = float(facts.get("mono", 0)) / 1000
        self._known[row.name] = message
        self._lanes.add(message)
        return []

    # --- the link -----------------------------------------------------------------------------------------------------------------

    def _link_up(self, up: LinkUp) -> list[Output]:
        self._online = True
        self._acked_at = up.at
        self._receive_max = up.receive_max
        # the link says its own presence, with the nonce of this session
        self._states_due = {name: None for name in self._states if name != "presence"}
        self._lanes.put_back(self._refused)
        self._refused = []
        return []

    def _link_down(self) -> Outputs:
        self._online = False
        back = [message for message in self._flight.values() if not message.retain]
        self._lanes.put_back(back)  # tokens rise, so this is the order in which they left
        self._flight.clear()
        self._flight_bytes = 0
        self._slots.clear()
        return ()

    def _ack(self, at: float, token: int) -> list[Output]:
        message = self._flight.pop(token, None)
        if message is None:
            return []
        self._flight_bytes -= len(message.payload)
        self._acked_at = at
        self.acked += 1
        if message.retain:
            return []
        message.acked = True
        out: list[Output] = []
        if message.lane is Lane.ALARM and message.durable:
            out.append(ReportLeft(at, message.name, message.stored, True))
        if message.durable and message.stored:
            out += self._forget(at, message)
        return out

    def _refuse(self, at: float, token: int, reason: str) -> list[Output]:
        message = self._flight.pop(token, None)
        if message is None:
            return []
        self._flight_bytes -= len(message.payload)
        message.sent_at = at
        if not message.retain:
            self._refused.append(message)
        return [FaultSeen(at, "link.refused", True, f"{message.topic}: {reason}")]

    def _pump(self, at: float) -> list[Output]:
        """Send what may leave now: alarms, states, events, the live position, back-fill."""
        if not self._online:
            return self._load_if_dry(at)
        out: list[Output] = []
        alarms = sum(1 for message in self._flight.values() if message.lane is Lane.ALARM)
        while alarms < ALARMS_IN_FLIGHT_MAX and (message := self._next(Lane.ALARM)) is not None:
            out.append(self._send(at, message))
            alarms += 1
        while self._states_due:
            name = next(iter(self._states_due))
            del self._states_due[name]
            out.append(self._send(at, self._make_state(self._states[name])))
        room = self._window_bytes + RESERVE_BYTES
        for lane in (Lane.EVENT, Lane.LIVE, Lane.BACKFILL):
            room = self._window_bytes if lane is Lane.BACKFILL else room
            while self._may_send(room) and (message := self._next(lane)) is not None:
                out.append(self._send(at, message))
        return [*out, *self._load_if_dry(at)]

    def _may_send(self, room: int) -> bool:
        return (self._flight_bytes < room and len(self._flight) < self._receive_max - ALARMS_IN_FLIGHT_MAX) or not self._flight

    def _next(self, lane: Lane) -> Message | None:
        if self._lanes.count(lane):
            return self._lanes.take(lane)
        slot = next((key for key in self._slots if key[0] is lane), None)
        return None if slot is None else self._make(self._slots.pop(slot), self._names.take())

    def _make_state(self, changed: StateChanged) -> Message:
        utc_ms, clock = self._time.stamp(changed.at)
        record: Record = msgspec.structs.replace(
            changed.record,
            v=VERSION,
            unit=self._names.unit,
            kind=changed.name,
            boot=self._names.boot,
            time=utc_ms,
            mono=round(changed.at * 1000),
            clock=clock,
        )
        topic = topics.state(self._root, self._names.unit, changed.name)
        return Message(Lane.EVENT, changed.name, topic, codec.encode(record), changed.at, retain=True)

    def _send(self, at: float, message: Message) -> Effect:
        if not message.retain:
            self._date(message)
            self._undated_left |= not message.dated
            if not message.hist and at - message.made_at > LIVE_S:
                message.hist = True
                message.payload = codec.amend(message.payload, hist=True)
        self._token += 1
        message.sent_at = at
        self._flight[self._token] = message
        self._flight_bytes += len(message.payload)
        return Publish(self._token, message.topic, message.payload, 1, message.retain)

    def _date(self, message: Message) -> None:
        if message.dated:
            return
        utc_ms, clock = self._time.stamp(message.made_at)
        if utc_ms is not None:
            message.payload = codec.amend(message.payload, time=utc_ms, clock=msgspec.to_builtins(clock))
            message.dated = True

    def _load_if_dry(self, at: float) -> list[Output]:
        """Read back what a lane could not hold, once it has run dry; alarms also without a link, so that they stand ready."""
        out: list[Output] = []
        for lane in sorted(self._more - self._load_asked_at.keys()):
            wanted = self._online or lane is Lane.ALARM
            if self.store_open and wanted and not self._lanes.count(lane):
                self._load_asked_at[lane] = at
                out.append(Load(lane, self._cursor.setdefault(lane, None), LOAD_ROWS))
        return out

    # --- what is not confirmed ------------------------------------------------------------------------------------------------------

    def expire(self) -> Outputs:
        """Look over what is not confirmed, and ask again."""
        at = self._tick_at
        self._tick_at = at + TICK_S
        out: list[Output] = []
        before = at - ASK_AGAIN_S
        if not self.store_open and self._open_asked_at <= before:
            self._open_asked_at = at
            out.append(OpenSpool())
        if self.store_open:
            out += self._store_again(at, [name for name, asked in self._unstored.items() if asked <= before])
            forgetting = tuple(name for name, asked in self._forgetting.items() if asked <= before)
            if forgetting:
                self._forgetting.update(dict.fromkeys(forgetting, at))
                out.append(Forget(forgetting))
        for lane, asked in list(self._load_asked_at.items()):
            if asked <= before:
                del self._load_asked_at[lane]
        lost, self._lost = self._lost, {}
        for gap in lost.values():
            out += self._report(Reported(at, Lane.EVENT, gap))
        return [*out, *self._send_again(at), *self._pump(at)]

    def _send_again(self, at: float) -> list[Output]:
        """Messages that were refused a while ago, and messages whose acknowledgement is overdue."""
        again = [message for message in self._refused if at - message.sent_at >= REFUSED_WAIT_S]
        self._refused = [message for message in self._refused if message not in again]
        self._lanes.put_back(again)
        overdue = [token for token, message in self._flight.items() if at - message.sent_at > ACK_S_MAX]
        if not overdue:
            return []
        if at - self._acked_at > ACK_S_MAX:
            return [LinkStalled(at, f"no acknowledgement for {at - self._acked_at:.0f} s")]
        for token in overdue:  # its acknowledgement was lost on the way to us: others sent with it have come
            message = self._flight.pop(token)
            self._flight_bytes -= len(message.payload)
            if message.retain:
                self._states_due[message.kind] = None
            else:
                self._lanes.put_back([message])
        return []

    # --- for others -----------------------------------------------------------------------------------------------------------------

    def settled(self) -> bool:
        """Nothing that could still be done quickly is left undone: all is on disk, and what may leave has been acknowledged."""
        stored = not self._unstored or not self.store_open
        sent = not self._flight and not self._lanes.count(Lane.ALARM) and not self._lanes.count(Lane.EVENT) and not self._states_due
        return stored and (sent or not self._online)

    def waiting(self) -> dict[str, int]:
        """Records not yet acknowledged, by lane."""
        counts = {lane.name.lower(): self._rows[lane] for lane in Lane}
        for message in self._known.values():
            counts[message.lane.name.lower()] += not message.stored
        return counts

    def status(self, now: float) -> dict[str, Any]:
        """Backlog by lane, in flight, not yet on disk, the store's state."""
        return {
            "waiting": self.waiting(),
            "in_flight": len(self._flight),
            "in_flight_bytes": self._flight_bytes,
            "unstored": len(self._unstored),
            "store": "open" if self.store_open else "down",
            "store_reason": self._store_down or None,
            "acked": self.acked,
        }

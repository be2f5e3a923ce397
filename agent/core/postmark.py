"""Postmarks: reports, states and rows go in; messages with header, topic and bytes come out, dated as well as is known when they leave."""

import math
from collections.abc import Iterable

import msgspec

from agent.core.events import Lane, Reported, Row, StateChanged
from agent.core.lanes import Message
from agent.core.names import Names
from agent.core.timebase import Timebase
from agent.wire import codec, topics
from agent.wire.records import VERSION, Record

LIVE_S = 10.0
"""A record that leaves later than this after it was made is marked as history."""


class Postmark:
    """Writes what every record carries: who, which, when, and how well that is known."""

    def __init__(self, root: str, names: Names, time: Timebase) -> None:
        self._root = root
        self._names = names
        self._time = time
        self.undated = False
        """Whether a record was written while the time was unknown, since this was last put back."""

    def record(self, report: Reported) -> Message:
        """A report becomes a record with a number of its own."""
        seq = report.seq if report.seq is not None else self._names.take()
        kind = type(report.record).KIND
        record = msgspec.structs.replace(self._stamped(report.record, kind, report.at), seq=seq)
        topic = topics.up(self._root, self._names.unit, kind)
        message = Message(report.lane, kind, topic, codec.encode(record), report.at, self._names.name(seq), report.slot is None)
        message.dated = record.time is not None
        self.undated |= not message.dated
        return message

    def rewrite(self, message: Message, at: float, body: Record) -> None:
        """A record that has not left says something else now, under the same number."""
        seq = int(message.name.rpartition("-")[2])
        record = msgspec.structs.replace(self._stamped(body, message.kind, at), seq=seq)
        message.payload, message.made_at, message.dated, message.hist = codec.encode(record), at, record.time is not None, False
        message.edition += 1
        self.undated |= not message.dated

    def state(self, changed: StateChanged) -> Message:
        """A state becomes a retained message."""
        record = self._stamped(changed.record, changed.name, changed.at)
        topic = topics.state(self._root, self._names.unit, changed.name)
        return Message(Lane.EVENT, changed.name, topic, codec.encode(record), changed.at, retain=True)

    def row(self, row: Row) -> Message:
        """A row of the store becomes a message again.

        Raises:
            codec.Malformed: it is not a record.
        """
        header = codec.header(row.payload)
        if not isinstance(header.kind, str) or not topics.NAME.fullmatch(header.kind):
            raise codec.Malformed(f"a record without a kind that could stand in a topic, found {header.kind!r:.50}")
        if not isinstance(header.mono, int):
            raise codec.Malformed(f"a record whose mono is no number of milliseconds but {header.mono!r:.50}")
        ours = header.boot == self._names.boot
        made_at = header.mono / 1000 if ours else -math.inf
        topic = topics.up(self._root, self._names.unit, header.kind)
        message = Message(row.lane, header.kind, topic, row.payload, made_at, row.name, durable=True)
        message.stored = True
        message.hist = bool(header.hist)
        message.dated = header.time is not None or not ours  # another boot's monotonic clock says nothing to us
        self.undated |= not message.dated
        return message

    def _stamped(self, record: Record, kind: str, at: float) -> Record:
        utc_ms, clock = self._time.stamp(at)
        return msgspec.structs.replace(
            record,
            v=VERSION,
            unit=self._names.unit,
            kind=kind,
            boot=self._names.boot,
            time=utc_ms,
            mono=round(at * 1000),
            clock=clock,
        )

    def date(self, message: Message) -> None:
        """Give a record its time, when that has become known since."""
        if message.dated:
            return
        utc_ms, clock = self._time.stamp(message.made_at)
        if utc_ms is not None:
            message.payload = codec.amend(message.payload, time=utc_ms, clock=msgspec.to_builtins(clock))
            message.dated = True

    def date_all(self, messages: Iterable[Message]) -> bool:
        """Date these; whether others were undated, that have left, or lie in the store as they were, perhaps for a later boot."""
        for message in messages:
            self.date(message)
        others, self.undated = self.undated, False
        return others

    def file(self, message: Message) -> None:
        """Mark a record as history."""
        if not message.hist:
            message.hist = True
            message.payload = codec.amend(message.payload, hist=True)

    def leave(self, at: float, message: Message) -> None:
        """What is still to be done when it leaves."""
        if message.retain:
            return
        self.date(message)
        if at - message.made_at > LIVE_S:
            self.file(message)

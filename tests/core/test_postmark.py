"""Postmarks: reports, states and rows become messages with who, which and when."""

import math

import msgspec
import pytest

from agent.core.events import Lane, Reported, Row, StateChanged
from agent.core.postmark import LIVE_S, Postmark
from agent.core.timebase import Timebase
from agent.wire import codec
from agent.wire.records import Clock, EventRecord, Io
from tests.core.builders import BOOT, OTHER_BOOT, ROOT, UTC_MS, event_report, names, timed_fix, told_time

UNKNOWN = Timebase()


def made(time: Timebase | None = None) -> Postmark:
    return Postmark(ROOT, names(), time or told_time())


def stored(**facts: object) -> Row:
    """A row with a record of these facts."""
    header: dict[str, object] = {"v": 1, "unit": "car-1", "kind": "event", "boot": OTHER_BOOT, "seq": 5, "mono": 7000, "what": "input"}
    return Row("x-5", Lane.EVENT, msgspec.msgpack.encode({k: v for k, v in (header | facts).items() if v is not None}))


def test_a_report_becomes_a_record_with_its_whole_header() -> None:
    message = made().record(event_report(5.0))
    record = codec.decode(message.payload)
    assert (record.v, record.unit, record.kind, record.boot, record.seq) == (1, "car-1", "event", BOOT, 1)
    assert (record.time, record.mono, record.hist) == (UTC_MS + 5000, 5000, None)
    assert record.clock is not None
    assert record.clock.src == "gnss"
    assert (message.name, message.topic, message.durable, message.retain, message.dated) == (
        f"{BOOT}-1",
        f"{ROOT}/u/car-1/up/event",
        True,
        False,
        True,
    )


def test_numbers_rise_by_one_and_a_number_taken_beforehand_is_used() -> None:
    postmark = made()
    assert [postmark.record(event_report(1.0)).name for _ in range(3)] == [f"{BOOT}-{i}" for i in (1, 2, 3)]
    reported = event_report(1.0)
    assert postmark.record(Reported(1.0, Lane.ALARM, reported.record, None, 77)).name == f"{BOOT}-77"


def test_a_report_with_a_slot_is_not_durable() -> None:
    assert not made().record(Reported(1.0, Lane.LIVE, EventRecord(what="input"), "position")).durable


def test_a_state_is_retained_and_takes_no_number() -> None:
    postmark = made()
    message = postmark.state(StateChanged(1.0, "io", Io(inputs={}, outputs={}, lights="off")))
    record = codec.decode(message.payload)
    assert (message.retain, message.durable, message.topic, record.kind, record.seq) == (True, False, f"{ROOT}/u/car-1/state/io", "io", 0)
    assert postmark.record(event_report(1.0)).name == f"{BOOT}-1"


def test_a_record_made_before_the_time_was_known_is_dated_when_it_is() -> None:
    time = Timebase()
    postmark = made(time)
    message = postmark.record(event_report(1.0))
    assert (message.dated, codec.decode(message.payload).time, codec.decode(message.payload).clock) == (False, None, Clock("none"))
    postmark.date(message)
    assert not message.dated
    for at in (2.0, 3.0, 4.0):
        time.handle(timed_fix(at))
    postmark.leave(5.0, message)
    record = codec.decode(message.payload)
    assert record.time == UTC_MS + 1000
    assert record.clock is not None
    assert record.clock.src == "gnss"
    before = message.payload
    postmark.date(message)
    assert message.payload is before


def test_what_leaves_more_than_ten_seconds_late_is_history() -> None:
    postmark = made()
    for wait, hist in ((LIVE_S, None), (LIVE_S + 0.1, True)):
        message = postmark.record(event_report(1.0))
        postmark.leave(1.0 + wait, message)
        assert codec.decode(message.payload).hist is hist


def test_history_is_marked_once() -> None:
    postmark = made()
    message = postmark.record(event_report(1.0))
    postmark.file(message)
    before = message.payload
    postmark.file(message)
    assert message.payload is before


def test_a_state_is_never_history() -> None:
    postmark = made()
    message = postmark.state(StateChanged(1.0, "io", Io(inputs={}, outputs={}, lights="off")))
    before = message.payload
    postmark.leave(1000.0, message)
    assert message.payload is before


@pytest.mark.parametrize(
    ("facts", "made_at", "dated", "hist"),
    [
        ({"time": UTC_MS}, -math.inf, True, False),
        ({}, -math.inf, True, False),  # its monotonic clock says nothing to us
        ({"boot": BOOT}, 7.0, False, False),
        ({"boot": BOOT, "time": UTC_MS, "hist": True}, 7.0, True, True),
    ],
)
def test_a_row_becomes_a_message_again(facts: dict[str, object], made_at: float, dated: bool, hist: bool) -> None:
    message = made().row(stored(**facts))
    assert (message.name, message.lane, message.kind, message.durable, message.stored) == ("x-5", Lane.EVENT, "event", True, True)
    assert (message.made_at, message.dated, message.hist, message.topic) == (made_at, dated, hist, f"{ROOT}/u/car-1/up/event")


@pytest.mark.parametrize(
    "row",
    [
        Row("x-5", Lane.EVENT, b""),
        Row("x-5", Lane.EVENT, b"\xff\xff"),
        Row("x-5", Lane.EVENT, b"\x93\x01\x02\x03"),
        stored(kind=None),
        stored(kind=5),
        stored(kind="a/#"),
        stored(kind=""),
        stored(mono="late", boot=BOOT),
        stored(mono=1.5),
    ],
)
def test_a_row_that_is_no_record_is_malformed(row: Row) -> None:
    with pytest.raises(codec.Malformed):
        made().row(row)


def test_a_later_versions_record_passes_through_unchanged() -> None:
    row = stored(kind="hologram", depth_m=3)
    message = made().row(row)
    assert (message.payload, message.topic) == (row.payload, f"{ROOT}/u/car-1/up/hologram")

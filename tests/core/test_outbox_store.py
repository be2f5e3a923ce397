"""The outbox: time and history, and stores that are full, hang, are damaged or come late."""

import pytest

from agent.core.effects import Forget, Load, Publish, Store
from agent.core.events import (
    Acked,
    EventsDropped,
    FaultSeen,
    Lane,
    Loaded,
    Row,
    SpoolDown,
    SpoolQuarantined,
    Started,
    Stored,
    TimeLearned,
)
from agent.core.outbox import Outbox
from agent.core.timebase import Timebase
from agent.wire import codec
from agent.wire.records import ClockFix, EventRecord
from tests.core.builders import (
    BOOT,
    OTHER_BOOT,
    UTC_MS,
    Bench,
    event_report,
    link_down,
    link_up,
    of,
    one,
    outbox,
    record,
    spool_opened,
    timed_fix,
    types,
)
from tests.core.outbox_states import AT, OPEN, REPORT, STATES, STORED, UP, made, short

# --- time and history ---------------------------------------------------------------------------------------------------------------


def test_a_record_that_leaves_ten_seconds_late_is_marked_as_history() -> None:
    bench = made(OPEN, REPORT)
    assert record(one(Publish, bench.feed(link_up(110.1)))).hist is None
    late = made(OPEN, REPORT)
    assert record(one(Publish, late.feed(link_up(110.2)))).hist is True


def test_back_fill_made_without_a_link_lies_in_the_store_as_history() -> None:
    report = event_report(100.1, lane=Lane.BACKFILL)
    assert record(one(Store, made(OPEN).feed(report))).hist is True
    assert record(one(Publish, made(OPEN, UP).feed(report))).hist is None


def test_alarms_in_flight_or_not_are_never_marked_before_they_are_late() -> None:
    bench = made(OPEN, UP)
    assert record(one(Publish, bench.feed(event_report(100.1, lane=Lane.ALARM)))).hist is None


def _undated() -> tuple[Timebase, Bench]:
    time = Timebase()
    _, bench = outbox(time)
    bench.feed(Started(99.5), OPEN, REPORT)
    return time, bench


def test_what_waits_undated_leaves_dated_once_the_time_is_known() -> None:
    time, bench = _undated()
    for at in (100.2, 100.3, 100.35):
        time.handle(timed_fix(at))
    bench.feed(TimeLearned(100.35, UTC_MS))
    sent = [record(out) for out in of(Publish, bench.feed(link_up(AT)))]
    assert [(found.kind, found.time) for found in sent] == [("event", UTC_MS + 100_100), ("clock_fix", UTC_MS + 100_350)]


def test_the_offset_is_told_once_and_only_in_a_boot_that_made_undated_records() -> None:
    """They may have left, or lie in the store for a later boot, which cannot date them."""
    time, bench = _undated()
    for at in (100.2, 100.3, 100.35):
        time.handle(timed_fix(at))
    fixes = [record(out) for out in of(Store, bench.feed(TimeLearned(100.35, UTC_MS), TimeLearned(100.4, UTC_MS)))]
    assert [(found.of, found.offset_ms) for found in fixes if isinstance(found, ClockFix)] == [(BOOT, UTC_MS)]
    assert of(Store, made(OPEN, REPORT).feed(TimeLearned(AT, UTC_MS))) == []


def test_what_is_forgotten_is_not_kept_in_memory_and_what_was_acknowledged_is_counted() -> None:
    part = STATES["online, open, forgetting"]().part
    assert isinstance(part, Outbox)
    assert part.acked == 1
    assert part.waiting() == dict.fromkeys(("alarm", "event", "live", "backfill", "gap"), 0)
    assert part._known == {}


# --- full, hanging, damaged stores --------------------------------------------------------------------------------------------------


def _filled(bench: Bench, lane: Lane, count: int, at: float = 100.1, stored: bool = True) -> list[str]:
    named = []
    for i in range(count):
        store = one(Store, bench.feed(event_report(at, str(i), lane)))
        named.append(store.name)
        if stored:
            bench.feed(Stored(at, (store.name,)))
    return named


def test_what_a_lane_cannot_hold_lies_in_the_store_and_is_read_back_when_the_lane_is_dry() -> None:
    bench = made(OPEN)
    named = _filled(bench, Lane.BACKFILL, 100)
    assert bench.part.status(0)["waiting"]["backfill"] == 100
    bench.feed(link_up(101.0))
    for _ in range(33):
        for out in of(Publish, bench.all):
            bench.feed(Acked(101.1, out.token))
    load = one(Load, bench.all)
    assert (load.lane, load.after) == (Lane.BACKFILL, None)
    assert set(named[:32]) == {name for out in of(Forget, bench.all) for name in out.names}
    assert bench.part.status(0)["waiting"]["backfill"] == 68


def test_without_a_store_the_oldest_is_given_up_and_declared() -> None:
    bench = made()
    for i in range(40):
        bench.feed(event_report(100.0 + i / 100, str(i), Lane.BACKFILL))
    bench.until(101.0)
    assert not [out for out in of(Store, bench.all) if record(out).kind == "gap"], (
        "a gap that cannot leave or lie anywhere is given up itself"
    )
    found = [record(out) for out in of(Publish, [*bench.feed(link_up(101.1)), *bench.until(102.5)])]
    gap = next(r for r in found if r.kind == "gap")
    facts = codec.unpack(codec.encode(gap))
    assert (facts["why"], facts["what"], facts["count"], facts["from_mono"], facts["to_mono"]) == (
        "memory_full",
        "event",
        8,
        100_000,
        100_070,
    )
    assert [r.seq for r in found if r.kind == "event"] == list(range(9, 41))
    bench.until(130.0)
    assert len([out for out in of(Store, bench.all) if record(out).kind == "gap"]) == 1


def test_a_disk_that_hangs_without_a_word_does_not_keep_records_from_the_broker() -> None:
    """They were set aside until they lie on disk, which they never do: they leave from memory."""
    bench = made(OPEN)
    _filled(bench, Lane.BACKFILL, 100, stored=False)
    bench.feed(link_up(101.0))
    for second in range(1, 60):
        for out in of(Publish, bench.all[-40:]):
            bench.feed(Acked(101.0 + second, out.token))
        bench.until(101.5 + second)
    assert {record(out).seq for out in of(Publish, bench.all)} == set(range(1, 101))


def test_a_hanging_disk_is_treated_as_none_past_its_bound() -> None:
    bench = made(OPEN)
    for i in range(2100):
        bench.feed(event_report(100.1, str(i), Lane.BACKFILL))
    bench.until(101.0)
    gap = next(record(out) for out in of(Store, bench.all) if record(out).kind == "gap")
    facts = codec.unpack(codec.encode(gap))
    assert facts["count"] > 0
    assert bench.part.status(0)["waiting"]["backfill"] + facts["count"] == 2100


def test_without_a_store_what_is_delivered_is_not_kept_for_ever() -> None:
    bench = made(UP)
    for i in range(3000):
        bench.feed(event_report(100.1, str(i)))
        bench.feed(Acked(100.1, i + 1))
    assert bench.part.status(0)["unstored"] <= 2000
    assert {record(out).seq for out in of(Publish, bench.all)} == set(range(1, 3001))


def test_rows_of_an_earlier_boot_that_wait_when_the_store_goes_are_not_declared_lost() -> None:
    """They lie on the disk that is away; and their monotonic time says nothing here."""
    bench = made(spool_opened(100.0, backfill=1))
    bench.feed(link_up(100.05), Loaded(100.06, Lane.BACKFILL, tuple(_row(i) for i in range(1, 60)), more=False))
    bench.feed(link_down(100.1), SpoolDown(100.2, "gone"))
    for i in range(80):
        bench.feed(event_report(100.3, str(i), Lane.BACKFILL))
    bench.feed(spool_opened(100.9, backfill=1))
    bench.until(101.5)
    gap = next(record(out) for out in of(Store, bench.all) if record(out).kind == "gap")
    assert codec.unpack(codec.encode(gap))["count"] == 80 - 32


def _row(seq: int, lane: Lane = Lane.BACKFILL) -> Row:
    found = EventRecord(v=1, unit="car-1", kind="event", boot=OTHER_BOOT, seq=seq, mono=seq, what="input")
    return Row(f"{OTHER_BOOT}-{seq}", lane, codec.encode(found))


def test_a_row_of_an_earlier_boot_leaves_as_it_lies_but_as_history_and_is_forgotten() -> None:
    bench = made(spool_opened(100.0, backfill=1), UP)
    assert one(Load, bench.all) == Load(Lane.BACKFILL, None, 64)
    out = one(Publish, bench.feed(Loaded(100.1, Lane.BACKFILL, (_row(5),), more=False)))
    facts = codec.unpack(out.payload)
    assert facts == codec.unpack(_row(5).payload) | {"hist": True}
    assert out.topic == "outpost/v1/u/car-1/up/event"
    assert bench.feed(Acked(100.2, out.token)) == [Forget((f"{OTHER_BOOT}-5",))]


@pytest.mark.parametrize("payload", [b"", b"\xc1\xc1", codec.encode(EventRecord(what="input")), b"\x82\xa4kind\xa3a/#\xa4mono\x01"])
def test_a_row_that_cannot_be_read_is_forgotten_and_declared(payload: bytes) -> None:
    bench = made(spool_opened(100.0, backfill=1), UP)
    name = f"{OTHER_BOOT}-5"
    outs = bench.feed(Loaded(100.1, Lane.BACKFILL, (Row(name, Lane.BACKFILL, payload), _row(6)), more=False))
    assert types(outs) == ["FaultSeen", "Forget", "Publish"]
    assert one(Forget, outs) == Forget((name,))
    gap = record(one(Store, bench.until(101.5)))
    assert codec.unpack(codec.encode(gap))["why"] == "store_damaged"


def test_a_damaged_store_is_given_again_what_memory_still_holds_and_the_rest_is_declared() -> None:
    bench = made(OPEN, REPORT, STORED)
    bench.feed(SpoolQuarantined(AT, "/bad", "malformed", 3))
    assert "store it" in short(bench.feed(spool_opened(AT)))
    gap = next(record(out) for out in of(Store, bench.until(101.5)) if record(out).kind == "gap")
    assert codec.unpack(codec.encode(gap))["why"] == "store_damaged"
    assert "count" not in codec.unpack(codec.encode(gap))
    fault = next(out for out in of(FaultSeen, bench.all) if out.code == "store.damaged")
    assert "/bad" in str(fault.detail)
    assert "3 rows" in str(fault.detail)


def test_dropped_events_are_declared() -> None:
    bench = made(OPEN, EventsDropped(100.1, 3), EventsDropped(100.2, 4))
    gap = record(one(Store, bench.until(101.0)))
    assert codec.unpack(codec.encode(gap)).items() >= {"why": "events_dropped", "what": "events", "count": 7}.items()

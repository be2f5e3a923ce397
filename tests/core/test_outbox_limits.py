"""The outbox: a broker that takes no large messages, one that refuses by closing, and a store without room."""

from agent.core.departures import LIVE_EXPIRY_S
from agent.core.effects import Publish, Store
from agent.core.events import Acked, FaultSeen, Lane, Loaded, Row, SpoolFull, Stored, StoreRoom
from agent.core.refusals import ENDS_SUSPECT, SUSPECT_WAIT_S
from agent.core.shelf import ROOM_S
from agent.wire.records import EventRecord, Gap
from tests.core.builders import BOOT, Bench, event_report, link_down, link_up, of, record, spool_opened
from tests.core.outbox_states import OPEN, made, short

LARGE = "x" * 3000
LIMIT = 2000


def _told(bench: Bench, code: str) -> list[bool]:
    return [out.active for out in of(FaultSeen, bench.all) if out.code == code]


def _ids(outs: list[object]) -> list[str | None]:
    found = [record(out) for out in outs if isinstance(out, Publish)]
    return [it.id for it in found if isinstance(it, EventRecord)]


def test_what_is_too_large_for_the_broker_lies_in_the_store_and_stops_nothing() -> None:
    bench = made(OPEN, link_up(100.0, packet_bytes_max=LIMIT))
    assert short(bench.feed(event_report(100.1, LARGE, Lane.BACKFILL))) == ["link.refused on"]
    assert "store it" in short(bench.until(107.0))
    bench.feed(Stored(107.1, (f"{BOOT}-1",)))
    fault = of(FaultSeen, bench.all)[-1]
    assert "bytes, the broker takes 2000" in str(fault.detail)
    assert _ids([*bench.feed(event_report(107.3, "small", Lane.BACKFILL))]) == ["small"]
    part = bench.part
    assert part.status(108.0)["waiting"]["backfill"] == 2
    payload = of(Store, bench.all)[0].payload
    again = bench.feed(link_down(110.0), link_up(111.0, 2))  # a broker without a limit
    loaded = bench.feed(Loaded(111.1, Lane.BACKFILL, (Row(f"{BOOT}-1", Lane.BACKFILL, payload),), more=False))
    assert LARGE in _ids([*again, *loaded])
    assert _told(bench, "link.refused") == [True, False]


def test_a_store_full_of_what_is_too_large_is_read_once_for_each_limit() -> None:
    bench = made(spool_opened(100.0, backfill=100))
    bench.feed(link_up(100.0, packet_bytes_max=LIMIT))
    source = made()
    source.feed(*(event_report(100.0, LARGE, Lane.BACKFILL) for _ in range(100)))
    rows = tuple(Row(out.name.replace(BOOT, "b" * 16), Lane.BACKFILL, out.payload) for out in of(Store, source.all))
    loads = short(bench.feed(Loaded(100.2, Lane.BACKFILL, rows[:64], more=True)))
    assert loads.count("load backfill") == 1
    assert "load backfill" not in short(bench.feed(Loaded(100.3, Lane.BACKFILL, rows[64:], more=False)))
    bench.feed(link_down(110.0), link_up(111.0, 2, packet_bytes_max=LIMIT))
    assert "load backfill" not in short(bench.until(200.0))
    assert len(bench.part._known) == 0  # type: ignore[attr-defined]  # nothing of it is held


def test_what_is_too_large_is_declared_as_lost_when_there_is_no_store() -> None:
    bench = made(link_up(100.0, packet_bytes_max=LIMIT))
    bench.feed(event_report(100.1, LARGE, Lane.BACKFILL))
    gaps = [found for out in of(Publish, bench.until(103.0)) if isinstance(found := record(out), Gap)]
    assert [(gap.what, gap.count) for gap in gaps] == [("event", 1)]


def test_a_message_at_which_the_broker_closes_three_times_is_set_aside_and_tried_again_alone() -> None:
    bench = made(OPEN, event_report(100.0, "poison", Lane.BACKFILL), Stored(100.1, (f"{BOOT}-1",)))
    at = 101.0
    for attempt in range(1, ENDS_SUSPECT + 1):
        assert "poison" in _ids([*bench.feed(link_up(at, attempt))])
        bench.feed(link_down(at + 0.2, attempt))
        at += 1.0
    assert _told(bench, "link.refused") == [True]
    assert "poison" not in _ids([*bench.feed(link_up(at, 9), event_report(at, "other", Lane.BACKFILL))])
    assert "poison" not in _ids([*bench.until(at + SUSPECT_WAIT_S - 5)])
    tried = [out for out in of(Publish, bench.until(at + SUSPECT_WAIT_S + 2)) if _ids([out]) == ["poison"]]
    assert len(tried) == 1
    bench.feed(Acked(at + SUSPECT_WAIT_S + 2.1, tried[0].token))
    assert _told(bench, "link.refused") == [True, False]


def test_a_live_position_expires_at_the_broker_and_nothing_else_does() -> None:
    bench = made(OPEN, link_up(100.0))
    for lane in Lane:
        bench.feed(event_report(100.1, lane.name, lane))
    assert {_ids([out])[0]: out.expiry_s for out in of(Publish, bench.all)} == {
        "ALARM": None,
        "EVENT": None,
        "LIVE": LIVE_EXPIRY_S,
        "BACKFILL": None,
        "GAP": None,
    }


def test_a_full_store_is_one_fault_until_it_has_taken_something_and_kept_quiet_for_a_minute() -> None:
    bench = made(OPEN)
    at = 101.0
    for i in range(200):
        at += 5.0
        bench.until(at)
        bench.feed(event_report(at, str(i), Lane.BACKFILL), SpoolFull(at + 0.1, "full"), StoreRoom(at + 0.1, False, "full"))
        bench.feed(Stored(at + 0.2, (f"{BOOT}-{1 + i}",)))
    assert set(_told(bench, "store.full")) == {True}
    assert _told(bench, "store.down") == [False]
    gaps = [out for out in of(Store, bench.all) if b"memory_full" in out.payload]
    assert gaps == []
    bench.until(at + ROOM_S + 1)
    bench.feed(event_report(at + ROOM_S + 1, "new"))
    name = of(Store, bench.all)[-1].name
    bench.feed(Stored(at + ROOM_S + 2, (name,)))
    assert _told(bench, "store.full")[-1] is False


def test_a_full_store_declares_at_once_what_memory_could_not_hold_and_is_full_as_before() -> None:
    """For the word of a loss it has room."""
    bench = made(OPEN, SpoolFull(100.1, "full"), StoreRoom(100.1, False, "full"))
    bench.feed(*(event_report(101.0, str(i), Lane.BACKFILL) for i in range(100)))
    bench.until(120.0)
    told = [out for out in of(Store, bench.all) if b"memory_full" in out.payload]
    assert {out.lane for out in told} == {Lane.GAP}
    bench.feed(Stored(100.1 + ROOM_S + 20, (told[-1].name,)))
    assert _told(bench, "store.full") == [True]


def test_an_alarm_that_finds_room_does_not_end_the_fault() -> None:
    bench = made(OPEN, StoreRoom(100.1, False, "full"), event_report(200.0, "a", Lane.ALARM), Stored(200.1, (f"{BOOT}-1",)))
    assert _told(bench, "store.full") == [True]

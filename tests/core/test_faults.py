"""Faults: clear or raised × seen or gone; one record per change."""

import math
from typing import Any

import pytest

from agent.core.events import Event, FaultSeen, Lane, Reported
from agent.core.faults import ANEW_S, Faults
from agent.wire.faults import FAULTS
from agent.wire.records import FaultRecord
from agent.wire.whys import why
from tests.core.builders import Bench, assert_covers, of, one

COMES = FaultSeen(5.0, "store.down", True, "read-only")
GOES = FaultSeen(5.0, "store.down", False)


def clear() -> Bench:
    return Bench(Faults())


def raised() -> Bench:
    bench = clear()
    bench.feed(FaultSeen(1.0, "store.down", True, "full"))
    return bench


STATES = {"clear": clear, "raised": raised}
TABLE: list[tuple[str, Event, list[str]]] = [
    ("clear", COMES, ["raised"]),
    ("clear", GOES, []),
    ("raised", COMES, []),
    ("raised", GOES, ["cleared"]),
    ("raised", FaultSeen(5.0, "link.down", True), ["raised"]),
    ("raised", FaultSeen(5.0, "store.down", True, "full"), []),
]


@pytest.mark.parametrize(("state", "event", "said"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, said: list[str]) -> None:
    outs = STATES[state]().feed(event)
    assert [out.record.state for out in of(Reported, outs) if isinstance(out.record, FaultRecord)] == said


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Faults, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_a_record_says_which_and_why_and_is_durable() -> None:
    report = one(Reported, clear().feed(COMES))
    assert (report.at, report.lane, report.slot) == (5.0, Lane.EVENT, None)
    assert report.record == FaultRecord(code="store.down", state="raised", detail="read-only")
    gone = one(Reported, raised().feed(GOES)).record
    assert gone == FaultRecord(code="store.down", state="cleared")


def test_the_listing_tells_what_is_so_now_and_since_when() -> None:
    bench = raised()
    bench.feed(FaultSeen(3.0, "link.down", True, "x"))
    part = bench.part
    assert isinstance(part, Faults)
    assert part.listing(6.0) == [
        {"code": "store.down", "detail": "full", "since_s": 5.0},
        {"code": "link.down", "detail": "x", "since_s": 3.0},
    ]
    bench.feed(GOES)
    assert [found["code"] for found in part.listing(6.0)] == ["link.down"]


def test_a_code_outside_the_published_table_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="published table"):
        clear().feed(FaultSeen(1.0, "made.up", True))


@pytest.mark.parametrize("code", FAULTS)
def test_every_published_fault_can_come_and_go(code: str) -> None:
    bench = clear()
    assert len(bench.feed(FaultSeen(1.0, code, True), FaultSeen(2.0, code, False))) == 2


def test_what_is_known_of_it_now_is_listed_at_once_and_told_after_a_while() -> None:
    bench = raised()
    assert bench.feed(FaultSeen(2.0, "store.down", True, "read-only"), FaultSeen(3.0, "store.down", True, "worn")) == []
    assert _listing(bench, 4.0) == [{"code": "store.down", "detail": "worn", "since_s": 3.0}]
    assert bench.part.deadline == 1.0 + ANEW_S
    again = one(Reported, bench.until(1.0 + ANEW_S))
    assert again.record == FaultRecord(code="store.down", state="raised", detail="worn")
    assert bench.part.deadline == math.inf, "it is told once"


def test_a_detail_that_changes_all_the_time_is_told_now_and_then() -> None:
    bench = raised()
    told = [out for second in range(2, 3662) for out in bench.feed(FaultSeen(float(second), "store.down", True, f"try {second}"))]
    assert len(of(Reported, told)) == 6, "each ten minutes of an hour"
    assert _listing(bench, 3661.0) == [{"code": "store.down", "detail": "try 3661", "since_s": 3660.0}]


def test_what_changes_after_a_long_time_is_told_when_it_does_and_then_seldom_again() -> None:
    bench = raised()
    told = bench.feed(FaultSeen(3600.0, "store.down", True, "read-only")) + bench.until(3600.0)
    assert [out.at for out in of(Reported, told)] == [3600.0]
    told = bench.feed(FaultSeen(3610.0, "store.down", True, "worn")) + bench.until(9000.0)
    assert [out.at for out in of(Reported, told)] == [3600.0 + ANEW_S]


def test_another_fact_in_the_same_sentence_is_no_news() -> None:
    bench = clear()
    for hour in range(100):
        written = why("worn_written", written=95.0 + hour / 100_000, endurance=100.0)
        bench.feed(FaultSeen(3600.0 * hour, "store.worn", True, written))
    assert len(of(Reported, bench.all)) == 1


def test_what_was_so_before_and_is_so_again_is_no_news() -> None:
    bench = raised()
    bench.feed(FaultSeen(2.0, "store.down", True, "read-only"), FaultSeen(3.0, "store.down", True, "full"))
    assert bench.part.deadline == math.inf


def _listing(bench: Bench, now: float) -> list[dict[str, Any]]:
    assert isinstance(bench.part, Faults)
    return bench.part.listing(now)

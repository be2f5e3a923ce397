"""Any story of the outbox: reports, links and stores that come and go, words lost, doubled and late; in the end everything has arrived."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.effects import Forget, Store
from agent.core.events import Lane, Reported, Stored
from agent.core.names import Names
from agent.core.outbox import Outbox
from agent.wire.records import EventRecord
from tests.core.builders import OTHER_BOOT, ROOT, Bench, event_report, of, outbox, told_time
from tests.core.desk import Desk

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.sampled_from([Lane.ALARM, Lane.EVENT, Lane.BACKFILL])),
        st.tuples(st.just("burst"), st.sampled_from([Lane.EVENT, Lane.BACKFILL])),
        st.tuples(st.just("live"), st.just(Lane.LIVE)),
        st.tuples(st.sampled_from(["up", "down", "break", "mend", "silent", "speaks", "wait"]), st.just(Lane.EVENT)),
    ),
    min_size=1,
    max_size=30,
)
FATES = st.lists(st.sampled_from(["comes", "comes", "comes", "lost", "doubled", "late"]), min_size=1, max_size=50)


def _fate(fates: list[str]) -> Callable[[], str]:
    turn = iter(range(10**9))
    return lambda: fates[next(turn) % len(fates)]


def _play(steps: list[tuple[str, Lane]], fates: list[str]) -> tuple[Desk, Outbox]:
    part, bench = outbox(window_bytes=2048)
    desk = Desk(bench, _fate(fates))
    for i, (step, lane) in enumerate(steps):
        match step:
            case "report":
                desk.tell(event_report(desk.now, str(i), lane))
            case "burst":
                for j in range(40):
                    desk.tell(event_report(desk.now, f"{i}.{j}", lane))
            case "live":
                desk.tell(Reported(desk.now, lane, EventRecord(what="input", id=f"live {i}"), "position"))
            case "up" | "down":
                desk.link(step == "up")
            case "break":
                desk.break_store()
            case "mend":
                desk.store_works = True
            case "silent" | "speaks":
                desk.broker_silent = step == "silent"
            case _:
                desk.run(9.0)
        desk.run(0.3)
    return desk, part


def _heal(desk: Desk) -> None:
    desk.fate = lambda: "comes"
    desk.store_works, desk.broker_silent = True, False
    desk.link(False)
    desk.link(True)
    desk.run(150.0)


def _given_up(desk: Desk) -> int:
    return sum(gap.count or 0 for gap in desk.gaps() if gap.why == "memory_full")


@given(STEPS, FATES)
@settings(max_examples=150, deadline=None)
def test_in_the_end_every_record_has_arrived_or_is_declared(steps: list[tuple[str, Lane]], fates: list[str]) -> None:
    desk, part = _play(steps, fates)
    _heal(desk)
    handed_out = part.status(desk.now)
    last = max(desk.seqs(), default=0)
    missing = set(range(1, last + 1)) - desk.seqs()
    assert len(missing) <= _given_up(desk)  # what was declared and lies in the store all the same is sent once it is found there
    assert len(desk.rows) <= _given_up(desk)
    assert (handed_out["in_flight"], handed_out["unstored"]) == (0, 0)
    assert part.settled()


@given(STEPS, FATES)
@settings(max_examples=40, deadline=None)
def test_no_alarm_is_ever_given_up_nor_forgotten_before_it_was_acknowledged(steps: list[tuple[str, Lane]], fates: list[str]) -> None:
    desk, _ = _play(steps, fates)
    forgotten = {name for out in of(Forget, desk.bench.all) for name in out.names}
    delivered = {f"{record.boot}-{record.seq}" for record in desk.records}
    assert forgotten <= delivered
    _heal(desk)
    alarms = {out.name for out in of(Store, desk.bench.all) if out.lane is Lane.ALARM}
    assert alarms <= {f"{record.boot}-{record.seq}" for record in desk.records}


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_when_no_word_is_lost_nothing_is_sent_twice_within_one_link(steps: list[tuple[str, Lane]]) -> None:
    calm = [(step, lane) for step, lane in steps if step not in ("up", "down", "silent", "speaks", "break", "mend")]
    part, bench = outbox(window_bytes=2048)
    desk = Desk(bench)
    desk.link(True)
    for i, (_, lane) in enumerate(calm):
        desk.tell(event_report(desk.now, str(i), lane))
        desk.run(0.2)
    desk.run(60.0)
    assert part.settled()
    assert Counter(record.seq for record in desk.records) == Counter(range(1, len(calm) + 1))
    forgets = Counter(name for out in of(Forget, bench.all) for name in out.names)
    assert set(forgets.values()) <= {1}


@given(STEPS, FATES)
@settings(max_examples=30, deadline=None)
def test_memory_stays_bounded(steps: list[tuple[str, Lane]], fates: list[str]) -> None:
    _, part = _play(steps, fates)
    known = part._known
    assert sum(message.lane is Lane.BACKFILL for message in known.values()) <= 2032
    assert sum(message.lane is Lane.LIVE for message in known.values()) == 0


@pytest.mark.parametrize("refused", ["event"])
def test_a_broker_that_forbids_a_kind_does_not_fill_the_memory_with_the_whole_store(refused: str) -> None:
    part, bench = outbox()
    desk = Desk(bench)
    desk.run(1.0)
    for i in range(300):
        desk.tell(event_report(desk.now, str(i), Lane.BACKFILL))
    desk.run(1.0)
    desk.broker_refuses = {refused}
    desk.link(True)
    desk.run(300.0)
    assert len(part._known) < 150
    assert len(desk.rows) >= 300
    desk.broker_refuses = set()
    desk.run(120.0)
    assert desk.seqs() >= set(range(1, 301))
    assert desk.rows == {}


def test_a_backlog_of_an_earlier_boot_drains_in_order() -> None:
    first, bench = outbox()
    desk = Desk(bench)
    desk.run(1.0)
    for i in range(250):
        desk.tell(event_report(desk.now, str(i), Lane.BACKFILL))
    desk.run(1.0)
    assert first.waiting()["backfill"] == 250
    part = Outbox(ROOT, 8192, Names("car-1", OTHER_BOOT), told_time())
    next_boot = Desk(Bench(part), rows=desk.rows)
    next_boot.run(1.0)
    next_boot.link(True)
    next_boot.run(60.0)
    assert [record.seq for record in next_boot.records] == list(range(1, 251))
    assert next_boot.rows == {}
    assert part.waiting() == dict.fromkeys(("alarm", "event", "live", "backfill", "gap"), 0)


def test_a_stored_that_comes_long_after_everything_is_passed_over() -> None:
    _, bench = outbox()
    desk = Desk(bench)
    desk.link(True)
    desk.tell(event_report(desk.now))
    desk.run(5.0)
    assert bench.feed(Stored(6.0, ("0123456789abcdef-1",))) == []

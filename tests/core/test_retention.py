"""Retention: what makes room when the store is full, and what goes by age; every answer of the store in every state."""

from collections.abc import Callable

import pytest

from agent.config import Store
from agent.core.effects import Prune, Remember
from agent.core.events import (
    Event,
    Lane,
    LossesKept,
    Pruned,
    Remembered,
    RowsGivenUp,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    Started,
    Stored,
    StoreRoom,
)
from agent.core.given_up import note
from agent.core.part import Output
from agent.core.retention import ANSWER_S_MAX, LOOK_S, MARK, ORDER, ROWS, Retention
from tests.core.builders import BOOT, UTC_MS, Bench, assert_covers, names, of, one, told_time

DAY = UTC_MS // 86_400_000
OLD = "b" * 16
FULL = SpoolFull(10.0, "full: the card")
ROW = f"{OLD}-7"


def made(*events: Event, memory: dict[str, bytes] | None = None, config: Store | None = None) -> Bench:
    bench = Bench(Retention(config or Store(keep_days=7, unsent_days_max=30), names(), told_time()))
    bench.feed(Started(0.5), SpoolOpened(1.0, dict.fromkeys(Lane, 0), memory or {}, kept=40), *events)
    return bench


def word(out: Output) -> str:
    match out:
        case Prune(lane=lane, before=before):
            return f"prune {'history' if lane is None else lane.name.lower()}{' by age' if before else ''}"
        case StoreRoom(room=room):
            return "room" if room else "no room"
        case RowsGivenUp(lane=lane, why=why):
            return f"given up {lane.name.lower()} {why}"
        case Remember(name=name, value=value):
            return f"{'forget' if value is None else 'set'} {name}"
    raise AssertionError(out)


def words(outs: list[Output]) -> list[str]:
    return [word(out) for out in outs]


STATES: dict[str, Callable[[], Bench]] = {
    "quiet": made,
    "asked for history": lambda: made(FULL),
    "asked for back-fill": lambda: made(FULL, Pruned(10.1, None, (), False)),
    "asked for events": lambda: made(FULL, Pruned(10.1, None, (), False), Pruned(10.2, Lane.BACKFILL, (), False)),
    "gave up in vain": lambda: made(FULL, Pruned(10.1, None, (), False), Pruned(10.2, Lane.BACKFILL, (ROW,), True)),
    "down": lambda: made(SpoolDown(9.0, "gone")),
}
AT = 11.0
GIVEN = ["given up backfill store_full", "room"]
TABLE: list[tuple[Event, list[str], dict[str, list[str]]]] = [
    (Started(AT), [], {}),
    (SpoolOpened(AT, {}, {}), [], {}),
    (SpoolDown(AT, "gone"), [], {}),
    (Stored(AT, (ROW,)), [], {}),
    (Remembered(AT, (f"{MARK}{DAY}",)), [], {}),
    (LossesKept(AT), [], {"gave up in vain": [f"forget pruned backfill store_full {ROW}"]}),
    (
        SpoolFull(AT, "full"),
        ["prune history"],
        {"asked for history": [], "asked for back-fill": [], "asked for events": []},
    ),
    (Pruned(AT, None, (ROW,), False), ["room"], {}),
    (
        Pruned(AT, None, (), False),
        ["prune backfill"],
        {"asked for back-fill": [], "asked for events": [], "gave up in vain": ["no room"]},
    ),
    (Pruned(AT, Lane.BACKFILL, (ROW,), True), GIVEN, {}),
    (
        Pruned(AT, Lane.BACKFILL, (), False),
        ["prune event"],
        {"asked for history": [], "asked for events": [], "gave up in vain": ["no room"]},
    ),
    (
        Pruned(AT, Lane.EVENT, (), False),
        ["no room"],
        {},
    ),
]


@pytest.mark.parametrize(
    ("state", "event", "outs"), [(state, event, others.get(state, outs)) for event, outs, others in TABLE for state in STATES]
)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert words(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Retention, STATES, ((state, type(event)) for event, _, _ in TABLE for state in STATES))


def test_no_declared_loss_is_ever_given_up() -> None:
    assert Lane.GAP not in ORDER
    assert Lane.ALARM not in ORDER


def test_history_goes_first_then_back_fill_then_events_and_never_an_alarm() -> None:
    bench = made(FULL)
    outs = bench.feed(*(Pruned(10.0 + i / 10, lane, (), False) for i, lane in enumerate((None, Lane.BACKFILL, Lane.EVENT), 1)))
    assert words(outs) == ["prune backfill", "prune event", "no room"]
    assert {prune.lane for prune in of(Prune, bench.all)} == {None, Lane.BACKFILL, Lane.EVENT}
    assert [prune.rows for prune in of(Prune, bench.all)] == [ROWS[None], ROWS[Lane.BACKFILL], ROWS[Lane.EVENT]]
    assert one(StoreRoom, bench.all).reason == FULL.reason


def test_no_more_is_given_up_while_what_was_given_up_made_no_room() -> None:
    bench = STATES["gave up in vain"]()
    outs = bench.feed(SpoolFull(20.0, "full"), Pruned(20.1, None, (), False))
    assert words(outs) == ["prune history", "no room"]
    again = bench.feed(Stored(30.0, (ROW,)), SpoolFull(31.0, "full"), Pruned(31.1, None, (), False))
    assert words(again) == ["prune history", "prune backfill"]


def test_an_answer_that_was_lost_does_not_stop_the_next_request() -> None:
    bench = made(FULL)
    assert bench.feed(SpoolFull(10.0 + ANSWER_S_MAX - 1, "full")) == []
    assert words(bench.feed(SpoolFull(10.0 + ANSWER_S_MAX, "full"))) == ["prune history"]


def test_the_day_is_marked_once_with_the_newest_name_and_asked_again_until_it_is_remembered() -> None:
    bench = made()
    mark = one(Remember, bench.until(0.5 + LOOK_S))
    assert (mark.name, mark.value) == (f"{MARK}{DAY}", f"{BOOT}-0".encode())
    assert len(of(Remember, bench.until(0.5 + 2 * LOOK_S))) == 1
    bench.feed(Remembered(8000.0, (mark.name,)))
    assert of(Remember, bench.until(0.5 + 5 * LOOK_S)) == []


def test_nothing_is_pruned_by_age_while_the_time_is_not_known() -> None:
    from agent.core.timebase import Timebase

    bench = Bench(Retention(Store(), names(), Timebase()))
    bench.feed(Started(0.5), SpoolOpened(1.0, {}, {f"{MARK}1": ROW.encode()}))
    assert bench.until(10 * LOOK_S) == []


def test_history_older_than_its_days_and_back_fill_older_than_its_own_go_before_the_marks() -> None:
    memory = {f"{MARK}{DAY - age}": f"{OLD}-{1000 - age}".encode() for age in (40, 30, 20, 8, 6, 2)}
    bench = made(memory=memory)
    first = one(Prune, bench.until(0.5 + LOOK_S))
    assert (first.lane, first.before) == (None, f"{OLD}-992")
    more = one(Prune, bench.feed(Pruned(4000.0, None, ("x-1",) * 3, True)))
    assert more == first
    second = one(Prune, bench.feed(Pruned(4001.0, None, (), False)))
    assert (second.lane, second.before) == (Lane.BACKFILL, f"{OLD}-970")
    assert words(bench.feed(Pruned(4002.0, Lane.BACKFILL, (ROW,), False))) == ["given up backfill too_old"]


def test_marks_that_nobody_will_ask_for_are_forgotten() -> None:
    memory = {f"{MARK}{DAY - age}": f"{OLD}-{1000 - age}".encode() for age in (50, 40, 31, 29, 7)}
    outs = made(memory=memory).until(0.5 + LOOK_S)
    assert [out.name for out in of(Remember, outs) if out.value is None] == [f"{MARK}{DAY - 50}", f"{MARK}{DAY - 40}"]


def test_what_was_given_up_when_nobody_could_be_told_is_told_by_the_next_boot_and_only_once() -> None:
    name, value = f"{note(Lane.BACKFILL, 'store_full')} {OLD}-1", f"{OLD}-1 {OLD}-2".encode()
    memory = {name: value, "pruned nowhere full x": b"a-1", "pruned event full y": b"", "pruned event y": b"a-1"}
    bench = made(memory=memory)
    told = one(RowsGivenUp, bench.all)
    assert (told.lane, told.names, told.why, told.before) == (Lane.BACKFILL, (f"{OLD}-1", f"{OLD}-2"), "store_full", True)
    assert bench.feed(SpoolOpened(2.0, {}, memory)) == []
    gone = one(Remember, bench.feed(LossesKept(3.0)))
    assert (gone.name, gone.value) == (name, None)


def test_what_is_no_mark_in_memory_is_passed_over() -> None:
    memory = {f"{MARK}x": b"1", f"{MARK}99999999": b"2", "gnss baud": b"9600", f"{MARK}{DAY - 8}": b"\xff"}
    bench = made(memory=memory)
    assert bench.part.status(0.0) == {"kept": 40, "given_up": 0, "days": 1}

"""Days and months of the data cap, and what is remembered of them through restarts and crashes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Mqtt
from agent.core.data_cap import MEMORY, SLOW_FACTOR, WRITE_S, WRITE_UNCAPPED_S
from agent.core.effects import Remember
from agent.core.events import FaultSeen, HistoryHeld, LiveSlowed, Remembered, SpoolDown, Started, StopRequested
from agent.core.timebase import Timebase
from tests.core.builders import UTC_MS, clock_read, of, one, spool_opened, timed_fix, told_time
from tests.core.data_states import (
    BOTH,
    CAP,
    DAY,
    ENDPOINTS,
    FULL,
    MIDNIGHT,
    MONTH,
    MONTHLY,
    CapBench,
    made,
    shut,
    stopped,
    timeless,
    told,
    used,
)

# --- days and months ------------------------------------------------------------------------------------------------------------------


def test_a_new_day_lets_history_and_live_go_again() -> None:
    bench = stopped()
    outs = bench.until(MIDNIGHT + 61.0)
    assert [type(out) for out in outs if not isinstance(out, Remember)][:2] == [HistoryHeld, LiveSlowed]
    assert of(HistoryHeld, outs) == [HistoryHeld(outs[0].at, False)]  # type: ignore[union-attr]  # the first is an event
    assert MIDNIGHT <= one(HistoryHeld, outs).at <= MIDNIGHT + 60.0
    assert one(LiveSlowed, outs).factor == 1
    assert one(FaultSeen, outs).active is False
    assert (bench.today, bench.this_month) == (0, CAP)


def test_a_new_day_does_not_end_a_month() -> None:
    bench = made(MONTHLY)
    bench.move(10.0, 800_000)
    assert one(HistoryHeld, bench.all).held
    assert not of(HistoryHeld, bench.until(MIDNIGHT + 86_400.0))
    released = one(HistoryHeld, bench.until(17 * 86_400.0))
    assert not released.held
    assert MIDNIGHT + 16 * 86_400 <= released.at <= MIDNIGHT + 16 * 86_400 + 60, "midnight of the first of February"
    assert bench.this_month == 0


def test_what_moves_before_the_time_is_known_counts_to_the_day_last_known_and_goes_along_into_the_present() -> None:
    time = Timebase()
    bench = made(BOTH, time, {MEMORY: told(DAY - 1, 500_000, MONTH, 600_000)})
    bench.move(10.0, 1000)
    assert (bench.today, bench.this_month) == (501_000, 601_000)
    for at in range(11, 14):
        time.handle(timed_fix(float(at)))
    bench.move(15.0, 500)
    assert (bench.today, bench.this_month) == (1500, 601_500)


def test_a_day_that_is_still_the_same_goes_on_after_a_restart() -> None:
    bench = made(memory=FULL)
    assert bench.today == 799_000
    assert one(HistoryHeld, bench.move(10.0, 1000)).held


def test_a_store_that_opens_full_holds_history_in_the_same_turn() -> None:
    bench = CapBench()
    bench.feed(Started(3.0))
    outs = bench.feed(spool_opened(4.0, {MEMORY: told(DAY, 950_000, MONTH, 950_000)}))
    assert one(HistoryHeld, outs) == HistoryHeld(4.0, True)
    assert one(LiveSlowed, outs) == LiveSlowed(4.0, SLOW_FACTOR)


def test_a_cap_that_was_raised_lets_go() -> None:
    memory = {MEMORY: told(DAY, 950_000, MONTH, 950_000)}
    assert not of(HistoryHeld, made(Mqtt(endpoints=ENDPOINTS, bytes_per_day_max=2 * CAP), memory=memory).all)


def test_without_any_time_a_day_ends_when_no_day_lasts_as_long() -> None:
    bench = timeless()
    bench.move(10.0, 900_000)
    assert bench.part.status(11.0)["until"] == "the next day"
    assert not of(HistoryHeld, bench.until(86_000.0))
    assert not one(HistoryHeld, bench.until(86_600.0)).held
    assert (bench.today, bench.this_month) == (0, 900_000)


def test_a_clock_that_was_a_month_ahead_for_a_while_has_not_emptied_the_month() -> None:
    time = told_time()
    bench = made(MONTHLY, time)
    bench.move(10.0, 500_000)
    month_ms = 40 * 86_400_000
    for at in range(20, 100, 10):
        time.handle(clock_read(float(at), UTC_MS + month_ms))
    for at in range(100, 120):
        time.handle(timed_fix(float(at), UTC_MS + month_ms))
    bench.move(121.0, 1000)
    assert bench.this_month == 1000
    for at in range(130, 210, 10):
        time.handle(clock_read(float(at)))
    for at in range(210, 230):
        time.handle(timed_fix(float(at)))
    time._tell_at = float("inf")  # as if it had caught up with what was told
    bench.move(231.0, 500)
    assert bench.this_month == 501_500


def test_counts_of_an_earlier_day_are_over_and_those_of_a_wrong_future_stay() -> None:
    early = CapBench()
    early.feed(Started(3.0), spool_opened(4.0, {MEMORY: told(DAY - 3, 700_000, MONTH - 1, 700_000)}))
    assert (early.today, early.this_month) == (0, 0)
    ahead = CapBench()
    ahead.feed(Started(3.0), spool_opened(4.0, {MEMORY: told(DAY + 3, 700_000, MONTH, 700_000)}))
    assert ahead.today == 700_000


# --- what is remembered ---------------------------------------------------------------------------------------------------------------


def remembers(bench: CapBench) -> list[bytes | None]:
    assert {asked.name for asked in of(Remember, bench.all)} <= {MEMORY}
    return [asked.value for asked in of(Remember, bench.all)]


def test_counts_are_written_each_five_minutes_or_each_hundredth_of_the_cap() -> None:
    bench = made()
    asked: list[tuple[float, int]] = []
    for at in range(10, 4000, 10):
        if of(Remember, bench.move(float(at), 100 if at < 2000 else 2000)):
            asked.append((at, bench.moved))
            bench.feed(Remembered(at + 0.1, (MEMORY,)))
    slow = [b[0] - a[0] for a, b in itertools.pairwise(asked) if b[0] < 2000]
    assert slow
    assert min(slow) >= WRITE_S
    assert max(b[1] - a[1] for a, b in itertools.pairwise(asked)) <= CAP // 100 + 2000
    assert remembers(bench)[-1] == told(DAY, asked[-1][1], MONTH, asked[-1][1])


def test_without_a_cap_the_card_is_spared() -> None:
    bench = made(Mqtt(endpoints=ENDPOINTS))
    asked = []
    for at in range(10, 7300, 10):
        if of(Remember, bench.move(float(at), 100_000)):
            asked.append(at)
            bench.feed(Remembered(at + 0.1, (MEMORY,)))
    assert all(b - a >= WRITE_UNCAPPED_S for a, b in itertools.pairwise(asked))
    assert len(asked) >= 3


def test_a_store_that_does_not_confirm_is_asked_again_with_what_is_so_then() -> None:
    bench = made()
    bench.move(10.0, 20_000)
    bench.move(20.0, 500)
    assert remembers(bench) == [told(DAY, 20_000, MONTH, 20_000)]
    bench.until(120.0)
    assert remembers(bench)[1] == told(DAY, 20_500, MONTH, 20_500)
    bench.feed(Remembered(121.0, (MEMORY,)))
    count = len(remembers(bench))
    bench.until(4000.0)
    assert len(remembers(bench)) == count


def test_an_orderly_end_writes_the_last_count() -> None:
    bench = used(0.3)
    bench.move(50.0, 7)
    assert one(Remember, bench.feed(StopRequested(51.0, "SIGTERM"))).value == told(DAY, 300_007, MONTH, 300_007)
    assert bench.feed(StopRequested(52.0, "SIGTERM")) == []


def test_nothing_is_written_before_what_was_kept_has_been_read() -> None:
    bench = shut()
    bench.move(10.0, 50_000)
    bench.until(1000.0)
    assert not of(Remember, bench.all)
    assert (bench.today, bench.this_month) == (None, None)
    bench.feed(spool_opened(1001.0, FULL))
    assert bench.today == 849_000
    assert one(HistoryHeld, bench.all).held
    bench.until(1400.0)
    assert remembers(bench)[0] == told(DAY, 849_000, MONTH, 849_000)


def test_a_store_opened_twice_tells_once_and_one_that_lost_our_row_gets_it_again() -> None:
    bench = made(memory=FULL)
    bench.move(10.0, 500)
    bench.feed(Remembered(20.0, (MEMORY,)), SpoolDown(21.0, "x"), spool_opened(22.0, FULL))
    assert bench.today == 799_500
    before = len(remembers(bench))
    bench.feed(spool_opened(30.0, {}))
    bench.until(400.0)
    assert remembers(bench)[before] == told(DAY, 799_500, MONTH, 799_500)


@pytest.mark.parametrize("value", [b"", b"1 2 3", b"- - - -", b"1 -5 2 3", b"a b c d", b"\xff 1 2 3", b"1 2 3 4 5", b"9" * 400, b"1  2 3"])
def test_what_is_no_count_in_the_store_is_passed_over(value: bytes) -> None:
    bench = made(memory={MEMORY: value})
    assert (bench.today, bench.this_month) == (0, 0)


@given(st.binary(max_size=40))
def test_no_bytes_in_the_store_make_it_fall(value: bytes) -> None:
    made(memory={MEMORY: value}).move(10.0, 5)


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 60_000)), min_size=1, max_size=40))
def test_a_crash_loses_a_hundredth_of_the_cap_or_what_ten_seconds_bring(moves: list[tuple[int, int]]) -> None:
    bench, at, asked_at, kept = made(), 5.0, -100.0, 0
    for wait_s, size in moves:
        at += wait_s
        for asked in of(Remember, bench.move(at, size)):
            kept, asked_at = int((asked.value or b"").split()[1]), at
            bench.feed(Remembered(at, (MEMORY,)))
        assert bench.moved - kept < CAP // 100 or at - asked_at < 10.0

"""The timebase when its sources contradict each other: who is believed, after how long, and that no wrong time is told meanwhile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.events import FaultSeen, Fix, TimeLearned
from agent.core.timebase import (
    BELIEVE_LEAP_S,
    BELIEVE_S,
    EARLIEST_UTC_MS,
    FIXES_TO_CONTRADICT,
    GNSS_STALE_S,
    LATEST_UTC_MS,
    NTP_CONTRADICT_S,
    WEEKS_1024_MS,
    Timebase,
)
from tests.core.builders import UTC_MS, Bench, clock_read, fix, of, timed_fix

HOUR_MS = 3_600_000
SIDES = pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS], ids=["ahead", "behind"])


def learned() -> tuple[Bench, Timebase]:
    """It knows the time from three fixes, and has told it last at 10 s."""
    time = Timebase()
    bench = Bench(time)
    bench.feed(*(timed_fix(float(at)) for at in range(11)))
    assert time.stamp(10.0)[0] == UTC_MS + 10_000
    return bench, time


def fixes(since: float, until: float, off_ms: int = 0) -> list[Fix]:
    """One a second."""
    return [timed_fix(float(at), UTC_MS + off_ms) for at in range(round(since), round(until))]


@SIDES
def test_without_a_witness_a_contradiction_is_no_time_at_all_and_the_old_one_again_when_the_receiver_comes_back(off_ms: int) -> None:
    bench, time = learned()
    bench.feed(*fixes(11, 11 + FIXES_TO_CONTRADICT, off_ms))
    assert time.stamp(21.0)[0] is None
    assert time.status(21.0)["src"] == "conflict"
    outs = bench.feed(*fixes(21, 21 + FIXES_TO_CONTRADICT))
    assert of(TimeLearned, outs) == [TimeLearned(30.0, UTC_MS)]
    assert time.stamp(31.0)[0] == UTC_MS + 31_000


@SIDES
def test_a_contradiction_shorter_than_ten_fixes_changes_nothing(off_ms: int) -> None:
    bench, time = learned()
    bench.feed(*fixes(11, 10 + FIXES_TO_CONTRADICT, off_ms))
    assert bench.all[1:] == []
    assert time.stamp(21.0)[0] == UTC_MS + 21_000


@SIDES
def test_a_synchronised_system_clock_that_agrees_with_what_was_known_keeps_it(off_ms: int) -> None:
    bench, time = learned()
    for at in range(11, 300, 10):
        bench.feed(clock_read(float(at)), *fixes(at + 1, at + 10, off_ms))
        assert time.stamp(at + 9.5)[0] == UTC_MS + at * 1000 + 9500
    assert [(fault.code, fault.active) for fault in of(FaultSeen, bench.all)] == [("clock.conflict", True)]
    assert "the system clock agrees" in str(of(FaultSeen, bench.all)[0].detail)
    outs = bench.feed(*fixes(301, 303))
    assert [fault.active for fault in of(FaultSeen, outs)] == [False]


def test_a_synchronised_system_clock_that_agrees_with_the_receiver_moves_the_time_ahead_at_once() -> None:
    bench, time = learned()
    bench.feed(clock_read(11.0, UTC_MS + HOUR_MS), *fixes(12, 12 + FIXES_TO_CONTRADICT, HOUR_MS))
    assert time.stamp(22.0)[0] == UTC_MS + HOUR_MS + 22_000


def test_a_time_that_was_ahead_is_absent_until_the_truth_has_caught_up_and_then_told_again() -> None:
    """Never back, never standing, never wrong: absent."""
    bench, time = learned()
    bench.feed(*fixes(11, 11 + 700, -HOUR_MS))
    assert time.source.value == "gnss"
    for at in (700.0, 2000.0, 3609.0):
        bench.feed(*fixes(at, at + 1, -HOUR_MS))
        assert time.stamp(at)[0] is None
        assert time.offset_ms() is None
    outs = bench.until(3700.0)
    (learned_again,) = of(TimeLearned, outs)
    assert abs(learned_again.at - 3610.0) < 1
    assert learned_again.offset_ms == UTC_MS - HOUR_MS
    assert [(fault.code, fault.active) for fault in of(FaultSeen, outs)] == [("clock.conflict", False)]
    assert time.stamp(3700.0)[0] == UTC_MS - HOUR_MS + 3_700_000
    assert time.stamp(5.0)[0] is None  # told wrongly then: its record is corrected by `clock_fix`, or not at all
    assert time.stamp(1000.0)[0] is None  # would lie before what was told at 10 s


@SIDES
def test_a_receiver_that_stays_with_its_word_is_believed_after_ten_minutes(off_ms: int) -> None:
    bench, time = learned()
    bench.feed(*fixes(11, 11 + BELIEVE_S, off_ms))
    assert time.source.value == "conflict"
    bench.feed(*fixes(11 + BELIEVE_S, 13 + BELIEVE_S, off_ms))
    assert time.source.value == "gnss"


@pytest.mark.parametrize("off_ms", [-2000, 2000, -18_000])
def test_a_receiver_that_has_just_read_the_leap_seconds_is_believed_after_a_minute(off_ms: int) -> None:
    bench, time = learned()
    bench.feed(*fixes(11, 13 + BELIEVE_LEAP_S, off_ms))
    assert time.source.value == "gnss"
    bench.feed(*fixes(74, 110, off_ms))
    assert time.stamp(109.5)[0] == UTC_MS + off_ms + 109_500


def test_a_leap_second_makes_the_error_as_large_as_it_is() -> None:
    bench, time = learned()
    for event in fixes(11, 60, -1000):
        bench.feed(event)
        utc_ms, clock = time.stamp(event.at)
        assert utc_ms is not None
        assert clock.err_ms is not None
        assert abs(utc_ms - (UTC_MS - 1000 + event.at * 1000)) <= clock.err_ms
    assert clock.err_ms == 500


@pytest.mark.parametrize("weeks_ms", [WEEKS_1024_MS, -WEEKS_1024_MS, 2 * WEEKS_1024_MS])
def test_a_receiver_that_steps_by_1024_weeks_is_seen_through(weeks_ms: int) -> None:
    bench, time = learned()
    bench.feed(*fixes(11, 100, weeks_ms))
    assert bench.all[1:] == []
    assert time.stamp(100.0)[0] == UTC_MS + 100_000


@pytest.mark.parametrize("utc_ms", [0, EARLIEST_UTC_MS - 60_000, LATEST_UTC_MS, LATEST_UTC_MS + WEEKS_1024_MS])
def test_a_date_before_this_software_or_twenty_years_after_it_is_nobodys_time(utc_ms: int) -> None:
    time = Timebase()
    bench = Bench(time)
    bench.feed(*(fix(float(at), utc_ms + at * 1000) for at in range(50)))
    bench.feed(clock_read(51.0, utc_ms))
    assert bench.all == []
    assert time.source.value == "none"


def test_a_receiver_that_is_doubted_teaches_nothing() -> None:
    doubted = True
    time = Timebase(lambda: doubted)
    bench = Bench(time)
    bench.feed(*fixes(0, 50))
    assert bench.all == []
    doubted = False
    bench.feed(*fixes(50, 53))
    assert time.source.value == "gnss"


@SIDES
def test_a_step_of_the_wall_clock_changes_nothing_while_it_is_not_synchronised(off_ms: int) -> None:
    bench, time = learned()
    bench.feed(*(clock_read(float(at), UTC_MS + off_ms, synchronized=False) for at in range(11, 2000, 10)))
    assert bench.all[1:] == []
    assert time.stamp(2000.0)[0] == UTC_MS + 2_000_000


@SIDES
def test_a_synchronised_clock_that_contradicts_itself_is_believed_after_a_minute(off_ms: int) -> None:
    time = Timebase()
    bench = Bench(time)
    bench.feed(clock_read(0.0), clock_read(10.0))
    time.stamp(10.0)
    bench.feed(*(clock_read(10.0 + at, UTC_MS + off_ms) for at in range(10, round(NTP_CONTRADICT_S) + 10, 10)))
    assert time.stamp(11.0)[0] == UTC_MS + 11_000
    bench.feed(clock_read(20.0 + NTP_CONTRADICT_S, UTC_MS + off_ms))
    at = 30.0 + NTP_CONTRADICT_S
    assert time.stamp(at)[0] == (UTC_MS + off_ms + round(at * 1000) if off_ms > 0 else None)


def test_a_receiver_gone_during_a_conflict_leaves_the_word_to_the_system_clock() -> None:
    bench, time = learned()
    bench.feed(*fixes(11, 21, HOUR_MS))
    bench.feed(clock_read(30.0, UTC_MS + 2 * HOUR_MS))
    assert time.source.value == "conflict"
    bench.feed(clock_read(22.0 + GNSS_STALE_S, UTC_MS + 2 * HOUR_MS))
    assert time.source.value == "ntp"


def test_a_moment_long_past_is_known_no_better_than_one_as_far_ahead() -> None:
    """Between then and now the crystal drifted by as much."""
    _, time = learned()
    assert time.stamp(10.0 - 5000)[1].err_ms == time.stamp(10.0 + 5000)[1].err_ms == 1000


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 900.0),
            st.sampled_from(["fixes", "read"]),
            st.sampled_from([0, 0, 300, -300, 900, 5000, -5000, HOUR_MS, -HOUR_MS, WEEKS_1024_MS]),
        ),
        max_size=30,
    )
)
@settings(max_examples=300, deadline=None)
def test_what_is_dated_afterwards_fits_between_what_was_told_before_and_after_it(readings: list[tuple[float, str, int]]) -> None:
    time = Timebase()
    bench = Bench(time)
    at = 0.0
    told: list[tuple[float, int]] = []
    undated: list[float] = []
    for wait, what, off_ms in readings:
        at += wait
        if what == "read":
            bench.feed(clock_read(at, UTC_MS + off_ms))
        for n in range(12 if what == "fixes" else 0):
            bench.feed(timed_fix(at + n, UTC_MS + off_ms))
        at += 12 if what == "fixes" else 0
        bench.until(at)
        utc_ms, _ = time.stamp(at)
        if utc_ms is None:
            undated.append(at)
        else:
            told.append((at, utc_ms))
    for moment in undated:
        utc_ms, clock = time.stamp(moment)
        assert (utc_ms is None) == (clock.src == "none")
        if utc_ms is not None:
            assert all(utc_ms >= before for when, before in told if when < moment)
            assert all(utc_ms <= after for when, after in told if when > moment)

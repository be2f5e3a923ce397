"""The timebase: every source × every reading; then that time never runs back and a wrong time never looks right."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.events import ClockRead, Event, FaultSeen, Fix, FixMode, TimeLearned
from agent.core.part import Output
from agent.core.timebase import (
    BELIEVE_MOVED_S,
    DRIFT_PPM,
    EARLIEST_UTC_MS,
    FIXES_TO_CONTRADICT,
    FIXES_TO_LEARN,
    GNSS_ERR_MS,
    GNSS_STALE_S,
    NTP_ERR_MS_MIN,
    WEEKS_1024_MS,
    Timebase,
)
from agent.wire.records import Clock
from tests.core.builders import UTC_MS, Bench, assert_covers, clock_read, fix, of, timed_fix

AT = 20.0
HOUR_MS = 3_600_000


def made() -> Bench:
    return Bench(Timebase())


def time_of(bench: Bench) -> Timebase:
    """The part itself."""
    assert isinstance(bench.part, Timebase)
    return bench.part


def gnss() -> Bench:
    bench = made()
    bench.feed(*(timed_fix(at) for at in (17.0, 18.0, 19.0)))
    return bench


def ntp() -> Bench:
    bench = made()
    bench.feed(clock_read(19.0))
    return bench


def conflict() -> Bench:
    bench = made()
    bench.feed(*(timed_fix(at) for at in range(3)))
    time_of(bench).stamp(8.0)
    bench.feed(*(timed_fix(9.0 + at, UTC_MS - HOUR_MS) for at in range(FIXES_TO_CONTRADICT)))
    return bench


def candidate() -> Bench:
    """One fix short of knowing."""
    bench = made()
    bench.feed(timed_fix(18.0), timed_fix(19.0))
    return bench


def waiting() -> Bench:
    """It was an hour ahead, and believes so now: nothing is told before the truth has caught up."""
    bench = conflict()
    bench.feed(clock_read(19.0, UTC_MS - HOUR_MS))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "none": made,
    "candidate": candidate,
    "gnss": gnss,
    "ntp": ntp,
    "conflict": conflict,
    "waiting": waiting,
}


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    return [
        "learned" if isinstance(out, TimeLearned) else f"conflict {'on' if out.active else 'off'}"
        for out in outs
        if isinstance(out, TimeLearned | FaultSeen)
    ]


TABLE: list[tuple[str, Event, list[str], str]] = [
    # state, event, what comes out, the source then
    ("none", timed_fix(AT), [], "none"),
    ("none", fix(AT), [], "none"),
    ("none", timed_fix(AT, mode=FixMode.NONE), [], "none"),
    ("none", clock_read(AT), ["learned"], "ntp"),
    ("none", clock_read(AT, synchronized=False), [], "none"),
    ("none", ClockRead(AT, EARLIEST_UTC_MS - 1, True, 1), [], "none"),
    ("candidate", timed_fix(AT), ["learned"], "gnss"),
    ("candidate", timed_fix(AT, UTC_MS + 1500), [], "none"),
    ("candidate", timed_fix(AT, mode=FixMode.NONE), [], "none"),
    ("candidate", clock_read(AT), ["learned"], "ntp"),
    ("gnss", timed_fix(AT), [], "gnss"),
    ("gnss", timed_fix(AT, UTC_MS - HOUR_MS), [], "gnss"),
    ("gnss", timed_fix(AT, UTC_MS + HOUR_MS), [], "gnss"),
    ("gnss", clock_read(AT), [], "gnss"),
    ("gnss", clock_read(AT, UTC_MS - HOUR_MS), [], "gnss"),
    ("gnss", clock_read(19.0 + GNSS_STALE_S + 1), [], "ntp"),
    ("gnss", clock_read(19.0 + GNSS_STALE_S + 1, UTC_MS - HOUR_MS), [], "gnss"),
    ("ntp", timed_fix(AT), [], "gnss"),
    ("ntp", timed_fix(AT, UTC_MS + HOUR_MS), [], "ntp"),
    ("ntp", clock_read(AT), [], "ntp"),
    ("ntp", clock_read(AT, UTC_MS - HOUR_MS), [], "ntp"),
    ("ntp", clock_read(AT, UTC_MS + HOUR_MS), [], "ntp"),
    ("gnss", timed_fix(AT, UTC_MS - WEEKS_1024_MS), [], "gnss"),
    ("gnss", timed_fix(AT, mode=FixMode.DEAD_RECKONING), [], "gnss"),
    ("conflict", timed_fix(AT), [], "conflict"),
    ("conflict", timed_fix(AT, UTC_MS - HOUR_MS), [], "conflict"),
    ("conflict", clock_read(AT), ["learned", "conflict off"], "ntp"),
    ("conflict", clock_read(AT, UTC_MS - HOUR_MS), [], "ntp"),
    ("conflict", clock_read(AT, UTC_MS + HOUR_MS), [], "conflict"),
    ("conflict", clock_read(AT, synchronized=False), [], "conflict"),
    ("conflict", clock_read(AT + 2 * GNSS_STALE_S, UTC_MS + HOUR_MS), ["learned", "conflict off"], "ntp"),
    ("waiting", timed_fix(AT), [], "ntp"),
    ("waiting", timed_fix(AT, UTC_MS - HOUR_MS), [], "gnss"),
    ("waiting", clock_read(AT), [], "ntp"),
    ("waiting", clock_read(AT, UTC_MS - HOUR_MS), [], "ntp"),
]


@pytest.mark.parametrize(("state", "event", "outs", "source"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str], source: str) -> None:
    bench = STATES[state]()
    assert short(bench.feed(event)) == outs
    assert time_of(bench).source.value == source


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Timebase, STATES, ((state, type(event)) for state, event, _, _ in TABLE))


@pytest.mark.parametrize("state", STATES)
def test_a_time_is_told_only_while_it_is_known(state: str) -> None:
    time = time_of(STATES[state]())
    utc_ms, clock = time.stamp(AT)
    if state in ("none", "candidate", "conflict", "waiting"):
        assert (utc_ms, clock, time.offset_ms()) == (None, Clock("none"), None)
        assert time.status(AT) == {"src": time.source.value, "err_ms": None, "utc_ms": None}
    else:
        assert (utc_ms, clock.src, time.offset_ms()) == (UTC_MS + 20_000, state, UTC_MS)


def test_what_was_learned_is_told_once_with_its_offset() -> None:
    assert of(TimeLearned, gnss().all) == [TimeLearned(19.0, UTC_MS)]
    bench = ntp()
    bench.feed(*(timed_fix(AT + at) for at in range(20)))
    assert len(of(TimeLearned, bench.all)) == 1


def test_a_receiver_is_believed_when_three_fixes_in_a_row_agree() -> None:
    bench = made()
    bench.feed(timed_fix(1), timed_fix(2, UTC_MS + HOUR_MS), timed_fix(3), timed_fix(4))
    assert time_of(bench).source.value == "none"
    bench.feed(timed_fix(5))
    assert time_of(bench).source.value == "gnss"
    assert FIXES_TO_LEARN == 3


def test_a_receiver_that_lives_a_thousand_and_twenty_four_weeks_ago_is_not_heard() -> None:
    bench = made()
    bench.feed(*(timed_fix(at, UTC_MS - 1024 * 7 * 86_400_000) for at in range(50)))
    assert bench.all == []
    assert time_of(bench).stamp(60.0) == (None, Clock("none"))


def test_the_error_grows_by_the_drift_of_the_crystal() -> None:
    time = time_of(gnss())
    assert time.stamp(19.0)[1] == Clock("gnss", GNSS_ERR_MS)
    assert time.stamp(19.0 + 10_000)[1] == Clock("gnss", GNSS_ERR_MS + 10_000 * DRIFT_PPM // 1000)
    assert time_of(ntp()).stamp(19.0)[1] == Clock("ntp", NTP_ERR_MS_MIN)
    worse = made()
    worse.feed(clock_read(19.0, err_ms=700))
    assert time_of(worse).stamp(19.0)[1] == Clock("ntp", 700)


def test_one_late_epoch_moves_the_clock_by_an_eighth_of_it() -> None:
    bench = gnss()
    bench.feed(timed_fix(AT, UTC_MS + 400))
    assert time_of(bench).offset_ms() == UTC_MS + 50


def test_a_receiver_that_falls_behind_is_a_conflict_after_ten_fixes_and_the_time_unknown_until_it_agrees() -> None:
    bench = gnss()
    late = [timed_fix(AT + at, UTC_MS - HOUR_MS) for at in range(FIXES_TO_CONTRADICT + 5)]
    bench.feed(*late[: FIXES_TO_CONTRADICT - 1])
    assert time_of(bench).source.value == "gnss"
    fault = of(FaultSeen, bench.feed(*late[FIXES_TO_CONTRADICT - 1 :]))
    assert [(out.code, out.active) for out in fault] == [("clock.conflict", True)]
    assert "3600.0 s behind" in str(fault[0].detail)
    agreeing = [timed_fix(50.0 + at) for at in range(FIXES_TO_CONTRADICT)]
    assert short(bench.feed(*agreeing[:-1])) == []
    assert short(bench.feed(agreeing[-1])) == ["learned", "conflict off"]
    assert time_of(bench).stamp(70.0)[0] == UTC_MS + 70_000


def test_a_clock_that_waits_for_the_truth_to_catch_up_says_that_it_is_wrong_by_as_much() -> None:
    bench = ntp()
    time = time_of(bench)
    assert time.stamp(20.0)[0] == UTC_MS + 20_000
    bench.feed(clock_read(20.0, UTC_MS - 900, err_ms=10))
    utc_ms, clock = time.stamp(20.1)
    assert utc_ms == UTC_MS + 20_000
    assert clock.err_ms is not None
    assert clock.err_ms >= 800
    assert time.stamp(30.0) == (UTC_MS + 29_100, Clock("ntp", NTP_ERR_MS_MIN + 1))


def test_a_moment_in_the_past_is_dated_by_what_is_known_now() -> None:
    assert time_of(gnss()).stamp(-5.0)[0] == UTC_MS - 5000


READINGS = st.lists(
    st.tuples(
        st.floats(0.0, 700.0),
        st.sampled_from(["fix", "fixes", "read", "unsynchronized", "none"]),
        st.sampled_from([0, 0, 0, 300, -300, 900, -900, 5000, -5000, HOUR_MS, -HOUR_MS]),
    ),
    max_size=40,
)


@given(READINGS)
@settings(max_examples=300, deadline=None)
def test_time_never_runs_back_within_a_boot(readings: list[tuple[float, str, int]]) -> None:
    bench = made()
    time = time_of(bench)
    at, last = 0.0, -math.inf
    for wait, what, off_ms in readings:
        at += wait
        match what:
            case "fix":
                bench.feed(timed_fix(at, UTC_MS + off_ms))
            case "fixes":
                for _ in range(11):
                    at += 0.1
                    bench.feed(timed_fix(at, UTC_MS + off_ms))
            case "read" | "unsynchronized":
                bench.feed(clock_read(at, UTC_MS + off_ms, synchronized=what == "read"))
        bench.until(at)
        utc_ms, clock = time.stamp(at)
        if utc_ms is not None:
            assert utc_ms >= last
            last = utc_ms
            assert clock.err_ms is not None
        assert (utc_ms is None) == (clock.src == "none")
    told = [out.offset_ms for out in of(TimeLearned, bench.all)]
    assert len(told) <= 1 + len([out for out in of(FaultSeen, bench.all) if out.active]) + len(readings)


@given(READINGS)
@settings(max_examples=200, deadline=None)
def test_the_truth_lies_within_the_error_when_every_source_tells_it_within_its_own(readings: list[tuple[float, str, int]]) -> None:
    """Receivers are up to half a second late, the system clock is as good as it says."""
    bench = made()
    time = time_of(bench)
    at = 0.0
    for wait, what, off_ms in readings:
        at += wait
        if what in ("fix", "fixes"):
            for _ in range(1 if what == "fix" else 11):
                at += 0.1
                bench.feed(timed_fix(at, UTC_MS - abs(off_ms) % 500))
        elif what == "read":
            bench.feed(clock_read(at, UTC_MS + max(-50, min(50, off_ms)), err_ms=50))
        utc_ms, clock = time.stamp(at)
        if utc_ms is not None:
            assert clock.err_ms is not None
            assert abs(utc_ms - (at * 1000 + UTC_MS)) <= clock.err_ms + 1


def test_the_events_are_the_two_clocks() -> None:
    assert set(Timebase.listens) == {Fix, ClockRead}


def test_fixes_that_came_late_together_move_no_clock() -> None:
    """All are late by the same, up to the time between two fixes; at most one a minute counts."""
    bench = gnss()
    time = time_of(bench)
    before = time.offset_ms()
    assert before is not None
    bench.feed(*(fix(float(at), round(at * 1000) + UTC_MS - 900, read_at=80.0) for at in range(3, 50)))
    assert time.offset_ms() == before
    bench.feed(*(fix(float(at), round(at * 1000) + UTC_MS - 900, read_at=200.0) for at in range(100, 150)))
    moved = time.offset_ms()
    assert moved is not None
    assert before - 900 / 8 - 1 <= moved < before
    assert of(FaultSeen, bench.all) == []


def test_fixes_that_came_late_together_are_one_word_not_three() -> None:
    """That they agree is our own reckoning."""
    bench = made()
    bench.feed(*(timed_fix(float(at), read_at=50.0) for at in range(3, 50)))
    assert time_of(bench).offset_ms() is None


def test_a_date_that_was_moved_is_believed_after_a_minute_or_when_the_system_clock_attests_it() -> None:
    """A receiver that has not read the week number yet has a date of its own; half a minute later it has read it."""
    bench = made()
    bench.feed(*(timed_fix(float(at), UTC_MS + WEEKS_1024_MS // 2, date_moved=True) for at in range(30)))
    assert time_of(bench).offset_ms() is None
    bench.feed(*(timed_fix(float(at), date_moved=True) for at in range(30, 30 + round(BELIEVE_MOVED_S))))
    assert time_of(bench).offset_ms() is None
    bench.feed(timed_fix(30 + BELIEVE_MOVED_S, date_moved=True))
    assert time_of(bench).offset_ms() == UTC_MS
    attested = made()
    attested.feed(*(timed_fix(float(at), date_moved=True) for at in range(10)), clock_read(10.0))
    attested.feed(*(timed_fix(11.0 + at, date_moved=True) for at in range(3)))
    assert attested.part.status(14.0)["src"] == "gnss"

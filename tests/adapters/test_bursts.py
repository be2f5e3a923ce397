"""Stamps of fixes that came in one read: reckoned back by their UTC, never before the last one, and said to be late."""

import pytest

from agent.adapters.bursts import BACK_S_MAX, Bursts
from agent.core.events import Fix, FixMode

UTC_MS = 1_800_000_000_000


def read(at: float, *utc_s: float | None) -> list[Fix]:
    """Fixes of one read, each so many seconds after UTC_MS, or without a time."""
    return [Fix(at, FixMode.THREE_D, None if s is None else UTC_MS + round(s * 1000), 36.6, 101.8) for s in utc_s]


def stamps(fixes: list[Fix]) -> list[float]:
    return [round(fix.at, 3) for fix in fixes]


def test_a_fix_alone_keeps_its_stamp_and_is_in_time() -> None:
    assert Bursts().stamped(20.0, read(20.0, 1)) == read(20.0, 1)


def test_the_earlier_fixes_of_a_read_are_older_by_their_utc() -> None:
    told = Bursts().stamped(20.0, read(20.0, 1, 2, 3, 7))
    assert stamps(told) == [14.0, 15.0, 16.0, 20.0]
    assert {fix.read_at for fix in told} == {20.0}


def test_the_instant_that_has_just_begun_is_the_newest_and_late_too() -> None:
    """It leaves with a later read, or with the quiet."""
    bursts = Bursts()
    assert stamps(bursts.stamped(20.0, read(20.0, 1, 2), ahead_ms=1000)) == [18.0, 19.0]
    (newest,) = bursts.stamped(20.2, read(20.0, 3))
    assert (newest.at, newest.read_at) == (20.0, 20.0)
    assert bursts.stamped(21.0, read(21.0, 4))[0].read_at is None


def test_a_fix_that_began_before_the_read_keeps_its_stamp() -> None:
    told = Bursts().stamped(20.0, [*read(15.9, 1), *read(20.0, 2, 5)])
    assert stamps(told) == [15.9, 17.0, 20.0]
    assert [fix.read_at for fix in told] == [None, 20.0, 20.0]


def test_no_stamp_is_before_that_of_the_fix_told_last() -> None:
    bursts = Bursts()
    bursts.stamped(18.5, read(18.5, 0))
    assert stamps(bursts.stamped(20.0, read(20.0, 1, 2, 3, 4))) == [18.5, 18.5, 19.0, 20.0]


def test_no_stamp_is_before_the_port_was_opened() -> None:
    assert stamps(Bursts(since=19.5).stamped(20.0, read(20.0, 1, 2))) == [19.5, 20.0]


@pytest.mark.parametrize("steps", [(5, 1), (1, 2 + BACK_S_MAX), (3 * BACK_S_MAX, 1)])
def test_a_step_of_the_receivers_time_is_no_stall(steps: tuple[float, float]) -> None:
    assert Bursts().stamped(20.0, read(20.0, *steps)) == read(20.0, *steps)


def test_nothing_goes_back_by_more_than_the_bound() -> None:
    told = Bursts().stamped(2000.0, read(2000.0, 0, 500, 1000, 1500))
    assert stamps(told) == [1400.0, 1400.0, 1500.0, 2000.0]


def test_without_utc_a_fix_is_of_the_time_of_the_next() -> None:
    assert stamps(Bursts().stamped(20.0, read(20.0, None, 1, None, 3, None))) == [18.0, 18.0, 20.0, 20.0, 20.0]
    assert Bursts().stamped(20.0, read(20.0, None, None)) == read(20.0, None, None)


def test_what_is_gathered_in_one_turn_at_a_high_rate_is_in_time() -> None:
    told = Bursts().stamped(20.0, read(20.0, 0.00, 0.02, 0.04))
    assert stamps(told) == [19.96, 19.98, 20.0]
    assert {fix.read_at for fix in told} == {None}

"""The window: how much may be in flight, lane by lane, and what is overdue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.events import Lane, LinkUp
from agent.core.window import ACK_S_MAX, ALARM_PATIENCE_S, ALARMS_FRESH, ALARMS_IN_FLIGHT_MAX, RESERVE_BYTES, Window, packet_bytes
from tests.core.builders import message


def filled(window: Window, lane: Lane, size: int = 100, fresh: bool = False) -> int:
    """How many of that lane leave."""
    count = 0
    while window.room(lane, fresh) and count < 10_000:
        window.send(0.0, message(lane, size))
        count += 1
    return count


@pytest.mark.parametrize(
    ("receive_max", "held", "fresh", "others"),
    [(65_535, 24, 8, 80 + 21), (100, 24, 8, 68), (64, 24, 8, 32), (20, 15, 5, 10), (4, 3, 1, 2), (2, 2, 0, 1), (1, 1, 0, 1)],
)
def test_so_many_leave_by_what_the_broker_allows(receive_max: int, held: int, fresh: int, others: int) -> None:
    window = Window(8000)
    window.receive_max = receive_max
    assert filled(window, Lane.ALARM) == held
    assert filled(window, Lane.ALARM, fresh=True) == fresh
    window.take_all()
    assert filled(window, Lane.EVENT) == others


def test_back_fill_leaves_room_for_events_and_events_for_alarms() -> None:
    window = Window(1000)
    assert filled(window, Lane.BACKFILL) == 10
    assert filled(window, Lane.LIVE) == RESERVE_BYTES // 100 + 1
    assert not window.room(Lane.EVENT)
    assert filled(window, Lane.ALARM) == ALARMS_IN_FLIGHT_MAX - ALARMS_FRESH
    assert filled(window, Lane.ALARM, fresh=True) == ALARMS_FRESH


def test_a_message_larger_than_the_window_leaves_alone() -> None:
    window = Window(1000)
    assert window.room(Lane.BACKFILL)
    window.send(0.0, message(Lane.BACKFILL, 50_000))
    assert not window.room(Lane.BACKFILL)
    assert not window.room(Lane.EVENT)
    assert window.room(Lane.ALARM)


def test_tokens_rise_and_are_taken_once() -> None:
    window = Window(1000)
    first, second = message(Lane.EVENT), message(Lane.EVENT)
    assert [window.send(0.0, first), window.send(0.0, second)] == [1, 2]
    assert first in window
    assert window.take(1) is first
    assert window.take(1) is None
    assert first not in window
    assert window.take_all() == [second]
    assert (len(window), window.bytes) == (0, 0)
    assert window.send(0.0, first) == 3


def test_overdue_is_what_is_older_than_ten_seconds() -> None:
    window = Window(1000)
    old, young = message(Lane.EVENT), message(Lane.EVENT)
    window.send(0.0, old)
    window.send(5.0, young)
    assert window.take_overdue(ACK_S_MAX) == []
    assert window.take_overdue(ACK_S_MAX + 0.1) == [old]
    assert window.take_overdue(ACK_S_MAX + 0.1) == []
    assert window.bytes == len(young.payload)


def test_with_an_alarm_in_flight_patience_ends_at_twenty_seconds_however_slow_the_line_was() -> None:
    window = Window(1000)
    slow = message(Lane.EVENT)
    window.send(0.0, slow)
    window.take(1)
    window.acked(35.0, slow)
    window.send(40.0, message(Lane.EVENT))
    assert window.patience_s == 70.0
    assert window.stalled(60.0) is None
    alarm = window.send(60.0, message(Lane.ALARM))
    assert window.patience_s == ALARM_PATIENCE_S
    assert window.stalled(60.1) == "no acknowledgement for 25 s"
    window.take(alarm)
    assert window.patience_s > ACK_S_MAX


def test_what_exceeds_the_greatest_packet_of_a_broker_is_too_large_until_another_broker_says_otherwise() -> None:
    window, it = Window(1000), message(Lane.EVENT)
    assert not window.too_large(it)
    assert window.link_up(LinkUp(0.0, 1, "a", 5, packet_bytes_max=packet_bytes(it) - 1))
    assert window.too_large(it)
    assert window.link_up(LinkUp(1.0, 2, "a", 5, packet_bytes_max=packet_bytes(it)))
    assert not window.too_large(it)
    assert not window.link_up(LinkUp(2.0, 3, "a", 5, packet_bytes_max=packet_bytes(it)))
    assert window.link_up(LinkUp(3.0, 4, "a", 5))


@given(st.lists(st.tuples(st.sampled_from(list(Lane)), st.integers(0, 5000), st.integers(1, 30))), st.integers(1, 100))
def test_bytes_and_numbers_in_flight_always_add_up_and_stay_bounded(steps: list[tuple[Lane, int, int]], receive_max: int) -> None:
    window = Window(4096)
    window.receive_max = receive_max
    flying: dict[int, int] = {}
    for lane, size, token in steps:
        if window.room(lane):
            flying[window.send(0.0, message(lane, size))] = size
        if token in flying:
            window.take(token)
            del flying[token]
        assert window.bytes == sum(flying.values())
        assert len(window) == len(flying) <= receive_max

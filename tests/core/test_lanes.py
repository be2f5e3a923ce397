"""Lanes: messages wait in order of urgency and age."""

from agent.core.events import Lane
from agent.core.lanes import READY_MAX, Lanes
from tests.core.builders import message


def test_each_lane_keeps_its_order() -> None:
    lanes = Lanes()
    first, second, alarm = message(Lane.EVENT), message(Lane.EVENT), message(Lane.ALARM)
    for found in (first, second, alarm):
        lanes.add(found)
    assert list(lanes) == [alarm, first, second]
    assert (len(lanes), lanes.count(Lane.EVENT), lanes.count(Lane.LIVE)) == (3, 2, 0)
    assert lanes.take(Lane.EVENT) is first
    assert lanes.take_last(Lane.EVENT) is second
    assert lanes.count(Lane.EVENT) == 0


def test_what_is_put_back_stands_in_front_in_its_order() -> None:
    lanes = Lanes()
    first, second, third = (message(Lane.EVENT) for _ in range(3))
    lanes.add(third)
    lanes.put_back([first, second])
    assert list(lanes) == [first, second, third]


def test_put_back_sorts_into_lanes() -> None:
    lanes = Lanes()
    event, alarm = message(Lane.EVENT), message(Lane.ALARM)
    lanes.put_back([event, alarm])
    assert list(lanes) == [alarm, event]


def test_every_lane_has_a_bound() -> None:
    assert set(READY_MAX) == set(Lane)


def test_answers_stand_before_events_in_their_own_order_and_never_before_an_alarm() -> None:
    lanes = Lanes()
    event, first, second, alarm = message(Lane.EVENT), message(Lane.EVENT), message(Lane.EVENT), message(Lane.ALARM)
    first.kind = second.kind = "ack"
    for found in (event, first, second, alarm):
        lanes.add(found)
    assert list(lanes) == [alarm, first, second, event]

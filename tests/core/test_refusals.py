"""Refusals: what was not delivered is tried again in its time, and a link on which nothing can be sent is noticed."""

from agent.core.events import Lane
from agent.core.refusals import REFUSED_WAIT_S, UNSENT_S_MAX, UNSENT_WAIT_S, Refusals
from tests.core.builders import message


def test_the_brokers_no_is_tried_again_later_than_ours() -> None:
    refusals = Refusals()
    theirs, ours = message(Lane.EVENT), message(Lane.EVENT)
    refusals.add(0.0, theirs, by_broker=True)
    refusals.add(0.0, ours, by_broker=False)
    assert theirs in refusals
    assert refusals.count(Lane.EVENT) == 2
    assert refusals.take_due(UNSENT_WAIT_S - 0.1) == []
    assert refusals.take_due(UNSENT_WAIT_S) == [ours]
    assert refusals.take_due(REFUSED_WAIT_S) == [theirs]
    assert theirs not in refusals
    assert refusals.count(Lane.EVENT) == 0


def test_a_refused_state_is_due_again_until_it_is_delivered() -> None:
    refusals = Refusals()
    io = message(Lane.EVENT, kind="io", retain=True)
    refusals.add(0.0, io, by_broker=True)
    assert refusals.state_refused("io")
    assert refusals.count(Lane.EVENT) == 0
    assert refusals.states_due(REFUSED_WAIT_S) == ["io"]
    assert refusals.states_due(REFUSED_WAIT_S + 1) == []
    assert refusals.states_due(2 * REFUSED_WAIT_S) == ["io"]
    refusals.delivered(io)
    assert not refusals.state_refused("io")
    assert refusals.states_due(1000.0) == []


def test_a_volatile_kind_is_held_from_its_refusal_until_one_is_delivered() -> None:
    refusals = Refusals()
    live = message(Lane.LIVE, kind="position")
    assert not refusals.holds(Lane.LIVE, "position")
    refusals.add(0.0, live, by_broker=True)
    refusals.take_due(REFUSED_WAIT_S)
    assert refusals.holds(Lane.LIVE, "position")
    assert not refusals.holds(Lane.ALARM, "position")
    assert not refusals.holds(Lane.LIVE, "other")
    refusals.delivered(live)
    assert not refusals.holds(Lane.LIVE, "position")


def test_a_durable_record_holds_nobody() -> None:
    refusals = Refusals()
    refusals.add(0.0, message(Lane.ALARM, kind="alarm", durable=True), by_broker=True)
    assert not refusals.holds(Lane.ALARM, "alarm")


def test_nothing_sent_for_long_is_noticed_and_one_delivery_ends_it() -> None:
    refusals = Refusals()
    refusals.add(1.0, message(Lane.EVENT), by_broker=True)
    assert not refusals.unsent_for_long(1000.0)
    refusals.add(2.0, message(Lane.EVENT), by_broker=False)
    refusals.add(9.0, message(Lane.EVENT), by_broker=False)
    assert not refusals.unsent_for_long(2.0 + UNSENT_S_MAX)
    assert refusals.unsent_for_long(2.1 + UNSENT_S_MAX)
    refusals.delivered(message(Lane.EVENT))
    assert not refusals.unsent_for_long(1000.0)


def test_another_link_gets_everything_in_the_order_of_refusal() -> None:
    refusals = Refusals()
    first, second = message(Lane.EVENT), message(Lane.ALARM)
    refusals.add(0.0, first, by_broker=False)
    refusals.add(1.0, second, by_broker=True)
    refusals.add(1.0, message(Lane.LIVE, kind="position"), by_broker=True)
    refusals.add(1.0, message(Lane.EVENT, kind="io", retain=True), by_broker=True)
    assert refusals.take_all()[:2] == [first, second]
    assert refusals.take_all() == []
    assert not refusals.state_refused("io")
    assert not refusals.holds(Lane.LIVE, "position")
    assert not refusals.unsent_for_long(1000.0)

"""The outbox: alarms first, the window, slots and states, and what is sent again."""

import pytest

from agent.core.effects import Forget, Publish, Store
from agent.core.events import (
    Acked,
    Event,
    FaultSeen,
    Lane,
    LinkStalled,
    Refused,
    Reported,
    Started,
    StateChanged,
    Stored,
)
from agent.core.window import ALARMS_FRESH, ALARMS_IN_FLIGHT_MAX
from agent.wire.records import EventRecord, Io, Presence
from tests.core.builders import (
    BOOT,
    event_report,
    link_down,
    link_up,
    of,
    one,
    outbox,
    record,
    spool_opened,
    types,
)
from tests.core.outbox_states import ACKED, AT, IO, IT, OPEN, REPORT, STORED, UP, made, short

# --- alarms -------------------------------------------------------------------------------------------------------------------------


def test_an_alarm_is_stored_and_published_in_the_same_turn() -> None:
    bench = made(OPEN, UP)
    outs = bench.feed(event_report(100.1, lane=Lane.ALARM))
    assert types(outs) == ["Store", "Publish"]
    stored, published = one(Store, outs), one(Publish, outs)
    assert stored.payload == published.payload
    assert (published.qos, published.retain) == (1, False)


def test_an_alarm_does_not_wait_for_a_store_that_is_down_nor_for_a_link_that_is_down() -> None:
    assert types(made(UP).feed(event_report(100.1, lane=Lane.ALARM))) == ["Store", "Publish"]
    assert types(made(OPEN).feed(event_report(100.1, lane=Lane.ALARM))) == ["Store"]


def test_an_alarm_leaves_although_the_window_is_full() -> None:
    _, bench = outbox(window_bytes=1024)
    bench.feed(Started(99.5), OPEN, UP)
    for i in range(200):
        bench.feed(event_report(100.1, str(i)))
    assert of(Publish, bench.feed(event_report(100.2, "one more"))) == []
    assert len(of(Publish, bench.feed(event_report(100.2, lane=Lane.ALARM)))) == 1


def test_a_new_alarm_leaves_although_the_line_is_full_of_those_that_a_tunnel_held_back() -> None:
    """Seed 3 of the preset link: thirty-two presses of a tunnel were on the line, slowly acknowledged, and the next one waited."""
    bench = made(OPEN)
    for i in range(ALARMS_IN_FLIGHT_MAX):
        bench.feed(event_report(100.1, f"held back {i}", Lane.ALARM))
    left = [record(out).seq for out in of(Publish, bench.feed(link_up(100.4)))]
    assert left == list(range(1, ALARMS_IN_FLIGHT_MAX - ALARMS_FRESH + 1))
    for i in range(ALARMS_FRESH):
        sent = of(Publish, bench.feed(event_report(100.5, f"new {i}", Lane.ALARM)))
        assert [record(out).seq for out in sent] == [ALARMS_IN_FLIGHT_MAX + i + 1]
    assert of(Publish, bench.feed(event_report(100.5, "one more", Lane.ALARM))) == [], "no honest button makes so many"


def test_an_alarm_stands_before_everything_that_waits() -> None:
    bench = made(OPEN)
    bench.feed(event_report(100.0, "b", Lane.BACKFILL), event_report(100.1, "e", Lane.EVENT), IO, event_report(AT, "a", Lane.ALARM))
    sent = [record(out).seq or out.topic for out in of(Publish, bench.feed(link_up(100.45)))]
    assert sent == [3, "outpost/v1/u/car-1/state/io", 2, 1]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((STORED, ACKED), ["left stored", "left storedacked", "forget it"]),
        ((ACKED, Stored(100.35, (IT,))), ["left acked", "left storedacked", "forget it"]),
    ],
)
def test_the_panic_part_hears_how_far_an_alarm_has_come(events: tuple[Event, ...], words: list[str]) -> None:
    bench = made(OPEN, UP, event_report(100.1, lane=Lane.ALARM))
    assert short(bench.feed(*events)) == words


def test_an_alarm_whose_stored_was_lost_is_asked_of_the_store_again_before_it_counts_as_sent() -> None:
    bench = made(OPEN, UP, event_report(100.1, lane=Lane.ALARM), ACKED)
    outs = bench.until(106.0)
    assert of(Forget, outs) == []
    assert of(Store, outs)
    assert short(bench.feed(Stored(106.1, (IT,)))) == ["left storedacked", "forget it"]


def test_an_alarm_is_never_given_up() -> None:
    bench = made()
    for i in range(1500):
        bench.feed(event_report(100.0, str(i), Lane.ALARM))
    bench.until(102.0)
    assert len(of(Publish, bench.feed(link_up(103.0, receive_max=10_000)))) == ALARMS_IN_FLIGHT_MAX - ALARMS_FRESH
    assert bench.part.status(0)["waiting"]["alarm"] == 1500


def test_alarms_in_the_store_are_read_back_before_there_is_a_link() -> None:
    bench = made()
    assert "load alarm" in short(bench.feed(spool_opened(100.0, alarm=2, event=2, backfill=2)))
    assert "load event" not in short(bench.all)


# --- order, window, slots, states ---------------------------------------------------------------------------------------------------


def test_what_was_in_flight_leaves_again_in_its_order() -> None:
    bench = made(OPEN, UP, *(event_report(100.1, str(i)) for i in range(5)), Acked(100.2, 2))
    bench.feed(link_down(100.3), event_report(100.35, "later"))
    again = [record(out).seq for out in of(Publish, bench.feed(link_up(AT, 2)))]
    assert again == [1, 3, 4, 5, 6]


def test_overdue_messages_leave_again_in_order_when_others_were_acknowledged_since() -> None:
    bench = made(OPEN, UP, event_report(100.1, "a"), event_report(100.1, "b"))
    bench.feed(Stored(100.2, (IT, f"{BOOT}-2")))
    for second in range(1, 11):
        bench.feed(event_report(100.1 + second, "c"))
        bench.feed(Acked(100.2 + second, 2 + second))
    outs = bench.until(112.0)
    assert [record(out).seq for out in of(Publish, outs)] == [1, 2]
    assert of(LinkStalled, outs) == []


def test_a_link_that_acknowledges_nothing_is_called_stalled() -> None:
    bench = made(OPEN, UP, REPORT)
    assert of(LinkStalled, bench.until(110.1)) == []
    assert of(LinkStalled, bench.until(112.0))


def test_a_link_on_which_nothing_can_be_sent_is_called_stalled() -> None:
    """Its end was lost on the way: the adapter hands every message back."""
    bench = made(OPEN, UP, REPORT)
    for at in range(101, 115):
        for out in of(Publish, bench.all[-3:]):
            bench.feed(Refused(at + 0.1, out.token, "not connected", by_broker=False))
        bench.until(at + 0.9)
    assert of(LinkStalled, bench.all)


def test_a_message_that_could_not_be_sent_just_now_is_tried_again_soon() -> None:
    bench = made(OPEN, UP, REPORT, Refused(100.3, 1, "queue full", by_broker=False))
    assert short(bench.until(103.0)) == ["publish it"]
    assert [out.code for out in of(FaultSeen, bench.all)] == ["store.down"]


def test_a_message_that_the_broker_refused_is_tried_again_after_half_a_minute_and_its_fault_goes_when_it_is_taken() -> None:
    bench = made(OPEN, UP, REPORT, STORED, Refused(100.3, 1, "not authorized"))
    assert of(Publish, bench.until(130.0)) == []
    again = one(Publish, bench.until(131.0))
    assert short(bench.feed(Acked(131.1, again.token))) == ["link.refused off", "forget it"]


def test_the_latest_in_a_slot_wins_and_what_was_never_sent_leaves_no_hole_in_the_numbers() -> None:
    bench = made(OPEN, link_up(100.0, receive_max=1), REPORT)
    for i in range(5):
        slotted = event_report(100.11 + i / 100, f"live {i}", Lane.LIVE)
        bench.feed(Reported(slotted.at, slotted.lane, slotted.record, "position"))
    outs = of(Publish, bench.feed(ACKED))
    found = [record(out) for out in outs]
    assert [(r.seq, r.id) for r in found if isinstance(r, EventRecord)] == [(2, "live 4")]
    assert of(Store, bench.all) == [bench.all[bench.all.index(of(Store, bench.all)[0])]]


def test_a_volatile_report_without_a_link_is_not_kept() -> None:
    bench = made(OPEN)
    assert bench.feed(Reported(100.1, Lane.LIVE, EventRecord(what="input", id="live"), "position")) == []
    assert of(Publish, bench.feed(link_up(100.2))) == []


def test_a_slot_that_waits_when_the_link_goes_is_not_sent_on_the_next() -> None:
    bench = made(OPEN, link_up(100.0, receive_max=1), REPORT)
    bench.feed(Reported(100.2, Lane.LIVE, EventRecord(what="input", id="live"), "position"), link_down(100.3), link_up(AT, 2))
    assert [record(out).seq for out in of(Publish, bench.all)] == [1, 1]


def test_while_a_volatile_message_is_refused_the_next_of_its_kind_stays_in_its_slot() -> None:
    """A broker that forbids `position` costs one message in memory, not one more each second."""
    bench = made(OPEN, UP)
    done = 0
    for second in range(100):
        bench.feed(Reported(100.1 + second, Lane.LIVE, EventRecord(what="input", id="live"), "position"))
        todo, done = bench.all[done:], len(bench.all)
        for out in of(Publish, todo):
            bench.feed(Refused(100.2 + second, out.token, "not authorized"))
    assert {record(out).seq for out in of(Publish, bench.all)} == {1}
    assert len(of(Publish, bench.all)) == 4
    bench.feed(Acked(200.2, of(Publish, bench.until(230.0))[-1].token))
    assert record(of(Publish, bench.all)[-1]).seq == 2


def test_states_are_sent_again_on_every_link_but_presence_which_the_link_says_itself() -> None:
    bench = made(UP)
    bench.feed(IO, StateChanged(AT, "presence", Presence(online=True)))
    outs = bench.feed(link_down(100.41), link_up(100.42, 2))
    assert short(outs) == ["publish state io"]
    again = one(Publish, outs)
    assert (again.retain, again.qos) == (True, 1)


def test_the_latest_of_a_state_wins_while_there_is_no_link() -> None:
    bench = made()
    for lights in ("off", "cruise", "response"):
        bench.feed(StateChanged(AT, "io", Io(inputs={}, outputs={}, lights=lights)))
    found = record(one(Publish, bench.feed(link_up(100.45))))
    assert isinstance(found, Io)
    assert (found.lights, found.seq) == ("response", 0)


def test_a_state_that_was_refused_is_tried_again_and_its_fault_goes() -> None:
    bench = made(OPEN, UP, IO, Refused(100.45, 1, "not authorized"))
    assert of(Publish, bench.until(130.0)) == []
    again = one(Publish, bench.until(131.0))
    assert again.retain
    assert short(bench.feed(Acked(131.1, again.token))) == ["link.refused off"]
    assert of(Publish, bench.until(200.0)) == []


def test_a_state_whose_acknowledgement_was_lost_is_sent_as_it_is_now() -> None:
    bench = made(OPEN, UP, IO)
    for second in range(1, 11):
        bench.feed(event_report(100.5 + second), Acked(100.6 + second, 1 + second))
    bench.until(112.0)
    assert short(bench.all).count("publish state io") == 2


def test_a_broker_with_a_small_receive_maximum_is_respected_and_still_has_room_for_alarms() -> None:
    bench = made(OPEN, link_up(100.0, receive_max=20))
    for i in range(50):
        bench.feed(event_report(100.1, str(i)))
    assert len(of(Publish, bench.all)) == 10
    for _ in range(50):
        bench.feed(event_report(100.2, lane=Lane.ALARM))
    assert len(of(Publish, bench.all)) == 20


def test_states_wait_for_room_as_well() -> None:
    bench = made(OPEN, link_up(100.0, receive_max=1), REPORT)
    assert bench.feed(IO) == []
    assert short(bench.feed(Acked(100.45, 1))) == ["publish state io"]

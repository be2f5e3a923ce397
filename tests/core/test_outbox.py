"""The outbox: every state × every event, each followed by an honest world in which the record must arrive; then what its lanes promise."""

from collections.abc import Callable

import pytest

from agent.core.effects import Forget, Load, OpenSpool, Publish, Store
from agent.core.events import (
    Acked,
    Event,
    EventsDropped,
    FaultSeen,
    Forgotten,
    Lane,
    LinkDown,
    LinkStalled,
    LinkUp,
    Loaded,
    Refused,
    Reported,
    ReportLeft,
    Row,
    SpoolDown,
    SpoolOpened,
    SpoolQuarantined,
    Started,
    StateChanged,
    Stored,
    TimeLearned,
)
from agent.core.outbox import Outbox
from agent.core.part import Output
from agent.wire import codec
from agent.wire.records import EventRecord, Io, Presence
from tests.core.builders import (
    BOOT,
    OTHER_BOOT,
    OTHER_ROW,
    UTC_MS,
    Bench,
    assert_covers,
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

IT = f"{BOOT}-1"
AT = 100.4
IO = StateChanged(AT, "io", Io(inputs={}, outputs={}, lights="off"))


def short(outs: list[Output]) -> list[str]:
    """What came out, in words; the record of the state is `it`."""
    return [_word(out) for out in outs]


def _name(name: str) -> str:
    return {IT: "it", OTHER_ROW.name: "other"}.get(name, "new")


def _word(out: Output) -> str:
    match out:
        case Store(name=name):
            return f"store {_name(name)}"
        case Publish(retain=True, topic=topic):
            return f"publish state {topic.rsplit('/', 1)[1]}"
        case Publish(payload=payload):
            found = codec.decode(payload)
            return f"publish {_name(f'{found.boot}-{found.seq}')}"
        case Forget(names=names):
            return f"forget {' '.join(map(_name, names))}"
        case OpenSpool():
            return "open"
        case Load(lane=lane):
            return f"load {lane.name.lower()}"
        case FaultSeen(code=code, active=active):
            return f"{code} {'on' if active else 'off'}"
        case ReportLeft(stored=stored, acked=acked):
            return f"left {'stored' * stored}{'acked' * acked}"
        case LinkStalled():
            return "stalled"
    raise AssertionError(out)


# --- states: the link, the store, the record ----------------------------------------------------------------------------------------


def _made(*events: Event) -> Bench:
    _, bench = outbox()
    bench.feed(Started(99.5), *events)
    return bench


REPORT = event_report(100.1)
OPEN = spool_opened(100.0)
DOWN = SpoolDown(100.15, "read-only")
UP = link_up(100.0)
STORED = Stored(100.2, (IT,))
ACKED = Acked(100.3, 1)

STATES: dict[str, Callable[[], Bench]] = {
    "offline, never opened, no record": _made,
    "offline, open, no record": lambda: _made(OPEN),
    "online, open, no record": lambda: _made(OPEN, UP),
    "offline, never opened, new": lambda: _made(REPORT),
    "offline, open, new": lambda: _made(OPEN, REPORT),
    "offline, open, stored": lambda: _made(OPEN, REPORT, STORED),
    "offline, down, new": lambda: _made(OPEN, REPORT, DOWN),
    "offline, down, stored": lambda: _made(OPEN, REPORT, STORED, SpoolDown(100.25, "gone")),
    "online, never opened, in flight": lambda: _made(UP, REPORT),
    "online, never opened, acked": lambda: _made(UP, REPORT, ACKED),
    "online, open, in flight": lambda: _made(OPEN, UP, REPORT),
    "online, open, in flight stored": lambda: _made(OPEN, UP, REPORT, STORED),
    "online, open, acked": lambda: _made(OPEN, UP, REPORT, ACKED),
    "online, open, forgetting": lambda: _made(OPEN, UP, REPORT, STORED, ACKED),
    "online, open, refused": lambda: _made(OPEN, UP, REPORT, STORED, Refused(100.3, 1, "not authorized")),
    "online, down, in flight": lambda: _made(OPEN, UP, REPORT, DOWN),
    "online, down, acked": lambda: _made(OPEN, UP, REPORT, DOWN, ACKED),
    "online, down, in flight stored": lambda: _made(OPEN, UP, REPORT, STORED, SpoolDown(100.25, "gone")),
}

NEW = [state for state in STATES if state.endswith((" new", ", in flight")) or state == "online, down, in flight"]
WAITING_OFFLINE = [state for state in STATES if state.startswith("offline") and not state.endswith("no record")]
IN_FLIGHT = [state for state in STATES if "in flight" in state]
UNSTORED_ACKED = [state for state in STATES if state.endswith(", acked")]
ONLINE = [state for state in STATES if state.startswith("online")]
NOT_OPEN = [state for state in STATES if "open," not in state]

Answers = dict[str, list[str]]

REPORTED_FIRST: Answers = {
    "offline, never opened, no record": ["store it"],
    "offline, open, no record": ["store it"],
    "online, open, no record": ["store it", "publish it"],
}


def _in(states: list[str], words: list[str]) -> Answers:
    return dict.fromkeys(states, words)


# For each event: what comes out in every state, and in which states something else does.
TABLE: list[tuple[Event, list[str], Answers]] = [
    (Started(AT), [], {}),  # the store has been asked for just now
    (event_report(AT), ["store new"], _in(ONLINE, ["store new", "publish new"]) | REPORTED_FIRST),
    (IO, [], _in(ONLINE, ["publish state io"])),
    (TimeLearned(AT, UTC_MS), [], {}),
    (EventsDropped(AT, 3), ["agent.overload on"], {}),
    (Stored(AT, (IT,)), [], _in(UNSTORED_ACKED, ["forget it"])),
    (Forgotten(AT, (IT,)), [], {}),
    (Loaded(AT, Lane.EVENT, (OTHER_ROW,), more=False), [], _in(ONLINE, ["publish other"])),
    (spool_opened(AT), ["store.down off"], _in(NEW, ["store.down off", "store it"]) | _in(UNSTORED_ACKED, ["store.down off", "forget it"])),
    (
        spool_opened(AT, event=3),
        ["store.down off"],
        _in(ONLINE, ["store.down off", "load event"])
        | _in([s for s in NEW if s.startswith("offline")], ["store.down off", "store it"])
        | _in([s for s in NEW if s.startswith("online")], ["store.down off", "store it", "load event"])
        | _in(UNSTORED_ACKED, ["store.down off", "forget it", "load event"]),
    ),
    (
        spool_opened(AT, alarm=1),
        ["store.down off", "load alarm"],
        _in(NEW, ["store.down off", "store it", "load alarm"]) | _in(UNSTORED_ACKED, ["store.down off", "forget it", "load alarm"]),
    ),
    (SpoolDown(AT, "full"), ["store.down on"], {}),
    (SpoolQuarantined(AT, "/bad", "malformed"), ["store.damaged on"], {}),
    (link_up(AT), [], _in(WAITING_OFFLINE, ["publish it"]) | {"online, open, refused": ["publish it"]}),
    (link_down(AT), [], {}),
    (Acked(AT, 1), [], {"online, open, in flight stored": ["forget it"], "online, down, in flight stored": ["forget it"]}),
    (Acked(AT, 99), [], {}),
    (Refused(AT, 1, "not authorized"), [], _in(IN_FLIGHT, ["link.refused on"])),
    (Refused(AT, 1, "not connected", by_broker=False), [], {}),
    (Refused(AT, 99, "not authorized"), [], {}),
]

CASES = [(state, event, others.get(state, words)) for event, words, others in TABLE for state in STATES]


@pytest.mark.parametrize(("state", "event", "outs"), CASES)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    bench = STATES[state]()
    assert short(bench.feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Outbox, STATES, ((state, type(event)) for state, event, _ in CASES))
    assert all(set(others) <= set(STATES) for _, _, others in TABLE)


def _honest_end(bench: Bench, known: bool) -> tuple[int, bool]:
    """From here on store and broker answer everything: how often the record was published after this, and whether it was forgotten."""
    published, forgotten, at = 0, False, 101.0
    bench.feed(link_down(at), spool_opened(at), link_up(at + 0.1, 2))
    seen = len(bench.all) - 20
    seen = max(0, seen)
    done = 0
    for _ in range(80):
        at += 0.5
        bench.until(at)
        todo, done = bench.all[done:], len(bench.all)
        for out in todo:
            match out:
                case Publish(token=token):
                    published += _word(out) == "publish it"
                    bench.feed(Acked(at + 0.01, token))
                case Store(name=name):
                    bench.feed(Stored(at + 0.02, (name,)))
                case Forget(names=names):
                    forgotten |= IT in names
                    bench.feed(Forgotten(at + 0.03, names))
    return published, forgotten


@pytest.mark.parametrize("state", [state for state in STATES if not state.endswith("no record")])
@pytest.mark.parametrize("event", [event for event, _, _ in TABLE], ids=lambda event: type(event).__name__)
def test_whatever_comes_between_the_record_arrives_and_is_forgotten(state: str, event: Event) -> None:
    """In every state, after every event: a world that works from then on gets the record, and the store is rid of it."""
    bench = STATES[state]()
    bench.feed(event)
    published, forgotten = _honest_end(bench, known=True)
    assert published >= 1
    assert forgotten
    part = bench.part
    assert isinstance(part, Outbox)
    assert part.settled()
    status = part.status(200.0)
    assert (status["in_flight"], status["in_flight_bytes"], status["unstored"]) == (0, 0, 0)


def test_a_record_is_forgotten_only_when_it_is_stored_and_acknowledged() -> None:
    for first, second in ((STORED, ACKED), (ACKED, Stored(100.35, (IT,)))):
        bench = _made(OPEN, UP, REPORT)
        assert of(Forget, bench.feed(first)) == []
        assert of(Forget, bench.feed(second)) == [Forget((IT,))]


def test_nothing_is_forgotten_twice_when_words_come_twice() -> None:
    bench = _made(OPEN, UP, REPORT, STORED, STORED, ACKED, ACKED, Stored(100.31, (IT,)))
    assert of(Forget, bench.all) == [Forget((IT,))]


# --- alarms -------------------------------------------------------------------------------------------------------------------------


def test_an_alarm_is_stored_and_published_in_the_same_turn() -> None:
    bench = _made(OPEN, UP)
    outs = bench.feed(event_report(100.1, lane=Lane.ALARM))
    assert types(outs) == ["Store", "Publish"]
    stored, published = one(Store, outs), one(Publish, outs)
    assert stored.payload == published.payload
    assert (published.qos, published.retain) == (1, False)


def test_an_alarm_does_not_wait_for_a_store_that_is_down_nor_for_a_link_that_is_down() -> None:
    assert types(_made(UP).feed(event_report(100.1, lane=Lane.ALARM))) == ["Store", "Publish"]
    assert types(_made(OPEN).feed(event_report(100.1, lane=Lane.ALARM))) == ["Store"]


def test_an_alarm_leaves_although_the_window_is_full() -> None:
    _, bench = outbox(window_bytes=1024)
    bench.feed(Started(99.5), OPEN, UP)
    for i in range(200):
        bench.feed(event_report(100.1, str(i)))
    assert of(Publish, bench.feed(event_report(100.2, "one more"))) == []
    assert len(of(Publish, bench.feed(event_report(100.2, lane=Lane.ALARM)))) == 1


def test_an_alarm_stands_before_everything_that_waits() -> None:
    bench = _made(OPEN)
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
    bench = _made(OPEN, UP, event_report(100.1, lane=Lane.ALARM))
    assert short(bench.feed(*events)) == words


def test_an_alarm_whose_stored_was_lost_is_asked_of_the_store_again_before_it_counts_as_sent() -> None:
    bench = _made(OPEN, UP, event_report(100.1, lane=Lane.ALARM), ACKED)
    outs = bench.until(106.0)
    assert of(Forget, outs) == []
    assert of(Store, outs)
    assert short(bench.feed(Stored(106.1, (IT,)))) == ["left storedacked", "forget it"]


def test_an_alarm_is_never_given_up() -> None:
    bench = _made()
    for i in range(1500):
        bench.feed(event_report(100.0, str(i), Lane.ALARM))
    bench.until(102.0)
    assert len(of(Publish, bench.feed(link_up(103.0, receive_max=10_000)))) == 32
    assert bench.part.status(0)["waiting"]["alarm"] == 1500


def test_alarms_in_the_store_are_read_back_before_there_is_a_link() -> None:
    bench = _made()
    assert "load alarm" in short(bench.feed(spool_opened(100.0, alarm=2, event=2, backfill=2)))
    assert "load event" not in short(bench.all)


# --- order, window, slots, states ---------------------------------------------------------------------------------------------------


def test_what_was_in_flight_leaves_again_in_its_order() -> None:
    bench = _made(OPEN, UP, *(event_report(100.1, str(i)) for i in range(5)), Acked(100.2, 2))
    bench.feed(link_down(100.3), event_report(100.35, "later"))
    again = [record(out).seq for out in of(Publish, bench.feed(link_up(AT, 2)))]
    assert again == [1, 3, 4, 5, 6]


def test_overdue_messages_leave_again_in_order_when_others_were_acknowledged_since() -> None:
    bench = _made(OPEN, UP, event_report(100.1, "a"), event_report(100.1, "b"))
    bench.feed(Stored(100.2, (IT, f"{BOOT}-2")))
    for second in range(1, 11):
        bench.feed(event_report(100.1 + second, "c"))
        bench.feed(Acked(100.2 + second, 2 + second))
    outs = bench.until(112.0)
    assert [record(out).seq for out in of(Publish, outs)] == [1, 2]
    assert of(LinkStalled, outs) == []


def test_a_link_that_acknowledges_nothing_is_called_stalled() -> None:
    bench = _made(OPEN, UP, REPORT)
    assert of(LinkStalled, bench.until(110.1)) == []
    assert of(LinkStalled, bench.until(112.0))


def test_a_link_on_which_nothing_can_be_sent_is_called_stalled() -> None:
    """Its end was lost on the way: the adapter hands every message back."""
    bench = _made(OPEN, UP, REPORT)
    for at in range(101, 115):
        for out in of(Publish, bench.all[-3:]):
            bench.feed(Refused(at + 0.1, out.token, "not connected", by_broker=False))
        bench.until(at + 0.9)
    assert of(LinkStalled, bench.all)


def test_a_message_that_could_not_be_sent_just_now_is_tried_again_soon() -> None:
    bench = _made(OPEN, UP, REPORT, Refused(100.3, 1, "queue full", by_broker=False))
    assert short(bench.until(103.0)) == ["publish it"]
    assert [out.code for out in of(FaultSeen, bench.all)] == ["store.down"]


def test_a_message_that_the_broker_refused_is_tried_again_after_half_a_minute_and_its_fault_goes_when_it_is_taken() -> None:
    bench = _made(OPEN, UP, REPORT, STORED, Refused(100.3, 1, "not authorized"))
    assert of(Publish, bench.until(130.0)) == []
    again = one(Publish, bench.until(131.0))
    assert short(bench.feed(Acked(131.1, again.token))) == ["link.refused off", "forget it"]


def test_the_latest_in_a_slot_wins_and_what_was_never_sent_leaves_no_hole_in_the_numbers() -> None:
    bench = _made(OPEN, link_up(100.0, receive_max=1), REPORT)
    for i in range(5):
        slotted = event_report(100.11 + i / 100, f"live {i}", Lane.LIVE)
        bench.feed(Reported(slotted.at, slotted.lane, slotted.record, "position"))
    outs = of(Publish, bench.feed(ACKED))
    found = [record(out) for out in outs]
    assert [(r.seq, r.id) for r in found if isinstance(r, EventRecord)] == [(2, "live 4")]
    assert of(Store, bench.all) == [bench.all[bench.all.index(of(Store, bench.all)[0])]]


def test_a_volatile_report_without_a_link_is_not_kept() -> None:
    bench = _made(OPEN)
    assert bench.feed(Reported(100.1, Lane.LIVE, EventRecord(what="input", id="live"), "position")) == []
    assert of(Publish, bench.feed(link_up(100.2))) == []


def test_a_slot_that_waits_when_the_link_goes_is_not_sent_on_the_next() -> None:
    bench = _made(OPEN, link_up(100.0, receive_max=1), REPORT)
    bench.feed(Reported(100.2, Lane.LIVE, EventRecord(what="input", id="live"), "position"), link_down(100.3), link_up(AT, 2))
    assert [record(out).seq for out in of(Publish, bench.all)] == [1, 1]


def test_while_a_volatile_message_is_refused_the_next_of_its_kind_stays_in_its_slot() -> None:
    """A broker that forbids `position` costs one message in memory, not one more each second."""
    bench = _made(OPEN, UP)
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
    bench = _made(UP)
    bench.feed(IO, StateChanged(AT, "presence", Presence(online=True)))
    outs = bench.feed(link_down(100.41), link_up(100.42, 2))
    assert short(outs) == ["publish state io"]
    again = one(Publish, outs)
    assert (again.retain, again.qos) == (True, 1)


def test_the_latest_of_a_state_wins_while_there_is_no_link() -> None:
    bench = _made()
    for lights in ("off", "cruise", "response"):
        bench.feed(StateChanged(AT, "io", Io(inputs={}, outputs={}, lights=lights)))
    found = record(one(Publish, bench.feed(link_up(100.45))))
    assert isinstance(found, Io)
    assert (found.lights, found.seq) == ("response", 0)


def test_a_state_that_was_refused_is_tried_again_and_its_fault_goes() -> None:
    bench = _made(OPEN, UP, IO, Refused(100.45, 1, "not authorized"))
    assert of(Publish, bench.until(130.0)) == []
    again = one(Publish, bench.until(131.0))
    assert again.retain
    assert short(bench.feed(Acked(131.1, again.token))) == ["link.refused off"]
    assert of(Publish, bench.until(200.0)) == []


def test_a_state_whose_acknowledgement_was_lost_is_sent_as_it_is_now() -> None:
    bench = _made(OPEN, UP, IO)
    for second in range(1, 11):
        bench.feed(event_report(100.5 + second), Acked(100.6 + second, 1 + second))
    bench.until(112.0)
    assert short(bench.all).count("publish state io") == 2


def test_a_broker_with_a_small_receive_maximum_is_respected_and_still_has_room_for_alarms() -> None:
    bench = _made(OPEN, link_up(100.0, receive_max=20))
    for i in range(50):
        bench.feed(event_report(100.1, str(i)))
    assert len(of(Publish, bench.all)) == 10
    for _ in range(50):
        bench.feed(event_report(100.2, lane=Lane.ALARM))
    assert len(of(Publish, bench.all)) == 20


def test_states_wait_for_room_as_well() -> None:
    bench = _made(OPEN, link_up(100.0, receive_max=1), REPORT)
    assert bench.feed(IO) == []
    assert short(bench.feed(Acked(100.45, 1))) == ["publish state io"]


# --- time and history ---------------------------------------------------------------------------------------------------------------


def test_a_record_that_leaves_ten_seconds_late_is_marked_as_history() -> None:
    bench = _made(OPEN, REPORT)
    assert record(one(Publish, bench.feed(link_up(110.1)))).hist is None
    late = _made(OPEN, REPORT)
    assert record(one(Publish, late.feed(link_up(110.2)))).hist is True


def test_back_fill_made_without_a_link_lies_in_the_store_as_history() -> None:
    report = event_report(100.1, lane=Lane.BACKFILL)
    assert record(one(Store, _made(OPEN).feed(report))).hist is True
    assert record(one(Store, _made(OPEN, UP).feed(report))).hist is None


def test_alarms_in_flight_or_not_are_never_marked_before_they_are_late() -> None:
    bench = _made(OPEN, UP)
    assert record(one(Publish, bench.feed(event_report(100.1, lane=Lane.ALARM)))).hist is None


# --- full, hanging, damaged stores --------------------------------------------------------------------------------------------------


def _filled(bench: Bench, lane: Lane, count: int, at: float = 100.1, stored: bool = True) -> list[str]:
    named = []
    for i in range(count):
        store = one(Store, bench.feed(event_report(at, str(i), lane)))
        named.append(store.name)
        if stored:
            bench.feed(Stored(at, (store.name,)))
    return named


def test_what_a_lane_cannot_hold_lies_in_the_store_and_is_read_back_when_the_lane_is_dry() -> None:
    bench = _made(OPEN)
    named = _filled(bench, Lane.BACKFILL, 100)
    assert bench.part.status(0)["waiting"]["backfill"] == 100
    bench.feed(link_up(101.0))
    for _ in range(33):
        for out in of(Publish, bench.all):
            bench.feed(Acked(101.1, out.token))
    load = one(Load, bench.all)
    assert (load.lane, load.after) == (Lane.BACKFILL, None)
    assert set(named[:32]) == {name for out in of(Forget, bench.all) for name in out.names}
    assert bench.part.status(0)["waiting"]["backfill"] == 68


def test_without_a_store_the_oldest_is_given_up_and_declared() -> None:
    bench = _made()
    for i in range(40):
        bench.feed(event_report(100.0 + i / 100, str(i), Lane.BACKFILL))
    bench.until(101.0)
    assert not [out for out in of(Store, bench.all) if record(out).kind == "gap"], "a gap that cannot leave or lie anywhere is given up itself"
    found = [record(out) for out in of(Publish, [*bench.feed(link_up(101.1)), *bench.until(102.5)])]
    gap = next(r for r in found if r.kind == "gap")
    facts = codec.unpack(codec.encode(gap))
    assert (facts["why"], facts["what"], facts["count"], facts["from_mono"], facts["to_mono"]) == (
        "memory_full",
        "event",
        8,
        100_000,
        100_070,
    )
    assert [r.seq for r in found if r.kind == "event"] == list(range(9, 41))
    bench.until(130.0)
    assert len([out for out in of(Store, bench.all) if record(out).kind == "gap"]) == 1


def test_a_disk_that_hangs_without_a_word_does_not_keep_records_from_the_broker() -> None:
    """They were set aside until they lie on disk, which they never do: they leave from memory."""
    bench = _made(OPEN)
    _filled(bench, Lane.BACKFILL, 100, stored=False)
    bench.feed(link_up(101.0))
    for second in range(1, 60):
        for out in of(Publish, bench.all[-40:]):
            bench.feed(Acked(101.0 + second, out.token))
        bench.until(101.5 + second)
    assert {record(out).seq for out in of(Publish, bench.all)} == set(range(1, 101))


def test_a_hanging_disk_is_treated_as_none_past_its_bound() -> None:
    bench = _made(OPEN)
    for i in range(2100):
        bench.feed(event_report(100.1, str(i), Lane.BACKFILL))
    bench.until(101.0)
    gap = next(record(out) for out in of(Store, bench.all) if record(out).kind == "gap")
    facts = codec.unpack(codec.encode(gap))
    assert facts["count"] > 0
    assert bench.part.status(0)["waiting"]["backfill"] + facts["count"] == 2100


def test_without_a_store_what_is_delivered_is_not_kept_for_ever() -> None:
    bench = _made(UP)
    for i in range(3000):
        bench.feed(event_report(100.1, str(i)))
        bench.feed(Acked(100.1, i + 1))
    assert bench.part.status(0)["unstored"] <= 2000
    assert {record(out).seq for out in of(Publish, bench.all)} == set(range(1, 3001))


def test_rows_of_an_earlier_boot_that_wait_when_the_store_goes_are_not_declared_lost() -> None:
    """They lie on the disk that is away; and their monotonic time says nothing here."""
    bench = _made(spool_opened(100.0, backfill=1))
    bench.feed(link_up(100.05), Loaded(100.06, Lane.BACKFILL, tuple(_row(i) for i in range(1, 60)), more=False))
    bench.feed(link_down(100.1), SpoolDown(100.2, "gone"))
    for i in range(80):
        bench.feed(event_report(100.3, str(i), Lane.BACKFILL))
    bench.feed(spool_opened(100.9, backfill=1))
    bench.until(101.5)
    gap = next(record(out) for out in of(Store, bench.all) if record(out).kind == "gap")
    assert codec.unpack(codec.encode(gap))["count"] == 80 - 32


def _row(seq: int, lane: Lane = Lane.BACKFILL) -> Row:
    found = EventRecord(v=1, unit="car-1", kind="event", boot=OTHER_BOOT, seq=seq, mono=seq, what="input")
    return Row(f"{OTHER_BOOT}-{seq}", lane, codec.encode(found))


def test_a_row_of_an_earlier_boot_leaves_as_it_lies_but_as_history_and_is_forgotten() -> None:
    bench = _made(spool_opened(100.0, backfill=1), UP)
    assert one(Load, bench.all) == Load(Lane.BACKFILL, None, 64)
    out = one(Publish, bench.feed(Loaded(100.1, Lane.BACKFILL, (_row(5),), more=False)))
    facts = codec.unpack(out.payload)
    assert facts == codec.unpack(_row(5).payload) | {"hist": True}
    assert out.topic == "outpost/v1/u/car-1/up/event"
    assert bench.feed(Acked(100.2, out.token)) == [Forget((f"{OTHER_BOOT}-5",))]


@pytest.mark.parametrize("payload", [b"", b"\xc1\xc1", codec.encode(EventRecord(what="input")), b"\x82\xa4kind\xa3a/#\xa4mono\x01"])
def test_a_row_that_cannot_be_read_is_forgotten_and_declared(payload: bytes) -> None:
    bench = _made(spool_opened(100.0, backfill=1), UP)
    name = f"{OTHER_BOOT}-5"
    outs = bench.feed(Loaded(100.1, Lane.BACKFILL, (Row(name, Lane.BACKFILL, payload), _row(6)), more=False))
    assert types(outs) == ["FaultSeen", "Forget", "Publish"]
    assert one(Forget, outs) == Forget((name,))
    gap = record(one(Store, bench.until(101.5)))
    assert codec.unpack(codec.encode(gap))["why"] == "store_damaged"


def test_a_damaged_store_is_given_again_what_memory_still_holds_and_the_rest_is_declared() -> None:
    bench = _made(OPEN, REPORT, STORED)
    bench.feed(SpoolQuarantined(AT, "/bad", "malformed", 3))
    assert "store it" in short(bench.feed(spool_opened(AT)))
    gap = next(record(out) for out in of(Store, bench.until(101.5)) if record(out).kind == "gap")
    assert codec.unpack(codec.encode(gap))["why"] == "store_damaged"
    assert "count" not in codec.unpack(codec.encode(gap))
    fault = next(out for out in of(FaultSeen, bench.all) if out.code == "store.damaged")
    assert "/bad" in fault.detail
    assert "3 rows" in fault.detail


def test_dropped_events_are_declared() -> None:
    bench = _made(OPEN, EventsDropped(100.1, 3), EventsDropped(100.2, 4))
    gap = record(one(Store, bench.until(101.0)))
    assert codec.unpack(codec.encode(gap)).items() >= {"why": "events_dropped", "what": "events", "count": 7}.items()


# --- asking again -------------------------------------------------------------------------------------------------------------------


def test_the_store_is_asked_for_until_it_opens() -> None:
    bench = _made()
    bench.until(115.0)
    assert 3 <= len(of(OpenSpool, bench.all)) <= 4
    bench.feed(spool_opened(115.1))
    assert of(OpenSpool, bench.until(200.0)) == []
    bench.feed(SpoolDown(200.1, "gone"))
    assert of(OpenSpool, bench.until(202.0))


def test_a_store_that_is_not_confirmed_is_asked_again_after_five_seconds() -> None:
    bench = _made(OPEN, REPORT)
    assert of(Store, bench.until(105.0)) == []
    assert of(Store, bench.until(105.5))


def test_a_forgetting_that_is_not_confirmed_is_asked_again_and_not_after_it_is() -> None:
    bench = STATES["online, open, forgetting"]()
    assert Forget((IT,)) in bench.until(106.0)
    bench.feed(Forgotten(106.1, (IT,)))
    assert of(Forget, bench.until(200.0)) == []


# --- the end ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "settled"),
    [
        ("offline, never opened, no record", True),
        ("offline, never opened, new", True),
        ("offline, open, new", False),
        ("offline, open, stored", True),
        ("online, open, in flight", False),
        ("online, open, in flight stored", False),
        ("online, never opened, in flight", False),
        ("online, never opened, acked", True),
        ("online, open, acked", False),
        ("online, open, forgetting", True),
    ],
)
def test_it_is_settled_when_nothing_can_be_done_quickly_any_more(state: str, settled: bool) -> None:
    part = STATES[state]().part
    assert isinstance(part, Outbox)
    assert part.settled() is settled


def test_the_status_counts_what_is_not_acknowledged_by_lane() -> None:
    bench = STATES["online, open, in flight stored"]()
    status = bench.part.status(AT)
    assert status["waiting"] == {"alarm": 0, "event": 1, "live": 0, "backfill": 0}
    assert (status["in_flight"], status["store"], status["store_reason"], status["acked"]) == (1, "open", None, 0)
    down = STATES["online, down, in flight"]().part.status(AT)
    assert (down["store"], down["store_reason"]) == ("down", "read-only")


def test_every_listened_event_is_known_by_its_type() -> None:
    assert {Stored, LinkUp, LinkDown, SpoolOpened} <= set(Outbox.listens)

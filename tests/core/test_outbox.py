"""The outbox: every state × every event, each followed by an honest world in which the record must arrive."""

import msgspec
import pytest

from agent.core.effects import Forget, OpenSpool, Publish, Store
from agent.core.events import (
    Acked,
    Drafted,
    Event,
    EventsDropped,
    Forgotten,
    HistoryHeld,
    HistoryWanted,
    Lane,
    LinkDown,
    LinkUp,
    Loaded,
    Refused,
    Resent,
    RowsGivenUp,
    SpoolDown,
    SpoolFull,
    SpoolOpened,
    SpoolQuarantined,
    Started,
    StopRequested,
    Stored,
    StoreRoom,
    TimeLearned,
)
from agent.core.outbox import Outbox
from agent.wire.records import EventRecord
from tests.core.builders import (
    OTHER_ROW,
    UTC_MS,
    Bench,
    assert_covers,
    event_report,
    link_down,
    link_up,
    of,
    spool_opened,
)
from tests.core.outbox_states import ACKED, AT, IO, IT, OPEN, REPORT, STATES, STORED, UP, made, short, word

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

REPORTED_DRAFT: Answers = {state: ["store it"] for state in REPORTED_FIRST}


def _in(states: list[str], words: list[str]) -> Answers:
    return dict.fromkeys(states, words)


GIVEN_UP: Answers = {
    "offline, open, no record": ["store it"],  # the declaration
    "online, open, no record": ["store it", "publish it"],
    "offline, open, new": ["store new"],
    "offline, open, stored": ["store new"],
}

DRAFT = Drafted(AT, Lane.EVENT, EventRecord(what="input"), "draft", False)

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
    (SpoolFull(AT, "full"), [], {}),  # room may be made
    (StoreRoom(AT, True), [], {}),
    (StoreRoom(AT, False, "full"), ["store.full on"], {}),
    (RowsGivenUp(AT, Lane.EVENT, (IT,), "too_old"), [], GIVEN_UP),
    (HistoryHeld(AT, True), [], {}),
    (HistoryWanted(AT), ["written"], {}),
    (Resent(AT, (OTHER_ROW,)), [], _in(ONLINE, ["publish other"])),
    (DRAFT, ["store new"], REPORTED_DRAFT),
    (msgspec.structs.replace(DRAFT, final=True), ["store new"], _in(ONLINE, ["store new", "publish new"]) | REPORTED_FIRST),
    (StopRequested(AT, "SIGTERM"), [], {}),
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
                    published += word(out) == "publish it"
                    bench.feed(Acked(at + 0.01, token))
                case Store(name=name, edition=edition):
                    bench.feed(Stored(at + 0.02, (name,), {name: edition}))
                case Forget(names=names):
                    forgotten |= IT in names
                    bench.feed(Forgotten(at + 0.03, names))
    return published, forgotten


@pytest.mark.parametrize("state", [state for state in STATES if not state.endswith("no record")])
@pytest.mark.parametrize(
    "event", [event for event, _, _ in TABLE if not isinstance(event, RowsGivenUp)], ids=lambda event: type(event).__name__
)
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
        bench = made(OPEN, UP, REPORT)
        assert of(Forget, bench.feed(first)) == []
        assert of(Forget, bench.feed(second)) == [Forget((IT,))]


def test_nothing_is_forgotten_twice_when_words_come_twice() -> None:
    bench = made(OPEN, UP, REPORT, STORED, STORED, ACKED, ACKED, Stored(100.31, (IT,)))
    assert of(Forget, bench.all) == [Forget((IT,))]


# --- asking again -------------------------------------------------------------------------------------------------------------------


def test_the_store_is_asked_for_until_it_opens() -> None:
    bench = made()
    bench.until(115.0)
    assert 3 <= len(of(OpenSpool, bench.all)) <= 4
    bench.feed(spool_opened(115.1))
    assert of(OpenSpool, bench.until(200.0)) == []
    bench.feed(SpoolDown(200.1, "gone"))
    assert of(OpenSpool, bench.until(202.0))


def test_a_store_that_is_not_confirmed_is_asked_again_after_five_seconds() -> None:
    bench = made(OPEN, REPORT)
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
    assert status["waiting"] == {"alarm": 0, "event": 1, "live": 0, "backfill": 0, "gap": 0}
    assert (status["in_flight"], status["store"], status["store_reason"], status["acked"]) == (1, "open", None, 0)
    down = STATES["online, down, in flight"]().part.status(AT)
    assert (down["store"], down["store_reason"]) == ("down", "read-only")


def test_every_listened_event_is_known_by_its_type() -> None:
    assert {Stored, LinkUp, LinkDown, SpoolOpened} <= set(Outbox.listens)

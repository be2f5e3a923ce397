"""The link: endpoints, versions, waits, faults, and what it says of itself."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.effects import Connect, Disconnect, Note, Remember, Subscribe
from agent.core.events import (
    Acked,
    AlarmChanged,
    FaultSeen,
    LinkDown,
    LinkStalled,
    LinkUp,
    SpoolDown,
    SpoolOpened,
    Started,
    StateChanged,
    StopRequested,
    Subscribed,
)
from agent.core.link import (
    CONNECT_S_MAX,
    FAULT_AFTER_S,
    FIVE_AGAIN_BOOTS,
    FIVE_AGAIN_S,
    MEMORY_S_MAX,
    PROVED_S,
    SUBSCRIBE_S_MAX,
    WAIT_S_MAX,
    WAIT_S_MIN,
    WAIT_URGENT_S,
    Link,
)
from agent.wire import codec
from agent.wire.records import Presence
from tests.core.builders import BOOT, ENDPOINT, ROOT, Bench, link_down, link_up, names, of, one, spool_opened, types
from tests.core.link_states import B, first, older, online, started, state, waiting

# --- connecting ---------------------------------------------------------------------------------------------------------------------


def test_the_first_attempt_waits_for_the_store_but_not_for_long() -> None:
    bench = first()
    assert bench.until(1.5 + MEMORY_S_MAX - 0.01) == []
    assert types(bench.until(1.5 + MEMORY_S_MAX)) == ["Connect"]
    assert bench.feed(spool_opened(2.6), SpoolDown(2.7, "full")) == []


def test_it_connects_with_a_will_that_says_lost() -> None:
    connect = one(Connect, started().all)
    assert (connect.attempt, connect.endpoint, connect.protocol, connect.will_topic) == (1, ENDPOINT, 5, f"{ROOT}/u/car-1/state/presence")
    will = codec.decode(connect.will_payload)
    assert isinstance(will, Presence)
    assert (will.online, will.reason, will.time, will.unit, will.boot, will.v) == (False, "lost", None, "car-1", BOOT, 1)


def test_a_link_that_is_up_says_presence_with_a_new_nonce_and_subscribes() -> None:
    bench = started()
    first = bench.feed(link_up(1.0))
    subscribe = one(Subscribe, first)
    assert subscribe.topics == (
        f"{ROOT}/u/car-1/down/+",
        f"{ROOT}/u/car-1/desired/#",
        f"{ROOT}/g/north/down/+",
        f"{ROOT}/g/north/desired/#",
    )
    assert of(FaultSeen, first) == []
    bench.feed(link_down(2.0))
    bench.until(4.0)
    second = bench.feed(link_up(4.1, 2))
    nonces = []
    for outs in (first, second):
        presence = one(StateChanged, outs).record
        assert isinstance(presence, Presence)
        assert presence.online
        nonces.append(presence.nonce)
    assert len(set(nonces)) == 2
    assert None not in nonces


@pytest.mark.parametrize(("protocol", "said"), [(5, "MQTT 5"), (4, "MQTT 3.1.1")])
def test_the_log_says_where_and_how(protocol: int, said: str) -> None:
    note = one(Note, started().feed(link_up(1.0, protocol=protocol)))
    assert (note.level, ENDPOINT in note.text, said in note.text) == ("info", True, True)


def test_an_attempt_that_is_not_answered_is_given_up() -> None:
    bench = started()
    assert bench.until(CONNECT_S_MAX - 0.01) == []
    outs = bench.until(CONNECT_S_MAX)
    assert types(outs) == ["Disconnect", "LinkDown", "Note"]
    assert one(Disconnect, outs).attempt == 1
    assert state(bench) == "waiting"


def test_a_subscription_that_is_not_answered_is_given_up() -> None:
    bench = online()
    outs = bench.until(1.0 + SUBSCRIBE_S_MAX)
    assert types(outs) == ["Disconnect", "LinkDown", "Note"]
    assert "subscription" in one(LinkDown, outs).reason
    assert types(online(subscribed=True).until(1000.0)) == ["FaultSeen"], "that it is proved"


def test_a_subscription_that_is_refused_is_a_fault_until_it_is_granted() -> None:
    bench = online()
    fault = one(FaultSeen, bench.feed(Subscribed(1.1, 1, ("a/#", "b/#"))))
    assert (fault.code, fault.active, fault.detail) == ("link.subscription", True, "a/#, b/#")
    assert one(FaultSeen, bench.feed(Subscribed(1.2, 1))).active is False


def test_a_broker_that_does_not_speak_5_gets_3_1_1_at_once_and_that_is_remembered() -> None:
    bench = started()
    outs = bench.feed(link_down(1.0, wrong_protocol=True))
    assert one(Remember, outs) == Remember(f"mqtt {ENDPOINT}", b"4")
    again = one(Connect, bench.until(1.0))
    assert (again.attempt, again.endpoint, again.protocol) == (2, ENDPOINT, 4)


def test_what_was_remembered_is_used_from_the_next_attempt_on() -> None:
    memory = {f"mqtt {ENDPOINT}": b"4", "mqtt other": b"4"}
    assert one(Connect, first().feed(SpoolOpened(1.6, {}, memory))).protocol == 4
    bench = started()
    bench.feed(SpoolOpened(0.1, {}, memory), link_down(1.0))
    assert one(Connect, bench.until(3.0)).protocol == 4


def test_what_was_remembered_does_not_undo_what_this_boot_has_learned() -> None:
    bench = online()
    bench.feed(SpoolOpened(1.1, {}, {f"mqtt {ENDPOINT}": b"4"}), link_down(1.2))
    assert one(Connect, bench.until(3.0)).protocol == 5


def test_a_broker_that_does_not_speak_3_1_1_any_more_is_tried_with_5_again() -> None:
    bench = older()
    bench.feed(link_down(1.2, 2, wrong_protocol=True))
    assert one(Connect, bench.until(3.5)).protocol == 5


@pytest.mark.parametrize(("at", "protocol"), [(FIVE_AGAIN_S + 0.9, 4), (FIVE_AGAIN_S + 1.0, 5)])
def test_a_broker_that_took_only_3_1_1_is_tried_with_5_again_after_a_day(at: float, protocol: int) -> None:
    bench = older()
    bench.feed(link_up(1.1, 2, protocol=4), Subscribed(1.2, 2), Acked(1.2, 1), link_down(at, 2))
    assert one(Connect, bench.until(at + WAIT_S_MIN)).protocol == protocol


def test_each_eighth_boot_or_so_tries_5_again_and_forgets_the_old_once_it_is_taken() -> None:
    assert int(BOOT, 16) % FIVE_AGAIN_BOOTS, "the boot of the other tests uses what was remembered"
    bench = first(boot="0123456789abcde8")
    assert one(Connect, bench.feed(SpoolOpened(1.6, {}, {f"mqtt {ENDPOINT}": b"4"}))).protocol == 5
    assert one(Remember, bench.feed(link_up(2.0))) == Remember(f"mqtt {ENDPOINT}", None)
    bench.feed(link_down(3.0))
    again = one(Connect, bench.until(5.0))
    assert not of(Remember, bench.feed(link_up(5.1, again.attempt)))


# --- waiting ------------------------------------------------------------------------------------------------------------------------


def _connects(bench: Bench, seconds: float) -> list[Connect]:
    """Every attempt fails at once, for so long."""
    at = bench.part.deadline
    while (at := bench.part.deadline) < seconds:
        for connect in of(Connect, bench.until(at)):
            bench.feed(link_down(at, connect.attempt))
    return of(Connect, bench.all)


def test_endpoints_are_tried_in_their_order_and_round_again() -> None:
    bench = started(ENDPOINT, B, "mqtt://c:1")
    bench.feed(link_down(0.1))
    assert [connect.endpoint for connect in _connects(bench, 60.0)][:7] == [ENDPOINT, B, "mqtt://c:1"] * 2 + [ENDPOINT]


def test_the_wait_doubles_to_half_a_minute_and_begins_anew_after_a_link() -> None:
    bench = started()
    waits, at = [], 0.0
    for attempt in range(1, 12):
        bench.feed(link_down(at, attempt))
        then = min(bench.part.deadline, at + 100) if bench.part.deadline != FAULT_AFTER_S else math.nan
        while not of(Connect, bench.until(then := bench.part.deadline)):
            pass
        waits.append(then - at)
        at = then
    for i, wait in enumerate(waits):
        full = min(WAIT_S_MAX, WAIT_S_MIN * 2**i)
        assert full / 2 <= wait <= full
    bench.feed(link_up(at, 12), Acked(at + 0.5, 1), link_down(at + 1, 12))
    assert WAIT_S_MIN / 2 <= bench.part.deadline - at - 1 <= WAIT_S_MIN


def test_the_wait_is_bounded_after_any_number_of_rounds() -> None:
    bench = started()
    bench.feed(link_down(0.0))
    connects = _connects(bench, 86_400.0)
    assert 86_400 / WAIT_S_MAX < len(connects) < 2.1 * 86_400 / WAIT_S_MAX + 10


def test_two_boots_do_not_wait_alike() -> None:
    deadlines = set()
    for boot in ("0" * 16, "1" * 16, "2" * 16):
        unit_names = names()
        unit_names.boot = boot
        bench = Bench(Link((ENDPOINT,), ROOT, (), unit_names, "0"))
        bench.feed(Started(0.0), spool_opened(0.1), link_down(1.0))
        deadlines.add(bench.part.deadline)
    assert len(deadlines) == 3


@pytest.mark.parametrize(("state_of_alarm", "at_once"), [("raised", True), ("repeated", True), ("acknowledged", False), ("cleared", False)])
def test_an_alarm_that_nobody_has_seen_does_not_wait_for_the_next_attempt(state_of_alarm: str, at_once: bool) -> None:
    bench = waiting()
    bench.feed(AlarmChanged(1.8, "a", state_of_alarm, "overt"))
    assert bool(of(Connect, bench.until(1.8))) is at_once


# --- faults -------------------------------------------------------------------------------------------------------------------------


def _faults(bench: Bench) -> list[tuple[float, bool]]:
    return [(out.at, out.active) for out in of(FaultSeen, bench.all) if out.code == "link.down"]


def test_a_link_that_does_not_come_within_a_minute_is_a_fault_once() -> None:
    bench = started()
    bench.feed(link_down(0.1))
    _connects(bench, 600.0)
    assert _faults(bench) == [(FAULT_AFTER_S, True)]


def test_a_link_lost_for_a_minute_is_a_fault_until_it_is_back() -> None:
    bench = online(subscribed=True)
    bench.until(99.0)
    bench.feed(link_down(100.0))
    _connects(bench, 200.0)
    assert _faults(bench) == [(1.0 + PROVED_S, False), (160.0, True)]


def test_a_tunnel_is_no_fault() -> None:
    bench = online(subscribed=True)
    bench.until(99.0)
    bench.feed(link_down(100.0))
    connect = one(Connect, bench.until(102.0))
    bench.feed(link_up(150.0, connect.attempt), Subscribed(150.1, connect.attempt)) if bench.part.deadline > 150 else None
    assert (160.0, True) not in _faults(bench)


def _closed_after_connack(bench: Bench, seconds: float, *, acked: bool = False) -> list[float]:
    """Every link ends a tenth of a second after it came up, for so long; how long each wait was."""
    waits, ended_at = [], 0.0
    while (at := bench.part.deadline) < seconds:
        for connect in of(Connect, bench.until(at)):
            waits.append(at - ended_at)
            ended_at = at + 0.1
            bench.feed(link_up(at, connect.attempt), *([Acked(at + 0.05, 1)] if acked else []), link_down(ended_at, connect.attempt))
    return waits


def test_a_broker_that_closes_after_connack_is_asked_less_and_less_and_becomes_a_fault() -> None:
    bench = started()
    bench.feed(link_up(0.0), link_down(0.1))
    waits = _closed_after_connack(bench, 600.0)
    assert len(waits) < 40
    assert WAIT_S_MAX / 2 <= waits[-1] <= WAIT_S_MAX
    assert _faults(bench) == [(FAULT_AFTER_S, True)]


def test_a_link_that_ends_after_an_acknowledgement_was_one() -> None:
    bench = started()
    bench.feed(link_up(0.0), Acked(0.05, 1), link_down(0.1))
    assert max(_closed_after_connack(bench, 60.0, acked=True)) <= WAIT_S_MIN
    assert {active for _, active in _faults(bench)} == {False}


def test_a_fault_whose_time_comes_while_an_unproved_link_is_up_is_told_when_that_ends() -> None:
    bench = started()
    while (at := bench.part.deadline) < FAULT_AFTER_S - 5:
        for connect in of(Connect, bench.until(at)):
            bench.feed(link_down(at, connect.attempt))
    bench.feed(AlarmChanged(FAULT_AFTER_S - 5, "a", "raised", "overt"))  # so that there is an attempt now
    attempt = one(Connect, bench.until(FAULT_AFTER_S - 5)).attempt
    bench.feed(link_up(FAULT_AFTER_S - 5, attempt))
    bench.until(FAULT_AFTER_S + 2)
    assert _faults(bench) == []
    bench.feed(link_down(FAULT_AFTER_S + 2, attempt))
    bench.until(FAULT_AFTER_S + 2)
    assert _faults(bench) == [(FAULT_AFTER_S + 2, True)]


def test_with_an_alarm_that_nobody_has_seen_a_broker_that_closes_is_asked_every_second() -> None:
    bench = started()
    bench.feed(AlarmChanged(0.0, "a", "raised", "overt"), link_up(0.0), link_down(0.1))
    assert max(_closed_after_connack(bench, 600.0)) <= WAIT_URGENT_S


# --- the end ------------------------------------------------------------------------------------------------------------------------


def test_a_stop_is_said_as_such_and_ends_in_order() -> None:
    bench = online()
    presence = one(StateChanged, bench.feed(StopRequested(2.0, "SIGTERM"))).record
    assert isinstance(presence, Presence)
    assert (presence.online, presence.reason) == (False, "stopped")
    part = bench.part
    assert isinstance(part, Link)
    assert part.end() == [Disconnect(1)]
    assert part.deadline == math.inf
    assert part.end() == []


def test_a_link_that_comes_up_while_we_stop_does_not_claim_that_we_are_there() -> None:
    """The broker keeps the last will to itself after an orderly end: `online` would stay there for ever."""
    bench = started()
    bench.feed(StopRequested(0.5, "SIGTERM"))
    presence = one(StateChanged, bench.feed(link_up(1.0))).record
    assert isinstance(presence, Presence)
    assert presence.online is False


def test_an_end_while_waiting_needs_no_disconnect() -> None:
    part = waiting().part
    assert isinstance(part, Link)
    assert part.end() == []


def test_the_status_says_why_and_when_it_is_tried_next() -> None:
    bench = waiting()
    status = bench.part.status(1.7)
    assert (status["state"], status["endpoint"], status["reason"], status["connects"]) == ("waiting", ENDPOINT, "lost", 0)
    assert 0.5 <= status["next_try_s"] <= 1.0
    up = online().part.status(3.5)
    assert (up["state"], up["since_s"], up["reason"], up["next_try_s"], up["connects"], up["protocol"]) == ("online", 2.5, None, None, 1, 5)


STEPS = st.lists(
    st.tuples(st.sampled_from(["up", "down", "wrong", "stalled", "subscribed", "wait"]), st.integers(-1, 1), st.floats(0.0, 40.0)),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_in_any_story_it_never_rests_without_a_link(steps: list[tuple[str, int, float]]) -> None:
    """One attempt at a time, numbered upwards; unless it is online and subscribed it will act by itself within half a minute."""
    bench = started(ENDPOINT, B)
    at = 0.0
    for step, older_by, wait in steps:
        at += wait
        bench.until(at)
        attempt = of(Connect, bench.all)[-1].attempt + older_by
        match step:
            case "up":
                bench.feed(link_up(at, attempt))
            case "down" | "wrong":
                bench.feed(link_down(at, attempt, wrong_protocol=step == "wrong"))
            case "stalled":
                bench.feed(LinkStalled(at, "x"))
            case "subscribed":
                bench.feed(Subscribed(at, attempt))
        if state(bench) != "online":
            assert bench.part.deadline <= at + WAIT_S_MAX
    attempts = [connect.attempt for connect in of(Connect, bench.all)]
    assert attempts == list(range(1, len(attempts) + 1))


def test_the_events_are_known_by_their_types() -> None:
    assert LinkUp in Link.listens

"""Orders: closed or open for unsigned ones, fresh or seen × every event; every refusal has its reason."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Orders as OrdersConfig
from agent.core.effects import Note, Store
from agent.core.events import Event, Lane, OrderAnswered, OrderGiven, Received, Reported, Started
from agent.core.orders import KINDS_DEVELOPMENT, ORDER_CHARS_MAX, PAYLOAD_BYTES_MAX, SEEN_MAX, STORE_S_MAX, WAITING_MAX, Orders
from agent.core.part import Output
from agent.wire.records import AckRecord
from tests.core.builders import ROOT, Bench, assert_covers, config, edge, feed, link_up, of, one, record, spool_opened, unit

TOPIC = f"{ROOT}/u/car-1/down/alarm.ack"


def made(allow: bool) -> Bench:
    return Bench(Orders(ROOT, allow))


def seen(allow: bool) -> Bench:
    bench = made(allow)
    bench.feed(OrderAnswered(0.5, "o-1", "done"))
    return bench


def received(topic: str = TOPIC, retained: bool = False, payload: bytes | None = None, **facts: Any) -> Received:
    """An order that is right, but for `facts`; it comes at 1 s."""
    order = {"jti": "o-1", "kind": "alarm.ack", "body": {"alarm": "a"}} | facts
    return Received(1.0, topic, msgspec.msgpack.encode(order) if payload is None else payload, retained)


def short(outs: list[Output]) -> list[str]:
    """What came out, in words."""
    words = []
    for out in outs:
        match out:
            case OrderGiven(kind=kind):
                words.append(f"given {kind}")
            case Reported(record=AckRecord(label=label, reason=reason)):
                words.append(f"{label} {(reason or '').split(':')[0].split(' ')[0]}".strip())
            case Note():
                words.append("note")
    return words


def waiting() -> Bench:
    """The store has not spoken, and an order waits for it."""
    bench = made(True)
    bench.feed(Started(0.5), received(jti="o-7"))
    return bench


STATES = {
    "closed": lambda: made(False),
    "open": lambda: made(True),
    "closed, seen": lambda: seen(False),
    "open, seen": lambda: seen(True),
    "waiting": waiting,
}
FOREIGN = received(topic=f"{ROOT}/u/car-1/desired/plan")


def _rows(event: Event, closed: str, opened: str | None = None, again: str | None = None) -> list[tuple[str, Event, list[str]]]:
    words = {"closed": closed, "open": opened or closed, "closed, seen": again or closed, "open, seen": again or opened or closed}
    return [(state, event, [word]) for state, word in words.items()]


CLEARS = f"{ROOT}/u/car-1/down/alarm.clear"
CLEAR = {"alarm": "a", "reason": "officer safe"}

TABLE = [
    *_rows(received(), "rejected unsigned", "given alarm.ack", again="done"),
    *_rows(received(jti="o-2"), "rejected unsigned", "given alarm.ack"),
    *_rows(received(CLEARS, kind="alarm.clear", jti="o-2", body=CLEAR), "rejected unsigned", "given alarm.clear"),
    *_rows(received(f"{ROOT}/u/car-1/down/reboot", kind="reboot", jti="o-2"), "rejected unsigned", "rejected kind"),
    *_rows(received(kind="alarm.clear"), "rejected malformed"),  # not the kind of its topic
    *_rows(received(jti=7), "rejected malformed"),
    *_rows(received(jti=""), "rejected malformed"),
    *_rows(received(jti="x" * (ORDER_CHARS_MAX + 1)), "rejected malformed"),
    *_rows(received(body="text"), "rejected malformed"),
    *_rows(received(payload=b"\xc1"), "rejected malformed"),
    *_rows(received(payload=b""), "rejected malformed"),
    *_rows(received(payload=bytes(PAYLOAD_BYTES_MAX + 1)), "rejected too"),
    *_rows(received(retained=True), "rejected a"),
    *_rows(FOREIGN, "note"),
    *_rows(received(topic="other/topic"), "note"),
    *_rows(OrderAnswered(1.0, "o-1", "done"), "done"),
    *_rows(OrderAnswered(1.0, "o-9", "failed", "because"), "failed because"),
    *((state, event, []) for state in STATES if state != "waiting" for event in (Started(1.0), spool_opened(1.0))),
    ("waiting", Started(1.0), []),
    ("waiting", received(jti="o-2"), []),
    ("waiting", OrderAnswered(1.0, "o-1", "done"), ["done"]),
    ("waiting", spool_opened(1.0), ["given alarm.ack"]),
]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert short(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Orders, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_orders_wait_for_the_store_in_their_order_and_are_carried_out_when_it_has_spoken() -> None:
    bench = waiting()
    bench.feed(received(jti="o-8"))
    given = of(OrderGiven, bench.feed(spool_opened(4.0)))
    assert [(order.order, order.at) for order in given] == [("o-7", 4.0), ("o-8", 4.0)]
    assert one(OrderGiven, bench.feed(received(jti="o-9"))).order == "o-9"


def test_a_store_that_does_not_speak_holds_no_order_for_longer_than_it_may() -> None:
    bench = waiting()
    assert bench.part.deadline == 0.5 + STORE_S_MAX
    assert [order.order for order in of(OrderGiven, bench.until(0.5 + STORE_S_MAX))] == ["o-7"]
    assert bench.part.deadline == math.inf
    assert one(OrderGiven, bench.feed(msgspec.structs.replace(received(jti="o-8"), at=20.0))).order == "o-8"


def test_what_waits_for_the_store_is_bounded() -> None:
    bench = waiting()
    for n in range(WAITING_MAX - 1):
        assert not bench.feed(received(jti=f"w-{n}"))
    assert one(OrderGiven, bench.feed(received(jti="beyond"))).order == "beyond"


def test_an_acknowledgement_from_before_a_restart_finds_the_alarm_that_only_the_store_knows() -> None:
    made = unit(config(orders=OrdersConfig(allow_unsigned_development=True)))
    latch = {"id": "a", "source": "panic", "mode": "overt", "state": "raised", "n": 1}
    feed(made, Started(0.0), link_up(1.1))
    assert not [report for report in of(Reported, feed(made, received())) if isinstance(report.record, AckRecord)]
    feed(made, spool_opened(2.0, memory={"alarms": msgspec.msgpack.encode([latch])}))
    assert made.panic.status(2.0)["state"] == "acknowledged"


def test_the_answer_to_an_order_is_durable_and_never_in_the_lane_of_alarms() -> None:
    report = one(Reported, made(False).feed(received()))
    assert (report.lane, report.slot) == (Lane.EVENT, None)


def test_a_flood_of_what_is_no_order_gets_one_answer_and_wears_no_card() -> None:
    reports = of(Reported, made(True).feed(received(retained=True), received(retained=True)))
    assert {(report.lane, report.slot) for report in reports} == {(Lane.EVENT, "rejected")}


def test_an_order_given_carries_its_name_and_body() -> None:
    given_ = one(OrderGiven, made(True).feed(received()))
    assert (given_.order, given_.kind, given_.body, given_.at) == ("o-1", "alarm.ack", {"alarm": "a"}, 1.0)


def test_an_order_that_comes_again_gets_the_stored_answer_and_is_not_carried_out_twice() -> None:
    bench = made(True)
    bench.feed(received(), OrderAnswered(1.0, "o-1", "failed", "no such alarm"))
    outs = bench.feed(received())
    assert of(OrderGiven, outs) == []
    assert one(Reported, outs).record == AckRecord(order="o-1", label="failed", reason="no such alarm")


def test_a_longest_name_is_taken() -> None:
    assert short(made(True).feed(received(jti="x" * ORDER_CHARS_MAX))) == ["given alarm.ack"]


def test_answers_are_remembered_within_a_bound() -> None:
    bench = made(True)
    bench.feed(*(OrderAnswered(1.0, f"o-{i}", "done") for i in range(SEEN_MAX + 10)))
    assert short(bench.feed(received(jti=f"o-{SEEN_MAX + 9}"))) == ["done"]
    assert short(bench.feed(received(jti="o-0"))) == ["given alarm.ack"]


BODIES: list[tuple[str, dict[str, Any], str]] = [
    ("alarm.ack", {}, "malformed: Object missing required field `alarm` - at `$.body`"),
    ("alarm.ack", {"alarm": 7}, "malformed: Expected `str`, got `int` - at `$.body.alarm`"),
    ("alarm.ack", {"alarm": None}, "malformed: Expected `str`, got `null` - at `$.body.alarm`"),
    ("alarm.ack", {"alarm": "a", "by": "me"}, "malformed: Invalid enum value 'me' - at `$.body.by`"),
    ("alarm.ack", {"alarm": "a", "n": 0}, "malformed: Expected `int` >= 1 - at `$.body.n`"),
    ("alarm.ack", {"alarm": "a", "n": "1"}, "malformed: Expected `int | null`, got `str` - at `$.body.n`"),
    ("alarm.clear", {"alarm": ["a"]}, "malformed: Expected `str`, got `array` - at `$.body.alarm`"),
    ("alarm.clear", {"alarm": "a", "reason": 7}, "malformed: Expected `str`, got `int` - at `$.body.reason`"),
    ("alarm.clear", {"alarm": "a"}, "malformed: Object missing required field `reason` - at `$.body`"),
    ("alarm.clear", {"alarm": "a", "reason": ""}, "malformed: Expected `str` of length >= 1 - at `$.body.reason`"),
    ("alarm.clear", {"alarm": "a", "reason": "x" * 121}, "malformed: Expected `str` of length <= 120 - at `$.body.reason`"),
    ("selftest", {"what": "lights"}, "malformed: Invalid enum value 'lights' - at `$.body.what`"),
    ("selftest", {}, "malformed: Object missing required field `what` - at `$.body`"),
    ("light.set", {"show": None, "lease_s": 31}, "malformed: Expected `float` <= 30.0 - at `$.body.lease_s`"),
    ("mark", {"reason": "x" * 121}, "malformed: Expected `str` of length <= 120 - at `$.body.reason`"),
    ("resend", {"ranges": []}, "malformed: Expected `array` of length >= 1 - at `$.body.ranges`"),
]


@pytest.mark.parametrize(("kind", "body", "reason"), BODIES)
def test_a_body_that_is_not_of_its_kind_is_rejected_with_what_is_wrong(kind: str, body: dict[str, Any], reason: str) -> None:
    outs = made(True).feed(received(f"{ROOT}/u/car-1/down/{kind}", kind=kind, body=body))
    assert one(Reported, outs).record == AckRecord(order="o-1", label="rejected", reason=reason)
    assert len(outs) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("alarm.ack", {"alarm": "a", "by": "auto", "n": 3}),
        ("alarm.ack", {"alarm": "a", "n": None, "more": [1]}),
        ("alarm.clear", {"alarm": "a", "reason": "officer safe"}),
        ("selftest", {"what": "walk_test"}),
        ("light.set", {"show": "scene", "lease_s": 30}),
        ("mark", {}),
        ("resend", {"ranges": [["0" * 16, 1]]}),
    ],
)
def test_a_body_of_its_kind_is_given_as_it_came(kind: str, body: dict[str, Any]) -> None:
    assert one(OrderGiven, made(True).feed(received(f"{ROOT}/u/car-1/down/{kind}", kind=kind, body=body))).body == body


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["alarm", "by", "n", "what", "show", "lease_s", "reason", "ranges"])


@given(st.sampled_from(KINDS_DEVELOPMENT), st.dictionaries(KEYS, PLAIN | st.just("walk_test") | st.just("auto")))
@settings(deadline=None)
def test_no_body_crashes_the_unit_and_each_gets_an_answer(kind: str, body: dict[str, Any]) -> None:
    """Also in the parts that an order reaches: whatever the orders part lets through, they can take."""
    car = unit(config(orders=OrdersConfig(allow_unsigned_development=True)))
    feed(car, Started(0.0), spool_opened(0.1), link_up(0.2), edge(0.3, True))
    car.advance(2.0)
    order = msgspec.msgpack.encode({"jti": "o-1", "kind": kind, "body": body})
    effects = feed(car, Received(3.0, f"{ROOT}/u/car-1/down/{kind}", order, False)) + car.advance(10.0)
    assert [found for out in of(Store, effects) if isinstance(found := record(out), AckRecord)]


@given(st.binary(max_size=300))
def test_no_payload_crashes_the_unit_and_each_gets_an_answer(payload: bytes) -> None:
    assert len(of(Reported, made(True).feed(received(payload=payload)))) == 1

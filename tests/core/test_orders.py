"""Orders: closed or open for unsigned ones, fresh or seen × every event; every refusal has its reason."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import Note
from agent.core.events import Event, Lane, OrderAnswered, OrderGiven, Received, Reported
from agent.core.orders import ORDER_CHARS_MAX, PAYLOAD_BYTES_MAX, SEEN_MAX, Orders
from agent.core.part import Output
from agent.wire.records import AckRecord
from tests.core.builders import ROOT, Bench, assert_covers, of, one

TOPIC = f"{ROOT}/u/car-1/down/alarm.ack"


def made(allow: bool) -> Bench:
    return Bench(Orders(ROOT, allow))


def seen(allow: bool) -> Bench:
    bench = made(allow)
    bench.feed(OrderAnswered(0.5, "o-1", "done"))
    return bench


def received(topic: str = TOPIC, retained: bool = False, payload: bytes | None = None, **facts: Any) -> Received:
    """An order that is right, but for `facts`."""
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


STATES = {"closed": lambda: made(False), "open": lambda: made(True), "closed, seen": lambda: seen(False), "open, seen": lambda: seen(True)}
FOREIGN = received(topic=f"{ROOT}/u/car-1/desired/plan")


def _rows(event: Event, closed: str, opened: str | None = None, again: str | None = None) -> list[tuple[str, Event, list[str]]]:
    words = {"closed": closed, "open": opened or closed, "closed, seen": again or closed, "open, seen": again or opened or closed}
    return [(state, event, [words[state]]) for state in STATES]


TABLE = [
    *_rows(received(), "rejected unsigned", "given alarm.ack", again="done"),
    *_rows(received(jti="o-2"), "rejected unsigned", "given alarm.ack"),
    *_rows(received(f"{ROOT}/u/car-1/down/alarm.clear", kind="alarm.clear", jti="o-2"), "rejected unsigned", "given alarm.clear"),
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
]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert short(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Orders, STATES, ((state, type(event)) for state, event, _ in TABLE))


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


@given(st.binary(max_size=300))
def test_no_payload_crashes_the_unit_and_each_gets_an_answer(payload: bytes) -> None:
    assert len(of(Reported, made(True).feed(received(payload=payload)))) == 1

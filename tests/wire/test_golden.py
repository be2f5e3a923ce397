"""The golden files: what integrators have tested against. Today's code gives these very bytes, and reads these very facts in them."""

import json
from typing import Any

import msgpack
import pytest

from agent.core.events import Event, OrderGiven, Received
from agent.core.orders import Orders
from agent.wire import codec, topics, track
from agent.wire.orders import DOWN
from agent.wire.records import STATE, UP, Track
from tests.wire import examples, make_golden

AGAIN = "to change the contract on purpose: python -m tests.wire.make_golden, then python -m agent.wire.asyncapi --write"


def stored(name: str) -> bytes:
    return (make_golden.GOLDEN / name).read_bytes()


def facts(name: str) -> Any:
    return json.loads(stored(f"{name}.json"))


@pytest.mark.parametrize("name", [*examples.RECORDS, *examples.ORDERS])
def test_todays_encoder_gives_the_golden_bytes(name: str) -> None:
    assert examples.payload(name) == stored(f"{name}.msgpack"), f"{name}: {AGAIN}"


@pytest.mark.parametrize("name", list(examples.RECORDS))
def test_todays_decoder_reads_the_golden_record(name: str) -> None:
    assert codec.decode(stored(f"{name}.msgpack")) == examples.RECORDS[name], f"{name}: {AGAIN}"


@pytest.mark.parametrize("name", [*examples.RECORDS, *examples.ORDERS])
def test_the_golden_bytes_hold_the_golden_facts(name: str) -> None:
    assert msgpack.unpackb(stored(f"{name}.msgpack")) == facts(name), f"{name}: {AGAIN}"


@pytest.mark.parametrize("name", ["track_utc", "track_mono"])
def test_a_golden_track_holds_the_fixes_that_went_into_it(name: str) -> None:
    record = codec.decode(stored(f"{name}.msgpack"))
    assert isinstance(record, Track)
    assert tuple(track.unpack(record)) == examples.fixes(name)
    assert [track.TrackFix(**fix) for fix in facts(f"{name}.fixes")] == list(examples.fixes(name))


def test_nothing_lies_there_that_no_example_makes() -> None:
    assert {path.name for path in make_golden.GOLDEN.iterdir() if path.is_file()} == set(make_golden.files()), AGAIN


def test_every_kind_of_record_and_order_has_an_example() -> None:
    records, orders = examples.RECORDS.values(), examples.ORDERS.values()
    assert {type(record).KIND for record in records} | {type(order).KIND for order in orders} == UP.keys() | STATE.keys() | DOWN.keys()


def test_every_state_of_an_alarm_has_an_example() -> None:
    shown = {facts(name)["state"] for name in examples.RECORDS if name.startswith("alarm_")}
    assert shown == {"raised", "repeated", "acknowledged", "cancel_requested", "cleared"}


@pytest.mark.parametrize("name", list(examples.ORDERS))
def test_a_unit_that_allows_plain_orders_takes_the_golden_order(name: str) -> None:
    body = facts(name)
    heard: list[Event] = [
        output
        for output in Orders(topics.ROOT_DEFAULT, allow_unsigned=True).handle(
            Received(1.0, topics.down(topics.ROOT_DEFAULT, "JD-0417", body["kind"]), stored(f"{name}.msgpack"), retained=False)
        )
        if isinstance(output, Event)
    ]
    assert heard == [OrderGiven(1.0, body["jti"], body["kind"], body["body"])]

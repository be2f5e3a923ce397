"""The walk test: with alarms that are live, by order of the centre, and through a restart."""

from typing import Any

import msgpack
import pytest

from agent.config import Input
from agent.core.effects import Answer, Remember
from agent.core.events import LampAsked, OrderAnswered, Remembered, Reported
from agent.core.panic import NOT_WHILE_LIVE
from agent.core.part import Output
from agent.core.walk_test import MEMORY
from agent.wire.records import Alarm
from tests.core.builders import BOOT, OTHER_BOOT, Bench, of, one, release, spool_opened
from tests.core.panic_states import (
    OLDER,
    OURS,
    REMEMBERED,
    ack,
    held,
    hold,
    latch,
    made,
    marker,
    memory,
    order_test,
    part,
    result,
    short,
    summary,
    walk,
)


def trials(outs: list[Output]) -> list[tuple[str, str]]:
    """Source and state of the records of test alarms."""
    return [(r.source, r.state) for out in of(Reported, outs) if isinstance(r := out.record, Alarm) and r.test]


def reals(outs: list[Output]) -> list[tuple[str, str]]:
    """The same of real ones."""
    return [(r.source, r.state) for out in of(Reported, outs) if isinstance(r := out.record, Alarm) and not r.test]


def lamps(bench: Bench) -> list[str | None]:
    """What the lamp was to say, one after the other."""
    return [out.lamp for out in of(LampAsked, bench.all)]


def progress(bench: Bench, at: float = 30.0) -> dict[str, Any]:
    """What somebody is told of the test."""
    return dict(bench.part.status(at)["walk_test"])


def begun(*inputs: Input, buttons: tuple[str, ...] = ("button",)) -> Bench:
    """A test that began at 20."""
    bench = part(*inputs) if inputs else made(buttons=buttons)
    bench.feed(walk(20.0), Remembered(20.01, REMEMBERED))
    return bench


# --- with alarms --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["overt", "discreet"])
def test_no_test_begins_while_an_alarm_is_live(mode: str) -> None:
    bench = made(mode)
    bench.feed(*hold(10.0))
    why = "an alarm is live: a walk test cannot begin, or go on, before the centre has cleared it"
    assert one(Answer, bench.feed(walk(20.0))).body == {"error": why, "why": {"code": "walk_test_alarm_live"}}
    refused = one(OrderAnswered, bench.feed(order_test(21.0)))
    assert (refused.label, refused.reason) == ("failed", why)


def test_a_silent_alarm_is_no_reason_that_could_be_seen_but_the_centre_is_told() -> None:
    bench = made("silent", overt=("foot",))
    bench.feed(*hold(10.0), release(11.0))
    assert one(OrderAnswered, bench.feed(order_test(19.0))).reason == str(NOT_WHILE_LIVE)
    assert "answer" in short(bench.feed(walk(20.0)))
    bench.feed(*hold(21.0))
    assert reals(bench.all)[-1] == ("button", "repeated")  # its own alarm is live: that press is no test
    assert trials(bench.all) == []
    bench.feed(*hold(22.0, "foot"))
    assert trials(bench.all) == [("foot", "raised")]
    assert lamps(bench) == ["test", "raised"]


def test_a_silent_alarm_in_a_test_changes_nothing_that_can_be_seen() -> None:
    bench = made("silent", overt=("foot",))
    bench.feed(walk(20.0), *hold(21.0))
    seen = short(bench.all)
    outs = bench.feed(held(26.0, 5.0, since=21.0))
    assert short(outs) == ["remember 1", "raised", "alarm raised"]
    assert seen[-1] == "lamp raised"
    assert summary(bench) == "raised 1 test"


def test_an_alarm_that_a_late_store_brings_back_ends_the_test() -> None:
    bench = begun()
    outs = bench.feed(spool_opened(30.0, memory(latch())))
    assert result(outs).ended == "alarm"
    assert lamps(bench) == ["test", "raised"]


# --- by order -----------------------------------------------------------------------------------------------------------------------


def test_an_order_is_accepted_and_done_with_the_result() -> None:
    bench = made()
    assert [(out.label, out.reason) for out in of(OrderAnswered, bench.feed(order_test(20.0)))] == [("accepted", None)]
    bench.feed(*hold(25.0))
    outs = bench.feed(ack(26.0, OURS, "o-2"))
    answers = {out.order: (out.label, out.reason, out.result) for out in of(OrderAnswered, outs)}
    assert answers == {"o-2": ("done", None, None), "o-1": ("done", None, {"inputs": {"button": "acknowledged"}})}


def test_an_order_whose_test_did_not_pass_has_failed() -> None:
    bench = made()
    bench.feed(order_test(20.0))
    answer = one(OrderAnswered, bench.until(620.0))
    assert (answer.order, answer.label, answer.reason) == ("o-1", "failed", "ended: window")
    assert answer.result == {"inputs": {"button": "untried"}}
    bench.feed(walk(630.0))
    assert of(OrderAnswered, bench.until(1300.0)) == []


# --- through a restart --------------------------------------------------------------------------------------------------------------


def remembered(bench: Bench) -> dict[str, bytes]:
    """What the store has of the test."""
    value = [out for out in of(Remember, bench.all) if out.name == MEMORY][-1].value
    return {} if value is None else {MEMORY: value}


def another_boot(store: dict[str, bytes]) -> dict[str, bytes]:
    """As it lies there for the next boot."""
    return {name: msgpack.packb(msgpack.unpackb(value) | {"boot": OTHER_BOOT}) for name, value in store.items()}


def test_a_test_does_not_survive_a_restart_and_the_record_says_so() -> None:
    bench = made(buttons=("button", "foot", "door"))
    bench.feed(order_test(20.0), *hold(25.0), ack(26.0, OURS, "o-2", by="auto"), *hold(27.0, "foot"), ack(28.0, f"{BOOT}-2", "o-3"))
    again = made(buttons=("button", "foot", "door"))
    outs = again.feed(spool_opened(1.0, another_boot(remembered(bench))))
    inputs = {"button": "received", "foot": "acknowledged", "door": "untried"}
    found = result(outs)
    assert (found.result, found.ended, found.inputs) == ("failed", "restart", inputs)
    answer = one(OrderAnswered, outs)
    assert (answer.order, answer.label, answer.reason, answer.result) == ("o-1", "failed", "ended: restart", {"inputs": inputs})
    assert trials(outs) == [("button", "cleared"), ("foot", "cleared")]
    assert short(outs)[0] == "unmark test"
    assert lamps(again) == []
    again.feed(*hold(2.0))
    assert reals(again.all) == [("button", "raised")]


def test_a_test_that_is_over_leaves_nothing_for_the_next_boot() -> None:
    bench = begun()
    bench.feed(walk(30.0, stop=True))
    assert remembered(bench) == {}


def test_a_store_that_comes_back_in_the_window_is_told_of_the_test_again_and_ends_nothing() -> None:
    bench = begun()
    assert short(bench.feed(spool_opened(30.0, remembered(bench)))) == ["mark test"]
    assert short(bench.feed(spool_opened(31.0))) == ["mark test"]
    assert summary(bench) == "none test"


def test_a_store_that_comes_back_after_the_window_is_told_to_forget_the_test() -> None:
    bench = begun()
    was = remembered(bench)
    bench.feed(walk(30.0, stop=True))
    assert short(bench.feed(spool_opened(31.0, was))) == ["unmark test"]


def test_a_store_that_opens_late_brings_word_of_an_older_test_beside_the_one_that_is_open() -> None:
    bench = begun()
    outs = bench.feed(spool_opened(30.0, marker(latch(), passed=("button",))))
    assert short(outs) == ["mark test", "test cleared", "test alarm cleared", "selftest passed by restart"]
    assert summary(bench) == "none test"
    cleared = one(Reported, [out for out in outs if isinstance(out, Reported) and isinstance(out.record, Alarm)]).record
    assert isinstance(cleared, Alarm)
    assert (cleared.id, cleared.n, cleared.test, cleared.age_ms) == (OLDER, 5, True, None)


@pytest.mark.parametrize("value", [b"\xc1", b"\x91" * 2000, msgpack.packb(7), msgpack.packb({"boot": 7}), b"\xc7\x00\x05"])
def test_what_is_no_test_is_forgotten(value: bytes) -> None:
    assert short(made().feed(spool_opened(1.0, {MEMORY: value}))) == ["unmark test"]


def test_the_store_is_asked_again_until_it_knows_of_the_test() -> None:
    bench = made()
    bench.feed(walk(20.0))
    assert [short(bench.until(at)) for at in (24.9, 25.0, 30.0)] == [[], ["mark test"], ["mark test"]]
    bench.feed(Remembered(30.1, REMEMBERED))
    assert bench.until(619.0) == []

"""Heartbeats: alive, silent or starting × every sign, with and without an ignition to tell when a recorder should be alive."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Input, InputUse
from agent.core.events import FaultSeen, InputChanged, Lane, Reported
from agent.core.heartbeat import START_S, Heartbeats
from agent.core.part import Output
from agent.wire.records import EventRecord
from tests.core.builders import Bench, assert_covers, ignition_input, of, panic_input, press

ALIVE_S = 2.0
LATE_S = ALIVE_S + 0.2
"""A beat that was believed at once, and one that had to wait for its release."""


def recorder(name: str = "recorder", alive_s: float = ALIVE_S) -> Input:
    """A recorder's line; `alive_s` 0: alive while active."""
    return Input(id=name, use=InputUse.RECORDER_ALIVE, pin=22, alive_s=alive_s)


def made(*inputs: Input) -> Bench:
    return Bench(Heartbeats(inputs or (recorder(),)))


def line(at: float, active: bool, name: str = "recorder", first: bool = False) -> InputChanged:
    return InputChanged(at, name, "recorder_alive", active, at - 0.03, first)


def key(at: float, on: bool, first: bool = False, name: str = "ignition") -> InputChanged:
    return InputChanged(at, name, "ignition", on, at, first)


def near(at: float) -> Any:
    """That moment, but for rounding."""
    return pytest.approx(at)


def short(outs: list[Output]) -> list[tuple[float, str]]:
    """When, and what."""
    words = []
    for out in outs:
        match out:
            case Reported(at=at, record=EventRecord(what="recorder", active=active)):
                words.append((at, "alive" if active else "silent"))
            case FaultSeen(at=at, code="recorder.silent", active=active, detail=detail):
                words.append((at, f"fault: {detail}" if active else "well"))
            case _:
                raise AssertionError(out)
    return words


def beats(first: float, last: float, every_s: float = 1.0, name: str = "recorder") -> list[InputChanged]:
    """The line changes from time to time."""
    count = math.floor((last - first) / every_s) + 1
    return [line(first + n * every_s, n % 2 == 0, name) for n in range(count)]


# what happens to a unit without an ignition input, and what is said of its recorder until 500 s
ALONE: dict[str, tuple[float, list[InputChanged], list[tuple[float, str]]]] = {
    "beats from the start": (ALIVE_S, [line(0.0, False, first=True), *beats(1.0, 500.0)], []),
    "never beats": (ALIVE_S, [line(0.0, True, first=True)], [(START_S, "silent"), (START_S, "fault: recorder")]),
    "begins late, but not too late": (ALIVE_S, [line(0.0, False, first=True), *beats(59.0, 500.0)], []),
    "stops": (ALIVE_S, beats(1.0, 100.0), [(100.0 + LATE_S, "silent"), (100.0 + LATE_S, "fault: recorder")]),
    "stops and begins again": (
        ALIVE_S,
        [*beats(1.0, 100.0), *beats(200.0, 500.0)],
        [(100.0 + LATE_S, "silent"), (100.0 + LATE_S, "fault: recorder"), (200.0, "alive"), (200.0, "well")],
    ),
    "a beat comes just in time": (ALIVE_S, [*beats(1.0, 100.0), *beats(100.0 + LATE_S - 0.01, 500.0)], []),
    "level: active from the start": (0.0, [line(0.0, True, first=True)], []),
    "level: never active": (0.0, [line(0.0, False, first=True)], [(START_S, "silent"), (START_S, "fault: recorder")]),
    "level: active after its start": (0.0, [line(0.0, False, first=True), line(50.0, True)], []),
    "level: lost": (0.0, [line(0.0, True, first=True), line(90.0, False)], [(90.0, "silent"), (90.0, "fault: recorder")]),
    "level: lost and back": (
        0.0,
        [line(0.0, True, first=True), line(90.0, False), line(91.0, True)],
        [(90.0, "silent"), (90.0, "fault: recorder"), (91.0, "alive"), (91.0, "well")],
    ),
}


@pytest.mark.parametrize("story", ALONE)
def test_a_recorder_is_alive_until_it_has_been_silent_for_its_time(story: str) -> None:
    alive_s, events, said = ALONE[story]
    bench = made(recorder(alive_s=alive_s), panic_input())
    bench.feed(*events)
    bench.until(500.0)
    assert short(bench.all) == [(near(at), what) for at, what in said]


# the same of a unit with an ignition input
DRIVEN: dict[str, tuple[list[InputChanged], list[tuple[float, str]]]] = {
    "off at the start, never on": ([key(0.0, False, first=True), line(0.0, False, first=True)], [(START_S, "silent")]),
    "on at the start and dead": (
        [key(0.0, True, first=True), line(0.0, False, first=True)],
        [(START_S, "silent"), (START_S, "fault: recorder")],
    ),
    "dead, and switched on later": (
        [key(0.0, False, first=True), line(0.0, False, first=True), key(100.0, True)],
        [(START_S, "silent"), (100.0 + START_S, "fault: recorder")],
    ),
    "comes up with the ignition": (
        [key(0.0, False, first=True), line(0.0, False, first=True), key(100.0, True), *beats(140.0, 500.0)],
        [(START_S, "silent"), (140.0, "alive")],
    ),
    "goes down with the ignition": (
        [key(0.0, True, first=True), *beats(1.0, 200.0), key(200.0, False)],
        [(200.0 + LATE_S, "silent")],
    ),
    "dies, and the car is parked": (
        [key(0.0, True, first=True), *beats(1.0, 100.0), key(300.0, False)],
        [(100.0 + LATE_S, "silent"), (100.0 + LATE_S, "fault: recorder"), (300.0, "well")],
    ),
    "dies in its start": (
        [key(0.0, False, first=True), *beats(1.0, 100.0), key(90.0, True)],
        [(100.0 + LATE_S, "silent"), (90.0 + START_S, "fault: recorder")],
    ),
    "cranked twice": (
        [key(0.0, False, first=True), line(0.0, False, first=True), key(100.0, True), key(101.0, False), key(103.0, True)],
        [(START_S, "silent"), (103.0 + START_S, "fault: recorder")],
    ),
}


@pytest.mark.parametrize("story", DRIVEN)
def test_silence_is_a_fault_only_while_the_ignition_is_on_and_after_a_start(story: str) -> None:
    events, said = DRIVEN[story]
    bench = made(recorder(), ignition_input())
    bench.feed(*sorted(events, key=lambda event: event.at))
    bench.until(500.0)
    assert short(bench.all) == [(near(at), what) for at, what in said]
    assert_covers(Heartbeats, [story], [(story, type(event)) for event in events])


def test_one_ignition_of_two_is_enough() -> None:
    bench = made(recorder(), ignition_input(), Input(id="accessory", use=InputUse.IGNITION, pin=5))
    bench.feed(key(0.0, True, first=True), key(0.0, False, first=True, name="accessory"), key(10.0, True, name="accessory"))
    bench.feed(line(0.0 + 10.0, True, first=True), key(20.0, False))
    assert short(bench.until(500.0)) == [(10.0 + START_S, "silent"), (10.0 + START_S, "fault: recorder")]


def test_of_two_recorders_the_fault_names_those_that_are_silent() -> None:
    bench = made(recorder("front"), recorder("rear", alive_s=0.0))
    bench.feed(line(0.0, False, "front", first=True), line(0.0, False, "rear", first=True))
    outs = bench.until(100.0)
    assert [what for _, what in short(outs)] == ["silent", "fault: front", "silent", "well", "fault: front, rear"]
    assert [what for _, what in short(bench.feed(line(200.0, True, "front")))] == ["alive", "well", "fault: rear"]


def test_what_is_no_recorder_and_no_ignition_is_passed_over() -> None:
    bench = made(panic_input(), ignition_input())
    assert bench.feed(press(1.0), key(2.0, True), key(3.0, False)) == []
    assert bench.part.deadline == math.inf


def test_a_change_of_being_alive_is_an_event_record() -> None:
    bench = made()
    bench.feed(line(1.0, True))
    assert [(out.lane, out.record) for out in of(Reported, bench.until(10.0))] == [
        (Lane.EVENT, EventRecord(what="recorder", id="recorder", active=False))
    ]


@given(st.lists(st.tuples(st.floats(0.01, 100.0), st.sampled_from(["beat", "on", "off"])), max_size=40))
def test_alive_and_silent_take_turns_and_the_fault_is_only_in_silence(story: list[tuple[float, str]]) -> None:
    bench = made(recorder(), ignition_input())
    at, active = 0.0, False
    bench.feed(key(0.0, False, first=True), line(0.0, False, first=True))
    for wait, what in story:
        at += wait
        active ^= what == "beat"
        bench.feed(line(at, active) if what == "beat" else key(at, what == "on"))
    bench.until(at + 1000.0)
    said = [what for _, what in short(bench.all)]
    lives = [what for what in said if what in ("alive", "silent")]
    assert all(a != b for a, b in itertools.pairwise(["alive", *lives]))
    faults = [what for what in said if what not in ("alive", "silent")]
    assert faults == list(itertools.islice(itertools.cycle(["fault: recorder", "well"]), len(faults)))
    alive = True
    for what in said:
        alive = what == "alive" or (alive and what != "silent")
        assert not (alive and what.startswith("fault"))

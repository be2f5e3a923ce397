"""Pin watch: started, heard and silent × every event."""

import math

import pytest

from agent.core.events import Event, FaultSeen, InputsFailed, Levels, Started
from agent.core.pin_watch import SILENT_S, PinWatch
from tests.core.builders import Bench, assert_covers, of

AT = 100.0


def made(*events: Event, inputs: int = 2) -> Bench:
    bench = Bench(PinWatch(inputs))
    bench.feed(*events)
    return bench


def silent() -> Bench:
    bench = made(Started(1.0), Levels(2.0, {}))
    bench.until(AT - 1.0)
    return bench


STATES = {"new": made, "started": lambda: made(Started(AT - 1.0)), "heard": lambda: made(Levels(AT - 1.0, {})), "silent": silent}
HEARD = (Started(AT), Levels(AT, {"button": False}), InputsFailed(AT, "no pins"))
TABLE = [(state, event, [False] if state == "silent" else []) for state in STATES for event in HEARD]


@pytest.mark.parametrize(("state", "event", "faults"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, faults: list[bool]) -> None:
    bench = STATES[state]()
    assert [fault.active for fault in of(FaultSeen, bench.feed(event))] == faults
    assert bench.part.deadline == AT + SILENT_S


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(PinWatch, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_it_is_said_once_that_nothing_is_heard() -> None:
    bench = made(Started(1.0))
    assert not bench.until(1.0 + SILENT_S - 0.001)
    (fault,) = of(FaultSeen, bench.until(1000.0))
    assert (fault.at, fault.code, fault.active) == (1.0 + SILENT_S, "inputs.silent", True)


def test_where_there_are_no_inputs_nothing_is_expected() -> None:
    bench = made(Started(1.0), Levels(2.0, {}), inputs=0)
    assert bench.part.deadline == math.inf

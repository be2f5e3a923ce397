"""I/O: resting or in a burst × every event; one message for a burst, none for nothing new."""

import math
from typing import Any

import pytest

from agent.core.events import AlarmChanged, Event, InputChanged, LightsAsked, LightsShown, LinkUp, StateChanged
from agent.core.io import BURST_S, IoState
from agent.wire.records import Io
from tests.core.builders import Bench, assert_covers, link_up, of, one, press

EVENTS: list[Event] = [
    press(10.0),
    LightsShown(10.0, {"red": "on"}),
    LightsAsked(10.0, "panic", "response"),
    AlarmChanged(10.0, "a", "raised", "overt"),
    link_up(10.0),
]


class Told:
    """What the other parts say of themselves."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {
            "inputs": {"button": False},
            "lights": {"shown": {"red": "on"}, "show": "cruise", "by": "cruise"},
            "alarm": {"state": "none"},
        }

    def __call__(self, _at: float) -> dict[str, Any]:
        """As the unit's status."""
        return self.facts


def resting() -> tuple[Bench, Told]:
    told = Told()
    return Bench(IoState(told)), told


def burst() -> tuple[Bench, Told]:
    bench, told = resting()
    bench.feed(press(9.9))
    return bench, told


STATES = {"resting": (resting, 10.0 + BURST_S), "burst": (burst, 9.9 + BURST_S)}
TABLE = [(state, event) for state in STATES for event in EVENTS]


@pytest.mark.parametrize(("state", "event"), TABLE)
def test_every_event_is_told_at_the_end_of_the_burst_that_the_first_began(state: str, event: Event) -> None:
    make, due = STATES[state]
    bench, _ = make()
    assert bench.feed(event) == []
    assert bench.part.deadline == pytest.approx(due)
    changed = one(StateChanged, bench.until(11.0))
    assert changed.name == "io"
    assert changed.record == Io(inputs={"button": False}, outputs={"red": "on"}, lights="cruise", lights_by="cruise", alarm="none")
    assert bench.part.deadline == math.inf


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(IoState, STATES, ((state, type(event)) for state, event in TABLE))


def test_nothing_new_is_not_told_again_and_a_change_is() -> None:
    bench, told = resting()
    bench.feed(press(1.0), link_up(2.0))
    bench.until(3.0)
    assert len(of(StateChanged, bench.all)) == 1
    told.facts["alarm"] = {"state": "raised"}
    bench.feed(AlarmChanged(4.0, "a", "raised", "overt"))
    changed = one(StateChanged, bench.until(5.0))
    assert changed.at == pytest.approx(4.0 + BURST_S)
    assert isinstance(changed.record, Io)
    assert changed.record.alarm == "raised"


def test_the_events_are_known_by_their_types() -> None:
    assert set(IoState.listens) == {InputChanged, LightsShown, LightsAsked, AlarmChanged, LinkUp}

"""I/O: resting or in a burst × every event; one message for a burst, none for nothing new."""

import math
from typing import Any

import pytest

from agent.core.events import (
    AlarmChanged,
    Event,
    InputChanged,
    LightsSeen,
    LightsShed,
    LightsShown,
    LightsTurned,
    LinkUp,
    OutputFailed,
    StateChanged,
    WireChanged,
)
from agent.core.io import BURST_S, IoState
from agent.wire.records import Io
from tests.core.builders import Bench, assert_covers, link_up, of, one, press

EVENTS: list[Event] = [
    press(10.0),
    WireChanged(10.0, "button", "panic", "cut"),
    LightsShown(10.0, {"red": "on"}),
    LightsTurned(10.0, "response", "panic", {"bar": True}),
    LightsSeen(10.0, "bar", True),
    LightsShed(10.0, ("bar",)),
    OutputFailed(10.0, "red", "gone"),
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
            "wires": {},
            "light_sense": {"lit": {}, "lines": {}},
            "shedding": {"shed": [], "low": []},
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


def test_a_wire_that_is_not_well_is_told_until_all_are_well_again() -> None:
    bench, told = resting()
    told.facts["wires"] = {"button": "cut"}
    bench.feed(WireChanged(1.0, "button", "panic", "cut"))
    record = one(StateChanged, bench.until(2.0)).record
    assert isinstance(record, Io)
    assert record.wires == {"button": "cut"}
    told.facts["wires"] = {}
    bench.feed(WireChanged(3.0, "button", "panic", "ok"))
    record = one(StateChanged, bench.until(4.0)).record
    assert isinstance(record, Io)
    assert record.wires is None


def test_what_watches_the_light_is_told_by_group_and_does_not_follow_its_flashes() -> None:
    bench, told = resting()
    told.facts["inputs"] = {"button": False, "eye": False}
    told.facts["light_sense"] = {"lit": {"bar": True}, "lines": {"eye": True}}
    bench.feed(LightsSeen(1.0, "bar", True))
    record = one(StateChanged, bench.until(2.0)).record
    assert isinstance(record, Io)
    assert (record.lit, record.inputs) == ({"bar": True}, {"button": False, "eye": True})
    told.facts["inputs"] = {"button": False, "eye": True}
    bench.feed(InputChanged(3.0, "eye", "light_sense", True, 3.0))
    assert bench.until(4.0) == []


def test_groups_that_are_shed_are_told_and_absent_when_there_are_none() -> None:
    bench, told = resting()
    told.facts["shedding"] = {"shed": ["scene", "bar"], "low": ["volts"]}
    bench.feed(LightsShed(1.0, ("scene", "bar")))
    record = one(StateChanged, bench.until(2.0)).record
    assert isinstance(record, Io)
    assert (record.shed, record.lit) == (["scene", "bar"], None)
    told.facts["shedding"] = {"shed": [], "low": []}
    bench.feed(LightsShed(3.0, ()))
    record = one(StateChanged, bench.until(4.0)).record
    assert isinstance(record, Io)
    assert record.shed is None


def test_the_events_are_known_by_their_types() -> None:
    lights = {LightsShown, LightsTurned, LightsSeen, LightsShed, OutputFailed}
    assert set(IoState.listens) == {InputChanged, WireChanged, AlarmChanged, LinkUp} | lights

"""Heat: cool and hot × every event, and what the firmware's bits mean."""

import pytest

from agent.core.effects import Publish
from agent.core.events import Edge, Event, FaultSeen, Levels, Started, Vitals
from agent.core.heat import COOL_C, HOT_C, Heat
from agent.core.unit import Unit
from agent.wire import codec
from agent.wire.records import FaultRecord, Record
from tests.core.builders import Bench, assert_covers, config, link_up, one, panic_input, spool_opened


def cool() -> Bench:
    return Bench(Heat())


def hot() -> Bench:
    bench = cool()
    bench.feed(Vitals(1.0, 1, 85.0))
    return bench


STATES = {"cool": cool, "hot": hot}
TABLE: list[tuple[str, Event, bool | None]] = [
    ("cool", Vitals(10.0, 1), None),
    ("cool", Vitals(10.0, 1, HOT_C - 0.1), None),
    ("cool", Vitals(10.0, 1, HOT_C), True),
    ("cool", Vitals(10.0, 1, 60.0, throttled=0x8), None),
    ("cool", Vitals(10.0, 1, throttled=0x4), True),
    ("cool", Vitals(10.0, 1, 60.0, throttled=0x2), True),
    ("cool", Vitals(10.0, 1, 60.0, throttled=0x7), None),
    ("cool", Vitals(10.0, 1, 59.9, throttled=0x6), None),
    ("cool", Vitals(10.0, 1, 60.0, throttled=0xF), None),
    ("cool", Vitals(10.0, 1, 60.0, throttled=0xF0000), None),
    ("hot", Vitals(10.0, 1), None),
    ("hot", Vitals(10.0, 1, HOT_C), True),
    ("hot", Vitals(10.0, 1, COOL_C), True),
    ("hot", Vitals(10.0, 1, COOL_C - 0.1), False),
    ("hot", Vitals(10.0, 1, COOL_C - 0.1, throttled=0x8), False),
    ("hot", Vitals(10.0, 1, COOL_C - 0.1, throttled=0x4), True),
    ("hot", Vitals(10.0, 1, COOL_C - 0.1, throttled=0), False),
]
"""What is said: that it is too hot (again, and how hot by now), that it is over, or nothing."""


@pytest.mark.parametrize(("state", "event", "said"), TABLE)
def test_every_state_answers_every_word(state: str, event: Event, said: bool | None) -> None:
    out = STATES[state]().feed(event)
    assert [o.active for o in out if isinstance(o, FaultSeen)] == ([] if said is None else [said])
    assert all(isinstance(o, FaultSeen) and o.code == "heat.high" for o in out)


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Heat, STATES, ((state, type(event)) for state, event, _ in TABLE))


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        (Vitals(1.0, 1, 84.6), "85 °C"),
        (Vitals(1.0, 1, 61.0, throttled=4), "61 °C, the firmware slows it down"),
        (Vitals(1.0, 1, throttled=4), "the firmware slows it down"),
    ],
)
def test_the_fault_says_how_hot(event: Vitals, detail: str) -> None:
    assert str(one(FaultSeen, cool().feed(event)).detail) == detail


def test_a_board_at_its_limit_is_hot_once_and_not_each_ten_seconds() -> None:
    """It is slowed down, cools by a degree, is let go, and so on: with a temperature that tells nothing, as with temp_limit=65."""
    bench, active = cool(), []
    for turn in range(360):
        active += [o.active for o in bench.feed(Vitals(10.0 * turn, 1, 65.0, throttled=0x2 if turn % 2 else 0)) if isinstance(o, FaultSeen)]
    assert set(active) == {True}
    calm = [o for turn in range(7) for o in bench.feed(Vitals(3600.0 + 10 * turn, 1, 64.0, throttled=0)) if isinstance(o, FaultSeen)]
    assert [o.active for o in calm][-1] is False
    assert len([o for o in calm if not o.active]) == 1


def test_a_press_in_the_heat_is_an_alarm() -> None:
    """The whole unit: the fault is told, and the alarm leaves before it and all else."""
    unit = Unit(config(input=(panic_input(),)), "5f0c9a1e77b3d204", "0")
    said: list[Record] = []
    for event in (
        *(Started(0.0), spool_opened(0.1), link_up(0.2), Vitals(1.0, 1, 91.0, throttled=0xC)),
        *(Edge(2.0, "button", True), Levels(3.0, {"button": True}), Levels(4.0, {"button": True})),
    ):
        said += [codec.decode(effect.payload) for effect in unit.handle(event) if isinstance(effect, Publish)]
    kinds = [(record.kind, getattr(record, "state", None)) for record in said]
    assert ("alarm", "raised") in kinds
    faults = {record.code: record.detail for record in said if isinstance(record, FaultRecord)}
    assert faults["heat.high"] == "91 °C, the firmware slows it down"
    assert unit.status(5.0)["alarm"]["state"] == "raised"

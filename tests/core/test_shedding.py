"""Shedding: well, low, shed and coming back × every word about the supply; the order in which groups go and return."""

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Lights as LightsConfig
from agent.core.events import Event, FaultSeen, InputChanged, LightsShed, Vitals
from agent.core.part import Output
from agent.core.shedding import Shedding
from tests.core.builders import Bench, assert_covers, of, press

CONFIG = LightsConfig(shed=("scene", "alley", "nowhere", "bar", "alley"), shed_every_s=30.0, restore_after_s=120.0)
GROUPS = ("bar", "alley", "scene", "arrow")


def volts(at: float, low: bool, who: str = "volts") -> InputChanged:
    """The voltage relay."""
    return InputChanged(at, who, "low_voltage", low, at)


def board(at: float, low: bool | None) -> Vitals:
    """What the board says."""
    return Vitals(at, 1000, supply_low=low)


def made(*events: Event, config: LightsConfig = CONFIG) -> Bench:
    """Three groups may be shed: scene, alley, bar; `nowhere` is not there."""
    bench = Bench(Shedding(config, GROUPS))
    bench.feed(*events)
    return bench


def shed(outs: list[Output]) -> list[tuple[float, tuple[str, ...]]]:
    """When which groups are dark."""
    return [(out.at, out.groups) for out in of(LightsShed, outs)]


def faults(outs: list[Output]) -> list[tuple[float, bool, str]]:
    """When the fault comes and goes."""
    found = of(FaultSeen, outs)
    assert {out.code for out in found} <= {"lights.shed"}
    return [(out.at, out.active, str(out.detail)) for out in found]


def low_at_0() -> Bench:
    """Low since 0; scene has been dark since 5, alley since 35."""
    return made(volts(0.0, True))


def passed(bench: Bench, at: float) -> Bench:
    """Time has passed."""
    bench.until(at)
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "well": made,
    "sagging": lambda: passed(low_at_0(), 4.0),
    "shed": lambda: passed(low_at_0(), 40.0),
    "all_shed": lambda: passed(low_at_0(), 90.0),
    "returning": lambda: made(volts(0.0, True), volts(90.0, False)),
}
TABLE: list[tuple[str, Event, float]] = [
    ("well", volts(100.0, True), 105.0),
    ("well", volts(100.0, False), math.inf),
    ("well", board(100.0, True), 115.0),
    ("well", board(100.0, False), math.inf),
    ("sagging", volts(4.5, True), 5.0),
    ("sagging", volts(4.5, False), math.inf),
    ("sagging", board(4.5, True), 5.0),
    ("sagging", board(4.5, False), 5.0),
    ("shed", volts(50.0, True), 65.0),
    ("shed", volts(50.0, False), 170.0),
    ("shed", board(50.0, True), 65.0),
    ("shed", board(50.0, False), 65.0),
    ("all_shed", volts(100.0, True), math.inf),
    ("all_shed", volts(100.0, False), 220.0),
    ("all_shed", board(100.0, True), math.inf),
    ("all_shed", board(100.0, False), math.inf),
    ("returning", volts(100.0, True), 105.0),
    ("returning", volts(100.0, False), 210.0),
    ("returning", board(100.0, True), 115.0),
    ("returning", board(100.0, False), 210.0),
    *((state, board(at, None), due) for state, at, due in (("well", 99.0, math.inf), ("shed", 50.0, 65.0), ("returning", 99.0, 210.0))),
    *((state, press(at), due) for state, at, due in (("well", 99.0, math.inf), ("shed", 50.0, 65.0), ("returning", 99.0, 210.0))),
]
"""What is to happen next, and when; no word changes anything at once."""


@pytest.mark.parametrize(("state", "event", "due"), TABLE)
def test_every_state_answers_every_word(state: str, event: Event, due: float) -> None:
    bench = STATES[state]()
    assert list(bench.part.handle(event)) == []
    assert bench.part.deadline == due


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Shedding, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_groups_go_dark_in_their_order_and_come_back_in_the_reverse_one() -> None:
    bench = low_at_0()
    assert shed(bench.until(500.0)) == [(5.0, ("scene",)), (35.0, ("scene", "alley")), (65.0, ("scene", "alley", "bar"))]
    bench.feed(volts(500.0, False))
    assert shed(bench.until(9999.0)) == [(620.0, ("scene", "alley")), (650.0, ("scene",)), (680.0, ())]
    assert bench.part.status(9999.0) == {"shed": [], "low": []}


def test_the_fault_names_what_is_dark_and_goes_with_the_last() -> None:
    bench = low_at_0()
    bench.until(40.0)
    bench.feed(volts(40.0, False))
    bench.until(500.0)
    assert faults(bench.all) == [
        (5.0, True, "scene"),
        *((35.0, False, ""), (35.0, True, "scene, alley")),
        *((160.0, False, ""), (160.0, True, "scene")),
        (190.0, False, ""),
    ]


def test_cranking_sheds_nothing() -> None:
    assert shed(made(volts(0.0, True), volts(4.999, False)).until(500.0)) == []


def test_one_word_of_the_board_is_not_believed_and_two_are() -> None:
    assert shed(made(board(0.0, True), board(10.0, False)).until(500.0)) == []
    assert shed(made(board(0.0, True), board(10.0, True)).until(20.0)) == [(15.0, ("scene",))]


def test_a_word_that_is_taken_back_counts_no_more_though_another_stands() -> None:
    """The relay's sag is over; the board's word is as old as it is."""
    assert shed(made(board(0.0, True), volts(1.0, True), volts(3.0, False)).until(20.0)) == [(15.0, ("scene",))]


def test_the_supply_is_well_when_nobody_calls_it_low() -> None:
    bench = passed(made(volts(0.0, True), board(1.0, True), volts(2.0, True, "other")), 70.0)
    assert bench.part.status(70.0) == {"shed": ["scene", "alley", "bar"], "low": ["volts", "the board", "other"]}
    bench.feed(volts(70.0, False), volts(71.0, False, "other"))
    assert bench.part.deadline == math.inf
    bench.feed(board(72.0, False))
    assert bench.part.deadline == 192.0


def test_a_supply_that_sags_again_while_they_come_back_begins_the_wait_anew() -> None:
    bench = passed(low_at_0(), 10.0)
    bench.feed(volts(10.0, False), volts(129.0, True), volts(131.0, False))
    assert shed(bench.until(999.0)) == [(251.0, ())]


def test_a_supply_that_is_low_again_sheds_on_from_there_no_sooner_than_its_pace() -> None:
    bench = passed(low_at_0(), 10.0)
    bench.feed(volts(10.0, False), volts(11.0, True))
    assert shed(bench.until(999.0)) == [(35.0, ("scene", "alley")), (65.0, ("scene", "alley", "bar"))]
    later = passed(low_at_0(), 10.0)
    later.feed(volts(10.0, False), volts(100.0, True))
    assert shed(later.until(106.0)) == [(105.0, ("scene", "alley"))]


def test_a_car_that_sheds_nothing_does_nothing() -> None:
    bench = made(volts(0.0, True), config=LightsConfig())
    bench.until(100.0)
    bench.feed(volts(100.0, False))
    assert bench.until(999.0) == bench.all == []
    assert made(volts(0.0, True), config=LightsConfig()).part.status(1.0) == {"shed": [], "low": ["volts"]}


STORIES = st.lists(st.tuples(st.floats(0.1, 200.0), st.sampled_from(["volts", "board"]), st.booleans()), max_size=30)


@given(STORIES)
def test_what_is_shed_is_always_the_begin_of_the_order_and_changes_by_one_at_its_pace(story: list[tuple[float, str, bool]]) -> None:
    bench, at = made(), 0.0
    for wait_s, who, low in story:
        at += wait_s
        bench.feed(volts(at, low) if who == "volts" else board(at, low))
    bench.feed(volts(at + 1.0, False), board(at + 2.0, False))
    bench.until(at + 999.0)
    steps = [(0.0, ()), *shed(bench.all)]
    for (was_at, was), (then_at, then) in itertools.pairwise(steps):
        assert then == ("scene", "alley", "bar")[: len(then)]
        assert abs(len(then) - len(was)) == 1
        assert not was_at or then_at - was_at >= 29.999
    assert steps[-1][1] == ()

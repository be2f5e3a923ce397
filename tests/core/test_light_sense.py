"""Light sense: lit, dark or unknown × played, dark or unknown; flashes are no darkness, and what lasts is a fault that names its group."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Input, InputUse
from agent.core.events import Event, FaultSeen, InputChanged, Lane, LightsSeen, LightsTurned, Reported
from agent.core.light_sense import LightSense
from agent.core.part import Output
from agent.core.shows import Shows
from agent.wire.records import EventRecord
from tests.core.builders import Bench, assert_covers, of, one, press
from tests.core.light_states import OUTPUTS

SLOW_OFF_S = 2.5
"""The longest darkness of the bar's lamps is 1.5 s, in the show `test`."""
PATIENCE_S = 4.5

EYE = Input(id="eye", use=InputUse.LIGHT_SENSE, pin=17, senses="bar")
WORK_EYE = Input(id="work_eye", use=InputUse.LIGHT_SENSE, pin=27, senses="scene")


def line(at: float, active: bool, name: str = "eye", first: bool = False) -> InputChanged:
    """The line changes."""
    return InputChanged(at, name, "light_sense", active, at, first)


def plays(at: float, bar: bool | None, scene: bool | None = False) -> LightsTurned:
    """What the outputs say."""
    return LightsTurned(at, "response" if bar else "off", None, {"bar": bar, "scene": scene})


def made(*events: Event, inputs: tuple[Input, ...] = (EYE, WORK_EYE)) -> Bench:
    """Lines that have read so."""
    bench = Bench(LightSense(inputs, Shows((), OUTPUTS)))
    bench.feed(*events)
    return bench


def sense(bench: Bench) -> LightSense:
    """The part on the bench."""
    assert isinstance(bench.part, LightSense)
    return bench.part


def seen(outs: list[Output]) -> list[tuple[float, str, bool]]:
    """When which group begins to shine, or is dark."""
    return [(out.at, out.group, out.lit) for out in of(LightsSeen, outs)]


def faults(outs: list[Output]) -> list[tuple[float, str, bool, str]]:
    """When which fault comes and goes."""
    return [(out.at, out.code, out.active, str(out.detail)) for out in of(FaultSeen, outs)]


def passed(bench: Bench, at: float) -> Bench:
    """Time has passed."""
    bench.until(at)
    return bench


BAR = "bar (as eye sees it)"
STATES: dict[str, Callable[[], Bench]] = {
    "unknown": made,
    "unread": lambda: made(plays(0.0, True)),
    "shining": lambda: passed(made(plays(0.0, True), line(0.1, True)), 9.0),
    "dark": lambda: passed(made(plays(0.0, False), line(0.1, False, first=True)), 9.0),
    "burnt": lambda: passed(made(line(0.1, False, first=True), plays(0.2, True)), 9.0),
    "welded": lambda: passed(made(line(0.1, True), plays(0.2, False)), 9.0),
}
TABLE: list[tuple[str, Event, bool | None, float | None, list[tuple[str, bool]]]] = [
    # state, event, then seen, what is due next, faults at once
    ("unknown", line(10.0, True), True, None, []),
    ("unknown", line(10.0, False, first=True), None, 12.5, []),
    ("unknown", plays(10.0, True), None, None, []),
    ("unread", line(10.0, True), True, None, []),
    ("unread", line(10.0, False, first=True), None, 12.5, []),
    ("unread", plays(10.0, False), None, None, []),
    ("shining", line(10.0, True), True, None, []),
    ("shining", line(10.0, False), True, 12.5, []),
    ("shining", plays(10.0, False), True, 14.5, []),
    ("shining", plays(10.0, None), True, None, []),
    ("shining", plays(10.0, True), True, None, []),
    ("dark", line(10.0, True), True, 14.5, []),
    ("dark", line(10.0, False), False, 12.5, []),
    ("dark", plays(10.0, True), False, 14.5, []),
    ("dark", plays(10.0, None), False, None, []),
    ("dark", plays(10.0, False), False, None, []),
    ("burnt", line(10.0, True), True, None, [("lights.dark", False)]),
    ("burnt", line(10.0, False), False, 12.5, []),
    ("burnt", plays(10.0, False), False, None, [("lights.dark", False)]),
    ("burnt", plays(10.0, None), False, None, []),
    ("burnt", plays(10.0, True), False, None, []),
    ("welded", line(10.0, True), True, None, []),
    ("welded", line(10.0, False), True, 12.5, []),
    ("welded", plays(10.0, True), True, None, [("lights.stuck", False)]),
    ("welded", plays(10.0, None), True, None, []),
    ("welded", plays(10.0, False), True, None, []),
    *((state, press(10.0), lit, None, []) for state, lit in (("unknown", None), ("shining", True), ("dark", False), ("burnt", False))),
]


@pytest.mark.parametrize(("state", "event", "lit", "due", "told"), TABLE)
def test_every_state_answers_every_event(
    state: str, event: Event, lit: bool | None, due: float | None, told: list[tuple[str, bool]]
) -> None:
    bench = STATES[state]()
    outs = list(bench.part.handle(event))
    assert sense(bench).lit().get("bar") is lit
    assert bench.part.deadline == (math.inf if due is None else due)
    assert [(code, active) for _, code, active, _ in faults(outs)] == told


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(LightSense, STATES, ((state, type(event)) for state, event, *_ in TABLE))


# --- slow off ---------------------------------------------------------------------------------------------------------------------------


def test_a_flashing_bar_shines_all_the_time() -> None:
    """An hour of the show `test`, of which the line sees one lamp: half a second on, one and a half dark."""
    bench = made(plays(0.0, True))
    for n in range(1800):
        bench.feed(line(2.0 * n + 0.1, True), line(2.0 * n + 0.6, False))
    assert bench.all == [LightsSeen(0.1, "bar", True)]


def test_light_is_seen_at_once_and_darkness_when_it_lasts() -> None:
    bench = made(plays(0.0, True), line(1.0, True), plays(5.0, False), line(5.1, False))
    assert seen(bench.until(7.599)) == []
    assert seen(bench.until(9.0)) == [(5.1 + SLOW_OFF_S, "bar", False)]


def test_a_line_that_is_dark_at_first_is_believed_when_it_lasts_too() -> None:
    bench = made(line(0.0, False, first=True))
    assert sense(bench).lit() == {}
    assert seen(bench.until(9.0)) == [(SLOW_OFF_S, "bar", False)]
    assert bench.part.status(9.0) == {"lit": {"bar": False}, "lines": {"eye": False}}


def test_a_change_is_an_event_of_the_input_but_for_the_first_word() -> None:
    bench = made(line(0.0, True, first=True), line(1.0, False))
    assert of(Reported, bench.all) == []
    bench.until(9.0)
    report = one(Reported, bench.all)
    assert (report.at, report.lane, report.slot) == (3.5, Lane.EVENT, None)
    assert report.record == EventRecord(what="input", id="eye", active=False)
    bench.feed(line(10.0, True))
    assert [out.record for out in of(Reported, bench.all)][1:] == [EventRecord(what="input", id="eye", active=True)]


# --- faults -----------------------------------------------------------------------------------------------------------------------------


def test_lights_that_do_not_come_on_are_dark() -> None:
    bench = passed(made(line(0.0, False, first=True)), 10.0)
    bench.feed(plays(10.0, True))
    assert faults(bench.until(99.0)) == [(10.0 + PATIENCE_S, "lights.dark", True, BAR)]
    assert sense(bench).belies()
    assert faults(bench.feed(line(100.0, True))) == [(100.0, "lights.dark", False, "")]
    assert not sense(bench).belies()


def test_lights_that_go_out_while_they_are_played_are_dark() -> None:
    bench = made(plays(0.0, True), line(0.1, True), line(10.0, False))
    assert faults(bench.until(99.0)) == [(10.0 + SLOW_OFF_S + PATIENCE_S, "lights.dark", True, BAR)]


def test_lights_that_do_not_go_out_are_stuck_and_bely_nothing() -> None:
    bench = passed(made(plays(0.0, True), line(0.1, True), plays(10.0, False)), 99.0)
    assert faults(bench.all) == [(10.0 + PATIENCE_S, "lights.stuck", True, BAR)]
    assert not sense(bench).belies()
    bench.feed(line(100.0, False))
    assert faults(bench.until(102.4)) == faults(bench.all)[1:] == []
    assert faults(bench.until(110.0)) == [(102.5, "lights.stuck", False, "")]


def test_light_that_comes_by_itself_is_stuck() -> None:
    bench = passed(made(plays(0.0, False), line(0.0, False, first=True)), 10.0)
    bench.feed(line(10.0, True))
    assert faults(bench.until(99.0)) == [(14.5, "lights.stuck", True, BAR)]


def test_what_goes_on_and_off_as_it_should_is_never_a_fault() -> None:
    bench = made(line(0.0, False, first=True))
    for n in range(50):
        at = 10.0 * n + 5.0
        bench.feed(plays(at, True), line(at + 0.05, True), plays(at + 5.0, False), line(at + 5.15, False))
    assert faults(bench.all) == []


def test_while_nobody_knows_what_is_played_nothing_is_concluded() -> None:
    bench = passed(made(line(0.0, False, first=True)), 5.0)
    bench.feed(plays(5.0, True), plays(9.0, None))
    assert faults(bench.until(99.0)) == []
    bench.feed(plays(99.0, True))
    assert faults(bench.until(200.0)) == [(103.5, "lights.dark", True, BAR)]


def test_a_fault_stays_while_nobody_knows_and_goes_when_it_is_known_to_be_over() -> None:
    bench = STATES["burnt"]()
    bench.feed(plays(10.0, None), line(11.0, True))
    assert len(faults(bench.all)) == 1
    assert faults(bench.feed(plays(12.0, True))) == [(12.0, "lights.dark", False, "")]


def test_a_fault_that_turned_into_the_other_one_unseen_goes_too() -> None:
    """Stuck; then nobody knows what is played, and it goes dark; then light is played."""
    bench = STATES["welded"]()
    bench.feed(plays(10.0, None), line(11.0, False))
    assert faults(bench.feed(plays(20.0, True))) == [(20.0, "lights.stuck", False, "")]
    assert faults(bench.until(99.0)) == [(24.5, "lights.dark", True, BAR)]


def test_a_fault_that_becomes_the_other_one_is_told_as_that() -> None:
    """A burnt lamp, then a welded relay: the first goes before the second comes."""
    bench = STATES["burnt"]()
    bench.feed(line(20.0, True), plays(30.0, False))
    assert faults(bench.until(99.0)) == [(34.5, "lights.stuck", True, BAR)]
    assert [(code, active) for _, code, active, _ in faults(bench.all)] == [
        ("lights.dark", True),
        ("lights.dark", False),
        ("lights.stuck", True),
    ]


def test_every_group_that_is_dark_is_named() -> None:
    bench = passed(made(line(0.0, False, first=True), line(0.0, False, "work_eye", first=True)), 5.0)
    bench.feed(plays(5.0, True, False), plays(20.0, True, True))
    bench.until(99.0)
    work = "scene (as work_eye sees it)"
    assert faults(bench.all) == [
        (9.5, "lights.dark", True, BAR),
        *((24.5, "lights.dark", False, ""), (24.5, "lights.dark", True, f"{BAR}, {work}")),
    ]
    assert sense(bench).lit() == {"bar": False, "scene": False}


# --- which group ------------------------------------------------------------------------------------------------------------------------


def test_a_group_that_several_lines_watch_shines_when_one_sees_it_and_each_is_judged() -> None:
    second = Input(id="second", use=InputUse.LIGHT_SENSE, pin=22, senses="bar")
    bench = made(line(0.0, False, first=True), line(0.0, False, "second", first=True), plays(0.1, True), inputs=(EYE, second))
    bench.feed(line(0.2, True))
    bench.until(9.0)
    assert seen(bench.all) == [(0.2, "bar", True)]
    assert [detail for *_, detail in faults(bench.all)] == ["bar (as second sees it)"]
    assert sense(bench).lit() == {"bar": True}
    assert sense(bench).belies()


def test_a_line_that_names_no_group_watches_the_only_one() -> None:
    eye = Input(id="eye", use=InputUse.LIGHT_SENSE, pin=17)
    alone = Bench(LightSense((eye,), Shows((), OUTPUTS[:2])))
    alone.feed(line(0.0, True))
    assert sense(alone).lit() == {"bar": True}
    several = made(line(0.0, True), inputs=(eye,))
    assert sense(several).lit() == {}


@pytest.mark.parametrize("senses", ["left", None])
def test_a_line_that_watches_no_group_of_ours_is_passed_over(senses: str | None) -> None:
    bench = made(line(0.0, True), inputs=(Input(id="eye", use=InputUse.LIGHT_SENSE, pin=17, senses=senses),))
    assert (bench.all, bench.part.deadline) == ([], math.inf)


def test_only_lines_of_that_use_watch() -> None:
    bench = made(line(0.0, True), inputs=(Input(id="eye", use=InputUse.GENERIC, pin=17, senses="bar"),))
    assert bench.part.status(1.0) == {"lit": {}, "lines": {}}


STORIES = st.lists(st.tuples(st.floats(0.001, 8.0), st.sampled_from(["line", "plays"]), st.sampled_from([True, False, None])), max_size=40)


@given(STORIES)
def test_a_fault_never_stands_against_what_is_seen_and_played_and_always_comes_when_it_should(
    story: list[tuple[float, str, bool | None]],
) -> None:
    bench, at, played = made(inputs=(EYE,)), 0.0, None
    for wait_s, what, value in story:
        at += wait_s
        if what == "plays":
            played = value
        bench.feed(line(at, bool(value)) if what == "line" else plays(at, value))
        lit, standing = sense(bench).lit().get("bar"), {code for _, code, active, _ in faults(bench.all) if active}
        last = {code: next(active for _, other, active, _ in reversed(faults(bench.all)) if other == code) for code in standing}
        if played is not None and lit is not None:
            assert not last.get("lights.dark", False) or (played and not lit)
            assert not last.get("lights.stuck", False) or (lit and not played)
    bench.until(at + 60.0)
    lit = sense(bench).lit().get("bar")
    active = {code for code in ("lights.dark", "lights.stuck") if [a for _, c, a, _ in faults(bench.all) if c == code][-1:] == [True]}
    if played is not None and lit is not None:
        assert active == (set() if lit == played else {"lights.dark" if played else "lights.stuck"})

"""The cruise light: every rule × every event, the windows of a schedule, and who does not know the time or the place is lit."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Lights as LightsConfig
from agent.core.cruise import Cruise, within
from agent.core.effects import Note
from agent.core.events import Event, InputChanged, LightsAsked, Started, TimeLearned
from agent.core.part import Output
from agent.core.timebase import Timebase
from agent.wire.records import Pos
from tests.core.builders import UTC_MS, Bench, assert_covers, clock_read, of, press, told_time

XINING = Pos(36.6171, 101.7782, "3d", "gnss", 0)
HOUR = 3600.0
SUNSET = 8403.934
"""In Xining on 2027-01-15, the day of these tests, which begin at 16:00 local time; see test_sun."""
SUNRISE = -27_334.498 + 24 * HOUR
"""Of the next day, but for the minute by which days change."""


def ignition(at: float, active: bool, first: bool = False) -> InputChanged:
    """The key turns."""
    return InputChanged(at, "ignition", "ignition", active, at, first)


def made(
    rule: str, *windows: str, time: Timebase | None = None, here: Callable[[float], Pos | None] = lambda _at: XINING, start: float = 3.0
) -> Bench:
    """A cruise light that has started."""
    schedule = {"schedule": windows} if windows else {}
    bench = Bench(Cruise(LightsConfig(cruise=rule, **schedule), told_time() if time is None else time, here))  # type: ignore[arg-type]  # the words of the config
    bench.feed(Started(start))
    return bench


def asks(outs: list[Output]) -> list[tuple[float, bool]]:
    """When it asks for light, and when it gives it up."""
    found = of(LightsAsked, outs)
    assert {(out.by, out.show) for out in found} <= {("cruise", "cruise"), ("cruise", None)}
    return [(round(out.at, 3), out.show is not None) for out in found]


RULES = {
    "ignition": lambda: made("ignition"),
    "running": lambda: ran(made("ignition")),
    "always": lambda: made("always"),
    "never": lambda: made("never"),
    "schedule": lambda: made("schedule", "08:00-09:00"),
    "night": lambda: made("schedule", "15:00-17:00"),
}


def ran(bench: Bench) -> Bench:
    """With the key turned."""
    bench.feed(ignition(4.0, True))
    return bench


LIT = ("running", "always", "night")
AT = 10.0
TABLE: list[tuple[str, Event, bool]] = [
    *((rule, ignition(AT, True), rule in (*LIT, "ignition")) for rule in RULES),
    *((rule, ignition(AT, False), rule in LIT and rule != "running") for rule in RULES),
    *((rule, press(AT), rule in LIT) for rule in RULES),
    *((rule, Started(AT), rule in LIT) for rule in RULES),
    *((rule, TimeLearned(AT, UTC_MS), rule in LIT) for rule in RULES),
]


@pytest.mark.parametrize(("rule", "event", "lit"), TABLE)
def test_every_rule_answers_every_event(rule: str, event: Event, lit: bool) -> None:
    bench = RULES[rule]()
    was = bench.part.status(AT)["lit"]
    assert was is (rule in LIT)
    assert [active for _, active in asks(bench.feed(event))] == ([lit] if lit != was else [])
    assert bench.part.status(AT)["lit"] is lit


def test_the_table_covers_every_rule_and_every_event() -> None:
    assert_covers(Cruise, RULES, ((rule, type(event)) for rule, event, _ in TABLE))


@pytest.mark.parametrize("rule", ["ignition", "always", "never"])
def test_only_a_schedule_looks_at_the_clock(rule: str) -> None:
    assert made(rule).part.deadline == math.inf


# --- a schedule -------------------------------------------------------------------------------------------------------------------------


def test_a_window_begins_and_ends_on_the_minute() -> None:
    bench = made("schedule", "20:00-06:00")
    assert asks(bench.until(40 * HOUR)) == [(4 * HOUR, True), (14 * HOUR, False), (28 * HOUR, True), (38 * HOUR, False)]


def test_any_of_several_windows_gives_light() -> None:
    bench = made("schedule", "17:00-19:00", "18:00-20:00", "23:00-00:00")
    assert asks(bench.until(24 * HOUR)) == [(1 * HOUR, True), (4 * HOUR, False), (7 * HOUR, True), (8 * HOUR, False)]


def test_from_sunset_to_sunrise_it_is_lit_within_a_minute() -> None:
    bench = made("schedule")
    on, off = asks(bench.until(30 * HOUR))[:2]
    assert (on[1], off[1]) == (True, False)
    assert 0.0 <= on[0] - SUNSET <= 60.0
    assert abs(off[0] - SUNRISE) <= 90.0


def test_the_zone_of_the_unit_counts() -> None:
    bench = Bench(Cruise(LightsConfig(cruise="schedule", schedule=("08:00-09:00",)), told_time(), lambda _at: None, lambda _utc_ms: 0))
    assert asks(bench.feed(Started(3.0))) == [(3.0, True)]


def test_who_does_not_know_the_time_is_lit_and_says_so() -> None:
    time = Timebase()
    bench = made("schedule", "08:00-09:00", time=time)
    assert asks(bench.all) == [(3.0, True)]
    assert bench.part.status(3.0) == {"lit": True, "rule": "schedule", "why": "the time is not known"}
    assert [note.text for note in of(Note, bench.all)] == ["cruise light on: the time is not known"]
    assert asks(bench.until(500.0)) == []
    for at in (501.0, 502.0, 503.0):
        time.handle(clock_read(at))
    outs = bench.feed(TimeLearned(503.0, UTC_MS))
    assert asks(outs) == [(503.0, False)]
    assert [note.text for note in of(Note, outs)] == ["cruise light off: outside of the schedule"]


def test_without_a_clock_it_looks_each_minute_and_without_being_told() -> None:
    time = Timebase()
    bench = made("schedule", "08:00-09:00", time=time)
    time.handle(clock_read(10.0))
    assert asks(bench.until(62.9)) == []
    assert asks(bench.until(63.0)) == [(63.0, False)]


def test_who_does_not_know_where_he_is_cannot_know_the_sun() -> None:
    places: list[Pos | None] = [None, XINING]
    bench = made("schedule", here=lambda at: places[at >= 100.0])
    assert bench.part.status(3.0) == {"lit": True, "rule": "schedule", "why": "the position is not known"}
    assert asks(bench.until(200.0)) == [(120.0, False)]


def test_a_window_of_the_clock_needs_no_place() -> None:
    assert asks(made("schedule", "08:00-09:00", here=lambda _at: None).all) == []


def test_another_reason_is_noted_and_the_same_is_not() -> None:
    bench = made("schedule", "16:00-16:02", "16:02-17:00")
    bench.until(300.0)
    assert [(note.level, note.text) for note in of(Note, bench.all)] == [
        ("info", "cruise light on: 16:00-16:02"),
        ("info", "cruise light stays on: 16:02-17:00"),
    ]


def test_of_two_keys_one_is_enough() -> None:
    bench = made("ignition")
    bench.feed(ignition(1.0, True), InputChanged(2.0, "second", "ignition", False, 2.0, True))
    assert bench.part.status(3.0)["lit"] is True
    bench.feed(ignition(4.0, False))
    assert bench.part.status(5.0)["lit"] is False


def test_the_ignition_is_a_reason() -> None:
    bench = made("ignition")
    assert bench.part.status(3.0) == {"lit": False, "rule": "ignition", "why": None}
    bench.feed(ignition(4.0, True))
    assert bench.part.status(4.0)["why"] == "ignition on"
    bench.feed(ignition(5.0, False))
    assert bench.part.status(5.0)["why"] == "ignition off"
    assert made("always").part.status(5.0)["why"] == "always"


# --- windows ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("06:30-20:00", (6 * 3600 + 1800, 12 * 3600, 72_000 - 1), (0, 6 * 3600 + 1799, 72_000, 86_399)),
        ("20:00-06:30", (72_000, 86_399, 0, 6 * 3600 + 1799), (6 * 3600 + 1800, 71_999)),
        ("00:00-23:59", (0, 86_339), (86_340,)),
        ("07:15-07:15", (0, 7 * 3600 + 900, 86_399), ()),
    ],
)
def test_a_window_includes_its_begin_and_not_its_end(window: str, inside: tuple[int, ...], outside: tuple[int, ...]) -> None:
    assert all(within(window, second) for second in inside)
    assert not any(within(window, second) for second in outside)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 86_399))
def test_a_window_and_its_reverse_share_the_day(begin: int, end: int, second: int) -> None:
    there, back = (f"{a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}" for a, b in ((begin, end), (end, begin)))
    assert within(there, second) + within(back, second) == (2 if begin == end else 1)

"""Dark approach: dark or not × every show; reminders at their pace for the officer and the centre."""

import math
from collections.abc import Callable

import pytest

from agent.core.dark_approach import DarkApproach
from agent.core.events import Lane, LightsTurned, ReminderAsked, Reported
from agent.core.part import Output
from agent.wire.records import EventRecord
from tests.core.builders import Bench, assert_covers, of


def turned(at: float, show: str, by: str | None = "hand") -> LightsTurned:
    """That show has the lights."""
    return LightsTurned(at, show, by, {})


def made(*events: LightsTurned) -> Bench:
    """Reminded each ten minutes."""
    bench = Bench(DarkApproach(600.0))
    bench.feed(*events)
    return bench


def said(outs: list[Output]) -> list[tuple[float, bool | None, str | None]]:
    """When the centre is told what."""
    found = of(Reported, outs)
    assert all(out.lane is Lane.EVENT and out.slot is None for out in found)
    records = [(out.at, out.record) for out in found]
    assert all(isinstance(record, EventRecord) and (record.what, record.id) == ("lights", "dark_approach") for _, record in records)
    return [(at, record.active, record.detail) for at, record in records if isinstance(record, EventRecord)]


STATES: dict[str, Callable[..., Bench]] = {"lit": made, "dark": lambda: made(turned(1.0, "dark_approach", "task"))}
TABLE = [
    ("lit", turned(2.0, "dark_approach"), [(2.0, True, "by hand")], [], 602.0),
    ("lit", turned(2.0, "off"), [], [], math.inf),
    ("lit", turned(2.0, "response", "panic"), [], [], math.inf),
    ("dark", turned(2.0, "dark_approach"), [], [], 601.0),
    ("dark", turned(2.0, "off"), [(2.0, False, None)], [None], math.inf),
    ("dark", turned(2.0, "response", "panic"), [(2.0, False, None)], [None], math.inf),
]


@pytest.mark.parametrize(("state", "event", "told", "reminded", "due"), TABLE)
def test_every_state_answers_every_show(
    state: str, event: LightsTurned, told: list[tuple[float, bool, str]], reminded: list[str | None], due: float
) -> None:
    bench = STATES[state]()
    outs = bench.feed(event)
    assert said(outs) == told
    assert [out.about for out in of(ReminderAsked, outs)] == reminded
    assert bench.part.deadline == due


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(DarkApproach, STATES, ((state, type(event)) for state, event, *_ in TABLE))


def test_it_is_reminded_of_for_as_long_as_it_lasts() -> None:
    bench = made(turned(1.0, "dark_approach"))
    outs = bench.until(1900.0)
    assert [(out.at, out.about) for out in of(ReminderAsked, outs)] == [(n, "dark_approach") for n in (601.0, 1201.0, 1801.0)]
    assert said(outs) == [(601.0, True, "for 600 s"), (1201.0, True, "for 1200 s"), (1801.0, True, "for 1800 s")]
    bench.feed(turned(1900.0, "cruise"))
    assert bench.until(9000.0) == []


def test_the_next_one_counts_anew() -> None:
    bench = made(turned(1.0, "dark_approach"), turned(500.0, "off"), turned(700.0, "dark_approach"))
    assert [out.at for out in of(ReminderAsked, bench.until(1301.0)) if out.about] == [1300.0]

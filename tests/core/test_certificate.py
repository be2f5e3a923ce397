"""The certificate: every state × every event, and the days that are left."""

import pytest

from agent.core.certificate import DAY_MS, DAYS_FEW, LOOK_S, Certificate
from agent.core.events import CertificateSeen, Event, FaultSeen, TimeLearned
from agent.core.timebase import Timebase
from tests.core.builders import UTC_MS, Bench, assert_covers, of, one, told_time


def bench(time: Timebase, *events: Event) -> Bench:
    made = Bench(Certificate(time))
    made.feed(*events)
    return made


def ends_in(days: float, at: float = 10.0) -> CertificateSeen:
    return CertificateSeen(at, 1, UTC_MS + round(at * 1000) + round(days * DAY_MS))


STATES = {
    "without time": lambda: bench(Timebase()),
    "with time": lambda: bench(told_time()),
    "seen": lambda: bench(told_time(), ends_in(300, 5.0)),
}
EVENTS: list[tuple[Event, dict[str, bool]]] = [
    (ends_in(300), dict.fromkeys(STATES, False)),
    (ends_in(DAYS_FEW - 0.5), {"without time": False, "with time": True, "seen": True}),
    (ends_in(-3), {"without time": False, "with time": True, "seen": True}),
    (CertificateSeen(10.0, 1, None, "no such file"), dict.fromkeys(STATES, True)),
    (TimeLearned(10.0, UTC_MS), {"seen": False}),
]


@pytest.mark.parametrize(("name", "event", "said"), [(name, event, said) for event, said in EVENTS for name in STATES])
def test_every_state_answers_every_event(name: str, event: Event, said: dict[str, bool]) -> None:
    faults = of(FaultSeen, STATES[name]().feed(event))
    assert [(fault.code, fault.active) for fault in faults] == ([("link.certificate", said[name])] if name in said else [])


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Certificate, STATES, [(name, type(event)) for event, _ in EVENTS for name in STATES])


@pytest.mark.parametrize(("days", "left", "says"), [(300.5, 300, ""), (29.5, 29, "ends in 29 days"), (-2.5, -3, "ended 3 days ago")])
def test_the_days_are_whole_and_the_detail_tells_them(days: float, left: int, says: str) -> None:
    made = bench(told_time())
    assert says in str(one(FaultSeen, made.feed(ends_in(days))).detail)
    assert made.part.status(10.0) == {"days_left": left, "trouble": None}


def test_days_pass_without_any_news() -> None:
    made = bench(told_time(), ends_in(DAYS_FEW + 0.1))
    told = of(FaultSeen, made.until(10.0 + 4 * LOOK_S))
    assert [fault.active for fault in told] == [False, False, True, True]
    assert [fault.at for fault in told][:2] == [10.0 + LOOK_S, 10.0 + 2 * LOOK_S]


def test_without_a_certificate_nothing_is_said() -> None:
    assert bench(told_time()).until(86_400.0) == []
    assert bench(told_time()).part.status(1.0) == {"days_left": None, "trouble": None}

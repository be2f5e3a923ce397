"""The lease: with and without one × every order; it always ends, and what is refused is told why."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.events import LightsAsked, OrderAnswered, OrderGiven
from agent.core.light_lease import LightLease
from agent.wire.whys import Why, why
from tests.core.builders import Bench, assert_covers, of, one, order

AT = 100.0


def light_set(at: float, show: Any = "response", name: str = "o-1", **more: Any) -> OrderGiven:
    """The order, as it comes from the wire."""
    return OrderGiven(at, name, "light.set", {"show": show} | more)


def refuses(by: str, show: str) -> Why | None:
    """Everything is fine, but for one show."""
    assert by == "remote"
    return why("lights_taken", row="hand", show="scene") if show == "refused" else None


def none() -> Bench:
    """Nobody has asked."""
    return Bench(LightLease(refuses))


def lent() -> Bench:
    """Lent from 90 to 110."""
    bench = none()
    bench.feed(light_set(90.0, "cruise", "o-0", lease_s=20.0))
    return bench


STATES = {"none": (none, math.inf), "lent": (lent, 110.0)}
TABLE: list[tuple[OrderGiven, str | None, float | None, list[str | None]]] = [
    (light_set(AT), "done", AT + 30.0, ["response"]),
    (light_set(AT, lease_s=30), "done", AT + 30.0, ["response"]),
    (light_set(AT, lease_s=0.5), "done", AT + 0.5, ["response"]),
    (light_set(AT, None), "done", math.inf, [None]),
    (light_set(AT, None, lease_s=5.0), "done", math.inf, [None]),
    (light_set(AT, "refused"), "failed", None, []),
    (light_set(AT, lease_s=30.001), "failed", None, []),
    (light_set(AT, lease_s=0), "failed", None, []),
    (light_set(AT, lease_s=-1), "failed", None, []),
    (light_set(AT, lease_s="long"), "failed", None, []),
    (light_set(AT, 7), "failed", None, []),
    (OrderGiven(AT, "o-1", "light.set", {}), "failed", None, []),
    (order(AT, "alarm.ack", "a-1"), None, None, []),
]
"""Order, the label of its answer, when the lease ends then (None: as before), what is asked of the lights."""


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("given_order", "label", "ends_at", "asks"), TABLE)
def test_every_state_answers_every_order(
    state: str, given_order: OrderGiven, label: str | None, ends_at: float | None, asks: list[str | None]
) -> None:
    make, before = STATES[state]
    bench = make()
    outs = bench.feed(given_order)
    assert [out.label for out in of(OrderAnswered, outs)] == ([label] if label else [])
    assert [(out.at, out.by, out.show) for out in of(LightsAsked, outs)] == [(AT, "remote", show) for show in asks]
    assert bench.part.deadline == (before if ends_at is None else ends_at)


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(LightLease, STATES, ((state, type(event)) for event, *_ in TABLE for state in STATES))


def test_a_lease_ends_by_itself_at_its_time_and_once() -> None:
    bench = lent()
    assert bench.until(109.999) == []
    assert bench.until(500.0) == [LightsAsked(110.0, "remote", None)]


def test_a_lease_that_is_renewed_goes_on_from_there() -> None:
    bench = lent()
    bench.feed(light_set(105.0, lease_s=10))
    assert bench.until(200.0) == [LightsAsked(115.0, "remote", None)]


def test_a_refused_order_leaves_the_lease_that_runs() -> None:
    bench = lent()
    bench.feed(light_set(105.0, "refused"))
    assert bench.until(200.0) == [LightsAsked(110.0, "remote", None)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"show": "refused"}, "hand has the lights, with scene"),
        ({"show": "response", "lease_s": 31}, "malformed: Expected `float` <= 30.0 - at `$.lease_s`"),
        ({"show": 7}, "malformed: Expected `str | null`, got `int` - at `$.show`"),
        ({}, "malformed: Object missing required field `show`"),
    ],
)
def test_what_is_refused_is_told_why(body: dict[str, Any], reason: str) -> None:
    answer = one(OrderAnswered, none().feed(OrderGiven(AT, "o-9", "light.set", body)))
    assert (answer.at, answer.order, answer.label, answer.reason) == (AT, "o-9", "failed", reason)


STORIES = st.lists(
    st.tuples(st.floats(0.0, 40.0), st.sampled_from(["response", "refused", None, 3]), st.floats(-1.0, 40.0, allow_nan=False)), max_size=20
)


@given(STORIES)
def test_a_remote_lease_always_ends_within_half_a_minute_of_the_last_order(story: list[tuple[float, Any, float]]) -> None:
    bench, at = none(), 0.0
    for wait_s, show, lease_s in story:
        at += wait_s
        bench.feed(light_set(at, show, lease_s=lease_s))
        assert bench.part.deadline <= at + 30.0 or bench.part.deadline == math.inf
    bench.until(at + 30.0)
    assert bench.part.deadline == math.inf
    assert ([out.show for out in of(LightsAsked, bench.all)] or [None])[-1] is None

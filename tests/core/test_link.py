"""The link: every state × every event."""

from collections.abc import Callable

import pytest

from agent.core.events import (
    Acked,
    AlarmChanged,
    Event,
    LinkStalled,
    SpoolDown,
    Started,
    StopRequested,
    Subscribed,
)
from agent.core.link import Link
from tests.core.builders import assert_covers, link_down, link_up, spool_opened, types
from tests.core.link_states import AT, STATES, state

ATTEMPT = {"connecting 4": 2}

UP = ["StateChanged", "Subscribe", "Note"]
RULES: list[tuple[Callable[[int], Event], dict[str, tuple[list[str], str]]]] = [
    # the event by the number of the attempt; in which states something comes of it, and the state then
    (lambda n: link_up(AT, n), dict.fromkeys(["connecting 5", "connecting 4"], (UP, "online"))),
    (lambda n: link_up(AT, n - 1), {}),
    (lambda n: link_up(AT, n + 1), {}),
    (lambda n: link_down(AT, n), dict.fromkeys(["connecting 5", "connecting 4", "online", "subscribed"], (["Note"], "waiting"))),
    (lambda n: link_down(AT, n - 1), {}),
    (
        lambda n: link_down(AT, n, wrong_protocol=True),
        {
            "connecting 5": (["Note", "Remember"], "waiting"),
            "connecting 4": (["Note"], "waiting"),
            "online": (["Note", "Remember"], "waiting"),
            "subscribed": (["Note", "Remember"], "waiting"),
        },
    ),
    (lambda _n: LinkStalled(AT, "nothing"), dict.fromkeys(["online", "subscribed"], (["Disconnect", "LinkDown", "Note"], "waiting"))),
    (lambda _n: Acked(AT, 1), dict.fromkeys(["online", "subscribed"], (["FaultSeen"], "online"))),
    (lambda n: Subscribed(AT, n), dict.fromkeys(["online", "subscribed"], (["FaultSeen"], "online"))),
    (lambda n: Subscribed(AT, n + 1), {}),
    (lambda _n: AlarmChanged(AT, "a", "raised", "silent"), {}),
    (lambda _n: AlarmChanged(AT, "a", "cleared", "silent"), {}),
    (lambda _n: spool_opened(AT), {"first": (["Connect"], "connecting")}),
    (lambda _n: SpoolDown(AT, "full"), {"first": (["Connect"], "connecting")}),
    (lambda _n: StopRequested(AT, "SIGTERM"), dict.fromkeys(["online", "subscribed"], (["StateChanged"], "online"))),
]
SILENT = {
    "first": "waiting",
    "connecting 5": "connecting",
    "connecting 4": "connecting",
    "waiting": "waiting",
    "online": "online",
    "subscribed": "online",
    "ended": "ended",
}
CASES = [(name, rule(ATTEMPT.get(name, 1)), *outcome.get(name, ([], SILENT[name]))) for rule, outcome in RULES for name in STATES]


@pytest.mark.parametrize(("name", "event", "outs", "then"), CASES)
def test_every_state_answers_every_event(name: str, event: Event, outs: list[str], then: str) -> None:
    bench = STATES[name]()
    assert types(bench.feed(event)) == outs
    assert state(bench) == then


def test_the_table_covers_every_state_and_every_event() -> None:
    once = [(name, Started) for name in STATES]  # a boot starts once
    assert_covers(Link, STATES, [*((name, type(event)) for name, event, _, _ in CASES), *once])


def test_only_news_of_the_present_attempt_is_heard() -> None:
    for name, attempt, up, down in (
        ("connecting 5", 1, True, True),
        ("connecting 5", 0, False, False),
        ("online", 1, False, True),
        ("waiting", 1, False, False),
        ("ended", 1, False, False),
    ):
        part = STATES[name]().part
        assert isinstance(part, Link)
        assert (part.hears(link_up(AT, attempt)), part.hears(link_down(AT, attempt))) == (up, down)
        assert part.hears(Started(AT))

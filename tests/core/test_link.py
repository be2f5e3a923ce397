"""The link: every state × every event."""

from collections.abc import Callable

import pytest

from agent.core.endpoints import RETURN_S
from agent.core.events import (
    Acked,
    AlarmChanged,
    CertificateSeen,
    Event,
    LinkStalled,
    OutageAsked,
    Probed,
    SpoolDown,
    Started,
    StopRequested,
    Subscribed,
)
from agent.core.link import Link
from tests.core.builders import ENDPOINT, assert_covers, link_down, link_up, spool_opened, types
from tests.core.link_states import AT, STATES, state

ATTEMPT = {"connecting 4": 2, "away": 2, "returning": 3}
ONLINE = ("online", "subscribed", "away")

UP = ["StateChanged", "Subscribe", "Note"]
RULES: list[tuple[Callable[[float, int], Event], dict[str, tuple[list[str], str]]]] = [
    # the event by its time and the number of the attempt; in which states something comes of it, and the state then
    (link_up, dict.fromkeys(["connecting 5", "connecting 4", "returning"], (UP, "online"))),
    (lambda at, n: link_up(at, n - 1), {}),
    (lambda at, n: link_up(at, n + 1), {}),
    (link_down, dict.fromkeys(["connecting 5", "connecting 4", "returning", *ONLINE], (["Note"], "waiting"))),
    (lambda at, n: link_down(at, n - 1), {}),
    (
        lambda at, n: link_down(at, n, wrong_protocol=True),
        {"connecting 4": (["Note"], "waiting")}
        | dict.fromkeys(["connecting 5", "returning", *ONLINE], (["Note", "Remember"], "waiting")),
    ),
    (lambda at, _n: LinkStalled(at, "nothing"), dict.fromkeys(ONLINE, (["Disconnect", "LinkDown", "Note"], "waiting"))),
    (lambda at, _n: Acked(at, 1), dict.fromkeys(["online", "subscribed"], (["FaultSeen"], "online"))),
    (Subscribed, dict.fromkeys(ONLINE, (["FaultSeen"], "online"))),
    (lambda at, n: Subscribed(at, n + 1), {}),
    (lambda at, _n: AlarmChanged(at, "a", "raised", "silent"), dict.fromkeys(ONLINE, (["WatchLink"], "online"))),
    (lambda at, _n: AlarmChanged(at, "a", "cleared", "silent"), {}),
    (lambda at, _n: spool_opened(at), {"first": (["Connect"], "connecting")}),
    (lambda at, _n: SpoolDown(at, "full"), {"first": (["Connect"], "connecting")}),
    (lambda at, _n: Probed(at, ENDPOINT, True), {}),  # what comes of it comes at its own time: test_link_return
    (lambda at, _n: Probed(at, ENDPOINT, False, "refused"), {}),
    (lambda at, _n: CertificateSeen(at, 1), {}),
    (lambda at, _n: OutageAsked(at, at + 30), dict.fromkeys(ONLINE, (["Disconnect", "LinkDown", "Note"], "waiting"))),
    (lambda at, _n: OutageAsked(at, at), {}),  # a waiting one acts at its deadline, which is now
    (lambda at, _n: StopRequested(at, "SIGTERM"), dict.fromkeys(ONLINE, (["StateChanged"], "online"))),
]
SILENT = {
    "first": "waiting",
    "connecting 5": "connecting",
    "connecting 4": "connecting",
    "waiting": "waiting",
    "online": "online",
    "subscribed": "online",
    "away": "online",
    "returning": "connecting",
    "ended": "ended",
}
LATER = {"returning": AT + RETURN_S}
CASES = [
    (name, rule(LATER.get(name, AT), ATTEMPT.get(name, 1)), *outcome.get(name, ([], SILENT[name])))
    for rule, outcome in RULES
    for name in STATES
]


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

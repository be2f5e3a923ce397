"""Setup: all states × all events."""

import pytest

from agent.core.events import Event, Fix, FixMode, ReceiverDown, ReceiverHeard, ReceiverSpoke, ReceiverUp, Sky
from agent.core.setup import Setup, State
from tests.core.builders import assert_covers
from tests.core.setup_talk import STATES


@pytest.mark.parametrize("state", STATES)
def test_the_states_of_this_test_are_the_parts(state: str) -> None:
    assert STATES[state]().setup.state.value == state
    assert {one.value for one in State} == set(STATES)


SPOKE_ITSELF, SPOKE_OTHER, SPOKE = "itself", "other", "spoke"
TABLE: list[tuple[str, str, type[Event], str]] = []
for _state in STATES:
    _off = _state == "off"
    TABLE += [
        (_state, "up", ReceiverUp, "off" if _off else "away"),
        (_state, "down", ReceiverDown, "off" if _off else "away"),
        (_state, SPOKE, ReceiverSpoke, _state),
        (_state, SPOKE_ITSELF, ReceiverSpoke, "sending" if _state == "asking" else _state),
        (_state, SPOKE_OTHER, ReceiverSpoke, "off" if _off else "given_up"),
        (_state, "one fix", Fix, _state),
        (_state, "one sky", Sky, _state),
        (_state, "garbage", ReceiverHeard, _state),
        (_state, "sentences", ReceiverHeard, {"away": "listening", "returning": "sending"}.get(_state, _state)),
        (_state, "new speed", ReceiverHeard, {"away": "listening", "trying": "sending"}.get(_state, _state)),
        (_state, "own kind", ReceiverHeard, {"away": "listening", "asking": "sending", "returning": "sending"}.get(_state, _state)),
    ]


def event(what: str, at: float) -> Event:
    return {
        "up": ReceiverUp(at, "/dev/x"),
        "down": ReceiverDown(at, "/dev/x", "gone"),
        SPOKE: ReceiverSpoke(at, "ANTENNA?"),
        SPOKE_ITSELF: ReceiverSpoke(at, "SW=5,V2"),
        SPOKE_OTHER: ReceiverSpoke(at, "this is another make"),
        "one fix": Fix(at, FixMode.NONE),
        "one sky": Sky(at, ()),
        "garbage": ReceiverHeard(at, 0, {"noise": 9}, baud=9600),
        "sentences": ReceiverHeard(at, 5, {}, baud=9600),
        "new speed": ReceiverHeard(at, 5, {}, baud=115200),
        "own kind": ReceiverHeard(at, 5, {}, {}, {"PTEST": 1}, 9600),
    }[what]


@pytest.mark.parametrize(("state", "what", "_kind", "then"), TABLE)
def test_every_state_answers_every_event(state: str, what: str, _kind: type[Event], then: str) -> None:
    talk = STATES[state]()
    if talk.part.deadline <= (at := max(talk.at, 97.21)):
        at = talk.part.deadline - 0.01
    outs = talk.feed(event(what, at))
    assert talk.setup.state.value == then
    if then == "off" or what in ("up", "down", "one fix", "one sky", "garbage"):
        assert outs == []


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Setup, STATES, ((state, kind) for state, _, kind, _ in TABLE))


@pytest.mark.parametrize(
    ("state", "then"),
    [
        *(("listening", "asking"), ("asking", "asking"), ("sending", "sending"), ("trying", "returning"), ("returning", "watching")),
        *(("waiting", "sending"), ("given_up", "given_up")),
    ],
)
def test_every_state_with_a_deadline_goes_on(state: str, then: str) -> None:
    talk = STATES[state]()
    if state != "given_up":
        talk.until(talk.part.deadline)
    assert talk.setup.state.value == then

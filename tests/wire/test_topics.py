"""`agent.wire.topics`: what is built can be taken apart; what a stranger made up is none of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire import topics
from agent.wire.orders import DOWN
from agent.wire.records import STATE, UP

ROOTS = st.from_regex(topics.ROOT, fullmatch=True)
NAMES = st.from_regex(topics.NAME, fullmatch=True)
KINDS = st.from_regex(topics.KIND, fullmatch=True)


@given(ROOTS, NAMES, KINDS)
def test_what_is_built_can_be_taken_apart(root: str, who: str, what: str) -> None:
    assert topics.parse(root, topics.up(root, who, what)) == ("u", who, "up", what)
    assert topics.parse(root, topics.state(root, who, what)) == ("u", who, "state", what)
    assert topics.parse(root, topics.down(root, who, what)) == ("u", who, "down", what)
    assert topics.parse(root, topics.group_down(root, who, what)) == ("g", who, "down", what)


@given(ROOTS, st.text(max_size=60))
def test_a_topic_is_taken_apart_without_loss_or_not_at_all(root: str, rest: str) -> None:
    parsed = topics.parse(root, f"{root}/{rest}")
    assert parsed is None or f"{root}/{'/'.join(parsed)}" == f"{root}/{rest}"


def test_every_kind_of_the_contract_is_a_word_of_a_topic() -> None:
    assert [kind for kind in (*UP, *STATE, *DOWN) if not topics.KIND.fullmatch(kind)] == []


@pytest.mark.parametrize(
    "topic",
    [
        *("", "/", "outpost/v1", "outpost/v1/", "outpost/v1x/u/a/up/alarm", "outpost/v2/u/a/up/alarm", "/outpost/v1/u/a/up/alarm"),
        *("outpost/v1/u/a/up", "outpost/v1/u/a/up/", "outpost/v1/u//up/alarm", "outpost/v1/u/a/up/alarm/", "outpost/v1/u/a/up/alarm/more"),
        *("outpost/v1/u/a/sideways/alarm", "outpost/v1/x/a/up/alarm", "outpost/v1/g/a/up/alarm", "outpost/v1/g/a/state/io"),
        *("outpost/v1/u/+/up/alarm", "outpost/v1/u/a/up/+", "outpost/v1/u/a/up/#", "outpost/v1/#", "outpost/v1/u/a/down/#"),
        *("$SYS/broker/uptime", "$share/g/outpost/v1/u/a/up/alarm", "outpost/v1/u/a/down/alarm\0ack", "outpost/v1/u/a\n/down/alarm.ack"),
        *("outpost/v1/u/a/down/alarm.ack\n", "outpost/v1/u/" + "a" * 33 + "/down/alarm.ack", "outpost/v1/u/车/down/alarm.ack"),
        *("outpost/v1/u/a/down/" + "x" * 65, "outpost/v1/u/a/desired/", "outpost/v1/u/a/desired//blob", "outpost/v1/u/../down/x"),
    ],
)
def test_a_hostile_or_foreign_topic_is_none_of_ours(topic: str) -> None:
    assert topics.parse("outpost/v1", topic) is None


def test_only_desired_state_has_names_of_several_words() -> None:
    assert topics.parse("outpost/v1", "outpost/v1/g/east/desired/plan/blob") == ("g", "east", "desired", "plan/blob")
    assert topics.parse("outpost/v1", "outpost/v1/u/a/down/plan/blob") is None


def test_a_unit_reads_its_own_and_its_groups_and_nothing_else() -> None:
    assert topics.subscriptions("r", "a", ("east", "night")) == (
        *("r/u/a/down/+", "r/u/a/desired/#"),
        *("r/g/east/down/+", "r/g/east/desired/#", "r/g/night/down/+", "r/g/night/desired/#"),
    )

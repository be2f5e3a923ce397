"""The panic part: every state × every event."""

import pytest

from agent.core.panic import Panic
from tests.core.builders import assert_covers
from tests.core.panic_states import EVENTS, STATES, short, summary

IDLE = (
    *("ignition", "cancel, let go", "other held", "other order", "other action"),
    *("remembered", "left, other", "stored only", "acked only", "learned"),
)
"""These change nothing, in no state."""

TABLE: dict[str, dict[tuple[str, ...], str]] = {
    # in this state, these events: what comes out -> what is so then, if that is another
    "quiet": {
        ("down", "up", "cancel", "opened", "left", "linked"): "",
        ("held", "held 5 s"): "remember 1, raised, alarm raised, light response, lamp raised -> raised 1",
        ("held 30 s",): "panic.stuck on",
        ("ack", "ack auto", "ack unknown", "clear", "clear unknown"): "order failed",
        ("test order",): "order accepted, mark test, lamp test -> none test",
        ("walk",): "mark test, answer, lamp test -> none test",
        ("stop",): "answer",
        ("cancel action",): "refused",
        ("opened, older", "opened, ours"): "remember 1, repeated, alarm raised, light response, lamp raised -> raised 1",
        ("opened, older seen",): "remember 1, acknowledged, alarm acknowledged, light response, lamp acknowledged -> acknowledged 1",
        ("opened, test",): "unmark test, test cleared, test alarm cleared, selftest failed by restart",
    },
    "down": {
        ("down", "up", "cancel", "opened", "left", "linked"): "",
        ("held", "held 5 s"): "remember 1, raised, alarm raised, light response, lamp raised -> raised 1",
        ("held 30 s",): "panic.stuck on",
        ("ack", "ack auto", "ack unknown", "clear", "clear unknown"): "order failed",
        ("test order",): "order accepted, mark test, lamp test -> none test",
        ("walk",): "mark test, answer, lamp test -> none test",
        ("stop",): "answer",
        ("cancel action",): "refused",
        ("opened, older", "opened, ours"): "remember 1, repeated, alarm raised, light response, lamp raised -> raised 1",
        ("opened, older seen",): "remember 1, acknowledged, alarm acknowledged, light response, lamp acknowledged -> acknowledged 1",
        ("opened, test",): "unmark test, test cleared, test alarm cleared, selftest failed by restart",
    },
    "raised": {
        ("down", "up"): "",
        ("held", "held 5 s"): "remember 1, repeated, alarm raised",
        ("held 30 s",): "panic.stuck on",
        ("cancel",): "remember 1, cancel_requested, alarm cancel_requested",
        ("ack",): "remember 1, acknowledged, alarm acknowledged, order done, lamp acknowledged -> acknowledged 1",
        ("ack auto",): "remember 1, order done, lamp received",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember none, cleared, alarm cleared, order done, light none, lamp none -> none",
        ("walk",): "refused",
        ("stop",): "answer",
        ("cancel action",): "remember 1, cancel_requested, alarm cancel_requested, answer",
        ("opened", "opened, ours"): "remember 1",
        ("opened, older",): "remember 2, repeated, alarm raised -> raised 2",
        ("opened, older seen",): "remember 2, acknowledged, alarm acknowledged -> raised 2",
        ("opened, test",): "remember 1, unmark test, test cleared, test alarm cleared, selftest failed by restart",
        ("left",): "lamp sent",
        ("linked",): "repeated volatile",
    },
    "sent": {
        ("down", "up", "left"): "",
        ("held", "held 5 s"): "remember 1, repeated, alarm raised, lamp raised",
        ("held 30 s",): "panic.stuck on",
        ("cancel",): "remember 1, cancel_requested, alarm cancel_requested",
        ("ack",): "remember 1, acknowledged, alarm acknowledged, order done, lamp acknowledged -> acknowledged 1",
        ("ack auto",): "remember 1, order done, lamp received",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember none, cleared, alarm cleared, order done, light none, lamp none -> none",
        ("walk",): "refused",
        ("stop",): "answer",
        ("cancel action",): "remember 1, cancel_requested, alarm cancel_requested, answer",
        ("opened", "opened, ours"): "remember 1",
        ("opened, older",): "remember 2, repeated, alarm raised, lamp raised -> raised 2",
        ("opened, older seen",): "remember 2, acknowledged, alarm acknowledged -> raised 2",
        ("opened, test",): "remember 1, unmark test, test cleared, test alarm cleared, selftest failed by restart",
        ("linked",): "repeated volatile",
    },
    "received": {
        ("down", "up", "left"): "",
        ("held", "held 5 s"): "remember 1, repeated, alarm raised, lamp raised",
        ("held 30 s",): "panic.stuck on",
        ("cancel",): "remember 1, cancel_requested, alarm cancel_requested",
        ("ack",): "remember 1, acknowledged, alarm acknowledged, order done, lamp acknowledged -> acknowledged 1",
        ("ack auto",): "order done",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember none, cleared, alarm cleared, order done, light none, lamp none -> none",
        ("walk",): "refused",
        ("stop",): "answer",
        ("cancel action",): "remember 1, cancel_requested, alarm cancel_requested, answer",
        ("opened", "opened, ours"): "remember 1",
        ("opened, older",): "remember 2, repeated, alarm raised, lamp raised -> raised 2",
        ("opened, older seen",): "remember 2, acknowledged, alarm acknowledged -> raised 2",
        ("opened, test",): "remember 1, unmark test, test cleared, test alarm cleared, selftest failed by restart",
        ("linked",): "repeated volatile",
    },
    "acknowledged": {
        ("down", "up", "left", "linked"): "",
        ("held", "held 5 s"): "remember 1, repeated, alarm raised, lamp raised -> raised 1",
        ("held 30 s",): "panic.stuck on",
        ("cancel",): "remember 1, cancel_requested, alarm cancel_requested",
        ("ack", "ack auto"): "order done",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember none, cleared, alarm cleared, order done, light none, lamp none -> none",
        ("walk",): "refused",
        ("stop",): "answer",
        ("cancel action",): "remember 1, cancel_requested, alarm cancel_requested, answer",
        ("opened", "opened, ours"): "remember 1",
        ("opened, older",): "remember 2, repeated, alarm raised, lamp raised -> acknowledged 2",
        ("opened, older seen",): "remember 2, acknowledged, alarm acknowledged -> acknowledged 2",
        ("opened, test",): "remember 1, unmark test, test cleared, test alarm cleared, selftest failed by restart",
    },
    "two": {
        ("down", "up", "left"): "",
        ("held", "held 5 s"): "remember 2, repeated, alarm raised",
        ("held 30 s",): "panic.stuck on",
        ("cancel",): "remember 2, cancel_requested, alarm cancel_requested, cancel_requested, alarm cancel_requested",
        ("ack",): "remember 2, acknowledged, alarm acknowledged, order done -> acknowledged 2",
        ("ack auto",): "remember 2, order done",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember 1, cleared, alarm cleared, order done -> raised 1",
        ("walk",): "refused",
        ("stop",): "answer",
        ("cancel action",): "remember 2, cancel_requested, alarm cancel_requested, cancel_requested, alarm cancel_requested, answer",
        ("opened", "opened, older", "opened, older seen", "opened, ours"): "remember 2",
        ("opened, test",): "remember 2, unmark test, test cleared, test alarm cleared, selftest failed by restart",
        ("linked",): "repeated volatile, repeated volatile",
    },
    "silent": {
        ("down", "up", "cancel", "left"): "",
        ("held", "held 5 s"): "remember 1, repeated, alarm raised",
        ("held 30 s",): "panic.stuck on",
        ("ack",): "remember 1, acknowledged, alarm acknowledged, order done -> acknowledged 1",
        ("ack auto",): "remember 1, order done",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember none, cleared, alarm cleared, order done -> none",
        ("walk",): "mark test, answer, lamp test -> raised 1 test",
        ("stop",): "answer",
        ("cancel action",): "refused",
        ("opened", "opened, ours"): "remember 1",
        ("opened, older",): "remember 2, repeated, alarm raised, light response, lamp raised -> raised 2",
        ("opened, older seen",): "remember 2, acknowledged, alarm acknowledged, light response, lamp acknowledged -> raised 2",
        ("opened, test",): "remember 1, unmark test, test cleared, test alarm cleared, selftest failed by restart",
        ("linked",): "repeated volatile",
    },
    "stuck": {
        ("down", "held", "held 5 s", "held 30 s"): "",
        ("up",): "panic.stuck off",
        ("cancel",): "remember 1, cancel_requested, alarm cancel_requested",
        ("ack",): "remember 1, acknowledged, alarm acknowledged, order done, lamp acknowledged -> acknowledged 1",
        ("ack auto",): "remember 1, order done, lamp received",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember none, cleared, alarm cleared, order done, light none, lamp none -> none",
        ("walk",): "refused",
        ("stop",): "answer",
        ("cancel action",): "remember 1, cancel_requested, alarm cancel_requested, answer",
        ("opened", "opened, ours"): "remember 1",
        ("opened, older",): "remember 2, repeated, alarm raised -> raised 2",
        ("opened, older seen",): "remember 2, acknowledged, alarm acknowledged -> raised 2",
        ("opened, test",): "remember 1, unmark test, test cleared, test alarm cleared, selftest failed by restart",
        ("left",): "lamp sent",
        ("linked",): "repeated volatile",
    },
    "testing": {
        ("down", "up", "cancel", "left", "linked"): "",
        ("held",): "mark test, test raised, test alarm raised, lamp raised",
        ("held 5 s",): "remember 1, raised, alarm raised, unmark test, selftest failed by alarm, light response, lamp raised -> raised 1",
        ("held 30 s",): "panic.stuck on",
        ("ack", "ack auto", "ack unknown", "clear", "clear unknown", "test order"): "order failed",
        ("walk", "cancel action"): "refused",
        ("stop",): "unmark test, selftest failed by stopped, answer, lamp none -> none",
        ("opened",): "mark test",
        (
            "opened, older",
            "opened, ours",
        ): "remember 1, repeated, alarm raised, mark test, unmark test, selftest failed by alarm, light response, lamp raised -> raised 1",
        ("opened, older seen",): (
            "remember 1, acknowledged, alarm acknowledged, mark test, unmark test, selftest failed by alarm, "
            "light response, lamp acknowledged -> acknowledged 1"
        ),
        ("opened, test",): "mark test, test cleared, test alarm cleared, selftest failed by restart",
    },
    "tried": {
        ("down", "up", "held", "cancel"): "",
        ("held 5 s",): (
            "remember 1, raised, alarm raised, unmark test, test cleared, test alarm cleared, selftest failed by alarm, "
            "light response -> raised 1"
        ),
        ("held 30 s",): "panic.stuck on",
        ("ack",): "order done, mark test, test acknowledged, test alarm acknowledged, lamp acknowledged",
        ("ack auto",): "order done, mark test, lamp received",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "order done, mark test, test cleared, test alarm cleared, lamp acknowledged",
        ("walk", "cancel action"): "refused",
        ("stop",): "unmark test, test cleared, test alarm cleared, selftest failed by stopped, answer, lamp none -> none",
        ("opened",): "mark test",
        (
            "opened, older",
            "opened, ours",
        ): (
            "remember 1, repeated, alarm raised, mark test, unmark test, test cleared, test alarm cleared, "
            "selftest failed by alarm, light response -> raised 1"
        ),
        ("opened, older seen",): (
            "remember 1, acknowledged, alarm acknowledged, mark test, unmark test, test cleared, test alarm cleared, "
            "selftest failed by alarm, light response, lamp acknowledged -> acknowledged 1"
        ),
        ("opened, test",): "mark test, test cleared, test alarm cleared, selftest failed by restart",
        ("left",): "lamp sent",
        ("linked",): "test repeated volatile",
    },
    "silent, testing": {
        ("down", "up", "cancel", "left"): "",
        ("held", "held 5 s"): "remember 1, repeated, alarm raised",
        ("held 30 s",): "panic.stuck on",
        ("ack",): "remember 1, acknowledged, alarm acknowledged, order done -> acknowledged 1 test",
        ("ack auto",): "remember 1, order done",
        ("ack unknown", "clear unknown", "test order"): "order failed",
        ("clear",): "remember none, cleared, alarm cleared, order done -> none test",
        ("walk", "cancel action"): "refused",
        ("stop",): "unmark test, selftest failed by stopped, answer, lamp none -> raised 1",
        ("opened", "opened, ours"): "remember 1, mark test",
        (
            "opened, older",
        ): "remember 2, repeated, alarm raised, mark test, unmark test, selftest failed by alarm, light response, lamp raised -> raised 2",
        ("opened, older seen",): (
            "remember 2, acknowledged, alarm acknowledged, mark test, unmark test, selftest failed by alarm, "
            "light response, lamp acknowledged -> raised 2"
        ),
        ("opened, test",): "remember 1, mark test, test cleared, test alarm cleared, selftest failed by restart",
        ("linked",): "repeated volatile",
    },
}

CASES = [(state, event, words) for state, rows in TABLE.items() for events, words in rows.items() for event in events]
CASES += [(state, event, "") for state in STATES for event in IDLE]


@pytest.mark.parametrize(("state", "event", "words"), CASES)
def test_every_state_answers_every_event(state: str, event: str, words: str) -> None:
    bench = STATES[state]()
    before = summary(bench)
    outs = ", ".join(short(bench.feed(EVENTS[event])))
    after = summary(bench)
    assert (outs if after == before else f"{outs} -> {after}") == words


def test_the_table_covers_every_state_and_every_event() -> None:
    assert {(state, event) for state, event, _ in CASES} == {(state, event) for state in STATES for event in EVENTS}
    assert len(CASES) == len(STATES) * len(EVENTS)
    assert_covers(Panic, STATES, ((state, type(EVENTS[event])) for state, event, _ in CASES))

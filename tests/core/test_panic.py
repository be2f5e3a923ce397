"""The panic part: every state × every event."""

import pytest

from agent.core.events import (
    Event,
    InputChanged,
    Remembered,
    ReportLeft,
    TimeLearned,
)
from agent.core.panic import MEMORY, Panic
from tests.core.builders import (
    BOOT,
    UTC_MS,
    assert_covers,
    link_up,
    order,
    press,
    release,
    spool_opened,
)
from tests.core.panic_states import AT, OLDER, OURS, STATES, latch, memory, short

ACK_OURS = order(AT, "alarm.ack", OURS)
CLEAR_OURS = order(AT, "alarm.clear", OURS)
ACK_UNKNOWN = order(AT, "alarm.ack", "nobody's")
CLEAR_UNKNOWN = order(AT, "alarm.clear", "nobody's")
OTHER_ORDER = order(AT, "light.set", None)
OPENED = spool_opened(AT)
OPENED_OLDER = spool_opened(AT, memory(latch()))
OPENED_OLDER_ACKED = spool_opened(AT, memory(latch(state="acknowledged")))
REMEMBERED = Remembered(AT, (MEMORY,))
LEFT = ReportLeft(AT, OURS, True, True)
STORED_ONLY = ReportLeft(AT, OURS, True, False)
ACKED_ONLY = ReportLeft(AT, OURS, False, True)
LEARNED = TimeLearned(AT, UTC_MS)
UP = link_up(AT)
IGNITION = InputChanged(AT, "ignition", "ignition", True, AT)

ACKED = ["remember 1", "acknowledged", "alarm acknowledged", "light response", "lamp acknowledged", "order done"]
CLEARED = ["remember none", "cleared", "alarm cleared", "light none", "lamp none", "order done"]
RECALLED = ["repeated", "alarm raised", "light response", "lamp raised"]

TABLE: list[tuple[str, Event, list[str], str]] = [
    # state, event, what comes out, the newest alarm then
    ("quiet", press(AT), [], "none"),
    ("quiet", release(AT), [], "none"),
    ("quiet", IGNITION, [], "none"),
    ("quiet", ACK_OURS, ["order failed"], "none"),
    ("quiet", CLEAR_OURS, ["order failed"], "none"),
    ("quiet", OTHER_ORDER, [], "none"),
    ("quiet", OPENED, [], "none"),
    ("quiet", OPENED_OLDER, ["remember 1", *RECALLED], "raised"),
    (
        "quiet",
        OPENED_OLDER_ACKED,
        ["remember 1", "acknowledged", "alarm acknowledged", "light response", "lamp acknowledged"],
        "acknowledged",
    ),
    ("quiet", REMEMBERED, [], "none"),
    ("quiet", LEFT, [], "none"),
    ("quiet", LEARNED, [], "none"),
    ("quiet", UP, [], "none"),
    ("holding", press(AT), [], "none"),
    ("holding", release(AT), [], "none"),
    ("holding", ACK_OURS, ["order failed"], "none"),
    ("holding", OPENED, [], "none"),
    ("holding", OPENED_OLDER, ["remember 1", *RECALLED], "raised"),
    ("holding", REMEMBERED, [], "none"),
    ("holding", LEFT, [], "none"),
    ("holding", LEARNED, [], "none"),
    ("holding", UP, [], "none"),
    ("raised", press(AT), [], "raised"),
    ("raised", release(AT), [], "raised"),
    ("raised", ACK_OURS, ACKED, "acknowledged"),
    ("raised", CLEAR_OURS, CLEARED, "none"),
    ("raised", ACK_UNKNOWN, ["order failed"], "raised"),
    ("raised", CLEAR_UNKNOWN, ["order failed"], "raised"),
    ("raised", OTHER_ORDER, [], "raised"),
    ("raised", OPENED, ["remember 1"], "raised"),
    ("raised", OPENED_OLDER, ["remember 2", *RECALLED], "raised"),
    ("raised", spool_opened(AT, memory(latch(OURS))), ["remember 1"], "raised"),
    ("raised", REMEMBERED, [], "raised"),
    ("raised", Remembered(AT, ("mqtt a",)), [], "raised"),
    ("raised", LEFT, ["lamp sent"], "raised"),
    ("raised", STORED_ONLY, [], "raised"),
    ("raised", ACKED_ONLY, [], "raised"),
    ("raised", ReportLeft(AT, OLDER, True, True), [], "raised"),
    ("raised", LEARNED, [], "raised"),
    ("raised", UP, ["repeated volatile"], "raised"),
    ("sent", press(AT), [], "raised"),
    ("sent", release(AT), [], "raised"),
    ("sent", ACK_OURS, ACKED, "acknowledged"),
    ("sent", CLEAR_OURS, CLEARED, "none"),
    ("sent", OPENED, ["remember 1"], "raised"),
    ("sent", OPENED_OLDER, ["remember 2", *RECALLED], "raised"),  # the older has not been sent again: the lamp says so
    ("sent", REMEMBERED, [], "raised"),
    ("sent", LEFT, ["lamp sent"], "raised"),
    ("sent", LEARNED, [], "raised"),
    ("sent", UP, ["repeated volatile"], "raised"),
    ("acknowledged", press(AT), [], "acknowledged"),
    ("acknowledged", release(AT), [], "acknowledged"),
    ("acknowledged", ACK_OURS, ["order done"], "acknowledged"),
    ("acknowledged", CLEAR_OURS, CLEARED, "none"),
    ("acknowledged", ACK_UNKNOWN, ["order failed"], "acknowledged"),
    ("acknowledged", OPENED, ["remember 1"], "acknowledged"),
    ("acknowledged", OPENED_OLDER, ["remember 2", *RECALLED], "acknowledged"),
    ("acknowledged", REMEMBERED, [], "acknowledged"),
    ("acknowledged", LEFT, ["lamp acknowledged"], "acknowledged"),
    ("acknowledged", LEARNED, [], "acknowledged"),
    ("acknowledged", UP, [], "acknowledged"),
    ("two", press(AT), [], "raised"),
    ("two", release(AT), [], "raised"),
    ("two", ACK_OURS, ["remember 2", "acknowledged", "alarm acknowledged", "light response", "lamp raised", "order done"], "acknowledged"),
    ("two", CLEAR_OURS, ["remember 1", "cleared", "alarm cleared", "light response", "lamp raised", "order done"], "raised"),
    (
        "two",
        order(AT, "alarm.clear", OLDER),
        ["remember 1", "cleared", "alarm cleared", "light response", "lamp raised", "order done"],
        "raised",
    ),
    ("two", OPENED, ["remember 2"], "raised"),
    ("two", OPENED_OLDER, ["remember 2"], "raised"),
    ("two", REMEMBERED, [], "raised"),
    ("two", LEFT, ["lamp raised"], "raised"),
    ("two", ReportLeft(AT, f"{BOOT}-2", True, True), ["lamp raised"], "raised"),
    ("two", LEARNED, [], "raised"),
    ("two", UP, ["repeated volatile", "repeated volatile"], "raised"),
    ("stuck", press(AT), [], "raised"),
    ("stuck", release(AT), ["panic.stuck off"], "raised"),
    ("stuck", ACK_OURS, ACKED, "acknowledged"),
    ("stuck", CLEAR_OURS, CLEARED, "none"),  # and a button that is still down does not raise it again
    ("stuck", OPENED, ["remember 1"], "raised"),
    ("stuck", OPENED_OLDER, ["remember 2", *RECALLED], "raised"),
    ("stuck", REMEMBERED, [], "raised"),
    ("stuck", LEFT, ["lamp sent"], "raised"),
    ("stuck", LEARNED, [], "raised"),
    ("stuck", UP, ["repeated volatile"], "raised"),
]


@pytest.mark.parametrize(("state", "event", "outs", "newest"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str], newest: str) -> None:
    bench = STATES[state]()
    assert short(bench.feed(event)) == outs
    assert bench.part.status(AT)["state"] == newest


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Panic, STATES, ((state, type(event)) for state, event, _, _ in TABLE))

"""Resend: an order to send again, from its words to its answer."""

from collections.abc import Sequence
from typing import Any

import pytest

from agent.core.effects import Recall
from agent.core.events import Event, HistoryWanted, HistoryWritten, Lane, OrderAnswered, OrderGiven, Recalled, Resent, Row, SpoolOpened
from agent.core.part import Output
from agent.core.resend import ANSWER_S_MAX, LOOK_S, MISSING_MAX, NUMBER_MAX, ORDERS_MAX, PATIENCE_S, RANGES_MAX, ROWS_AT_ONCE, Resend
from tests.core.builders import Bench, of, one

OLD = "b" * 16


class Wires:
    """How many rows are on their way."""

    def __init__(self) -> None:
        self.resending = 0


class _Bench(Bench):
    """As the outbox does, answers HistoryWanted in the same turn."""

    def _keep(self, outs: Sequence[Output]) -> list[Output]:
        kept = super()._keep(outs)
        for out in of(HistoryWanted, kept):
            kept += super()._keep(self.part.handle(HistoryWritten(out.at)))
        return kept


def made() -> tuple[Bench, Wires]:
    wires = Wires()
    return _Bench(Resend(lambda: wires.resending)), wires


def order(at: float, *ranges: list[Any], name: str = "o1") -> OrderGiven:
    return OrderGiven(at, name, "resend", {"ranges": list(ranges)})


def rows(*numbers: int) -> tuple[Row, ...]:
    return tuple(Row(f"{OLD}-{number}", Lane.EVENT, b"") for number in numbers)


def answers(outs: list[Output]) -> list[tuple[str, str | None, dict[str, Any] | None]]:
    return [(out.label, out.reason, out.result) for out in of(OrderAnswered, outs)]


def test_a_range_is_recalled_sent_and_answered_with_what_is_missing() -> None:
    bench, wires = made()
    outs = bench.feed(order(1.0, [OLD, 3, 9]))
    assert answers(outs) == [("accepted", None, None)]
    assert [type(out) for out in outs[1:]] == [HistoryWanted, Recall]
    assert one(Recall, outs) == Recall(OLD, 3, 9, ROWS_AT_ONCE)
    wires.resending = 2
    assert one(Resent, bench.feed(Recalled(1.1, OLD, 3, 9, rows(4, 7), more=False))).rows == rows(4, 7)
    assert bench.until(10.0) == []
    wires.resending = 0
    done = bench.until(11.0)
    assert answers(done) == [("done", None, {"sent": 2, "missed": 5, "missing": [[OLD, 3, 3], [OLD, 5, 6], [OLD, 8, 9]]})]
    assert bench.until(1000.0) == []


def test_more_rows_are_read_when_those_before_have_arrived() -> None:
    bench, wires = made()
    bench.feed(order(1.0, [OLD, 1, 40]))
    wires.resending = 16
    bench.feed(Recalled(1.1, OLD, 1, 40, rows(*range(1, 17)), more=True))
    assert of(Recall, bench.until(5.0)) == []
    wires.resending = 0
    assert one(Recall, bench.until(5.0 + LOOK_S)) == Recall(OLD, 17, 40, ROWS_AT_ONCE)


def test_a_range_without_an_end_names_nothing_behind_the_last_as_missing() -> None:
    bench, _ = made()
    assert one(Recall, bench.feed(order(1.0, [OLD, 5]))).last == NUMBER_MAX
    bench.feed(Recalled(1.1, OLD, 5, NUMBER_MAX, rows(7), more=False))
    assert answers(bench.until(3.0)) == [("done", None, {"sent": 1, "missed": 2, "missing": [[OLD, 5, 6]]})]


def test_several_ranges_and_several_orders_are_taken_one_after_the_other() -> None:
    bench, _ = made()
    bench.feed(order(1.0, [OLD, 1, 2], [OLD, 8, 8]), order(1.0, [OLD, 20, 20], name="o2"))
    first = bench.feed(Recalled(1.1, OLD, 1, 2, (), more=False))
    assert one(Recall, first) == Recall(OLD, 8, 8, ROWS_AT_ONCE)
    bench.feed(Recalled(1.2, OLD, 8, 8, rows(8), more=False))
    then = bench.until(2.0)
    assert answers(then) == [("done", None, {"sent": 1, "missed": 2, "missing": [[OLD, 1, 2]]})]
    assert one(Recall, then) == Recall(OLD, 20, 20, ROWS_AT_ONCE)


def test_a_store_that_does_not_answer_is_asked_again_and_an_answer_to_the_first_question_does_no_harm() -> None:
    bench, wires = made()
    bench.feed(order(1.0, [OLD, 1, 40]))
    assert one(Recall, bench.until(1.0 + ANSWER_S_MAX)).first == 1
    wires.resending = 1
    bench.feed(Recalled(7.0, OLD, 1, 40, rows(*range(1, 17)), more=True))
    assert bench.feed(Recalled(7.1, OLD, 1, 40, rows(*range(1, 17)), more=True)) == []
    wires.resending = 0
    bench.until(8.0)
    assert bench.feed(Recalled(8.1, OLD, 1, 40, rows(*range(1, 17)), more=True)) == []
    assert bench.feed(Recalled(8.2, "c" * 16, 17, 40, rows(17), more=False)) == []


def test_a_late_answer_to_one_range_is_not_taken_for_the_next() -> None:
    bench, _ = made()
    bench.feed(order(1.0, [OLD, 1, 4], [OLD, 20, 22]))
    bench.until(7.0)  # asked twice
    bench.feed(Recalled(7.1, OLD, 1, 4, (), more=False))
    assert bench.feed(Recalled(7.2, OLD, 1, 4, (), more=False)) == []
    assert one(Resent, bench.feed(Recalled(7.3, OLD, 20, 22, rows(20, 21, 22), more=False))).rows == rows(20, 21, 22)
    assert answers(bench.until(9.0)) == [("done", None, {"sent": 3, "missed": 4, "missing": [[OLD, 1, 4]]})]


def test_a_store_that_opens_is_asked_at_once() -> None:
    bench, _ = made()
    bench.feed(order(1.0, [OLD, 1, 2]))
    assert one(Recall, bench.feed(SpoolOpened(2.0, {}, {}))).first == 1
    assert made()[0].feed(SpoolOpened(2.0, {}, {})) == []


def test_an_order_that_comes_no_further_fails_in_the_end() -> None:
    bench, _ = made()
    bench.feed(order(1.0, [OLD, 1, 2]))
    (label, reason, result) = answers(bench.until(PATIENCE_S + 20))[-1]
    assert (label, result) == ("failed", {"sent": 0, "missed": 0, "missing": []})
    assert reason is not None
    assert bench.until(3 * PATIENCE_S) == []


def test_too_many_orders_are_refused() -> None:
    bench, _ = made()
    outs = bench.feed(*(order(1.0, [OLD, 1, 2], name=f"o{i}") for i in range(ORDERS_MAX + 1)))
    assert [label for label, _, _ in answers(outs)] == ["accepted"] * ORDERS_MAX + ["rejected"]


def test_an_answer_names_so_many_holes_and_counts_the_others() -> None:
    bench, _ = made()
    bench.feed(order(1.0, [OLD, 1, 10_000]))
    bench.feed(Recalled(1.1, OLD, 1, 10_000, rows(*range(2, 1000, 2)), more=False))
    ((_, _, result),) = answers(bench.until(3.0))
    assert result is not None
    assert (len(result["missing"]), result["missed"]) == (MISSING_MAX, 10_000 - 499)


@pytest.mark.parametrize(
    "ranges",
    [
        None,
        "all",
        [],
        [[OLD, 1, 2]] * (RANGES_MAX + 1),
        [[OLD]],
        [["short", 1, 2]],
        [[OLD, 2, 1]],
        [[OLD, 0, 1]],
        [[OLD, 1, NUMBER_MAX]],
        [[OLD, "1", 2]],
        [[OLD, 1.5, 2]],
        [[OLD, NUMBER_MAX]],
        [{"boot": OLD}],
        [[5, 1, 2]],
    ],
)
def test_an_order_that_is_malformed_is_refused_with_what_was_expected(ranges: object) -> None:
    bench, _ = made()
    outs = bench.feed(OrderGiven(1.0, "o1", "resend", {"ranges": ranges}))
    ((label, reason, _),) = answers(outs)
    assert label == "rejected"
    assert "[boot, first, last]" in str(reason)


@pytest.mark.parametrize(
    "event", [OrderGiven(1.0, "o", "alarm.ack", {}), Recalled(1.0, OLD, 1, 1, rows(1), False), SpoolOpened(1.0, {}, {})]
)
def test_what_is_none_of_its_business_changes_nothing(event: Event) -> None:
    bench, _ = made()
    assert bench.feed(event) == []
    assert bench.part.status(1.0) == {"orders": 0, "sent": 0}

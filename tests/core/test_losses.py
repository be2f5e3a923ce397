"""Losses: what is given up is declared once, summed up by reason and kind."""

from agent.core.losses import Losses
from agent.wire.records import Gap


def test_losses_of_one_reason_and_kind_are_one_gap() -> None:
    losses = Losses()
    losses.add(1.0, "memory_full", "track", 1)
    losses.add(2.5, "memory_full", "track", 2)
    losses.add(2.0, "memory_full", "event", 1)
    losses.add(3.0, "events_dropped", "events", 7)
    assert losses.declare() == [
        Gap(why="memory_full", what="track", count=3, from_mono=1000, to_mono=2500),
        Gap(why="memory_full", what="event", count=1, from_mono=2000, to_mono=2000),
        Gap(why="events_dropped", what="events", count=7, from_mono=3000, to_mono=3000),
    ]


def test_what_was_declared_is_not_declared_again() -> None:
    losses = Losses()
    losses.add(1.0, "memory_full", "track", 1)
    assert len(losses.declare()) == 1
    assert losses.declare() == []


def test_a_count_that_nobody_knows_stays_unknown() -> None:
    for counts in ((None, 2), (2, None)):
        losses = Losses()
        for count in counts:
            losses.add(1.0, "store_damaged", "rows", count)
        assert losses.declare()[0].count is None

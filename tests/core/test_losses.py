"""Losses are declared, all of them, each once."""

from agent.core.events import Lane
from agent.core.lanes import Message
from agent.core.losses import Losses
from agent.wire import codec
from agent.wire.records import Gap

BOOT = "00112233445566ff"


def declared(losses: Losses, final: bool = True) -> list[Gap]:
    return [gap for _, gap in losses.declare(final)]


def test_losses_of_one_reason_and_kind_are_one_gap() -> None:
    losses = Losses()
    losses.add(1.0, "memory_full", "track", 1)
    losses.add(2.5, "memory_full", "track", 2)
    losses.add(2.0, "memory_full", "event", 1)
    losses.add(3.0, "events_dropped", "events", 7)
    assert declared(losses) == [
        Gap(why="memory_full", what="track", count=3, from_mono=1000, to_mono=2500),
        Gap(why="memory_full", what="event", count=1, from_mono=2000, to_mono=2000),
        Gap(why="events_dropped", what="events", count=7, from_mono=3000, to_mono=3000),
    ]


def test_losses_of_named_records_say_the_boot_and_between_which_numbers() -> None:
    losses = Losses()
    for seq in (7, 3, 12):
        losses.add(1.0, "store_full", "backfill", 1, f"{BOOT}-{seq}")
    losses.add(1.0, "store_full", "backfill", 1, "ffffffffffffffff-1")
    gap, other = declared(losses)
    assert (gap.count, gap.of, gap.first, gap.last) == (3, BOOT, 3, 12)
    assert (other.count, other.of, other.first, other.last) == (1, "ffffffffffffffff", 1, 1)


def test_what_was_declared_is_not_declared_again() -> None:
    losses = Losses()
    losses.add(1.0, "memory_full", "track", 1)
    losses.declare(final=True)
    assert losses.declare(final=True) == []


def test_a_count_that_nobody_knows_stays_unknown() -> None:
    losses = Losses()
    losses.add(1.0, "store_damaged", "rows", None)
    losses.add(2.0, "store_damaged", "rows", 1)
    losses.add(3.0, "store_damaged", "rows", 1)
    (gap,) = declared(losses)
    assert (gap.count, gap.from_mono, gap.to_mono) == (None, 1000, 3000)


def test_a_declaration_that_is_not_final_grows_under_its_name() -> None:
    losses = Losses()
    losses.add(1.0, "memory_full", "track", 1)
    ((name, first),) = losses.declare(final=False)
    assert losses.declare(final=False) == []
    losses.add(2.0, "memory_full", "track", 1)
    ((again, second),) = losses.declare(final=False)
    assert (again, first.count, second.count) == (name, 1, 2)
    ((last, third),) = losses.declare(final=True)
    assert (last, third) == (name, second)
    losses.add(3.0, "memory_full", "track", 1)
    assert declared(losses, final=False)[0].count == 1


def test_a_declaration_that_is_given_up_itself_is_undeclared() -> None:
    losses = Losses()
    gap = Gap(v=1, unit="u", kind="gap", boot=BOOT, seq=4, why="store_full", what="backfill", count=16, of=BOOT, first=1, last=16)
    losses.give_up(Message(Lane.EVENT, "gap", "t", codec.encode(gap), 5.0, f"{BOOT}-4", True))
    (again,) = declared(losses)
    assert (again.count, again.of, again.first, again.last) == (16, BOOT, 1, 16)

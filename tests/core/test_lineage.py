"""Lineage: each boot leaves its name in the store and names the one before, so that a centre can ask for a boot it never heard."""

import pytest

from agent.core.effects import OpenSpool, Remember, Store
from agent.core.events import Event, Lane, Remembered, Reported, Started
from agent.core.lineage import MEMORY, Lineage
from agent.core.part import Output
from agent.wire.records import BOOT_BEFORE, EventRecord
from tests.core.builders import Bench, assert_covers, of, one, spool_opened, types, unit

OURS, BEFORE = "a" * 16, "b" * 16
SAID = EventRecord(what="agent", id=BOOT_BEFORE, detail=BEFORE)


def new() -> Bench:
    return Bench(Lineage(OURS))


def started() -> Bench:
    bench = new()
    bench.feed(Started(1.0))
    return bench


def told() -> Bench:
    bench = started()
    bench.feed(spool_opened(1.1, {MEMORY: BEFORE.encode()}), Remembered(1.2, (MEMORY,)))
    return bench


STATES = {"new": new, "started": started, "told": told}
EVENTS: list[tuple[Event, str, str]] = [
    (Started(2.0), "Remember", "Remember"),
    (spool_opened(2.0, {MEMORY: BEFORE.encode()}), "Remember Reported", "Remember"),
    (spool_opened(2.0, {MEMORY: OURS.encode()}), "Remember", ""),
    (spool_opened(2.0), "Remember", "Remember"),
    (Remembered(2.0, (MEMORY,)), "", ""),
    (Remembered(2.0, ("alarms",)), "", ""),
]
"""What comes of it before the boot before is known, and after."""

TABLE = [(state, event, (after if state == "told" else before).split()) for state in STATES for event, before, after in EVENTS]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert types(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Lineage, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_the_boot_before_is_named_once_and_durably() -> None:
    report = one(Reported, told().all)
    assert (report.lane, report.slot, report.record) == (Lane.EVENT, None, SAID)
    assert told().part.status(9.0) == {"before": BEFORE}


@pytest.mark.parametrize("found", [b"", b"\xff\xfe", b"no boot", BEFORE.encode() + b"0", OURS.encode()])
def test_what_names_no_other_boot_is_not_said(found: bytes) -> None:
    bench = started()
    assert not of(Reported, bench.feed(spool_opened(1.1, {MEMORY: found})))
    assert bench.part.status(2.0) == {"before": None}


def test_our_name_is_asked_of_the_store_after_its_opening_and_before_any_record() -> None:
    """So the opening still tells the name of the boot before, and no record of ours lies in the store without our name."""
    asked: list[Output] = [out for out in unit().handle(Started(1.0)) if isinstance(out, (OpenSpool, Remember, Store))]
    names = [out.name if isinstance(out, Remember) else type(out).__name__ for out in asked]
    assert names.index("OpenSpool") < names.index(MEMORY)
    assert "Store" not in names[: names.index(MEMORY)]

"""A store with very many records waiting, made without the core: how many in, rows on disk as the core would have stored them out."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.core.effects import OpenSpool, Store
from agent.core.events import Event, Lane, SpoolDown, SpoolFull, SpoolQuarantined
from agent.wire import codec
from agent.wire.records import VERSION, EventRecord
from tests.bench.quick_unit import WatchedSpool

BOOT = "5" * 16
MINUTE_MS = 60_000
START_MS = 1_794_700_800_000

TOGETHER = 1000
"""Rows asked for at a time; the store has room for a few more to wait, and drops what is above it."""


def events(count: int, unit: str) -> Iterator[tuple[str, bytes]]:
    """Names and payloads of events: the ignition on and off, once a minute."""
    for n in range(count):
        state = "on" if n % 2 else "off"
        record = EventRecord(v=VERSION, unit=unit, kind="event", boot=BOOT, seq=n, mono=n * MINUTE_MS, what="ignition", id=state)
        yield f"{BOOT}-{n}", codec.encode(msgspec.structs.replace(record, time=START_MS + n * MINUTE_MS))


def plant(state: Path, size_bytes_max: int, lane: Lane, rows: Iterator[tuple[str, bytes]]) -> None:
    """Put them into the store that [store] path = `state` names; it is made when it is not there."""
    state.mkdir(parents=True, exist_ok=True)
    spool = WatchedSpool(str(state), size_bytes_max, BOOT, refuse_trouble, lambda: 0.0)
    spool.start()
    spool.perform(OpenSpool())
    asked = 1
    while asked:
        spool.wait(asked)
        some = list(itertools.islice(rows, TOGETHER))
        for name, payload in some:
            spool.perform(Store(name, lane, payload))
        asked = len(some)
    spool.close()


def refuse_trouble(event: Event) -> None:
    """What the store says while it is filled."""
    assert not isinstance(event, (SpoolDown, SpoolFull, SpoolQuarantined)), event

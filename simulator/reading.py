"""A payload goes in; its facts, its record and its fixes come out, read once for all who look at the same bytes. Nobody may change them."""

import functools
from typing import Any

from agent.wire import codec, track
from agent.wire.records import Record, Track

READ_MAX = 4096
"""Payloads that are remembered: those of the last minutes, on their way from the unit to the centre."""


@functools.lru_cache(READ_MAX)
def facts(payload: bytes) -> dict[str, Any]:
    """The plain map; see `codec.unpack`."""
    return codec.unpack(payload)


@functools.lru_cache(READ_MAX)
def record(payload: bytes) -> Record:
    """The typed record; see `codec.decode`."""
    return codec.typed(facts(payload))


@functools.lru_cache(READ_MAX // 16)
def fixes(payload: bytes) -> list[track.TrackFix]:
    """Of a track record."""
    found = record(payload)
    assert isinstance(found, Track)
    return track.unpack(found)

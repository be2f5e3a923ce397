"""A recording's bytes, or events of a receiver, in; lines of JSON out. Absent facts are absent, never 0."""

import datetime
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from agent import BUILD_DATE
from agent.adapters.nmea import Nmea, Told
from agent.core.events import Event, Fix, FixMode

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()

CHUNK_BYTES = 1024
BYTE_S = 10 / 115_200
"""A recording has no stamps; it is read as if it had come without a pause at 115200 baud."""


def fix(told: Fix) -> dict[str, Any]:
    """One fix: `time` (unix s), `lat` `lon` (deg), `alt` (m), `speed` (m/s), `track` (deg), `mode` (0, 2, 3), `hdop`, and more where known.

    `dr` is true for dead reckoning; `acc` (m) is an estimate from HDOP where `acc_estimated` is true.
    """
    mode = {FixMode.NONE: 0, FixMode.TWO_D: 2}.get(told.mode, 3)
    if told.mode is FixMode.DEAD_RECKONING and told.alt_m is None:
        mode = 2
    facts = {
        "time": None if told.utc_ms is None else told.utc_ms / 1000,
        "lat": told.lat,
        "lon": told.lon,
        "alt": told.alt_m,
        "speed": told.speed_mps,
        "track": told.course_deg,
        "mode": mode,
        "hdop": told.hdop,
        "pdop": told.pdop,
        "vdop": told.vdop,
        "acc": told.acc_m,
        "acc_estimated": told.acc_estimated or None,
        "sats": told.sats or None,
        "quality": told.quality,
        "dr": told.mode is FixMode.DEAD_RECKONING or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def fix_line(told: Fix) -> bytes:
    """One fix as a line without its end."""
    return msgspec.json.encode(fix(told))


def line(event: Event) -> bytes:
    """One event as a line without its end: `event` (its name in lower case), `at` (monotonic s), and what it says."""
    facts: dict[str, Any] = {"event": type(event).__name__.lower(), "at": round(event.at, 3)}
    if isinstance(event, Fix):
        return msgspec.json.encode(facts | fix(event))
    said = msgspec.to_builtins(event)
    del said["type"], said["at"]
    return msgspec.json.encode(facts | _present(said))


def _present(said: dict[str, Any]) -> dict[str, Any]:
    """Without what is absent, also in the satellites."""
    shown = {name: value for name, value in said.items() if value is not None and value != {}}
    if "satellites" in shown:
        shown["satellites"] = [{name: value for name, value in one.items() if value is not None} for one in shown["satellites"]]
    return shown


class Recording:
    """A recording, read through the reader that a live port is read through; no date in it is before `not_before` (the build)."""

    def __init__(self, file: BinaryIO, not_before: datetime.date | None = None) -> None:
        self.sentences = 0
        self.refused: dict[str, int] = {}
        self.corrected: dict[str, int] = {}
        self._file = file
        self._not_before = (not_before or datetime.date.fromisoformat(BUILD_DATE)).toordinal() - EPOCH_DAY

    def events(self) -> Iterator[Told]:
        """What it says, in order; the counts are whole at the end. A last line without its end counts.

        Raises:
            OSError: the file cannot be read on.
        """
        nmea, at = Nmea(self._not_before, recorded=True), 0.0
        while chunk := self._file.read(CHUNK_BYTES):
            yield from nmea.feed(at, chunk)
            at += len(chunk) * BYTE_S
        yield from nmea.feed(at, b"\n")
        yield from nmea.end()
        self.sentences, self.refused = nmea.counts()
        self.corrected, _ = nmea.details()

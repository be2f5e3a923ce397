"""What the centre keeps of the traffic: topics and payloads in; records, repeats, holes and tracks out. Pure: no I/O, no clock.

A reference for integrators, and the ear of the virtual world: nothing here knows the agent but the contract (`agent.wire`).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from agent.wire import codec, topics, track
from agent.wire.records import BOOT, BOOT_BEFORE, EventRecord, Record, Track

FIXES_MAX = 100_000
"""In one record; a column of one value for all takes a few bytes on the wire, whatever number of fixes it claims."""


class Arrival(NamedTuple):
    """One message. `at`: when it came, in the feeder's seconds; `record` is None when it could not be read, and `trouble` says why."""

    number: int
    at: float
    topic: str
    payload: bytes
    record: Record | None
    duplicate: bool = False
    trouble: str | None = None


class _Boot:
    """Which numbers of one boot have come."""

    def __init__(self) -> None:
        self.upto = 0
        self.beyond: set[int] = set()

    def take(self, seq: int) -> bool:
        """Whether the number is new."""
        if seq <= self.upto or seq in self.beyond:
            return False
        self.beyond.add(seq)
        while self.upto + 1 in self.beyond:
            self.upto += 1
            self.beyond.remove(self.upto)
        return True

    def holes(self) -> list[tuple[int, int]]:
        """First and last of each run that is missing below the highest number that came."""
        return [(a + 1, b - 1) for a, b in pairwise([self.upto, *sorted(self.beyond)]) if b > a + 1]


class Ledger:
    """Everything that came, in order of arrival. One thread feeds; others may read at the same time: what they get are copies.

    It forgets nothing: about a kilobyte a message.
    """

    def __init__(self, root: str = topics.ROOT_DEFAULT, decode: Callable[[bytes], Record] = codec.decode) -> None:
        """`decode`: bytes to a record, raises `codec.Malformed`."""
        self.root = root
        self._decode = decode
        self.duplicates = 0
        self.malformed = 0
        self._arrivals: list[Arrival] = []
        self._boots: dict[tuple[str, str], _Boot] = {}
        self._states: dict[tuple[str, str], Record] = {}

    def feed(self, topic: str, payload: bytes, at: float) -> Arrival:
        """Take one message. What cannot be read, or stands under a topic that is not its own, is counted and kept too."""
        number = len(self._arrivals)
        try:
            arrival = self._read(number, topic, payload, at)
        except codec.Malformed as e:
            self.malformed += 1
            arrival = Arrival(number, at, topic, payload, None, trouble=str(e))
        self._arrivals.append(arrival)
        return arrival

    def _read(self, number: int, topic: str, payload: bytes, at: float) -> Arrival:
        place = topics.parse(self.root, topic)
        if place is None or place.scope != "u" or place.way not in ("up", "state"):
            raise codec.Malformed(f"{topic!r} is no topic of a unit's up/ or state/")
        record = self._decode(payload)
        if (record.unit, record.kind) != (place.who, place.what):
            raise codec.Malformed(f"the topic says {place.who}, {place.what}; the record says {record.unit}, {record.kind}")
        if place.way == "state":
            self._states[record.unit, record.kind] = record
            self._boots.setdefault((record.unit, record.boot), _Boot())
            return Arrival(number, at, topic, payload, record)
        if record.seq < 1:
            raise codec.Malformed(f"{record.kind}: seq {record.seq}, where 1, 2, 3 … are expected")
        if isinstance(record, Track):
            _fixes(record)
        if isinstance(record, EventRecord) and record.id == BOOT_BEFORE and BOOT.fullmatch(record.detail or ""):
            self._boots.setdefault((record.unit, record.detail or ""), _Boot())  # perhaps all that it said was lost
        duplicate = not self._boots.setdefault((record.unit, record.boot), _Boot()).take(record.seq)
        self.duplicates += duplicate
        return Arrival(number, at, topic, payload, record, duplicate)

    def arrivals(self, since: int = 0) -> list[Arrival]:
        """All messages in order of arrival, from number `since` on."""
        return self._arrivals[since:]

    def records(self, kind: str | None = None, unit: str | None = None) -> list[Record]:
        """The records of up/ without repeats, in order of arrival."""
        return [
            a.record
            for a in self.arrivals()
            if a.record is not None
            and not a.duplicate
            and a.record.seq
            and f"/u/{a.record.unit}/up/" in a.topic
            and kind in (None, a.record.kind)
            and unit in (None, a.record.unit)
        ]

    def state(self, unit: str, name: str) -> Record | None:
        """The latest state of that name."""
        return self._states.get((unit, name))

    def units(self) -> list[str]:
        """Units heard of, by name."""
        return sorted({unit for unit, _ in (*tuple(self._boots), *tuple(self._states))})

    def holes(self) -> dict[tuple[str, str], list[tuple[int, int]]]:
        """By unit and boot, the runs of numbers that have not come although a later one has, each as (first, last)."""
        found = {boot: seen.holes() for boot, seen in tuple(self._boots.items())}
        return {boot: holes for boot, holes in found.items() if holes}

    def wanted(self, unit: str) -> list[tuple[str, int, int | None]]:
        """What a unit should be asked to send again: the holes of every boot, and what may follow the last number that came (None: no end).

        The broker may lose what it acknowledged; the numbers say which. Some of it the unit never kept (the live position).
        """
        found: list[tuple[str, int, int | None]] = []
        for (who, boot), seen in tuple(self._boots.items()):
            if who == unit:
                found += [(boot, first, last) for first, last in seen.holes()]
                found.append((boot, max(seen.upto, *seen.beyond, 0) + 1, None))
        return found

    def fixes(self, unit: str, boot: str | None = None) -> list[track.TrackFix]:
        """All fixes of the unit's track records, without repeats of a record, by their time; of one boot or of all."""
        packed = [r for r in self.records("track", unit) if isinstance(r, Track) and boot in (None, r.boot)]
        return sorted((fix for record in packed for fix in _fixes(record)), key=lambda fix: fix.t)


def _fixes(record: Track) -> list[track.TrackFix]:
    if record.n > FIXES_MAX:
        raise codec.Malformed(f"track: {record.n} fixes, more than {FIXES_MAX}")
    try:
        return track.unpack(record)
    except (ValueError, KeyError, IndexError) as e:
        raise codec.Malformed(f"track: {type(e).__name__}: {e}") from e

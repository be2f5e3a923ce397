"""The outside of the outbox, honest or not: a store and a broker that answer its effects, and lose, double or delay what they say."""

import heapq
import itertools
from collections.abc import Callable, Sequence

import msgspec

from agent.core.effects import Effect, Forget, Keep, Load, OpenSpool, Publish, Store
from agent.core.events import (
    Acked,
    Event,
    Forgotten,
    Lane,
    LinkStalled,
    Loaded,
    Refused,
    Row,
    SpoolDown,
    SpoolOpened,
    Started,
    Stored,
)
from agent.core.part import Output
from agent.wire import codec
from agent.wire.records import Gap, Record
from tests.core.builders import Bench, link_down, link_up

Fate = Callable[[], str]
"""What becomes of an event on its way in: `comes`, `lost`, `doubled`, `late`."""


class Desk:
    """Around one outbox: `run` lets time pass and answers what it asks."""

    def __init__(self, bench: Bench, fate: Fate = lambda: "comes", rows: dict[str, Row] | None = None) -> None:
        """The outbox starts; there is no link; in the store lie `rows`."""
        self.bench = bench
        self.fate = fate
        self.now = 0.0
        self.rows = dict(rows or {})
        self.delivered: list[bytes] = []
        self.store_works = True
        self.broker_refuses: set[str] = set()
        self.broker_silent = False
        self._store_open = False
        self._link = 0
        self._attempts = 0
        self._in: list[tuple[float, int, Event]] = []
        self._count = itertools.count()
        self.tell(Started(0.0))

    # --- from the test --------------------------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """An event that is not lost."""
        self._take(self.bench.feed(event))

    def link(self, up: bool) -> None:
        """The link comes or goes."""
        if up and not self._link:
            self._attempts += 1
            self._link = self._attempts
            self.tell(link_up(self.now, self._link))
        elif not up and self._link:
            attempt, self._link = self._link, 0
            self.tell(link_down(self.now, attempt))

    def break_store(self) -> None:
        """The store fails from now on, and says so once."""
        self.store_works = self._store_open = False
        self.tell(SpoolDown(self.now, "the card is gone"))

    def run(self, seconds: float) -> None:
        """Time passes."""
        end = self.now + seconds
        while True:
            due = min(self.bench.part.deadline, self._in[0][0] if self._in else end + 1)
            if due > end:
                break
            self.now = max(self.now, due)
            if self._in and self._in[0][0] <= due:
                event = heapq.heappop(self._in)[2]
                if isinstance(event, (Acked, Refused)) and not self._link:
                    continue
                self._take(self.bench.feed(event))
            else:
                self._take(self.bench.until(due))
        self.now = end

    @property
    def records(self) -> list[Record]:
        """What the broker has, decoded."""
        return [codec.decode(payload) for payload in self.delivered]

    def seqs(self) -> set[int]:
        """Numbers that the broker has, without the states'."""
        return {record.seq for record in self.records} - {0}

    def gaps(self) -> list[Gap]:
        """Declared losses."""
        return [record for record in self.records if isinstance(record, Gap)]

    # --- answering ------------------------------------------------------------------------------------------------------------------

    def _take(self, outs: Sequence[Output]) -> None:
        for out in outs:
            if isinstance(out, LinkStalled):
                self.link(False)  # as the link does: it ends the connection and makes another
                self.link(True)
            elif isinstance(out, Effect):
                self._answer(out)

    def _post(self, event: Event, wait_s: float = 0.01) -> None:
        fate = self.fate()
        if fate == "lost":
            return
        waits = [wait_s] if fate == "comes" else [wait_s, wait_s + 0.5] if fate == "doubled" else [wait_s + 7.0]
        for wait in waits:
            at = self.now + wait
            heapq.heappush(self._in, (at, next(self._count), msgspec.structs.replace(event, at=at)))

    def _answer(self, effect: Effect) -> None:
        match effect:
            case Publish(token=token, topic=topic, payload=payload):
                self._publish(token, topic, payload)
            case OpenSpool() if self.store_works:
                self._store_open = True
                self._post(SpoolOpened(0.0, {lane: sum(row.lane is lane for row in self.rows.values()) for lane in Lane}, {}))
            case Store(name=name, lane=lane, payload=payload, edition=edition) if self._store_open:
                self.rows[name] = Row(name, lane, payload)
                self._post(Stored(0.0, (name,), {name: edition}))
            case Forget(names=names) | Keep(names=names) if self._store_open:
                for name in names:
                    self.rows.pop(name, None)
                self._post(Forgotten(0.0, names))
            case Load(lane=lane, after=after, limit=limit) if self._store_open:
                self._post(self._load(lane, after, limit))

    def _publish(self, token: int, topic: str, payload: bytes) -> None:
        if not self._link:
            self._post(Refused(0.0, token, "not connected", by_broker=False))
        elif topic.rsplit("/", 1)[1] in self.broker_refuses:
            self._post(Refused(0.0, token, "not authorized"))
        elif not self.broker_silent:
            self.delivered.append(payload)
            self._post(Acked(0.0, token))

    def _load(self, lane: Lane, after: str | None, limit: int) -> Loaded:
        rows = [row for row in self.rows.values() if row.lane is lane]
        start = next((i + 1 for i, row in enumerate(rows) if row.name == after), 0)
        return Loaded(0.0, lane, tuple(rows[start : start + limit]), len(rows) > start + limit)

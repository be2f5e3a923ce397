"""What waits to leave, in memory: messages in order of urgency and age; pure bookkeeping for the outbox."""

import itertools
from collections import deque
from collections.abc import Iterator

from agent.core.events import Lane

ANSWER = "ack"
"""Kind of an answer to an order: ahead of events, but in their lane, so that a flood of orders cannot stand before an alarm."""

READY_MAX = {Lane.ALARM: 1000, Lane.EVENT: 500, Lane.GAP: 64, Lane.LIVE: 64, Lane.BACKFILL: 32}
"""Messages of a lane kept in memory; the rest waits in the store (or, without one, the oldest is given up and declared)."""


class Message:
    """One message on its way. `name` is empty for a retained state. `durable`: it is also in the store (`stored` once that is certain).

    A `draft` still grows and does not leave yet; each time it has grown it is the next `edition`. `shelved`: one may lie in the store.
    """

    __slots__ = (
        *("lane", "kind", "topic", "payload", "made_at", "name", "durable", "retain"),
        *("dated", "hist", "stored", "acked", "refused", "sent_at", "ends", "draft", "edition", "shelved"),
    )

    def __init__(
        self, lane: Lane, kind: str, topic: str, payload: bytes, made_at: float, name: str = "", durable: bool = False, retain: bool = False
    ) -> None:
        self.lane = lane
        self.kind = kind
        self.topic = topic
        self.payload = payload
        self.made_at = made_at
        self.name = name
        self.durable = durable
        self.retain = retain
        self.dated = True
        self.hist = False
        self.stored = False
        self.acked = False
        self.refused = False
        self.sent_at = 0.0
        self.ends = 0
        self.draft = False
        self.edition = 0
        self.shelved = False


class Lanes:
    """Messages that are ready to leave."""

    def __init__(self) -> None:
        self._ready: dict[Lane, deque[Message]] = {lane: deque() for lane in Lane}

    def __len__(self) -> int:
        return sum(map(len, self._ready.values()))

    def __iter__(self) -> Iterator[Message]:
        return itertools.chain.from_iterable(self._ready.values())

    def count(self, lane: Lane) -> int:
        """Messages of that lane."""
        return len(self._ready[lane])

    def add(self, message: Message) -> None:
        """Behind the others of its lane; an answer to an order before what is no answer."""
        ready = self._ready[message.lane]
        if message.kind == ANSWER:
            ready.insert(next((i for i, other in enumerate(ready) if other.kind != ANSWER), len(ready)), message)
        else:
            ready.append(message)

    def put_back(self, messages: list[Message]) -> None:
        """In front of the others of their lanes, in the order given: they had left before."""
        for message in reversed(messages):
            self._ready[message.lane].appendleft(message)

    def remove(self, message: Message) -> None:
        """It is not ready any more."""
        self._ready[message.lane].remove(message)

    def take(self, lane: Lane) -> Message:
        """The next of that lane, which leaves it."""
        return self._ready[lane].popleft()

    def newest(self, lane: Lane) -> Message | None:
        """The last to leave of that lane."""
        return self._ready[lane][-1] if self._ready[lane] else None

    def take_last(self, lane: Lane) -> Message:
        """The newest of that lane, which leaves it."""
        return self._ready[lane].pop()

"""Custody: durable records that we answer for go in, by name; what the store is to be asked for them comes out; for the outbox."""

from collections.abc import Iterable

from agent.core.effects import Forget, Store
from agent.core.events import Lane
from agent.core.lanes import Message
from agent.core.part import Output
from agent.core.shelf import Shelf


class Custody:
    """The records in memory that are not both stored and acknowledged, and the shelf on which others lie."""

    def __init__(self) -> None:
        self.known: dict[str, Message] = {}
        self.shelf = Shelf()

    def drop(self, message: Message) -> None:
        """We do not answer for it any more, or the shelf does."""
        self.known.pop(message.name, None)
        self.shelf.unstored.pop(message.name, None)

    def forget(self, at: float, message: Message) -> Forget:
        """It is delivered, and goes from memory and store."""
        self.known.pop(message.name, None)
        return self.shelf.forget(at, message.name, message.lane, message.stored)

    def emptied(self, at: float) -> None:
        """The store was set aside: what we still hold is not on that disk any more."""
        for name, message in self.known.items():
            message.stored = False
            self.shelf.unstored[name] = at

    def store_again(self, at: float, names: Iterable[str]) -> list[Output]:
        """Ask once more for what was asked and not confirmed."""
        out: list[Output] = []
        for name in list(names):
            message = self.known.get(name)
            if message is not None and (not message.acked or message.lane is Lane.ALARM):  # the officer's lamp waits for the disk's word
                self.shelf.unstored[name] = at
                out.append(Store(name, message.lane, message.payload))
                continue
            del self.shelf.unstored[name]
            if message is not None:  # delivered before it was confirmed to be on disk, where it may lie all the same
                out.append(self.forget(at, message))
        return out

    def waiting(self) -> dict[str, int]:
        """Records not yet acknowledged, by lane."""
        counts = {lane.name.lower(): self.shelf.rows(lane) for lane in Lane}
        for message in self.known.values():
            counts[message.lane.name.lower()] += not message.stored
        return counts

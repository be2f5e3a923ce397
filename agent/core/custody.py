"""Custody: durable records that we answer for go in, by name; what the store is to be asked for them comes out; for the outbox.

A record delivered before it had to be written costs one write for the history, or none without one.
"""

from collections.abc import Iterable

from agent.core.effects import Store
from agent.core.events import Lane
from agent.core.lanes import Message
from agent.core.part import Output
from agent.core.shelf import Shelf

DEFER_S = 5.0
"""A track that the broker has not acknowledged by then is asked of the store; with its own interval this bounds what a crash may take."""


HISTORY_S = 240.0
"""What was delivered before it was written is written for the history in one go with others: each commit costs the card some 30 KB."""


class Custody:
    """The records in memory that are not both stored and acknowledged, and the shelf on which others lie."""

    def __init__(self, keeps_history: bool) -> None:
        self.known: dict[str, Message] = {}
        self.shelf = Shelf()
        self._keeps = keeps_history
        self._deferred: dict[str, float] = {}
        self._for_history: dict[str, float] = {}
        self._may_defer = True

    # --- to the disk ----------------------------------------------------------------------------------------------------------------

    def take(self, at: float, message: Message, later: bool) -> list[Output]:
        """Answer for a new record; `later`: the broker is there and may be faster than the disk has to be."""
        self.known[message.name] = message
        if later and self._may_defer:
            self._deferred[message.name] = at
            return []
        return [self.ask(at, message), *self.write_history(at)]  # they share a commit

    def ask(self, at: float, message: Message) -> Store:
        """Ask the store to keep it as it is now."""
        self._deferred.pop(message.name, None)
        message.shelved |= self.shelf.takes
        self.shelf.unstored[message.name] = at
        return Store(message.name, message.lane, message.payload, message.edition)

    def rewritten(self, at: float, message: Message) -> list[Output]:
        """A draft has grown: one request at a time is under way for it, so that its confirmation is about what was asked last.

        When we are about to end there may be no time for the next.
        """
        self.known[message.name] = message
        if message.stored:
            message.stored = False
            self.shelf.off_disk(message.lane)
        under_way = message.name in self.shelf.unstored and self.shelf.open and self._may_defer
        return [] if under_way else [self.ask(at, message), *self.write_history(at)]

    def ask_deferred(self, at: float) -> list[Output]:
        """Nothing is put off any longer: the link is gone."""
        return [*(self.ask(at, self.known[name]) for name in list(self._deferred)), *self.write_history(at)]

    def ask_late(self, at: float) -> list[Output]:
        """What was put off for long enough."""
        late = any(at - since >= HISTORY_S for since in self._for_history.values())
        asked = [self.ask(at, self.known[name]) for name, since in list(self._deferred.items()) if at - since >= DEFER_S]
        return [*asked, *(self.write_history(at) if late or asked else [])]

    def ask_if_deferred(self, message: Message) -> list[Output]:
        """It goes out of memory, so it has to lie on the disk."""
        return [self.ask(self._deferred[message.name], message)] if message.name in self._deferred else []

    def defer_no_more(self, at: float) -> list[Output]:
        """We are about to end; the word of a loss may have been given up itself just now."""
        self._may_defer = False
        drafts = [name for name in self.shelf.unstored if (message := self.known.get(name)) is not None and message.draft]
        return [*self.ask_deferred(at), *self.store_again(at, drafts)]

    def unwritten(self, *lanes: Lane) -> list[Message]:
        """Records of those lanes that were asked of the store and are not confirmed."""
        return [message for name in self.shelf.unstored if (message := self.known.get(name)) is not None and message.lane in lanes]

    # --- from the disk --------------------------------------------------------------------------------------------------------------

    def drop(self, message: Message) -> None:
        """We do not answer for it any more, or the shelf does."""
        self.known.pop(message.name, None)
        self._deferred.pop(message.name, None)
        self.shelf.unstored.pop(message.name, None)

    def delivered(self, at: float, message: Message) -> list[Output]:
        """The broker has it: what is on disk becomes history or goes; what is not is written for the history only, or not at all."""
        if message.stored:
            self.known.pop(message.name, None)
            if message.name not in self.shelf.forgetting:
                return [self._part(at, message)]
            self.shelf.off_disk(message.lane)  # asked in one breath with the writing
        elif message.name in self._deferred:
            if self._keeps and not self.shelf.full():
                self._for_history[message.name] = self._deferred.pop(message.name)
            else:
                self.drop(message)
        elif message.lane is not Lane.ALARM and self.shelf.full():
            self.drop(message)  # there is no store; should this one lie in it all the same, it is sent once more
        return []

    def write_history(self, at: float) -> list[Output]:
        """What was delivered without having been on disk, in one go."""
        messages = [self.known[name] for name in self._for_history]
        self._for_history.clear()
        return [output for message in messages for output in (self.ask(at, message), self._part(at, message))]

    def _part(self, at: float, message: Message) -> Output:
        if self._keeps:
            return self.shelf.keep(at, message.name, message.lane, message.stored)
        return self.shelf.forget(at, message.name, message.lane, message.stored)

    def emptied(self, at: float) -> None:
        """The store was set aside: what we still hold is not on that disk any more."""
        for name, message in self.known.items():
            message.stored = False
            if name not in self._deferred and name not in self._for_history:
                self.shelf.unstored[name] = at

    def store_again(self, at: float, names: Iterable[str]) -> list[Output]:
        """Ask once more for what was asked and not confirmed."""
        out: list[Output] = []
        for name in list(names):
            message = self.known.get(name)
            wanted = message is not None and (not message.acked or message.lane is Lane.ALARM or self._keeps)  # the lamp waits for the disk
            if message is not None and wanted:
                out.append(self.ask(at, message))
                continue
            del self.shelf.unstored[name]
            if message is not None:  # delivered before it was confirmed to be on disk, where it may lie all the same
                self.known.pop(name)
                out.append(self._part(at, message))
        return out

    @property
    def settled(self) -> bool:
        """All that we answer for is on disk, or need not be."""
        return not self.shelf.unstored and not self._deferred and not self._for_history

    def waiting(self) -> dict[str, int]:
        """Records not yet acknowledged, by lane."""
        counts = {lane.name.lower(): self.shelf.rows(lane) for lane in Lane}
        for message in self.known.values():
            counts[message.lane.name.lower()] += not message.stored and not message.acked
        return counts

"""Refusals: messages and states that were not delivered go in; those whose time to try again has come go out; for the outbox."""

import math

from agent.core.events import Lane
from agent.core.lanes import Message

REFUSED_WAIT_S = 30.0
"""A message that the broker refused is tried again after that; it may be the broker's mood, and must not become a storm."""

UNSENT_WAIT_S = 2.0
"""A message that could not be sent just now is tried again after that; what was wrong is near, and an alarm may be among them."""

UNSENT_S_MAX = 10.0
"""When nothing can be sent for so long on a link that is said to be up, its end was lost on the way to us."""


class Refusals:
    """What waits for another try, and since when nothing can be sent at all."""

    def __init__(self) -> None:
        self._messages: dict[Message, float] = {}
        self._states: dict[str, float] = {}
        self._held: set[tuple[Lane, str]] = set()
        self._forbidden: set[str] = set()
        self._unsent_since = math.inf

    def __contains__(self, message: Message) -> bool:
        return message in self._messages

    def add(self, at: float, message: Message, by_broker: bool) -> None:
        """It was not delivered."""
        again_at = at + (REFUSED_WAIT_S if by_broker else UNSENT_WAIT_S)
        if message.retain:
            self._states[message.kind] = again_at
        else:
            self._messages[message] = again_at
            if not message.durable:
                self._held.add((message.lane, message.kind))
        if by_broker:
            self._forbidden.add(message.kind)
        else:
            self._unsent_since = min(self._unsent_since, at)

    def count(self, lane: Lane) -> int:
        """Messages of that lane that wait here."""
        return sum(message.lane is lane for message in self._messages)

    def holds(self, lane: Lane, kind: str) -> bool:
        """Whether a volatile message of that kind was refused: the next stays in its slot, without a number, until one has been taken."""
        return (lane, kind) in self._held

    def state_refused(self, name: str) -> bool:
        """Whether that state was refused the last time."""
        return name in self._states

    def delivered(self, message: Message) -> None:
        """The broker took one."""
        self._unsent_since = math.inf
        if message.retain:
            self._states.pop(message.kind, None)
        else:
            self._held.discard((message.lane, message.kind))
        if message.kind in self._forbidden:
            self._forbidden.discard(message.kind)
            self._messages.update((other, -math.inf) for other in self._messages if other.kind == message.kind)

    def unsent_for_long(self, at: float) -> bool:
        """Whether nothing could be sent for long."""
        return at - self._unsent_since > UNSENT_S_MAX

    def take_due(self, at: float) -> list[Message]:
        """Messages to try again now, in the order in which they were refused; of a kind that the broker forbids only one, as a probe."""
        due: list[Message] = []
        probed: set[str] = set()
        for message, again_at in self._messages.items():
            if at >= again_at and message.kind not in probed:
                due.append(message)
                probed |= {message.kind} & self._forbidden
        for message in due:
            del self._messages[message]
        return due

    def states_due(self, at: float) -> list[str]:
        """States to try again now; they count as refused until one is taken."""
        due = [name for name, again_at in self._states.items() if at >= again_at]
        self._states.update(dict.fromkeys(due, at + REFUSED_WAIT_S))
        return due

    def take_all(self) -> list[Message]:
        """Everything may be tried again: the link is another one."""
        messages = list(self._messages)
        self._messages.clear()
        self._states.clear()
        self._held.clear()
        self._forbidden.clear()
        self._unsent_since = math.inf
        return messages

"""Refusals: messages and states that were not delivered go in; those whose time to try again has come go out; for the outbox.

A broker may refuse a message by closing the connection. What had just left when that happened, three times over, is under suspicion: it
waits here, over new links too, and is tried again alone, later each time that it ends a link.
"""

import math

from agent.core.events import Lane
from agent.core.lanes import Message

REFUSED_WAIT_S = 30.0
"""A message that the broker refused is tried again after that; it may be the broker's mood, and must not become a storm."""

UNSENT_WAIT_S = 2.0
"""A message that could not be sent just now is tried again after that; what was wrong is near, and an alarm may be among them."""

UNSENT_S_MAX = 10.0
"""When nothing can be sent for so long on a link that is said to be up, its end was lost on the way to us."""


ENDS_SUSPECT = 3
"""So many links that ended when a message had just left are no accident."""

ENDS_AT_ONCE_S = 5.0
"""A broker that refuses by closing does so within a slow round trip."""

SUSPECTS_MAX = 64
"""More are not taken aside: then it is the broker, and not the messages."""

SUSPECT_WAIT_S = 60.0
SUSPECT_WAIT_S_MAX = 3600.0
"""The wait for the next try doubles with each link that it ends."""


class Refusals:
    """What waits for another try, and since when nothing can be sent at all."""

    def __init__(self) -> None:
        self._messages: dict[Message, float] = {}
        self._states: dict[str, float] = {}
        self._held: set[tuple[Lane, str]] = set()
        self._forbidden: set[str] = set()
        self._unsent_since = math.inf
        self._suspects: dict[Message, float] = {}
        self._tried: Message | None = None
        self.passed_over: dict[Lane, None] = {}
        """Lanes of which rows lie in the store that are too large for this broker."""

    def __contains__(self, message: Message) -> bool:
        return message in self._messages or message in self._suspects

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

    def too_large(self, at: float, message: Message) -> None:
        """It has not left, and will not while the broker takes nothing of its size; a state and an alarm are looked at again soon."""
        if message.retain:
            self._states[message.kind] = at + REFUSED_WAIT_S
        elif message.lane is Lane.ALARM:
            self._messages[message] = at + REFUSED_WAIT_S
        else:
            self.passed_over[message.lane] = None

    def link_down(self, at: float, messages: list[Message]) -> tuple[list[Message], list[Message]]:
        """The link ended with these in flight: which are to leave again with the next one, and which are under suspicion from now on."""
        tried, self._tried = self._tried, None
        again = [message for message in messages if not message.retain]
        just_left = [message for message in again if message.lane is not Lane.ALARM and at - message.sent_at < ENDS_AT_ONCE_S]
        for message in [tried] if tried is not None and tried in just_left else just_left:
            message.ends += 1
        taken = [message for message in again if message.ends >= ENDS_SUSPECT and message.durable][: SUSPECTS_MAX - len(self._suspects)]
        for message in taken:
            message.refused = True
            self._suspects[message] = at + min(SUSPECT_WAIT_S * 2.0 ** min(message.ends - ENDS_SUSPECT, 10), SUSPECT_WAIT_S_MAX)
        return [message for message in again if message not in taken], taken

    def take_suspect(self, at: float) -> list[Message]:
        """The next one under suspicion whose time has come, once it is known what became of the one before."""
        due = [message for message, again_at in self._suspects.items() if at >= again_at] if self._tried is None else []
        for message in due[:1]:
            del self._suspects[message]
            self._tried = message
        return due[:1]

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
        if message is self._tried:
            self._tried = None
            self._suspects.update(dict.fromkeys(self._suspects, -math.inf))  # it was not this one: perhaps it was none
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
        """Everything may be tried again, but for what may have ended the links before: the link is another one."""
        messages = list(self._messages)
        self._messages.clear()
        self._states.clear()
        self._held.clear()
        self._forbidden.clear()
        self._unsent_since = math.inf
        return messages

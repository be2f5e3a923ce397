"""The window: messages that have left and are not acknowledged; how many bytes of them, and which are overdue."""

from agent.core.events import Lane
from agent.core.lanes import Message

RESERVE_BYTES = 2048
"""Room above the window for events and the live position, so that back-fill cannot shut them out."""

ALARMS_IN_FLIGHT_MAX = 32
"""Alarms are not held by the window; this many at once is more than any honest button makes."""

ACK_S_MAX = 10.0
"""A message unacknowledged for longer is sent again when others were acknowledged since; when none was, the link is stalled."""

PATIENCE_S_MAX = 80.0
"""A line that is slow and alive would otherwise be ended every ten seconds, and send the same again: each stall doubles the patience."""


class Window:
    """What is in flight, by token; tokens rise."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._messages: dict[int, Message] = {}
        self._token = 0
        self.bytes = 0
        self.receive_max = 65535
        self.patience_s = ACK_S_MAX

    def __len__(self) -> int:
        return len(self._messages)

    def __contains__(self, message: Message) -> bool:
        return message in self._messages.values()

    def room(self, lane: Lane) -> bool:
        """Whether one more of that lane may leave now."""
        if lane is Lane.ALARM:
            alarms = sum(message.lane is Lane.ALARM for message in self._messages.values())
            return alarms < ALARMS_IN_FLIGHT_MAX and len(self._messages) < self.receive_max
        limit = self._bytes_max + (RESERVE_BYTES if lane is not Lane.BACKFILL else 0)
        reserve = min(ALARMS_IN_FLIGHT_MAX, self.receive_max // 2)  # a broker may allow as few as twenty (Mosquitto does)
        return not self._messages or (self.bytes < limit and len(self._messages) < self.receive_max - reserve)

    def send(self, at: float, message: Message) -> int:
        """It leaves; its token."""
        self._token += 1
        message.sent_at = at
        self._messages[self._token] = message
        self.bytes += len(message.payload)
        return self._token

    def take(self, token: int) -> Message | None:
        """It is not in flight any more; None when it was not."""
        message = self._messages.pop(token, None)
        if message is not None:
            self.bytes -= len(message.payload)
        return message

    def acked(self, waited_s: float) -> None:
        """An acknowledgement took so long: twice that is worth waiting for the next."""
        self.patience_s = min(PATIENCE_S_MAX, max(ACK_S_MAX, 2 * waited_s))

    def stalled(self) -> None:
        """None came in time."""
        self.patience_s = min(PATIENCE_S_MAX, 2 * self.patience_s)

    def take_all(self) -> list[Message]:
        """Nothing is in flight any more; in the order in which they left."""
        messages = list(self._messages.values())
        self._messages.clear()
        self.bytes = 0
        return messages

    def overdue(self, at: float) -> bool:
        """Whether something should have been acknowledged by now."""
        return any(at - message.sent_at > self.patience_s for message in self._messages.values())

    def take_overdue(self, at: float) -> list[Message]:
        """All that should have been acknowledged by now; not in flight any more."""
        tokens = [token for token, message in self._messages.items() if at - message.sent_at > self.patience_s]
        return [message for token in tokens if (message := self.take(token)) is not None]

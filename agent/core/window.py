"""The window: messages that have left and are not acknowledged; how many bytes of them, and which are overdue."""

import math

from agent.core.events import Lane, LinkUp
from agent.core.lanes import Message

RESERVE_BYTES = 2048
"""Room above the window for events and the live position, so that back-fill cannot shut them out."""

ALARMS_IN_FLIGHT_MAX = 32
"""Alarms are not held by the window; this many at once is more than any honest button makes."""

ACK_S_MAX = 10.0
"""A message unacknowledged for longer is sent again when others were acknowledged since; when none was, the link is stalled."""

PATIENCE_S_MAX = 80.0
"""A line that is slow and alive would otherwise be ended every ten seconds, and send the same again: each stall doubles the patience.

While an alarm is in flight it ends at ALARM_PATIENCE_S."""

ALARM_PATIENCE_S = 20.0
"""An alarm is tried on a new connection after that, though a slow line may carry it twice."""

PACKET_BYTES = 48
"""What a PUBLISH has besides topic and payload, at most: header 5, lengths 3, identifier 2, content type 22, expiry 5 (MQTT 5, 3.3)."""


class Window:
    """What is in flight, by token; tokens rise."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._messages: dict[int, Message] = {}
        self._token = 0
        self.bytes = 0
        self.receive_max = 65535
        self.packet_bytes_max: float = math.inf
        self._patience_s = ACK_S_MAX
        self._acked_at = -math.inf

    def __len__(self) -> int:
        return len(self._messages)

    def __contains__(self, message: Message) -> bool:
        return message in self._messages.values()

    def link_up(self, up: LinkUp) -> bool:
        """What this broker takes; whether that is another size of message than before."""
        before = self.packet_bytes_max
        self._acked_at, self.receive_max = up.at, up.receive_max
        self.packet_bytes_max = math.inf if up.packet_bytes_max is None else up.packet_bytes_max
        return before != self.packet_bytes_max

    def too_large(self, message: Message) -> bool:
        """Whether the broker takes no message of that size."""
        return packet_bytes(message) > self.packet_bytes_max

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

    @property
    def patience_s(self) -> float:
        """How long an acknowledgement is waited for."""
        alarm = any(message.lane is Lane.ALARM for message in self._messages.values())
        return min(ALARM_PATIENCE_S, self._patience_s) if alarm else self._patience_s

    def acked(self, at: float, message: Message) -> None:
        """An acknowledgement took so long: twice that is worth waiting for the next."""
        self._acked_at = at
        self._patience_s = min(PATIENCE_S_MAX, max(ACK_S_MAX, 2 * (at - message.sent_at)))

    def stalled(self, at: float) -> str | None:
        """Why the link is to be given up: something is overdue, and nothing was acknowledged in time."""
        if not self._overdue(at) or at - self._acked_at <= self.patience_s:
            return None
        self._patience_s = min(PATIENCE_S_MAX, 2 * self._patience_s)
        return f"no acknowledgement for {at - self._acked_at:.0f} s"

    def take_all(self) -> list[Message]:
        """Nothing is in flight any more; in the order in which they left."""
        messages = list(self._messages.values())
        self._messages.clear()
        self.bytes = 0
        return messages

    def _overdue(self, at: float) -> list[int]:
        patience_s = self.patience_s
        return [token for token, message in self._messages.items() if at - message.sent_at > patience_s]

    def take_overdue(self, at: float) -> list[Message]:
        """All that should have been acknowledged by now; not in flight any more."""
        return [message for token in self._overdue(at) if (message := self.take(token)) is not None]


def packet_bytes(message: Message) -> int:
    """Bytes of the PUBLISH on the line, or a few more."""
    return PACKET_BYTES + len(message.topic.encode()) + len(message.payload)

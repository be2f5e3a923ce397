"""The window: messages that have left and are not acknowledged; how many bytes of them, and which are overdue.

The bytes follow the line: back-fill that has to wait for room makes the window grow as long as acknowledgements come about as fast as they
ever did on this link, and shrink when they come later than that by as much again (QUEUE_S at most): then the line's queue is what they
wait in, and an alarm would wait in it too. (The idea is TCP Vegas', RFC 6817 does the same for file sharing: measure the delay, leave the
loss to others.)
"""

import math
from collections import deque
from typing import Any

from agent.core.events import Lane, LinkUp
from agent.core.lanes import Message

BYTES_MIN = 2048
"""Less would be one small message at a time, whose headers and round trips cost more than they spare an alarm."""

GROWTH_BYTES = 256
"""By so much, and not by what was acknowledged, it grows while it holds one or two messages: on a thin line each takes seconds."""

GROWTH_MAX = 8
"""The window grows up to so many times what the config gives it: at 600 ms over a satellite 64 KB are 100 KB a second."""

QUEUE_S = 0.1
"""So long may an alarm wait behind what is on the line already."""

RECENT = 8
"""The line's queue is what even the fastest of so many answers, of one round trip, waited in (RFC 6817, 3.4: CURRENT_FILTER)."""

QUEUE_S_MIN = 0.002
"""On a fast line the queue is no longer than the line itself; so long in any case, or the clock's own jitter would empty it."""

BASE_S = 600.0
"""The fastest answer of this and the stretch before it is the line's own delay: a line that has become slower is believed by then."""

RESERVE_BYTES = 2048
"""Room above the window for events and the live position, so that back-fill cannot shut them out."""

ALARMS_IN_FLIGHT_MAX = 32
"""Alarms are not held by the window; this many at once is more than any honest button makes."""

ALARMS_FRESH = 8
"""So many of them are for what was said just now: a press must not wait for the acknowledgements of what a tunnel has held back."""

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
        self._bytes_first = bytes_max
        self.bytes_max: float = bytes_max
        self._full = False
        self._base_at = -math.inf
        self._base_s = (math.inf, math.inf)
        self._recent: deque[tuple[float, float]] = deque(maxlen=RECENT)
        self._shrunk_at = -math.inf
        self._messages: dict[int, Message] = {}
        self._token = 0
        self.bytes = 0
        self.receive_max = 65535
        self.packet_bytes_max: float = math.inf
        self._patience_s = ACK_S_MAX
        self._acked_at = -math.inf
        self._ack_ms: float | None = None

    def __len__(self) -> int:
        return len(self._messages)

    def __contains__(self, message: Message) -> bool:
        return message in self._messages.values()

    def link_up(self, up: LinkUp) -> bool:
        """What this broker takes; whether that is another size of message than before."""
        before = self.packet_bytes_max
        self._acked_at, self.receive_max = up.at, up.receive_max
        self.bytes_max, self._shrunk_at = self._bytes_first, -math.inf
        self._base_at, self._base_s = up.at, (math.inf, math.inf)
        self._recent.clear()
        self.packet_bytes_max = math.inf if up.packet_bytes_max is None else up.packet_bytes_max
        return before != self.packet_bytes_max

    def too_large(self, message: Message) -> bool:
        """Whether the broker takes no message of that size."""
        return packet_bytes(message) > self.packet_bytes_max

    def room(self, lane: Lane, fresh: bool = False) -> bool:
        """Whether one more of that lane may leave now; `fresh`: an alarm that was said just now."""
        if lane is Lane.ALARM:
            alarms = sum(message.lane is Lane.ALARM for message in self._messages.values())
            kept = 0 if fresh else min(ALARMS_FRESH, self.receive_max // 4)
            return alarms < ALARMS_IN_FLIGHT_MAX - kept and len(self._messages) < self.receive_max - kept
        limit = self.bytes_max + (RESERVE_BYTES if lane is not Lane.BACKFILL else 0)
        reserve = min(ALARMS_IN_FLIGHT_MAX, self.receive_max // 2)  # a broker may allow as few as twenty (Mosquitto does)
        room = not self._messages or (self.bytes < limit and len(self._messages) < self.receive_max - reserve)
        self._full |= not room
        return room

    def send(self, at: float, message: Message) -> int:
        """It leaves; its token."""
        self._token += 1
        message.sent_at = at
        self._messages[self._token] = message
        self.bytes += len(message.payload)
        return self._token

    def status(self) -> dict[str, Any]:
        """Messages and bytes in flight, how many bytes may be, and how long the last acknowledgement of a position took."""
        return {"in_flight": len(self), "in_flight_bytes": self.bytes, "window_bytes": self.bytes_max, "ack_ms": self._ack_ms}

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
        """An acknowledgement took so long: twice that is worth waiting for the next, and it tells how long the line's queue is."""
        self._acked_at = at
        rtt_s = at - message.sent_at
        if message.lane in (Lane.LIVE, Lane.BACKFILL):  # not those of an alarm: that could be seen
            self._ack_ms = round(rtt_s * 1000, 1)
        self._patience_s = min(PATIENCE_S_MAX, max(ACK_S_MAX, 2 * rtt_s))
        self._follow(at, message, rtt_s)

    def _follow(self, at: float, message: Message, rtt_s: float) -> None:
        """Let the window be as large as the line answers soon enough."""
        before, here = (self._base_s[1], math.inf) if at - self._base_at > BASE_S else self._base_s
        self._base_at = at if at - self._base_at > BASE_S else self._base_at
        self._base_s = (before, min(here, rtt_s))
        base_s = min(self._base_s)
        soon_s = base_s + min(QUEUE_S, max(QUEUE_S_MIN, base_s))
        while self._recent and self._recent[0][0] < at - rtt_s:
            self._recent.popleft()
        self._recent.append((at, rtt_s))
        now_s = min(rtt for _, rtt in self._recent)  # one that was late alone says nothing: a mobile network's delay wanders
        if now_s <= soon_s:
            if self._full:
                grown = len(message.payload) if self.bytes_max >= 2 * len(message.payload) else GROWTH_BYTES
                self.bytes_max = min(GROWTH_MAX * self._bytes_first, self.bytes_max + grown)
        elif self._full and message.sent_at >= self._shrunk_at:  # once a round trip: what left before does not know of it yet
            self.bytes_max = max(min(BYTES_MIN, self._bytes_first), self.bytes_max * max(0.5, soon_s / now_s))
            self._shrunk_at = at
        self._full = False

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

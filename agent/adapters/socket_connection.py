"""One connection of the local socket: bytes as they come go in, whole lines come out; answers go in, bytes go out as the kernel takes them.

Every step returns at once. What a connection may hold, and how long it may stand still, is bounded here.
"""

import logging
import math
import socket
from typing import Any

import msgspec

from agent.wire.whys import refused, why

log = logging.getLogger("outpost.socket")

LINE_BYTES_MAX = 65_536
"""A request; the largest is an officer's action with some text."""

UNSENT_BYTES_MAX = 1_048_576
"""Answers a connection has not read yet; who is this far behind does not read at all, and is dropped."""

STALLED_S = 10.0
"""A connection that takes none of its answer for so long holds its place for nothing."""

IDLE_S = 600.0
"""Neither a request nor an answer for so long: a panel asks each second, a shell has been forgotten."""

READ_BYTES = 65_536
"""Read at once, so never more than this lies beyond the longest line."""


class Connection:
    """What one connection sent and we did not use yet, and what we said and it did not read yet."""

    def __init__(self, sock: socket.socket, at: float, by_root: bool = False) -> None:
        """`sock` must not block; `at` is when it was accepted; `by_root` whether root has made it."""
        self.sock = sock
        self.by_root = by_root
        self.asker: int | None = None
        """The request that waits for its answer."""
        self.due = math.inf
        """When that answer is given up."""
        self.ended = False
        """It will send no more, or nothing that we would take; to be closed when all is answered and sent."""
        self._unread = bytearray()
        self._unsent = bytearray()
        self._moved_at = at

    @property
    def wants_request(self) -> bool:
        """One request at a time: what follows waits in the kernel's buffer, and then in the client."""
        return not self.ended and self.asker is None

    @property
    def wants_room(self) -> bool:
        """Is there something the kernel did not take yet?"""
        return bool(self._unsent)

    @property
    def finished(self) -> bool:
        """Nothing more comes, and nothing more goes."""
        return self.ended and self.asker is None and not self._unsent

    @property
    def overflowed(self) -> bool:
        """It asks and does not read."""
        return len(self._unsent) > UNSENT_BYTES_MAX

    @property
    def gives_up_at(self) -> float:
        """When to look at it again: its question goes unanswered, or it has stood still for too long."""
        return min(self.due, self._moved_at + (STALLED_S if self._unsent else IDLE_S))

    def receive(self, at: float) -> None:
        """Take what came; the end of the stream, or its loss, ends the requests."""
        try:
            got = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            got = b""  # the other side is gone; sending will tell
        self._moved_at = at
        self._unread += got
        self.ended = not got

    def line(self) -> bytes | None:
        """The next line without its end; None when there is none yet. At the end of the stream the rest counts as a line.

        A line that is too long is answered with an error, and ends the requests.
        """
        end = self._unread.find(b"\n")
        length = len(self._unread) if end < 0 else end
        if length > LINE_BYTES_MAX:
            self.say(refused(why("line_too_long", most=LINE_BYTES_MAX)))
            self._unread.clear()
            self.ended = True
            return None
        if end < 0 and not (self.ended and self._unread):
            return None
        line = bytes(self._unread[:length])
        del self._unread[: length + 1]
        return line

    def ask(self, asker: int, due: float) -> None:
        """Its request is with the core, whose answer must be there by `due`."""
        self.asker, self.due = asker, due

    def settle(self, body: dict[str, Any], at: float) -> None:
        """Its request is answered."""
        self.asker, self.due = None, math.inf
        self._moved_at = at
        self.say(body)

    def say(self, body: dict[str, Any]) -> None:
        """Put one line behind what is still to be sent."""
        try:
            line = msgspec.json.encode(body)
        except (TypeError, ValueError, RecursionError) as e:
            # A mistake of ours, but one that must not end the agent: a status page is not worth an alarm.
            log.error("an answer cannot be told as JSON: %s: %r", e, body)
            line = msgspec.json.encode(refused(why("answer_untold", reason=str(e))))
        self._unsent += line + b"\n"

    def send(self, at: float) -> bool:
        """Send what the kernel takes without waiting; False when the other side is gone."""
        while self._unsent:
            try:
                sent = self.sock.send(self._unsent, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return True
            except OSError:
                return False
            self._moved_at = at
            del self._unsent[:sent]
        return True

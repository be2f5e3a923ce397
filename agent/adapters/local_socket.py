"""The local socket: lines of JSON from other processes go in, out go `Asked` events, and each `Answer` as one line of JSON to who asked.

A connection's requests are put to the core one at a time, each under an `asker` of its own that is never used again. So answers come in
the order of the requests, and one that comes too late, or twice, cannot be taken for the answer to the next question.
"""

import itertools
import logging
import math
import os
import queue
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from agent.adapters import socket_file
from agent.adapters.socket_connection import Connection
from agent.core.effects import Answer
from agent.core.events import Asked, Event, SocketFailed, SocketOpened
from agent.wire.whys import refused, why

log = logging.getLogger("outpost.socket")

CONNECTIONS_MAX = 16
"""A panel, a status page and some shells; more means that somebody does not close."""

ANSWER_S = 5.0
"""The core answers within one turn of its loop. After this the event, or its answer, was lost."""

RETRY_S = 10.0
"""How often a socket that could not be made is tried again; a directory may be mounted, or its owner put right, meanwhile."""

CLOSE_S_MAX = 2.0
"""How long `close` waits for the thread, which never waits itself."""


class LocalSocket:
    """The agent's socket. When it cannot be made, that is a warning in the log and tried again: a unit without it does its work."""

    def __init__(self, path: str, post: Callable[[Event], None], now: Callable[[], float]) -> None:
        """Nothing is opened before `start`. `now` gives monotonic seconds, `post` never blocks."""
        self._path = path
        self._post = post
        self._now = now
        # At most one answer per connection is asked for, so no more than CONNECTIONS_MAX wait here.
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._askers = itertools.count(1)
        self._asking: dict[int, Connection] = {}
        self._connections: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._file: tuple[int, int] | None = None
        self._retry_at = -math.inf
        self._complaint = ""
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="socket", daemon=True)

    def start(self) -> None:
        """Listen, and begin to post.

        Raises:
            SocketInUse: another agent answers at this path. Any other failure is logged and tried again.
        """
        self._selector.register(self._woken, selectors.EVENT_READ, self._slept)
        try:
            self._listen()
        except socket_file.SocketInUse:
            raise
        except OSError as e:
            self._complain(e)
        self._thread.start()

    def perform(self, effect: Answer) -> None:
        """Send the answer to who asked; when they are gone, or it comes too late, it goes nowhere. Never blocks."""
        if not self._closing:
            self._answers.put(effect)
            self._rouse()

    def close(self) -> None:
        """Send what can be sent at once, close everything and remove the socket's file."""
        if self._closing:
            return
        self._closing = True
        if self._thread.is_alive():
            self._rouse()
            self._thread.join(CLOSE_S_MAX)
        if not self._thread.is_alive():
            self._shut()

    def _rouse(self) -> None:
        try:
            os.write(self._wake, b"w")
        except BlockingIOError:
            pass  # a full pipe wakes as well as one more byte would

    # --- in the thread from here on -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._answer()
            self._sweep()

    def _patience(self) -> float | None:
        """Seconds until something is to be done without being asked; None for never."""
        wake_at = min((c.gives_up_at for c in self._connections), default=math.inf)
        if self._listener is None:
            wake_at = min(wake_at, self._retry_at)
        return None if math.isinf(wake_at) else max(0.0, wake_at - self._now())

    def _slept(self) -> None:
        os.read(self._woken, 4096)

    def _listen(self) -> None:
        """Make the socket; raises OSError."""
        self._retry_at = self._now() + RETRY_S
        self._listener, self._file = socket_file.claim(self._path)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._post(SocketOpened(self._now()))
        if self._complaint:
            log.info("the socket %s is open now", self._path)
            self._complaint = ""

    def _complain(self, e: OSError) -> None:
        """Once for each reason, not every ten seconds for a year."""
        self._post(SocketFailed(self._now(), str(e)))
        if str(e) != self._complaint:
            self._complaint = str(e)
            log.warning("the socket %s is not open, tried again every %g s: %s", self._path, RETRY_S, e)

    def _accept(self) -> None:
        assert self._listener is not None, "accept without a listener"
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # whoever it was has gone again
        except OSError as e:
            # Out of descriptors or memory: the listener stays readable, and select would spin. Listen afresh later.
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
            self._retry_at = self._now() + RETRY_S
            self._complain(e)
            return
        sock.setblocking(False)
        connection = Connection(sock, self._now(), socket_file.is_by_root(sock))
        if len(self._connections) >= CONNECTIONS_MAX:
            connection.say(refused(why("too_many_connections", most=CONNECTIONS_MAX)))
            connection.send(self._now())
            sock.close()
            return
        self._connections.add(connection)
        self._watch(connection)

    def _move(self, connection: Connection) -> None:
        """Its socket can be read or written."""
        if connection.wants_request:
            connection.receive(self._now())
        self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        """Take requests as long as there are any to take, send what there is to send, and watch for what is due next."""
        while connection.asker is None:
            line = connection.line()
            if line is None:
                break
            self._take(connection, line)
        alive = connection.send(self._now())
        if not alive or connection.finished or connection.overflowed:
            self._drop(connection)
        else:
            self._watch(connection)

    def _take(self, connection: Connection, line: bytes) -> None:
        """One line: a request for the core, or an error that says what is wrong with it."""
        if not line.strip():
            return
        try:
            request: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        except (ValueError, RecursionError) as e:
            found = line[:60].decode(errors="replace")
            connection.say(refused(why("no_request", found=repr(found), reason=str(e))))
            return
        at = self._now()
        asker = next(self._askers)
        self._asking[asker] = connection
        connection.ask(asker, at + ANSWER_S)
        self._post(Asked(at, asker, request, connection.by_root))

    def _answer(self) -> None:
        """Give out the answers that have come."""
        while not self._answers.empty():
            answer = self._answers.get_nowait()
            connection = self._asking.pop(answer.asker, None)
            if connection is not None:
                connection.settle(answer.body, self._now())
                self._go_on(connection)

    def _sweep(self) -> None:
        """What time asks for: answers that did not come, connections that stand still, a socket still to be made."""
        now = self._now()
        for connection in [c for c in self._connections if now >= c.gives_up_at]:
            if now >= connection.due and connection.asker is not None:
                del self._asking[connection.asker]
                connection.settle(refused(why("no_answer_in_time", seconds=ANSWER_S)), now)
                self._go_on(connection)
            else:
                self._drop(connection)
        if self._listener is None and now >= self._retry_at:
            try:
                self._listen()
            except OSError as e:
                self._complain(e)

    def _watch(self, connection: Connection) -> None:
        """Ask the selector for what this connection waits for; for nothing at all while only the core's answer is due."""
        mask = (selectors.EVENT_READ if connection.wants_request else 0) | (selectors.EVENT_WRITE if connection.wants_room else 0)
        known = connection.sock in self._selector.get_map()
        if not mask and known:
            self._selector.unregister(connection.sock)
        elif mask and known:
            self._selector.modify(connection.sock, mask, lambda: self._move(connection))
        elif mask:
            self._selector.register(connection.sock, mask, lambda: self._move(connection))

    def _drop(self, connection: Connection) -> None:
        if connection.sock in self._selector.get_map():
            self._selector.unregister(connection.sock)
        if connection.asker is not None:
            del self._asking[connection.asker]
        self._connections.discard(connection)
        connection.sock.close()

    def _shut(self) -> None:
        """Close everything; the thread has ended."""
        self._answer()
        for connection in list(self._connections):
            self._drop(connection)
        if self._listener is not None and self._file is not None:
            self._listener.close()
            socket_file.remove(self._path, self._file)
        self._selector.close()
        os.close(self._wake)
        os.close(self._woken)

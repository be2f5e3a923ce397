"""The network between the car and the broker: a TCP relay that can be cut, swallow everything, be slow or narrow.

One thread. Clients connect to `port`, each gets its own connection to the target. Byte counters count what was passed on.
"""

import collections
import enum
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import HasFileno

CHUNK = 16_384
"""Bytes read at once."""

WAITING_MAX = 65_536
"""Bytes that one direction may hold; then the sender is made to wait, as a full queue in a modem does."""

BACKLOG = 64
"""Callers that may wait to be taken."""

TICK_S = 0.1
"""The longest pause of the thread."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with zero time: close() sends a reset."""


class State(enum.Enum):
    """What the line does."""

    OPEN = "open"
    CUT = "cut"
    BLACK_HOLE = "black_hole"


class _Way:
    """One direction of one connection: bytes wait here for their time and for room at the other end."""

    def __init__(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        self.source, self.sink, self.up = source, sink, up
        self.waiting: collections.deque[tuple[float, bytes]] = collections.deque()
        self.held = 0
        self.ended = False


class _Pair:
    """A client and its connection to the target."""

    def __init__(self, client: socket.socket, target: socket.socket) -> None:
        self.client, self.target = client, target
        self.ways = (_Way(client, target, up=True), _Way(target, client, up=False))


class Line:
    """The relay. All methods may be called from any thread; they take effect before they return, within `TICK_S` and a bit.

    `delay_s`: added to each direction. `bytes_per_s`: limit of each direction over all connections, None for none.
    """

    def __init__(self, target_port: int, delay_s: float = 0.0, bytes_per_s: float | None = None, target_host: str = "127.0.0.1") -> None:
        self.delay_s = delay_s
        self.bytes_per_s = bytes_per_s
        self.bytes_up = 0
        self.bytes_down = 0
        self.accepted_at: float | None = None
        """When the latest connection was made, monotonic seconds."""
        self._target = (target_host, target_port)
        self._state = State.OPEN
        self._pairs: list[_Pair] = []
        self._free_at = {True: 0.0, False: 0.0}
        self._asked: collections.deque[tuple[Callable[[], None], threading.Event]] = collections.deque()
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._closed = False
        self.port = 0
        self._door = self._bound()
        self._door.listen(BACKLOG)
        self.port = int(self._door.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:port`."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def state(self) -> State:
        """What the line does now."""
        return self._state

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._pairs)

    def cut(self) -> None:
        """Reset the connections that are there, and refuse new ones."""
        self._ask(self._do_cut)

    def black_hole(self) -> None:
        """Connections stay, new ones are taken, and nothing passes: not even that somebody closed."""
        self._ask(lambda: self._become(State.BLACK_HOLE))

    def restore(self) -> None:
        """Be a network again. What was held back in a black hole passes now, as TCP would send it again."""
        self._ask(lambda: self._become(State.OPEN))

    def close(self) -> None:
        """End: everything is closed, the thread is gone. Twice is harmless."""
        if not self._closed:
            self._closed = True
            self._wake_w.send(b"\0")
        self._thread.join(5)

    def _ask(self, what: Callable[[], None]) -> None:
        done = threading.Event()
        self._asked.append((what, done))
        self._wake_w.send(b"\0")
        if not done.wait(5):
            raise RuntimeError("the line is closed")

    # --- the thread -----------------------------------------------------------------------------------------------------------------

    def _bound(self) -> socket.socket:
        """A socket at our port that does not listen: callers are refused, and nobody else can take the port."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self.port))
        sock.setblocking(False)
        return sock

    def _become(self, state: State) -> None:
        if self._state is State.CUT:
            self._door.listen(BACKLOG)
        self._state = state

    def _do_cut(self) -> None:
        if self._state is not State.CUT:
            self._door.close()
            self._door = self._bound()
        self._state = State.CUT
        for pair in list(self._pairs):
            self._end(pair)

    def _run(self) -> None:
        try:
            while not self._closed:
                self._turn()
        finally:
            self._closed = True
            self._do_cut()
            self._door.close()
            self._wake_r.close()
            self._wake_w.close()

    def _turn(self) -> None:
        now = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_r, selectors.EVENT_READ)
            if self._state is not State.CUT:
                selector.register(self._door, selectors.EVENT_READ)
            wait_s = TICK_S
            if self._state is State.OPEN:
                wait_s = self._register(selector, now)
            ready: set[HasFileno | int] = {key.fileobj for key, _ in selector.select(wait_s)}
        if self._wake_r in ready:
            self._carry_out()
        if self._door in ready and self._state is not State.CUT:
            self._accept()
        if self._state is State.OPEN:
            for pair in list(self._pairs):
                self._pass_on(pair, ready)

    def _register(self, selector: selectors.BaseSelector, now: float) -> float:
        """Register the sockets that have something to do; how long to wait for the next bytes to become due."""
        wait_s = TICK_S
        for pair in self._pairs:
            wanted: dict[socket.socket, int] = {}
            for way in pair.ways:
                if not way.ended and way.held < WAITING_MAX:
                    wanted[way.source] = wanted.get(way.source, 0) | selectors.EVENT_READ
                if way.waiting:
                    due_in = way.waiting[0][0] - now
                    if due_in <= 0:
                        wanted[way.sink] = wanted.get(way.sink, 0) | selectors.EVENT_WRITE
                    else:
                        wait_s = min(wait_s, due_in)
            for sock, events in wanted.items():
                selector.register(sock, events)
        return wait_s

    def _carry_out(self) -> None:
        self._wake_r.recv(4096)
        while self._asked:
            what, done = self._asked.popleft()
            what()
            done.set()

    def _accept(self) -> None:
        try:
            client, _ = self._door.accept()
        except OSError:
            return
        try:
            target = socket.create_connection(self._target, timeout=2)
        except OSError:
            _reset(client)
            return
        for sock in (client, target):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted_at = time.monotonic()
        self._pairs.append(_Pair(client, target))

    def _pass_on(self, pair: _Pair, ready: "set[HasFileno | int]") -> None:
        try:
            for way in pair.ways:
                if way.source in ready and not way.ended and way.held < WAITING_MAX:
                    self._read(way)
                self._write(way)
        except OSError:
            self._end(pair)
            return
        if all(way.ended and not way.waiting for way in pair.ways):
            self._end(pair, reset=False)

    def _read(self, way: _Way) -> None:
        try:
            chunk = way.source.recv(CHUNK)
        except BlockingIOError:
            return
        now = time.monotonic()
        if not chunk:
            way.ended = True
        begin = max(now, self._free_at[way.up])
        # A narrow line is busy with one chunk before it takes the next; in pieces, so that a small message is not held by a whole chunk.
        piece = len(chunk) if self.bytes_per_s is None else max(256, int(self.bytes_per_s * 0.02))
        for i in range(0, len(chunk), piece or 1):
            part = chunk[i : i + piece]
            begin += 0.0 if self.bytes_per_s is None else len(part) / self.bytes_per_s
            way.waiting.append((begin + self.delay_s, part))
        self._free_at[way.up] = begin
        way.held += len(chunk)
        if way.ended:
            way.waiting.append((begin + self.delay_s, b""))

    def _write(self, way: _Way) -> None:
        while way.waiting and way.waiting[0][0] <= time.monotonic():
            due, part = way.waiting.popleft()
            if not part:
                way.sink.shutdown(socket.SHUT_WR)
                continue
            try:
                sent = way.sink.send(part)
            except BlockingIOError:
                sent = 0
            way.held -= sent
            if way.up:
                self.bytes_up += sent
            else:
                self.bytes_down += sent
            if sent < len(part):
                way.waiting.appendleft((due, part[sent:]))
                return

    def _end(self, pair: _Pair, reset: bool = True) -> None:
        self._pairs.remove(pair)
        for sock in (pair.client, pair.target):
            if reset:
                _reset(sock)
            else:
                sock.close()


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()

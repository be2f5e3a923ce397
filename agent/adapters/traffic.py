"""TCP connections of the link go in; the bytes that a SIM's bill counts for them come out (`Traffic`), as the kernel knows them.

A bill counts IP packets both ways: payload (TLS records, and what was sent again, too) and a header of each segment. The kernel tells
both of a connection (TCP_INFO of tcp(7)), its handshake, bare acknowledgements and keepalives included. What it cannot tell is estimated:
the closing, since a closed connection cannot be asked any more. Not counted: name look-ups, and connections that never came to be.
"""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

from agent.core.events import Event, Traffic

LOOK_S = 0.25
"""So often at most the kernel is asked of a connection; one that is drained at 1 MB/s is known to 250 KB."""

EVERY_S = 10.0
MUCH_BYTES = 65_536
"""What moved is told so often, or when it is so much."""

IP_BYTES, IPV6_BYTES, TCP_BYTES = 20, 40, 20
"""Headers without options (RFC 791, 8200, 9293)."""

TIMESTAMPS_BYTES = 12
"""The option with its padding, in each segment (RFC 7323, appendix A), where both sides have agreed (TCPI_OPT_TIMESTAMPS, the bit 1)."""

SYN_BYTES = 8
"""What the first segment of each side has more: MSS, SACK-permitted, window scale (measured with Linux on both sides)."""

OPTIONS_AT, SENT_END, ACKED_END = 5, 208, 144
"""Offsets in struct tcp_info (include/uapi/linux/tcp.h): the byte tcpi_options; the ends of what the two ways of counting need."""

ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT = 1, 4, 5, 8
"""tcpi_state, the first byte (include/net/tcp_states.h)."""

CLOSING_SEGMENTS = {ESTABLISHED: (2, 2), FIN_WAIT1: (1, 2), FIN_WAIT2: (1, 1), CLOSE_WAIT: (1, 1)}
"""Segments up and down that follow when we close in that state: FINs and their acknowledgements."""

TLS_RECORD_BYTES = 22
"""Header, type and tag of a record (RFC 8446, 5.2 and AES-GCM), for a kernel that does not tell."""


class Payload:
    """What MQTT wrote and read, counted by the client: for a kernel that does not tell."""

    def __init__(self) -> None:
        self.up = 0
        self.down = 0
        self.writes = 0


class Bill(NamedTuple):
    """Bytes of one connection so far."""

    up: int
    down: int


def bill(info: bytes, ip_bytes: int, payload: Payload, closing: bool = False) -> Bill:
    """Bytes of a connection from its struct tcp_info, of whatever length the kernel gives; `closing`: and it is closed now.

    Linux 4.19 and later tell all (bytes_sent at 200 with what was sent again, bytes_received at 128, segs_out at 136, segs_in at 140).
    From 4.2 on bytes_acked (120), and total_retrans (100) of snd_mss (16) each. Without these each write is a segment, acknowledged by one
    and answered by another.
    """
    has_timestamps = len(info) <= OPTIONS_AT or bool(info[OPTIONS_AT] & 1)
    header = ip_bytes + TCP_BYTES + (TIMESTAMPS_BYTES if has_timestamps else 0)
    more_up, more_down = CLOSING_SEGMENTS.get(info[0], (0, 0)) if closing and info else (0, 0)
    if len(info) < ACKED_END:
        writes = payload.writes
        up = payload.up + writes * (TLS_RECORD_BYTES + 2 * header)
        return Bill(up + more_up * header, payload.down + writes * (TLS_RECORD_BYTES + 2 * header) + more_down * header)
    (received, segments_up, segments_down) = struct.unpack_from("=QII", info, 128)
    if len(info) >= SENT_END:
        (sent,) = struct.unpack_from("=Q", info, 200)
    else:
        (acked,), (again,), (mss,) = (struct.unpack_from(form, info, at) for form, at in (("=Q", 120), ("=I", 100), ("=I", 16)))
        sent = acked + again * mss
    return Bill(sent + SYN_BYTES + (segments_up + more_up) * header, received + SYN_BYTES + (segments_down + more_down) * header)


class Line:
    """One TCP connection, asked through a descriptor of its own, so that whoever uses it may close it first. `close` it then, at once."""

    def __init__(self, sock: socket.socket, meter: "Meter", payload: Payload) -> None:
        self._ip_bytes = IPV6_BYTES if sock.family == socket.AF_INET6 and not _mapped(sock) else IP_BYTES
        self._sock = socket.socket(fileno=os.dup(sock.fileno()))
        self._meter = meter
        self._payload = payload

    def bill(self, closing: bool = False) -> Bill:
        """Bytes so far."""
        info = b""
        with contextlib.suppress(OSError, AttributeError):  # a system that has no such thing
            info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return bill(info, self._ip_bytes, self._payload, closing)

    def close(self) -> None:
        """It is over, and told; from any thread, again without effect."""
        self._meter.end(self)

    def shut(self) -> None:
        """Give the descriptor back; for the meter."""
        self._sock.close()


class Meter:
    """All connections of the link since the start of the process. `post` must not block; `now` is seconds of the monotonic clock."""

    def __init__(self, post: Callable[[Event], None], now: Callable[[], float]) -> None:
        self._post = post
        self._now = now
        # Several threads have connections (one that ends, its successor, a probe); held for some calls of getsockopt and one post.
        self._lock = threading.Lock()  # noqa: TID251  see above
        self._lines: set[Line] = set()
        self._over = Bill(0, 0)
        self._told = Bill(0, 0)
        self._told_at = now()
        self._look_at = 0.0

    def line(self, sock: socket.socket, payload: Payload | None = None) -> Line:
        """Count a connection that has just been made."""
        line = Line(sock, self, payload or Payload())
        with self._lock:
            self._lines.add(line)
        return line

    def look(self) -> None:
        """Tell what has moved, when it is time or much; to be called often by who serves a connection."""
        at = self._now()
        if at < self._look_at:
            return
        self._look_at = at + LOOK_S
        with self._lock:
            self._tell(at, MUCH_BYTES if at - self._told_at < EVERY_S else 1)

    def end(self, line: Line) -> None:
        """Take what a connection has moved in all, tell it and let it go."""
        with self._lock:
            if line not in self._lines:
                return
            self._lines.remove(line)
            self._over = _sum(self._over, line.bill(closing=True))
            line.shut()
            self._tell(self._now(), 1)

    def _tell(self, at: float, least: int) -> None:
        total = self._over
        for line in self._lines:
            total = _sum(total, line.bill())
        if sum(total) - sum(self._told) >= least:
            self._told, self._told_at = total, at
            self._post(Traffic(at, total.up, total.down))


def _sum(one: Bill, other: Bill) -> Bill:
    return Bill(one.up + other.up, one.down + other.down)


def _mapped(sock: socket.socket) -> bool:
    """Whether it is IPv4 in an IPv6 socket."""
    return str(sock.getpeername()[0]).startswith("::ffff:")

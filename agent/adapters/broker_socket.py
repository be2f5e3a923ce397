"""Host and port go in, a TCP connection to whichever address answers first comes out; and what the kernel does and knows of it."""

import errno
import fcntl
import os
import select
import socket
import termios
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

STAGGER_S = 0.25
"""An address that has not answered for so long is no reason to wait with the next one (RFC 8305, 5: Connection Attempt Delay)."""

TCP_USER_TIMEOUT_MS = 5_000
"""Sent bytes that nobody acknowledges for so long end the connection. Measured from the send: 5.6 s; without it two keepalives, 118 s."""

Address = tuple[Any, ...]
Known = dict[tuple[str, int], list[tuple[int, Address]]]
"""Family and address of a name, as they were found the last time: for a network whose name server is gone."""


def open_tcp(host: str, port: int, within_s: float, now: Callable[[], float], over: Callable[[], bool], known: Known) -> socket.socket:
    """Connect to the first address of `host` that answers; blocks for at most `within_s` after the name is resolved.

    All are tried, IPv6 and IPv4 in turn, each a quarter of a second after the one before or at once when that has failed. `over()`: nobody
    waits any more.

    Raises:
        OSError: the name is not known and never was, or the last address's error.
        TimeoutError: none has answered.
        ConnectionAbortedError: nobody waits any more.
    """
    waiting = _resolved(host, port, known)
    trying: list[socket.socket] = []
    error: OSError = TimeoutError(errno.ETIMEDOUT, "timed out")
    deadline, next_at = now() + within_s, now()
    try:
        while waiting or trying:
            if over():
                raise ConnectionAbortedError("given up")
            at = now()
            if at >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, "timed out")
            if waiting and (at >= next_at or not trying):
                try:
                    trying.append(_begun(*waiting.pop(0)))
                except OSError as e:  # no route, no such family
                    error = e
                next_at = at + STAGGER_S
                continue
            _, ready, _ = select.select([], trying, [], min(STAGGER_S, deadline - at))
            for sock in ready:
                trying.remove(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    return sock
                sock.close()
                error, next_at = OSError(code, os.strerror(code)), at
        raise error
    finally:
        for sock in trying:
            sock.close()


def _resolved(host: str, port: int, known: Known) -> list[tuple[int, Address]]:
    """The addresses of a name, families in turn; when the name server fails, those of the last time."""
    try:
        found = [(info[0], info[4]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except socket.gaierror:
        if (host, port) not in known:
            raise
        return list(known[host, port])
    first = [each for each in found if each[0] == found[0][0]]
    other = [each for each in found if each[0] != found[0][0]]
    known[host, port] = [each for pair in zip_longest(first, other) for each in pair if each is not None]
    return list(known[host, port])


def _begun(family: int, address: Address) -> socket.socket:
    """A connection that is being made."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code not in (0, errno.EINPROGRESS):
        sock.close()
        raise OSError(code, os.strerror(code))
    return sock


def set_options(sock: socket.socket, within_s: float = 0.0) -> None:
    """No Nagle (it holds a small message back for 40 ms, measured), and a bound on bytes that nobody acknowledges.

    `within_s`: a line on which nothing is under way is to be found dead within so many seconds too (TCP's own keepalive, each second).
    Measured with a line that drops everything: 3.0 s for 3; and a line of 9.6 kbit/s, full and alive, was not taken for dead.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(within_s > 0))
    for name, value in (
        ("TCP_USER_TIMEOUT", round(within_s * 1000) or TCP_USER_TIMEOUT_MS),
        *((("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", max(1, round(within_s)))) if within_s else ()),
    ):
        option = getattr(socket, name, None)  # Linux has them all
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def on_the_way(sock: socket.socket) -> int:
    """Bytes that we have written and the other side's TCP has not acknowledged (SIOCOUTQ of tcp(7), the number of TIOCOUTQ)."""
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), "little")

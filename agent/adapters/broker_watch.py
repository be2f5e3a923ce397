"""A connection and the time go in; a ping now and then, and why the broker is to be called deaf, come out: for while somebody needs help.

Two things can be dead. The line: then TCP's own keepalive and TCP_USER_TIMEOUT end the connection (`broker_socket.set_options`); on a line
that is slow and alive bytes are acknowledged, and it lives on. What is behind the line (the broker's process, a proxy that keeps the
connection open): then TCP acknowledges and nobody answers. That is what is found out here, so a full window on a thin line is never
taken for it: only once all that we have written has reached the other side does the time run in which it must say something.
"""

import math
import socket

from agent.adapters import broker_socket
from agent.adapters.broker_client import Wired

ASK_S = 1.0
"""Silence for so long, and the broker is asked."""


class Watch:
    """Of one connection. `begin`, `heard` and `look` are for the thread that serves it."""

    def __init__(self) -> None:
        self._within_s = 0.0
        self._heard_at = 0.0
        self._asked = False
        self._reached_at = math.inf

    def begin(self, at: float, client: Wired, within_s: float) -> None:
        """From now on, or (0) no longer."""
        self._within_s = within_s
        self.heard(at)
        sock = client.socket()
        if isinstance(sock, socket.socket):
            broker_socket.set_options(sock, within_s)

    def heard(self, at: float) -> None:
        """Something came."""
        self._heard_at, self._asked, self._reached_at = at, False, math.inf

    def look(self, at: float, client: Wired) -> str | None:
        """Ask when it is time; why the broker is to be given up, None as long as it is not."""
        sock = client.socket()
        if not self._within_s or not isinstance(sock, socket.socket):
            return None
        if not self._asked:
            if at - self._heard_at >= ASK_S:
                client.ping()
                self._asked = True
            return None
        if self._reached_at == math.inf and not client.want_write() and not broker_socket.on_the_way(sock):
            self._reached_at = at
        if at - self._reached_at < 2 * self._within_s:
            return None
        return f"the broker has received all and said nothing for {at - self._heard_at:.0f} s"

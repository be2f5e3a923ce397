"""The service manager: `Notify` effects and turns of the loop go in, sd_notify(3) datagrams come out; without systemd nothing happens."""

import logging
import math
import os
import socket
from collections.abc import Callable, Mapping

from agent import clock
from agent.core.effects import Notify

log = logging.getLogger("outpost.systemd")

STATUS_CHARS_MAX = 500
"""systemd takes datagrams of up to 4096 bytes (a character of UTF-8 has up to 4), and `systemctl status` shows one line."""

PETS_PER_TIMEOUT = 4
"""sd_watchdog_enabled(3) asks for two; with four, three may be lost."""


class ServiceManager:
    """sd_notify and the watchdog. Never raises and never waits: what systemd did not take is sent again at the next turn of the loop."""

    def __init__(self, environ: Mapping[str, str], now: Callable[[], float] = clock.monotonic) -> None:
        """`environ` as systemd set it (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID); `now` gives monotonic seconds."""
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._now = now
        self._pet_every_s = _pet_every_s(environ)
        self._pet_at = -math.inf if self._pet_every_s < math.inf else math.inf
        self._ready = False
        self._unsaid: dict[str, str] = {}

    def perform(self, effect: Notify) -> None:
        """READY=1 the first time that it is ready, STATUS= each time."""
        if effect.ready and not self._ready:
            self._ready = True
            self._unsaid["READY"] = "1"
        self._unsaid["STATUS"] = " ".join(effect.status.split())[:STATUS_CHARS_MAX]
        self._say()

    def pet(self) -> None:
        """Say that the loop turns, if it is time to. Call it at every turn; the petting is as regular as the calls are."""
        if self._now() >= self._pet_at:
            self._unsaid["WATCHDOG"] = "1"
        if self._unsaid:
            self._say()

    def stopping(self) -> None:
        """STOPPING=1: the end is in order, and not a crash."""
        self._unsaid["STOPPING"] = "1"
        self._say()

    def _say(self) -> None:
        """Send all that is unsaid in one datagram; what is not taken stays unsaid."""
        if not self._address:
            self._unsaid.clear()
            return
        text = "\n".join(f"{key}={value}" for key, value in self._unsaid.items())
        try:
            # Made for each of the few datagrams: nothing to close at the end, and nothing that may be open and dead.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.sendto(text.encode(errors="replace"), self._address)
        except OSError as e:
            log.debug("systemd did not take %r: %s", text, e)
            return
        if "WATCHDOG" in self._unsaid:
            self._pet_at = self._now() + self._pet_every_s
        self._unsaid.clear()


def _address(name: str) -> str:
    """The address in NOTIFY_SOCKET: a path, or an abstract name after an @. Empty for the kinds that exist only in virtual machines."""
    if name.startswith("@"):
        return "\0" + name[1:]
    if name and not name.startswith("/"):
        log.warning("NOTIFY_SOCKET is %r, expected a path or a name after an @: systemd will hear nothing from us", name)
    return name if name.startswith("/") else ""


def _pet_every_s(environ: Mapping[str, str]) -> float:
    """Seconds between pets; infinity when nobody watches us."""
    found = environ.get("WATCHDOG_USEC")
    # A shell in between inherits the variables, and its process id is the one that systemd watches.
    if found is None or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return math.inf
    if not (found.isascii() and found.isdigit() and int(found[:18]) > 0):
        log.warning("WATCHDOG_USEC is %r, expected microseconds: the watchdog is not petted", found)
        return math.inf
    return int(found[:18]) / 1e6 / PETS_PER_TIMEOUT

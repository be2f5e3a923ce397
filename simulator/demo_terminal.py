"""The terminal of the demo: keys and signals in; keys, or the wish to end, out. It leaves the terminal as it was, come what may."""

import os
import select
import signal
import socket
import sys
import termios
import tty
from types import FrameType, TracebackType
from typing import Any, Self

END = "q"

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ask to end, as the key does: what the demo has started must be stopped."""


class Terminal:
    """Standard input, a key at a time and unechoed, from `with` to its end. Ctrl-C, SIGTERM and SIGHUP come as the key END."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self._before: list[Any] = []
        self._handlers: dict[signal.Signals, Any] = {}
        self._ended = False
        self._waker, self._waken = socket.socketpair()

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        settings = termios.tcgetattr(self._fd)
        settings[6][termios.VSUSP] = b"\0"  # Ctrl-Z would leave the shell with our screen and the car running
        termios.tcsetattr(self._fd, termios.TCSADRAIN, settings)
        self._waker.setblocking(False)
        # A signal does not end select() by itself (PEP 475); a byte on this socket does.
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            self._handlers[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None) -> None:
        """Give it back as it was."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        try:
            termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
        except termios.error:
            pass  # the terminal is gone
        self._waker.close()
        self._waken.close()

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._ended = True

    def keys(self, timeout: float) -> str:
        """Keys pressed within `timeout` seconds, in small letters; "" for none. Arrows and the like are passed over."""
        ready, _, _ = select.select([self._fd, self._waken], [], [], max(0.0, timeout))
        if self._waken in ready:
            self._waken.recv(4096)
        if self._ended:
            return END
        if self._fd not in ready:
            return ""
        try:
            typed = os.read(self._fd, 64)
        except OSError:
            return END
        if not typed:
            return END  # the terminal is gone
        return "" if typed.startswith(b"\x1b") else typed.decode(errors="ignore").lower()

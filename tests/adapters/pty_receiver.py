"""A receiver on a real pseudo-terminal: what a test says with it, the program under test reads from `port`."""

import functools
import operator
import os
import select
import termios
import tty
from pathlib import Path

SPEEDS = {termios.B4800: 4800, termios.B9600: 9600, termios.B38400: 38400, termios.B57600: 57600, termios.B115200: 115200}


def sentence(body: str) -> bytes:
    """What stands between `$` and `*`, as a line with its checksum (NMEA 0183, 5.3.1)."""
    return f"${body}*{functools.reduce(operator.xor, body.encode(), 0):02X}\r\n".encode()


class PtyReceiver:
    """Plugged in from the start; `port` is a link, so that it can be pulled and plugged in again under the same name."""

    def __init__(self, port: Path) -> None:
        """Plug in at `port`, which must not exist."""
        self.port = port
        self._master, self._slave = -1, -1
        self.plug_in()

    def plug_in(self) -> None:
        """A new terminal appears under the name."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port.symlink_to(os.ttyname(self._slave))

    def pull(self) -> None:
        """The name goes, and whoever has it open gets an error."""
        self.port.unlink()
        os.close(self._master)
        os.close(self._slave)
        self._master, self._slave = -1, -1

    def say(self, data: bytes) -> None:
        """All of it, waiting while the reader is slow."""
        while data:
            data = data[os.write(self._master, data) :]

    def close(self) -> None:
        """Pull, if it is plugged in."""
        if self._master >= 0:
            self.pull()

    @property
    def baud(self) -> int:
        """The speed that the reader has set."""
        return SPEEDS[termios.tcgetattr(self._slave)[4]]

    def heard(self) -> bytes:
        """What was sent to the receiver and not looked at yet."""
        ready, _, _ = select.select([self._master], [], [], 0)
        return os.read(self._master, 4096) if ready else b""

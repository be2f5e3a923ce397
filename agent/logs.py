"""The log: records of Python's `logging` go in, lines on stderr come out, with journald's priority prefix when journald reads them.

A log that cannot be written never stops the agent: lines are then lost, and counted where there is a way to say so.
"""

import logging
import os
import socket
import stat
import sys
from collections.abc import Mapping
from typing import TextIO

PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))
"""From a level of `logging` upwards to a priority of syslog, as sd-daemon(3) has them between < and >."""

LINE_BYTES_MAX = 40_000
"""journald cuts lines at 48 K (LineMax= in journald.conf(5)) and keeps the rest as another line, without its priority."""


def set_up(level: str, environ: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Send everything from `level` (debug, info, warning, error) up to `stream` (default: stderr); what was set up before goes.

    journald's form is chosen when $JOURNAL_STREAM names the very file behind the stream (systemd.exec(5)). The variable alone, or
    INVOCATION_ID, proves nothing: both are inherited by programs whose stderr is a terminal or a file.
    """
    stream = sys.stderr if stream is None else stream
    reader = None if stream is None else _journal(stream, environ)
    lines: logging.Handler = _Lines(stream) if reader is None else _Journal(reader)
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Lines | _Journal)]:
        root.removeHandler(handler)
        handler.close()
    root.addHandler(lines)
    root.setLevel(level.upper())


def _journal(stream: TextIO, environ: Mapping[str, str]) -> int | None:
    """The file descriptor of journald's socket, when that is what the stream writes to."""
    try:
        fd = stream.fileno()
        facts = os.fstat(fd)
    except (OSError, ValueError):
        return None
    same = environ.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"
    return fd if same and stat.S_ISSOCK(facts.st_mode) else None


class _Told(logging.Formatter):
    """A formatter that also has something to say when the arguments of a log call do not fit its text."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except (TypeError, ValueError, KeyError) as e:
            return f"{record.name}: {record.msg!r} with {record.args!r}, which do not fit: {e}"


class _Lines(logging.Handler):
    """For people: the time, the level, the logger and the text."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream
        self.setFormatter(_Told("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(self.format(record) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # closed, a pipe nobody reads, a full disk: there is no second place to complain


class _Journal(logging.Handler):
    """For journald: `<3>logger: text`, on each line of a text, and never waiting: a journal that hangs must not stop an alarm."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        # A descriptor of our own. MSG_DONTWAIT holds for one send; O_NONBLOCK would hold for everybody who has the same stream.
        self._socket = socket.socket(fileno=os.dup(fd))
        self._lost = 0
        self._torn = False
        self.setFormatter(_Told("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        priority = next((p for least, p in PRIORITIES if record.levelno >= least), 7)
        lines = [line for line in self.format(record).split("\n") if line]
        if self._lost:
            lines.insert(0, f"outpost.logs: {self._lost} log lines were lost because journald did not take them")
        whole = b"".join(f"<{priority}>{line}".encode(errors="replace")[:LINE_BYTES_MAX] + b"\n" for line in lines)
        # Part of a line that went out earlier must not run into this one.
        whole = b"\n" + whole if self._torn else whole
        try:
            sent = self._socket.send(whole, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:
            self._lost += 1
            return
        self._torn = sent < len(whole)
        self._lost = int(self._torn)

    def close(self) -> None:
        self._socket.close()
        super().close()

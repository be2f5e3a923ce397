"""A serial port (any pyserial URL) in; ReceiverUp, ReceiverDown, ReceiverHeard, Fix, Sky, Antenna, ReceiverSpoke out.

Sent is only what the core asks for. One thread, `gnss`. It sleeps until a byte comes, lets more gather, and drains what is there: at 10 Hz
the wake-ups are the cost, not the parsing (pyserial's readline() costs one system call a byte). Whether a silent receiver is dead, the core
decides by lack of ReceiverHeard.
"""

import queue
import termios
import threading
from collections.abc import Callable

import serial

from agent import config
from agent.adapters.baud import BaudHunt
from agent.adapters.bursts import Bursts
from agent.adapters.nmea import Nmea, Told
from agent.core.effects import Effect, SetReceiverBaud, SpeakToReceiver
from agent.core.events import Event, Fix, ReceiverDown, ReceiverHeard, ReceiverUp

GATHER_S = 0.045
"""From a byte's arrival to the drain: the most that reading late adds to a fix (limit from the last byte to Fix: 60 ms, p99)."""

IDLE_S = 0.1
"""How often a silent port is looked at: for the pause that ends an epoch, and for `close`."""

READ_BYTES_MAX = 4096
"""What a Linux tty holds; every GATHER_S it is as much as 921600 baud can bring."""

STALLED_S = 0.5
"""A look at the port that is so long after the last one, or takes so long: we have not run, and what waits is old. Usual are 0.15 s."""

BACKLOG_BYTES_MAX = 131_072
"""Read at once after a stall, so that all of it is dated together: more than a tty holds (64 KiB); at 1 Hz four minutes."""

REFILL_S = 0.002
"""After a full read the kernel needs a moment to move on what waits behind."""

HEARD_S = 1.0
REOPEN_FIRST_S = 0.1
REOPEN_MAX_S = 2.0
"""Back-off: a receiver that was plugged in again is back within this (gpsd: the same 2 s)."""

SILENT_S = 15.0
"""With several ports: so long without a good sentence, and the next one is looked at. The hunt has been through all speeds by then."""

WRITE_S = 1.0
"""A port that takes no bytes for so long has failed; a command is a hundred bytes."""

ASKED_MAX = 64

_IO_ERRORS = (OSError, termios.error, ValueError)
"""What pyserial lets out when a device is gone. SerialException is an OSError, termios.error is not; ValueError: an unknown kind of URL."""


class Gnss:
    """The receiver as configured, from `start` to `close`."""

    def __init__(self, receiver: config.Gnss, post: Callable[[Event], None], now: Callable[[], float], *, recorded: bool = False) -> None:
        """`recorded`: somebody plays a recording to us, of any year (see `Calendar`)."""
        self._recorded = recorded
        self._ports = (receiver.port, *receiver.more_ports)
        self._url = receiver.port
        also = () if receiver.baud_wanted == "keep" else (receiver.baud_wanted,)
        self._hunt = BaudHunt(also=also) if receiver.baud == "auto" else BaudHunt(receiver.baud, also)
        self._finds = receiver.baud == "auto" or bool(also)  # one that we set to another speed goes back to its own when its supply dips
        self._post = post
        self._now = now
        self.refusals: dict[str, str] = {}
        """Why ports did not open, or went, when they were last tried: what the operating system said, by port."""
        self._asked: queue.SimpleQueue[Effect] = queue.SimpleQueue()
        self._looked_at = 0.0
        self._pause_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gnss", daemon=True)

    def start(self) -> None:
        """Begin to read; ReceiverUp or ReceiverDown follows."""
        self._thread.start()

    def perform(self, effect: Effect) -> None:
        """Ask for SpeakToReceiver or SetReceiverBaud; returns at once. Lost: what waits while the port is closed, more than ASKED_MAX."""
        if self._asked.qsize() < ASKED_MAX:
            self._asked.put(effect)

    @property
    def baud(self) -> int:
        """The speed that is set now: as configured, or the one that is being tried, or was found."""
        return self._hunt.baud

    def close(self) -> None:
        """End the thread: at the next look at the port, or later, by itself, when a far host is just being called."""
        self._stop.set()
        self._thread.join(timeout=1.0)

    @property
    def _is_socket(self) -> bool:
        """A bare socket has no speed, and cannot tell how much is waiting. Other URLs can: rfc2217:// sets the far port's speed."""
        return self._url.startswith("socket://")

    def _run(self) -> None:
        """Open the ports in turn, beginning with the one that was the receiver's last; read the first that opens."""
        turn, wait_s = 0, REOPEN_FIRST_S
        refused: list[str] = []
        while not self._stop.is_set():
            self._url = self._ports[turn % len(self._ports)]
            try:
                port = self._open()
            except _IO_ERRORS as e:
                turn += 1
                refused.append(str(e))
                self.refusals[self._url] = str(e)
                if len(refused) >= len(self._ports):
                    self._post(ReceiverDown(self._now(), self._ports[0], "; ".join(refused)))
                    refused.clear()
                    self._stop.wait(wait_s)
                    wait_s = min(2 * wait_s, REOPEN_MAX_S)
                continue
            wait_s = REOPEN_FIRST_S
            refused.clear()
            self.refusals.pop(self._url, None)
            try:
                with port:
                    self._read(port)
                turn += 1  # silent, or asked to stop
            except _IO_ERRORS as e:
                self.refusals[self._url] = str(e)
                self._post(ReceiverDown(self._now(), self._url, str(e)))
                self._stop.wait(wait_s)

    def _open(self) -> serial.Serial:
        timeout_s = GATHER_S if self._is_socket else IDLE_S
        write_s = None if "://" in self._url else WRITE_S
        # exclusive: a second reader (gpsd, a getty) would take every other byte, and we would look like a bad line
        return serial.serial_for_url(self._url, self._hunt.baud, timeout=timeout_s, write_timeout=write_s, exclusive=True)

    def _read(self, port: serial.Serial) -> None:
        """Read one opening of the port until we are to stop, it fails (_IO_ERRORS), or it is silent and there are others to try."""
        while not self._asked.empty():  # what was asked of an earlier opening
            self._asked.get_nowait()
        self._post(ReceiverUp(self._now(), self._url))
        self._hunt.reopened()
        session = _Session(self._post, self._now(), lambda: None if self._is_socket else self._hunt.baud, Nmea(recorded=self._recorded))
        hunts = self._finds and not self._is_socket
        good_at = self._looked_at = self._now()
        try:
            while not self._stop.is_set():
                for at, data in self._drain(port, session.mid_line):
                    good = session.take(at, data, self._pause_s)
                    self._pause_s = 0.0 if data else self._pause_s
                    if data and hunts and (baud := self._hunt.heard(at, good)) is not None:
                        port.baudrate = baud
                    good_at = at if good else good_at
                if len(self._ports) > 1 and at - good_at >= SILENT_S:
                    return
                self._do(port, session)
        finally:
            session.end(self._now())

    def _do(self, port: serial.Serial, session: "_Session") -> None:
        """What the core asked for since the last look."""
        while not self._asked.empty():
            match self._asked.get_nowait():
                case SpeakToReceiver(data=data):
                    port.write(data)
                case SetReceiverBaud(baud=baud) if not self._is_socket and baud != self._hunt.baud:
                    session.end(self._now())  # what was heard until now, was heard at the old speed
                    port.flush()  # and what was said until now, goes at it
                    self._hunt.told(baud)
                    port.baudrate = baud

    def _drain(self, port: serial.Serial, mid_line: bool) -> list[tuple[float, bytes]]:
        """Wait for a byte, then for those behind it. The stamp is that of the first: exact for a burst that begins an epoch.

        In the middle of a line the next byte is on its way, and its own time tells nothing: there is no need to wake up for it. When we
        did not run while we waited for those behind it, they are a read of their own.
        """
        at = self._now()
        if mid_line and not self._is_socket:
            self._stop.wait(GATHER_S)
            if rest := self._waiting(port):
                return [(at if self._looked_at - at < STALLED_S else self._looked_at, rest)]
        asked_at = at
        first = port.read(1)
        at = self._now()
        self._pause_s += at - asked_at
        if not first:
            self._looked_at = at
            return [(at, b"")]
        if not self._is_socket:
            self._stop.wait(GATHER_S)
        rest = self._waiting(port)
        if self._looked_at - at < STALLED_S:
            return [(at, first + rest)]
        return [(at, first), (self._looked_at, rest)]

    def _waiting(self, port: serial.Serial) -> bytes:
        """What is there; after a stall, and from a socket, all of it."""
        now = self._now()
        stalled, self._looked_at = now - self._looked_at >= STALLED_S, now
        if self._is_socket:  # it cannot tell how much is waiting; this reads for the time-out, GATHER_S
            data = more = port.read(READ_BYTES_MAX)
            while len(more) == READ_BYTES_MAX and len(data) < BACKLOG_BYTES_MAX:
                data += (more := port.read(READ_BYTES_MAX))
            return bytes(data)
        data = port.read(min(port.in_waiting, READ_BYTES_MAX))
        while stalled and len(data) < BACKLOG_BYTES_MAX and not self._stop.wait(REFILL_S) and (waiting := port.in_waiting):
            data += port.read(min(waiting, READ_BYTES_MAX))
        return bytes(data)


class _Session:
    """What is heard from one opening of the port to its end."""

    def __init__(self, post: Callable[[Event], None], now: float, baud: Callable[[], int | None], nmea: Nmea) -> None:
        self._post = post
        self._baud = baud
        self._nmea = nmea
        self._bursts = Bursts(now)
        self._told_at = now
        self._untold = False

    @property
    def mid_line(self) -> bool:
        """Whether what was read last ended within a line."""
        return self._nmea.mid_line

    def take(self, at: float, data: bytes, pause_s: float) -> int:
        """Bytes that came at `at`, the port having been empty for `pause_s`, or none; how many good sentences were in them."""
        before = self._nmea.sentences
        self._say(at, self._nmea.feed(at, data, pause_s) if data else self._nmea.flush(at))
        good = self._nmea.sentences - before
        self._untold = self._untold or bool(data)
        if self._untold and at - self._told_at >= HEARD_S:
            self._tell(at)
        return good

    def end(self, now: float) -> None:
        """The port is gone, or its speed another: what was complete leaves."""
        self._say(now, self._nmea.end())
        if self._untold:
            self._tell(now)

    def _say(self, at: float, told: list[Told]) -> None:
        """Post it, the fixes with the stamps of their instants."""
        if not told:
            return
        fixes = iter(self._bursts.stamped(at, [one for one in told if isinstance(one, Fix)], self._nmea.ahead_ms(at)))
        for one in told:
            self._post(next(fixes) if isinstance(one, Fix) else one)

    def _tell(self, at: float) -> None:
        sentences, refused = self._nmea.counts()
        self._post(ReceiverHeard(at, sentences, refused, *self._nmea.details(), self._baud()))
        self._told_at, self._untold = at, False

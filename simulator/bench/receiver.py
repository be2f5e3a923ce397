"""A GNSS receiver on a pseudo-terminal: in goes a route, out come NMEA epochs in real time, and what can go wrong with a plug."""

import contextlib
import os
import random
import select
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from simulator import nmea, receiver_line
from simulator.nmea import Instant, Talker
from simulator.receiver_model import Conditions, ReceiverModel, Start
from simulator.receiver_profiles import Profile
from simulator.route import Route, State

RATES_HZ = (1, 2, 4, 5, 10)
"""The rates of real receivers: each has a whole number of milliseconds between epochs."""

EMITTED_MAX = 1_000_000
"""Epochs remembered: a day at 10 Hz; the oldest are forgotten."""

ROOM_WAIT_S_MAX = 0.1
"""How long a write waits for a reader to make room, and at most until the next epoch: a real receiver waits for nobody."""

HEARD_BYTES_MAX = 65_536


BAUDS = {getattr(termios, f"B{baud}"): baud for baud in (4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800)}
"""A terminal's word for a speed to the speed."""


class Emitted(NamedTuple):
    """An epoch with a valid position that went out whole: what it said, and when its first byte went (`at`, monotonic seconds).

    `listened`: somebody had the port open and all bytes found room. Room, not reading: what lies in the port's buffer (some 4 kB) when the
    reader is killed counts as listened and was not read.
    """

    utc_ms: int
    lat: float
    lon: float
    at: float
    listened: bool


class Receiver:
    """A receiver that drives along a route and talks on `port`, a name that stays the same when it is unplugged and plugged in again.

    Without a `profile` it says what is true, in the words of `simulator.nmea` and of `talker`; with one it is a receiver of that kind, that
    starts hot, whose positions have noise, and that can be exposed to `Conditions`.
    """

    def __init__(
        self,
        route: Route,
        rate_hz: int,
        start_utc: datetime,
        directory: str | Path,
        name: str = "gnss",
        talker: Talker = "GN",
        profile: Profile | None = None,
    ) -> None:
        """Plug in at `directory/name` and talk, from `start_utc` (with a time zone) on, in real time, until `close`."""
        if rate_hz not in RATES_HZ:
            raise ValueError(f"a receiver has a rate of {', '.join(map(str, RATES_HZ))} Hz, found {rate_hz}")
        if start_utc.tzinfo is None:
            raise ValueError(f"start_utc needs a time zone, found {start_utc!r}")
        self.port = Path(directory) / name
        self._route = route
        self._rate_hz = rate_hz
        self._period_ms = 1000 // rate_hz
        self._start_ms = round(start_utc.astimezone(UTC).timestamp() * 1000) // self._period_ms * self._period_ms
        self._talker: Talker = talker
        self._model = None if profile is None else ReceiverModel(profile, self._start_ms, self._start_ms)
        self._baud: int | None = None
        self._trouble: str | None = None
        self._trouble_until = 0.0
        self._chance = random.Random(self._start_ms)
        self._guard = threading.Condition()  # noqa: TID251  a test's thread pulls the plug that the receiver's own is writing to
        self._master: int | None = None
        self._emitted: deque[Emitted] = deque(maxlen=EMITTED_MAX)
        self._heard = bytearray()
        self._lost_bytes = 0
        self._void = False
        self._void_epochs = 0
        self._garbage_until = 0.0
        self._long_bytes = 0
        self._stopped = threading.Event()
        self.plug()
        self._epoch = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """The receiver, to be closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Fall silent and take the port away."""
        self._stopped.set()
        self._thread.join()
        self.unplug()

    def plug(self) -> None:
        """Plug in: the port is there, raw and silent until the next epoch. Nothing happens when it is plugged in already."""
        with self._guard:
            if self._master is not None:
                return
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            # rename replaces the old name in one step: the name never leads to somebody else's terminal.
            fresh = self.port.with_name(f".{self.port.name}.new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(os.ttyname(slave))
            fresh.replace(self.port)
            # From here on nobody has the port open, and the kernel says so (POLLHUP on our end) until somebody has.
            os.close(slave)
            self._master = master

    def unplug(self) -> None:
        """Pull the plug: who has the port open gets an end of file or an error, and the name is gone."""
        with self._guard:
            if self._master is None:
                return
            self.port.unlink(missing_ok=True)
            os.close(self._master)
            self._master = None

    def void(self, lost: bool) -> None:
        """Lose the fix (void epochs with the time), or have it back."""
        self._void = lost

    def garbage(self, seconds: float) -> None:
        """Noise instead of sentences for a time, as at a wrong baud rate; always the same noise for one start."""
        self._garbage_until = time.monotonic() + seconds

    def long_line(self, count: int) -> None:
        """One line of `count` bytes before the next epoch."""
        self._long_bytes = count

    def expose(self, conditions: Conditions) -> None:
        """Other surroundings from the next epoch on: a street, a tunnel, a jammer. Only with a profile."""
        assert self._model is not None, "a receiver without a profile knows no conditions"
        with self._guard:
            self._model.conditions = conditions

    def restart(self, start: Start) -> None:
        """Its supply dips. Only with a profile."""
        assert self._model is not None, "a receiver without a profile knows no starts"
        with self._guard:
            self._model.restart(start)

    def speak_at(self, baud: int) -> None:
        """A speed from now on: who has the port open at another gets what a UART makes of it. At first any will do."""
        self._baud = baud

    def trouble(self, kind: str, seconds: float) -> None:
        """Every epoch is damaged on the wire for a time, in a way of `receiver_line.TROUBLES`. It is not counted as listened to."""
        self._trouble, self._trouble_until = kind, time.monotonic() + seconds

    @property
    def emitted(self) -> tuple[Emitted, ...]:
        """The epochs with a valid position so far, oldest first."""
        with self._guard:
            return tuple(self._emitted)

    @property
    def lost_bytes(self) -> int:
        """Bytes that nobody had the port open for, or made room for."""
        return self._lost_bytes

    @property
    def void_epochs(self) -> int:
        """Epochs without a position that went out."""
        return self._void_epochs

    @property
    def heard(self) -> bytes:
        """What was sent to the receiver (its set-up), the first HEARD_BYTES_MAX bytes of it."""
        with self._guard:
            return bytes(self._heard)

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Wait until `predicate` holds, looked at after each epoch; False when it did not within `timeout` seconds."""
        with self._guard:
            return self._guard.wait_for(predicate, timeout)

    def _run(self) -> None:
        n = 0
        while not self._stopped.wait(max(0.0, self._epoch + n / self._rate_hz - time.monotonic())):
            self._talk(n)
            with self._guard:
                self._guard.notify_all()
            # Of epochs that were missed (the machine was suspended) nothing is said, as a receiver that was off would.
            n = max(n + 1, int((time.monotonic() - self._epoch) * self._rate_hz))

    def _talk(self, n: int) -> None:
        """One epoch: the n-th since the start."""
        now = Instant(self._start_ms + n * self._period_ms, valid=not self._void)
        state = self._route.at(n / self._rate_hz)
        now = now._replace(lat=state.lat, lon=state.lon, alt_m=state.alt_m, speed_mps=state.speed_mps, course_deg=state.course_deg)
        deadline = min(time.monotonic() + ROOM_WAIT_S_MAX, self._epoch + (n + 1) / self._rate_hz)
        with self._guard:
            if self._master is None:
                return
            self._listen(self._master)
            if time.monotonic() < self._garbage_until:
                self._write(self._master, self._chance.randbytes(400), deadline)
                return
            if self._long_bytes:
                count, self._long_bytes = self._long_bytes, 0
                self._write(self._master, b"$" + b"x" * (count - 3) + b"\r\n", deadline)
            if self._model is None:
                said = nmea.epoch(now, self._talker)
            else:
                now, said = _modelled(self._model, n * self._period_ms, now, state)
            heard = self._on_the_wire(self._master, said)
            at = time.monotonic()
            listened = self._write(self._master, heard, deadline) and heard == said
            if now.valid and now.utc_ms is not None:
                self._emitted.append(Emitted(now.utc_ms, now.lat, now.lon, at, listened))
            else:
                self._void_epochs += 1

    def _on_the_wire(self, master: int, said: bytes) -> bytes:
        """What of it arrives."""
        if self._trouble is not None and time.monotonic() < self._trouble_until:
            said = receiver_line.TROUBLES[self._trouble](said, self._chance)
        if self._baud is not None:
            heard_baud = BAUDS.get(termios.tcgetattr(master)[5], self._baud)
            if heard_baud != self._baud:
                said = receiver_line.at_another_speed(said, self._baud, heard_baud)
        return said

    def _write(self, master: int, said: bytes, deadline: float) -> bool:
        """Write until all is taken, nobody listens, or `deadline`; whether all was taken. What was not is counted and forgotten."""
        poll = select.poll()
        poll.register(master, select.POLLOUT)
        while said:
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready or ready[0][1] & (select.POLLHUP | select.POLLERR):
                break
            with contextlib.suppress(BlockingIOError):
                said = said[os.write(master, said) :]
        self._lost_bytes += len(said)
        return not said

    def _listen(self, master: int) -> None:
        """Take what was sent to us: left lying, it would block who sends it."""
        with contextlib.suppress(OSError):  # nothing there, or nobody has the port open
            while heard := os.read(master, 4096):
                self._heard += heard[: HEARD_BYTES_MAX - len(self._heard)]


def _modelled(model: ReceiverModel, elapsed_ms: int, now: Instant, state: State) -> tuple[Instant, bytes]:
    """The epoch as a receiver of that kind says it, and what it says of where it is."""
    kept = model.conditions
    if not now.valid:
        model.conditions = kept._replace(view="tunnel")
    spoken = model.say(elapsed_ms, state)
    model.conditions = kept
    belief = spoken.belief
    return Instant(spoken.utc_ms, belief.lat, belief.lon, valid=belief.valid), spoken.data

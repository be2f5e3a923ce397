"""A receiver on a pty, read by pyserial as the agent does."""

import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pynmea2
import pytest
import serial

from simulator.bench.receiver import Receiver
from simulator.receiver_model import Conditions
from simulator.receiver_profiles import PROFILES
from simulator.route import Route
from tests.timing import PATIENCE_S, best_of

START = datetime(2026, 5, 17, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Ten epochs a second along a lap of Xining."""
    with Receiver(Route.through_xining(3), 10, START, tmp_path) as plugged:
        yield plugged


def _open(receiver: Receiver) -> serial.Serial:
    return serial.Serial(str(receiver.port), 9600, timeout=1)


def _until(port: serial.Serial, pattern: bytes, seconds: float = PATIENCE_S) -> bytes:
    """Read until `pattern` is found at the end of what was read."""
    deadline = time.monotonic() + seconds
    got = b""
    while not re.search(pattern, got):
        assert time.monotonic() < deadline, f"no {pattern!r} within {seconds} s; came: {got[-300:]!r}"
        got += port.read(max(1, port.in_waiting))
    return got


def _read_on(port: serial.Serial) -> None:
    while True:
        port.read(1000)


def _positions(got: bytes) -> dict[int, tuple[float, float]]:
    """Time of day in ms to position, from the RMC sentences."""
    found = {}
    for line in got.decode("ascii", "replace").splitlines():
        if "RMC" in line and line[-3:-2] == "*":
            read = pynmea2.parse(line, check=True)
            if read.status == "A":
                moment = datetime.combine(read.datestamp, read.timestamp)
                found[round(moment.timestamp() * 1000)] = (read.latitude, read.longitude)
    return found


def test_who_reads_gets_what_was_emitted(receiver: Receiver) -> None:
    """Every epoch that was said to be listened to, from the first to the last that was read; the same positions."""
    with _open(receiver) as port:
        got = _until(port, rb"(?s)(RMC.*){10}VTG[^\n]*\n")
        told = {e.utc_ms: e for e in receiver.emitted}
    read = _positions(got)
    assert len(read) >= 10
    assert all(utc_ms in read for utc_ms, epoch in told.items() if epoch.listened and min(read) <= utc_ms <= max(read))
    for utc_ms, (lat, lon) in read.items():
        assert (lat, lon) == pytest.approx((told[utc_ms].lat, told[utc_ms].lon), abs=1e-7)


def test_epochs_come_in_real_time(receiver: Receiver) -> None:
    """A tenth of a second apart: one that the machine makes late does not make the next ones late."""

    def off_s() -> float:
        count = len(receiver.emitted)
        assert receiver.wait_for(lambda: len(receiver.emitted) > count + 8, PATIENCE_S)
        first, last = receiver.emitted[count], receiver.emitted[count + 8]
        return abs(last.at - first.at - (last.utc_ms - first.utc_ms) / 1000)

    assert best_of(off_s, 0.05, tries=6) <= 0.05


def test_an_epoch_that_nobody_has_the_port_open_for_is_not_listened_to(receiver: Receiver) -> None:
    """Neither before the port is opened nor after it is closed; and the bytes are counted."""
    with _open(receiver) as port:
        _until(port, rb"VTG[^\n]*\n")
    closed = time.monotonic()
    assert receiver.wait_for(lambda: any(e.at > closed + 0.2 for e in receiver.emitted), PATIENCE_S)
    assert any(e.listened for e in receiver.emitted)
    assert not any(e.listened for e in receiver.emitted if e.at > closed)
    assert receiver.lost_bytes > 500


def test_a_reader_that_does_not_read_stops_nothing(receiver: Receiver) -> None:
    """The port's buffer fills, epochs are lost and said to be, and time goes on."""
    with _open(receiver):
        receiver.long_line(200_000)
        assert receiver.wait_for(lambda: receiver.lost_bytes > 100_000, PATIENCE_S)
        count = len(receiver.emitted)
        assert receiver.wait_for(lambda: len(receiver.emitted) >= count + 5, PATIENCE_S)
        assert not receiver.emitted[-1].listened

        def off_s() -> float:
            """No epoch waits for the reader: each has its time."""
            count = len(receiver.emitted)
            assert receiver.wait_for(lambda: len(receiver.emitted) > count + 4, PATIENCE_S)
            first, last = receiver.emitted[count], receiver.emitted[count + 4]
            return abs(last.at - first.at - (last.utc_ms - first.utc_ms) / 1000)

        assert best_of(off_s, 0.15) <= 0.15


def test_the_name_of_the_port_stays_when_it_is_unplugged_and_plugged_in(receiver: Receiver) -> None:
    """The reader gets an error or an end, the name goes, and comes back with the route further on."""
    with _open(receiver) as port:
        first = max(_positions(_until(port, rb"RMC[^\n]*\n")))
        receiver.unplug()
        with pytest.raises(serial.SerialException):
            _read_on(port)
    assert not os.path.lexists(receiver.port)
    receiver.unplug()
    receiver.plug()
    receiver.plug()
    with _open(receiver) as port:
        assert min(_positions(_until(port, rb"RMC[^\n]*\n"))) > first


def test_without_a_fix_epochs_are_void_and_not_counted(receiver: Receiver) -> None:
    """RMC has status V, the time goes on; afterwards positions come back."""
    with _open(receiver) as port:
        _until(port, rb"RMC,[^,]*,A")
        receiver.void(True)
        _until(port, rb"RMC,[^,]*,V,,,,")
        count = len(receiver.emitted)
        _until(port, rb"(?s)RMC,[^,]*,V.*RMC,[^,]*,V")
        assert len(receiver.emitted) == count
        receiver.void(False)
        _until(port, rb"RMC,[^,]*,A")


def test_garbage_and_long_lines_come_and_go(receiver: Receiver) -> None:
    """Noise with bytes that no sentence has, a line of 3000 bytes, and then sentences again."""
    with _open(receiver) as port:
        receiver.garbage(0.25)
        assert re.search(rb"[\x80-\xff]", _until(port, rb"(?s)[\x80-\xff].*VTG[^\n]*\n"))
        receiver.long_line(3000)
        got = _until(port, rb"(?s)x\r\n.*VTG[^\n]*\n")
        assert max(len(line) for line in got.split(b"\n")) == 2999


def test_what_is_sent_to_the_receiver_is_heard(receiver: Receiver) -> None:
    """Raw, without an echo; more than a terminal's buffer does not block the sender."""
    with serial.Serial(str(receiver.port), 9600, timeout=1, write_timeout=PATIENCE_S) as port:
        port.write(b"$PCAS02,100*1E\r\n")
        port.write(b"$PCAS03*00\r\n" * 1000)
        got = _until(port, rb"(?s)(RMC.*){4}")
        assert b"PCAS" not in got
        assert receiver.wait_for(lambda: len(receiver.heard) == 16 + 1000 * 12, PATIENCE_S)
    assert receiver.heard.startswith(b"$PCAS02,100*1E\r\n$PCAS03*00\r\n")


@pytest.mark.parametrize("rate_hz", [0, 3, 20])
def test_a_rate_that_no_receiver_has_is_refused(tmp_path: Path, rate_hz: int) -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match="1, 2, 4, 5, 10 Hz"):
        Receiver(Route.through_xining(3), rate_hz, START, tmp_path)


def test_a_start_without_a_time_zone_is_refused(tmp_path: Path) -> None:
    """It would be this machine's."""
    with pytest.raises(ValueError, match="time zone"):
        Receiver(Route.through_xining(3), 1, START.replace(tzinfo=None), tmp_path)


def test_a_receiver_of_a_kind_speaks_its_dialect_and_emits_what_it_said(tmp_path: Path) -> None:
    with Receiver(Route.through_xining(3), 10, START, tmp_path, profile=PROFILES["l76k"]) as receiver, _open(receiver) as port:
        got = _until(port, rb"GNRMC,[0-9.]+,A.*\n\$GNVTG.*\n")
        emitted = {epoch.utc_ms % 86_400_000: (epoch.lat, epoch.lon) for epoch in receiver.emitted}
    assert b"ANTENNA OK" in got
    lines = [line for line in got.decode("ascii").splitlines() if line.startswith("$GNRMC") and ",A," in line]
    for read in (pynmea2.parse(line, check=True) for line in lines):
        moment = read.timestamp.hour * 3_600_000 + read.timestamp.minute * 60_000 + read.timestamp.second * 1000
        assert emitted[moment + read.timestamp.microsecond // 1000] == pytest.approx((read.latitude, read.longitude), abs=1e-9)


def test_a_receiver_of_a_kind_is_understood_at_its_own_speed_only(tmp_path: Path) -> None:
    with Receiver(Route.through_xining(3), 10, START, tmp_path, profile=PROFILES["l76k"]) as receiver:
        receiver.speak_at(115_200)
        with _open(receiver) as port:
            assert b"$G" not in port.read(500)
            port.baudrate = 115_200
            _until(port, rb"GNRMC.*\n")


def test_a_receiver_of_a_kind_loses_its_fix_in_a_tunnel(tmp_path: Path) -> None:
    with Receiver(Route.through_xining(3), 10, START, tmp_path, profile=PROFILES["ublox_m10"]) as receiver, _open(receiver) as port:
        _until(port, rb"GNRMC,[0-9.]+,A.*\n")
        receiver.expose(Conditions("tunnel"))
        _until(port, rb"GNRMC,[0-9.]+,V.*\n")
        assert receiver.wait_for(lambda: receiver.void_epochs > 2, timeout=PATIENCE_S)

"""The receiver's ports: plugged in again under another name, one of several, behind a network; and what is said to it."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import config
from agent.adapters.gnss import ASKED_MAX, SILENT_S, Gnss
from agent.core.effects import SetReceiverBaud, SpeakToReceiver
from agent.core.events import Event, Fix, ReceiverDown, ReceiverHeard, ReceiverUp
from tests.adapters.conftest import Clock, Posted, thread_left
from tests.adapters.far_port import FarPort
from tests.adapters.pty_receiver import PtyReceiver
from tests.adapters.test_gnss import cycle, faster, next_speed
from tests.timing import PATIENCE_S

COMMAND = b"$PCAS06,0*1B\r\n"

Plug = Callable[[str], PtyReceiver]
Begin = Callable[..., Gnss]


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    plugged: list[PtyReceiver] = []

    def make(name: str) -> PtyReceiver:
        plugged.append(PtyReceiver(tmp_path / name))
        return plugged[-1]

    yield make
    for receiver in plugged:
        receiver.close()


@pytest.fixture
def begin(posted: Posted) -> Iterator[Begin]:
    begun: list[Gnss] = []

    def start(*ports: Path | str, now: Callable[[], float] = time.monotonic, **facts: object) -> Gnss:
        first, *more = map(str, ports)
        gnss = Gnss(config.Gnss(port=first, more_ports=tuple(more), **facts), posted, now)  # type: ignore[arg-type]  # keys of the file
        gnss.start()
        begun.append(gnss)
        return gnss

    yield start
    for gnss in begun:
        gnss.close()
    assert not thread_left("gnss")


def heard(receiver: PtyReceiver, least: int) -> bytes:
    """What was sent to it, at least so many bytes."""
    data, deadline = b"", time.monotonic() + PATIENCE_S
    while len(data) < least and time.monotonic() < deadline:
        data += receiver.heard()
        threading.Event().wait(0.01)
    return data


# --- several ports --------------------------------------------------------------------------------------------------------------------


def test_a_receiver_that_comes_back_under_another_name_is_found(tmp_path: Path, plug: Plug, begin: Begin, posted: Posted) -> None:
    names = [tmp_path / name for name in ("ttyUSB0", "ttyUSB1", "ttyUSB2")]
    receiver = plug("ttyUSB0")
    begin(*names)
    for name in ("ttyUSB2", "ttyUSB1", "ttyUSB0"):
        assert posted.expect(ReceiverUp).port == str(receiver.port)
        receiver.say(cycle(0))
        posted.expect(Fix)
        receiver.pull()
        assert posted.expect(ReceiverDown).port == str(receiver.port)
        receiver = plug(name)
    assert posted.expect(ReceiverUp).port == str(receiver.port)


def test_one_that_comes_back_under_a_link_that_stays_is_found(tmp_path: Path, plug: Plug, begin: Begin, posted: Posted) -> None:
    """As by a udev rule: the link is the same, the device another."""
    link = tmp_path / "gnss"
    receiver = plug("ttyUSB0")
    link.symlink_to(receiver.port)
    begin(link)
    posted.expect(ReceiverUp)
    receiver.pull()
    link.unlink()
    posted.expect(ReceiverDown)
    receiver = plug("ttyUSB7")
    link.symlink_to(receiver.port)
    assert posted.expect(ReceiverUp).port == str(link)
    receiver.say(cycle(0))
    posted.expect(Fix)


def test_down_is_told_when_all_have_refused_once_for_all_with_each_reason(tmp_path: Path, begin: Begin, posted: Posted) -> None:
    begin(tmp_path / "a", tmp_path / "b")
    down = posted.expect(Event)
    assert isinstance(down, ReceiverDown)
    assert down.port == str(tmp_path / "a")
    assert str(tmp_path / "a") in down.reason
    assert str(tmp_path / "b") in down.reason


def test_a_port_that_opens_and_says_nothing_is_left_for_the_next_without_a_word_of_loss(plug: Plug, begin: Begin, posted: Posted) -> None:
    silent, talking = plug("modem"), plug("receiver")
    begin(silent.port, talking.port, now=faster(4 * SILENT_S))
    assert posted.expect(ReceiverUp).port == str(silent.port)
    second = posted.expect(Event)
    assert isinstance(second, ReceiverUp)
    assert second.port == str(talking.port)


def test_the_only_port_is_kept_however_silent(plug: Plug, begin: Begin, posted: Posted) -> None:
    begin(plug("receiver").port, now=faster(100 * SILENT_S))
    posted.expect(ReceiverUp)
    with pytest.raises(AssertionError):
        posted.expect(Event, timeout=0.3)


# --- what is said ---------------------------------------------------------------------------------------------------------------------


def test_what_the_core_says_reaches_the_receiver_byte_for_byte(plug: Plug, begin: Begin, posted: Posted) -> None:
    receiver = plug("receiver")
    gnss = begin(receiver.port)
    posted.expect(ReceiverUp)
    everything = bytes(range(256))
    for data in (COMMAND, everything):
        gnss.perform(SpeakToReceiver(data))
    assert heard(receiver, 256 + len(COMMAND)) == COMMAND + everything


def test_a_speed_is_set_and_what_is_heard_is_told_with_it(plug: Plug, begin: Begin, posted: Posted) -> None:
    receiver = plug("receiver")
    gnss = begin(receiver.port)
    posted.expect(ReceiverUp)
    receiver.say(cycle(0))
    posted.expect(Fix)
    gnss.perform(SetReceiverBaud(57600))
    first = posted.expect(ReceiverHeard)
    assert (first.sentences, first.baud) == (3, 9600)
    receiver.say(cycle(1))
    second = posted.expect(ReceiverHeard, where=lambda heard: heard.sentences > 0)
    assert (second.baud, receiver.baud, gnss.baud) == (57600, 57600, 57600)


def test_what_was_said_to_a_closed_port_is_not_said_to_the_next(tmp_path: Path, plug: Plug, begin: Begin, posted: Posted) -> None:
    gnss = begin(tmp_path / "receiver")
    posted.expect(ReceiverDown)
    for _ in range(2 * ASKED_MAX):
        gnss.perform(SpeakToReceiver(COMMAND))
    receiver = plug("receiver")
    posted.expect(ReceiverUp)
    receiver.say(cycle(0))
    posted.expect(Fix)
    assert receiver.heard() == b""


def test_a_port_that_takes_no_bytes_is_down_and_opened_anew(plug: Plug, begin: Begin, posted: Posted) -> None:
    receiver = plug("receiver")
    gnss = begin(receiver.port)
    posted.expect(ReceiverUp)
    for _ in range(30):
        gnss.perform(SpeakToReceiver(bytes(4096)))
    assert "timeout" in posted.expect(ReceiverDown).reason.lower()
    posted.expect(ReceiverUp)


# --- behind a network -----------------------------------------------------------------------------------------------------------------


def test_a_bare_socket_has_no_speed(begin: Begin, posted: Posted) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gnss = begin(f"socket://127.0.0.1:{server.getsockname()[1]}")
        far, _ = server.accept()
        with far:
            posted.expect(ReceiverUp)
            gnss.perform(SetReceiverBaud(57600))
            gnss.perform(SpeakToReceiver(COMMAND))
            far.settimeout(PATIENCE_S)
            assert far.recv(100) == COMMAND
            far.sendall(cycle(0))
            assert posted.expect(ReceiverHeard).baud is None


@pytest.fixture
def far(plug: Plug) -> Iterator[tuple[PtyReceiver, FarPort]]:
    receiver = plug("receiver")
    served = FarPort(os.path.realpath(receiver.port))
    yield receiver, served
    served.close()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name)")  # pyserial 3.5 starts its own thread in the old way
def test_a_receiver_may_be_behind_rfc2217(far: tuple[PtyReceiver, FarPort], begin: Begin, posted: Posted) -> None:
    receiver, served = far
    gnss = begin(served.url)
    assert posted.expect(ReceiverUp).port == served.url
    receiver.say(cycle(0))
    assert posted.expect(Fix).lat is not None
    gnss.perform(SpeakToReceiver(COMMAND))
    assert heard(receiver, len(COMMAND)) == COMMAND
    gnss.perform(SetReceiverBaud(38400))
    assert posted.expect(ReceiverHeard).baud == 9600
    deadline = time.monotonic() + PATIENCE_S
    while receiver.baud != 38400 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    receiver.say(cycle(1))
    assert posted.expect(ReceiverHeard).baud == 38400
    served.close()
    assert posted.expect(ReceiverDown).port == served.url


@pytest.mark.filterwarnings("ignore:set(Daemon|Name)")  # pyserial 3.5 starts its own thread in the old way
def test_the_speed_is_hunted_at_the_far_end_too(far: tuple[PtyReceiver, FarPort], begin: Begin, posted: Posted) -> None:
    receiver, served = far
    clock = Clock()
    begin(served.url, now=clock)
    posted.expect(ReceiverUp)
    assert next_speed(receiver, clock, 9600) == 115200

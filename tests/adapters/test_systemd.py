"""The service manager, on a real datagram socket as systemd has it: what is said when, and that nothing is ever raised."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.systemd import STATUS_CHARS_MAX, ServiceManager
from agent.core.effects import Notify

WATCHDOG_S = 10
WATCHED = {"WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000), "WATCHDOG_PID": str(os.getpid())}


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(address)
        self.sock.setblocking(False)

    def heard(self) -> list[str]:
        """The datagrams that have come; a Unix datagram is there as soon as it is sent."""
        heard = []
        while True:
            try:
                heard.append(self.sock.recv(65_536).decode())
            except BlockingIOError:
                return heard


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def systemd(place: str) -> Iterator[Systemd]:
    made = Systemd(place)
    yield made
    made.sock.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_ready_is_said_once_and_the_status_each_time(systemd: Systemd, place: str) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": place})
    service.perform(Notify(False, "waiting for the store"))
    service.perform(Notify(True, "online"))
    service.perform(Notify(True, "no network"))
    assert systemd.heard() == ["STATUS=waiting for the store", "READY=1\nSTATUS=online", "STATUS=no network"]


def test_an_abstract_name_is_understood() -> None:
    name = f"outpost-test-{os.getpid()}"
    systemd = Systemd(f"\0{name}")
    ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).stopping()
    assert systemd.heard() == ["STOPPING=1"]
    systemd.sock.close()


def test_a_status_is_one_short_line(systemd: Systemd, place: str) -> None:
    """Another line of it would be taken for a variable, such as MAINPID=."""
    service = ServiceManager({"NOTIFY_SOCKET": place})
    service.perform(Notify(False, "one\nMAINPID=1\r\n  two"))
    service.perform(Notify(False, "塔" * 10_000))
    assert systemd.heard() == ["STATUS=one MAINPID=1 two", "STATUS=" + "塔" * STATUS_CHARS_MAX]


def test_the_watchdog_is_petted_four_times_in_its_timeout_however_often_the_loop_turns(systemd: Systemd, place: str, clock: Clock) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": place, **WATCHED}, clock)
    for _ in range(WATCHDOG_S * 100):
        service.pet()
        clock.at += 0.01
    assert systemd.heard() == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "²"},
    ],
)
def test_without_a_watchdog_that_watches_this_process_nothing_is_petted(systemd: Systemd, place: str, environ: dict[str, str]) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": place, **environ})
    service.pet()
    assert systemd.heard() == []


def test_a_watchdog_without_a_process_id_watches_us(systemd: Systemd, place: str) -> None:
    ServiceManager({"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "1000000"}).pet()
    assert systemd.heard() == ["WATCHDOG=1"]


def test_what_systemd_did_not_take_is_said_at_the_next_turn(place: str, clock: Clock) -> None:
    """READY=1 that gets lost would have systemd kill a healthy agent."""
    service = ServiceManager({"NOTIFY_SOCKET": place, **WATCHED}, clock)
    service.perform(Notify(True, "online"))
    service.pet()
    systemd = Systemd(place)
    service.pet()
    assert systemd.heard() == ["READY=1\nSTATUS=online\nWATCHDOG=1"]
    service.pet()
    assert systemd.heard() == []
    systemd.sock.close()


def test_a_systemd_that_hangs_does_not_hold_the_loop(systemd: Systemd, place: str) -> None:
    """Its buffer fills (net.unix.max_dgram_qlen), and the rest is passed over; the latest status is what it hears in the end."""
    service = ServiceManager({"NOTIFY_SOCKET": place})
    for n in range(5000):
        service.perform(Notify(True, f"{n}"))
    heard = systemd.heard()
    assert 0 < len(heard) < 5000
    service.pet()
    assert systemd.heard() == ["STATUS=4999"]


@pytest.mark.parametrize("place", ["", "relative", "vsock:2:1234", "/nobody/is/here", "/" + "x" * 200, "@" + "x" * 200])
def test_nothing_is_raised_when_there_is_no_systemd(place: str) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": place, **WATCHED} if place else WATCHED)
    service.perform(Notify(True, "online \ud800"))
    service.pet()
    service.stopping()

"""Devices that go and come again: a USB receiver under another name, the network interface of a modem whose SIM is gone."""

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.wire.records import Alarm, FaultRecord
from simulator.bench.line import Line
from tests.black_box.desk import OUTPOST, QUICK, Desk, until

CLONE_NEWNET = 0x40000000
"""<sched.h>; see setns(2), unshare(2)."""

CENTRE, CAR = "10.98.0.1", "10.98.0.2"


def test_a_usb_receiver_that_comes_back_under_another_name_is_read_again(desk: Desk) -> None:
    """udev's name (gnss.port) leads to it, whatever the kernel calls it: here the pty has another number than before."""
    desk.run_online()
    desk.hear_fix()
    pid, since, before = desk.pid, desk.heard, desk.receiver.port.readlink()
    desk.unplug()
    desk.hear_fault("gnss.port", "raised", since)
    taken = os.openpty()  # the old number is somebody else's now
    try:
        desk.plug()
        assert desk.receiver.port.readlink() != before
        desk.hear_fault("gnss.port", "cleared", since)
        desk.hear_fix(desk.heard)
        assert desk.pid == pid, "the same process all the time"
    finally:
        for end in taken:
            os.close(end)
    assert desk.terminate() == 0


# --- the SIM ----------------------------------------------------------------------------------------------------------------------------


class Modem(NamedTuple):
    """A car in a network of its own, which has nothing but the interface of its modem; we are at the other end."""

    desk: Desk
    car: int
    """A process in that network."""

    def sim(self, there: bool) -> None:
        """Put it in: the interface `wwan0` appears, with an address. Take it out: it is gone."""
        if not there:
            run("ip", "link", "del", "centre0")
            return
        run("ip", "link", "add", "centre0", "type", "veth", "peer", "name", "wwan0", "netns", str(self.car))
        run("ip", "addr", "add", f"{CENTRE}/30", "dev", "centre0")
        run("ip", "link", "set", "centre0", "up")
        for words in (("addr", "add", f"{CAR}/30", "dev", "wwan0"), ("link", "set", "wwan0", "up")):
            run("nsenter", "-t", str(self.car), "-n", "ip", *words)


class OpenLine(Line):
    """A line that takes callers from everywhere, not from this machine only."""

    def _bound(self) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", self.port))  # noqa: S104  in a network of our own
        sock.setblocking(False)
        return sock


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def why_not() -> str | None:
    """Why this machine cannot have networks of our own; None when it can."""
    for tool in ("ip", "unshare", "nsenter"):
        if shutil.which(tool) is None:
            return f"no {tool} command: apt install iproute2 util-linux"
    wire = ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"]
    tried = subprocess.run(["unshare", "-n", *wire], capture_output=True, check=False)
    return None if tried.returncode == 0 else "network namespaces are not allowed here (root, veth)"


@pytest.fixture
def modem(tmp_path: Path) -> Iterator[Modem]:
    """The thread of the test, and all that it starts, is in a network of its own as long as it lasts."""
    if why := why_not():
        pytest.skip(why)
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert libc.unshare(CLONE_NEWNET) == 0
    car = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    try:
        run("ip", "link", "set", "lo", "up")
        ours = Path("/proc/thread-self/ns/net").readlink()
        until("the car has its network", lambda: Path(f"/proc/{car.pid}/ns/net").readlink() != ours)
        with Desk(tmp_path / "car", QUICK) as desk:
            line = OpenLine(desk.broker.port)
            try:
                desk.configure(desk.line.url, f"mqtt://{CENTRE}:{line.port}")
                desk.command = ["nsenter", "-t", str(car.pid), "-n", *OUTPOST]
                yield Modem(desk, car.pid)
            finally:
                line.close()
    finally:
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)
        car.kill()
        car.wait()


def test_a_sim_that_is_gone_costs_time_and_nothing_else(modem: Modem) -> None:
    """Without it from the start, then with it, then without again with a press meanwhile: the alarm is first when it is back."""
    desk = modem.desk
    desk.run()
    desk.told("it has fixes, and keeps them", lambda s: s["position"]["mode"] == "3d" and s["link"]["state"] != "online")
    modem.sim(there=True)
    desk.hear_fix()
    pid, since = desk.pid, desk.heard
    modem.sim(there=False)
    desk.told("it notices", lambda s: s["link"]["state"] != "online")
    desk.press()
    status = desk.told("the alarm waits on disk", lambda s: s["outbox"]["waiting"]["alarm"] >= 1 and s["outbox"]["unstored"] == 0)
    desk.release()
    assert status["lights"]["lamp"] == "raised", "the officer sees that nobody has it yet"
    desk.told("link.down is told", lambda s: any(fault["code"] == "link.down" for fault in s["faults"]), timeout=120)
    reason = desk.status() or {}
    print(f"without a SIM: {reason['link'].get('reason')}")
    assert reason["link"]["reason"]
    modem.sim(there=True)
    alarm = desk.hear(Alarm, lambda r: r.state == "raised", since, timeout=120)
    desk.hear(FaultRecord, lambda r: r.code == "link.down" and r.state == "cleared", since)
    assert alarm.id
    desk.told("the lamp says sent", lambda s: s["lights"]["lamp"] == "sent")
    assert desk.pid == pid, "the same process all the time"
    desk.drive_into_a_tunnel()
    until("all fixes have come", lambda: not desk.missing(desk.lives[-1].started_at + 1e9))
    assert desk.terminate() == 0

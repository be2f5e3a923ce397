"""Two network namespaces with a wire between them, which can drop everything in silence or be thin: for what loopback cannot show.

The thread that enters is in the near one, and so are the threads that it starts; the far one has a Mosquitto.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from simulator.bench.brokers import find_mosquitto

CLONE_NEWNET = 0x40000000
"""<sched.h>; see setns(2)."""

NEAR, FAR = "10.99.0.1", "10.99.0.2"
NOBODY = "02:00:00:00:00:99"
"""A hardware address that no card on the wire has: frames to it are dropped without a word."""


def why_not() -> str | None:
    """Why this machine cannot have them; None when it can."""
    for tool in ("ip", "tc", "unshare", "nsenter"):
        if shutil.which(tool) is None:
            return f"no {tool} command: apt install iproute2 util-linux"
    if find_mosquitto() is None:
        return "no Mosquitto: apt install mosquitto"
    wire = ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"]
    tried = subprocess.run(["unshare", "-n", *wire], capture_output=True, check=False)
    return None if tried.returncode == 0 else "network namespaces are not allowed here (root, veth)"


class TwoNetworks:
    """Enter to be in the near one; `url` is the broker in the far one."""

    url = f"mqtt://{FAR}:1883"

    def __init__(self, directory: Path) -> None:
        self._config = directory / "mosquitto.conf"
        self._config.write_text("listener 1883 0.0.0.0\nallow_anonymous true\n")
        self._children: list[subprocess.Popen[bytes]] = []
        self._home = -1

    def __enter__(self) -> "TwoNetworks":
        near, far = self._network(), self._network()
        self._in = {"near": ["nsenter", "-t", str(near), "-n"], "far": ["nsenter", "-t", str(far), "-n"]}
        self._run("near", "ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
        self._run("near", "ip", "link", "set", "far", "netns", str(far))
        for side, address in (("near", NEAR), ("far", FAR)):
            self._run(side, "ip", "addr", "add", f"{address}/24", "dev", side)
            self._run(side, "ip", "link", "set", side, "up")
            self._run(side, "ip", "link", "set", "lo", "up")
        broker = [*self._in["far"], str(find_mosquitto()), "-c", str(self._config)]
        self._children.append(subprocess.Popen(broker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._enter(f"/proc/{near}/ns/net")
        self._wait_for_broker()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _setns(self._home)
        os.close(self._home)
        for child in reversed(self._children):
            child.kill()
            child.wait(5)

    def drop(self) -> None:
        """From now on no frame arrives, on either side, and nobody is told."""
        self._run("near", "ip", "neigh", "replace", FAR, "lladdr", NOBODY, "dev", "near", "nud", "permanent")
        self._run("far", "ip", "neigh", "replace", NEAR, "lladdr", NOBODY, "dev", "far", "nud", "permanent")

    def thin(self, rate: str) -> None:
        """The way out has this rate (as tc writes it) and a long queue."""
        self._run("near", "tc", "qdisc", "add", "dev", "near", "root", "tbf", "rate", rate, "burst", "1600", "limit", "60000")

    def _network(self) -> int:
        child = subprocess.Popen(["unshare", "-n", "sleep", "300"])
        self._children.append(child)
        ours = Path("/proc/self/ns/net").readlink()
        deadline = time.monotonic() + 5
        while Path(f"/proc/{child.pid}/ns/net").readlink() == ours and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.01)
        return child.pid

    def _run(self, side: str, *command: str) -> None:
        done = subprocess.run([*self._in[side], *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)

    def _enter(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY)
        try:
            _setns(fd)
        finally:
            os.close(fd)

    def _wait_for_broker(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((FAR, 1883), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "no broker in the far network"


def _setns(fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")

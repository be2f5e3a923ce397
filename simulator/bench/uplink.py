"""A car's uplink: two network namespaces and a wire between them in; a rate to hold it to, and the bytes that went over it, come out.

Linux and root only. Every TCP segment counts with its headers, as a mobile network would bill it: the wire has an MTU of 1500 and takes
whole segments (no GSO), and what the interface counts is taken less its Ethernet headers, which a mobile network does not have.
"""

import contextlib
import json
import os
import shutil
import subprocess
from typing import NamedTuple, Self

CAR, CENTRE = "10.203.0.1", "10.203.0.2"
"""Addresses of the two ends; nobody else sees them."""

ETHERNET_BYTES = 14
MTU_BYTES = 1500
QUEUE_PACKETS = 60
"""Of a slow line's queue: with full packets some 0.7 s at 1 Mbit/s, as modems have; what is more is dropped."""


class NoUplink(RuntimeError):
    """There can be none here; says why."""


class Counted(NamedTuple):
    """What went over the wire, up (from the car) and down: bytes of IP, and packets."""

    up_bytes: int
    up_packets: int
    down_bytes: int
    down_packets: int

    def since(self, before: "Counted") -> "Counted":
        """What came to it after `before`."""
        return Counted(*(now - then for now, then in zip(self, before, strict=True)))


class Uplink:
    """There from `with` to its end. Processes are put at an end with `at_car` and `at_centre`."""

    def __init__(self) -> None:
        self._car, self._centre = f"outpost-car-{os.getpid()}", f"outpost-centre-{os.getpid()}"
        self._left = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Set up.

        Raises:
            NoUplink: no root, no iproute2, or a kernel that does not.
        """
        with contextlib.ExitStack() as left:
            for end in (self._car, self._centre):
                _ip("netns", "add", end)
                left.callback(_ip, "netns", "delete", end)
            _ip("link", "add", "up0", "netns", self._car, "type", "veth", "peer", "name", "up0", "netns", self._centre)
            for end, address in ((self._car, CAR), (self._centre, CENTRE)):
                _ip("-n", end, "address", "add", f"{address}/30", "dev", "up0")
                _ip("-n", end, "link", "set", "up0", "mtu", str(MTU_BYTES), "gso_max_segs", "1", "up")
                _ip("-n", end, "link", "set", "lo", "up")
            self._left = left.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._left.close()

    def at_car(self, *command: str) -> list[str]:
        """The command that runs `command` at the car's end; the process is the one that is started."""
        return [_found("ip"), "netns", "exec", self._car, *command]

    def at_centre(self, *command: str) -> list[str]:
        """The command that runs `command` at the centre's end."""
        return [_found("ip"), "netns", "exec", self._centre, *command]

    def hold(self, bits_per_s: int | None) -> None:
        """Hold what goes up to a rate, in bytes with Ethernet headers; None: as fast as it goes."""
        if bits_per_s is None:
            _run(*self.at_car(_found("tc"), "qdisc", "delete", "dev", "up0", "root"))
            return
        shape = ("tbf", "rate", f"{bits_per_s}bit", "burst", str(2 * (MTU_BYTES + ETHERNET_BYTES)))
        limit = str(QUEUE_PACKETS * (MTU_BYTES + ETHERNET_BYTES))
        _run(*self.at_car(_found("tc"), "qdisc", "replace", "dev", "up0", "root", *shape, "limit", limit))

    def cut(self, away: bool) -> None:
        """Take the car's end down, so that nothing can be sent and connecting fails at once; False: it is up again."""
        _ip("-n", self._car, "link", "set", "up0", "down" if away else "up")

    def counted(self) -> Counted:
        """All that went over the wire so far."""
        (link,) = json.loads(_ip("-n", self._car, "-s", "-j", "link", "show", "up0"))
        up, down = link["stats64"]["tx"], link["stats64"]["rx"]
        parts = ((way["bytes"] - ETHERNET_BYTES * way["packets"], way["packets"]) for way in (up, down))
        return Counted(*(int(n) for part in parts for n in part))


def _ip(*arguments: str) -> str:
    return _run(_found("ip"), *arguments)


def _found(command: str) -> str:
    found = shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise NoUplink(f"no {command} command; apt install iproute2")
    return found


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode:
        raise NoUplink(f"{' '.join(command[1:])}: {done.stderr.strip()}")
    return done.stdout

"""What outpost.service lets the agent do in a real systemd, tried by a program in its place: no more than it needs, and all of that."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.install.car import InstalledCar
from tests.install.probe import as_service
from tests.install.tree import Tree

DEVICES = {"ttyS7": (4, 71), "hpet": (10, 228), "cpuid0": (203, 0)}
"""A serial line without hardware behind it, and two devices that are none of ours (Documentation/admin-guide/devices.txt)."""

MACHINES_OWN = (
    *("/run/systemd", "/run/credentials", "/run/outpost-clock", "/run/log", "/var/tmp/systemd-private-", "/tmp/systemd-private-"),
    "/run/agetty.reload",  # of the login prompt
)

WRITE = """
import os
for place, _, _ in os.walk("/"):
    if place.startswith(("/proc/", "/sys/")):
        continue
    try:
        with open(place + "/probe-was-here", "x"):
            print(place)
    except OSError:
        pass
"""

CALLS = """
import ctypes, json, os, socket, time
def tried(call, *arguments):
    try:
        call(*arguments)
        return "done"
    except OSError as e:
        return os.strerror(e.errno)
def opened(path):
    return tried(lambda: os.close(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)))
from agent.adapters.kernel_clock import asked, kernel_clock
libc = ctypes.CDLL(None, use_errno=True)
status = open("/proc/self/status").read().splitlines()
print(json.dumps({
    "devices": {name: opened("/dev/" + name) for name in ("ttyS7", "hpet", "cpuid0", "null", "random")},
    "cpuinfo": tried(lambda: open("/proc/cpuinfo").read()),
    "device-tree": os.path.lexists("/proc/device-tree") or not os.path.exists("/sys/firmware/devicetree"),
    "others": [pid for pid in os.listdir("/proc") if pid.isdigit() and os.stat("/proc/" + pid).st_uid != os.getuid()],
    "set the clock": tried(time.clock_settime, time.CLOCK_REALTIME, time.time()),
    "ask the kernel for its clock": asked(),
    "clock": kernel_clock(),
    "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("127.0.0.1", 0))),
    "name": tried(lambda: socket.getaddrinfo("localhost", 1883)),
    "packet": tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "namespace": os.strerror(libc.unshare(0x10000000) and ctypes.get_errno()),
    "key of root": tried(lambda: open("/etc/outpost/keys/unit.key").read()),
    "status": dict(line.split(":\\t", 1) for line in status if line.startswith(("Cap", "NoNew", "Seccomp:"))),
}))
"""


@pytest.fixture(scope="module")
def car(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledCar]:
    with Tree.copied(installed, tmp_path_factory.mktemp("tree") / "root") as tree, InstalledCar(tree) as made:
        tree.write("/etc/outpost/keys/unit.key", "secret", 0o600).parent.chmod(0o700)
        tree.write("/etc/hosts", "127.0.0.1 localhost\n")
        tree.boot()
        yield made


@pytest.fixture(scope="module")
def stopped(car: InstalledCar) -> Tree:
    """The car's tree, without its agent; with devices that its user's groups may use."""
    tree = car.tree
    tree.wait_for("word of the clock", lambda: tree.inside("/run/outpost-clock/state").exists())
    tree.run(["systemctl", "stop", "outpost.service"])
    for name, (major, minor) in DEVICES.items():
        tree.run(["sh", "-c", f"mknod /dev/{name} c {major} {minor} && chgrp dialout /dev/{name} && chmod 660 /dev/{name}"])
    return tree


@pytest.fixture(scope="module")
def told(stopped: Tree) -> dict[str, Any]:
    """What became of what the program tried."""
    found = json.loads(as_service(stopped, CALLS))
    assert isinstance(found, dict)
    return found


# --- files --------------------------------------------------------------------------------------------------------------------------------


def test_a_life_of_the_agent_writes_nothing_but_its_store_and_its_socket(car: InstalledCar) -> None:
    """By the times of all files on the disk and in /run: those of the machine's own (journal, systemd) are no agent's."""
    car.tree.run(["systemctl", "restart", "outpost.service"])
    began_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)  # noqa: TID251  files are stamped by it
    known = {boot for boot in [car.status()["unit"]["boot"]] if boot}
    car.tree.run(["systemctl", "restart", "outpost.service"])
    car.wait_active()
    assert car.status()["unit"]["boot"] not in known
    places = {"disk": car.tree.root, "run": car.tree.inside("/run"), "shm": car.tree.inside("/dev/shm")}
    found = {
        f"/{'' if name == 'disk' else name + '/'}{path.relative_to(top)}"
        for name, top in places.items()
        for path in top.rglob("*")
        if not path.is_symlink() and path.lstat().st_ctime_ns > began_ns
    }
    ours = {path for path in found if path.startswith(("/var/lib/outpost", "/run/outpost/"))}
    assert {"/var/lib/outpost/spool/cache.db", "/run/outpost/agent.sock", "/run/outpost/safe.json"} <= ours
    others = {path for path in found - ours if not path.startswith(MACHINES_OWN)}
    assert others <= {"/run/outpost", "/tmp", "/var/tmp", "/var/lib"}, "these change when a directory in them comes and goes"


def test_it_can_write_into_its_own_directories_and_nowhere_else(stopped: Tree) -> None:
    """A file is tried in each directory that it sees. /tmp is private and goes with it; the two in /dev are memory, for all."""
    written = as_service(stopped, WRITE).split()
    kept = {place for place in written if not place.startswith(("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue"))}
    assert kept == {"/var/lib/outpost", "/var/lib/outpost/spool", "/run/outpost"}
    assert "/tmp" in written
    assert not stopped.inside("/tmp/probe-was-here").exists(), "its /tmp is its own"


# --- secrets ------------------------------------------------------------------------------------------------------------------------------


def test_a_key_is_readable_as_a_credential_and_in_no_other_way(stopped: Tree, told: dict[str, Any]) -> None:
    code = "import os\nprint(open(os.environ['CREDENTIALS_DIRECTORY'] + '/keys_unit.key').read())"
    assert as_service(stopped, code) == "secret\n"
    assert told["key of root"] == "Permission denied"


def test_nobody_else_can_read_the_key_or_its_copy(car: InstalledCar) -> None:
    car.tree.run(["systemctl", "start", "outpost.service"])
    try:
        copy = "/run/credentials/outpost.service/keys_unit.key"
        assert car.tree.run(["cat", copy]).stdout == "secret"
        for user, file in (("nobody", "/etc/outpost/keys/unit.key"), ("outpost", "/etc/outpost/keys/unit.key"), ("nobody", copy)):
            assert "Permission denied" in car.tree.run(["runuser", "-u", user, "--", "cat", file], check=False).stderr
        kinds = {words[1]: words[2] for words in map(str.split, car.tree.run(["cat", "/proc/mounts"]).stdout.splitlines())}
        assert kinds["/run/credentials/outpost.service"] in ("ramfs", "tmpfs"), "never on a card"
    finally:
        car.tree.run(["systemctl", "stop", "outpost.service"])
    assert not car.tree.inside(copy).exists()


def test_without_the_folder_of_keys_it_starts_all_the_same(car: InstalledCar) -> None:
    car.tree.run(["mv", "/etc/outpost/keys", "/etc/outpost/away"])
    try:
        car.tree.run(["systemctl", "start", "outpost.service"])
        assert car.status()["unit"]["ready"]
    finally:
        car.tree.run(["mv", "/etc/outpost/away", "/etc/outpost/keys"])
        car.tree.run(["systemctl", "stop", "outpost.service"])


# --- devices, clock, network --------------------------------------------------------------------------------------------------------------


def test_serial_lines_can_be_opened_and_other_devices_not(told: dict[str, Any]) -> None:
    """The mode of the files would let it open all three. There is no serial line 7, which the kernel says only when it was let through."""
    assert told["devices"] == {
        "ttyS7": "No such device or address",
        "hpet": "Operation not permitted",
        "cpuid0": "Operation not permitted",
        "null": "done",
        "random": "done",
    }


def test_what_gpiozero_reads_of_the_board_can_be_read_and_other_processes_are_hidden(told: dict[str, Any]) -> None:
    assert told["cpuinfo"] == "done"
    assert told["device-tree"]
    assert told["others"] == []


def test_the_clock_can_be_read_through_its_own_service_and_never_set(told: dict[str, Any]) -> None:
    assert told["ask the kernel for its clock"] is None
    assert told["clock"][1] > 0, "this kernel's bound, at most 16 s, is never 0"
    assert told["set the clock"] == "Operation not permitted"


def test_it_has_a_network_and_no_way_around_it(told: dict[str, Any]) -> None:
    assert told["udp"] == told["name"] == "done"
    assert told["packet"] == "Address family not supported by protocol"
    assert told["namespace"] == "Operation not permitted"


def test_it_has_no_capability_and_can_get_none(told: dict[str, Any]) -> None:
    status = {name: int(value, 16) for name, value in told["status"].items()}
    assert status.pop("NoNewPrivs") == 1
    assert status.pop("Seccomp") == 2, "filtered"
    assert set(status) == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    assert set(status.values()) == {0}

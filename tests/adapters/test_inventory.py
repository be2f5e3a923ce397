"""What the machine is and how worn, from the files of a machine that is made up, and of the one the tests run on."""

import platform
from pathlib import Path

import pytest

from agent.adapters import inventory
from agent.adapters.inventory import device_of, machine_seen, os_name, used_life, written_bytes


class Machine:
    """The files of a Raspberry Pi with its store on a partition."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.partition = root / "sys/devices/mmc0/block/mmcblk0/mmcblk0p3"
        self.device = root / "sys/devices/mmc0/block/mmcblk0/device"
        for directory in (self.partition, self.device, root / "sys/dev/block", root / "sys/fs/ext4/mmcblk0p3"):
            directory.mkdir(parents=True)
        (self.partition / "partition").write_text("3\n")
        (self.device / "name").write_text("BJTD4R\n")
        (root / "sys/fs/ext4/mmcblk0p3/lifetime_write_kbytes").write_text("207031250\n")
        (root / "sys/fs/ext4/mmcblk0p3/errors_count").write_text("3\n")
        self.disk = root / "sys/dev/block/179:3"
        self.disk.symlink_to(self.partition)
        (root / "etc").mkdir()
        (root / "etc/os-release").write_text('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
        (root / "sys/firmware/devicetree/base").mkdir(parents=True)
        (root / "sys/firmware/devicetree/base/model").write_bytes(b"Raspberry Pi Compute Module 4 Rev 1.1\0")

    def life(self, text: str) -> None:
        (self.device / "life_time").write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_that_tells_all_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.life("0x01 0x02\n")
    monkeypatch.setattr(inventory, "device_of", lambda _store: "179:3")
    seen = machine_seen(5.0, Path("/var/lib/outpost"), machine.root)
    assert (seen.at, seen.python, seen.kernel) == (5.0, platform.python_version(), platform.release()[:80])
    assert seen.os == "Debian GNU/Linux 12 (bookworm)"
    assert seen.board == "Raspberry Pi Compute Module 4 Rev 1.1"
    assert seen.disk == "mmcblk0p3, BJTD4R"
    assert (seen.disk_used_life, seen.disk_written_bytes, seen.disk_errors) == (0.2, 212_000_000_000, 3)


def test_a_machine_that_tells_nothing_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "device_of", lambda _store: "8:1")
    seen = machine_seen(5.0, tmp_path, tmp_path)
    assert (seen.os, seen.board, seen.disk) == ("", "", "8:1")
    assert (seen.disk_used_life, seen.disk_written_bytes) == (None, None)


@pytest.mark.parametrize(
    ("text", "used"),
    [("0x01 0x01", 0.1), ("0x0A 0x03", 1.0), ("0x0b 0x01", 1.1), ("0x00 0x00", None), ("", None), ("0x0f 0xff", None), ("worn", None)],
)
def test_the_worse_of_both_kinds_of_cells_counts(machine: Machine, text: str, used: float | None) -> None:
    """0 is not defined by the standard, and above 0x0B nothing is."""
    machine.life(text)
    assert used_life(machine.disk) == used


def test_an_sd_card_does_not_tell_its_wear_but_ext4_what_was_written(machine: Machine) -> None:
    assert used_life(machine.disk) is None
    assert written_bytes(machine.disk, machine.root) == 212_000_000_000
    (machine.root / "sys/fs/ext4/mmcblk0p3/lifetime_write_kbytes").write_text("?")
    assert written_bytes(machine.disk, machine.root) is None


@pytest.mark.parametrize(
    ("options", "gone"),
    [("rw,errors=remount-ro", False), ("rw,errors=remount-ro,emergency_ro", True), ("ro", True), ("rw,shutdown", True), ("", False)],
)
def test_a_file_system_that_gave_up_says_so_among_its_options(tmp_path: Path, options: str, gone: bool) -> None:
    """As Linux 6.18 writes it; the options of the mount itself (`rw`) know nothing."""
    (tmp_path / "proc/self").mkdir(parents=True)
    lines = ["21 1 179:2 / / rw - ext4 /dev/mmcblk0p2 ro", f"56 27 179:3 / /var rw,relatime shared:1 - ext4 /dev/mmcblk0p3 {options}"]
    (tmp_path / "proc/self/mountinfo").write_text("\n".join(lines))
    assert inventory.gave_up("179:3", tmp_path) is gone
    assert inventory.gave_up("179:4", tmp_path) is False
    assert inventory.gave_up(None, tmp_path) is False
    assert inventory.gave_up("179:3", tmp_path / "nothing") is False


def test_what_lies_in_memory_lies_on_no_device(tmp_path: Path) -> None:
    assert device_of(Path("/proc")) is None
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert device_of(tmp_path / "loop") is None
    assert device_of(tmp_path / "not" / "yet") == device_of(tmp_path)


@pytest.mark.parametrize(("text", "name"), [("PRETTY_NAME=Alpine\n", "Alpine"), ("NAME=x\n", ""), ("", ""), ("PRETTY_NAME='a'\n", "a")])
def test_the_system_s_name_is_that_of_os_release(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(text)
    assert os_name(tmp_path) == name


def test_this_machine_can_be_told() -> None:
    seen = machine_seen(1.0, Path("/var/lib/outpost"))
    assert seen.python
    assert seen.kernel

"""What the machine is and how worn, from the files of a machine that is made up, and of the one the tests run on."""

import platform
from pathlib import Path

import pytest

from agent.adapters.inventory import board, machine_seen, os_name

PI = "Raspberry Pi 4 Model B Rev 1.4"
CPUINFO = f"processor\t: 0\nBogoMIPS\t: 108.00\n\nRevision\t: c03114\nSerial\t\t: 10000000abcdef01\nModel\t\t: {PI}\n"


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
        mounted(root, "179:3")
        tree(root, model="Raspberry Pi Compute Module 4 Rev 1.1")


def mounted(root: Path, device: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(f"56 27 {device} / / rw,relatime shared:1 - ext4 /dev/root rw\n")


def tree(root: Path, cpuinfo: str = "", **files: str) -> Path:
    """The device tree, and /proc/cpuinfo."""
    base = root / "sys/firmware/devicetree/base"
    base.mkdir(parents=True)
    for name, text in files.items():
        (base / name.replace("_", "-")).write_bytes(text.encode() + b"\0")
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc/cpuinfo").write_text(cpuinfo)
    return root


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_that_tells_all_is_told(machine: Machine) -> None:
    (machine.device / "life_time").write_text("0x01 0x02\n")
    seen = machine_seen(5.0, Path("/var/lib/outpost"), machine.root)
    assert (seen.at, seen.python, seen.kernel) == (5.0, platform.python_version(), platform.release()[:80])
    assert seen.os == "Debian GNU/Linux 12 (bookworm)"
    assert (seen.board, seen.board_identity) == ("Raspberry Pi Compute Module 4 Rev 1.1", "Raspberry Pi Compute Module 4 Rev 1.1")
    assert seen.disk == "mmcblk0p3, BJTD4R"
    assert (seen.disk_used_life, seen.disk_written_bytes, seen.disk_errors) == (0.2, 212_000_000_000, 3)


def test_a_machine_that_tells_nothing_is_empty(tmp_path: Path) -> None:
    seen = machine_seen(5.0, tmp_path, tmp_path)
    assert (seen.os, seen.board, seen.board_identity, seen.disk) == ("", "", "", "")
    assert (seen.disk_used_life, seen.disk_written_bytes) == (None, None)
    mounted(tmp_path, "8:1")
    assert machine_seen(5.0, tmp_path, tmp_path).disk == "8:1"


def test_the_board_is_told_by_the_device_tree(tmp_path: Path) -> None:
    assert board(tree(tmp_path, model=PI, serial_number="10000000abcdef01")).identity == f"{PI}, serial 10000000abcdef01"


def test_the_board_is_told_by_cpuinfo_where_there_is_no_tree(tmp_path: Path) -> None:
    assert board(tree(tmp_path, CPUINFO)).identity == f"{PI}, revision c03114, serial 10000000abcdef01"


def test_a_board_that_says_nothing_has_no_identity(tmp_path: Path) -> None:
    assert board(tree(tmp_path, "processor\t: 0\nmodel name\t: Some CPU\nModel\t:\n")).identity == ""


def test_a_pc_tells_its_model_and_no_identity(tmp_path: Path) -> None:
    (tmp_path / "sys/class/dmi/id").mkdir(parents=True)
    (tmp_path / "sys/class/dmi/id/product_name").write_text("Standard PC\n")
    seen = machine_seen(5.0, tmp_path, tmp_path)
    assert (seen.board, seen.board_identity) == ("Standard PC", "")


@pytest.mark.parametrize(("text", "name"), [("PRETTY_NAME=Alpine\n", "Alpine"), ("NAME=x\n", ""), ("", ""), ("PRETTY_NAME='a'\n", "a")])
def test_the_system_s_name_is_that_of_os_release(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(text)
    assert os_name(tmp_path) == name


def test_this_machine_can_be_told() -> None:
    seen = machine_seen(1.0, Path("/var/lib/outpost"))
    assert seen.python
    assert seen.kernel

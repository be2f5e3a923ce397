"""The disk below a path: of the machine the tests run on, and of trees as a Pi's kernel writes them."""

import os
import subprocess
from pathlib import Path

import pytest

from agent.adapters.disk import Disk, Mount, below, mount, room_for, uptime_s

MOUNTS = """\
22 1 179:2 / / ro,relatime shared:1 - ext4 /dev/mmcblk0p2 ro
23 22 179:3 / /var/lib/outpost rw,noatime shared:2 - ext4 /dev/mmcblk0p3 rw,commit=30
24 22 0:21 / /run rw,nosuid shared:3 - tmpfs tmpfs rw,size=1000k
25 22 179:4 / /mnt/with\\040blank rw - vfat /dev/mmcblk0p4 ro,fmask=0022
26 22 0:30 / /var/lib/outpost-too rw - tmpfs tmpfs rw
nonsense
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text(MOUNTS)
    (tmp_path / "uptime").write_text("86400.50 170000.00\n")
    return tmp_path


def test_the_nearest_mount_above_a_path_counts(proc: Path) -> None:
    state = mount(Path("/var/lib/outpost/store/x"), proc)
    assert state is not None
    assert (state.point, state.kind, state.device, state.read_only) == ("/var/lib/outpost", "ext4", "179:3", False)
    assert {"noatime", "commit=30"} <= set(state.options)
    beside = mount(Path("/var/lib/outpost-too"), proc)
    assert beside is not None
    assert beside.kind == "tmpfs"


def test_read_only_is_the_mount_or_the_file_system(proc: Path) -> None:
    for path in ("/usr/bin", "/mnt/with blank/x"):
        found = mount(Path(path), proc)
        assert found is not None
        assert found.read_only, path


def test_this_machine_has_a_mount_below_everything() -> None:
    found = mount(Path("/"))
    assert found is not None
    assert found.point == "/"
    assert (uptime_s() or 0) > 0


def test_where_the_kernel_says_nothing_nothing_is_known(tmp_path: Path) -> None:
    assert mount(Path("/"), tmp_path) is None
    assert uptime_s(tmp_path) is None
    assert below(None, tmp_path) == Disk()
    assert below(on("179:3"), tmp_path) == Disk("179:3", "179:3"), "it is a device, of which no more is known"
    assert below(on("0:21"), card(tmp_path, None)) == Disk(), "memory is none"


def on(device: str) -> Mount:
    return Mount("/var/lib/outpost", "ext4", "/dev/mmcblk0p3", device, ("rw",), ("rw",))


def card(sys: Path, life: str | None) -> Path:
    """A card with one partition, 179:3, and an ext4 on it."""
    whole = sys / "devices" / "mmcblk0"
    part = whole / "mmcblk0p3"
    ext4 = sys / "fs" / "ext4" / "mmcblk0p3"
    for directory in (part, whole / "device", ext4):
        directory.mkdir(parents=True)
    (part / "partition").write_text("3\n")
    (whole / "stat").write_text("  100 0 2000 50 300 0 4096 60 0 70 80 0 0 0 0\n")
    (whole / "device" / "name").write_text("BJTD4R\n")
    if life is not None:
        (whole / "device" / "life_time").write_text(life)
    (ext4 / "lifetime_write_kbytes").write_text("207031250\n")
    (ext4 / "errors_count").write_text("3\n")
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / "179:3").symlink_to(part)
    return sys


def test_what_was_written_since_the_start_is_that_of_the_whole_disk_and_ever_that_of_the_file_system(tmp_path: Path) -> None:
    """An SD card tells nothing of its wear; what ext4 counts is the same for both."""
    sys = card(tmp_path, None)
    assert below(on("179:3"), sys) == Disk("mmcblk0p3", "mmcblk0", "BJTD4R", None, 4096 * 512, 212_000_000_000, 3)
    (sys / "fs" / "ext4" / "mmcblk0p3" / "lifetime_write_kbytes").write_text("?")
    (sys / "devices" / "mmcblk0" / "stat").write_text("1 2 3\n")
    found = below(on("179:3"), sys)
    assert (found.made_bytes, found.written_bytes) == (None, None)


@pytest.mark.parametrize(
    ("life", "tenths"),
    [
        ("0x01 0x01", 1),
        ("0x01 0x03\n", 3),
        ("0x0A 0x03", 10),
        ("0x0b 0x01\n", 11),
        ("0x00 0x00\n", None),
        ("0x0f 0xff", None),
        ("garbage", None),
        ("", None),
    ],
)
def test_an_emmc_tells_how_much_of_its_life_is_used_and_the_worse_of_both_kinds_of_cells_counts(
    tmp_path: Path, life: str, tenths: int | None
) -> None:
    """0 is not defined by the standard, and above 0x0B nothing is."""
    assert below(on("179:3"), card(tmp_path, life)).used_tenths == tenths


@pytest.mark.parametrize(
    ("options", "gone"),
    [("rw,errors=remount-ro", False), ("rw,errors=remount-ro,emergency_ro", True), ("ro", True), ("rw,shutdown", True), ("", False)],
)
def test_a_file_system_that_gave_up_says_so_among_its_options(tmp_path: Path, proc: Path, options: str, gone: bool) -> None:
    """As Linux 6.18 writes it; the options of the mount itself (`rw`) know nothing, nor does statvfs."""
    line = f"56 22 179:3 / {tmp_path} rw,relatime shared:1 - ext4 /dev/mmcblk0p3 {options}\n"
    (proc / "self" / "mountinfo").write_text(MOUNTS + line)
    found = mount(tmp_path / "store", proc)
    assert found is not None
    assert found.read_only is gone
    assert room_for(tmp_path / "store", proc)[1] is gone
    assert room_for(tmp_path / "store", tmp_path / "nothing")[1] is False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_file_system_that_takes_no_writes_says_so(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", str(tmp_path)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        assert room_for(tmp_path / "store") == (65536, True)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_the_room_is_that_of_the_nearest_place_that_exists(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "a" / "b", tmp_path / "file", tmp_path / "file" / "below"):
        room = os.statvfs(tmp_path)
        found, readonly = room_for(place)
        assert readonly is False
        assert found is not None
        assert abs(found - room.f_bavail * room.f_frsize) < 1_000_000_000


def test_a_path_that_cannot_be_asked_for_has_no_room(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert room_for(tmp_path / "loop") == (None, None)

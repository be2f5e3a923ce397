"""The disk below a path: of the machine the tests run on, and of trees as a Pi's kernel writes them."""

from pathlib import Path

import pytest

from agent.adapters.disk import Wear, mount, uptime_s, wear

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
    assert wear("179:3", tmp_path) is None


def card(sys: Path, life: str | None) -> Path:
    """A card with one partition, 179:3."""
    whole = sys / "devices" / "mmcblk0"
    part = whole / "mmcblk0p3"
    part.mkdir(parents=True)
    (part / "partition").write_text("3\n")
    (whole / "stat").write_text("  100 0 2000 50 300 0 4096 60 0 70 80 0 0 0 0\n")
    if life is not None:
        (whole / "device").mkdir()
        (whole / "device" / "life_time").write_text(life)
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / "179:3").symlink_to(part)
    return sys


def test_what_was_written_is_that_of_the_whole_disk(tmp_path: Path) -> None:
    assert wear("179:3", card(tmp_path, None)) == Wear("mmcblk0", 4096 * 512, None)


@pytest.mark.parametrize(("life", "tenths"), [("0x01 0x03\n", 3), ("0x0b 0x01\n", 11), ("0x00 0x00\n", None), ("garbage", None)])
def test_an_emmc_tells_how_much_of_its_life_is_used(tmp_path: Path, life: str, tenths: int | None) -> None:
    found = wear("179:3", card(tmp_path, life))
    assert found is not None
    assert found.life_tenths == tenths

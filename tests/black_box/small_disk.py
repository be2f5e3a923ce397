"""A small ext4 of our own on a loop device, mounted where a test wants it: it can be full, and it can fail as a card's does."""

import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

import pytest

MB = 1_048_576
GONE_S = 30.0


class SmallDisk:
    """Mounted from `with` to its end. With errors=remount-ro, as firmware_config has it and as every Debian does for its root."""

    def __init__(self, image: Path, place: Path, size_mb: int) -> None:
        self.image, self.place = image, place
        with image.open("wb") as file:
            file.truncate(size_mb * MB)
        _run("mkfs.ext4", "-q", "-F", str(image))
        place.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        self.mount()
        return self

    def __exit__(self, *_: object) -> None:
        self.unmount()

    def mount(self) -> None:
        """As at a boot."""
        _run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.place))

    def unmount(self) -> None:
        """As at an end; also while a process that was killed, or a name space of another's, has not let go of it: that is waited for.

        What is mounted again before would be the same file system, with its error and all.
        """
        subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False)
        until = time.monotonic() + GONE_S
        while _run("losetup", "-j", str(self.image)):
            assert time.monotonic() < until, f"somebody else still holds what was mounted at {self.place}"
            threading.Event().wait(0.05)

    def repair(self) -> None:
        """What the boot after a power cut does: fsck, which exits 1 when it has mended something."""
        done = subprocess.run(["fsck.ext4", "-p", str(self.image)], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stdout + done.stderr

    def fail(self) -> None:
        """The kernel finds the file system wrong, and takes no more writes: what a card does that is at its end."""
        device = next(line.split()[0] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[1] == str(self.place))
        (Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error").write_text("a test")

    def fill(self) -> None:
        """Not a byte is left."""
        with (self.place / "filler").open("wb", buffering=0) as file:
            for size in (MB, 4096, 1):
                try:
                    while file.write(b"\xa5" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Room again."""
        (self.place / "filler").unlink()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def small_disk_or_skip(directory: Path, place: Path, size_mb: int) -> SmallDisk:
    """The disk, where a loop device can be mounted (root, not every container); else the test is passed over and says why."""
    for tool in ("mkfs.ext4", "fsck.ext4", "mount", "umount", "losetup"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} command: apt install e2fsprogs mount")
    try:
        with SmallDisk(directory / "probe.img", directory / "probe", 2):
            pass
    except AssertionError as e:
        pytest.skip(f"a loop device cannot be mounted here (root, /dev/loop*): {e}")
    return SmallDisk(directory / "disk.img", place, size_mb)

"""A memory card that counts: an ext4 file system on a loop device whose image lies in memory; bytes written to the device come out.

What a real second would do besides is done on request (`age`): ext4 commits its journal every 5 s, and the kernel writes dirty blocks home
after 30 s (Documentation/admin-guide/ext4.rst: commit; sysctl/vm.rst: dirty_expire_centisecs). In accelerated time neither would happen
as often as it does on the road.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import pytest

SECTOR_BYTES = 512
"""Of /sys/block/*/stat, whatever the device's own are (Documentation/block/stat.rst)."""

SECTORS_WRITTEN = 6
"""Its seventh field."""

JOURNAL_S = 5.0
HOME_S = 30.0
IMAGE_BYTES = 2 << 30
WRITE_ALL = 7
"""SYNC_FILE_RANGE_WAIT_BEFORE, WRITE and WAIT_AFTER (sync_file_range(2)): data only."""

LIBC = ctypes.CDLL(None, use_errno=True)


OPTIONS = os.environ.get("OUTPOST_BENCH_MOUNT", "noatime,commit=30")
"""How ext4 is mounted: as the state's partition is to be (docs/DECISIONS.md). `defaults`: a card that nobody thought of."""


class NoCard(RuntimeError):
    """There is no loop device to be had; says why."""


class Card:
    """Mounted from `with` to its end at `path`."""

    def __init__(self) -> None:
        self._left = contextlib.ExitStack()
        self._journal_at = self._home_at = 0.0
        self.aged = 0
        """Of the bytes written, those that ageing wrote: the file system's, not the store's own commits."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as left:
            memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            place = Path(tempfile.mkdtemp(prefix="outpost-card-", dir=memory))
            left.callback(shutil.rmtree, place, ignore_errors=True)
            image, self.path = place / "image", place / "card"
            self.path.mkdir()
            with image.open("wb") as file:
                file.truncate(IMAGE_BYTES)
            _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
            self.device = Path(_run("losetup", "--find", "--show", str(image)))
            left.callback(_run, "losetup", "--detach", str(self.device))
            _run("mount", "-o", OPTIONS, str(self.device), str(self.path))
            left.callback(_run, "umount", str(self.path))
            self._root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            left.callback(os.close, self._root)
            self._left = left.pop_all()
        self.sync()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    def close(self) -> None:
        """Unmount, and leave nothing behind."""
        self._left.close()

    def written(self) -> int:
        """Bytes written to the device since it is there."""
        return int(Path(f"/sys/block/{self.device.name}/stat").read_text().split()[SECTORS_WRITTEN]) * SECTOR_BYTES

    def sync(self) -> None:
        """All that is dirty goes to the device, the journal too."""
        if LIBC.syncfs(self._root) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")

    def _write_home(self) -> None:
        """Blocks of metadata that the journal holds, and pages of mapped files: without a further transaction, as the kernel does it."""
        _fsync(self.device)
        for file in self.path.rglob("*-shm"):
            with file.open("rb+") as mapped:
                LIBC.sync_file_range(mapped.fileno(), ctypes.c_int64(0), ctypes.c_int64(0), WRITE_ALL)

    def age(self, now: float, file: Path) -> None:
        """Virtual time has come to `now`: what the kernel would have written by then is written. `file`: one that every commit changes."""
        if now - self._journal_at < JOURNAL_S and now - self._home_at < HOME_S:
            return
        before = self.written()
        if now - self._journal_at >= JOURNAL_S:
            self._journal_at = now
            _fsync(file)  # its data are there already: this commits the transaction of the journal in which it changed
        if now - self._home_at >= HOME_S:
            self._home_at = now
            self._write_home()
        self.aged += self.written() - before


def _fsync(file: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _run(*command: str) -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    found = shutil.which(command[0], path=path)
    if found is None:
        raise NoCard(f"no {command[0]} command")
    done = subprocess.run([found, *command[1:]], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise NoCard(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def card_or_skip() -> Card:
    """An entered card; skips the test, with the reason, where there can be none."""
    try:
        return Card().__enter__()
    except (NoCard, OSError) as e:
        pytest.skip(f"device bytes need a loop device and root: {e}")

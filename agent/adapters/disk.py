"""The disk below a path: how it is mounted, its room, what was written to it, and what it says of its age, come out.

Sources: proc_pid_mountinfo(5); Documentation/block/stat.rst (seventh field: sectors of 512 bytes written since the machine's start);
Documentation/ABI/testing/sysfs-fs-ext4 (`lifetime_write_kbytes` since the file system was made, `errors_count` since fsck last had it).
Of wear: an eMMC tells its own (JESD84-B51, DEVICE_LIFE_TIME_EST_TYP_A and _B, in tenths; the kernel's `life_time`), an SD card does not.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from agent.adapters.kernel_file import PROC, SYS, lines, number, text

SECTOR_BYTES = 512
TENTHS = {f"0x{step:02x}": step for step in range(1, 12)}
"""A step is a tenth of the life; 11 is beyond it, 0 is not defined, nor is what is above."""

IN_MEMORY = ("tmpfs", "ramfs", "overlay")
"""What is written there is gone after a power cut, or (an overlay) may be."""

GAVE_UP = {"ro", "emergency_ro", "shutdown"}
"""Options of a file system that takes no writes. Of ext4 with errors=remount-ro that has found itself wrong older kernels say so in
statvfs(2) too, newer ones by `emergency_ro` (seen in 6.18) and not there."""

NO_DEVICE = "0:"
"""So begins the number of what lies on no device: memory, the network."""


class Mount(NamedTuple):
    """What a path lies on. `device`: major:minor; `own`: the options of the mount, `whole`: those of the file system itself."""

    point: str
    kind: str
    source: str
    device: str
    own: tuple[str, ...]
    whole: tuple[str, ...]

    @property
    def options(self) -> tuple[str, ...]:
        """Of both, each once."""
        return tuple(dict.fromkeys((*self.own, *self.whole)))

    @property
    def read_only(self) -> bool:
        """By its own will, or because the file system gave up."""
        return "ro" in self.own or not GAVE_UP.isdisjoint(self.whole)


class Disk(NamedTuple):
    """What there is below a mount: all empty for memory and the network.

    `name`: of what the file system lies on, a partition mostly; `whole`: of the disk that it is part of; `model`: what that calls itself;
    `used_tenths`: of its life, the worse of its two kinds of cells (eMMC only); `written_bytes`: to the whole disk since the machine's
    start; `made_bytes`: into the ext4 on it since that was made; `errors`: found in that.
    """

    name: str = ""
    whole: str = ""
    model: str = ""
    used_tenths: int | None = None
    written_bytes: int | None = None
    made_bytes: int | None = None
    errors: int | None = None


def mount(path: Path, proc: Path = PROC) -> Mount | None:
    """The mount that a path, or its nearest parent that exists, lies on; None when the kernel does not say."""
    real = os.path.realpath(path)
    best: Mount | None = None
    for line in lines(proc / "self" / "mountinfo"):
        found = _mount(line)
        if found is not None and _is_below(real, found.point) and (best is None or len(found.point) >= len(best.point)):
            best = found  # of two on one point the later one covers the earlier
    return best


def _mount(line: str) -> Mount | None:
    """One line: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`."""
    fields, _, rest = line.partition(" - ")
    words, more = fields.split(" "), rest.split(" ")
    if len(words) < 6 or len(more) < 3:
        return None
    return Mount(_unescaped(words[4]), more[0], _unescaped(more[1]), words[2], tuple(words[5].split(",")), tuple(more[2].split(",")))


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _is_below(path: str, point: str) -> bool:
    return point == "/" or path == point or path.startswith(f"{point}/")


def room_for(path: Path, proc: Path = PROC) -> tuple[int | None, bool | None]:
    """Bytes for us where `path` lies, or will lie: at its nearest parent that exists; and whether the file system takes no writes.

    None when the file system does not say.
    """
    for place in (path, *path.absolute().parents):
        try:
            room = os.statvfs(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None, None
        mounted = mount(place, proc)
        return room.f_bavail * room.f_frsize, bool(room.f_flag & os.ST_RDONLY) or (mounted is not None and mounted.read_only)
    return None, None


def below(mounted: Mount | None, sys: Path = SYS) -> Disk:
    """The disk below a mount; what it does not tell is None."""
    if mounted is None or mounted.device.startswith(NO_DEVICE):
        return Disk()
    part = (sys / "dev" / "block" / mounted.device).resolve()
    whole = part.parent if (part / "partition").exists() else part
    ext4 = sys / "fs" / "ext4" / part.name
    kbytes = number(ext4 / "lifetime_write_kbytes")
    return Disk(
        part.name,
        whole.name,
        text(whole / "device" / "name") or text(whole / "device" / "model"),
        max((TENTHS[word] for word in text(whole / "device" / "life_time").lower().split() if word in TENTHS), default=None),
        _written_bytes(whole),
        None if kbytes is None else kbytes * 1024,
        number(ext4 / "errors_count"),
    )


def _written_bytes(whole: Path) -> int | None:
    try:
        return int(lines(whole / "stat")[0].split()[6]) * SECTOR_BYTES
    except (ValueError, IndexError):
        return None


def uptime_s(proc: Path = PROC) -> float | None:
    """Seconds since the machine's start."""
    try:
        return float(text(proc / "uptime").split()[0])
    except (ValueError, IndexError):
        return None

"""The disk below a path, for whoever looks at the unit: how it is mounted, its room, what was written to it, and what it says of its age.

Sources: proc_pid_mountinfo(5); Documentation/block/stat.rst (seventh field: sectors of 512 bytes written since the machine's start);
Documentation/driver-api/mmc (life_time: two estimates in steps of tenths, 0x0b for beyond; JEDEC 84-B51, 7.4.42 and 43).
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

SECTOR_BYTES = 512
TENTHS_MAX = 11
"""0x0b: the estimated life is over; 0 is not defined."""

IN_MEMORY = ("tmpfs", "ramfs", "overlay")
"""What is written there is gone after a power cut, or (an overlay) may be."""


class Mount(NamedTuple):
    """What a path lies on. `device`: major:minor; `read_only`: of the mount or of the file system itself."""

    point: str
    kind: str
    source: str
    device: str
    options: tuple[str, ...]
    read_only: bool


class Wear(NamedTuple):
    """The whole disk: its name, bytes written since the machine's start, and how many tenths of its life it calls used (eMMC only)."""

    name: str
    written_bytes: int | None
    life_tenths: int | None


def mount(path: Path, proc: Path = Path("/proc")) -> Mount | None:
    """The mount that a path, or its nearest parent that exists, lies on; None when the kernel does not say."""
    real = os.path.realpath(path)
    try:
        lines = (proc / "self" / "mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    best: Mount | None = None
    for line in lines:
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
    own, whole = words[5].split(","), more[2].split(",")
    options = tuple(dict.fromkeys((*own, *whole)))
    return Mount(_unescaped(words[4]), more[0], _unescaped(more[1]), words[2], options, "ro" in own or "ro" in whole)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _is_below(path: str, point: str) -> bool:
    return point == "/" or path == point or path.startswith(f"{point}/")


def wear(device: str, sys: Path = Path("/sys")) -> Wear | None:
    """The whole disk that a block device (major:minor) is part of; None for what is none: memory, the network."""
    block = (sys / "dev" / "block" / device).resolve()
    if not block.is_dir():
        return None
    whole = block.parent if (block / "partition").exists() else block
    return Wear(whole.name, _written(whole), _life(whole))


def _written(disk: Path) -> int | None:
    try:
        return int((disk / "stat").read_text().split()[6]) * SECTOR_BYTES
    except (OSError, ValueError, IndexError):
        return None


def _life(disk: Path) -> int | None:
    """The worse of the two estimates."""
    try:
        tenths = max(int(word, 16) for word in (disk / "device" / "life_time").read_text().split())
    except (OSError, ValueError):
        return None
    return tenths if 0 < tenths <= TENTHS_MAX else None


def uptime_s(proc: Path = Path("/proc")) -> float | None:
    """Seconds since the machine's start."""
    try:
        return float((proc / "uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None

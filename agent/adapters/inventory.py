"""What the machine is: nothing goes in; `MachineSeen` comes out, with what the kernel, the device tree and /etc/os-release say.

Of wear: an eMMC tells its own (JESD84-B51, DEVICE_LIFE_TIME_EST_TYP_A and _B, in tenths; the kernel's `life_time`), an SD card does not.
What ext4 counts is the same for both: bytes written into the file system since it was made (`lifetime_write_kbytes`).
"""

import os
import platform
from pathlib import Path

from agent.core.events import MachineSeen

TEXT_CHARS_MAX = 80
"""What a device calls itself goes over the air."""

GAVE_UP = {"ro", "emergency_ro", "shutdown"}
"""Options of a file system, of which the last word of its line in mountinfo (proc(5)) is the list."""

LIFE_STEPS = 10
LIFE = [f"0x{step:02x}" for step in range(LIFE_STEPS + 2)]
"""A step is a tenth of the life; 11 is beyond it, 0 is not defined."""


def machine_seen(at: float, store: Path, root: Path = Path("/")) -> MachineSeen:
    """The machine as it is now. `store`: where the store is, or will be. `root`: of the machine's own file system."""
    device = device_of(store)
    disk = root / "sys/dev/block" / device if device else None
    return MachineSeen(
        at,
        python=platform.python_version(),
        os=os_name(root),
        kernel=platform.release()[:TEXT_CHARS_MAX],
        board=_first(root / "sys/firmware/devicetree/base/model", root / "sys/class/dmi/id/product_name"),
        disk=_disk(disk) if disk else "",
        disk_used_life=used_life(disk) if disk else None,
        disk_written_bytes=written_bytes(disk, root) if disk else None,
        disk_errors=errors(disk, root) if disk else None,
    )


def os_name(root: Path) -> str:
    """PRETTY_NAME of os-release(5); empty when there is none."""
    for line in _text(root / "etc/os-release").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip("\"'")[:TEXT_CHARS_MAX]
    return ""


def device_of(store: Path) -> str | None:
    """`major:minor` of what `store`, or its nearest parent that exists, lies on; None for what lies on no device (memory, network)."""
    for place in (store, *store.absolute().parents):
        try:
            number = place.stat().st_dev
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
        return f"{os.major(number)}:{os.minor(number)}" if os.major(number) else None
    return None


def gave_up(device: str | None, root: Path = Path("/")) -> bool:
    """Whether the file system on that device has found itself wrong and takes no more writes.

    ext4 with errors=remount-ro: older kernels say so in statvfs(2) too, newer ones by `emergency_ro` (seen in 6.18) and not there.
    """
    for line in _text(root / "proc/self/mountinfo").splitlines() if device else ():
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [device] and GAVE_UP & set(after.rpartition(" ")[2].split(",")):
            return True
    return False


def errors(disk: Path, root: Path) -> int | None:
    """Errors that ext4 has found in itself since fsck last had it; None for another file system."""
    return _number(root / "sys/fs/ext4" / disk.resolve().name / "errors_count")


def used_life(disk: Path) -> float | None:
    """The share of its life that is gone, the worse of its two kinds of cells; None where the device does not tell."""
    steps = [LIFE.index(word) for word in _text(_whole(disk) / "device/life_time").lower().split() if word in LIFE]
    known = [step for step in steps if step]
    return max(known) / LIFE_STEPS if known else None


def written_bytes(disk: Path, root: Path) -> int | None:
    """Bytes written into the ext4 on it since that was made; None for another file system."""
    kbytes = _number(root / "sys/fs/ext4" / disk.resolve().name / "lifetime_write_kbytes")
    return None if kbytes is None else kbytes * 1024


def _disk(disk: Path) -> str:
    """`mmcblk0p2, SD64G`: its name and what it calls itself."""
    name = disk.resolve().name
    model = _first(_whole(disk) / "device/name", _whole(disk) / "device/model")
    return ", ".join(part for part in (name, model) if part)


def _whole(disk: Path) -> Path:
    """The disk that a partition is of."""
    here = disk.resolve()
    return here.parent if (here / "partition").exists() else here


def _first(*files: Path) -> str:
    """What the first file that has text says, without the NUL at the end of a device tree's."""
    return next((text for file in files if (text := _text(file).replace("\0", "").strip()[:TEXT_CHARS_MAX])), "")


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""

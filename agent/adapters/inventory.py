"""What the machine is: nothing goes in; `MachineSeen` comes out, with what the kernel, the device tree and /etc/os-release say.

Of a board: the device tree (model, serial-number) and the lines Model, Revision and Serial of /proc/cpuinfo, as Raspberry Pi kernels write
them; a PC tells its model by DMI. What it lies on, and how worn that is: `disk.py`.
"""

import platform
from pathlib import Path
from typing import NamedTuple

from agent.adapters import disk
from agent.adapters.kernel_file import TEXT_CHARS_MAX, lines, text
from agent.core.events import MachineSeen

ROOT = Path("/")


class Board(NamedTuple):
    """What a board says of itself; empty what it does not."""

    model: str
    revision: str
    serial: str

    @property
    def identity(self) -> str:
        """`Raspberry Pi 4 Model B Rev 1.4, serial 10000000abcdef01`: that it is this one and no other."""
        words = (self.model, self.revision and f"revision {self.revision}", self.serial and f"serial {self.serial}")
        return ", ".join(word for word in words if word)


def machine_seen(at: float, store: Path, root: Path = ROOT) -> MachineSeen:
    """The machine as it is now. `store`: where the store is, or will be. `root`: of the machine's own file system."""
    own, under = board(root), disk.below(disk.mount(store, root / "proc"), root / "sys")
    return MachineSeen(
        at,
        python=platform.python_version(),
        os=os_name(root),
        kernel=platform.release()[:TEXT_CHARS_MAX],
        board=own.model or text(root / "sys/class/dmi/id/product_name"),
        disk=", ".join(part for part in (under.name, under.model) if part),
        disk_used_life=None if under.used_tenths is None else under.used_tenths / 10,
        disk_written_bytes=under.made_bytes,
        disk_errors=under.errors,
        board_identity=own.identity,
    )


def board(root: Path = ROOT) -> Board:
    """By the device tree; what that does not say, by cpuinfo."""
    tree = root / "sys/firmware/devicetree/base"
    told: dict[str, str] = {}
    for line in lines(root / "proc/cpuinfo"):
        name, _, value = line.partition(":")
        if value.strip():
            told.setdefault(name.strip(), value.strip()[:TEXT_CHARS_MAX])
    model, serial = text(tree / "model"), text(tree / "serial-number")
    return Board(model or told.get("Model", ""), told.get("Revision", ""), serial or told.get("Serial", ""))


def os_name(root: Path) -> str:
    """PRETTY_NAME of os-release(5); empty when there is none."""
    for line in lines(root / "etc/os-release"):
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip("\"'")[:TEXT_CHARS_MAX]
    return ""

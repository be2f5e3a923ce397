"""The board's supply, for whoever looks at the unit: the firmware's bits of under-voltage and throttling, and voltages that can be read.

Sources: the firmware's word of `get_throttled` (raspberrypi.com, "vcgencmd"), in the kernel's file of that name or by `vcgencmd`; the 5 V
input of a Raspberry Pi 5 by `vcgencmd pmic_read_adc EXT5V_V`; a measuring chip of TI's INA family by hwmon (Documentation/hwmon/ina2xx.rst:
`in1_input` is the bus voltage in mV).
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

SYS = Path("/sys")
ASKED_S_MAX = 1.0
"""vcgencmd asks the firmware by a mailbox: some milliseconds."""

UNDER_VOLTAGE, CAPPED, THROTTLED, HOT = 0x1, 0x2, 0x4, 0x8
SINCE_BOOT = 16
"""The same bits, so many places to the left: it was so since the board got power."""


class Throttled(NamedTuple):
    """What the firmware does because of its supply and its heat, now and at any time since power-on."""

    under_voltage: bool
    throttled: bool
    hot: bool
    under_voltage_was: bool
    throttled_was: bool
    hot_was: bool


def throttled(sys: Path = SYS) -> Throttled | None:
    """The firmware's bits; None on a board that has none, or when we may not ask."""
    bits = _bits(sys)
    if bits is None:
        return None
    before = bits >> SINCE_BOOT
    slow = CAPPED | THROTTLED
    return Throttled(
        *(bool(bits & mask) for mask in (UNDER_VOLTAGE, slow, HOT)), *(bool(before & mask) for mask in (UNDER_VOLTAGE, slow, HOT))
    )


def _bits(sys: Path) -> int | None:
    for file in sorted(sys.glob("devices/platform/*/*firmware/get_throttled")):
        try:
            return int(file.read_text().strip(), 16)
        except (OSError, ValueError):
            continue
    found = re.search(r"throttled=(0x[0-9a-fA-F]+)", _said("get_throttled"))
    return int(found[1], 16) if found else None


def voltages(sys: Path = SYS) -> dict[str, float]:
    """Supplies that can be measured, volts by name: `EXT5V` of a Pi 5, chips of the INA family by their name. Often none."""
    found: dict[str, float] = {}
    for name in sorted(sys.glob("class/hwmon/*/name")):
        try:
            chip = name.read_text().strip()
            if chip.startswith("ina"):
                found[chip] = int((name.parent / "in1_input").read_text()) / 1000
        except (OSError, ValueError):
            continue
    measured = re.search(r"EXT5V_V\s+volt\(\d+\)=([0-9.]+)V", _said("pmic_read_adc", "EXT5V_V"))
    return found | ({"EXT5V": float(measured[1])} if measured else {})


def _said(*words: str) -> str:
    """What vcgencmd prints; nothing where it is not there, may not ask, or is stuck."""
    path = shutil.which("vcgencmd")
    if path is None:
        return ""
    try:
        done = subprocess.run([path, *words], capture_output=True, text=True, errors="replace", check=False, timeout=ASKED_S_MAX)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""

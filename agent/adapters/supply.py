"""The board's supply: the kernel's files go in, and for a person who looks vcgencmd; its alarm, the firmware's bits and volts come out.

Sources: the board's watch over its 5 V (Documentation/hwmon/raspberrypi-hwmon.rst: its alarm speaks of the last two seconds); measuring
chips of TI's INA family (Documentation/hwmon/ina2xx.rst, ina238.rst: `in1_input` is the bus voltage in mV); the firmware's word of
`get_throttled` (raspberrypi.com, "vcgencmd") in the kernel's file of that name. Only by `vcgencmd`: that word where the kernel has no such
file, and the 5 V input of a Raspberry Pi 5 (`pmic_read_adc EXT5V_V`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.adapters.command import said
from agent.adapters.kernel_file import SYS, number, text
from agent.core.events import CAPPED, SINCE_ON, SOFT_LIMIT, THROTTLED, UNDER_VOLTAGE

WATCH = "rpi_volt"
FAMILY = "ina"
GAUGES = ("ina209", "ina219", "ina220", "ina226", "ina230", "ina231", "ina233", "ina237", "ina238", "ina260")
"""Of the family those of one channel, which an installer may put on the supply. A board tells nothing of its own 5 V in sysfs but the
alarm."""

ASKED_S_MAX = 1.0
"""vcgencmd asks the firmware by a mailbox: some milliseconds."""


class Throttled(NamedTuple):
    """What the firmware does because of its supply and its heat, now and at any time since power-on."""

    under_voltage: bool
    throttled: bool
    hot: bool
    under_voltage_was: bool
    throttled_was: bool
    hot_was: bool


def low(sys: Path = SYS) -> bool | None:
    """Whether the board calls its supply too low; None where nothing watches it, or it cannot be read."""
    alarms = (number(chip / "in0_lcrit_alarm") for name, chip in _chips(sys) if name == WATCH)
    return next((bool(alarm) for alarm in alarms if alarm is not None), None)


def volts(sys: Path = SYS) -> float | None:
    """Volts on the supply; None where there is no gauge, or it cannot be read. Of several the first."""
    return next((measured for name, measured in _measured(sys) if name in GAUGES), None)


def bits(sys: Path = SYS) -> int | None:
    """The bits of `agent.core.machine`; None where the kernel does not tell the firmware's word."""
    words = (number(file, 16) for file in sorted(sys.glob("devices/platform/*/*firmware/get_throttled")))
    return next((max(0, word) for word in words if word is not None), None)


def _measured(sys: Path) -> Iterator[tuple[str, float]]:
    """Name of the chip, volts."""
    for name, chip in _chips(sys):
        if name.startswith(FAMILY) and (millivolts := number(chip / "in1_input")) is not None:
            yield name, millivolts / 1000


def _chips(sys: Path) -> Iterator[tuple[str, Path]]:
    """What measures, by its name."""
    return ((text(file), file.parent) for file in sorted(sys.glob("class/hwmon/*/name")))


# --- for `outpost doctor` and `outpost commission` ----------------------------------------------------------------------------------------


def throttled(sys: Path = SYS) -> Throttled | None:
    """The firmware's bits by their names; None on a board that has none, or when we may not ask."""
    word = bits(sys)
    if word is None:
        found = re.search(rb"throttled=(0x[0-9a-fA-F]+)", said("vcgencmd", "get_throttled", within_s=ASKED_S_MAX))
        if found is None:
            return None
        word = int(found[1], 16)
    masks = (UNDER_VOLTAGE, CAPPED | THROTTLED, SOFT_LIMIT)
    return Throttled(*(bool(then & mask) for then in (word, word >> SINCE_ON) for mask in masks))


def voltages(sys: Path = SYS) -> dict[str, float]:
    """Supplies that can be measured, volts by name: `EXT5V` of a Pi 5, chips of the INA family by their name. Often none."""
    found: dict[str, float] = {}
    for name, measured in _measured(sys):
        found.setdefault(name, measured)
    ext5v = re.search(rb"EXT5V_V\s+volt\(\d+\)=([0-9.]+)V", said("vcgencmd", "pmic_read_adc", "EXT5V_V", within_s=ASKED_S_MAX))
    return found | ({"EXT5V": float(ext5v[1])} if ext5v else {})

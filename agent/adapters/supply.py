"""The board's supply: the kernel's files go in, and for a person who looks vcgencmd; its alarm, the firmware's bits and volts come out.

Sources: the board's watch over its 5 V (Documentation/hwmon/raspberrypi-hwmon.rst; drivers/hwmon/raspberrypi-hwmon.c: each two seconds
it asks the firmware whether the voltage was too low since it last asked, and makes the firmware forget it); measuring chips of TI's INA
family (Documentation/hwmon/ina2xx.rst, ina238.rst: `in1_input` is the bus voltage in mV); the firmware's word of `get_throttled`
(raspberrypi.com, "vcgencmd"). The kernel's file of that name repeats what that driver last heard, so what it calls "since power-on" is two
seconds long, and to open it prints a warning with a stack (drivers/firmware/raspberrypi.c): it is read only where there is no such watch.
Only by `vcgencmd`: the whole word with its history, and the 5 V input of a Raspberry Pi 5 (`pmic_read_adc EXT5V_V`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.adapters.command import said
from agent.adapters.kernel_file import SYS, number, text
from agent.core.events import CAPPED, SINCE, SOFT_LIMIT, THROTTLED, UNDER_VOLTAGE

WATCH = "rpi_volt"
FAMILY = "ina"
GAUGES = ("ina209", "ina219", "ina220", "ina226", "ina230", "ina231", "ina233", "ina237", "ina238", "ina260")
"""Of the family those of one channel, which an installer may put on the supply. A board tells nothing of its own 5 V in sysfs but the
alarm."""

ASKED_S_MAX = 1.0
"""vcgencmd asks the firmware by a mailbox: some milliseconds."""


ALL = UNDER_VOLTAGE | CAPPED | THROTTLED | SOFT_LIMIT


class Throttled(NamedTuple):
    """What the firmware does because of its supply and its heat: the bits now, and at any time since power-on.

    `whole`: else nothing is known but whether the voltage is too low now. That something was so is to be believed, that it was not is not:
    who else asks the firmware may make it forget.
    """

    now: int
    was: int
    whole: bool = True

    @property
    def under_voltage(self) -> bool:
        """The supply is too low now."""
        return bool(self.now & UNDER_VOLTAGE)

    @property
    def under_voltage_was(self) -> bool:
        """It was."""
        return bool(self.was & UNDER_VOLTAGE)


class Watch:
    """The board's word over time: none of what it says in between is lost, though it is told only now and then."""

    def __init__(self, sys: Path = SYS) -> None:
        self._sys = sys
        self._turn: int | None = None
        self._since = 0

    def look(self) -> None:
        """Once at least in the two seconds for which the board's alarm stands."""
        if (seen := bits(self._sys)) is not None:
            self._turn = (self._turn or 0) | (seen & ALL)
            self._since |= (seen | seen >> SINCE) & ALL

    def told(self) -> int | None:
        """The bits of `agent.core.machine`: since it was last told, and, SINCE bits further on, since the first look; None: not known."""
        turn, self._turn = self._turn, None
        return None if turn is None else turn | self._since << SINCE


def low(sys: Path = SYS) -> bool | None:
    """Whether the board calls its supply too low; None where nothing watches it, or it cannot be read."""
    alarms = (number(chip / "in0_lcrit_alarm") for name, chip in _chips(sys) if name == WATCH)
    return next((bool(alarm) for alarm in alarms if alarm is not None), None)


def volts(sys: Path = SYS) -> float | None:
    """Volts on the supply; None where there is no gauge, or it cannot be read. Of several the first."""
    return next((measured for name, measured in _measured(sys) if name in GAUGES), None)


def bits(sys: Path = SYS) -> int | None:
    """The bits of `agent.core.machine`; None where the kernel tells nothing. Where it has a watch, that of under-voltage alone."""
    if (alarm := low(sys)) is not None:
        return UNDER_VOLTAGE if alarm else 0
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
    """The firmware's bits by their names: by itself, with its history; where we may not ask it what the kernel knows; else None."""
    alarm = low(sys)
    found = re.search(rb"throttled=(0x[0-9a-fA-F]+)", said("vcgencmd", "get_throttled", within_s=ASKED_S_MAX))
    word = int(found[1], 16) if found else bits(sys)
    if word is None:
        return None
    now = word & ALL | (UNDER_VOLTAGE if alarm else 0)
    return Throttled(now, word >> SINCE & ALL, whole=bool(found) or alarm is None)


def voltages(sys: Path = SYS) -> dict[str, float]:
    """Supplies that can be measured, volts by name: `EXT5V` of a Pi 5, chips of the INA family by their name. Often none."""
    found: dict[str, float] = {}
    for name, measured in _measured(sys):
        found.setdefault(name, measured)
    ext5v = re.search(rb"EXT5V_V\s+volt\(\d+\)=([0-9.]+)V", said("vcgencmd", "pmic_read_adc", "EXT5V_V", within_s=ASKED_S_MAX))
    return found | ({"EXT5V": float(ext5v[1])} if ext5v else {})

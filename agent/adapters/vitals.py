"""The machine: every ten seconds out go `Vitals` (memory, temperature, supply, room for the store) and `ClockRead` (the system clock).

At the start and each hour also `MachineSeen`: what it is, and how worn (`inventory.py`).
"""

import itertools
import os
import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from agent.adapters.inventory import device_of, gave_up, machine_seen
from agent.adapters.kernel_clock import kernel_clock
from agent.core import events

TURN_S = 10.0
"""Memory and heat move slowly; a clock that NTP has just set is believed at most this much later."""

CLOSE_S_MAX = 2.0
"""How long `close` waits for the thread; statvfs may hang on a card that dies, and then the process leaves without it."""

THERMAL = Path("/sys/class/thermal")
"""See Documentation/driver-api/thermal/sysfs-api.rst of the kernel: `thermal_zone*/temp` in thousandths of a degree Celsius."""

INVENTORY_TURNS = 360
"""Wear is seen from month to month; each hour is plenty."""

HWMON = Path("/sys/class/hwmon")
SUPPLY = "rpi_volt"
"""The board's watch over its 5 V (Documentation/hwmon/raspberrypi-hwmon.rst): its alarm speaks of the last two seconds."""

GAUGES = ("ina209", "ina219", "ina220", "ina226", "ina230", "ina231", "ina233", "ina237", "ina238", "ina260")
"""Sensors of voltage and current that an installer may put on the supply (Documentation/hwmon/ina2xx.rst, ina238.rst): in1_input is its
voltage in mV. A board tells nothing of its own 5 V in sysfs but the alarm above."""

FIRMWARE = Path("/sys/devices/platform")
FIRMWARE_WORD = "soc*/soc*:firmware/get_throttled"
"""Where Raspberry Pi's kernel has the word of its firmware, in hexadecimal; elsewhere it is not told."""

ABSOLUTE_ZERO_C = -273.15
"""The kernel's THERMAL_TEMP_INVALID is below it."""


class Vitals:
    """Asks the kernel how the machine is; what it does not tell is None."""

    def __init__(
        self,
        store_path: str,
        post: Callable[[events.Event], None],
        now: Callable[[], float],
        utc_ms: Callable[[], int],
        thermal: Path = THERMAL,
        hwmon: Path = HWMON,
        firmware: Path = FIRMWARE,
    ) -> None:
        """`now` gives monotonic seconds, `utc_ms` the system clock, `post` never blocks. `store_path` need not exist yet."""
        self._store = Path(store_path)
        self._post = post
        self._now = now
        self._utc_ms = utc_ms
        self._thermal = thermal
        self._hwmon = hwmon
        self._firmware = firmware
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vitals", daemon=True)

    def start(self) -> None:
        """Begin to post; the first two events come at once."""
        self._thread.start()

    def close(self) -> None:
        """Stop posting."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)

    def _run(self) -> None:
        for turn in itertools.count():
            synchronized, err_ms = kernel_clock()
            self._post(events.ClockRead(self._now(), self._utc_ms(), synchronized, err_ms))
            self._post(self._vitals())
            if turn % INVENTORY_TURNS == 0:
                self._post(machine_seen(self._now(), self._store))
            if self._stopped.wait(TURN_S):
                break

    def _vitals(self) -> events.Vitals:
        hottest, bits, low = hottest_c(self._thermal), throttled(self._firmware), supply_low(self._hwmon)
        room, readonly = room_for(self._store)
        if low is None and bits is not None:
            low = bool(bits & events.UNDER_VOLTAGE)  # the same watch, told in another place
        return events.Vitals(self._now(), resident_bytes(), hottest, room, low, bits, supply_v(self._hwmon), readonly)


def resident_bytes() -> int:
    """Resident memory of this process, from /proc/self/statm (proc(5): the second field, in pages); elsewhere than on Linux its peak."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def hottest_c(thermal: Path = THERMAL) -> float | None:
    """The hottest of the thermal zones, degrees Celsius; None when there is none that can be read."""
    found: list[float] = []
    for file in sorted(thermal.glob("*/temp")):
        try:
            degrees = int(file.read_text()) / 1000
        except (OSError, ValueError):
            continue  # a sensor that is off answers EINVAL or ENODATA, and the others still count
        if degrees > ABSOLUTE_ZERO_C:
            found.append(degrees)
    return max(found, default=None)


def supply_low(hwmon: Path = HWMON) -> bool | None:
    """Whether the board calls its supply too low; None where nothing watches it, or it cannot be read."""
    for name in sorted(hwmon.glob("*/name")):
        try:
            if name.read_text().strip() == SUPPLY:
                return bool(int((name.parent / "in0_lcrit_alarm").read_text()))
        except (OSError, ValueError):
            continue
    return None


def supply_v(hwmon: Path = HWMON) -> float | None:
    """Volts on the supply; None where there is no gauge, or it cannot be read. Of several the first."""
    for name in sorted(hwmon.glob("*/name")):
        try:
            if name.read_text().strip() in GAUGES:
                return int((name.parent / "in1_input").read_text()) / 1000
        except (OSError, ValueError):
            continue
    return None


def throttled(firmware: Path = FIRMWARE) -> int | None:
    """The bits of `agent.core.machine`; None where the firmware's word is not told."""
    for file in sorted(firmware.glob(FIRMWARE_WORD)):
        try:
            return max(0, int(file.read_text().strip(), 16))
        except (OSError, ValueError):
            continue
    return None


def room_for(path: Path) -> tuple[int | None, bool | None]:
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
        return room.f_bavail * room.f_frsize, bool(room.f_flag & os.ST_RDONLY) or gave_up(device_of(place))
    return None, None


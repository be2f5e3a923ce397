"""The machine: every ten seconds out go `Vitals` (memory, temperature, supply, room for the store) and `ClockRead` (the system clock)."""

import os
import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from agent.adapters.kernel_clock import kernel_clock
from agent.core import events

TURN_S = 10.0
"""Memory and heat move slowly; a clock that NTP has just set is believed at most this much later."""

CLOSE_S_MAX = 2.0
"""How long `close` waits for the thread; statvfs may hang on a card that dies, and then the process leaves without it."""

THERMAL = Path("/sys/class/thermal")
"""See Documentation/driver-api/thermal/sysfs-api.rst of the kernel: `thermal_zone*/temp` in thousandths of a degree Celsius."""

HWMON = Path("/sys/class/hwmon")
SUPPLY = "rpi_volt"
"""The board's watch over its 5 V (Documentation/hwmon/raspberrypi-hwmon.rst): its alarm speaks of the last two seconds."""

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
    ) -> None:
        """`now` gives monotonic seconds, `utc_ms` the system clock, `post` never blocks. `store_path` need not exist yet."""
        self._store = Path(store_path)
        self._post = post
        self._now = now
        self._utc_ms = utc_ms
        self._thermal = thermal
        self._hwmon = hwmon
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
        while not self._stopped.is_set():
            synchronized, err_ms = kernel_clock()
            self._post(events.ClockRead(self._now(), self._utc_ms(), synchronized, err_ms))
            hottest, room, low = hottest_c(self._thermal), free_bytes(self._store), supply_low(self._hwmon)
            self._post(events.Vitals(self._now(), resident_bytes(), hottest, room, low))
            self._stopped.wait(TURN_S)


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


def free_bytes(path: Path) -> int | None:
    """Room for us where `path` lies, or will lie: at its nearest parent that exists. None when the file system does not say."""
    for place in (path, *path.absolute().parents):
        try:
            room = os.statvfs(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
        return room.f_bavail * room.f_frsize
    return None

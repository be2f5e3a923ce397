"""The machine: every ten seconds out go `Vitals` (memory, temperature, supply, room for the store) and `ClockRead` (the system clock).

The supply is looked at each second, and what it was in between is told with the next `Vitals`.

At the start and each hour also `MachineSeen`: what it is, and how worn (`inventory.py`).
"""

import itertools
import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from agent.adapters import supply
from agent.adapters.disk import room_for
from agent.adapters.inventory import machine_seen
from agent.adapters.kernel_clock import kernel_clock
from agent.adapters.kernel_file import SYS, number
from agent.core import events

LOOK_S = 1.0
"""The board's alarm stands for two seconds, and its clock is not in step with ours: looked at twice in that, none is missed."""

LOOKS = 10
TURN_S = LOOKS * LOOK_S
"""Memory and heat move slowly; a clock that NTP has just set is believed at most this much later."""

CLOSE_S_MAX = 2.0
"""How long `close` waits for the thread; statvfs may hang on a card that dies, and then the process leaves without it."""

INVENTORY_TURNS = 360
"""Wear is seen from month to month; each hour is plenty."""

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
        sysfs: Path = SYS,
        look_s: float = LOOK_S,
    ) -> None:
        """`now` gives monotonic seconds, `utc_ms` the system clock, `post` never blocks. `store_path` need not exist yet."""
        self._look_s = look_s
        self._store = Path(store_path)
        self._post = post
        self._now = now
        self._utc_ms = utc_ms
        self._sysfs = sysfs
        self._watch = supply.Watch(sysfs)
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
            if self._over():
                break

    def _over(self) -> bool:
        """Wait for the next turn, an eye on the supply; whether there is to be none."""
        for _ in range(LOOKS):
            if self._stopped.wait(self._look_s):
                return True
            self._watch.look()
        return False

    def _vitals(self) -> events.Vitals:
        self._watch.look()
        bits = self._watch.told()
        low = None if bits is None else bool(bits & events.UNDER_VOLTAGE)
        room, readonly = room_for(self._store)
        return events.Vitals(self._now(), resident_bytes(), hottest_c(self._sysfs), room, low, bits, supply.volts(self._sysfs), readonly)


def resident_bytes() -> int:
    """Resident memory of this process, from /proc/self/statm (proc(5): the second field, in pages); elsewhere than on Linux its peak."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def hottest_c(sysfs: Path = SYS) -> float | None:
    """The hottest of the thermal zones, degrees Celsius; None when there is none that can be read.

    See Documentation/driver-api/thermal/sysfs-api.rst of the kernel: `thermal_zone*/temp` in thousandths of a degree. A sensor that is off
    answers EINVAL or ENODATA, and the others still count.
    """
    told = (number(file) for file in sorted(sysfs.glob("class/thermal/*/temp")))
    return max((degrees for each in told if each is not None and (degrees := each / 1000) > ABSOLUTE_ZERO_C), default=None)

"""What the machine below us says of itself: events from outside, posted by `agent/adapters/vitals.py` and `modem.py`."""

from agent.core.event import Event


class ClockRead(Event):
    """What the system clock says: `utc_ms` is to be believed only when the kernel calls it `synchronized` (adjtimex, NTP)."""

    utc_ms: int
    synchronized: bool
    err_ms: int


class Vitals(Event):
    """How the machine is: memory of the agent, the hottest sensor, room for the store, and whether the board calls its supply too low.

    `supply_low`: at any time since the Vitals before. `throttled`: bits of the firmware (see UNDER_VOLTAGE). `supply_v`: of a sensor on the
    supply. `store_readonly`: the file system below the store takes no writes.
    """

    rss_bytes: int
    temp_c: float | None = None
    store_free_bytes: int | None = None
    supply_low: bool | None = None
    throttled: int | None = None
    supply_v: float | None = None
    store_readonly: bool | None = None


UNDER_VOLTAGE, CAPPED, THROTTLED, SOFT_LIMIT = 0x1, 0x2, 0x4, 0x8
"""Of `throttled`: what the firmware did at any time since the Vitals before, by the bits of `vcgencmd get_throttled`. Where the kernel
has a watch over the supply it tells UNDER_VOLTAGE alone, and what the others are is not known."""

SINCE = 16
"""So many bits further on the same: so it was at any time since the agent's start, by the agent's own count. The firmware's own is of no
use here: the kernel has it forgotten each two seconds."""


class MachineSeen(Event):
    """What the machine is and how worn; said at the start and each hour. What cannot be told is empty or None.

    `board`: its model; `python`, `os`, `kernel`: what runs on it. `disk`: what the store lies on; `disk_used_life`: the upper bound of the
    share of its life that is gone, as an eMMC tells it (0.1 to 1.0; 1.1 is beyond); `disk_written_bytes`: into its file system since that
    was made, `disk_errors`: found in it since fsck last had it, as ext4 counts. `board_identity`: model and serial number, that it is this
    one: for `commissioned.py` alone.
    """

    python: str
    os: str = ""
    kernel: str = ""
    board: str = ""
    disk: str = ""
    disk_used_life: float | None = None
    disk_written_bytes: int | None = None
    disk_errors: int | None = None
    board_identity: str = ""


class ModemSeen(Event):
    """What ModemManager says of the modem, each minute; all empty when there is none. `signal`: 0 to 1. `access`: `lte`, `5gnr`, …

    `sim`: its SIM's ICCID: for `commissioned.py` alone.
    """

    signal: float | None = None
    access: str = ""
    operator: str = ""
    model: str = ""
    sim: str = ""

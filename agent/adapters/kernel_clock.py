"""What the kernel thinks of the system clock: nothing goes in, whether it is synchronized and the bound of its error come out.

By adjtimex(2). The service's filter of system calls refuses it, since systemd's filters cannot tell a read from a setting. So there a
process of its own (`outpost-clock.service`: this file as a program) asks, and writes what it hears into a file in memory.
"""

import ctypes
import json
import threading
from collections.abc import Callable
from pathlib import Path

from agent import clock

TIME_ERROR = 5
STA_UNSYNC = 0x40
"""From <sys/timex.h>; see adjtimex(2)."""

STATE = Path("/run/outpost-clock/state")
"""One object of JSON: {"at": monotonic seconds, "synchronized": true, "err_ms": 12}."""

TELL_S = 10.0
STALE_S = 35.0
"""A file that is older was not renewed three times: who wrote it is gone."""


class _Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)): the same in 32-bit and 64-bit C libraries, as all before `time` are int or long."""

    _fields_ = (
        ("modes", ctypes.c_int),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        # What follows is written by the kernel (208 bytes in all on 64-bit machines) and not read by us.
        ("rest", ctypes.c_byte * 512),
    )


def kernel_clock(state: Path = STATE, ask: Callable[[], tuple[bool, int] | None] | None = None) -> tuple[bool, int]:
    """Does the kernel call the system clock synchronized, and the bound of its error in ms; from the file where it may not be asked.

    `ask`: how the kernel is asked; else as `asked` does. (False, 0) when neither tells: it then means nothing.

    The kernel lets the bound grow by 0.5 ms a second after NTP last spoke, and withdraws the word `synchronized` at 16 s. When it
    speaks, systemd-timesyncd sets the bound to 0, which leaves out the way to its server: 0 is not the whole truth.
    """
    return (ask or asked)() or _told(state) or (False, 0)


def asked() -> tuple[bool, int] | None:
    """By adjtimex(2) with modes 0: a mere read, allowed to everybody. None when the kernel cannot be asked."""
    timex = _Timex(modes=0)
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):
        return None  # not Linux
    if state < 0:
        return None  # a filter of system calls forbids it
    return state != TIME_ERROR and not timex.status & STA_UNSYNC, -(-int(timex.maxerror) // 1000)


def _told(state: Path) -> tuple[bool, int] | None:
    """What the file says, if it is fresh."""
    try:
        said = json.loads(state.read_text("ascii"))
        fresh = 0 <= clock.monotonic() - said["at"] < STALE_S
        return (said["synchronized"] is True, int(said["err_ms"])) if fresh else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def tell(state: Path = STATE) -> None:
    """Write down what the kernel says now; a reader finds the old file or the new one. Nothing when it says nothing.

    Raises:
        OSError: it cannot be written.
    """
    if heard := asked():
        new = state.with_name(f"{state.name}.new")
        new.write_text(json.dumps({"at": clock.monotonic(), "synchronized": heard[0], "err_ms": heard[1]}), "ascii")
        new.replace(state)


if __name__ == "__main__":
    while True:
        tell()
        threading.Event().wait(TELL_S)

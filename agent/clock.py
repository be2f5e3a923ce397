"""The real clocks, read nowhere else in the agent: nothing goes in, monotonic seconds or the system's UTC milliseconds come out."""

import time


def monotonic() -> float:
    """Seconds of CLOCK_MONOTONIC, since an arbitrary moment of this boot; never steps back.

    Not CLOCK_BOOTTIME, which also counts while the machine is suspended: a unit never suspends, select and `Event.wait` count by
    CLOCK_MONOTONIC (two clocks for one deadline would part), and gpiozero's back-ends and the kernel's GPIO edges are stamped with it.
    """
    return time.monotonic()


def utc_ms() -> int:
    """Milliseconds since 1970 UTC as the system clock has them. It steps, and may be wrong by years: only core/timebase may believe it."""
    return time.time_ns() // 1_000_000

"""The machine below the agent: supply, heat, disk and their limits; the kernel's files go in, checks come out."""

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from agent.adapters import disk, inventory, supply, vitals
from agent.cli.doctor_check import Check, Result
from agent.cli.why_words import Words, size
from agent.config import Store

READINGS = 5
READ_EVERY_S = 0.2
"""One second of the supply; how low it falls in cranking is for `outpost commission`."""

EXT5V_LOW_V, EXT5V_TOO_LOW_V = 4.85, 4.65
"""Raspberry Pi's own warning comes at 4.63 V; USB's lower end at a device is 4.75 V."""

HOT_C, TOO_HOT_C = 70.0, 80.0
"""Raspberry Pi boards begin to slow down at 80 °C."""

FREE_BYTES_LOW, FREE_BYTES_TOO_LOW = 500_000_000, 50_000_000

DISK_S_MAX = 5.0
"""A card that answers takes milliseconds."""

DAY_S = 86_400.0
RATE_S_MIN = 3600.0
"""The first hour of a machine writes more than the others."""

YEARS_FEW, YEARS_TOO_FEW = 5.0, 1.0
LIFE_TENTHS_LOW, LIFE_TENTHS_OVER = 9, 11


def power(words: Words, sys: Path = Path("/sys")) -> list[Check]:
    """Supply and heat."""
    bits = supply.throttled(sys)
    return [_supply(bits, words), *_voltages(words, sys), _heat(bits, words, sys)]


def _supply(bits: supply.Throttled | None, words: Words) -> Check:
    if bits is None:
        return Check("skip", "power.supply", words("supply.unknown"))
    if bits.under_voltage:
        return Check("fail", "power.supply", words("supply.low"), words("supply.do"))
    if bits.under_voltage_was:
        return Check("warn", "power.supply", words("supply.was"), words("supply.do"))
    return Check("pass", "power.supply", words("supply.well"))


def _voltages(words: Words, sys: Path) -> list[Check]:
    lowest: dict[str, float] = {}
    for _ in range(READINGS):
        now = supply.voltages(sys)
        if not now:
            break
        lowest |= {name: min(volts, lowest.get(name, volts)) for name, volts in now.items()}
        threading.Event().wait(READ_EVERY_S)
    if not lowest:
        return [Check("skip", "power.voltage", words("volts.unknown"))]
    return [voltage(name, volts, READINGS, words) for name, volts in lowest.items()]


def voltage(name: str, volts: float, count: int, words: Words) -> Check:
    """The lowest of so many readings; of a battery, whose rating is not known here, only told."""
    limits = name == "EXT5V"
    result: Result = "fail" if limits and volts < EXT5V_TOO_LOW_V else "warn" if limits and volts < EXT5V_LOW_V else "pass"
    what = words("volts", name=name, volts=f"{volts:.2f}", count=count)
    return Check(result, "power.voltage", what, "" if result == "pass" else words("supply.do"))


def _heat(bits: supply.Throttled | None, words: Words, sys: Path) -> Check:
    hottest = vitals.hottest_c(sys)
    if hottest is None:
        return Check("skip", "power.heat", words("heat.unknown"))
    degrees = f"{hottest:.0f}"
    if hottest >= TOO_HOT_C or (bits and (bits.throttled or bits.hot)):
        key = "heat.throttled" if bits and (bits.throttled or bits.hot) else "heat.hot"
        return Check("fail", "power.heat", words(key, degrees=degrees), words("heat.do"))
    if hottest >= HOT_C or (bits and (bits.throttled_was or bits.hot_was)):
        key = "heat.hot" if hottest >= HOT_C else "heat.was"
        return Check("warn", "power.heat", words(key, degrees=degrees), words("heat.do"))
    return Check("pass", "power.heat", words("heat.well" if bits else "heat.hot", degrees=degrees))


# --- the disk ---------------------------------------------------------------------------------------------------------------------------


def storage(store: Store | None, words: Words, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> list[Check]:
    """How the store's disk is mounted, its room, and how long it lasts at the present pace. A dead card holds its caller for ever."""
    if store is None:
        return [Check("skip", "disk", words("no_config"))]
    silent = [Check("fail", "disk", words("disk.silent", path=store.path), words("mount.readonly.do"))]
    return within(DISK_S_MAX, lambda: _storage(store, words, proc, sys), silent)


def within(seconds: float, look: Callable[[], list[Check]], late: list[Check]) -> list[Check]:
    """What `look` finds, or `late` when it has not come back in time; it is then left behind in its thread."""
    found: queue.SimpleQueue[list[Check]] = queue.SimpleQueue()
    threading.Thread(target=lambda: found.put(look()), name="disk-look", daemon=True).start()
    try:
        return found.get(timeout=seconds)
    except queue.Empty:
        return late


def _storage(store: Store, words: Words, proc: Path, sys: Path) -> list[Check]:
    path = Path(store.path)
    mounted = disk.mount(path, proc)
    if mounted is None:
        return [Check("skip", "disk.mount", words("mount.unknown", path=path)), _free(path, words)]
    return [_mount(path, mounted, words), _free(path, words), _wear(store, disk.below(mounted, sys), disk.uptime_s(proc), words)]


def _mount(path: Path, mounted: disk.Mount, words: Words) -> Check:
    if mounted.kind in disk.IN_MEMORY:
        return Check("fail", "disk.mount", words("mount.memory", path=path, kind=mounted.kind), words("mount.memory.do"))
    if mounted.read_only:
        return Check("fail", "disk.mount", words("mount.readonly", path=path), words("mount.readonly.do"))
    if not {"noatime", "relatime", "lazytime"} & set(mounted.options):
        return Check("warn", "disk.mount", words("mount.atime", path=path), words("mount.atime.do"))
    told = ",".join(option for option in mounted.options if option in ("rw", "noatime", "relatime") or option.startswith("commit="))
    return Check("pass", "disk.mount", words("mount.well", path=path, source=mounted.source, kind=mounted.kind, options=told))


def _free(path: Path, words: Words) -> Check:
    free, _ = disk.room_for(path)
    if free is None:
        return Check("skip", "disk.free", words("free.unknown", path=path))
    result: Result = "fail" if free < FREE_BYTES_TOO_LOW else "warn" if free < FREE_BYTES_LOW else "pass"
    return Check(result, "disk.free", words("free", size=size(free), path=path), "" if result == "pass" else words("free.do"))


def _wear(store: Store, worn: disk.Disk, up_s: float | None, words: Words) -> Check:
    """What an eMMC says of itself goes before what can be reckoned."""
    if worn.used_tenths is not None:
        tenths = worn.used_tenths
        result: Result = "fail" if tenths >= LIFE_TENTHS_OVER else "warn" if tenths >= LIFE_TENTHS_LOW else "pass"
        what = words("wear.life", name=worn.whole, percent=tenths * 10)
        return Check(result, "disk.wear", what, "" if result == "pass" else words("wear.do"))
    if worn.written_bytes is None or not up_s:
        return Check("skip", "disk.wear", words("wear.unknown"))
    if up_s < RATE_S_MIN:
        return Check("skip", "disk.wear", words("wear.short", name=worn.whole, size=size(worn.written_bytes), span=words.span(up_s)))
    a_day = worn.written_bytes / up_s * DAY_S
    years = store.endurance_tb * 1e12 / max(a_day, 1.0) / 365
    result = "fail" if years < YEARS_TOO_FEW else "warn" if years < YEARS_FEW else "pass"
    told = f"{years:.1f}" if years < 100 else "100+"
    what = words("wear.rate", name=worn.whole, size=size(a_day), tb=f"{store.endurance_tb:g}", years=told)
    return Check(result, "disk.wear", what, "" if result == "pass" else words("wear.do"))


def board() -> str | None:
    """Model and serial number of the board, where the kernel tells them."""
    return inventory.board().identity or None


def kernel() -> str:
    """Name and version of the running kernel, and of what machine."""
    told = os.uname()
    return f"{told.sysname} {told.release} {told.machine}"

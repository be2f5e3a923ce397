"""The machine below the agent: supply, heat, disk and their limits; the kernel's files go in, checks come out."""

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from agent.adapters import disk, inventory, supply, vitals
from agent.cli.doctor_check import Check, Result, having
from agent.cli.why_findings import number, section, told_faults
from agent.cli.why_words import Words, size
from agent.config import Store
from agent.core.heat import slowed_by_heat
from agent.core.inventory import TB, WORN
from agent.core.machine import SINCE, UNDER_VOLTAGE
from agent.core.wires import BOARD

Seen = TypeVar("Seen")
Late = TypeVar("Late")

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
LIFE_TENTHS_LOW, LIFE_TENTHS_OVER = round(WORN * 10), 11


class Power(NamedTuple):
    """What was read of supply and heat: the firmware's bits, the lowest volts by name, the hottest."""

    bits: supply.Throttled | None
    lowest: dict[str, float]
    hottest_c: float | None


class Storage(NamedTuple):
    """What was read of the store's disk: its mount, its free bytes, its wear and since when; None where it cannot be known."""

    mounted: disk.Mount | None
    free: int | None
    worn: disk.Disk | None
    up_s: float | None


def power(words: Words, sys: Path = Path("/sys"), body: dict[str, Any] | None = None) -> list[Check]:
    """Supply and heat. `body`: the agent's status."""
    return power_told(power_seen(sys), words, body)


def power_seen(sys: Path = Path("/sys")) -> Power:
    """Look once."""
    return Power(supply.throttled(sys), _lowest(sys), vitals.hottest_c(sys))


def power_told(seen: Power, words: Words, body: dict[str, Any] | None = None) -> list[Check]:
    """Say it, with what the agent has seen of it by its status."""
    faulty = told_faults(body or {})
    heat = _heat(seen.bits, seen.hottest_c, "heat.high" in faulty, words)
    board = BOARD in having(str(faulty.get("power.low", {}).get("detail")))
    return [_supply(seen.bits, section(body or {}, "vitals"), board, words), *_voltages(seen.lowest, words), heat]


def _supply(bits: supply.Throttled | None, vitals: dict[str, Any], faulty: bool, words: Words) -> Check:
    """That nothing says so is no proof that it was never low: the kernel makes the firmware forget, and the agent was not always there."""
    counted = number(vitals.get("throttled"))
    told, do = f"power.low:{BOARD}", words("supply.do")
    if bits is not None and bits.under_voltage:
        return Check("fail", "power.supply", words("supply.low"), do, (told,))
    if faulty or vitals.get("supply_low") is True:
        return Check("fail", "power.supply", words("supply.low_just"), do, (told,))
    if bits is not None and bits.under_voltage_was:
        return Check("warn", "power.supply", words("supply.was"), do)
    if counted is not None and int(counted) >> SINCE & UNDER_VOLTAGE:
        return Check("warn", "power.supply", words("supply.was_seen"), do)
    if bits is None:
        return Check("skip", "power.supply", words("supply.unknown"))
    return Check("pass", "power.supply", words("supply.well" if counted is None else "supply.well_seen"))


def _lowest(sys: Path) -> dict[str, float]:
    lowest: dict[str, float] = {}
    for _ in range(READINGS):
        now = supply.voltages(sys)
        if not now:
            break
        lowest |= {name: min(volts, lowest.get(name, volts)) for name, volts in now.items()}
        threading.Event().wait(READ_EVERY_S)
    return lowest


def _voltages(lowest: dict[str, float], words: Words) -> list[Check]:
    if not lowest:
        return [Check("skip", "power.voltage", words("volts.unknown"))]
    return [voltage(name, volts, READINGS, words) for name, volts in lowest.items()]


def voltage(name: str, volts: float, count: int, words: Words) -> Check:
    """The lowest of so many readings; of a battery, whose rating is not known here, only told."""
    limits = name == "EXT5V"
    result: Result = "fail" if limits and volts < EXT5V_TOO_LOW_V else "warn" if limits and volts < EXT5V_LOW_V else "pass"
    what = words("volts", name=name, volts=f"{volts:.2f}", count=count)
    return Check(result, "power.voltage", what, "" if result == "pass" else words("supply.do"))


def _heat(bits: supply.Throttled | None, hottest: float | None, faulty: bool, words: Words) -> Check:
    if hottest is None:
        return Check("skip", "power.heat", words("heat.unknown"))
    degrees, do = f"{hottest:.0f}", words("heat.do")
    slowed = bits is not None and slowed_by_heat(bits.now, hottest)
    if faulty or hottest >= TOO_HOT_C or slowed:
        return Check("fail", "power.heat", words("heat.throttled" if slowed else "heat.hot", degrees=degrees), do, ("heat.high",))
    if hottest >= HOT_C or (bits is not None and slowed_by_heat(bits.was, None)):
        return Check("warn", "power.heat", words("heat.hot" if hottest >= HOT_C else "heat.was", degrees=degrees), do)
    return Check("pass", "power.heat", words("heat.well" if bits is not None and bits.whole else "heat.hot", degrees=degrees))


# --- the disk ---------------------------------------------------------------------------------------------------------------------------


def storage(store: Store | None, words: Words, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> list[Check]:
    """How the store's disk is mounted, its room, and how long it lasts at the present pace."""
    return storage_told(storage_seen(store, proc, sys), store, words)


def storage_seen(store: Store | None, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Storage | None:
    """Look once; None when the disk does not answer: a dead card holds its caller for ever."""
    return None if store is None else within(DISK_S_MAX, lambda: _storage(Path(store.path), proc, sys), None)


def storage_told(seen: Storage | None, store: Store | None, words: Words) -> list[Check]:
    """Say it."""
    if store is None:
        return [Check("skip", "disk", words("no_config"))]
    path = Path(store.path)
    if seen is None:
        return [Check("fail", "disk", words("disk.silent", path=path), words("mount.readonly.do"))]
    if seen.mounted is None:
        return [Check("skip", "disk.mount", words("mount.unknown", path=path)), _free(path, seen.free, words)]
    worn = [] if seen.worn is None else [_wear(store, seen.worn, seen.up_s, words), *_errors(seen.worn, words)]
    return [_mount(path, seen.mounted, words), _free(path, seen.free, words), *worn]


def within(seconds: float, look: Callable[[], Seen], late: Late) -> Seen | Late:
    """What `look` finds, or `late` when it has not come back in time; it is then left behind in its thread."""
    found: queue.SimpleQueue[Seen] = queue.SimpleQueue()
    threading.Thread(target=lambda: found.put(look()), name="disk-look", daemon=True).start()
    try:
        return found.get(timeout=seconds)
    except queue.Empty:
        return late


def _storage(path: Path, proc: Path, sys: Path) -> Storage:
    mounted, free = disk.mount(path, proc), disk.room_for(path)[0]
    return Storage(mounted, free, None if mounted is None else disk.below(mounted, sys), disk.uptime_s(proc))


def _mount(path: Path, mounted: disk.Mount, words: Words) -> Check:
    if mounted.kind in disk.IN_MEMORY:
        return Check("fail", "disk.mount", words("mount.memory", path=path, kind=mounted.kind), words("mount.memory.do"))
    if mounted.read_only:
        return Check("fail", "disk.mount", words("mount.readonly", path=path), words("mount.readonly.do"))
    if not {"noatime", "relatime", "lazytime"} & set(mounted.options):
        return Check("warn", "disk.mount", words("mount.atime", path=path), words("mount.atime.do"))
    told = ",".join(option for option in mounted.options if option in ("rw", "noatime", "relatime") or option.startswith("commit="))
    return Check("pass", "disk.mount", words("mount.well", path=path, source=mounted.source, kind=mounted.kind, options=told))


def _free(path: Path, free: int | None, words: Words) -> Check:
    if free is None:
        return Check("skip", "disk.free", words("free.unknown", path=path))
    result: Result = "fail" if free < FREE_BYTES_TOO_LOW else "warn" if free < FREE_BYTES_LOW else "pass"
    what, told = words("free", size=size(free), path=path), ("store.full",) if result == "fail" else ()
    return Check(result, "disk.free", what, "" if result == "pass" else words("free.do"), told)


def _wear(store: Store, worn: disk.Disk, up_s: float | None, words: Words) -> Check:
    """What an eMMC says of itself goes before what can be reckoned."""
    if worn.used_tenths is not None:
        tenths = worn.used_tenths
        result: Result = "fail" if tenths >= LIFE_TENTHS_OVER else "warn" if tenths >= LIFE_TENTHS_LOW else "pass"
        what = words("wear.life", name=worn.whole, percent=tenths * 10)
        return Check(result, "disk.wear", what, *(() if result == "pass" else (words("wear.do"), ("store.worn",))))
    if worn.made_bytes is not None and worn.made_bytes >= WORN * store.endurance_tb * TB:
        over = worn.made_bytes >= store.endurance_tb * TB
        what = words("wear.written", name=worn.whole, size=size(worn.made_bytes), tb=f"{store.endurance_tb:g}")
        return Check("fail" if over else "warn", "disk.wear", what, words("wear.do"), ("store.worn",))
    if worn.written_bytes is None or not up_s:
        return Check("skip", "disk.wear", words("wear.unknown"))
    if up_s < RATE_S_MIN:
        return Check("skip", "disk.wear", words("wear.short", name=worn.whole, size=size(worn.written_bytes), span=words.span(up_s)))
    a_day = worn.written_bytes / up_s * DAY_S
    years = store.endurance_tb * TB / max(a_day, 1.0) / 365
    result = "fail" if years < YEARS_TOO_FEW else "warn" if years < YEARS_FEW else "pass"
    told = f"{years:.1f}" if years < 100 else "100+"
    what = words("wear.rate", name=worn.whole, size=size(a_day), tb=f"{store.endurance_tb:g}", years=told)
    return Check(result, "disk.wear", what, "" if result == "pass" else words("wear.do"))


def _errors(worn: disk.Disk, words: Words) -> list[Check]:
    """What the file system has found wrong in itself; most have found nothing, or count nothing."""
    if not worn.errors:
        return []
    what = words("disk.errors", name=worn.name, count=worn.errors)
    return [Check("fail", "disk.errors", what, words("disk.errors.do"), ("store.worn",))]


def board() -> str | None:
    """Model and serial number of the board, where the kernel tells them."""
    return inventory.board().identity or None


def kernel() -> str:
    """Name and version of the running kernel, and of what machine."""
    told = os.uname()
    return f"{told.sysname} {told.release} {told.machine}"

"""Stores of a long drive without a link: how many fixes in, a directory that [store] path may name out; and how much is measured."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from agent import config
from tests.bench.card import Card, NoCard
from tests.bench.driven import drive
from tests.bench.quick_unit import START_S, QuickUnit
from tests.bench.yard import UNIT

WEEK = int(os.environ.get("OUTPOST_BENCH_FIXES", "604800"))
"""Fixes of the week without a link: OUTPOST_BENCH_FIXES. Less is a scaled run, which says so."""

SLOW = int(os.environ.get("OUTPOST_BENCH_SLOW_FIXES", "86400"))
"""Fixes that are drained at 1 Mbit/s: a day's take ten seconds at 12 bytes each."""

FIRST_S = START_S + 1


class Week(NamedTuple):
    """`state`: what [store] path names, to be copied before it is used. `device_bytes`: None where they could not be counted, and why."""

    state: Path
    fixes: int
    file_bytes: int
    device_bytes: int | None
    no_card: str

    def copy(self, to: Path) -> Path:
        """A store of one's own, over whatever was there."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.state, to)
        return to


def unit_config(state: Path) -> config.Config:
    """A vehicle's, with all that concerns the store at its default."""
    return config.Config(
        unit=config.Unit(id=UNIT), mqtt=config.Mqtt(endpoints=("mqtts://127.0.0.1:9",)), store=config.Store(path=str(state))
    )


def size(state: Path) -> int:
    """Bytes of all files below."""
    return sum(file.stat().st_size for file in state.rglob("*") if file.is_file())


def wal(state: Path) -> Path:
    """The file that every commit changes."""
    return state / "spool" / "cache.db-wal"


def scaled() -> str:
    """Said beside every figure of the week."""
    return "a week at 1 Hz" if WEEK == 604_800 else f"SCALED to {WEEK} fixes instead of 604800"


def load() -> str:
    """How busy the machine is: times are to be read with it."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def fill(place: Path) -> Week:
    """A boot that drives for WEEK seconds without a link and ends in order: on a card that counts, where there can be one."""
    state = place / "state"
    began = time.monotonic()
    try:
        with Card() as card:
            on_card = card.path / "state"
            before = card.written()
            stores = _drive(on_card, WEEK, "0" * 16, lambda now: card.age(now, wal(on_card)))
            card.sync()
            found = Week(state, WEEK, 0, card.written() - before, "")
            shutil.copytree(on_card, state)
    except NoCard as e:
        stores = _drive(state, WEEK, "0" * 16)
        found = Week(state, WEEK, 0, None, str(e))
    print(f"\nthe store of {scaled()} was filled in {time.monotonic() - began:.0f} s ({stores} stores asked for); {load()}")
    return found._replace(file_bytes=size(state))


def fill_some(place: Path, seconds: int = SLOW) -> Week:
    """The same of fewer seconds, on whatever disk."""
    state = place / "state"
    _drive(state, seconds, "1" * 16)
    return Week(state, seconds, size(state), None, "not tried")


def _drive(state: Path, seconds: int, boot: str, after: Callable[[float], None] = lambda _: None) -> int:
    """How many rows were asked to be stored."""
    unit = QuickUnit(unit_config(state), boot, online=False, after=after)
    unit.drive_all(drive(seconds, FIRST_S))
    unit.close()
    return unit.stores

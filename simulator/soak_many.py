"""Many worlds side by side in several processes: seeds go in; a line for each world and the sum of all comes out (`outpost-sim soak`)."""

import itertools
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from simulator.promises import Broken
from simulator.world import World
from simulator.world_config import configured

STORY_LINES = 40
"""Of the story of a broken promise."""


class Wanted(NamedTuple):
    """One world to live through."""

    seed: int
    hours: float
    preset: str
    bytes_per_day: int = 0


class Lived(NamedTuple):
    """What came of it. `took_s`: seconds of one core; `broken`: the promise and its story, empty when all were kept."""

    seed: int
    trace: str
    world_s: float
    took_s: float
    promises: int
    counts: dict[str, int]
    broken: str = ""

    @property
    def faults(self) -> int:
        """How many there were."""
        return sum(n for name, n in self.counts.items() if name.startswith("fault "))


def live(wanted: Wanted) -> Lived:
    """One world, in whatever process this is."""
    started = time.process_time()
    world = World(wanted.seed, wanted.hours, wanted.preset, config=configured(wanted.preset, wanted.bytes_per_day))
    broken = ""
    try:
        world.run()
    except Broken as error:
        broken = f"{error.tail(STORY_LINES)}\n\n{error}"
    took_s = time.process_time() - started
    return Lived(wanted.seed, world.trace, world.now, took_s, len(world.judge.promises), dict(world.counts), broken)


def side_by_side(wanted: list[Wanted], jobs: int) -> Iterator[Lived]:
    """All of them in their order, `jobs` at a time."""
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(live, wanted)


def line(lived: Lived) -> str:
    """One world on one line."""
    verdict = "BROKEN" if lived.broken else "kept"
    return f"seed {lived.seed:6}  {lived.world_s / 3600:7.2f} h  {lived.faults:5} faults  {lived.took_s:6.1f} s  {lived.trace}  {verdict}"


def summary(all_lived: list[Lived], hours: float, wall_s: float, jobs: int) -> str:
    """The sum of all; `hours`: of weather in each."""
    counts: Counter[str] = Counter()
    for lived in all_lived:
        counts.update(lived.counts)
    faults = {name.removeprefix("fault "): n for name, n in sorted(counts.items()) if name.startswith("fault ")}
    total_h, core_s = hours * len(all_lived), sum(lived.took_s for lived in all_lived)
    records = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()) if name.startswith("records "))
    fixes = ", ".join(f"{counts[f'fixes {what}']:,} {what}" for what in ("taken", "delivered", "uncommitted"))
    broken = [lived.seed for lived in all_lived if lived.broken]
    verdict = f"BROKEN in {len(broken)} of {len(all_lived)} worlds, seeds {', '.join(map(str, broken))}" if broken else "all kept"
    lines = (
        ("seeds", f"{all_lived[0].seed} to {all_lived[-1].seed}"),
        ("virtual time", f"{total_h:,.0f} hours of weather in {len(all_lived)} worlds, each followed by a calm in which all drains"),
        ("faults", f"{sum(faults.values()):,}: {', '.join(f'{name} {n:,}' for name, n in faults.items()) or 'none'}"),
        ("core", f"{counts['events']:,} events, {counts['effects']:,} effects, {counts['boots']:,} boots"),
        ("fixes", fixes),
        ("records", records.replace("records ", "") or "nothing to tell"),
        ("took", f"{wall_s:.1f} s with {jobs} at a time, {core_s:.0f} s of cores: {core_s / max(total_h, 1e-9):.3f} s an hour"),
    )
    told = "\n".join(f"  {name:13}{text}" for name, text in lines)
    return f"{told}\nPROMISES: {all_lived[0].promises} in each world, {verdict}"


def soak(wanted: list[Wanted], jobs: int) -> int:
    """Live through all and print it; how many worlds broke a promise."""
    started = time.monotonic()
    all_lived = []
    for one, lived in zip(wanted, side_by_side(wanted, jobs), strict=True):
        all_lived.append(lived)
        print(line(lived), flush=True)
        if lived.broken:
            capped = f" --bytes-per-day {one.bytes_per_day}" if one.bytes_per_day else ""
            again = f"outpost-sim soak --seed {one.seed} --hours {one.hours:g} --preset {one.preset}{capped}"
            print(f"\n{lived.broken}\nThe same again: {again}\n", flush=True)
    print(summary(all_lived, wanted[0].hours, time.monotonic() - started, jobs))
    return sum(bool(lived.broken) for lived in all_lived)


def worlds(seed: int, runs: int, hours: float, preset: str, bytes_per_day: int = 0) -> list[Wanted]:
    """So many, with the seeds that follow."""
    return [Wanted(each, hours, preset, bytes_per_day) for each in itertools.islice(itertools.count(seed), runs)]

"""`outpost-sim soak`: a seed, hours and a preset go in; what happened in that world, its trace and the promises' verdict come out.

The same seed and the same code give the same trace; another trace means that the core behaves differently, not that anything is wrong.
"""

import argparse
import contextlib
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

from simulator import gnss_report, soak_many
from simulator.promises import Broken
from simulator.schedule import OPTIONS, PRESETS
from simulator.world import World
from simulator.world_config import configured

KEPT, BROKEN = 0, 1

JOURNAL_LINES = 40
"""Lines of the story that are printed when a promise breaks; `--journal` keeps all of them."""

EPILOG = """\
examples:
  outpost-sim soak --seed 1 --hours 24                    a day in the field
  outpost-sim soak --seed 7 --hours 3 --preset storm      three hours of everything at once
  outpost-sim soak --seed 7 --hours 3 --preset storm --journal story.txt
  outpost-sim soak --seed 1 --hours 24 --preset gnss      every GNSS fault many times, and what was seen of each
  outpost-sim soak --preset wires --runs 10 --hours 10    every wire, contact and lamp in trouble, and presses, many times
  outpost-sim soak --seed 1 --hours 48 --bytes-per-day 3000000      a SIM that has not enough
  outpost-sim soak --seed 1 --runs 30 --hours 3           thirty worlds, one after the other
  outpost-sim soak --preset link --runs 30 --hours 10 --jobs 2      300 hours of link and disk faults, two worlds at a time

A broken promise ends the run with exit code 1, the sentence that does not hold, and the last things that happened."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Make the parser."""
    parser = subparsers.add_parser(
        "soak",
        help="hours of weather in virtual time",
        description="The real core lives through hours of faults in virtual time; every promise is checked after every step.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the world (default 1)")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="so many worlds, with the seeds that follow (default 1)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many worlds at a time, each in a process (default 1)")
    parser.add_argument("--hours", type=float, default=24.0, metavar="H", help="virtual hours of weather (default 24)")
    parser.add_argument("--preset", choices=PRESETS, default="field", help="how often things go wrong (default field)")
    parser.add_argument("--bytes-per-day", type=int, default=0, metavar="N", help="the unit's cap, mqtt.bytes_per_day_max (default none)")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="write every event and effect there, one a line (large)")
    parser.add_argument("--faults", action="store_true", help="print the table of faults and leave")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do it; 0 when every promise was kept, else 1."""
    if args.faults:
        print(table())
        return KEPT
    if args.jobs > 1:
        wanted = soak_many.worlds(args.seed, args.runs, args.hours, args.preset, args.bytes_per_day)
        return BROKEN if soak_many.soak(wanted, args.jobs) else KEPT
    code = KEPT
    with args.journal.open("w") if args.journal else contextlib.nullcontext() as journal:
        for seed in range(args.seed, args.seed + args.runs):
            code |= soak(seed, args.hours, args.preset, journal, args.bytes_per_day)
    return code


def soak(seed: int, hours: float, preset: str, journal: TextIO | None = None, bytes_per_day: int = 0) -> int:
    """One world: print how it goes and what came of it."""
    print(f"seed {seed}: {hours:g} virtual hours, preset {preset}", flush=True)
    started = time.monotonic()
    world = World(seed, hours, preset, config=configured(preset, bytes_per_day), journal=journal)
    broken: Broken | None = None
    try:
        world.run(_progress(hours))
    except Broken as error:
        broken = error
    print(report(world, time.monotonic() - started))
    if preset == "gnss":
        print(gnss_report.report(world))
    if broken is None:
        print(f"PROMISES: all {len(world.judge.promises)} kept")
        return KEPT
    print(f"\n{broken.tail(JOURNAL_LINES)}\n\nPROMISES: {broken}")
    capped = f" --bytes-per-day {bytes_per_day}" if bytes_per_day else ""
    print(f"The same again: outpost-sim soak --seed {seed} --hours {hours:g} --preset {preset}{capped}")
    return BROKEN


def _progress(hours: float) -> "Progress":
    return Progress(hours if sys.stderr.isatty() else 0.0)


class Progress:
    """A line on a terminal that says how far it is; silent elsewhere."""

    def __init__(self, hours: float) -> None:
        self._hours = hours

    def __call__(self, now: float) -> None:
        """It is that second of the world."""
        if self._hours:
            print(f"\r{now / 3600:6.1f} of {self._hours:g} h", end="\r", file=sys.stderr, flush=True)


def report(world: World, took_s: float) -> str:
    """What happened, in lines of name and numbers."""
    counts = world.counts
    ledger = world.centre.ledger
    faults = Counter({name.removeprefix("fault "): n for name, n in counts.items() if name.startswith("fault ")})
    told = ", ".join(f"{name} {n}" for name, n in sorted(faults.items())) or "none"
    other = [f"{name} {n}" for name, n in sorted(counts.items()) if name.startswith(("events ", "records ", "honest", "flags "))]
    lines = (
        ("virtual time", f"{world.now / 3600:.2f} h in {took_s:.1f} s, {world.now / max(took_s, 1e-9):,.0f} times real time"),
        ("core", f"{counts['events']:,} events, {counts['effects']:,} effects, {counts['boots']} boots"),
        ("faults", f"{faults.total()}: {told}"),
        ("centre", f"{len(ledger.arrivals()):,} messages, {ledger.duplicates} repeats, {ledger.malformed} unreadable"),
        ("fixes", ", ".join(f"{counts[f'fixes {what}']:,} {what}" for what in ("taken", "delivered", "uncommitted"))),
        ("besides", ", ".join(other) or "nothing"),
        ("trace", world.trace),
    )
    return "\n".join(f"  {name:13}{text}" for name, text in lines)


def table() -> str:
    """All faults, how often they come per hour in each preset, for how long and how strongly."""
    lines = [f"{'fault':19}{''.join(f'{preset}/h'.rjust(9) for preset in PRESETS)}   {'seconds':15}{'strength':13}"]
    for option in OPTIONS:
        lasts, strength = (f"{low:g}–{high:g}" if high else "" for low, high in (option.lasts_s, option.strength))
        says = (option.fault.__doc__ or "").splitlines()[0]
        often = "".join(f"{getattr(option, preset):9g}" for preset in PRESETS)
        lines.append(f"{option.fault.__name__:19}{often}   {lasts:15}{strength:13}{says}")
    return "\n".join(lines)

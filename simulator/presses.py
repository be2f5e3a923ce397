"""`outpost-sim presses`: how many stories of switches go in; how many presses were lost and how many alarms invented comes out."""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from simulator.press_story import Sum, Told, Wanted, tell_all

KEPT, BROKEN = 0, 1

CHUNK = 50
"""Stories that one process tells before it is heard again: some seconds."""

STORIES_SHOWN = 3
"""Of those that broke a promise."""

EPILOG = """\
examples:
  outpost-sim presses                            1000 stories: presses, knocks, noise, broken wires, outages
  outpost-sim presses --stories 10000 --jobs 2
  outpost-sim presses --stories 10000 --cut      in each the power goes at a random moment
  outpost-sim presses --stories 1 --seed 4711    one of them again

A lost press or an invented alarm ends it with exit code 1 and the story."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Make the parser."""
    parser = subparsers.add_parser(
        "presses",
        help="stories of switches in virtual time",
        description="Short stories of presses, noise and broken wires in virtual time; every promise is checked in each of them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--stories", type=int, default=1000, metavar="N", help="how many (default 1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first one; the others follow (default 1)")
    parser.add_argument("--cut", action="store_true", help="the power is cut in each, at a random moment")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many processes at a time (default 1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Tell them; 0 when every promise was kept, else 1."""
    return BROKEN if tell(args.stories, args.seed, args.cut, args.jobs).broken else KEPT


def tell(stories: int, seed: int, cut: bool, jobs: int) -> Sum:
    """Tell and print all."""
    started = time.monotonic()
    total, shown = Sum(), 0
    for told, core_s in _told(stories, seed, cut, jobs):
        total.add(told, core_s)
        for one in told:
            if one.broken and shown < STORIES_SHOWN:
                shown += 1
                print(f"\n{one.broken}\nThe same again: outpost-sim presses --stories 1 --seed {one.seed}{' --cut' if cut else ''}\n")
        if sys.stderr.isatty():
            print(f"\r{total.stories:7,} of {stories:,} stories, {len(total.broken)} broken ", end="\r", file=sys.stderr, flush=True)
    print(report(total, cut, time.monotonic() - started))
    return total


def _told(stories: int, seed: int, cut: bool, jobs: int) -> Iterator[tuple[list[Told], float]]:
    chunks = [[Wanted(n, cut) for n in range(first, min(first + CHUNK, seed + stories))] for first in range(seed, seed + stories, CHUNK)]
    if jobs == 1:
        yield from map(tell_all, chunks)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(tell_all, chunks)


def report(total: Sum, cut: bool, wall_s: float) -> str:
    """What came of them, in lines of name and numbers."""
    per_s = total.stories / max(total.core_s, 1e-9)
    lines = (
        ("stories", f"{total.stories:,}{', the power cut in each' if cut else ''}; {total.faults:,} faults"),
        ("presses", f"{total.presses:,} honest ones that a running unit had to hear, {total.knocks:,} knocks that it must not"),
        ("lost", f"{len(total.lost)}{_seeds(total.lost)}"),
        ("invented", f"{len(total.invented)}{_seeds(total.invented)}"),
        ("lamp", f"said sent of {total.sent:,} alarms; none of them may be lost"),
        ("took", f"{wall_s:.1f} s, {total.core_s:.1f} s of cores: {per_s:.1f} stories a second of one core"),
    )
    told = "\n".join(f"  {name:10}{text}" for name, text in lines)
    broken = ", ".join(f"{name} {n}" for name, n in total.promises.items())
    return f"{told}\nPROMISES: {f'BROKEN in {len(total.broken)} stories: {broken}' if broken else 'all kept'}"


def _seeds(seeds: list[int]) -> str:
    return f", seeds {', '.join(map(str, seeds[:10]))}" if seeds else ""

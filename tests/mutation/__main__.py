"""Mutation testing: `python -m tests.mutation [WORD ...]` makes one mistake after the other in the modules whose names contain a WORD (all
without one), runs their tests on each, and tells which mistakes nobody saw. Exit code 1 when a module is below its share.
"""

import argparse
import importlib
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests import sources
from tests.mutation import equivalents, pool, quick
from tests.mutation.aims import SHARE_MIN, aims
from tests.mutation.mutants import Mutant, module_file, mutants
from tests.mutation.pool import Verdict
from tests.mutation.reach import Only, Reached
from tests.mutation.trial import Aim, Useless, baseline, cpu_s_max, judged, thorough, warm

TOLD_EACH = 100


@dataclass
class Score:
    """What became of the mutants of one module."""

    aim: Aim
    counts: Counter[Verdict] = field(default_factory=Counter)
    alive: list[Mutant] = field(default_factory=list)
    excused: int = 0
    took_s: float = 0.0

    @property
    def share(self) -> float:
        """Killed of those that were tried; 1 when there was none."""
        tried = self.counts.total()
        return 1.0 - self.counts[Verdict.ALIVE] / tried if tried else 1.0

    def __str__(self) -> str:
        told = ", ".join(f"{self.counts[verdict]} {verdict.value}" for verdict in Verdict)
        return f"{self.share:7.1%}  {self.aim.file}: {told}; {self.excused} equivalent; {self.took_s:.0f} s"


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def imported(targets: list[Aim]) -> None:
    """Import what no target is in, so that the trials need not."""
    builds_on = {
        name: {name for _, name in sources.imports(path)}
        for path in sources.python("agent")
        if (name := ".".join(path.relative_to(sources.PROJECT).with_suffix("").parts)) and not name.endswith("__")
    }
    cold = {aim.module for aim in targets}
    while more := {name for name, needed in builds_on.items() if name not in cold and any(sources.is_in(n, *cold) for n in needed)}:
        cold |= more
    for name in builds_on:
        if name.startswith(("agent.core.", "agent.wire.")) and name not in cold:
            importlib.import_module(name)


def chosen(targets: list[Aim], sample: int | None, seed: int) -> list[tuple[Aim, list[Mutant], int]]:
    """What is to be tried of each target: its mutants but for the equivalent ones (their number), or some of all, drawn with the seed."""
    excused = {entry.name for entry in equivalents.read()}
    made = [(aim, mutants(aim.file, aim.source, module_file)) for aim in targets]
    every = [(aim, mutant) for aim, ms in made for mutant in ms if mutant.name not in excused]
    drawn = every if sample is None else random.Random(seed).sample(every, min(sample, len(every)))
    ids = {id(mutant) for _, mutant in drawn}
    return [(aim, [m for m in ms if id(m) in ids], sum(m.name in excused for m in ms)) for aim, ms in made if any(id(m) in ids for m in ms)]


def tried(aim: Aim, some: list[Mutant], excused: int, jobs: int) -> Score:
    """Run the tests of one module on its mutants and tell of each that lives."""
    began = time.monotonic()
    plain_s, reached = baseline(aim)
    say(f"{aim.file}: {len(some)} mutants; without a mistake the tests take {plain_s:.1f} s")
    score = Score(aim, excused=excused)
    for number, (mutant, verdict) in enumerate(_verdicts(aim, some, reached, cpu_s_max(plain_s), jobs), 1):
        score.counts[verdict] += 1
        if verdict is Verdict.ALIVE:
            score.alive.append(mutant)
            say(told(mutant))
        if number % TOLD_EACH == 0:
            say(f"  {number} of {len(some)} tried, {score.counts[Verdict.ALIVE]} alive, {time.monotonic() - began:.0f} s")
    score.took_s = time.monotonic() - began
    return score


def _verdicts(aim: Aim, some: list[Mutant], reached: Reached, cpu_s_max: int, jobs: int) -> Iterator[tuple[Mutant, Verdict]]:
    """Those that can be tried quickly first."""
    plain = aim.plain()
    fast = [(mutant, trial) for mutant in some if (trial := quick.trial(mutant, plain, reached)) is not None]
    slow = [mutant for mutant in some if all(mutant is not other for other, _ in fast)]
    for ended in quick.run(aim, [trial for _, trial in fast], reached, cpu_s_max, jobs) if fast else ():
        yield fast[ended.place][0], judged(aim, ended)
    bodies = [thorough(aim, mutant.code, Only(reached.tests(mutant.function), reached.seconds)) for mutant in slow]
    for ended in pool.run(bodies, cpu_s_max, jobs):
        yield slow[ended.place], judged(aim, ended)


def told(mutant: Mutant) -> str:
    """A mutant as people read it."""
    return f"alive: {mutant.file}:{mutant.line} {mutant.function}\n    - {mutant.was}\n    + {mutant.becomes}"


def main(argv: list[str] | None = None) -> int:
    """Run it; 0 when every module has its share, 1 when one has not, 2 when something could not be tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Which mistakes would no test see?")
    parser.add_argument("word", nargs="*", help="part of a module's name, such as panic (default: all)")
    parser.add_argument("--file", metavar="FILE", help="this module instead, held by the tests of --tests")
    parser.add_argument("--tests", nargs="+", default=[], metavar="FILE", help="what is to hold the module of --file")
    parser.add_argument("--root", type=Path, default=sources.PROJECT, help="where those are (default: this project)")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="trials at a time (default: one per processor)")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="which N (default 0)")
    parser.add_argument("--min", type=float, default=SHARE_MIN, metavar="SHARE", help=f"share that must be killed (default {SHARE_MIN})")
    args = parser.parse_args(argv)
    known = [Aim(args.root, args.file, tuple(args.tests))] if args.file else aims()
    targets = [aim for aim in known if not args.word or any(word in aim.file for word in args.word)]
    if not targets:
        parser.error(f"no module is named {' or '.join(args.word)}: {', '.join(aim.file for aim in known)}")
    if not args.file:
        imported(targets)
    warm()
    try:
        scores = [tried(aim, some, excused, args.jobs) for aim, some, excused in chosen(targets, args.sample, args.seed)]
    except (Useless, RuntimeError) as e:
        say(str(e))
        return 2
    say("")
    for score in scores:
        say(str(score))
    total = sum((score.counts for score in scores), Counter())
    share = 1.0 - total[Verdict.ALIVE] / total.total() if total else 1.0
    say(f"{share:7.1%}  in all: {total.total() - total[Verdict.ALIVE]} of {total.total()} killed")
    low = [score for score in scores if score.share < args.min]
    return 1 if (share < args.min if args.sample else low) else 0


if __name__ == "__main__":
    sys.exit(main())

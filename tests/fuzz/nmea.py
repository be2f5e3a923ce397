"""Mutated lines into the reader of a GNSS receiver; what broke its promises out.

    python -m tests.fuzz.nmea --seed 1 --inputs 1000000 --processes 2

The promises: no exception leaves the reader, no line takes it more than a millisecond of CPU, its memory is bounded, and each fix is one
(a place on Earth, a finite number in every field, mode and position agree). A line that breaks one is printed; put it into
tests/golden/nmea_corpus, where every run begins with it.
"""

import argparse
import itertools
import math
import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass, field

from agent.adapters.nmea import Nmea, Told
from agent.core.events import Antenna, Fix, FixMode, ReceiverSpoke, Sky
from tests.fuzz.lines import kept, lines

LINE_NS_MAX = 1_000_000
HEARD_EVERY = 200
"""Lines between two looks at the counters, as the adapter has each second."""


@dataclass
class Outcome:
    """What one run saw."""

    inputs: int = 0
    fixes: int = 0
    events: int = 0
    sentences: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    slow: int = 0
    """Lines over LINE_NS_MAX, at the first try and again at the second: a machine that is shared has slow moments of its own."""
    line_ns_max: int = 0
    line_ns_sum: int = 0
    rss_growth_kb: int = 0


def wrong(event: Told) -> str | None:
    """What no event may be."""
    match event:
        case Fix():
            numbers = (
                event.lat,
                event.lon,
                event.alt_m,
                event.speed_mps,
                event.course_deg,
                event.hdop,
                event.acc_m,
                event.pdop,
                event.vdop,
            )
            if any(n is not None and not math.isfinite(n) for n in numbers):
                return "a number that is none"
            if (event.lat is None) != (event.mode is FixMode.NONE) or (event.lat is None) != (event.lon is None):
                return "mode and position disagree"
            if event.lat is not None and event.lon is not None and (abs(event.lat) > 90 or abs(event.lon) > 180):
                return "no place on Earth"
        case Sky():
            if len(event.satellites) > 400:
                return "too many satellites"
        case Antenna():
            if event.state not in ("ok", "open", "short"):
                return "no such state"
        case ReceiverSpoke():
            if not 0 < len(event.text) <= 120 or not event.text.isprintable():
                return "no such text"
    return None


def timed(nmea: Nmea, at: float, line: bytes) -> tuple[list[Told], int]:
    """One line, and the CPU time that it took this thread, ns."""
    began = time.thread_time_ns()
    told = nmea.feed(at, line)
    return told, time.thread_time_ns() - began


def fuzz(seed: int, inputs: int) -> Outcome:
    """So many lines, the kept ones first."""
    outcome, nmea, at = Outcome(), Nmea(), 0.0
    rss_kb = 0
    for i, line in enumerate(itertools.islice(itertools.chain(kept(), lines(seed)), inputs)):
        at += 0.3 if i % 17 == 0 else 0.005
        try:
            told, took_ns = timed(nmea, at, line)
            if i % 31 == 0:
                told = told + nmea.flush(at + 1)
        except Exception as e:  # noqa: BLE001  what is looked for
            outcome.broken.append(f"{type(e).__name__} {e}: {line!r}")
            nmea = Nmea()
            continue
        outcome.line_ns_sum += took_ns
        if took_ns > LINE_NS_MAX:
            took_ns = min(timed(Nmea(), at, line)[1] for _ in range(3))
            if took_ns > LINE_NS_MAX:
                outcome.slow += 1
                outcome.broken.append(f"{took_ns / 1e6:.1f} ms: {line!r}")
        outcome.line_ns_max = max(outcome.line_ns_max, took_ns)
        for event in told:
            outcome.events += 1
            outcome.fixes += isinstance(event, Fix)
            if (what := wrong(event)) is not None:
                outcome.broken.append(f"{what}: {event} after {line!r}")
        if i % HEARD_EVERY == 0:
            sentences, refused = nmea.counts()
            nmea.details()
            outcome.sentences += sentences
            for reason, n in refused.items():
                outcome.refused[reason] = outcome.refused.get(reason, 0) + n
        if i == min(20_000, inputs // 2):
            rss_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome.inputs += 1
    outcome.rss_growth_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rss_kb
    return outcome


def add(outcomes: list[Outcome]) -> Outcome:
    """Several runs as one."""
    total = Outcome()
    for one in outcomes:
        total.inputs += one.inputs
        total.fixes += one.fixes
        total.events += one.events
        total.sentences += one.sentences
        total.slow += one.slow
        total.broken += one.broken
        total.line_ns_sum += one.line_ns_sum
        total.line_ns_max = max(total.line_ns_max, one.line_ns_max)
        total.rss_growth_kb = max(total.rss_growth_kb, one.rss_growth_kb)
        for reason, n in one.refused.items():
            total.refused[reason] = total.refused.get(reason, 0) + n
    return total


def main() -> int:
    """Run as asked; 1 when a promise broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    share = -(-given.inputs // given.processes)
    with multiprocessing.Pool(given.processes) as pool:
        total = add(pool.starmap(fuzz, [(given.seed + n, share) for n in range(given.processes)]))
    mean_us = total.line_ns_sum / max(total.inputs, 1) / 1000
    said = (
        f"{total.inputs:,} inputs: {total.sentences:,} good sentences, {total.fixes:,} fixes of {total.events:,} events; refused "
        f"{dict(sorted(total.refused.items()))}; CPU a line: mean {mean_us:.1f} us, max {total.line_ns_max / 1000:.0f} us; "
        f"memory grew by {total.rss_growth_kb} kB; broken: {len(total.broken)}"
    )
    sys.stdout.write("\n  ".join([said, *total.broken[:50]]) + "\n")
    return 1 if total.broken else 0


if __name__ == "__main__":
    sys.exit(main())

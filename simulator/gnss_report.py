"""A world that was lived through goes in; what was seen of each GNSS trouble, in lines, comes out, for `outpost-sim soak --preset gnss`."""

from collections.abc import Iterator
from typing import TypeVar

from simulator.promises import Promise
from simulator.promises_fix import BoundedTime, HeldStill, PlaceAsSaid, PortInTime, SetUpAgain, TrackAsSaid
from simulator.promises_gnss import FLAGS, FlagsInTime
from simulator.tally import Tally
from simulator.world import World

P = TypeVar("P", bound=Promise)

QUIET = ("ColdStart", "WarmStart", "Tunnel", "Multipath", "FixesVoid", "FixesTimeless", "LinesDamaged", "ReaderStalls", "ClockWrong")
"""Faults that no flag may come of."""


def report(world: World) -> str:
    """A table, and the numbers below it."""
    return "\n".join([*_table(world), *(f"  {name:13}{text}" for name, text in _numbers(world))])


def _the(world: World, kind: type[P]) -> P:
    return next(promise for promise in world.judge.promises if isinstance(promise, kind))


def _table(world: World) -> Iterator[str]:
    yield f"  {'trouble':11}{'told as':20}{'times':>6}{'flagged':>9}{'unseen':>8}{'worst delay':>13}{'stated':>9}"
    rows: list[tuple[str, str, Tally]] = [(name, FLAGS[name], tally) for name, tally in _the(world, FlagsInTime).tallies.items()]
    rows += [("port", code, tally) for code, tally in _the(world, PortInTime).tallies.items()]
    rows.append(("settings", "set up again", _the(world, SetUpAgain).tally))
    for name, told_as, tally in rows:
        delay = f"{tally.worst_s:11.1f} s{tally.stated_s:7.1f} s" if tally.flagged else ""
        yield f"  {name:11}{told_as:20}{tally.began:6}{tally.flagged:9}{tally.unseen:8}{delay}"


def _numbers(world: World) -> Iterator[tuple[str, str]]:
    counts, shown, times = world.counts, _the(world, PlaceAsSaid).shown, _the(world, BoundedTime)
    tracked, held = _the(world, TrackAsSaid), _the(world, HeldStill)
    void, estimated, reflected = (counts[f"fixes {what}"] for what in ("void", "estimated", "in reflections"))
    places = ", ".join(f"{count:,} {what}" for what, count in sorted(shown.items()))
    (near_ms, bound_ms), worst = times.nearest, f"{times.worst_ms:.0f} ms where {times.worst_stated_ms} was stated"
    yield "no flag of", ", ".join(f"{name} {counts[f'fault {name}']}" for name in QUIET)
    yield "false flags", str(counts["flags false"])
    yield "fixes said", f"{void:,} void, {estimated:,} estimated, {reflected:,} in reflections"
    yield "in the track", f"{tracked.good:,} good, {tracked.estimated:,} estimated (dr), {tracked.made_up} that were not said"
    yield "shown live", f"{places}; held {held.held} times, moved meanwhile {held.moved}"
    yield "times", f"{times.times:,} published, {times.outside} outside their bound; {times.undated:,} records without one"
    yield "", f"worst error {worst}; nearest to its bound {near_ms:.0f} of {bound_ms} ms"

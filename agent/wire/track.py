"""Batches of fixes as columns of integers, lossless to the units below, and back.

A column is `[order, v0, v1, …]`. Order 0: one value for all fixes. Order 1: sum once (the values are first differences, v0 the start).
Order 2: sum twice. A negative order says the same of values that come as runs, `[order, v0, count0, v1, count1, …]`: what seldom changes
costs next to nothing. The whole decoder, in any language: drop the order, write out the runs if it is negative, then so many times as it
says replace the list by its running sums.
Facts that a fix lacks are listed in `absent` as runs of [first, count, …]; the column holds the previous value there, to be passed over.
"""

import operator
from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

import msgpack

from agent.wire.records import Track

SCALES: dict[str, float] = {
    "lat": 1e7,
    "lon": 1e7,
    "alt": 10,
    "spd": 100,
    "cog": 100,
    "hdop": 100,
    "acc": 100,
    "sats": 1,
    "mode": 1,
}
"""Units: lat, lon 1e-7 degrees; alt 0.1 m; spd 0.01 m/s; cog 0.01 degrees; hdop 0.01; acc 0.01 m; sats a count; mode an index of MODES."""

FIXES_MAX = 100_000
"""In one record that is read: a column of one value for all takes a few bytes, whatever number it claims. Ours have 600 at most."""

MODES = ("none", "2d", "3d", "dr", "fixed")


class TrackFix(NamedTuple):
    """One fix of a batch. `t`: ms, UTC or monotonic as the record's `t_is` says; the rest as in `pos`, `sats` summed up."""

    t: int
    lat: float | None = None
    lon: float | None = None
    alt: float | None = None
    spd: float | None = None
    cog: float | None = None
    hdop: float | None = None
    acc: float | None = None
    sats: int | None = None
    mode: int | None = None


def _differences(values: Sequence[int]) -> list[int]:
    return [values[0], *map(operator.sub, values[1:], values)]


def _cost(values: Sequence[int]) -> int:
    """Bytes of msgpack for these integers."""
    return len(msgpack.packb(values))


def _runs(values: Sequence[int]) -> list[int]:
    return [each for value, run in groupby(values) for each in (value, len(list(run)))]


def pack_column(values: Sequence[int]) -> list[int]:
    """One column in the shortest of the five orders."""
    if values.count(values[0]) == len(values):
        return [0, values[0]]
    first = _differences(values)
    second = _differences(first)
    ways = {1: first, 2: second, -1: _runs(first), -2: _runs(second)}
    order = min(ways, key=lambda each: _cost(ways[each]))
    return [order, *ways[order]]


def unpack_column(column: Sequence[int], n: int) -> list[int]:
    """The values of a column of `n` fixes.

    Raises:
        ValueError: the order is not -2, -1, 0, 1 or 2, or the length does not fit.
    """
    if not column or column[0] not in (-2, -1, 0, 1, 2) or not _fits(column, n):
        raise ValueError(f"a column of {n} fixes cannot begin with {list(column[:3])} and have {len(column)} items")
    order, *values = column
    if order == 0:
        return values * n
    if order < 0:
        values = [value for value, count in zip(values[::2], values[1::2], strict=True) for _ in range(count)]
    for _ in range(abs(order)):
        values = list(accumulate(values))
    return values


def _fits(column: Sequence[int], n: int) -> bool:
    """Whether it holds values for `n` fixes."""
    if column[0] >= 0:
        return len(column) == (2 if column[0] == 0 else n + 1)
    counts = column[2::2]
    return len(column) % 2 == 1 and all(count > 0 for count in counts) and sum(counts) == n


def _absent_runs(present: Sequence[bool]) -> list[int]:
    runs: list[int] = []
    for i, there in enumerate(present):
        if not there:
            if runs and runs[-2] + runs[-1] == i:
                runs[-1] += 1
            else:
                runs += [i, 1]
    return runs


def pack(fixes: Sequence[TrackFix], t_is: str) -> Track:
    """Fixes to the body of a `track` record; at least one fix."""
    cols = {"t": pack_column([f.t for f in fixes])}
    absent: dict[str, list[int]] = {}
    for (name, scale), raw in zip(SCALES.items(), list(zip(*fixes, strict=True))[1:], strict=True):
        if None not in raw:
            cols[name] = pack_column([round(v * scale) for v in raw])
            continue
        present = [v is not None for v in raw]
        if not any(present):
            continue
        last = next(round(v * scale) for v in raw if v is not None)
        values = []
        for v in raw:
            last = last if v is None else round(v * scale)
            values.append(last)
        cols[name] = pack_column(values)
        absent[name] = _absent_runs(present)
    return Track(n=len(fixes), t_is="utc" if t_is == "utc" else "mono", cols=cols, absent=absent or None)


def unpack(track: Track) -> list[TrackFix]:
    """The fixes of a `track` record.

    Raises:
        ValueError: too many fixes, no times, or columns or absent runs that do not fit.
    """
    if track.n > FIXES_MAX:
        raise ValueError(f"{track.n} fixes, more than the {FIXES_MAX} that a record may have")
    if "t" not in track.cols:
        raise ValueError("there is no column t, the times of the fixes")
    columns: dict[str, list[float | int | None]] = {}
    for name, scale in SCALES.items():
        if name not in track.cols:
            continue
        ints = unpack_column(track.cols[name], track.n)
        columns[name] = list(ints) if scale == 1 else [v / scale for v in ints]
        runs = (track.absent or {}).get(name, [])
        for first, count in zip(runs[::2], runs[1::2], strict=True):
            if not 0 <= first <= first + count <= track.n:
                raise ValueError(f"{name} is absent in {count} fixes from {first} on, of {track.n}")
            columns[name][first : first + count] = [None] * count
    times = unpack_column(track.cols["t"], track.n)
    nothing: list[float | int | None] = [None] * track.n
    return list(map(TrackFix, times, *(columns.get(name, nothing) for name in SCALES)))

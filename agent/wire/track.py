"""Batches of fixes as columns of integers, lossless to the units below, and back.

A column is `[order, v0, v1, …]`. Order 0: one value for all fixes. Order 1: sum once (the values are first differences, v0 the start).
Order 2: sum twice. The whole decoder, in any language: drop the order, then `order` times replace the list by its running sums.
Facts that a fix lacks are listed in `absent` as runs of [first, count, …]; the column holds the previous value there, to be passed over.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

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
    return [values[0], *(b - a for a, b in pairwise(values))]


def _cost(values: Sequence[int]) -> int:
    """Bytes of msgpack for these integers (msgpack spec, int format family), near enough to choose by."""
    return sum(1 if -32 <= v < 128 else 2 if -128 <= v < 256 else 3 if -32768 <= v < 65536 else 5 for v in values)


def pack_column(values: Sequence[int]) -> list[int]:
    """One column in the shortest of the three orders."""
    if all(v == values[0] for v in values):
        return [0, values[0]]
    first = _differences(values)
    second = _differences(first)
    return [2, *second] if _cost(second) < _cost(first) else [1, *first]


def unpack_column(column: Sequence[int], n: int) -> list[int]:
    """The values of a column of `n` fixes.

    Raises:
        ValueError: the order is not 0, 1 or 2, or the length does not fit.
    """
    if not column or column[0] not in (0, 1, 2) or len(column) != (2 if column[0] == 0 else n + 1):
        raise ValueError(f"a column of {n} fixes cannot begin with {list(column[:3])} and have {len(column)} items")
    order, *values = column
    if order == 0:
        return values * n
    for _ in range(order):
        values = list(accumulate(values))
    return values


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
    for name, scale in SCALES.items():
        raw = [getattr(f, name) for f in fixes]
        present = [v is not None for v in raw]
        if not any(present):
            continue
        last = next(round(v * scale) for v in raw if v is not None)
        values = []
        for v in raw:
            last = last if v is None else round(v * scale)
            values.append(last)
        cols[name] = pack_column(values)
        if not all(present):
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
    return [TrackFix(t, **{name: values[i] for name, values in columns.items()}) for i, t in enumerate(times)]  # type: ignore[arg-type]  # counts are ints by SCALES

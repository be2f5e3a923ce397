"""The satellites above Xining, and what a receiver gets of them: a seed and a time in, directions, C/N0 and dilution out. Pure.

Theory. Orbits are round and only roughly true: each satellite rises and sets by a phase of its own; BeiDou's five geostationary ones stand
where they stand over China. C/N0 grows with elevation (open sky, patch antenna: 30 dBHz at the horizon, 47 at the zenith), dilution of
precision comes from the directions of the satellites used, as in any textbook: the roots of the diagonal of (G'G)^-1.
"""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

GEOSTATIONARY = {1: (127, 31), 2: (224, 34), 3: (166, 47), 4: (108, 16), 5: (245, 15)}
"""BeiDou C01 to C05 as seen from Xining: azimuth and elevation, degrees (140, 84, 110.5, 160 and 58.75 degrees east)."""

PRNS = {"GP": range(1, 29), "GL": range(1, 25), "GA": range(1, 27), "BD": range(6, 47)}

DAY_S = 43_080.0
"""Half a sidereal day: what a navigation satellite needs for a round, near enough."""

HORIZON_DEG = 3.0

BELOW_DEG = 25.0
"""A wave that hangs so low is above the horizon for about two fifths of a round, as the satellites are."""


class Direction(NamedTuple):
    """A satellite above the horizon: its system, its own number, degrees above the horizon and from north."""

    system: str
    prn: int
    elev_deg: float
    azim_deg: float


class Dilution(NamedTuple):
    """Dilution of precision: position, horizontal, vertical (1 when the height was not solved for)."""

    pdop: float
    hdop: float
    vdop: float


class Constellations:
    """All satellites of some systems."""

    def __init__(self, systems: Sequence[str], seed: int) -> None:
        chance = random.Random(seed)
        phases = {(system, prn): _phase(chance) for system in PRNS for prn in PRNS[system]}
        self._phases = {name: phase for name, phase in phases.items() if name[0] in systems}
        self._fixed = GEOSTATIONARY if "BD" in systems else {}

    def above(self, t: float) -> list[Direction]:
        """Those above the horizon `t` seconds after the start, by system and number."""
        found = [Direction("BD", prn, elev, azim) for prn, (azim, elev) in self._fixed.items()]
        for (system, prn), (phase, azim, highest) in self._phases.items():
            elev = (highest + BELOW_DEG) * math.sin(math.tau * (t / DAY_S + phase)) - BELOW_DEG
            if elev >= HORIZON_DEG:
                found.append(Direction(system, prn, elev, (azim + 180 * t / DAY_S) % 360))
        return found


def _phase(chance: random.Random) -> tuple[float, float, float]:
    """Where in its round a satellite begins, its azimuth there, and how high it comes."""
    return chance.random(), chance.uniform(0, 360), chance.uniform(25, 88)


def strength_dbhz(elev_deg: float) -> float:
    """C/N0 under an open sky."""
    return 30 + 17 * math.sin(math.radians(elev_deg))


def dilution(used: Sequence[Direction]) -> Dilution | None:
    """From four satellites on for a position, from three for one whose height is known; None when they do not fix it."""
    flat = len(used) == 3
    rows = [_row(one, flat) for one in used]
    size = 3 if flat else 4
    if len(rows) < size:
        return None
    inverse = _inverse([[math.fsum(row[i] * row[j] for row in rows) for j in range(size)] for i in range(size)])
    if inverse is None:
        return None
    hdop = math.sqrt(inverse[0][0] + inverse[1][1])
    vdop = 1.0 if flat else math.sqrt(inverse[2][2])
    return Dilution(math.hypot(hdop, vdop), hdop, vdop)


def _row(one: Direction, flat: bool) -> list[float]:
    elev, azim = math.radians(one.elev_deg), math.radians(one.azim_deg)
    level = math.cos(elev)
    row = [level * math.sin(azim), level * math.cos(azim), math.sin(elev), 1.0]
    return [row[0], row[1], 1.0] if flat else row


def _inverse(matrix: list[list[float]]) -> list[list[float]] | None:
    """By Gauss and Jordan with pivots; None for one that is next to singular."""
    size = len(matrix)
    rows = [row + [float(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if abs(rows[i][i]) < 1e-9:
            return None
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for r in range(size):
            if r != i:
                factor = rows[r][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [row[size:] for row in rows]

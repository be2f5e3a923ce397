"""A drive through a city: in goes a seed, or waypoints, and a time; out come position, speed and course. Pure, and the same for ever.

The way is straight lines joined by arcs, so the course turns smoothly; the speed has bounded acceleration, slows for corners and stops at
lights. After the last waypoint the way goes on to the first: one lap has a length and a period, and any time can be asked for.
"""

import itertools
import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Self

XINING = (36.62, 101.78)
"""Latitude and longitude of the middle of Xining, degrees, WGS 84."""

XINING_ALT_M = 2261.0
"""Xining lies at 2261 m above the sea."""

CORNER_RADIUS_M = 12.0
CORNER_MPS = 5.0
"""5 m/s on a radius of 12 m is 2 m/s² sideways: a brisk, ordinary turn."""

SPEED_MPS_MAX = 20.0
FASTER_MPS2 = 1.5
SLOWER_MPS2 = 2.0

STOP_S = (5.0, 40.0)
"""A red light lasts between these."""


class State(NamedTuple):
    """Where the vehicle is and how it moves: degrees WGS 84, metres above the sea, m/s, degrees clockwise from true north."""

    lat: float
    lon: float
    alt_m: float
    speed_mps: float
    course_deg: float


class _Piece(NamedTuple):
    """A piece of the way, in metres east and north of the origin; `turn` is radians per metre, positive to the right, 0 on a line."""

    east: float
    north: float
    heading: float
    turn: float
    length: float

    def at(self, s: float) -> tuple[float, float, float]:
        """East, north and heading (radians from north) after `s` metres."""
        if self.turn == 0:
            return self.east + s * math.sin(self.heading), self.north + s * math.cos(self.heading), self.heading
        heading = self.heading + self.turn * s
        east = self.east + (math.cos(self.heading) - math.cos(heading)) / self.turn
        north = self.north + (math.sin(heading) - math.sin(self.heading)) / self.turn
        return east, north, heading


class _Phase(NamedTuple):
    """A time of constant acceleration: from `s` metres and `v` m/s, `a` m/s² for `seconds`."""

    s: float
    v: float
    a: float
    seconds: float


class _Plane:
    """Metres east and north of an origin to degrees, by the radii of curvature of WGS 84 there: good to 0.1 % within some 20 km."""

    def __init__(self, lat: float, lon: float) -> None:
        self.lat, self.lon = lat, lon
        a, e2 = 6378137.0, 6.69437999014e-3  # WGS 84: semi-major axis, first eccentricity squared (NIMA TR8350.2, table 3.1)
        w2 = 1 - e2 * math.sin(math.radians(lat)) ** 2
        self.m_per_deg_north = math.radians(a * (1 - e2) / w2**1.5)
        self.m_per_deg_east = math.radians(a / math.sqrt(w2)) * math.cos(math.radians(lat))

    def degrees(self, east: float, north: float) -> tuple[float, float]:
        return self.lat + north / self.m_per_deg_north, self.lon + east / self.m_per_deg_east

    def metres(self, lat: float, lon: float) -> tuple[float, float]:
        return (lon - self.lon) * self.m_per_deg_east, (lat - self.lat) * self.m_per_deg_north


class Route:
    """A closed way and a way of driving it. `length_m` and `period_s` are of one lap."""

    def __init__(self, waypoints: Sequence[tuple[float, float]], seed: int) -> None:
        """A lap through `waypoints` (latitude, longitude), each a corner; `seed` draws lights and cruising speeds.

        Raises:
            ValueError: fewer than three waypoints, or two so close that there is no room for a corner.
        """
        if len(waypoints) < 3:
            raise ValueError(f"a closed way needs three waypoints or more, found {len(waypoints)}")
        self._plane = _Plane(*waypoints[0])
        self._pieces = _way([self._plane.metres(*point) for point in waypoints])
        self._starts = [0.0, *itertools.accumulate(piece.length for piece in self._pieces)]
        self.length_m = self._starts.pop()
        self._phases = _drive(self._pieces, random.Random(seed))
        self._times = [0.0, *itertools.accumulate(phase.seconds for phase in self._phases)]
        self.period_s = self._times.pop()

    @classmethod
    def through_xining(cls, seed: int) -> Self:
        """A lap of some kilometres around the middle of Xining, another one for each seed."""
        chance = random.Random(seed)
        plane = _Plane(*XINING)
        points = []
        for n in range(8):
            bearing = math.tau * (n + chance.uniform(-0.25, 0.25)) / 8
            radius = chance.uniform(700, 1200)
            points.append(plane.degrees(radius * math.sin(bearing), radius * math.cos(bearing)))
        return cls(points, seed)

    def at(self, t: float) -> State:
        """The state `t` seconds after the start (which is at rest for nobody: the vehicle has been driving for ever)."""
        t %= self.period_s
        n = bisect_right(self._times, t) - 1
        phase = self._phases[n]
        dt = min(t - self._times[n], phase.seconds)
        s = phase.s + phase.v * dt + phase.a * dt * dt / 2
        s = min(max(s, 0.0), self.length_m)
        piece = bisect_right(self._starts, s) - 1
        east, north, heading = self._pieces[piece].at(s - self._starts[piece])
        lat, lon = self._plane.degrees(east, north)
        alt_m = XINING_ALT_M + 15 * math.sin(math.tau * s / self.length_m)
        return State(lat, lon, alt_m, max(0.0, phase.v + phase.a * dt), math.degrees(heading) % 360)


def _way(points: list[tuple[float, float]]) -> list[_Piece]:
    """Lines between the corners, and an arc of CORNER_RADIUS_M in each; begins with a line, ends with the arc at its beginning."""
    count = len(points)
    headings = [math.atan2(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise([*points, points[0]])]
    # By how much each corner turns, -pi to pi; the tangent is how much of the line before and after it an arc replaces.
    turns = [math.remainder(headings[n] - headings[n - 1], math.tau) for n in range(count)]
    tangents = [CORNER_RADIUS_M * math.tan(abs(turn) / 2) for turn in turns]
    pieces = []
    for n, (point, heading) in enumerate(zip(points, headings, strict=True)):
        following = (n + 1) % count
        length = math.dist(point, points[following]) - tangents[n] - tangents[following]
        if length < 1:
            raise ValueError(f"no room for corners between waypoints {n} and {following}: {length:.1f} m are left")
        line = _Piece(point[0] + tangents[n] * math.sin(heading), point[1] + tangents[n] * math.cos(heading), heading, 0.0, length)
        pieces.append(line)
        turn = turns[following]
        if abs(turn) > 1e-9:
            east, north, _ = line.at(length)
            pieces.append(_Piece(east, north, heading, math.copysign(1 / CORNER_RADIUS_M, turn), CORNER_RADIUS_M * abs(turn)))
    return pieces


def _drive(pieces: list[_Piece], chance: random.Random) -> list[_Phase]:
    """How one lap is driven: every line at a speed of its own and half of them with a red light; every arc at CORNER_MPS."""
    phases: list[_Phase] = []
    s = 0.0
    for piece in pieces:
        if piece.turn:
            phases.append(_Phase(s, CORNER_MPS, 0.0, piece.length / CORNER_MPS))
        else:
            cruise = chance.uniform(9.0, SPEED_MPS_MAX)
            light = piece.length * chance.uniform(0.5, 0.8)
            if chance.random() < 0.5 and piece.length - light > _room(0.0, CORNER_MPS) and light > _room(CORNER_MPS, 0.0):
                phases += _stretch(s, light, CORNER_MPS, 0.0, cruise)
                phases.append(_Phase(s + light, 0.0, 0.0, chance.uniform(*STOP_S)))
                phases += _stretch(s + light, piece.length - light, 0.0, CORNER_MPS, cruise)
            else:
                phases += _stretch(s, piece.length, CORNER_MPS, CORNER_MPS, cruise)
        s += piece.length
    return phases


def _room(v0: float, v1: float) -> float:
    """Metres needed to come from one speed to the other."""
    return abs(v1 * v1 - v0 * v0) / (2 * (FASTER_MPS2 if v1 > v0 else SLOWER_MPS2))


def _stretch(s: float, length: float, v0: float, v1: float, cruise: float) -> list[_Phase]:
    """From speed `v0` at `s` to `v1` at `s + length`: faster, steady (not at all when the length is too short), slower."""
    up, down = FASTER_MPS2, SLOWER_MPS2
    reachable = math.sqrt((2 * up * down * length + down * v0 * v0 + up * v1 * v1) / (up + down))
    top = min(cruise, reachable)
    faster, slower = _room(v0, top), _room(top, v1)
    return [
        _Phase(s, v0, FASTER_MPS2, (top - v0) / FASTER_MPS2),
        _Phase(s + faster, top, 0.0, max(0.0, length - faster - slower) / top),
        _Phase(s + length - slower, top, -SLOWER_MPS2, (top - v1) / SLOWER_MPS2),
    ]

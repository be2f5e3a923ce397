"""A driven route as a receiver tells it: a seed in, one Fix a second out, in the receiver's own units, so that nothing is lost by rounding.

The way is simulator/route.py; the errors are those of the simulated receiver under an open sky (a Gauss-Markov process of 1.2 m and a
minute on each axis). Dilution and satellites stay for some half a minute, as they do when one rises or sets.
"""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime

from agent.core.events import Fix, FixMode
from simulator.receiver_model import ERROR_M, ERROR_S, METRE_DEG, SPEED_MPS
from simulator.route import Route

START = datetime(2026, 11, 15, tzinfo=UTC)
UERE_M = 5.0
"""What the reader takes for the error of an autonomous fix's ranges (agent/adapters/epoch.py)."""

SKY_S = 40.0
"""Mean time between two changes of what is used."""

STANDING_MPS = 0.3
"""Slower, the receiver keeps its last course."""


def drive(seconds: int, at: float, seed: int = 1) -> Iterator[Fix]:
    """So many fixes, the first at `at` (monotonic); lat and lon to 1e-7 degrees, height 0.1 m, speed 0.01 m/s, course 0.01 degrees."""
    route, chance = Route.through_xining(seed), random.Random(seed)
    kept = math.exp(-1 / ERROR_S["open"])
    news = math.sqrt(1 - kept * kept)
    north = east = up = 0.0
    start_ms = round(START.timestamp() * 1000)
    course, hdop, satellites = 0.0, 0.8, 20
    for n in range(seconds):
        here = route.at(n)
        north, east, up = (kept * was + news * chance.gauss(0, 1) for was in (north, east, up))
        if chance.random() < 1 / SKY_S:
            hdop = round(min(max(hdop + chance.choice((-0.02, -0.01, 0.01, 0.02)), 0.6), 1.5), 2)
            satellites = min(max(satellites + chance.choice((-1, 1)), 12), 28)
        speed = abs(here.speed_mps + SPEED_MPS * chance.gauss(0, 1))
        if speed > STANDING_MPS:
            course = round((here.course_deg + math.degrees(SPEED_MPS * chance.gauss(0, 1) / speed)) % 360, 2) % 360
        lat = here.lat + ERROR_M["open"] * north * METRE_DEG
        lon = here.lon + ERROR_M["open"] * east * METRE_DEG / math.cos(math.radians(here.lat))
        yield Fix(
            at + n,
            FixMode.THREE_D,
            start_ms + 1000 * n,
            round(lat * 1e7) / 1e7,
            round(lon * 1e7) / 1e7,
            round((here.alt_m + 2 * ERROR_M["open"] * up) * 10) / 10,
            round(speed * 100) / 100,
            course,
            hdop,
            round(hdop * UERE_M * 100) / 100,
            {"BD": satellites - 8, "GP": 8},
        )

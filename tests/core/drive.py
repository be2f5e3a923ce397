"""A drive for tests of integrity: the simulator's route with the noise of a street go in; fixes and skies, second by second, come out."""

import math
import random
from collections.abc import Iterator

from agent.core.events import Event, FaultSeen, Fix, FixMode, Satellite, Sky
from agent.core.integrity import Integrity
from simulator.route import Route
from tests.core.builders import UTC_MS, Bench, of

METRE_DEG = 1 / 111_200
"""Of latitude; of longitude at 36.6° north 0.8 times as much, near enough for noise."""


class Wander:
    """Correlated noise: its size (1 sigma) and how long it remembers (Gauss-Markov, first order)."""

    def __init__(self, rng: random.Random, sigma: float, memory_s: float) -> None:
        self._rng, self._sigma = rng, sigma
        self._kept = math.exp(-1 / memory_s)
        self.value = rng.gauss(0, sigma)

    def step(self) -> float:
        """A second later."""
        self.value = self.value * self._kept + self._rng.gauss(0, self._sigma * math.sqrt(1 - self._kept**2))
        return self.value


class Drive:
    """One car, a receiver at 1 Hz, GSV each fifth second. What a test changes: the attributes, between seconds."""

    def __init__(self, seed: int, noise_m: float = 3.0, memory_s: float = 60.0) -> None:
        self._rng = random.Random(seed)
        self._route = Route.through_xining(seed)
        self._east, self._north = (Wander(self._rng, noise_m, memory_s) for _ in range(2))
        self._fading = {prn: Wander(self._rng, 2.0, 20.0) for prn in range(1, 21)}
        self._parked_s = 0
        self.at = 0.0
        self.driven_s = 0.0
        self.parks = False
        self.offset_m = (0.0, 0.0)
        self.offset_ms = 0.0
        self.sky_db = 0.0
        self.uneven_db = 0.0
        self.frozen: tuple[float, float] | None = None
        self.hdop = 0.8
        self.mode = FixMode.THREE_D
        self.unused: set[str] = set()

    def second(self) -> Iterator[Event]:
        """What the receiver says in the next second."""
        self.at += 1.0
        self.driven_s += not self.parks
        here = self._route.at(self.driven_s)
        at = self.at + self._rng.uniform(0.08, 0.4)
        speed = 0.0 if self.parks else here.speed_mps
        east, north = self._east.step() + self.offset_m[0], self._north.step() + self.offset_m[1]
        lat = round(here.lat + north * METRE_DEG, 7)
        lon = round(here.lon + east * METRE_DEG / 0.8, 7)
        lat, lon = self.frozen or (lat, lon)
        utc_ms = UTC_MS + round(self.at * 1000 + self.offset_ms)
        if self.mode is FixMode.NONE:
            yield Fix(at, FixMode.NONE, sats={"BD": 1})
        else:
            shown = max(0.0, speed + self._rng.gauss(0, 0.1))
            course = (here.course_deg + self._rng.gauss(0, 1.0)) % 360 if shown > 1 else None
            yield Fix(at, self.mode, utc_ms, lat, lon, 2261.0, round(shown, 2), course, self.hdop, None, {"BD": 12, "GP": 8})
        if self.at % 5 == 0:
            yield Sky(at, tuple(self._satellite(prn) for prn in self._fading))

    def _satellite(self, prn: int) -> Satellite:
        system = "BD" if prn <= 12 else "GP"
        elevation = 10 + prn * 37 % 75
        dbhz = 27 + elevation / 4 + self._fading[prn].step() + self.sky_db - self.uneven_db * self._rng.random()
        heard = None if dbhz < 12 else float(round(dbhz))
        return Satellite(system, prn, heard, elevation, prn * 73 % 360, heard is not None and system not in self.unused)


class Watched(Bench):
    """Integrity, and a drive that it watches."""

    def __init__(self, drive: Drive) -> None:
        super().__init__(Integrity())
        self.drive = drive

    @property
    def flags(self) -> tuple[str, ...]:
        """Those that are up."""
        assert isinstance(self.part, Integrity)
        return self.part.flags

    def ride(self, seconds: float) -> list[FaultSeen]:
        """So many seconds; the faults that came and went, none twice."""
        faults: list[FaultSeen] = []
        for _ in range(round(seconds)):
            before = {fault.code: fault.active for fault in of(FaultSeen, self.all)}
            for event in self.drive.second():
                for fault in of(FaultSeen, self.feed(event)):
                    if before.get(fault.code, False) != fault.active:
                        faults.append(fault)
        return faults

    def until_flag(self, flag: str, within_s: float) -> float:
        """Seconds until that flag is up."""
        began = self.drive.at
        while flag not in self.flags:
            assert self.drive.at - began <= within_s, f"{flag} is not up after {within_s} s; up: {self.flags}"
            self.ride(1)
        return self.drive.at - began

    def until_clear(self, flag: str, within_s: float) -> float:
        """Seconds until it is down."""
        began = self.drive.at
        while flag in self.flags:
            assert self.drive.at - began <= within_s, f"{flag} is still up after {within_s} s"
            self.ride(1)
        return self.drive.at - began


def watched(seed: int = 1, settle_s: float = 120, **facts: float) -> Watched:
    """A drive that has gone on for a while without a flag."""
    bench = Watched(Drive(seed, **facts))
    assert bench.ride(settle_s) == []
    return bench

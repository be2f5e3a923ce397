"""The signals as they reach the receiver, and its antenna: what is true goes in; what the receiver makes of it, troubled, comes out.

A trouble is one of TROUBLES; `simulator.faults_gnss` begins and ends them. The sky has twelve satellites of BeiDou and eight of GPS, from
27 dBHz near the horizon to 46. Positions are never quite true: their errors are Gauss-Markov processes, as in `receiver_model`.
"""

import datetime
import functools
import math
import random
from typing import TYPE_CHECKING, NamedTuple

from agent.adapters.dates import Calendar
from agent.adapters.fields import DAY_MS, EPOCH_DAY
from agent.core.events import Antenna, Event, Satellite, Sky
from simulator.receiver_model import (
    CANYON_DB,
    CANYON_ELEV_DEG,
    ERROR_M,
    ERROR_S,
    ERROR_SIGMAS_MAX,
    METRE_DEG,
    SPEED_MPS,
    WEEKS_1024_MS,
)

if TYPE_CHECKING:
    from simulator.world import World

TROUBLES = ("jam", "drag", "jump", "frozen", "antenna", "short", "rolled", "multipath", "tunnel", "plug", "default")

SKY_EVERY_S = 5
"""GSV with every fifth fix, as our set-ups ask for; the antenna is told with it."""

ANTENNA_AGAIN_S = 10.0
"""What a receiver says once of its antenna the reader tells again so often (`adapters.nmea`)."""

DEFAULT_DAYS = tuple(datetime.date(*day).toordinal() - EPOCH_DAY for day in ((1980, 1, 6), (1999, 8, 22), (2000, 1, 1), (2019, 4, 7)))
"""Where receivers begin to count that have not heard which week it is."""

HEARD_DBHZ = 12.0
"""What is weaker a receiver does not hear."""

VARIANTS = 7
"""Skies that differ a little, in turn: no level stands still."""

SATELLITES = {"BD": 12, "GP": 8, "GL": 6, "GA": 6}

HDOP, HDOP_PER_M = 0.8, 0.25
"""Under an open sky, and what each metre of reflections adds: fewer satellites, all above the street."""

RANGE_ERROR_M = 5.0
"""The reader states HDOP times this as accuracy (docs/gnss.md)."""

REFLECTED_SPEED_MPS = 0.2
"""Doppler of reflections: worse than under an open sky, and still good."""

DATE_TURNS_S = (-18.0, 9.0)
"""When a receiver's date turns, against midnight: one that counts in GPS time is early, one that adds the day to RMC afterwards is late.
The reader mends twenty and ten seconds (`adapters.dates`)."""

RECKONS_S_MAX = 60.0
"""So long a receiver goes on by dead reckoning."""


class Said(NamedTuple):
    """What the receiver takes for its place: degrees, m/s, dilution and 1 sigma in metres."""

    lat: float
    lon: float
    speed_mps: float
    course_deg: float | None
    hdop: float
    acc_m: float


class Signals:
    """What troubles the receiver's view of the world."""

    def __init__(self, world: "World", seed: int) -> None:
        self._world = world
        self._date_turns_ms = round(1000 * random.Random(seed).uniform(*DATE_TURNS_S))
        self.since: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.strength: dict[str, float] = {}
        self._frozen_at: tuple[float, float] | None = None
        self._skies: dict[tuple[object, ...], tuple[Satellite, ...]] = {}
        self._turn = 0
        self._calendar = Calendar()
        self._antenna = ("", -math.inf)
        self._wavering = (0.0, 0.0)

    def begin(self, trouble: str, strength: float) -> None:
        """It goes wrong; `strength`: dB of a jammer, m/s of a drag or of dead reckoning, km of a jump, 1 sigma of reflections in m."""
        assert trouble in TROUBLES
        self.since[trouble], self.strength[trouble] = self._world.now, strength
        if trouble == "frozen":
            self._frozen_at = None
        if trouble == "default":
            self._calendar = Calendar()

    def end(self, trouble: str) -> None:
        """It is over."""
        if self.since.pop(trouble, None) is not None:
            self.ended[trouble] = self._world.now

    def recent(self, troubles: tuple[str, ...], within_s: float) -> bool:
        """Whether one of these is, or was until so long ago."""
        return any(name in self.since or self._world.now - self.ended.get(name, -math.inf) <= within_s for name in troubles)

    def error_m(self) -> float:
        """How wrong a position may be at most by noise and reflections, on each axis."""
        return ERROR_SIGMAS_MAX * (self.strength["multipath"] if "multipath" in self.since else ERROR_M["open"])

    def place(self, lat: float, lon: float, speed_mps: float, course_deg: float, step_s: float) -> Said:
        """What the receiver makes of a true state, `step_s` after the last one."""
        reflected = "multipath" in self.since
        sigma_m = self.strength["multipath"] if reflected else ERROR_M["open"]
        east_m, north_m = self._waver(step_s / ERROR_S["canyon" if reflected else "open"])
        lat += sigma_m * north_m * METRE_DEG
        lon += sigma_m * east_m * METRE_DEG / math.cos(math.radians(lat))
        gauss, noise_mps = self._world.rng.gauss, REFLECTED_SPEED_MPS if reflected else SPEED_MPS
        if "jump" in self.since:
            lon += self.strength["jump"] * 1000 * METRE_DEG / math.cos(math.radians(lat))
        if "drag" in self.since:
            lat += self.strength["drag"] * (self._world.now - self.since["drag"]) * METRE_DEG
        lat, lon = round(lat, 7), round(lon, 7)
        if "frozen" in self.since:
            lat, lon = self._frozen_at = self._frozen_at or (lat, lon)
        said_mps = round(abs(speed_mps + noise_mps * gauss(0, 1)), 2)
        course = round((course_deg + math.degrees(noise_mps * gauss(0, 1) / max(speed_mps, 1.0))) % 360, 2) if said_mps >= 0.5 else None
        hdop = round(HDOP + HDOP_PER_M * sigma_m, 1) if reflected else HDOP
        return Said(lat, lon, said_mps, course, hdop, RANGE_ERROR_M * hdop)

    def _waver(self, share: float) -> tuple[float, float]:
        """Errors of one sigma, a step further."""
        (kept, new), gauss, (east, north) = _shares(share), self._world.rng.gauss, self._wavering
        limit = ERROR_SIGMAS_MAX
        east, north = kept * east + gauss(0, new), kept * north + gauss(0, new)
        if not (-limit < east < limit and -limit < north < limit):
            east, north = min(max(east, -limit), limit), min(max(north, -limit), limit)
        self._wavering = east, north
        return east, north

    def reckoned(self, lat: float, lon: float) -> tuple[float, float] | None:
        """In a tunnel: where it believes itself to be, None when it does not, or no longer, reckon."""
        strays_mps, inside_s = self.strength["tunnel"], self._world.now - self.since["tunnel"]
        if strays_mps < 0 or inside_s > RECKONS_S_MAX:
            return None
        return round(lat + strays_mps * inside_s * METRE_DEG, 7), round(lon, 7)

    def time_ms(self, utc_ms: int) -> int | None:
        """What it tells for that time, and what the reader makes of a date that nobody set, or that turns late or early at midnight."""
        if "rolled" in self.since:
            return utc_ms - WEEKS_1024_MS
        day, tod_ms = divmod(utc_ms, DAY_MS)
        said_day = (utc_ms - self._date_turns_ms) // DAY_MS
        self._world.counts["dates astray at midnight"] += said_day != day
        if "default" in self.since:
            said_day = DEFAULT_DAYS[int(self.strength["default"])]
        return self._calendar.utc_ms(self._world.now, tod_ms, said_day)

    def around(self, at: float, systems: tuple[str, ...], course_deg: float, found: float, void: bool) -> list[Event]:
        """What is said of sky and antenna, at a fifth second; `found`: the share of the satellites that a starting receiver has."""
        self._turn = (self._turn + 1) % VARIANTS
        level = -math.inf if "tunnel" in self.since else -self.strength["jam"] if "jam" in self.since else 0.0
        street = round(course_deg / 45) % 4 * 45 if "multipath" in self.since else None
        here = (systems, level, round(found, 1), street, void, self._turn)
        satellites = self._skies.get(here)
        if satellites is None:
            satellites = self._skies[here] = _sky(*here)
        antenna = "short" if "short" in self.since else "open" if "antenna" in self.since or "plug" in self.since else "ok"
        said, said_at = self._antenna
        if "plug" in self.since and said == antenna and self._world.now - said_at < ANTENNA_AGAIN_S - 1:
            return [Sky(at, satellites)]
        self._antenna = (antenna, self._world.now)
        return [Sky(at, satellites), Antenna(at, antenna)]


@functools.cache
def _shares(share: float) -> tuple[float, float]:
    """How much of an error is kept after that share of its life, and how much is new."""
    kept = math.exp(-share)
    return kept, math.sqrt(1 - kept * kept)


def _sky(systems: tuple[str, ...], level_db: float, found: float, street: int | None, void: bool, turn: int) -> tuple[Satellite, ...]:
    """All that are above, by system, that much stronger than usual; of a void sky two are left, of a street those along and above it."""
    satellites = []
    above = [(system, prn) for system in systems for prn in range(1, SATELLITES[system] + 1)]
    for n, (system, prn) in enumerate(sorted(above, key=lambda name: (name[1], name[0])) if found < 1 else above):
        elevation, azimuth = 10 + prn * 37 % 75, prn * 73 % 360
        dbhz = 27 + elevation // 4 + (prn * turn) % 3 - 1 + level_db
        if street is not None and elevation < CANYON_ELEV_DEG * abs(math.sin(math.radians(azimuth - street))):
            dbhz -= CANYON_DB
        if void:
            dbhz = 20.0 if system == "BD" and prn <= 2 else 0.0
        heard = dbhz if dbhz >= HEARD_DBHZ and n < found * len(above) else None
        satellites.append(Satellite(system, prn, heard, elevation, azimuth, heard is not None and not void and found >= 1))
    return tuple(satellites)

"""The signals as they reach the receiver, and its antenna: what is true goes in; what the receiver makes of it, troubled, comes out.

A trouble is one of TROUBLES; `simulator.faults_gnss` begins and ends them. The sky has twenty satellites, from 27 dBHz near the horizon
to 46.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from agent.core.events import Antenna, Event, Fix, Satellite, Sky

if TYPE_CHECKING:
    from simulator.world import World

TROUBLES = ("jam", "drag", "jump", "frozen", "antenna", "rolled")

SKY_EVERY_S = 5
"""GSV with every fifth fix, as our set-ups ask for; the antenna is told with it."""

HEARD_DBHZ = 12.0
"""What is weaker a receiver does not hear."""

WEEKS_1024_MS = 1024 * 7 * 86_400_000

METRE_DEG = 1 / 111_200

VARIANTS = 7
"""Skies that differ a little, in turn: no level stands still."""


class Signals:
    """What troubles the receiver's view of the world."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.since: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.strength: dict[str, float] = {}
        self._frozen_at: tuple[float, float] | None = None
        self._skies: dict[tuple[float, int], tuple[Satellite, ...]] = {}
        self._turn = 0

    def begin(self, trouble: str, strength: float) -> None:
        """It goes wrong; `strength`: dB of a jammer, m/s of a drag, km of a jump."""
        assert trouble in TROUBLES
        self.since[trouble], self.strength[trouble] = self._world.now, strength
        self._frozen_at = None

    def end(self, trouble: str) -> None:
        """It is over."""
        del self.since[trouble]
        self.ended[trouble] = self._world.now

    def recent(self, troubles: tuple[str, ...], within_s: float) -> bool:
        """Whether one of these is, or was until so long ago."""
        return any(name in self.since or self._world.now - self.ended.get(name, -math.inf) <= within_s for name in troubles)

    def bend(self, fix: Fix) -> Fix:
        """What the receiver makes of a true fix."""
        if not self.since or fix.lat is None or fix.lon is None:
            return fix
        changed: dict[str, object] = {}
        lat, lon = fix.lat, fix.lon
        if "jump" in self.since:
            lon += self.strength["jump"] * 1000 * METRE_DEG / math.cos(math.radians(lat))
        if "drag" in self.since:
            lat += self.strength["drag"] * (self._world.now - self.since["drag"]) * METRE_DEG
        lat, lon = round(lat, 7), round(lon, 7)
        if "frozen" in self.since:
            lat, lon = self._frozen_at = self._frozen_at or (lat, lon)
        if "rolled" in self.since and fix.utc_ms is not None:
            changed["utc_ms"] = fix.utc_ms - WEEKS_1024_MS
        return msgspec.structs.replace(fix, lat=lat, lon=lon, **changed)

    def around(self, at: float, void: bool) -> list[Event]:
        """What is said of sky and antenna, at a fifth second."""
        self._turn = (self._turn + 1) % VARIANTS
        level = -math.inf if void else -self.strength["jam"] if "jam" in self.since else 0.0
        satellites = self._skies.get((level, self._turn))
        if satellites is None:
            satellites = self._skies[level, self._turn] = _sky(level, self._turn)
        return [Sky(at, satellites), Antenna(at, "open" if "antenna" in self.since else "ok")]


def _sky(level_db: float, turn: int) -> tuple[Satellite, ...]:
    """Twelve of BeiDou and eight of GPS, that much stronger than usual; of a void sky two are left."""
    satellites = []
    sky: Mapping[str, int] = {"BD": 12, "GP": 8}
    for system, count in sky.items():
        for prn in range(1, count + 1):
            elevation = 10 + prn * 37 % 75
            dbhz = 27 + elevation // 4 + (prn * turn) % 3 - 1 + level_db
            if level_db == -math.inf and system == "BD" and prn <= 2:
                dbhz = 20.0
            heard = dbhz if dbhz >= HEARD_DBHZ else None
            satellites.append(Satellite(system, prn, heard, elevation, prn * 73 % 360, heard is not None and level_db > -math.inf))
    return tuple(satellites)

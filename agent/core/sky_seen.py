"""Sky seen: what the receiver tells of satellites and antenna goes in; the same in few numbers, for whoever installs, comes out."""

from typing import Any

from agent.core.events import Antenna, Event, Fix, FixMode, Sky
from agent.core.part import Outputs, Part

BEST = 4
"""The median of so many of the strongest: a position needs four, and one that is freakishly strong does not make an antenna good."""


class SkySeen(Part):
    """The last sky, the antenna's state, and the last position as the receiver told it (`position` holds a car that stands)."""

    name = "sky"
    listens = (Sky, Antenna, Fix)

    def __init__(self) -> None:
        self._sky: Sky | None = None
        self._antenna: str | None = None
        self._fix: Fix | None = None

    def handle(self, event: Event) -> Outputs:
        """Keep it."""
        match event:
            case Sky():
                self._sky = event
            case Antenna(state=state):
                self._antenna = state
            case Fix(mode=mode, lat=float()) if mode is not FixMode.NONE:
                self._fix = event
        return ()

    def status(self, now: float) -> dict[str, Any]:
        """Satellites by constellation, the C/N0 of the best, their age; the antenna; the raw position and its age."""
        sky, fix = self._sky, self._fix
        told: dict[str, Any] = {"antenna": self._antenna}
        if sky is not None:
            told |= {"age_s": round(now - sky.at, 1), "systems": _systems(sky), "cn0_best_dbhz": best_dbhz(sky)}
        if fix is not None:
            told["raw"] = {"lat": fix.lat, "lon": fix.lon, "age_s": round(now - fix.at, 1)}
        return told


def _systems(sky: Sky) -> dict[str, dict[str, int]]:
    seen: dict[str, dict[str, int]] = {}
    for satellite in sky.satellites:
        counts = seen.setdefault(satellite.system, {"used": 0, "view": 0})
        counts["view"] += 1
        counts["used"] += satellite.used
    return seen


def best_dbhz(sky: Sky) -> float | None:
    """Median C/N0 of the BEST strongest satellites, dB-Hz; None when fewer are heard."""
    heard = sorted((s.cn0_dbhz for s in sky.satellites if s.cn0_dbhz), reverse=True)[:BEST]
    return (heard[1] + heard[2]) / 2 if len(heard) == BEST else None

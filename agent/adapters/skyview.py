"""GSV sentences and the satellites used in, one `Sky` about each second out: each satellite once, with its strongest signal. Pure.

A receiver tells the sky in series of sentences, one series for each talker and signal, often only with every fifth fix; a series counts
once it is whole.
"""

from agent.adapters.satellites import InView, Sight
from agent.core.events import Satellite, Sky

SKY_S = 0.95
"""About a second; a little less, so that a receiver at 1 Hz gives one with every fix."""

WANTED_S = 0.7
"""After a sky no series is read for so long: at 10 Hz half of all sentences are GSV, and one round in ten is enough."""

OLD_S = 10.0
"""A series that has not been told for so long is not true any more: twice the longest that a set-up of ours asks for (every fifth fix)."""

SERIES_MAX = 32
"""Ten talkers with two or three signals each."""

SERIES_SATELLITES_MAX = 40

Used = frozenset[tuple[str, int]] | set[tuple[str, int]]


class SkyView:
    """What one receiver sees."""

    def __init__(self) -> None:
        self._telling: dict[tuple[str, str], list[InView]] = {}
        self._told: dict[tuple[str, str], tuple[float, list[InView]]] = {}
        self._posted_at: float | None = None
        self._news = False

    def wants(self, at: float) -> bool:
        """Whether a series that comes now is for the next sky."""
        return self._posted_at is None or at - self._posted_at >= WANTED_S

    def take(self, at: float, sight: Sight) -> None:
        """One GSV sentence."""
        key = sight.talker, sight.signal
        if sight.index == 1:
            if len(self._telling) >= SERIES_MAX and key not in self._telling:
                self._telling.clear()
            self._telling[key] = []
        series = self._telling.get(key)
        if series is None or len(series) > SERIES_SATELLITES_MAX:
            return
        series += sight.satellites
        if sight.index == sight.total:
            if len(self._told) >= SERIES_MAX and key not in self._told:
                self._told.clear()
            self._told[key] = at, self._telling.pop(key)
            self._news = True

    def sky(self, at: float, used: Used) -> Sky | None:
        """To be asked with each fix: the sky, when the last is a second old and something has been told since."""
        if not self._news or (self._posted_at is not None and at - self._posted_at < SKY_S):
            return None
        self._posted_at, self._news = at, False
        self._told = {key: told for key, told in self._told.items() if at - told[0] < OLD_S}
        seen: dict[tuple[str, int], InView] = {}
        for _, series in self._told.values():
            for one in series:
                name = one.system, one.prn
                before = seen.get(name)
                if before is None or (one.cn0_dbhz or 0) > (before.cn0_dbhz or 0):
                    seen[name] = one
        return Sky(at, tuple(_satellite(seen[name], name in used) for name in sorted(seen)))


def _satellite(seen: InView, used: bool) -> Satellite:
    return Satellite(seen.system, seen.prn, seen.cn0_dbhz, seen.elev_deg, seen.azim_deg, used)

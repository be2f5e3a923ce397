"""Firmament: skies (satellites with their C/N0) go in; suspicions of jamming and spoofing come out.

What each test can see, and what not:
- `jam`: a transmitter that raises the noise lowers all satellites alike, while walls and trees lower each differently. So: at least
  SATELLITES still heard, each weaker than it has been by DROP_DB_MIN, by DROP_DB on average, and all alike within ALIKE_DB. One that comes
  on over many minutes, or that leaves fewer satellites, is not seen by this; nothing at all to hear looks like a tunnel, but for
- `dark`: the sky went out while the car stood. A car is driven into a garage, it does not stand still there before; one that drove off
  from a red light since the last sky, and into a tunnel, is not still. Someone who covers the antenna looks the same. A jammer that
  silences a moving car is not told from a tunnel.
- `uniform`: one transmitter makes all satellites alike, or stronger than the sky ever does. A real sky differs by 5 dB and more between
  horizon and zenith. A careful forger, who copies that, is not seen.
- `lopsided`: one constellation has been used and is no more, though it is heard as well as ever, while another one is used: the two
  contradict each other, as when only GPS is forged. A receiver told to leave out a constellation looks the same.
"""

import math
from collections.abc import Sequence

from agent.core.events import Satellite, Sky
from agent.core.suspicion import Suspicion
from agent.wire.whys import why

SATELLITES = 6
"""Fewer are alike by chance, in a garage for example."""

USUAL_S, BETTER_S = 300.0, 30.0
"""What a satellite is usually heard with is averaged over about these times: out of a garage it is soon known how strong it is outside."""

KNOWN_AFTER_S = 60.0
GONE_S = 600.0
"""How long a satellite must have been heard to be compared with, and how long it is remembered."""

KNOWN_MAX = 256
"""More than all satellites of all constellations that can be in view."""

DROP_DB, DROP_DB_MIN, ALIKE_DB = 8.0, 5.0, 3.0
BACK_DB = 4.0
"""Raised, it stays so until the average drop is below this."""

JAM_RAISE_S, JAM_CLEAR_S = 10.0, 10.0
DARK_RAISE_S, DARK_CLEAR_S = 20.0, 10.0

UNIFORM_SATELLITES = 8
UNIFORM_DB = 1.0
UNIFORM_DBHZ = 38.0
TOO_STRONG_DBHZ = 50.0
"""The minimum received power of GPS and BeiDou makes 44 to 48 dBHz with a good antenna; single ones reach 52, the average never 50."""

UNIFORM_RAISE_S, UNIFORM_CLEAR_S = 15.0, 30.0

USED = 4
STRONG_DBHZ = 35.0
LOPSIDED_RAISE_S, LOPSIDED_CLEAR_S = 20.0, 30.0

Name = tuple[str, int]


class _Usual:
    """What one satellite is usually heard with."""

    __slots__ = ("at", "dbhz", "since")

    def __init__(self, at: float, dbhz: float) -> None:
        self.since = self.at = at
        self.dbhz = dbhz


class Firmament:
    """The sky as it has been."""

    def __init__(self) -> None:
        self.jam = Suspicion(JAM_RAISE_S, JAM_CLEAR_S)
        self.dark = Suspicion(DARK_RAISE_S, DARK_CLEAR_S)
        self.uniform = Suspicion(UNIFORM_RAISE_S, UNIFORM_CLEAR_S)
        self.lopsided = Suspicion(LOPSIDED_RAISE_S, LOPSIDED_CLEAR_S)
        self._usual: dict[Name, _Usual] = {}
        self._bright_at = -GONE_S
        self._stood_then = False
        self._used_at: dict[str, float] = {}

    def take(self, sky: Sky, still: bool) -> None:
        """One sky; `still` when the car stands, or stood when it was last seen."""
        heard = [(s, s.cn0_dbhz) for s in sky.satellites if s.cn0_dbhz]
        drops = self._drops(sky.at, heard)
        self._judge_jam(sky.at, drops)
        self._judge_dark(sky.at, len(heard), len(drops), still)
        self._judge_uniform(sky.at, heard)
        self._judge_lopsided(sky.at, sky.satellites)
        if not self.jam.raised and not _alike(drops):
            self._learn(sky.at, heard)

    def _drops(self, at: float, heard: list[tuple[Satellite, float]]) -> list[float]:
        """By how much each known satellite is weaker than usual, dB."""
        drops = []
        for satellite, dbhz in heard:
            usual = self._usual.get((satellite.system, satellite.prn))
            if usual is not None and at - usual.since >= KNOWN_AFTER_S:
                drops.append(usual.dbhz - dbhz)
        return drops

    def _learn(self, at: float, heard: list[tuple[Satellite, float]]) -> None:
        for satellite, dbhz in heard:
            name = satellite.system, satellite.prn
            usual = self._usual.get(name)
            if usual is None or at - usual.at > GONE_S:
                self._usual[name] = _Usual(at, dbhz)
            else:
                share = max(0.0, at - usual.at) / (BETTER_S if dbhz > usual.dbhz else USUAL_S)
                usual.dbhz += (dbhz - usual.dbhz) * min(1.0, share)
                usual.at = at
        if len(self._usual) > KNOWN_MAX:
            self._usual = {name: usual for name, usual in self._usual.items() if at - usual.at <= GONE_S}
            if len(self._usual) > KNOWN_MAX:  # nonsense, and not worth keeping
                self._usual.clear()

    def _judge_jam(self, at: float, drops: list[float]) -> None:
        if len(drops) < SATELLITES:
            return  # a tunnel, a garage, or a cold start: nothing to be said
        bad = _mean(drops) >= BACK_DB if self.jam.raised else _alike(drops)
        self.jam.judge(at, bad, why("weaker", count=len(drops), db=round(_mean(drops))))

    def _judge_dark(self, at: float, heard: int, known: int, still: bool) -> None:
        if known >= SATELLITES:
            self._bright_at, self._stood_then = at, still
        dark = heard <= 1 and self._stood_then and still and at - self._bright_at <= GONE_S
        self.dark.judge(at, dark, why("gone_dark"))

    def _judge_uniform(self, at: float, heard: list[tuple[Satellite, float]]) -> None:
        if len(heard) < UNIFORM_SATELLITES:
            return
        levels = [dbhz for _, dbhz in heard]
        mean, spread = _mean(levels), _spread(levels)
        bad = mean > TOO_STRONG_DBHZ or (mean >= UNIFORM_DBHZ and spread <= UNIFORM_DB)
        self.uniform.judge(at, bad, why("alike", count=len(levels), dbhz=round(mean), spread=round(spread, 1)))

    def _judge_lopsided(self, at: float, satellites: tuple[Satellite, ...]) -> None:
        used: dict[str, int] = {}
        strong: dict[str, int] = {}
        for s in satellites:
            used[s.system] = used.get(s.system, 0) + s.used
            strong[s.system] = strong.get(s.system, 0) + ((s.cn0_dbhz or 0.0) >= STRONG_DBHZ)
        for system, count in used.items():
            if count >= USED:
                self._used_at[system] = at
        others = max(used.values(), default=0) >= USED
        left = [
            system
            for system, count in used.items()
            if not count and others and strong[system] >= USED and at - self._used_at.get(system, -GONE_S) < GONE_S
        ]
        self.lopsided.judge(at, bool(left), why("unused", systems=", ".join(left)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _spread(values: Sequence[float]) -> float:
    """Standard deviation."""
    mean = _mean(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _alike(drops: list[float]) -> bool:
    """Whether so many satellites are weaker, all alike."""
    return len(drops) >= SATELLITES and min(drops) >= DROP_DB_MIN and _mean(drops) >= DROP_DB and _spread(drops) <= ALIKE_DB

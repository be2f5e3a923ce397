"""How a receiver takes the world: the true state, a seed and conditions in; what it believes, and its sentences, out. Pure, no clock.

Theory. Errors of position are those of signals and of their ways, which change slowly: a first-order Gauss-Markov process for each axis
(what it was, faded, plus new noise). Under an open sky it has a metre and a minute, in a street canyon, where signals come by way of walls,
several metres and a quarter of a minute. Whether a satellite is used is a matter of its C/N0: a tunnel takes all of it away, a canyon that
of the low satellites to the sides, a jammer the same from each. Used satellites give the dilution, and with less than three there is no fix
from that very instant on. A start is cold (neither time nor orbits), warm (time) or hot (both). A spoofer's signals all have one strength.
"""

import math
import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from simulator.nmea import FIRST_PRN
from simulator.receiver_profiles import Profile
from simulator.receiver_sky import Constellations, Dilution, Direction, dilution, strength_dbhz
from simulator.receiver_words import Belief, Sat, as_said, sentences
from simulator.route import State

Start = Literal["cold", "warm", "hot"]
View = Literal["open", "canyon", "tunnel"]

TTFF_S = {"cold": (24.0, 40.0), "warm": (18.0, 30.0), "hot": (0.5, 2.0)}
"""From power to the first fix (data sheets say about 28, 25 and 1 s under an open sky)."""

TIME_S = {"cold": 8.0, "warm": 0.0, "hot": 0.0}
"""From power to the time: a cold receiver has to hear a whole word of it."""

REACQUIRE_S = 1.0
"""From the first signals to a fix again, after they were gone."""

ERROR_M = {"open": 1.2, "canyon": 6.0, "tunnel": 6.0}
"""Error of position by view: one sigma of each axis, horizontal; twice that in height."""

ERROR_S = {"open": 60.0, "canyon": 15.0, "tunnel": 15.0}
"""How long errors of position last."""

ERROR_SIGMAS_MAX = 3.5
"""No error is more: receivers throw out what does not fit."""

SPEED_MPS = 0.05
"""Error of speed, one sigma: by Doppler, so there is nearly none; that of course follows from it."""

CN0_DB, CN0_S = 1.2, 8.0
"""How C/N0 wavers: one sigma, and how long."""

HEARD_DBHZ, USED_DBHZ = 10.0, 22.0
"""Weaker than these, a satellite is not heard, or not used."""

CANYON_ELEV_DEG, CANYON_DB = 50.0, 16.0
"""Houses hide what is to the sides of the street and lower; what comes is a reflection, so much weaker."""

SPOOFED_DBHZ = 44.0

PDOP_MAX = 25.0
"""No fix from worse directions (a common mask)."""

WEEKS_1024_MS = 1024 * 7 * 86_400_000

UNSET_MS = 315_964_800_000
"""1980-01-06, where GPS time begins: what an unset clock counts from."""

METRE_DEG = 1 / 111_200


class Conditions(NamedTuple):
    """What the receiver is exposed to."""

    view: View = "open"
    jam_db: float = 0.0
    """How much a jammer takes from each signal."""
    drag_mps: float = 0.0
    """How fast a spoofer pulls the position away, to the east; the position is true again when that ends."""
    rolled_over: bool = False
    """Its firmware has counted 1024 weeks and tells dates of 19.6 years ago."""
    antenna: str = "ok"
    """What it finds there: `ok`, `open` or `short`; without an `ok` one it hears BROKEN_DB less."""


OPEN_SKY = Conditions()

BROKEN_DB = 30.0
"""What a broken or shorted antenna wire takes."""


class Spoken(NamedTuple):
    """One instant: the true time (UTC ms; that of 23:59:59.999 within a leap second), what was believed, and the bytes said."""

    utc_ms: int
    belief: Belief
    data: bytes


class ReceiverModel:
    """One receiver. `conditions` may be changed at any time; `leap_ms`: UTC of the midnight before which a second 60 is put in."""

    def __init__(self, profile: Profile, seed: int, start_utc_ms: int, start: Start = "hot", leap_ms: int | None = None) -> None:
        self.profile = profile
        self.conditions = OPEN_SKY
        self._constellations = Constellations(profile.systems, seed)
        self._chance = random.Random(seed)
        self._start_ms = start_utc_ms
        self._leap_ms = leap_ms
        self._t = 0.0
        self._wavering = {"east": 0.0, "north": 0.0, "up": 0.0}
        self._levels: dict[tuple[str, int], float] = {}
        self._dilution: tuple[tuple[tuple[str, int], ...], Dilution | None] = ((), None)
        self._dragged_m = 0.0
        self._told_antenna: str | None = None
        self.restart(start)

    def restart(self, start: Start) -> None:
        """Power was lost, or it was told to."""
        self._since_s, self._ttff_s = self._t, self._chance.uniform(*TTFF_S[start])
        self._time_s = self._t + TIME_S[start]
        self._ready_s = self._t + self._ttff_s
        self._told_antenna = None

    def say(self, elapsed_ms: int, state: State) -> Spoken:
        """What it says `elapsed_ms` after the start, at this state; times never run back."""
        t = elapsed_ms / 1000
        dt, self._t = t - self._t, t
        assert dt >= 0, "a receiver's time does not run back"
        utc_ms, leap_ms = self._utc(elapsed_ms)
        for axis in self._wavering:
            self._wavering[axis] = self._fade(self._wavering[axis], dt, ERROR_S[self.conditions.view])
        drag_mps = self.conditions.drag_mps
        self._dragged_m = self._dragged_m + drag_mps * dt if drag_mps else 0.0
        sats, dops = self._signals(t, dt, state)
        now = self._clock(elapsed_ms, utc_ms, leap_ms)._replace(sats=sats, with_sky=utc_ms % 1000 == 0 or leap_ms == 0)
        if dops is None:
            self._ready_s = max(self._ready_s, t + REACQUIRE_S)
        if dops is not None and t >= self._ready_s:
            now = self._place(now, state, dops)
        else:
            now = now._replace(sats=tuple(sat._replace(used=False) for sat in sats))
        now = now._replace(antenna=self._antenna(now))
        return Spoken(utc_ms, now, "".join(sentences(self.profile, now)).encode("ascii"))

    def error_m(self) -> float:
        """How wrong a position may be at most by noise, metres, on each horizontal axis."""
        return ERROR_M[self.conditions.view] * ERROR_SIGMAS_MAX

    def _utc(self, elapsed_ms: int) -> tuple[int, int | None]:
        utc_ms = self._start_ms + elapsed_ms
        if self._leap_ms is None or self._start_ms >= self._leap_ms or utc_ms < self._leap_ms:
            return utc_ms, None
        if utc_ms < self._leap_ms + 1000:
            return self._leap_ms - 1, utc_ms - self._leap_ms
        return utc_ms - 1000, None

    def _fade(self, was: float, dt: float, lasts_s: float) -> float:
        """A Gauss-Markov process of one sigma, bounded."""
        kept = math.exp(-dt / lasts_s)
        now = kept * was + math.sqrt(1 - kept * kept) * self._chance.gauss(0, 1)
        return min(max(now, -ERROR_SIGMAS_MAX), ERROR_SIGMAS_MAX)

    def _clock(self, elapsed_ms: int, utc_ms: int, leap_ms: int | None) -> Belief:
        if self._t < self._time_s:
            return Belief(UNSET_MS + elapsed_ms if self.profile.unset_clock else None)
        return Belief(utc_ms - WEEKS_1024_MS if self.conditions.rolled_over else utc_ms, leap_ms)

    # --- signals --------------------------------------------------------------------------------------------------------------------

    def _signals(self, t: float, dt: float, state: State) -> tuple[tuple[Sat, ...], Dilution | None]:
        above = self._constellations.above(t)
        began = min(1.0, (t - self._since_s) / self._ttff_s)
        sats, used = [], []
        for n, one in enumerate(above):
            found = n < len(above) * (began + 0.01)  # a receiver that starts finds one after the other
            level = self._level(one, dt, state) if found else 0.0
            heard = None if level < HEARD_DBHZ else round(level)
            if level >= USED_DBHZ:
                used.append(one)
            elev, azim = round(one.elev_deg), round(one.azim_deg) % 360
            sats.append(Sat(one.system, one.prn, elev, azim, heard, level >= USED_DBHZ))
        return tuple(sorted(sats, key=lambda sat: (list(FIRST_PRN).index(sat.system), sat.prn))), self._dops(used)

    def _level(self, one: Direction, dt: float, state: State) -> float:
        """C/N0 in dBHz."""
        name = one.system, one.prn
        wavering = self._levels[name] = self._fade(self._levels.get(name, 0.0), dt, CN0_S)
        conditions = self.conditions
        if conditions.view == "tunnel":
            return 0.0
        level = strength_dbhz(one.elev_deg) + CN0_DB * wavering
        if conditions.drag_mps:
            level = SPOOFED_DBHZ + 0.2 * wavering
        aside = abs(math.sin(math.radians(one.azim_deg - state.course_deg)))
        if conditions.view == "canyon" and one.elev_deg < CANYON_ELEV_DEG * aside:
            level -= CANYON_DB
        return level - conditions.jam_db - (0.0 if conditions.antenna == "ok" else BROKEN_DB)

    def _dops(self, used: Sequence[Direction]) -> Dilution | None:
        """Reckoned anew when other satellites are used; their directions change by less than what is said."""
        names = tuple((one.system, one.prn) for one in used)
        if names != self._dilution[0]:
            found = dilution(used)
            self._dilution = names, found if found is not None and found.pdop <= PDOP_MAX else None
        return self._dilution[1]

    # --- what it makes of them ------------------------------------------------------------------------------------------------------

    def _place(self, now: Belief, state: State, dops: Dilution) -> Belief:
        error_m = ERROR_M[self.conditions.view]
        east_m = error_m * self._wavering["east"] + self._dragged_m
        lat = state.lat + error_m * self._wavering["north"] * METRE_DEG
        lon = state.lon + east_m * METRE_DEG / math.cos(math.radians(state.lat))
        speed_mps = abs(state.speed_mps + SPEED_MPS * self._chance.gauss(0, 1))
        course_deg = state.course_deg + math.degrees(math.atan2(SPEED_MPS * self._chance.gauss(0, 1), max(speed_mps, SPEED_MPS)))
        return now._replace(
            mode=2 if sum(sat.used for sat in now.sats) == 3 else 3,
            lat=as_said(self.profile, lat),
            lon=as_said(self.profile, lon),
            alt_m=round(state.alt_m + 2 * error_m * self._wavering["up"], self.profile.alt_decimals),
            speed_mps=speed_mps,
            course_deg=course_deg % 360,
            pdop=dops.pdop,
            hdop=dops.hdop,
            vdop=dops.vdop,
        )

    def _antenna(self, now: Belief) -> str | None:
        """CASIC says it each second, u-blox when it changes."""
        state = self.conditions.antenna
        if self.profile.antenna == "none" or (self.profile.antenna == "ublox" and state == self._told_antenna) or not now.with_sky:
            return None
        self._told_antenna = state
        return state

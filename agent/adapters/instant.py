"""What the sentences of one instant say in, one `Fix` out: the facts of each weighed against those of the others.

Of what is said twice the last word counts, as in gpsd; but void beats good, and dead reckoning beats a fix. Only what one constellation
beside others says of itself ($GLGGA with quality 0 beside a good $GPGGA or $GNRMC) is not said of the fix. A maker's own sentence
(`proprietary`) only fills in what no standard one speaks of.
"""

from agent.adapters.facts import Sentence, Verdict
from agent.adapters.satellites import TALKERS
from agent.core.events import Fix, FixMode

SATELLITES_MIN = 3
"""No position can be computed from fewer; a receiver that claims one repeats an old one (gpsd)."""

PARTS = frozenset(TALKERS) - {"GP"}
"""Talkers that speak for one constellation. GP is not among them: it is that of receivers older than the others."""

KEYS_MAX = 64
"""Kinds of sentences, each of a talker, in one instant: a dozen are real."""

UERE_M = {"autonomous": 5.0, "dgps": 2.0, "pps": 2.0, "float": 0.5, "rtk": 0.02}
"""Error of the ranges, 1 sigma, that times HDOP is the accuracy when the receiver does not state one: clear sky, single frequency; the
published GPS and BeiDou open services are better, streets are worse (docs/gnss.md). Dead reckoning has none."""

Mark = tuple[str, str, int]
"""Which sentence of an epoch: talker, kind, and how many of these there were, since the last GSA of five ends a cycle, not the first."""


class Epoch:
    """What the sentences of one instant have said so far; `at` is the stamp of the first byte."""

    def __init__(self, at: float, tod_ms: int | None) -> None:
        self.at = at
        self.tod_ms = tod_ms
        self.days: set[int] = set()
        """Its dates as said: one, unless RMC and ZDA contradict each other."""
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self.mark: Mark = ("", "", 0)
        self.used: set[tuple[str, int]] = set()
        self._seen: dict[tuple[str, str], int] = {}
        self._position: tuple[float, float] | None = None
        self._alt_m: float | None = None
        self._speed_mps: float | None = None
        self._course_deg: float | None = None
        self._dops: dict[str, float] = {}
        self._errors_m: dict[str, float] = {}
        self._qualities: dict[str, str] = {}
        self._nav_mode: int | None = None
        self._counted: dict[str, int] = {}
        self.is_standard = False
        """Whether a standard sentence of it has told of a fix, or of none."""
        self._filling: list[Sentence] = []

    def needs(self, s: Sentence) -> bool:
        """Whether a proprietary sentence has what no other has said: where, when, how fast, or that it is no (good) fix."""
        worse = s.verdict is not None and (self.verdict is None or s.verdict < self.verdict)
        where, when = s.lat is not None and self._position is None, s.day is not None and not self.days
        how_fast = s.speed_mps is not None and self._speed_mps is None and not self._moves()
        return worse or where or when or how_fast

    def has(self, sentence: Sentence) -> bool:
        """Whether this talker has said this kind already."""
        return (sentence.talker, sentence.kind) in self._seen

    @property
    def verdict(self) -> Verdict | None:
        """What is said of the fix, all in all; None when nobody has said anything."""
        if not self._verdicts:
            return None
        void = {talker for (talker, _), verdict in self._verdicts.items() if verdict is Verdict.VOID}
        talkers = {talker for talker, _ in self._verdicts}
        silent = void & PARTS if talkers - void or void - PARTS else set()
        return min(verdict for (talker, _), verdict in self._verdicts.items() if talker not in silent)

    def is_good_beside(self, talker: str) -> bool:
        """Whether somebody else has told of a fix."""
        return self.verdict not in (None, Verdict.VOID) and any(other != talker for other, _ in self._verdicts)

    def add(self, s: Sentence) -> None:
        """Take in one more sentence of this instant."""
        key = (s.talker, s.kind)
        n = self._seen.get(key, 0) + 1
        if n == 1 and len(self._seen) >= KEYS_MAX:
            return
        self._seen[key] = n
        if not s.proprietary or self.needs(s):
            self.mark = (s.talker, s.kind, n)
        if s.verdict is not None:
            self._verdicts[key] = min(s.verdict, self._verdicts.get(key, s.verdict))
        if s.proprietary:
            self._add_proprietary(s)
            return
        self.is_standard = self.is_standard or s.verdict is not None
        if s.lat is not None and s.lon is not None and (s.lat or s.lon):  # 0 N 0 E, to the last digit, is an empty field in digits
            self._position = (s.lat, s.lon)
        if s.alt_m is not None:
            self._alt_m = s.alt_m
        if s.day is not None:
            self.days.add(s.day)
        if s.speed_mps is not None:
            self._speed_mps = s.speed_mps
        if s.course_deg is not None:
            self._course_deg = s.course_deg
        self._add_quality(s)

    def _add_quality(self, s: Sentence) -> None:
        if s.hdop is not None:
            self._dops["h"] = s.hdop
        if s.pdop is not None:
            self._dops["p"] = s.pdop
        if s.vdop is not None:
            self._dops["v"] = s.vdop
        if s.acc_m is not None:
            self._errors_m[s.kind] = s.acc_m
        if s.quality is not None:
            self._qualities[s.kind] = s.quality
        if s.nav_mode is not None:
            self._nav_mode = max(s.nav_mode, self._nav_mode or 0)
        self.used.update(s.used)
        if s.sats is not None:
            self._counted[s.talker] = max(s.sats, self._counted.get(s.talker, 0))

    def _add_proprietary(self, s: Sentence) -> None:
        """The rest of it is filled in when the fix leaves: standard sentences that come after it count more."""
        self._filling.append(s)
        if not self.days and s.day is not None:
            self.days.add(s.day)
        if self._position is None and s.lat is not None and s.lon is not None:
            self._position = (s.lat, s.lon)

    def _moves(self) -> bool:
        """Whether a standard sentence speaks of speed and course. An empty course then is that of a car that stands, another noise."""
        return any(kind in ("RMC", "VTG") for _, kind in self._seen)

    def _fill_in(self) -> None:
        """What the standard sentences do not speak of."""
        moves = self._moves()
        for s in self._filling:
            if self._alt_m is None:
                self._alt_m = s.alt_m
            if not moves and self._speed_mps is None:
                self._speed_mps, self._course_deg = s.speed_mps, s.course_deg
            for name, dop in (("h", s.hdop), ("p", s.pdop), ("v", s.vdop)):
                if dop is not None:
                    self._dops.setdefault(name, dop)
            if s.acc_m is not None:
                self._errors_m[s.kind] = s.acc_m
            if s.quality is not None:
                self._qualities[s.kind] = s.quality
            if self._nav_mode is None:
                self._nav_mode = s.nav_mode
            if s.sats is not None and not self._counted:
                self._counted["GN"] = s.sats

    def fix(self, utc_ms: int | None, date_moved: bool = False) -> Fix | None:
        """The instant as an event; None when no sentence spoke of a fix (ZDA alone)."""
        if self.verdict is None:
            return None
        if self._filling:
            self._fill_in()
        mode = self._mode()
        if mode is FixMode.NONE or self._position is None:
            return Fix(self.at, FixMode.NONE, sats=self._sats())
        (lat, lon), hdop, quality = self._position, self._dops.get("h"), self._quality()
        acc_m = next((self._errors_m[kind] for kind in ("GST", "GBS", "00") if kind in self._errors_m), None)
        estimated = acc_m is None and hdop is not None and mode is not FixMode.DEAD_RECKONING
        if estimated and hdop is not None:
            acc_m = hdop * UERE_M.get(quality or "autonomous", UERE_M["autonomous"])
        motion, dops = (self._speed_mps, self._course_deg), (self._dops.get("p"), self._dops.get("v"))
        facts = (self._alt_m, *motion, hdop, acc_m, self._sats(), *dops, quality, estimated)
        return Fix(self.at, mode, utc_ms, lat, lon, *facts, date_moved=date_moved and utc_ms is not None)

    def _quality(self) -> str | None:
        """GGA tells more than a mode indicator; dead reckoning is told by any."""
        if self.verdict is Verdict.ESTIMATED:
            return "estimated"
        standard = next((self._qualities[kind] for kind in ("GGA", "GNS", "RMC", "GLL") if kind in self._qualities), None)
        return standard or next(iter(self._qualities.values()), None)

    def _mode(self) -> FixMode:
        if self.verdict is Verdict.VOID or self._nav_mode == 1 or self._position is None:
            return FixMode.NONE
        if self.verdict is Verdict.ESTIMATED:
            return FixMode.DEAD_RECKONING
        if self._too_few():
            return FixMode.NONE
        flat = self._nav_mode == 2 if self._nav_mode else self._alt_m is None
        return FixMode.TWO_D if flat else FixMode.THREE_D

    def _too_few(self) -> bool:
        """GP and GN count for all; Telit sends one GGA a constellation with its share; Furuno's GGA counts GPS, its GNS beside it all."""
        counts = [n for talker, n in self._counted.items() if talker in ("GP", "GN")]
        if not any(counts) and any(kind in ("RMC", "GLL") for _, kind in self._verdicts):
            return False  # `00` beside a good RMC: the receiver does not count
        return bool(counts) and max(*counts, len(self.used), 0) < SATELLITES_MIN

    def _sats(self) -> dict[str, int]:
        """Satellites used by constellation: from GSA; else the counts of GGA or GNS, `GN` being all together.

        A GPGGA counts GPS alone only where others count for themselves beside it; many a receiver says GP, and means all.
        """
        if not self.used:
            named = {TALKERS[talker]: n for talker, n in self._counted.items() if talker in PARTS and n}
            mixed = {talker: n for talker, n in self._counted.items() if talker not in PARTS and n}
            if named and set(mixed) == {"GP"}:
                return mixed | named
            return {"GN": max(mixed.values())} if mixed else named
        sats: dict[str, int] = {}
        for name, _ in self.used:
            sats[name] = sats.get(name, 0) + 1
        return sats

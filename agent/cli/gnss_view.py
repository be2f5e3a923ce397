"""Events of a receiver in, a page of plain text out: what whoever installs the receiver wants to see."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from agent.core.events import Antenna, Event, Fix, FixMode, ReceiverDown, ReceiverHeard, ReceiverSpoke, ReceiverUp, Satellite, Sky

NAMES = {"BD": "BeiDou", "GP": "GPS", "GL": "GLONASS", "GA": "Galileo", "GQ": "QZSS", "GI": "NavIC", "SB": "SBAS", "GN": "all"}
ORDER = ("BD", "GP", "GL", "GA", "GQ", "GI", "SB")

BAR = " ▁▂▃▄▅▆▇█"
CN0_MAX_DBHZ = 50.0
"""A full bar; under open sky the best have 45 to 50, below 25 a signal is hardly of use."""

WEAK_DBHZ = 35.0
"""The best satellites of a sound antenna under open sky are well above; below, look at the antenna and its place."""

STALE_S = 3.0
RATE_FIXES = 20
TEXTS_SHOWN = 6
KINDS_SHOWN = 24
PER_LINE = 8


class View:
    """What is known of one receiver, for its page."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._down: str | None = None
        self._fix: Fix | None = None
        self._good: Fix | None = None
        self._fixes: deque[float] = deque(maxlen=RATE_FIXES)
        self._sky: Sky | None = None
        self._antenna: Antenna | None = None
        self._heard: ReceiverHeard | None = None
        self._texts: deque[str] = deque(maxlen=TEXTS_SHOWN)
        self._sentences = 0
        self._refused: dict[str, int] = {}
        self._corrected: dict[str, int] = {}

    def take(self, event: Event) -> None:
        """One more event."""
        match event:
            case ReceiverUp(port=port):
                self._port, self._down = port, None
            case ReceiverDown(reason=reason):
                self._down = reason
            case Fix():
                self._fix = event
                self._fixes.append(event.at)
                if event.lat is not None:
                    self._good = event
            case Sky():
                self._sky = event
            case Antenna():
                self._antenna = event
            case ReceiverSpoke(text=text):
                self._texts.append(text)
            case ReceiverHeard():
                self._heard = event
                self._sentences += event.sentences
                _add(self._refused, event.refused)
                _add(self._corrected, event.corrected)

    def page(self, now: float, baud: int, since_s: float, others: Sequence[str] = ()) -> str:
        """The page, `now` in monotonic seconds; `since_s`: how long we have been listening; `others`: ports that are not read, and why."""
        port = f"{self._port} at {baud} baud" if "://" not in self._port else self._port
        rows = [f"{port}, {since_s:.0f} s" + (f"; GONE: {self._down}; trying again" if self._down else "")]
        rows += [f"not read    {other}" for other in others]
        rows += [f"fix         {self._fix_row(now)}", f"time        {self._time_row()}", f"quality     {self._quality_row()}"]
        rows += [f"antenna     {'not told' if self._antenna is None else self._antenna.state.upper()}"]
        rows += self._sky_rows(now)
        rows += [f"rate        {self._rate_row()}", f"sentences   {self._kinds_row()}", f"errors      {self._errors_row()}"]
        rows += [f"says        {text}" for text in self._texts]
        return "\n".join(rows)

    def _fix_row(self, now: float) -> str:
        fix = self._fix
        if fix is None:
            return "none heard yet"
        if fix.lat is None or fix.lon is None:
            ago = "" if self._good is None else f", the last {now - self._good.at:.0f} s ago"
            return f"NONE{ago}"
        where = f"{fix.mode.value}  {fix.lat:.7f} {fix.lon:.7f}  {_unit(fix.alt_m, 'm', 1)}"
        moving = f"{_unit(fix.speed_mps, 'm/s', 2)}  {_unit(fix.course_deg, 'deg', 0)}"
        old = now - fix.at
        return f"{where}  {moving}  {'STALE, ' if old > STALE_S else ''}{old:.1f} s old"

    def _time_row(self) -> str:
        fix = self._good
        if fix is None or fix.utc_ms is None:
            return "not known"
        mended = "".join(f"; {reason} {n}" for reason, n in sorted(self._corrected.items()))
        return f"{datetime.fromtimestamp(fix.utc_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC{mended}"

    def _quality_row(self) -> str:
        fix = self._fix
        if fix is None or fix.mode is FixMode.NONE:
            return "-"
        acc = "not known" if fix.acc_m is None else f"{fix.acc_m:.1f} m{' (from hdop)' if fix.acc_estimated else ''}"
        dops = "  ".join(
            f"{name} {'-' if dop is None else dop}" for name, dop in (("hdop", fix.hdop), ("pdop", fix.pdop), ("vdop", fix.vdop))
        )
        used = ", ".join(f"{NAMES.get(system, system)} {n}" for system, n in sorted(fix.sats.items())) or "not told"
        return f"{fix.quality or 'kind not told'}  accuracy {acc}  {dops}  used: {used}"

    def _sky_rows(self, now: float) -> list[str]:
        if self._sky is None:
            return ["satellites  not told (no GSV)"]
        seen = self._sky.satellites
        best = sorted((one.cn0_dbhz for one in seen if one.cn0_dbhz is not None), reverse=True)[:4]
        mean = sum(best) / len(best) if best else None
        weak = "" if mean is None or mean >= WEAK_DBHZ else "  WEAK: look at the antenna and its place"
        rows = [f"satellites  {sum(one.used for one in seen)} used of {len(seen)} in view; best four {_unit(mean, 'dB-Hz', 0)}{weak}"]
        systems = sorted({one.system for one in seen}, key=lambda system: ORDER.index(system) if system in ORDER else len(ORDER))
        for system in systems:
            ours = [one for one in seen if one.system == system]
            name = f"{NAMES.get(system, system):8}{sum(one.used for one in ours):2}/{len(ours):<2}"
            for i in range(0, len(ours), PER_LINE):
                rows.append(f"  {name if i == 0 else '':13} " + "  ".join(_bar(one) for one in ours[i : i + PER_LINE]).rstrip())
        return rows

    def _rate_row(self) -> str:
        if len(self._fixes) < 2 or self._fixes[-1] <= self._fixes[0]:
            return "-"
        hz = (len(self._fixes) - 1) / (self._fixes[-1] - self._fixes[0])
        return f"{hz:.1f} Hz" + ("" if self._heard is None else f", {self._heard.sentences} sentences in the last second")

    def _kinds_row(self) -> str:
        if self._heard is None or not self._heard.kinds:
            return "none"
        return " ".join(f"{kind}x{n}" if n > 1 else kind for kind, n in sorted(self._heard.kinds.items())[:KINDS_SHOWN])

    def _errors_row(self) -> str:
        bad = sum(self._refused.values())
        if not bad:
            return f"none in {self._sentences} sentences"
        share = bad / (bad + self._sentences)
        return f"{bad} lines refused of {bad + self._sentences} ({share:.1%}): " + ", ".join(
            f"{r} {n}" for r, n in sorted(self._refused.items())
        )


def _add(total: dict[str, int], counts: dict[str, int]) -> None:
    for name, n in counts.items():
        total[name] = total.get(name, 0) + n


def _unit(value: float | None, unit: str, digits: int) -> str:
    return f"- {unit}" if value is None else f"{value:.{digits}f} {unit}"


def _bar(one: Satellite) -> str:
    """Number, bar, C/N0, and a star when it is used."""
    cn0 = one.cn0_dbhz
    height = 0 if cn0 is None else min(len(BAR) - 1, max(1, round(cn0 / CN0_MAX_DBHZ * (len(BAR) - 1))))
    return f"{one.prn:>3}{BAR[height]}{'--' if cn0 is None else f'{cn0:2.0f}'}{'*' if one.used else ' '}"

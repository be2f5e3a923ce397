"""Bytes of a receiver in, what it says out as events (fix, sky, antenna, answers), with counts: pure, the clock comes in as stamps.

A line runs from `$` to its line end. Whatever stands before the last `$` (binary packets, the wrong speed, a line cut short by lost bytes)
is passed over, and memory is bounded whatever comes.
"""

import re

from agent.adapters.dates import BUILD_DAY
from agent.adapters.epoch import QUIET_S, Epochs
from agent.adapters.facts import Sentence
from agent.adapters.satellites import Sight
from agent.adapters.sentences import LOG_CHARS_MAX, LineRefused, parse
from agent.adapters.skyview import SkyView
from agent.adapters.words import Word
from agent.core.events import Antenna, Fix, ReceiverSpoke, Sky

OTHERS = (b"!", b"#")
"""What good lines without `$` begin with: AIS, and logs of Unicore's and NovAtel's receivers, of which #VERSIONA says who it is."""

CHECKSUM = re.compile(rb"\*[0-9A-Fa-f]{2}$")
MERGED_MAX = 8
"""Whole sentences on one line without their line ends, of which each is read."""

KINDS_MAX = 64

SPOKE_MAX = 8
"""Texts told between two `counts` (a second): a receiver that restarts says a dozen, one that chatters gets no more."""

SPOKE_KEPT = 32
"""Texts that are not told again while they are among the last so many: most receivers repeat them."""

ANTENNA_S = 0.95
ANTENNA_AGAIN_S = 10.0
"""Some receivers say it when they start and when it changes (u-blox), and what is said once may be lost on its way: so often it is told
again while the receiver tells of fixes, or of none."""

Told = Fix | Sky | Antenna | ReceiverSpoke


class Nmea:
    """Reads one receiver's bytes; `not_before` (days since 1970) and `recorded` as in `Calendar`."""

    def __init__(self, not_before: int = BUILD_DAY, *, recorded: bool = False) -> None:
        self.sentences = 0
        """Good ones, since the last `counts`."""
        self._refused: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._epochs = Epochs(not_before, recorded=recorded)
        self._skyview = SkyView()
        self._tail = b""
        self._tail_at = 0.0
        self._heard_at = 0.0
        self._pause_s = 0.0
        self._texts: dict[str, None] = {}
        self._spoke = 0
        self._antenna = Antenna(-ANTENNA_S, "")

    @property
    def mid_line(self) -> bool:
        """Whether the bytes that came last ended within a line."""
        return bool(self._tail)

    def ahead_ms(self, at: float) -> int:
        """How far the instant that began at `at`, of which more may come, is after the last fix."""
        return self._epochs.ahead_ms(at)

    def feed(self, at: float, data: bytes, pause_s: float = 0.0) -> list[Told]:
        """Bytes that came at `at`, after the port was empty for `pause_s`; the events that are complete with them."""
        told: list[Told] = []
        self._heard_at = at
        self._pause_s = max(self._pause_s, 0.0 if self._tail else pause_s)
        first_at = self._tail_at if self._tail else at
        held = len(self._tail)
        *lines, tail = (self._tail + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line:
                self._line(first_at if line.rfind(b"$", 0, held) == line.rfind(b"$") else at, line, told)
            first_at, held = at, 0
        if len(tail) > LOG_CHARS_MAX:
            self._refuse("too_long" if tail.startswith(b"$") else "noise")
            resync = tail.rfind(b"$", 1)
            tail = tail[resync:] if resync > 0 and len(tail) - resync <= LOG_CHARS_MAX else b""
            first_at = at
        self._tail, self._tail_at = tail, first_at
        return told

    def flush(self, now: float) -> list[Told]:
        """To be asked while nothing comes: the fix that a pause of QUIET_S has completed."""
        return self._with_sky(self._epochs.flush()) if now - self._heard_at >= QUIET_S else []

    def end(self) -> list[Told]:
        """The port is gone, or another speed is tried: what was complete leaves, half a line is forgotten."""
        self._tail = b""
        return self._with_sky(self._epochs.flush())

    def counts(self) -> tuple[int, dict[str, int]]:
        """Good sentences, and refused lines by reason, since the last call."""
        counted = self.sentences, self._refused
        self.sentences, self._refused, self._spoke = 0, {}, 0
        return counted

    def details(self) -> tuple[dict[str, int], dict[str, int]]:
        """What was mended in times, by reason, and good sentences by talker and type, since the last call."""
        calendar = self._epochs.calendar
        told = calendar.corrected, self._kinds
        calendar.corrected, self._kinds = {}, {}
        return told

    def _refuse(self, reason: str) -> None:
        self._refused[reason] = self._refused.get(reason, 0) + 1

    def _line(self, at: float, raw: bytes, told: list[Told]) -> None:
        first = raw.find(b"$")
        if first < 0:
            first = max(raw.rfind(mark) for mark in OTHERS) if b"*" in raw else -1
            if first < 0:
                self._refuse("noise")
                return
        start = max(first, raw.rfind(b"$"))
        if first < start - 1:  # `$$GNRMC` is a habit of some receivers, no loss
            merged = [piece.rstrip() for piece in raw[first:start].split(b"$") if piece][-MERGED_MAX:]
            if all(CHECKSUM.search(piece) for piece in merged):  # only the line ends between them were lost
                for piece in merged:
                    self._sentence(at, b"$" + piece, told)
            else:
                self._refuse("cut")
        self._sentence(at, raw[start:], told)

    def _sentence(self, at: float, raw: bytes, told: list[Told]) -> None:
        try:
            line = raw.decode("ascii").rstrip()
            said = parse(line, with_sky=self._skyview.wants(at))
        except UnicodeDecodeError:
            self._refuse("noise")
            return
        except LineRefused as e:
            self._refuse(e.reason)
            return
        self.sentences += 1
        self._count(line)
        match said:
            case Sentence():
                if said.spared:
                    self._epochs.calendar.count("field")
                pause_s, self._pause_s = self._pause_s, 0.0
                if fixes := self._epochs.take(at, said, pause_s):
                    told += self._with_sky(fixes)
            case Sight():
                self._skyview.take(at, said)
            case Word():
                self._heed(at, said, told)

    def _count(self, line: str) -> None:
        kind = line[1:].partition(",")[0].partition("*")[0][:16]
        if kind not in self._kinds and len(self._kinds) >= KINDS_MAX:
            kind = "other"
        self._kinds[kind] = self._kinds.get(kind, 0) + 1

    def _with_sky(self, fixes: list[Fix]) -> list[Told]:
        """The fixes first: nobody waits for a sky."""
        told: list[Told] = list(fixes)
        if fixes and self._antenna.state and fixes[-1].at - self._antenna.at >= ANTENNA_AGAIN_S:
            self._antenna = Antenna(fixes[-1].at, self._antenna.state)
            told.append(self._antenna)
        if fixes and (sky := self._skyview.sky(fixes[-1].at, self._epochs.used)) is not None:
            told.append(sky)
        return told

    def _heed(self, at: float, word: Word, told: list[Told]) -> None:
        """An antenna's state is told at each change and at most each second, a text once."""
        if word.antenna is not None:
            if word.antenna != self._antenna.state or at - self._antenna.at >= ANTENNA_S:
                self._antenna = Antenna(at, word.antenna)
                told.append(self._antenna)
            return
        if not word.text or word.text in self._texts or self._spoke >= SPOKE_MAX:
            return
        self._spoke += 1
        self._texts[word.text] = None
        if len(self._texts) > SPOKE_KEPT:
            del self._texts[next(iter(self._texts))]
        told.append(ReceiverSpoke(at, word.text))

"""Promises about records: what is kept, sent, forgotten and dated. See `promises`."""

import zlib
from bisect import bisect_left
from typing import TYPE_CHECKING

import msgpack

from agent.core.effects import Connect, Forget
from agent.core.events import Fix, FixMode, Lane, LinkUp, StopRequested, Stored
from agent.core.window import ALARMS_IN_FLIGHT_MAX, RESERVE_BYTES
from agent.wire import codec, track
from agent.wire.records import Gap, Track
from simulator.facts import Accepted, Arrived, Booted, Committed, Denied, Died, Quarantined, Sent, Written
from simulator.promises import Promise

if TYPE_CHECKING:
    from simulator.world import World

ALARM_KINDS = ("alarm",)
"""What goes in the lane of alarms (contract: alarm and ack before everything else)."""


class NothingIsLost(Promise):
    """Durable records arrive."""

    name = "nothing is lost"
    sentence = "A record to be kept reaches the centre, unless the process died before disk or broker had it, or its loss is declared."
    hears = (
        (Written, "written"),
        (Committed, "safe"),
        (Stored, "safe"),
        (Arrived, "arrived"),
        (Died, "died"),
        (Quarantined, "quarantined"),
    )

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._owed: dict[str, tuple[str, int, int]] = {}
        self._safe: set[str] = set()
        self._given_up: dict[tuple[str, str], int] = {}

    def written(self, written: Written) -> None:
        """Owed from now on: kind, when, how many fixes."""
        facts = written.facts
        self._owed[written.name] = (facts["kind"], facts["mono"], facts.get("n", 0) if facts["kind"] == "track" else 0)

    def safe(self, safe: Committed | Stored) -> None:
        """On disk, or so the unit was told."""
        self._safe.update(name for name in safe.names if name in self._owed)

    def arrived(self, arrived: Arrived) -> None:
        """The centre has it."""
        record = arrived.arrival.record
        if record is None:
            self.broken(f"the centre cannot read {arrived.arrival.topic}: {arrived.arrival.trouble}")
        name = f"{record.boot}-{record.seq}"
        self._safe.discard(name)
        self._owed.pop(name, None)
        if not arrived.arrival.duplicate:
            if isinstance(record, Track):
                self.world.counts["fixes delivered"] += record.n
            if isinstance(record, Gap) and record.why == "memory_full":
                what = (record.boot, record.what)
                self._given_up[what] = self._given_up.get(what, 0) + (record.count or 0)

    def died(self, died: Died) -> None:
        """What was in no safe place is gone, and nobody promised it."""
        gone = [name for name in self._owed if name.startswith(died.boot) and name not in self._safe]
        for name in gone:
            self.world.counts["records uncommitted at a death"] += 1
            self.world.counts["fixes uncommitted"] += self._owed.pop(name)[2]

    def quarantined(self, quarantined: Quarantined) -> None:
        """A damaged store declares itself."""
        for name in quarantined.names:
            self._safe.discard(name)
            if self._owed.pop(name, None) is not None:
                self.world.counts["records lost with a damaged store"] += 1

    def verdict(self) -> None:
        """Nothing is owed any more, or a gap record says so."""
        for name, (kind, _, _) in sorted(self._owed.items()):
            what = (name[:16], kind)
            if not self._given_up.get(what):
                disk = "on disk" if name in self._safe else "not on disk"
                self.broken(f"{kind} {name} ({disk}) has not come, as one of {len(self._owed)}; declared: {self._given_up}")
            self._given_up[what] -= 1
            self.world.counts["records given up and declared"] += 1


class ForgetAfterAck(Promise):
    """A row goes only when it is safe elsewhere."""

    name = "forget after PUBACK"
    sentence = "A row is forgotten only when the broker has acknowledged its record."
    hears = ((Accepted, "accepted"), (Forget, "forget"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._accepted: set[str] = set()

    def accepted(self, accepted: Accepted) -> None:
        """The broker has it."""
        self._accepted.add(accepted.sent.name)

    def forget(self, forget: Forget) -> None:
        """Is it there?"""
        for name in forget.names:
            if name not in self._accepted:
                self.broken(f"{name} is forgotten, and the broker never had it")


class OneNameOneRecord(Promise):
    """The integrator's key."""

    name = "one name, one record"
    sentence = "(unit, boot, seq) names one record for ever; only hist, time and clock may be amended."
    hears = ((Sent, "sent"), (Written, "written"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._digests: dict[str, int] = {}

    def sent(self, sent: Sent) -> None:
        """On its way."""
        if sent.name:
            self._look(sent.name, sent.facts)

    def written(self, written: Written) -> None:
        """To be kept."""
        self._look(written.name, written.facts)

    def _look(self, name: str, facts: dict[str, object]) -> None:
        digest = zlib.crc32(msgpack.packb({key: value for key, value in facts.items() if key not in ("hist", "time", "clock")}))
        if self._digests.setdefault(name, digest) != digest:
            self.broken(f"{name} now says {facts}")


class TrueTime(Promise):
    """Evidence is dated."""

    name = "true time"
    sentence = "A record's time is true within clock.err_ms, and never runs backwards within a boot."
    hears = ((Booted, "booted"), (Sent, "sent"))

    ROUNDING_MS = 2
    """`mono` and `time` are rounded each."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._origins: dict[str, float] = {}
        self._times: dict[str, list[tuple[int, int]]] = {}

    def booted(self, booted: Booted) -> None:
        """What its monotonic clock counts from."""
        self._origins[booted.boot] = booted.origin

    def sent(self, sent: Sent) -> None:
        """Compare with the truth, and with its neighbours."""
        facts = sent.facts
        time = facts.get("time")
        if time is None:
            return
        boot, mono = facts["boot"], facts["mono"]
        clock = facts["clock"]
        wrong = time - self.world.utc_ms(self._origins[boot] + mono / 1000)
        if abs(wrong) > clock["err_ms"] + self.ROUNDING_MS:
            self.broken(f"{sent.kind} {sent.name} is {wrong:.0f} ms wrong and says {clock}")
        if not sent.name:
            return
        times = self._times.setdefault(boot, [])
        here = (mono, time)
        place = bisect_left(times, here)
        if times[place : place + 1] == [here]:
            return  # sent once more
        before = times[place - 1] if place else None
        after = times[place] if place < len(times) else None
        times.insert(place, here)
        if (before and before[0] < mono and before[1] > time) or (after and after[0] > mono and after[1] < time):
            self.broken(f"{sent.kind} {sent.name} at {here} lies between {before} and {after} (ms monotonic, ms UTC)")


class AlarmsFirst(Promise):
    """Help before housekeeping."""

    name = "alarms first"
    sentence = "When the link comes up, alarms that wait leave before anything else."
    hears = ((Written, "written"), (LinkUp, "link_up"), (Sent, "sent"), (Accepted, "accepted"), (Died, "died"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._waiting: dict[str, None] = {}
        self._tried: dict[str, None] = {}
        self._up: LinkUp | None = None
        self._other = ""

    def written(self, written: Written) -> None:
        """An alarm waits from now on."""
        if written.store.lane is Lane.ALARM:
            self._waiting[written.name] = None

    def accepted(self, accepted: Accepted) -> None:
        """It waits no more."""
        self._waiting.pop(accepted.sent.name, None)

    def died(self, _: Died) -> None:
        """What lies on disk has to be read first, and has no turn of its own."""
        self._waiting.clear()

    def link_up(self, up: LinkUp) -> None:
        """From here on."""
        self._up, self._other = up, ""
        self._tried.clear()

    def sent(self, sent: Sent) -> None:
        """Who goes first?"""
        if self._up is None or self.world.judge.event is not self._up:
            self._up = None
            return
        if sent.way == "up" and sent.kind in ALARM_KINDS:
            self._tried[sent.name] = None
            if self._other:
                self.broken(f"{sent.kind} {sent.name} leaves after {self._other}")
        elif not self._other:
            self._other = sent.publish.topic
            left = [name for name in self._waiting if name not in self._tried]
            if left and len(self._tried) < ALARMS_IN_FLIGHT_MAX and not self.world.mailbox.meddling.on:
                self.broken(f"{sent.publish.topic} leaves while {', '.join(left)} waits")


class Window(Promise):
    """Little stands before an alarm."""

    name = "window"
    sentence = "Bytes on the line unanswered stay within window and reserve, but for one message; alarms and states apart, which are few."
    hears = ((Connect, "connect"), (Sent, "sent"), (Accepted, "answered"), (Denied, "answered"), (Died, "clear"))

    STATES_MAX = 64

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._line: dict[int, tuple[str, int]] = {}
        self._bytes = 0
        self._largest = 0
        self._few = 0
        self._limit = world.config.mqtt.window_bytes + RESERVE_BYTES
        self.most = 0

    def clear(self, _: Died) -> None:
        """Nobody waits any more."""
        self._line.clear()
        self._bytes = self._few = 0

    def connect(self, _: Connect) -> None:
        """A new line is empty."""
        self._line.clear()
        self._bytes = self._few = 0

    def sent(self, sent: Sent) -> None:
        """On the line, when there is one."""
        if not self.world.broker.connected:
            return
        size = len(sent.publish.payload)
        few = sent.way == "state" or sent.kind in ALARM_KINDS
        self._line[sent.publish.token] = ("few" if few else "window", size)
        if few:
            self._few += 1
            if self._few > ALARMS_IN_FLIGHT_MAX + self.STATES_MAX:
                self.broken(f"{self._few} alarms and states without an answer")
            return
        self._bytes += size
        self._largest = max(self._largest, size)
        self.most = max(self.most, self._bytes)
        if self._bytes > self._limit + self._largest:
            self.broken(f"{self._bytes} bytes on the line, {self._limit} allowed")

    def answered(self, answered: Accepted | Denied) -> None:
        """Off the line."""
        which, size = self._line.pop(answered.sent.publish.token, ("", 0))
        self._bytes -= size if which == "window" else 0
        self._few -= which == "few"


Instant = tuple[float | None, ...]
"""What a fix is known by: `at` in ms and UTC; without UTC, `at` and what it says."""


class EveryFixOnce(Promise):
    """The track is complete."""

    name = "every fix once"
    sentence = "A fix that the unit has taken is in exactly one track; only the last, unsealed interval may die with the process."
    hears = ((Booted, "booted"), (Fix, "fix"), (StopRequested, "stop"), (Written, "written"), (Died, "died"))

    SLACK_S = 5.0
    """Events may be late, and a batch is sealed when the timer says so."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._open: dict[Instant, float] = {}
        self._taken: set[Instant] = set()
        self._by_time: dict[tuple[str, int], list[Instant]] = {}
        self._stopping = False
        self._interval_s = max(world.config.store.commit_interval_s, world.config.store.commit_interval_online_s)

    def booted(self, _: Booted) -> None:
        """A new unit has nothing."""
        self._open, self._taken, self._by_time, self._stopping = {}, set(), {}, False

    def stop(self, _: StopRequested) -> None:
        """From here on it takes no more: the last batch is sealed."""
        self._stopping = True

    def fix(self, fix: Fix) -> None:
        """The unit takes it; the same one may come twice. Several that came late together may share their `at`."""
        mono = round(fix.at * 1000)
        key = (mono, fix.utc_ms) if fix.utc_ms is not None else (mono, fix.lat, fix.lon, fix.speed_mps, fix.course_deg)
        if fix.mode is FixMode.NONE or key in self._taken or self._stopping:
            return
        self._taken.add(key)
        self._open[key] = fix.at if fix.read_at is None else fix.read_at
        self._by_time.setdefault(("mono", mono), []).append(key)
        if fix.utc_ms is not None:
            self._by_time.setdefault(("utc", fix.utc_ms), []).append(key)
        self.world.counts["fixes taken"] += 1
        self.world.counts["fixes taken late"] += fix.read_at is not None

    def written(self, written: Written) -> None:
        """A batch is sealed."""
        if written.facts["kind"] != "track":
            return
        record = codec.decode(written.store.payload)
        assert isinstance(record, Track)
        for fix in track.unpack(record):
            keys = self._by_time.get((record.t_is, fix.t), [])
            key = next((key for key in keys if key in self._open), None)
            if key is None:
                what = "is in a track for the second time" if keys else "was never taken"
                self.broken(f"the fix at {fix.t} ms {record.t_is} in {written.name} {what}")
            del self._open[key]

    def died(self, died: Died) -> None:
        """What was open is gone; after an orderly end there is nothing open."""
        self.world.counts["fixes uncommitted"] += len(self._open)
        now = self.world.mono()
        old = [at for at in self._open.values() if at < now - self._interval_s - self.SLACK_S]
        if old:
            self.broken(f"{len(old)} fixes were lost that were old enough to be on disk; the oldest was {now - old[0]:.0f} s old")
        if died.how == "stop" and self._open:
            self.broken(f"an orderly end lost {len(self._open)} fixes")

    def verdict(self) -> None:
        """All is sealed."""
        if self._open:
            self.broken(f"{len(self._open)} fixes are in no track; the first at {min(self._open.values()):.3f} s")


RECORD_PROMISES: tuple[type[Promise], ...] = (
    NothingIsLost,
    ForgetAfterAck,
    OneNameOneRecord,
    TrueTime,
    AlarmsFirst,
    Window,
    EveryFixOnce,
)

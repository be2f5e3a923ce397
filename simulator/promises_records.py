"""Promises about records: what is kept, sent, forgotten and dated. See `promises`."""

import zlib
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import msgpack

from agent.core.effects import Connect, Forget, Keep
from agent.core.events import Lane, LinkUp, Stored
from agent.core.window import ALARMS_FRESH, ALARMS_IN_FLIGHT_MAX, GROWTH_MAX, RESERVE_BYTES
from agent.wire.records import Gap, Track
from simulator import reading
from simulator.declared import GIVEN_UP, Declared
from simulator.facts import Accepted, Arrived, Booted, Committed, Denied, Died, Mislaid, PrunedRows, Quarantined, Sent, Written
from simulator.promises import Promise
from simulator.promises_track import DraftsKeep, EveryFixOnce

if TYPE_CHECKING:
    from simulator.world import World

ALARM_KINDS = ("alarm",)
"""What goes in the lane of alarms (contract: alarm and ack before everything else)."""


class NothingIsLost(Promise):
    """Durable records arrive."""

    name = "nothing is lost"
    sentence = (
        "A record to be kept reaches the centre, though its broker loses what it acknowledged, "
        "unless the process died before disk or broker had it, or its loss is declared, as no alarm's may be; "
        "a declaration may be lost as records may."
    )
    hears = (
        (Sent, "sent"),
        (Mislaid, "mislaid"),
        (Written, "written"),
        (PrunedRows, "pruned"),
        (Committed, "safe"),
        (Stored, "safe"),
        (Accepted, "accepted"),
        (Arrived, "arrived"),
        (Died, "died"),
        (Quarantined, "quarantined"),
    )

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._owed: dict[str, tuple[str, int, int]] = {}
        self._safe: set[str] = set()
        self._arrived: set[str] = set()
        self._mislaid: set[str] = set()
        self._declared = Declared()
        self._given_up: dict[tuple[str, str], int] = {}

    def written(self, written: Written) -> None:
        """Owed from now on: kind, when, how many fixes."""
        self._owe(written.name, written.facts)
        self._declared.said(written.name, written.facts)

    def sent(self, sent: Sent) -> None:
        """A track may leave before it is written."""
        self._declared.said(sent.name, sent.facts)
        if sent.kind == "track":
            self._owe(sent.name, sent.facts)

    def _owe(self, name: str, facts: dict[str, Any]) -> None:
        if name not in self._arrived:
            self._owed[name] = (facts["kind"], facts["mono"], facts.get("n", 0) if facts["kind"] == "track" else 0)

    def accepted(self, accepted: Accepted) -> None:
        """The broker has it, or says so."""
        self._declared.safe(accepted.sent.name)

    def mislaid(self, mislaid: Mislaid) -> None:
        """The unit believes that it is delivered."""
        self._mislaid.add(mislaid.sent.name)

    def pruned(self, pruned: PrunedRows) -> None:
        """What had not been sent is to be declared; what was history may go."""
        if pruned.lane is Lane.ALARM and pruned.names:
            self.broken(f"alarms are given up to make room: {', '.join(pruned.names)}")
        for name in pruned.names:
            if pruned.lane is not None:
                assert self.world.unit is not None
                self._declared.removed(self.world.unit.boot, name, pruned.lane.name.lower())
                self._excuse(self._declared.gone(name), "records whose declaration was given up itself")
            elif name in self._mislaid and (owed := self._owed.pop(name, None)) is not None:
                self.world.counts["records lost by the broker and pruned"] += 1
                self.world.counts["fixes lost by the broker"] += owed[2]
                self._excuse(self._declared.gone(name), "records whose declaration was lost by the broker and pruned")

    def safe(self, safe: Committed | Stored) -> None:
        """On disk, or so the unit was told."""
        self._safe.update(name for name in safe.names if name in self._owed)
        for name in safe.names:
            self._declared.safe(name)

    def arrived(self, arrived: Arrived) -> None:
        """The centre has it."""
        record = arrived.arrival.record
        if record is None:
            self.broken(f"the centre cannot read {arrived.arrival.topic}: {arrived.arrival.trouble}")
        name = f"{record.boot}-{record.seq}"
        self._safe.discard(name)
        self._owed.pop(name, None)
        self._arrived.add(name)
        self.world.counts["records that came by asking again"] += name in self._mislaid
        self._mislaid.discard(name)
        if not arrived.arrival.duplicate:
            if isinstance(record, Track):
                self.world.counts["fixes delivered"] += record.n
            if isinstance(record, Gap) and record.why in GIVEN_UP:
                what = (record.of or record.boot, record.what)
                self._given_up[what] = self._given_up.get(what, 0) + (record.count or 0)

    def died(self, died: Died) -> None:
        """What was in no safe place is gone, and nobody promised it."""
        gone = [name for name in self._owed if name.startswith(died.boot) and name not in self._safe]
        for name in gone:
            self.world.counts["records uncommitted at a death"] += 1
            self.world.counts["fixes uncommitted"] += self._owed.pop(name)[2]
        self._cut_short(died.boot)
        if died.how != "stop":
            self._excuse(self._declared.died(died.boot), "records given up at a death, before it was declared")

    def _cut_short(self, boot: str) -> None:
        """A draft is on disk as it was last put there: what it has grown by since is gone."""
        for name, (kind, mono, fixes) in self._owed.items():
            row = self.world.store.rows.get(name) if fixes and name.startswith(boot) else None
            if row is not None and (missing := fixes - reading.facts(row.payload)["n"]):
                self.world.counts["fixes uncommitted"] += missing
                self._owed[name] = (kind, mono, fixes - missing)

    def _excuse(self, names: list[str], why: str) -> None:
        """Nobody can say any more that they are lost, and nobody promised it."""
        for name in names:
            if self._owed.pop(name, None) is not None:
                self.world.counts[why] += 1

    def quarantined(self, quarantined: Quarantined) -> None:
        """A damaged store declares itself."""
        for name in quarantined.names:
            self._safe.discard(name)
            if self._owed.pop(name, None) is not None:
                self.world.counts["records lost with a damaged store"] += 1
            self._excuse(self._declared.gone(name), "records whose declaration was lost with a damaged store")

    def verdict(self) -> None:
        """Nothing is owed any more, or a gap record says so."""
        for name, (kind, _, _) in sorted(self._owed.items()):
            what = (name[:16], self._declared.lanes.get(name, kind))
            if not self._given_up.get(what) or kind == "alarm":
                disk = "on disk" if name in self._safe else "not on disk"
                self.broken(f"{kind} {name} ({disk}) has not come, as one of {len(self._owed)}; declared: {self._given_up}")
            self._given_up[what] -= 1
            self.world.counts["records given up and declared"] += 1


class ForgetAfterAck(Promise):
    """A row goes only when it is safe elsewhere."""

    name = "forget after PUBACK"
    sentence = "A row is forgotten, or becomes history, only when the broker has acknowledged its record."
    hears = ((Accepted, "accepted"), (Forget, "forget"), (Keep, "forget"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._accepted: set[str] = set()

    def accepted(self, accepted: Accepted) -> None:
        """The broker has it."""
        self._accepted.add(accepted.sent.name)

    def forget(self, forget: Forget | Keep) -> None:
        """Is it there?"""
        for name in forget.names:
            if name not in self._accepted:
                self.broken(f"{name} is forgotten, and the broker never had it")


class OneNameOneRecord(Promise):
    """The integrator's key."""

    name = "one name, one record"
    sentence = "(unit, boot, seq) names one record for ever; only hist, time and clock may be amended; a draft grows until it is sent."
    hears = ((Booted, "booted"), (Sent, "sent"), (Written, "written"))

    FAILING_S = 60.0
    """A disk that has failed or an answer that was lost is felt for so long."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._sent: dict[str, int] = {}
        self._sizes: dict[str, int | None] = {}
        self._written: dict[str, int] = {}
        self._boot = ""

    def booted(self, booted: Booted) -> None:
        """From here on."""
        self._boot = booted.boot

    def sent(self, sent: Sent) -> None:
        """On its way: as it was before. Of an earlier boot whose disk failed it a shorter edition may follow: a repeat to be dropped."""
        digest, name = _digest(sent.facts), sent.name
        size = sent.facts.get("n", 0) if sent.kind == "track" else sent.facts.get("count") or 0
        if name not in self._sent:
            store, mailbox = self.world.store, self.world.mailbox
            failing = store.down or store.full or store.flush_s is not None or mailbox.disturbed_since(self.world.now - self.FAILING_S)
            self._sizes[name] = size if failing else None
        if name and self._sent.setdefault(name, digest) != digest and not self._may_be_shorter(name, size):
            self.broken(f"{name} now says {sent.facts}")

    def _may_be_shorter(self, name: str, size: int) -> bool:
        sent = self._sizes[name]
        return name[:16] != self._boot and sent is not None and size <= sent

    def written(self, written: Written) -> None:
        """To be kept: another edition only of what has not been sent."""
        digest, name = _digest(written.facts), written.name
        known = self._sent.get(name, digest if written.store.edition else self._written.get(name, digest))
        if known != digest:
            self.broken(f"{name} is to be kept as {written.facts}")
        self._written[name] = digest


def _digest(facts: dict[str, Any]) -> int:
    return zlib.crc32(msgpack.packb({key: value for key, value in facts.items() if key not in ("hist", "time", "clock")}))


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
            if left and len(self._tried) < ALARMS_IN_FLIGHT_MAX - ALARMS_FRESH and not self.world.mailbox.meddling.on:
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
        self._limit = GROWTH_MAX * world.config.mqtt.window_bytes + RESERVE_BYTES
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


RECORD_PROMISES: tuple[type[Promise], ...] = (
    NothingIsLost,
    ForgetAfterAck,
    OneNameOneRecord,
    TrueTime,
    AlarmsFirst,
    Window,
    EveryFixOnce,
    DraftsKeep,
)

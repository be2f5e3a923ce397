"""The promise that the track is complete. See `promises`."""

from typing import TYPE_CHECKING, Any

from agent.core.events import Fix, FixMode, StopRequested, Stored
from agent.wire import track
from agent.wire.records import Track
from simulator import reading
from simulator.facts import Arrived, Booted, Died, Sent, Written
from simulator.promises import Promise

if TYPE_CHECKING:
    from simulator.world import World

Instant = tuple[float | None, ...]
"""What a fix is known by: `at` in ms and UTC; without UTC, `at` and what it says."""


class EveryFixOnce(Promise):
    """The track is complete."""

    name = "every fix once"
    sentence = "A fix that the unit has taken is in exactly one track; only the last, unsealed interval may die with the process."
    hears = ((Booted, "booted"), (Fix, "fix"), (StopRequested, "stop"), (Written, "written"), (Sent, "sent"), (Died, "died"))

    SLACK_S = 5.0
    """Events may be late, and a batch is sealed when the timer says so."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._open: dict[Instant, float] = {}
        self._taken: set[Instant] = set()
        self._by_time: dict[tuple[str, int], list[Instant]] = {}
        self._batches: dict[str, list[track.TrackFix]] = {}
        self._boot = ""
        self._stopping = False
        self._last: set[Instant] = set()
        self._interval_s = max(world.config.store.commit_interval_s, world.config.store.commit_interval_online_s)

    def booted(self, booted: Booted) -> None:
        """A new unit has nothing."""
        self._open, self._taken, self._by_time, self._batches, self._stopping = {}, set(), {}, {}, False
        self._boot, self._last = booted.boot, set()

    def stop(self, _: StopRequested) -> None:
        """The last batch is sealed; what still comes is put on disk, if there is time for it."""
        self._stopping = True

    def fix(self, fix: Fix) -> None:
        """The unit takes it; the same one may come twice. Several that came late together may share their `at`."""
        mono = round(fix.at * 1000)
        key = (mono, fix.utc_ms) if fix.utc_ms is not None else (mono, fix.lat, fix.lon, fix.speed_mps, fix.course_deg)
        if fix.mode is FixMode.NONE or key in self._taken:
            return
        self._taken.add(key)
        if self._stopping:
            self._last.add(key)
        self._open[key] = fix.at if fix.read_at is None else fix.read_at
        self._by_time.setdefault(("mono", mono), []).append(key)
        if fix.utc_ms is not None:
            self._by_time.setdefault(("utc", fix.utc_ms), []).append(key)
        self.world.counts["fixes taken"] += 1
        self.world.counts["fixes taken late"] += fix.read_at is not None

    def written(self, written: Written) -> None:
        """A batch is on its way to the disk, for the first time or because it has grown."""
        self._batch(written.name, written.facts, written.store.payload)

    def sent(self, sent: Sent) -> None:
        """A batch leaves, perhaps before it is written; that of an earlier boot was looked at then."""
        if sent.name[:16] == self._boot:
            self._batch(sent.name, sent.facts, sent.publish.payload)

    def _batch(self, name: str, facts: dict[str, Any], payload: bytes) -> None:
        if facts["kind"] != "track":
            return
        fixes, before = reading.fixes(payload), self._batches.get(name, [])
        if fixes is before:
            return
        if fixes[: len(before)] != before:
            self.broken(f"{name} has changed what it said")
        self._batches[name] = fixes
        t_is = facts["t_is"]
        for fix in fixes[len(before) :]:
            keys = self._by_time.get((t_is, fix.t), [])
            key = next((key for key in keys if key in self._open), None)
            if key is None:
                what = "is in a track for the second time" if keys else "was never taken"
                self.broken(f"the fix at {fix.t} ms {t_is} in {name} {what}")
            del self._open[key]

    def died(self, died: Died) -> None:
        """What was open is gone; after an orderly end there is nothing open."""
        self.world.counts["fixes uncommitted"] += len(self._open)
        now = self.world.mono()
        old = [at for at in self._open.values() if at < now - self._interval_s - self.SLACK_S]
        if old:
            self.broken(f"{len(old)} fixes were lost that were old enough to be on disk; the oldest was {now - old[0]:.0f} s old")
        lost = self._open.keys() - self._last
        if died.how == "stop" and lost:
            self.broken(f"an orderly end lost {len(lost)} fixes")

    def verdict(self) -> None:
        """All is sealed."""
        if self._open:
            self.broken(f"{len(self._open)} fixes are in no track; the first at {min(self._open.values()):.3f} s")


class DraftsKeep(Promise):
    """What the store has confirmed of a batch that grows is safe."""

    name = "a draft does not shrink"
    sentence = "A batch of the track arrives with every fix of the edition that the unit was told is on disk."
    hears = ((Written, "written"), (Stored, "stored"), (Arrived, "arrived"))

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._written: dict[tuple[str, int], int] = {}
        self._stored: dict[str, int] = {}

    def written(self, written: Written) -> None:
        """An edition, with so many fixes."""
        if written.facts["kind"] == "track":
            self._written[written.name, written.store.edition] = written.facts["n"]

    def stored(self, stored: Stored) -> None:
        """It is on disk."""
        for name in stored.names:
            fixes = self._written.get((name, stored.editions.get(name, 0)), 0)
            self._stored[name] = max(self._stored.get(name, 0), fixes)

    def arrived(self, arrived: Arrived) -> None:
        """How many have come?"""
        record = arrived.arrival.record
        if isinstance(record, Track) and not arrived.arrival.duplicate:
            name = f"{record.boot}-{record.seq}"
            if record.n < self._stored.get(name, 0):
                self.broken(f"{name} arrives with {record.n} fixes, {self._stored[name]} were on disk")

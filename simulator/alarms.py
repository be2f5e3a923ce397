"""The alarms as the centre sees them: records in, one entry for each alarm out. Pure, a reference for integrators.

An alarm is live from its first record until one says `cleared`, whatever comes later (a record may arrive late). Before that the record
that happened last tells its state; records that cannot be dated count by their arrival.
"""

from agent.wire.records import Alarm
from simulator.ledger import Arrival


class AlarmSeen:
    """One alarm. Times `…_at` are those of arrival, in the feeder's seconds; None: has not come."""

    def __init__(self, first: Alarm, at: float) -> None:
        self.id = first.id
        self.unit = first.unit
        self.first_at = at
        self.state: str = first.state
        self.since_ms: int | None = first.since
        """When it was raised, ms UTC."""
        self.records = 0
        self.repeats = 0
        self.duplicates = 0
        self.raised_at: float | None = None
        self.acknowledged_at: float | None = None
        self.cleared_at: float | None = None
        self.last_at = at
        self.boots: list[str] = []
        """Lives of the agent that spoke of it, in order of arrival."""
        self._state_of: int = first.time or 0

    @property
    def live(self) -> bool:
        """Nobody has heard that it was cleared."""
        return self.cleared_at is None

    def take(self, alarm: Alarm, at: float, duplicate: bool) -> None:
        """One more record of it."""
        self.duplicates += duplicate
        if duplicate:
            return
        self.records += 1
        self.repeats += alarm.state == "repeated"
        self.last_at = at
        self.since_ms = alarm.since if self.since_ms is None else self.since_ms
        if alarm.boot not in self.boots:
            self.boots.append(alarm.boot)
        match alarm.state:
            case "raised":
                self.raised_at = self.raised_at or at
            case "acknowledged":
                self.acknowledged_at = self.acknowledged_at or at
            case "cleared":
                self.cleared_at = self.cleared_at or at
        happened = alarm.time if alarm.time is not None else self._state_of
        if happened >= self._state_of:
            self._state_of, self.state = happened, alarm.state
        if not self.live:
            self.state = "cleared"


class AlarmBook:
    """All alarms of all units, by id, in order of their first record."""

    def __init__(self) -> None:
        self.alarms: dict[str, AlarmSeen] = {}

    def take(self, arrival: Arrival) -> None:
        """Any arrival; what is no alarm is passed over."""
        alarm = arrival.record
        if isinstance(alarm, Alarm):
            seen = self.alarms.setdefault(alarm.id, AlarmSeen(alarm, arrival.at))
            seen.take(alarm, arrival.at, arrival.duplicate)

    @property
    def live(self) -> list[AlarmSeen]:
        """Those that are not cleared, in order of their first record."""
        return [alarm for alarm in self.alarms.values() if alarm.live]

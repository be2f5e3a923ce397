"""What the demo knows at a moment: the car, the line and the centre in; plain facts for the view out.

What stands on the centre's side comes from the arrivals alone, never from the car.
"""

import time
from collections import deque
from typing import Any, NamedTuple

from agent.wire.records import Health, Io, Position, Presence
from simulator.alarms import AlarmBook, AlarmSeen
from simulator.bench.car import Car
from simulator.bench.line import State
from simulator.centre import Centre
from simulator.demo_words import Words, words
from simulator.ledger import Arrival
from simulator.reckoning import Account, Harvest, reckon

NEWS_MAX = 100
"""Lines kept for the list of what came; more than any terminal shows."""

CAR_S = 0.5
"""How often the car's own status is asked for."""

SETTLE_S = 3.0
"""From a fix's deadline for its batch until it has arrived, when nothing waits: what is still missing then is lost."""

ACCOUNT_S = 1.0
ACCOUNT_SHARE_MAX = 0.05
"""The account is made each second, and after hours less often, so that it never takes more than this share of the time."""


class News(NamedTuple):
    """A line of the list: what came, or what the person at the keys did. `delay_s`: how long after it happened it came."""

    at: float
    words: Words
    delay_s: float | None = None
    duplicate: bool = False


class Facts:
    """Kept up to date by `look`; the view reads the fields."""

    def __init__(self, car: Car, centre: Centre, broker: str) -> None:
        self.car, self.centre, self.broker = car, centre, broker
        self.began_at = self.now = time.monotonic()
        self.news: deque[News] = deque(maxlen=NEWS_MAX)
        self.alarms = AlarmBook()
        self.account: Account | None = None
        self.status: dict[str, Any] | None = None
        self.presence: tuple[float, Presence] | None = None
        self.position: tuple[float, Position] | None = None
        self.io: tuple[float, Io] | None = None
        self.health: tuple[float, Health] | None = None
        self.line_since = self.began_at
        self.pressed_until = 0.0
        self.ignition = True
        self.restart_at: float | None = None
        self._harvest = Harvest()
        self._seen = 0
        self._line_was = State.OPEN
        self._status_at = self._account_at = 0.0
        self._settled_at = 0.0

    def did(self, what: str) -> None:
        """The person did something."""
        self.news.append(News(time.monotonic(), Words("键 key", what, "bold")))

    def look(self) -> None:
        """Bring everything up to now."""
        self.now = now = time.monotonic()
        for arrival in self.centre.ledger.arrivals(self._seen):
            self._seen = arrival.number + 1
            self._take(arrival)
        if self.car.line.state is not self._line_was:
            self._line_was, self.line_since = self.car.line.state, now
        if now >= self._status_at:
            self._status_at = now + CAR_S
            self.status = self.car.status(timeout_s=0.2)
            if self._nothing_waits():
                self._settled_at = now - self.car.options.commit_interval_online_s - SETTLE_S
        if now >= self._account_at:
            self.reckon(self._settled_at)

    def reckon(self, settled_at: float) -> None:
        """Make the account."""
        began_at = time.monotonic()
        self.account = reckon(self.car.receiver.emitted, self._harvest, self.car.lives, self.car.unplugged, settled_at)
        now = time.monotonic()
        self._account_at = now + max(ACCOUNT_S, (now - began_at) / ACCOUNT_SHARE_MAX)

    def _nothing_waits(self) -> bool:
        """The agent has its store open, is connected, and says that all it has was acknowledged."""
        status = self.status or {}
        if not status or not status["unit"]["ready"] or status["link"]["state"] != "online" or status["outbox"]["store"] != "open":
            return False
        return not any(status["outbox"]["waiting"].values()) and not status["outbox"]["in_flight"]

    def _take(self, arrival: Arrival) -> None:
        record, at = arrival.record, arrival.at
        self.alarms.take(arrival)
        delay_s = None
        if record is not None and record.time is not None:
            delay_s = (self.car.utc_ms(at) - record.time) / 1000
        self.news.append(News(at, words(arrival), delay_s, arrival.duplicate))
        if record is None or arrival.duplicate:
            return
        match record:
            case Presence():
                self.presence = (at, record)
            case Position() if record.pos is not None and not record.hist:
                self.position = (at, record)
            case Io():
                self.io = (at, record)
            case Health():
                self.health = (at, record)
        if record.seq:
            self._harvest.take(record)

    # --- what the centre makes of it ------------------------------------------------------------------------------------------------

    @property
    def position_age_s(self) -> float | None:
        """How old the position is that the centre has: its record's own time when it has one, else counted from its arrival."""
        if self.position is None or self.position[1].pos is None:
            return None
        at, record = self.position
        since_made_s = (self.car.utc_ms(self.now) - record.time) / 1000 if record.time is not None else self.now - at
        assert record.pos is not None
        return max(0.0, since_made_s + record.pos.age_ms / 1000)

    @property
    def alarm(self) -> AlarmSeen | None:
        """The newest live alarm, else the newest."""
        live = self.alarms.live
        return live[-1] if live else next(reversed(self.alarms.alarms.values()), None)

    def alarm_age_s(self, alarm: AlarmSeen) -> float:
        """How long ago it was raised: by its own time when it knows it, else since its first record."""
        if alarm.since_ms is not None:
            return max(0.0, (self.car.utc_ms(self.now) - alarm.since_ms) / 1000)
        return self.now - alarm.first_at

"""The people at the centre: what arrives goes in; alarms acknowledged and cleared, and orders to send again what is missing, come out.

In real time, over a broker that dies: every order may be lost, and is given again until the unit has answered.
"""

from agent.wire.records import AckRecord
from simulator.alarms import AlarmBook
from tests.chaos.places import ChaosDesk, now

AGAIN_S = 3.0
"""An order without an answer is given again after that."""

RANGES_MAX = 64
"""In one order to send again (`docs/asyncapi.yaml`)."""

RESEND_WITHIN_S = 30.0
"""An order to send again some dozens of ranges takes a second or so."""

FINAL = ("done", "failed", "rejected")
"""Labels with which an order is over."""

Range = tuple[str, int, int | None]


class Duty:
    """Whoever is on duty."""

    def __init__(self, desk: ChaosDesk) -> None:
        self._desk = desk
        self._unit = desk.options.unit
        self._read = 0
        self.book = AlarmBook()
        self.answers: dict[str, AckRecord] = {}
        self._given: dict[str, tuple[float, str, str]] = {}
        self._done_with: set[str] = set()
        self.orders_to_resend = 0
        self.rows_resent = 0

    def look(self) -> None:
        """Read what has come, and answer each live alarm: first that it has been seen, then that it is over."""
        for arrival in self._desk.news(self._read):
            self._read = arrival.number + 1
            self.book.take(arrival)
            record = arrival.record
            if isinstance(record, AckRecord) and record.order is not None and record.label in FINAL:
                self.answers[record.order] = record
        for alarm in self.book.live:
            if alarm.id not in self._done_with:
                self._answer(alarm.id, seen=alarm.acknowledged_at is not None)

    @property
    def idle(self) -> bool:
        """No alarm waits for an answer."""
        return all(alarm.id in self._done_with for alarm in self.book.live)

    def _answer(self, alarm: str, seen: bool) -> None:
        wanted = "clear" if seen else "ack"
        at, what, order = self._given.get(alarm, (0.0, "", ""))
        answer = self.answers.get(order)
        if answer is not None and answer.label != "done":
            self._done_with.add(alarm)  # the unit knows of no such alarm (any more)
            return
        if what == wanted and now() - at < AGAIN_S:
            return
        try:
            give = self._desk.centre.clear(self._unit, alarm, "chaos") if seen else self._desk.centre.acknowledge(self._unit, alarm)
        except ConnectionError:
            return  # the broker is dead just now
        self._given[alarm] = (now(), wanted, give)

    # --- what is missing ------------------------------------------------------------------------------------------------------------

    def wanted(self) -> list[Range]:
        """What the unit is to be asked for."""
        return self._desk.centre.ledger.wanted(self._unit)

    def ask(self, ranges: list[Range]) -> str:
        """Order it to send them again; the order's name."""
        body = {"ranges": [[boot, first] if last is None else [boot, first, last] for boot, first, last in ranges]}
        self.orders_to_resend += 1
        return self._desk.centre.order(self._unit, "resend", body)

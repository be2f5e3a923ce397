"""Health: the machine's vitals and what the other parts say of themselves go in; the retained `health` and the word of a start come out."""

import math
from collections.abc import Callable
from typing import Any

from agent.core.events import (
    Event,
    EventsDropped,
    FaultSeen,
    Lane,
    LinkUp,
    ModemSeen,
    Reported,
    SocketFailed,
    SocketOpened,
    Started,
    StateChanged,
    Vitals,
)
from agent.core.part import Outputs, Part
from agent.wire.records import EventRecord, Health


class HealthReport(Part):
    """How the unit is."""

    name = "vitals"
    listens = (Started, Vitals, ModemSeen, LinkUp, EventsDropped, SocketOpened, SocketFailed)

    def __init__(self, version: str, interval_s: float, tell: Callable[[float], dict[str, Any]]) -> None:
        self._version = version
        self._interval_s = interval_s
        self._tell = tell
        self._started_at = 0.0
        self._report_at = math.inf
        self._vitals: Vitals | None = None
        self._modem = ModemSeen(0.0)
        self._dropped = 0

    @property
    def deadline(self) -> float:
        """When health is due."""
        return self._report_at

    def handle(self, event: Event) -> Outputs:
        """Take vitals, or a reason to report at once."""
        match event:
            case Started(refused=refused, aside=aside):
                self._started_at = event.at
                self._report_at = event.at + self._interval_s
                started = Reported(event.at, Lane.EVENT, EventRecord(what="agent", id="started", detail=self._version))
                fallback = [FaultSeen(event.at, "config.fallback", True, refused)] if refused else []
                return [started, *fallback, *([FaultSeen(event.at, "store.aside", True, aside)] if aside else [])]
            case Vitals():
                self._vitals = event
            case ModemSeen():
                self._modem = event
            case EventsDropped(count=count):
                self._dropped += count
            case LinkUp():
                return [self._report(event.at)]
            case SocketOpened():
                return [FaultSeen(event.at, "socket.failed", False)]
            case SocketFailed(reason=reason):
                return [FaultSeen(event.at, "socket.failed", True, reason)]
        return ()

    def expire(self) -> Outputs:
        """Report because it is time."""
        at = self._report_at
        self._report_at = at + self._interval_s
        return [self._report(at)]

    def _report(self, at: float) -> StateChanged:
        told = self._tell(at)
        vitals, modem = self._vitals, self._modem
        record = Health(
            version=self._version,
            uptime_s=round(at - self._started_at),
            faults=[fault["code"] for fault in told["faults"]],
            backlog=told["outbox"]["waiting"],
            store=told["outbox"]["store"],
            link={key: told["link"][key] for key in ("endpoint", "protocol", "connects", "last_end")}
            | {"certificate_days": told["certificate"]["days_left"]},
            gnss={key: told["receiver"][key] for key in ("port", "sentences", "refused")},
            rss_bytes=vitals.rss_bytes if vitals else None,
            temp_c=vitals.temp_c if vitals else None,
            store_free_bytes=vitals.store_free_bytes if vitals else None,
            events_dropped=self._dropped or None,
            supply_low=vitals.supply_low if vitals else None,
            supply_v=vitals.supply_v if vitals else None,
            throttled=vitals.throttled if vitals else None,
            store_readonly=True if vitals and vitals.store_readonly else None,
            signal=modem.signal,
            access=modem.access or None,
            lights_on_s_today=told["lights_on"]["s_today"],
            data_today_bytes=told["data"]["today_bytes"],
            data_month_bytes=told["data"]["month_bytes"],
        )
        return StateChanged(at, "health", record)

    def status(self, now: float) -> dict[str, Any]:
        """Memory, temperature, supply, room for the store, signal, dropped events."""
        vitals, modem = self._vitals, self._modem
        return {
            "rss_bytes": vitals.rss_bytes if vitals else None,
            "temp_c": vitals.temp_c if vitals else None,
            "supply_v": vitals.supply_v if vitals else None,
            "supply_low": vitals.supply_low if vitals else None,
            "throttled": vitals.throttled if vitals else None,
            "store_free_bytes": vitals.store_free_bytes if vitals else None,
            "store_readonly": vitals.store_readonly if vitals else None,
            "signal": modem.signal,
            "access": modem.access or None,
            "events_dropped": self._dropped,
        }

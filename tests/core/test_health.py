"""Health: with and without vitals × every event."""

import math
from typing import Any

import pytest

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
from agent.core.health import HealthReport
from agent.wire.records import EventRecord, Health
from tests.core.builders import Bench, assert_covers, link_up, of, one, types

TOLD: dict[str, Any] = {
    "faults": [{"code": "store.down", "detail": "", "since_s": 1.0}],
    "outbox": {"waiting": {"alarm": 1}, "store": "open"},
    "link": {"endpoint": "mqtt://a:1", "protocol": 5, "connects": 2, "since_s": 3.0, "last_end": "lost"},
    "certificate": {"days_left": 200, "trouble": None},
    "lights_on": {"s_today": 5400},
    "data": {"today_bytes": 300, "month_bytes": None, "up_bytes": 200},
    "receiver": {"port": "/dev/x", "sentences": 7, "refused": {}, "up": True},
}


def started() -> Bench:
    bench = Bench(HealthReport("0.0.1", 60.0, lambda _at: TOLD))
    bench.feed(Started(1.0))
    return bench


def measured() -> Bench:
    bench = started()
    bench.feed(Vitals(2.0, 1000, 55.0, 2000))
    return bench


STATES = {"started": started, "measured": measured}
EVENTS: list[tuple[Event, list[str]]] = [
    (Started(10.0), ["Reported"]),
    (Vitals(10.0, 5), []),
    (ModemSeen(10.0, 0.5, "lte"), []),
    (link_up(10.0), ["StateChanged"]),
    (EventsDropped(10.0, 3), []),
    (SocketOpened(10.0), ["FaultSeen"]),
    (SocketFailed(10.0, "no such directory"), ["FaultSeen"]),
]
TABLE = [(state, event, outs) for state in STATES for event, outs in EVENTS]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert types(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(HealthReport, STATES, ((state, type(event)) for state, event, _ in TABLE))


def test_a_start_is_said() -> None:
    report = one(Reported, started().all)
    assert report.record == EventRecord(what="agent", id="started", detail="0.0.1")
    assert report.lane is Lane.EVENT


def test_health_is_said_at_its_interval_and_on_every_link() -> None:
    bench = started()
    assert [out.at for out in of(StateChanged, bench.until(200.0))] == [61.0, 121.0, 181.0]
    assert one(StateChanged, bench.feed(link_up(200.5))).at == 200.5
    assert bench.part.deadline == 241.0


def test_the_record_gathers_what_the_parts_say() -> None:
    bench = measured()
    bench.feed(EventsDropped(3.0, 3), EventsDropped(4.0, 4))
    record = one(StateChanged, bench.feed(link_up(11.2))).record
    assert record == Health(
        version="0.0.1",
        uptime_s=10,
        faults=["store.down"],
        backlog={"alarm": 1},
        store="open",
        link={"endpoint": "mqtt://a:1", "protocol": 5, "connects": 2, "last_end": "lost", "certificate_days": 200},
        gnss={"port": "/dev/x", "sentences": 7, "refused": {}},
        rss_bytes=1000,
        temp_c=55.0,
        store_free_bytes=2000,
        events_dropped=7,
        lights_on_s_today=5400,
        data_today_bytes=300,
    )
    told = {key: value for key, value in bench.part.status(12.0).items() if value is not None}
    assert told == {"rss_bytes": 1000, "temp_c": 55.0, "store_free_bytes": 2000, "events_dropped": 7}


def test_what_nobody_measured_is_absent() -> None:
    record = one(StateChanged, started().feed(link_up(2.0))).record
    assert isinstance(record, Health)
    assert (record.rss_bytes, record.temp_c, record.store_free_bytes, record.events_dropped) == (None, None, None, None)
    assert started().part.status(2.0)["rss_bytes"] is None


@pytest.mark.parametrize("supply_low", [True, False, None])
def test_the_board_s_word_of_its_supply_is_in_the_record(supply_low: bool | None) -> None:
    bench = started()
    bench.feed(Vitals(2.0, 1000, supply_low=supply_low))
    record = one(StateChanged, bench.feed(link_up(3.0))).record
    assert isinstance(record, Health)
    assert record.supply_low is supply_low


def test_what_the_board_and_the_modem_say_is_in_the_record_and_the_status() -> None:
    bench = started()
    modem = ModemSeen(2.5, 0.67, "lte", "CM", "EC25", "89860012345678901234")
    bench.feed(Vitals(2.0, 1000, supply_v=12.6, throttled=0x50000, store_readonly=True), modem)
    record = one(StateChanged, bench.feed(link_up(3.0))).record
    assert isinstance(record, Health)
    assert (record.supply_v, record.throttled, record.store_readonly) == (12.6, 0x50000, True)
    assert (record.signal, record.access) == (0.67, "lte")
    told = bench.part.status(3.0)
    assert "89860012345678901234" not in str(record) + str(told), "whose SIM it is is said to the commissioning alone"
    assert [told[key] for key in ("supply_v", "throttled", "store_readonly", "signal", "access")] == [12.6, 0x50000, True, 0.67, "lte"]
    bench.feed(Vitals(4.0, 1000, store_readonly=False), ModemSeen(4.0))
    record = one(StateChanged, bench.feed(link_up(5.0))).record
    assert isinstance(record, Health)
    assert (record.supply_v, record.throttled, record.store_readonly, record.signal, record.access) == (None, None, None, None, None)


@pytest.mark.parametrize("aside", ["", "/var/lib/outpost.was-1, /var/lib/outpost.was-2"])
def test_what_was_moved_from_the_store_s_place_is_a_fault_at_each_start(aside: str) -> None:
    bench = Bench(HealthReport("0.0.1", 60.0, lambda _at: TOLD))
    faults = of(FaultSeen, bench.feed(Started(1.0, aside=aside)))
    assert faults == ([FaultSeen(1.0, "store.aside", True, aside)] if aside else [])


@pytest.mark.parametrize("refused", ["", "/etc/outpost/agent.toml: there is no such file"])
def test_a_start_with_the_last_good_config_is_a_fault_and_any_other_is_none(refused: str) -> None:
    bench = Bench(HealthReport("0.0.1", 60.0, lambda _at: TOLD))
    faults = of(FaultSeen, bench.feed(Started(1.0, refused)))
    assert faults == ([FaultSeen(1.0, "config.fallback", True, refused)] if refused else [])


def test_before_the_start_nothing_is_due() -> None:
    assert HealthReport("0", 1.0, lambda _at: TOLD).deadline == math.inf
    assert LinkUp in HealthReport.listens

"""Data cap: open or closed store, known or unknown time, each step × every event; then the steps, and the whole unit beyond its cap."""

import pytest

from agent.config import Mqtt, Report, Store
from agent.core.data_cap import MEMORY, SLOW_FACTOR, DataCap
from agent.core.effects import Effect, Publish
from agent.core.events import (
    Acked,
    Event,
    FaultSeen,
    HistoryHeld,
    Lane,
    LiveSlowed,
    Remembered,
    Row,
    SpoolDown,
    Started,
    StopRequested,
    Subscribed,
    Traffic,
)
from agent.core.unit import Unit
from agent.wire import codec
from agent.wire.records import Health, Record, Track
from tests.core.builders import (
    assert_covers,
    config,
    edge,
    feed,
    link_up,
    of,
    one,
    record,
    spool_opened,
    timed_fix,
    types,
    unit,
)
from tests.core.data_states import AT, BOTH, CAP, CAPPED, DAY, ENDPOINTS, MONTH, STATES, made, told

MORE = Traffic(AT, 1_300_000, 0)
EACH: tuple[tuple[Event, dict[str, list[str]]], ...] = (
    (Started(AT), {}),
    (StopRequested(AT, "SIGTERM"), {}),
    (SpoolDown(AT, "gone"), {}),
    (Remembered(AT, (MEMORY,)), {}),
    (spool_opened(AT), {}),
    (
        MORE,
        {
            "shut": ["HistoryHeld", "LiveSlowed", "Note", "FaultSeen"],
            "idle": ["HistoryHeld", "LiveSlowed", "Note", "FaultSeen", "Remember"],
            "timeless": ["HistoryHeld", "LiveSlowed", "Note", "FaultSeen", "Remember"],
            "held": ["LiveSlowed", "Note", "FaultSeen", "Remember"],
            "slowed": ["LiveSlowed", "Note", "FaultSeen", "Remember"],
            "stopped": ["Remember"],
        },
    ),
)
TABLE = [(state, event, answers.get(state, [])) for state in STATES for event, answers in EACH]


@pytest.mark.parametrize(("state", "event", "outs"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, outs: list[str]) -> None:
    assert types(STATES[state]().feed(event)) == outs


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(DataCap, STATES, ((state, type(event)) for state, event, _ in TABLE))


# --- the steps ------------------------------------------------------------------------------------------------------------------------


def test_history_waits_at_eighty_percent_live_slows_at_ninety_and_stops_at_a_hundred() -> None:
    bench = made()
    assert not of(HistoryHeld, bench.move(10.0, 799_999))
    assert of(HistoryHeld, bench.move(11.0, 1)) == [HistoryHeld(11.0, True)]
    assert not of(LiveSlowed, bench.move(12.0, 99_999))
    assert of(LiveSlowed, bench.move(13.0, 1)) == [LiveSlowed(13.0, SLOW_FACTOR)]
    assert not of(LiveSlowed, bench.move(14.0, 99_999))
    assert of(LiveSlowed, bench.move(15.0, 1)) == [LiveSlowed(15.0, 0)]
    assert len(of(HistoryHeld, bench.all)) == 1


def test_the_fault_says_how_much_of_what_what_waits_and_until_when() -> None:
    bench = made()
    fault = one(FaultSeen, bench.move(10.0, 812_345))
    assert (fault.code, fault.active) == ("data.cap", True)
    assert str(fault.detail) == (
        "0.8 of 1.0 MB of this day are used: history waits until 2027-01-16; "
        "the live position slows at 90% and stops at 100%, but for alarms"
    )


def test_of_two_caps_the_fuller_one_decides_and_the_longer_one_ends_it() -> None:
    bench = made(BOTH, memory={MEMORY: told(DAY, 0, MONTH, 7_900_000)})
    assert of(HistoryHeld, bench.move(10.0, 99_999)) == []
    fault = one(FaultSeen, bench.move(11.0, 1))
    assert str(fault.detail).startswith("8.0 of 10.0 MB of this month are used: history waits until 2027-02-01")
    assert bench.part.status(12.0)["spares"] == "history waits"
    bench.move(13.0, 900_000)
    assert bench.part.status(14.0) | {"up_bytes": 0, "down_bytes": 0} == {
        "today_bytes": 1_000_000,
        "month_bytes": 8_900_000,
        "day_bytes_max": CAP,
        "month_bytes_max": 10 * CAP,
        "spares": "history waits, no live position",
        "until": "2027-02-01",
        "up_bytes": 0,
        "down_bytes": 0,
    }


def test_without_a_cap_nothing_is_ever_held_and_all_is_counted() -> None:
    bench = made(Mqtt(endpoints=ENDPOINTS))
    for at in range(5, 100):
        bench.move(float(at), 10_000_000_000)
    assert set(types(bench.all)) <= {"Remember"}
    assert bench.today == 95 * 10_000_000_000


# --- the sums -------------------------------------------------------------------------------------------------------------------------


def test_a_sum_that_is_lost_doubled_or_late_changes_nothing() -> None:
    bench = made()
    bench.feed(Traffic(10.0, 1000, 100), Traffic(20.0, 1000, 100), Traffic(30.0, 5000, 600), Traffic(31.0, 3000, 300))
    assert bench.today == 5600


# --- in the whole unit ----------------------------------------------------------------------------------------------------------------


def capped_unit() -> Unit:
    """Online, with history in the store, and 95 % of the day's bytes used."""
    made = unit(config(mqtt=CAPPED, report=Report(interval_s=5.0), store=Store(keep_days=0)))
    feed(made, Started(0.0), *(timed_fix(float(at), speed_mps=10.0, course_deg=90.0) for at in range(1, 6)))
    memory = {MEMORY: told(DAY, 950_000, MONTH, 950_000)}
    acknowledged(made, 5.7, feed(made, spool_opened(5.2, memory, backfill=3), link_up(5.5), Subscribed(5.6, 1)))
    return made


def acknowledged(made: Unit, at: float, effects: list[Effect]) -> list[Publish]:
    """The broker takes what leaves, and what leaves because of that: all of it."""
    sent: list[Publish] = []
    while fresh := [effect for effect in effects if isinstance(effect, Publish)]:
        sent += fresh
        effects = feed(made, *(Acked(at, effect.token) for effect in fresh))
    return sent


def drive(made: Unit, start: int, end: int) -> list[Record]:
    """A fix each second, of a car under way; what leaves meanwhile is acknowledged at once, and comes out."""
    sent: list[Publish] = []
    for at in range(start, end):
        sent += acknowledged(made, at + 0.1, feed(made, timed_fix(float(at), speed_mps=10.0, course_deg=90.0)))
    return [record(effect) for effect in sent]


def kinds(records: list[Record]) -> list[str]:
    return [record.KIND for record in records]


def test_an_alarm_and_its_positions_leave_beyond_the_cap_and_history_does_not() -> None:
    made = capped_unit()
    drive(made, 7, 9)
    feed(made, Traffic(9.5, 2_000_000, 0))
    quiet = kinds(drive(made, 10, 140))
    assert "health" in quiet
    assert not {"position", "track"} & set(quiet)
    feed(made, edge(140.0, True))
    loud = kinds(drive(made, 141, 160))
    assert "alarm" in loud
    assert loud.count("position") >= 15
    assert "track" not in loud
    assert made.status(160.0)["data"]["spares"] == "history waits, no live position"


def test_a_slowed_position_comes_six_times_more_seldom() -> None:
    made = capped_unit()
    drive(made, 7, 9)
    assert 5 <= kinds(drive(made, 10, 190)).count("position") <= 6, "each 30 s instead of each 5 s"


def test_a_cap_that_begins_to_bite_stops_the_track_of_a_good_link_too() -> None:
    made = unit(config(mqtt=CAPPED))
    acknowledged(made, 0.7, feed(made, Started(0.0), spool_opened(0.2), link_up(0.5), Subscribed(0.6, 1)))
    assert "track" in kinds(drive(made, 1, 130))
    feed(made, Traffic(130.0, 850_000, 0))
    assert "track" not in kinds(drive(made, 131, 400))


def test_health_tells_the_bytes() -> None:
    made = capped_unit()
    drive(made, 7, 9)
    feed(made, Traffic(9.5, 10_000, 200))
    found = [record for record in drive(made, 10, 75) if isinstance(record, Health)]
    assert [(health.data_today_bytes, health.data_month_bytes) for health in found] == [(960_200, 960_200)]
    assert "data.cap" in found[0].faults


def test_held_history_does_not_keep_the_unit_from_ending() -> None:
    made = capped_unit()
    made.outbox._leaving.lanes.add(made.outbox._postmark.row(_row()))
    assert made.outbox._leaving.history_held
    departing = made.outbox._leaving
    departing.window.take_all()
    while departing._retained:
        departing._retained.take()
    assert departing.empty
    departing.history_held = False
    assert not departing.empty


def _row() -> Row:
    track = Track(v=1, unit="car-1", kind="track", boot="f" * 16, seq=3, mono=5, n=1, t_is="mono", cols={"t": [0, 1]})
    return Row("ffffffffffffffff-3", Lane.BACKFILL, codec.encode(track))

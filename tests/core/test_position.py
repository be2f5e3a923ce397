"""Position: standing, moving, parked, in an alarm × every event; then that an old position never looks live."""

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Report, SurveyedPlace
from agent.core.events import AlarmChanged, Event, FixMode, InputChanged, Lane, LiveSlowed, Reported, Started
from agent.core.integrity import Integrity
from agent.core.part import Output
from agent.core.position import FRESH_S, Position
from agent.core.surveyed import Surveyed
from agent.wire.records import Position as PositionRecord
from tests.core.builders import Bench, assert_covers, fix, link_up, of, press

CONFIG = Report()
METRE_DEG = 1 / 111_000


def made(config: Report = CONFIG) -> Bench:
    bench = Bench(Position(config, lambda: "cruise", Integrity(), Surveyed(SurveyedPlace(), lambda: False)))
    bench.feed(Started(0.0))
    return bench


def ignition(at: float, active: bool) -> InputChanged:
    """The key turns."""
    return InputChanged(at, "ignition", "ignition", active, at)


def standing() -> Bench:
    bench = made()
    bench.feed(fix(9.0))
    return bench


def moving() -> Bench:
    bench = made()
    bench.feed(fix(8.0, speed_mps=10.0, course_deg=90.0))
    return bench


def parked() -> Bench:
    bench = made()
    bench.feed(*(fix(float(at)) for at in range(70)))
    return bench


def alarm() -> Bench:
    bench = standing()
    bench.feed(AlarmChanged(9.5, "a", "raised", "overt"))
    return bench


STATES: dict[str, tuple[Callable[[], Bench], float]] = {
    "nowhere": (made, 10.0),
    "standing": (standing, 10.2),
    "moving": (moving, 9.2),
    "parked": (parked, 70.0),
    "alarm": (alarm, 10.2),
}


def reports(outs: list[Output]) -> list[PositionRecord]:
    """The live positions."""
    found = [out.record for out in of(Reported, outs)]
    assert all((out.lane, out.slot) == (Lane.LIVE, "position") for out in of(Reported, outs))
    return [record for record in found if isinstance(record, PositionRecord)]


def _rows(make: Callable[[float], Event], reporting: str) -> list[tuple[str, Event, bool]]:
    return [(state, make(at), state in reporting.split()) for state, (_, at) in STATES.items()]


EVERY = " ".join(STATES)
TABLE = [
    # the event, and the states in which a position leaves because of it
    *_rows(Started, ""),
    *_rows(fix, "nowhere moving"),  # the first; and one that stands where it moved at 10 m/s
    *_rows(lambda at: fix(at, speed_mps=10.0, course_deg=90.0), "nowhere standing parked alarm"),
    *_rows(lambda at: fix(at, mode=FixMode.NONE), ""),
    *_rows(lambda at: fix(at, lat=None), ""),
    *_rows(lambda at: fix(at, lat=36.6171 + 101 * METRE_DEG, speed_mps=10.0, course_deg=90.0), EVERY),
    *_rows(lambda at: fix(at, speed_mps=10.0, course_deg=116.0), EVERY),
    *_rows(lambda at: ignition(at, True), EVERY),
    *_rows(lambda at: ignition(at, False), EVERY),
    *_rows(press, ""),
    *_rows(lambda at: AlarmChanged(at, "a", "raised", "silent"), ""),
    *_rows(lambda at: AlarmChanged(at, "a", "cleared", "silent"), ""),
    *_rows(link_up, EVERY),
    *_rows(lambda at: LiveSlowed(at, 6), ""),
    *_rows(lambda at: LiveSlowed(at, 1), ""),
    *_rows(lambda at: LiveSlowed(at, 0), ""),
]


@pytest.mark.parametrize(("state", "event", "reported"), TABLE)
def test_every_state_answers_every_event(state: str, event: Event, reported: bool) -> None:
    bench = STATES[state][0]()
    bench.until(event.at)
    assert len(reports(list(bench.part.handle(event)))) == reported


def test_the_table_covers_every_state_and_every_event() -> None:
    assert_covers(Position, STATES, ((state, type(event)) for state, event, _ in TABLE))


@pytest.mark.parametrize(("state", "wait_s"), [("nowhere", 5.0), ("standing", 5.0), ("moving", 5.0), ("parked", 60.0), ("alarm", 1.0)])
def test_a_position_leaves_by_itself_at_the_interval_of_the_state(state: str, wait_s: float) -> None:
    make, at = STATES[state]
    bench = make()
    bench.until(at + 200)
    times = [out.at for out in of(Reported, bench.all)]
    assert times[-1] - times[-2] == pytest.approx(60.0 if state in ("nowhere", "standing", "moving") else wait_s)
    soon = make()
    first = soon.part.deadline
    soon.until(first)
    if state != "moving":
        assert soon.part.deadline - first == pytest.approx(wait_s)


def test_an_alarm_speeds_the_position_up_at_once_and_the_last_clear_slows_it_down() -> None:
    bench = parked()
    bench.feed(AlarmChanged(70.0, "a", "raised", "overt"), AlarmChanged(70.0, "b", "raised", "overt"))
    assert bench.part.deadline == 71.0
    bench.until(75.0)
    bench.feed(AlarmChanged(75.1, "a", "cleared", "overt"), AlarmChanged(75.2, "b", "acknowledged", "overt"))
    bench.until(80.0)
    assert bench.part.deadline - of(Reported, bench.all)[-1].at == pytest.approx(1.0)  # the other one is live
    bench.feed(AlarmChanged(80.1, "b", "cleared", "overt"))
    bench.until(82.0)
    assert bench.part.deadline > 120


def test_a_car_with_its_ignition_on_is_never_parked() -> None:
    bench = parked()
    bench.feed(ignition(70.0, True))
    outs = bench.feed(*(fix(float(at)) for at in range(71, 77)))
    assert [out.at for out in of(Reported, outs)] == [75.0]


def test_a_parked_car_that_drives_off_reports_at_once_and_then_often() -> None:
    bench = parked()
    assert len(reports(bench.feed(fix(71.0, speed_mps=6.0)))) == 1
    outs = bench.feed(*(fix(float(at), speed_mps=6.0) for at in range(72, 78)))
    assert [out.at for out in of(Reported, outs)] == [76.0]


def test_ten_fixes_a_second_do_not_make_ten_reports_of_one_bend() -> None:
    bench = made()
    course = 0.0
    for i in range(50):
        course = (course + 30) % 360
        bench.feed(fix(1.0 + i / 10, speed_mps=10.0, course_deg=course))
    assert len(of(Reported, bench.all)) <= 6


def test_a_standing_receivers_course_is_noise() -> None:
    bench = made()
    bench.feed(fix(1.0, course_deg=0.0))
    assert bench.feed(fix(3.0, course_deg=180.0, speed_mps=0.3)) == []


def test_a_position_is_fresh_for_two_seconds_and_then_says_its_age() -> None:
    part = standing().part
    assert isinstance(part, Position)
    fresh = part.here(9.0 + FRESH_S)
    assert fresh is not None
    assert (fresh.src, fresh.age_ms, fresh.spd, fresh.flags) == ("gnss", 2000, 0.0, None)
    old = part.here(9.0 + FRESH_S + 0.1)
    assert old is not None
    assert (old.src, old.age_ms, old.spd, old.cog, old.flags, old.lat) == ("last", 2100, None, None, ["stale"], 36.6171)


def test_a_receiver_without_a_fix_does_not_make_the_last_position_look_live() -> None:
    bench = standing()
    bench.feed(*(fix(10.0 + i, mode=FixMode.NONE, lat=None, lon=None) for i in range(5)))
    record = reports(bench.feed(link_up(14.5)))[0]
    assert record.pos is not None
    assert (record.pos.src, record.pos.age_ms) == ("last", 5500)
    assert bench.part.status(14.5)["mode"] == "none"


def test_without_any_fix_a_position_record_has_none() -> None:
    bench = made()
    record = reports(bench.feed(link_up(1.0)))[0]
    assert (record.pos, record.ign, record.lights) == (None, None, "cruise")
    assert bench.part.status(1.0) == {"mode": "none"}


def test_the_record_says_all_that_is_known() -> None:
    bench = made()
    bench.feed(ignition(0.5, True))
    found = fix(1.0, mode=FixMode.TWO_D, alt_m=2261.0, speed_mps=3.0, course_deg=12.0, hdop=0.9, acc_m=2.5, sats={"BD": 9})
    record = reports(bench.feed(found))[0]
    pos = record.pos
    assert pos is not None
    assert (pos.mode, pos.alt_m, pos.spd, pos.cog, pos.hdop, pos.acc_m, pos.sats) == ("2d", 2261.0, 3.0, 12.0, 0.9, 2.5, {"BD": 9})
    assert (record.ign, record.lights) == (True, "cruise")
    assert bench.part.status(1.5) == {"lat": 36.6171, "lon": 101.7782, "mode": "2d", "age_s": 0.5, "spd_mps": 3.0, "sats": {"BD": 9}}


@given(st.lists(st.tuples(st.floats(0.05, 90.0), st.floats(0, 40), st.floats(0, 359)), max_size=50))
def test_the_dot_is_never_silent_for_longer_than_the_parked_interval_nor_faster_than_once_a_second(
    fixes: list[tuple[float, float, float]],
) -> None:
    bench = made()
    bench.feed(fix(0.0))  # the first one leaves at once, whenever it comes
    at = 0.0
    for wait, speed, course in fixes:
        at += wait
        bench.feed(fix(at, speed_mps=speed, course_deg=course))
    times = [out.at for out in of(Reported, bench.all)]
    waits = [b - a for a, b in itertools.pairwise(times)]
    assert all(wait <= CONFIG.parked_interval_s + 1e-9 for wait in waits)
    assert all(wait >= 1.0 - 1e-9 for wait in waits)
    assert math.isfinite(bench.part.deadline)


def test_fixes_that_came_late_together_make_one_report_of_the_newest() -> None:
    bench = made()
    bench.feed(fix(1.0))
    moving = [fix(float(at), lat=36.6 + at * 200 * METRE_DEG, speed_mps=20.0, course_deg=0.0, read_at=20.0) for at in range(2, 21)]
    outs = [out for one in moving for out in bench.part.handle(one)]
    (report,) = of(Reported, outs)
    assert isinstance(report.record, PositionRecord)
    assert report.record.pos is not None
    assert (report.at, report.record.pos.lat, report.record.pos.age_ms) == (20.0, moving[-1].lat, 0)
    assert bench.part.deadline > 20.0


@pytest.mark.parametrize("speed_mps", [None, 10.0])
def test_a_car_that_drives_with_no_wire_to_its_ignition_is_not_parked_even_if_its_receiver_tells_no_speed(speed_mps: float | None) -> None:
    """GGA alone has none."""
    bench = made()
    drive = [fix(float(at), lat=36.6 + at * 10 * METRE_DEG, speed_mps=speed_mps, acc_m=4.0) for at in range(1, 300)]
    bench.feed(*drive)
    times = [out.at for out in of(Reported, bench.all)]
    assert max(after - before for before, after in itertools.pairwise(times)) <= CONFIG.interval_s


def test_a_position_that_wanders_without_a_speed_is_that_of_a_parked_car() -> None:
    bench = made()
    bench.feed(*(fix(float(at), lat=36.6 + at % 3 * 12 * METRE_DEG, speed_mps=None, acc_m=4.0) for at in range(1, 300)))
    times = [out.at for out in of(Reported, bench.all)]
    assert max(after - before for before, after in itertools.pairwise(times)) > CONFIG.interval_s

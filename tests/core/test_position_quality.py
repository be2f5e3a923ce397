"""Position: how good it is, shown: lost and found, flagged, held while the car stands, fixed at a surveyed place."""

import itertools

import pytest

from agent.config import Report, SurveyedPlace
from agent.core.events import Event, FixMode, Reported, Started
from agent.core.integrity import Integrity
from agent.core.part import Output
from agent.core.position import LOST_S, Position
from agent.core.static_hold import HOLD_AFTER_S
from agent.core.surveyed import MOVED_S, Surveyed
from agent.wire.records import Pos
from agent.wire.records import Position as PositionRecord
from tests.core.builders import Bench, fix, of

METRE_DEG = 1 / 111_000
PLACE = SurveyedPlace(lat=36.6171, lon=101.7782, alt_m=2261.0)


class Whole:
    """Position with the parts that it asks, each fed as the unit feeds them."""

    def __init__(self, place: SurveyedPlace | None = None) -> None:
        self.integrity = Integrity()
        self.surveyed = Surveyed(place or SurveyedPlace(), self.integrity.doubts_place)
        self.position = Position(Report(), lambda: "off", self.integrity, self.surveyed)
        self.bench = Bench(self.position)
        self.bench.feed(Started(0.0))

    def feed(self, *events: Event) -> list[Output]:
        """What position says to them."""
        outs = []
        for event in events:
            for part in (self.integrity, self.surveyed):
                if type(event) in part.listens:
                    part.handle(event)
            outs += self.bench.feed(event)
        return outs

    def here(self, at: float) -> Pos:
        """Where it is; it must be somewhere."""
        pos = self.position.here(at)
        assert pos is not None
        return pos


def reported(outs: list[Output]) -> list[tuple[float, Pos | None]]:
    """When, and where."""
    return [(out.at, out.record.pos) for out in of(Reported, outs) if isinstance(out.record, PositionRecord)]


def test_a_lost_fix_is_reported_once_and_so_is_its_return() -> None:
    whole = Whole()
    whole.feed(*(fix(float(at)) for at in range(1, 70)))  # parked: one report a minute
    outs = whole.bench.until(80.0)
    assert [at for at, _ in reported(outs)] == [69.0 + LOST_S]
    (_, pos), *_ = reported(outs)
    assert pos is not None
    assert (pos.src, pos.flags) == ("last", ["held", "stale"])
    again = reported(whole.feed(fix(81.0), fix(82.0)))
    assert [at for at, _ in again] == [81.0]
    assert again[0][1] is not None
    assert again[0][1].src == "gnss"


def test_a_fix_that_flickers_makes_no_more_than_a_report_a_second() -> None:
    whole = Whole()
    outs = whole.feed(*(fix(at * 3.3) for at in range(1, 40)))
    times = [at for at, _ in reported(outs)]
    assert all(b - a >= 1.0 for a, b in itertools.pairwise(times))


def test_dead_reckoning_is_shown_and_reported_at_once() -> None:
    whole = Whole()
    whole.feed(*(fix(float(at), speed_mps=8.0, course_deg=0.0, lat=36.6 + at * 8 * METRE_DEG) for at in range(1, 8)))
    outs = whole.feed(fix(8.0, mode=FixMode.DEAD_RECKONING, speed_mps=8.0, course_deg=0.0, lat=36.6 + 64 * METRE_DEG))
    assert [pos.mode for _, pos in reported(outs) if pos] == ["dr"]


def test_a_flag_is_on_the_very_position_and_reported_when_it_comes_and_goes() -> None:
    whole = Whole()
    whole.feed(fix(1.0), fix(2.0), fix(3.0))
    outs = whole.feed(fix(4.0, lat=36.63))
    assert [pos.flags for _, pos in reported(outs) if pos] == [["jump"]]
    later = reported(whole.feed(*(fix(5.0 + n, lat=36.63) for n in range(12))))
    assert [(at, pos.flags) for at, pos in later if pos][-1] == (15.0, ["held"])


def test_a_car_that_stands_is_held_and_says_so() -> None:
    whole = Whole()
    last = round(HOLD_AFTER_S) + 1
    whole.feed(*(fix(float(at)) for at in range(1, last + 1)))
    whole.feed(fix(last + 1.0, lat=36.6171 + 9 * METRE_DEG, speed_mps=0.3, course_deg=77.0))
    pos = whole.here(last + 1.0)
    assert (pos.lat, pos.spd, pos.cog, pos.flags, pos.src, pos.age_ms) == (36.6171, 0.0, None, ["held"], "gnss", 0)
    whole.feed(fix(last + 2.0, lat=36.6171 + 12 * METRE_DEG, speed_mps=3.0, course_deg=10.0))
    pos = whole.here(last + 2.0)
    assert (pos.lat, pos.spd, pos.flags) == (36.6171 + 12 * METRE_DEG, 3.0, None)


def test_a_checkpoint_is_at_its_surveyed_place_before_and_without_any_fix() -> None:
    whole = Whole(PLACE)
    assert whole.here(1.0) == Pos(36.6171, 101.7782, "fixed", "fixed", 0, 2261.0)
    whole.feed(fix(2.0, lat=36.6171 + 20 * METRE_DEG, sats={"BD": 9}))
    assert whole.here(2.0) == Pos(36.6171, 101.7782, "fixed", "fixed", 0, 2261.0, sats={"BD": 9})
    assert whole.here(10.0).flags is None


def test_a_checkpoint_reports_as_seldom_as_a_parked_car() -> None:
    whole = Whole(PLACE)
    outs = whole.feed(*(fix(float(at), lat=36.6171 + (at % 20) * METRE_DEG) for at in range(1, 200)))
    assert len(reported(outs)) == pytest.approx(200 / 60, abs=1)


def test_a_checkpoint_that_was_moved_is_where_the_receiver_says() -> None:
    whole = Whole(PLACE)
    away = 36.6171 + 120 * METRE_DEG
    whole.feed(*(fix(float(at), lat=away) for at in range(1, round(MOVED_S) + 2)))
    assert (whole.here(61.0).lat, whole.here(61.0).src) == (away, "gnss")


def test_a_checkpoint_whose_receiver_is_deceived_stays_where_it_is_and_shows_the_flag() -> None:
    whole = Whole(PLACE)
    whole.feed(*(fix(float(at)) for at in range(1, 10)), fix(10.0, lat=37.0))
    assert (whole.here(10.0).src, whole.here(10.0).flags) == ("fixed", ["jump"])

"""The sky in few numbers: before, with and after what the receiver says of it."""

from agent.core.events import Antenna, Fix, FixMode, Satellite, Sky
from agent.core.sky_seen import SkySeen, best_dbhz
from tests.core.builders import Bench, fix


def sat(system: str, prn: int, dbhz: float | None, used: bool = False) -> Satellite:
    return Satellite(system, prn, dbhz, used=used)


def test_before_the_receiver_has_spoken_nothing_is_known() -> None:
    assert Bench(SkySeen()).part.status(5.0) == {"antenna": None}


def test_each_constellation_is_counted_as_seen_and_as_used() -> None:
    bench = Bench(SkySeen())
    bench.feed(
        Sky(10.0, (sat("BD", 1, 44.0, True), sat("BD", 2, 42.0, True), sat("BD", 3, None), sat("GP", 1, 40.0), sat("GP", 2, 38.0, True))),
        Antenna(10.5, "open"),
        Fix(11.0, FixMode.NONE),
    )
    assert bench.part.status(12.0) == {
        "antenna": "open",
        "age_s": 2.0,
        "systems": {"BD": {"used": 2, "view": 3}, "GP": {"used": 1, "view": 2}},
        "cn0_best_dbhz": 41.0,
    }


def test_the_raw_position_is_told_with_its_age() -> None:
    bench = Bench(SkySeen())
    bench.feed(fix(10.0, lat=36.6, lon=101.7), Fix(11.0, FixMode.NONE))
    assert bench.part.status(12.5)["raw"] == {"lat": 36.6, "lon": 101.7, "age_s": 2.5}


def test_the_best_four_are_told_by_their_median_and_fewer_not_at_all() -> None:
    assert best_dbhz(Sky(0.0, tuple(sat("BD", n, float(n)) for n in range(20, 30)))) == 27.5
    assert best_dbhz(Sky(0.0, tuple(sat("BD", n, 60.0 if n == 1 else 30.0) for n in range(1, 6)))) == 30.0
    assert best_dbhz(Sky(0.0, tuple(sat("BD", n, 40.0) for n in range(3)))) is None

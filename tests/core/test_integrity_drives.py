"""Integrity in virtual time: what goes wrong on a drive is seen within the stated delay, and what is ordinary is not."""

import pytest

from agent.core.events import Antenna, FaultSeen, FixMode, InputChanged, ReceiverUp
from agent.core.integrity import DELAY_S_MAX, FORGET_S
from agent.core.motion import JUMP_CLEAR_S
from tests.core.builders import of
from tests.core.drive import Drive, Watched, watched

SKY_S = 5.0
"""A sky each fifth second: what is seen in the sky is seen that much later."""

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jump_is_flagged_with_the_very_fix_and_believed_again_when_all_is_consistent(seed: int) -> None:
    bench = watched(seed)
    bench.drive.offset_m = (600.0, -200.0)
    assert bench.until_flag("jump", 1) == 1
    assert "m are possible" in str(of(FaultSeen, bench.all)[2].detail)
    assert JUMP_CLEAR_S <= bench.until_clear("jump", 60) <= JUMP_CLEAR_S + 2
    assert bench.ride(60) == []  # the new place is the place


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rate_mps", "within_s"), [(3.0, 100.0), (5.0, 50.0), (10.0, 30.0)])
def test_a_drag_off_is_suspected_the_sooner_the_faster_it_is(seed: int, rate_mps: float, within_s: float) -> None:
    bench = watched(seed)
    for second in range(round(within_s)):
        bench.drive.offset_m = (rate_mps * second, 0.0)
        bench.ride(1)
    assert "spoof" in bench.flags
    assert "jump" not in bench.flags
    bench.drive.offset_m = (0.0, 0.0)
    bench.until_clear("spoof", 60)


def test_a_position_dragged_from_a_standing_car_is_suspected() -> None:
    bench = watched()
    bench.drive.parks = True
    bench.ride(60)
    for second in range(60):
        bench.drive.offset_m = (4.0 * second, 0.0)
        bench.ride(1)
    assert bench.flags == ("spoof",)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jammer_lowers_all_satellites_alike_and_is_seen(seed: int) -> None:
    bench = watched(seed)
    bench.drive.sky_db = -12.0
    assert bench.until_flag("jam", DELAY_S_MAX["gnss.jam"] + 2 * SKY_S) >= 10
    bench.ride(300)
    assert "jam" in bench.flags
    bench.drive.sky_db = 0.0
    bench.until_clear("jam", 30)


def test_a_sky_that_goes_out_while_the_car_stands_is_jammed() -> None:
    bench = watched()
    bench.drive.parks = True
    bench.ride(60)
    bench.drive.sky_db, bench.drive.mode = -60.0, FixMode.NONE
    bench.until_flag("jam", DELAY_S_MAX["gnss.jam"] + 2 * SKY_S)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tunnel_is_no_jammer_and_its_end_no_jump(seed: int) -> None:
    bench = watched(seed)
    while not _drives(bench):
        bench.ride(1)
    bench.drive.sky_db, bench.drive.mode = -60.0, FixMode.NONE
    assert bench.ride(90) == []
    bench.drive.sky_db, bench.drive.mode = 0.0, FixMode.THREE_D
    assert bench.ride(120) == []


def test_a_tunnel_right_after_a_red_light_is_no_jammer() -> None:
    """Three seconds of driving were seen, and no sky between the light and the tunnel."""
    bench = watched()
    while not _drives(bench):
        bench.ride(1)
    bench.drive.parks = True
    bench.ride(30 + (-bench.drive.at - 30) % SKY_S)
    bench.drive.parks = False
    bench.ride(3)
    bench.drive.sky_db, bench.drive.mode = -60.0, FixMode.NONE
    assert bench.ride(90) == []


def _drives(bench: Watched) -> bool:
    drive = bench.drive
    return all(drive._route.at(drive.driven_s + ahead).speed_mps > 5 for ahead in range(-15, 2))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_garage_weakens_each_satellite_differently_and_is_no_jammer(seed: int) -> None:
    bench = watched(seed)
    bench.drive.uneven_db = 25.0
    assert bench.ride(300) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_high_houses_move_the_position_by_tens_of_metres_without_a_flag(seed: int) -> None:
    bench = Watched(Drive(seed, noise_m=20.0, memory_s=25.0))
    bench.drive.hdop = 2.5
    assert bench.ride(6 * 3600) == []


def test_a_frozen_position_is_seen_while_the_car_drives_only() -> None:
    bench = watched()
    while not _drives(bench):
        bench.ride(1)
    bench.drive.frozen = (36.62, 101.78)
    bench.until_flag("frozen", DELAY_S_MAX["gnss.frozen"] + 20)
    bench.drive.frozen = None
    bench.until_clear("frozen", 10)
    bench.ride(60)
    bench.drive.parks = True
    bench.ride(30)
    bench.drive.frozen = (36.62, 101.78)  # a receiver that holds its position while the car stands
    bench.ride(30)
    assert bench.flags == ()


def test_a_receiver_that_says_the_very_same_for_a_quarter_of_an_hour_is_dead_when_the_ignition_is_on() -> None:
    for ignition in (True, False):
        bench = Watched(Drive(1))
        bench.feed(InputChanged(0.0, "ignition", "ignition", ignition, 0.0))
        bench.drive.parks = True
        first = next(event for event in bench.drive.second())
        events = [type(first)(first.at + n, *_facts(first, n)) for n in range(1, 1000)]
        bench.feed(first, *events)
        assert bench.flags == (("frozen",) if ignition else ())


def _facts(fix: object, seconds: int) -> list[object]:
    values = [getattr(fix, name) for name in fix.__struct_fields__[1:]]  # type: ignore[attr-defined]  # a msgspec.Struct
    values[1] += 1000 * seconds
    return values


@pytest.mark.parametrize("off_s", [-3600, -2, 2, 3600, 1024 * 7 * 86_400, -1024 * 7 * 86_400])
def test_a_step_of_the_receivers_time_is_flagged_within_seconds(off_s: int) -> None:
    bench = watched()
    bench.drive.offset_ms = 1000.0 * off_s
    assert bench.until_flag("time", 5) <= 4
    bench.drive.offset_ms = 0.0
    assert bench.until_clear("time", 20) >= 10


def test_a_new_time_that_stays_is_accepted_after_two_minutes_but_never_one_of_1024_weeks() -> None:
    bench = watched()
    bench.drive.offset_ms = 60_000.0
    bench.until_flag("time", 5)
    assert bench.until_clear("time", 150) >= 120
    bench.drive.offset_ms = 60_000.0 + 1024 * 7 * 86_400_000
    bench.until_flag("time", 5)
    bench.ride(1000)
    assert "time" in bench.flags


@pytest.mark.parametrize("ppm", [20_000, -20_000])
def test_a_time_that_runs_away_is_flagged_and_stays_so(ppm: int) -> None:
    bench = watched()
    for _ in range(600):
        bench.drive.offset_ms += ppm / 1000
        bench.ride(1)
    assert "time" in bench.flags


def test_a_leap_second_is_no_fault() -> None:
    bench = watched()
    bench.drive.offset_ms -= 1000.0
    assert bench.ride(600) == []


def test_a_step_of_time_and_position_together_is_suspected() -> None:
    bench = watched()
    bench.drive.offset_m, bench.drive.offset_ms = (900.0, 0.0), 5000.0
    bench.until_flag("spoof", 5)
    bench.until_clear("spoof", 300)


def test_satellites_all_alike_are_suspected() -> None:
    bench = watched()
    for prn, fading in bench.drive._fading.items():
        fading._sigma, fading._kept = 0.0, 1.0
        fading.value = 45.0 - 27 - (10 + prn * 37 % 75) / 4
    bench.until_flag("spoof", DELAY_S_MAX["gnss.spoof"] + 2 * SKY_S)


@pytest.mark.parametrize("system", ["BD", "GP"])
def test_a_constellation_heard_well_and_used_no_more_is_suspected(system: str) -> None:
    bench = watched()
    bench.drive.unused = {system}
    bench.drive.sky_db = 5.0
    bench.until_flag("spoof", DELAY_S_MAX["gnss.spoof"] + 2 * SKY_S)
    bench.drive.unused = set()
    bench.until_clear("spoof", 60)


@pytest.mark.parametrize("state", ["open", "short"])
def test_an_antenna_is_flagged_as_the_receiver_says(state: str) -> None:
    bench = watched()
    bench.feed(*(Antenna(bench.drive.at + 1 + n, state) for n in range(4)))
    assert bench.flags == (f"antenna_{state}",)
    faults = [fault for fault in of(FaultSeen, bench.all) if fault.code == "gnss.antenna"]
    assert [(fault.active, str(fault.detail)) for fault in faults] == [(True, state)]
    bench.feed(*(Antenna(bench.drive.at + 10 + n, "ok") for n in range(4)))
    assert not bench.flags


@pytest.mark.parametrize("again_s", [None, 9])
def test_an_antenna_of_which_the_receiver_speaks_once_is_flagged_in_time_and_until_it_is_taken_back(again_s: int | None) -> None:
    """u-blox says it when it changes, CASIC at 1 Hz with each ninth fix."""
    bench = watched()
    began = bench.drive.at
    bench.feed(Antenna(began + 0.5, "ok"), Antenna(began + 1.0, "open"))
    assert bench.until_flag("antenna_open", 5) <= 1 + DELAY_S_MAX["gnss.antenna"]
    for second in range(round(2 * FORGET_S)):
        bench.ride(1)
        if again_s and second % again_s == 0:
            bench.feed(Antenna(bench.drive.at, "open"))
        assert bench.flags == ("antenna_open",)
    bench.feed(Antenna(bench.drive.at, "ok"))
    assert bench.until_clear("antenna_open", 5) <= 4


def test_a_bump_that_is_over_before_the_delay_is_none() -> None:
    bench = watched()
    began = bench.drive.at
    bench.feed(Antenna(began + 0.5, "open"), Antenna(began + 2.5, "ok"))
    assert bench.ride(60) == []


def test_what_one_receiver_said_of_its_antenna_is_let_go_when_another_may_have_come() -> None:
    bench = watched()
    bench.feed(Antenna(bench.drive.at + 0.5, "open"))
    bench.ride(10)
    bench.feed(ReceiverUp(bench.drive.at, "/dev/x"))
    bench.ride(round(FORGET_S) - 20)
    assert "antenna_open" in bench.flags
    bench.ride(30)
    assert not bench.flags


def test_a_flag_that_nothing_confirms_any_more_is_let_go() -> None:
    bench = watched()
    bench.feed(*(Antenna(bench.drive.at + 1 + n, "open") for n in range(4)))
    assert bench.flags
    at = bench.part.deadline
    assert at == bench.drive.at + 4 + FORGET_S
    faults = of(FaultSeen, bench.until(at))
    assert not any(fault.active for fault in faults)
    assert bench.part.deadline > 1e9


@pytest.mark.parametrize("day", range(7))
def test_a_week_of_clean_drives_has_no_false_flag(day: int) -> None:
    """The noise of a good receiver in a city, parked each third hour. One flag a week would be allowed."""
    bench = Watched(Drive(10 + day, noise_m=5.0, memory_s=40.0))
    for hour in range(24):
        bench.drive.parks = hour % 3 == 2
        assert bench.ride(3600) == []
        bench.all.clear()

"""Cases that real receivers make seldom and that gpsd gets wrong or leaves open: midnight, second 60, repeated time, lost weeks, jumps."""

import pytest

from agent.adapters.epoch import ENDER_CYCLES
from agent.adapters.fields import DAY_MS, FOOT_M, KNOT_MPS, day
from agent.adapters.instant import UERE_M
from agent.core.events import Fix, FixMode
from tests.adapters.test_epoch import DAY_2026_08_05, POSITION, VTG, Line, gga, gsa, rmc

MIDNIGHT = (DAY_2026_08_05 + 1) * DAY_MS


@pytest.fixture
def receiver() -> Line:
    return Line()


def utcs(fixes: list[Fix]) -> list[int | None]:
    return [fix.utc_ms for fix in fixes]


def cycles(receiver: Line, *rounds: tuple[str, ...], step_s: float = 0.5) -> list[Fix]:
    """Each round of sentences, then a pause that ends it."""
    fixes = []
    for bodies in rounds:
        fixes += receiver.say(*bodies)
        fixes += receiver.pause(step_s)
    return fixes


@pytest.mark.parametrize("date_late", [False, True])
def test_midnight_is_passed_whether_the_date_comes_in_time_or_late(receiver: Line, date_late: bool) -> None:
    """gpsd takes a date that is late as it stands: a day back, and a day forward again a second later."""
    dates = ["050826", "050826", "050826" if date_late else "060826", "060826"]
    times = ["235959.00", "235959.50", "000000.00", "000000.50"]
    fixes = cycles(receiver, *[(gga(t), rmc(t, date=d)) for t, d in zip(times, dates, strict=True)])
    assert utcs(fixes) == [MIDNIGHT - 1000, MIDNIGHT - 500, MIDNIGHT, MIDNIGHT + 500]


def test_a_receiver_without_dates_passes_midnight_in_a_tunnel(receiver: Line) -> None:
    """The date came once, from a ZDA."""
    cycles(receiver, ("GNZDA,234500.00,05,08,2026,00,00", gga("234500.00")))
    receiver.pause(3600.0)
    (fix,) = cycles(receiver, (gga("004500.00"),))
    assert fix.utc_ms == MIDNIGHT + 45 * 60_000


def test_in_a_leap_second_time_stands_still_and_no_fix_is_lost(receiver: Line) -> None:
    """gpsd makes 23:59:60 into 00:00:00, and tells that second twice."""
    times = ["235959.50", "235960.00", "235960.50", "000000.00", "000000.50"]
    dates = ["311228", "311228", "311228", "010129", "010129"]
    fixes = cycles(receiver, *[(gga(t), rmc(t, date=d)) for t, d in zip(times, dates, strict=True)])
    midnight = day(2029, 1, 1) * DAY_MS
    assert utcs(fixes) == [midnight - 500, midnight - 1, midnight - 1, midnight, midnight + 500]


def test_a_second_60_in_mid_day_is_a_minute_that_was_rounded(receiver: Line) -> None:
    (fix,) = cycles(receiver, (rmc("120060.00"),))
    assert fix.utc_ms == DAY_2026_08_05 * DAY_MS + 43_260_000


def test_a_time_that_stands_still_is_no_new_fix_and_is_counted(receiver: Line) -> None:
    """A receiver in a tunnel that repeats its last GGA and RMC is not where it says."""
    still = (gga("120000.00"), rmc("120000.00"))
    assert len(cycles(receiver, still, still, still)) == 1
    assert receiver.epochs.calendar.corrected == {"repeated": 2}


def test_lost_weeks_are_given_back_and_counted(receiver: Line) -> None:
    """gpsd does so only for dates before 2017 and leaves a receiver of 2007 in the past."""
    (fix,) = cycles(receiver, (gga("120000.00"), rmc("120000.00", date="201206")))
    assert fix.utc_ms == DAY_2026_08_05 * DAY_MS + 43_200_000
    assert receiver.epochs.calendar.corrected == {"week_rollover": 1}


def test_a_jump_is_told_as_it_is(receiver: Line) -> None:
    """Whether to believe it is the core's affair: the reader hides nothing."""
    near = "GNRMC,120000.00,A,3000.0,N,10400.0,E,1.0,,050826,,,A,V"
    far = "GNRMC,120001.00,A,3100.0,N,10400.0,E,1.0,,050826,,,A,V"
    assert [fix.lat for fix in cycles(receiver, (near,), (far,))] == [30.0, 31.0]


@pytest.mark.parametrize(
    ("bodies", "speed_knots", "alt_m", "mode"),
    [
        ((gga("120000.00"), VTG), 10, 76.5, FixMode.THREE_D),  # no RMC
        ((rmc("120000.00"), gsa(1, 2, 3)), 2, None, FixMode.THREE_D),  # no GGA
        ((f"GPGLL,{POSITION},120000.00,A,A",), None, None, FixMode.TWO_D),  # GLL alone
        ((f"GNGNS,120000.00,{POSITION},AN,09,0.9,76.5,-21.6,,",), None, 76.5, FixMode.THREE_D),  # GNS alone
    ],
)
def test_a_receiver_may_leave_out_sentences(
    receiver: Line, bodies: tuple[str, ...], speed_knots: float | None, alt_m: float | None, mode: FixMode
) -> None:
    (fix,) = cycles(receiver, ("GNZDA,120000.00,05,08,2026,00,00", *bodies))
    assert fix.utc_ms == DAY_2026_08_05 * DAY_MS + 43_200_000
    assert (fix.speed_mps, fix.alt_m, fix.mode) == (None if speed_knots is None else speed_knots * KNOT_MPS, alt_m, mode)


def test_a_zda_of_its_own_instant_dates_the_fixes_after_it(receiver: Line) -> None:
    fixes = cycles(receiver, (gga("120000.00"),), ("GNZDA,120000.50,05,08,2026,00,00",), (gga("120001.00"),))
    assert utcs(fixes) == [None, DAY_2026_08_05 * DAY_MS + 43_201_000]


def test_a_zda_of_a_receiver_without_a_fix_dates_nothing(receiver: Line) -> None:
    fixes = cycles(receiver, (gga("120000.00", quality="0"),), ("GNZDA,120000.50,06,01,1980,00,00",), (gga("120001.00"),))
    assert [fix.utc_ms for fix in fixes] == [None, None]


@pytest.mark.parametrize(
    ("bodies", "acc_m", "estimated"),
    [
        (("GNGST,120000.00,,,,,3.0,4.0,9.0", "GNGBS,120000.00,6.0,8.0,1.0,,,,"), 5.0, False),
        (("GNGBS,120000.00,6.0,8.0,1.0,,,,,",), 10.0, False),
        (("GNGST,120000.00,,,,,,,",), 0.9 * UERE_M["autonomous"], True),
        ((), 0.9 * UERE_M["autonomous"], True),
    ],
)
def test_accuracy_is_gst_else_gbs_else_hdop_times_the_error_of_the_ranges(
    receiver: Line, bodies: tuple[str, ...], acc_m: float, estimated: bool
) -> None:
    (fix,) = cycles(receiver, (gga("120000.00"), rmc("120000.00"), *bodies))
    assert fix.acc_m == pytest.approx(acc_m)
    assert fix.acc_estimated == estimated


@pytest.mark.parametrize(
    ("quality", "mode", "told", "acc_m"),
    [
        ("1", "A", "autonomous", 4.5),
        ("2", "D", "dgps", 1.8),
        ("4", "R", "rtk", 0.018),
        ("5", "F", "float", 0.45),
        ("1", "D", "autonomous", 4.5),  # GGA tells more than the mode
        ("6", "E", "estimated", None),
    ],
)
def test_the_kind_of_fix_is_told_and_dead_reckoning_has_no_accuracy(
    receiver: Line, quality: str, mode: str, told: str, acc_m: float | None
) -> None:
    (fix,) = cycles(receiver, (gga("120000.00", quality=quality), rmc("120000.00", mode=mode)))
    assert fix.quality == told
    assert fix.acc_m == (None if acc_m is None else pytest.approx(acc_m))


def test_gst_of_the_last_instant_starts_none(receiver: Line) -> None:
    fixes = cycles(receiver, (gga("120000.00"),), (gga("120001.00"), "GNGST,120000.00,,,,,3.0,4.0,9.0", rmc("120001.00")))
    assert [(fix.alt_m, fix.acc_estimated) for fix in fixes] == [(76.5, True), (76.5, True)]


def test_garmins_altitude_in_feet_is_an_altitude(receiver: Line) -> None:
    (fix,) = cycles(receiver, (rmc("120000.00"), "PGRMZ,1000,f,3"))
    assert fix.alt_m == pytest.approx(1000 * FOOT_M)
    assert fix.mode is FixMode.THREE_D
    (fix,) = cycles(receiver, (rmc("120001.00"), "PGRMZ,1000,f,2"))  # the user's own word
    assert (fix.alt_m, fix.mode) == (None, FixMode.TWO_D)


def test_when_the_cycle_changes_the_end_is_learned_anew(receiver: Line) -> None:
    """From GGA, RMC, VTG at 1 Hz to RMC, GGA at 10 Hz: late for as many cycles as it takes to learn, then at once."""
    for n in range(10):
        receiver.say(gga(f"1200{n:02}.00"), rmc(f"1200{n:02}.00"), VTG)
        receiver.pause(0.8)
    assert len(receiver.say(gga("120010.00"), rmc("120010.00"), VTG)) == 1
    at_once = []
    for n in range(10):
        t = f"120011.{n}0"
        receiver.say(rmc(t))
        at_once.append([fix.utc_ms for fix in receiver.say(gga(t))] == [DAY_2026_08_05 * DAY_MS + 43_211_000 + n * 100])
    assert at_once[ENDER_CYCLES + 1 :] == [True] * (10 - ENDER_CYCLES - 1)

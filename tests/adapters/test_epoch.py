"""Sentences of one instant become one fix, in whatever order and of whatever talker they come."""

import itertools

import pytest

from agent.adapters.epoch import ENDER_CYCLES, Epochs
from agent.adapters.facts import Sentence
from agent.adapters.fields import DAY_MS, KNOT_MPS
from agent.adapters.sentences import parse
from agent.core.events import Fix, FixMode
from tests.adapters.pty_receiver import sentence

POSITION = "4739.71890,N,12219.58362,W"
DAY_2026_08_05 = 20670


def gga(t: str, *, quality: str = "1", sats: str = "09", alt: str = "76.5", talker: str = "GN") -> str:
    return f"{talker}GGA,{t},{POSITION},{quality},{sats},0.9,{alt},M,-21.6,M,,"


def rmc(t: str, *, status: str = "A", mode: str = "A", date: str = "050826", talker: str = "GN", knots: str = "2.00") -> str:
    return f"{talker}RMC,{t},{status},{POSITION},{knots},90.0,{date},,,{mode},V"


def gsa(*numbers: int, system: int = 1, mode: int = 3) -> str:
    return f"GNGSA,A,{mode},{','.join([*map(str, numbers), *[''] * (12 - len(numbers))])},1.5,0.9,1.2,{system}"


VTG = "GNVTG,45.0,T,,M,10.00,N,18.52,K,A"


class Line:
    """One receiver: says sentences, each `step_s` after the one before."""

    def __init__(self) -> None:
        self.epochs = Epochs()
        self.now = 100.0

    def say(self, *bodies: str, step_s: float = 0.001) -> list[Fix]:
        fixes = []
        for body in bodies:
            self.now += step_s
            parsed = parse(sentence(body).decode().strip())
            if isinstance(parsed, Sentence):
                fixes += self.epochs.take(self.now, parsed)
        return fixes

    def pause(self, seconds: float) -> list[Fix]:
        self.now += seconds
        return self.epochs.flush()


@pytest.fixture
def receiver() -> Line:
    return Line()


def test_one_instant_is_one_fix_of_all_that_was_said(receiver: Line) -> None:
    at = receiver.now + 0.001
    assert receiver.say(gga("120000.00"), gsa(2, 7), gsa(13, 27, 30, system=4), rmc("120000.00"), "GNGST,120000.00,,,,,3.0,4.0,") == []
    (fix,) = receiver.pause(0.2)
    assert fix == Fix(
        at,
        FixMode.THREE_D,
        DAY_2026_08_05 * DAY_MS + 43_200_000,
        fix.lat,
        fix.lon,
        76.5,
        2 * KNOT_MPS,
        90.0,
        0.9,
        5.0,
        {"GP": 2, "BD": 3},
        1.5,
        1.2,
        "autonomous",
    )
    assert fix.lat == pytest.approx(47.661981667)
    assert fix.lon == pytest.approx(-122.326393667)


def test_the_order_of_sentences_makes_no_difference() -> None:
    for order in itertools.permutations([gga("120000.00"), rmc("120000.00"), "GNZDA,120000.00,05,08,2026,00,00"]):
        receiver = Line()
        receiver.say(*order, gsa(13, system=4))
        (fix,) = receiver.pause(0.2)
        assert (fix.mode, fix.alt_m, fix.speed_mps, fix.sats) == (FixMode.THREE_D, 76.5, 2 * KNOT_MPS, {"BD": 1})


@pytest.mark.parametrize("talker", ["BD", "GB", "GP", "GN", "GL", "GA", "GQ"])
def test_any_talker_is_a_receiver(receiver: Line, talker: str) -> None:
    receiver.say(gga("120000.00", talker=talker), rmc("120000.00", talker=talker))
    (fix,) = receiver.pause(0.2)
    assert (fix.mode, fix.sats) == (FixMode.THREE_D, {{"GB": "BD", "GP": "GN"}.get(talker, talker): 9})


def test_ten_milliseconds_part_two_instants_nine_do_not(receiver: Line) -> None:
    receiver.say(gga("120000.000"), rmc("120000.009"))
    assert len(receiver.say(rmc("120000.010"))) == 1
    assert len(receiver.pause(0.2)) == 1


def test_a_new_time_sends_the_old_instant(receiver: Line) -> None:
    receiver.say(gga("120000.00"), rmc("120000.00"))
    (fix,) = receiver.say(gga("120001.00"))
    assert fix.utc_ms == DAY_2026_08_05 * DAY_MS + 43_200_000


def test_after_some_cycles_the_fix_leaves_with_its_last_sentence(receiver: Line) -> None:
    cycles = [(gga(f"1200{n:02}.00"), gsa(1), gsa(13, system=4), "GPGSV,1,1,00", rmc(f"1200{n:02}.00"), VTG) for n in range(20)]
    for cycle in cycles[: ENDER_CYCLES + 1]:
        receiver.say(*cycle)
    for cycle in cycles[ENDER_CYCLES + 1 :]:
        assert receiver.say(*cycle[:-1]) == []
        assert len(receiver.say(cycle[-1])) == 1


def test_the_last_of_several_gsa_can_end_a_cycle(receiver: Line) -> None:
    for n in range(10):
        receiver.say(rmc(f"1200{n:02}.00"), gga(f"1200{n:02}.00"), gsa(1), gsa(65, system=2))
    assert receiver.say(rmc("120010.00"), gga("120010.00"), gsa(1)) == []
    (fix,) = receiver.say(gsa(65, system=2))
    assert fix.sats == {"GP": 1, "GL": 1}


def test_a_sentence_after_the_ender_unlearns_it_and_tells_no_instant_twice(receiver: Line) -> None:
    for n in range(10):
        receiver.say(gga(f"1200{n:02}.00"), rmc(f"1200{n:02}.00"))
    assert len(receiver.say(gga("120010.00"), rmc("120010.00"), gsa(1))) == 1
    assert receiver.say(gga("120011.00"), rmc("120011.00")) == []
    (fix,) = receiver.say(gsa(1), gga("120012.00"))
    assert fix.sats == {"GP": 1}


def test_gsa_that_goes_before_its_cycle_after_a_pause_belongs_to_it(receiver: Line) -> None:
    for n in range(10):
        receiver.say(gsa(1, 2, 3), gsa(13, system=4), rmc(f"1200{n:02}.00"), gga(f"1200{n:02}.00"))
        receiver.pause(0.2)
    assert receiver.say(gsa(1, 2), gsa(13, system=4), rmc("120010.00")) == []
    (fix,) = receiver.say(gga("120010.00"))
    assert fix.sats == {"GP": 2, "BD": 1}


def test_gsa_and_vtg_never_start_an_instant(receiver: Line) -> None:
    assert receiver.say(gsa(1), VTG, gsa(2)) == []
    assert receiver.pause(0.2) == []


def test_zda_alone_is_no_fix(receiver: Line) -> None:
    receiver.say("GNZDA,120000.00,05,08,2026,00,00")
    assert receiver.pause(0.2) == []


def test_speed_is_the_last_word_of_rmc_and_vtg(receiver: Line) -> None:
    receiver.say(rmc("120000.00"), VTG)
    assert receiver.pause(0.2)[0].speed_mps == 10 * KNOT_MPS
    receiver.say(gga("120001.00"), VTG)
    assert receiver.pause(0.2)[0].speed_mps == 10 * KNOT_MPS
    receiver.say(rmc("120002.00", knots=""), VTG)
    assert receiver.pause(0.2)[0].speed_mps == 10 * KNOT_MPS


@pytest.mark.parametrize(
    "bodies",
    [
        (rmc("120000.00", status="V", mode="N"), gga("120000.00")),
        (gga("120000.00", quality="0"), rmc("120000.00")),
        (gga("120000.00"), rmc("120000.00", mode="S")),
        (gga("120000.00", quality="8"), rmc("120000.00")),
        (gga("120000.00"), rmc("120000.00"), gsa(mode=1)),
        (gga("120000.00", sats="02"), rmc("120000.00")),
    ],
)
def test_one_void_sentence_makes_the_instant_void_without_position_or_time(receiver: Line, bodies: tuple[str, ...]) -> None:
    receiver.say(*bodies)
    (fix,) = receiver.pause(0.2)
    assert (fix.mode, fix.lat, fix.lon, fix.utc_ms) == (FixMode.NONE, None, None, None)


def test_too_few_satellites_in_gga_are_no_objection_when_gsa_lists_enough(receiver: Line) -> None:
    receiver.say(rmc("120000.00"), gga("120000.00", sats="00"), gsa(68, 69, 70, system=2))
    assert receiver.pause(0.2)[0].mode is FixMode.THREE_D


@pytest.mark.parametrize(
    ("bodies", "mode"),
    [
        ((rmc("120000.00"),), FixMode.TWO_D),
        ((gga("120000.00"),), FixMode.THREE_D),
        ((gga("120000.00", alt=""),), FixMode.TWO_D),
        ((gga("120000.00"), gsa(1, mode=2)), FixMode.TWO_D),
        ((gga("120000.00"), gsa(1, mode=2), gsa(13, system=4, mode=3)), FixMode.THREE_D),
        ((gga("120000.00", quality="6", sats="00"), rmc("120000.00", mode="E")), FixMode.DEAD_RECKONING),
        ((gga("120000.00", quality="5"), rmc("120000.00", mode="F")), FixMode.THREE_D),
    ],
)
def test_mode_is_that_of_gsa_else_by_altitude(receiver: Line, bodies: tuple[str, ...], mode: FixMode) -> None:
    receiver.say(*bodies)
    assert receiver.pause(0.2)[0].mode is mode


def test_a_time_that_stands_still_gives_no_new_fix(receiver: Line) -> None:
    receiver.say(gga("120000.00"), rmc("120000.00"))
    assert len(receiver.pause(0.2)) == 1
    for _ in range(5):
        assert receiver.say(gga("120000.00"), rmc("120000.00")) == []
        assert receiver.pause(0.8) == []


def test_a_late_void_takes_the_fix_back(receiver: Line) -> None:
    receiver.say(gga("120000.00"), rmc("120000.00"))
    assert receiver.pause(0.2)[0].mode is FixMode.THREE_D
    assert [f.mode for f in receiver.say(rmc("120000.00", status="V", mode="N"), gga("120000.00", quality="0"))] == [FixMode.NONE]


def test_loss_without_a_time_is_told_at_once_and_once_a_round(receiver: Line) -> None:
    void = ("GPGGA,,,,,,0,,,,M,,M,,", "GPGLL,,,,,,V,N", "GPGSA,A,1,,,,,,,,,,,,,,,", "GPRMC,,V,,,,,,,,,,N", "GPVTG,,T,,M,,N,,K,N")
    receiver.say(rmc("120000.00"))
    assert [f.mode for f in receiver.say(void[0])] == [FixMode.TWO_D, FixMode.NONE]
    assert receiver.say(*void[1:]) == []
    assert [f.mode for f in receiver.say(*void)] == [FixMode.NONE]


def test_the_date_goes_on_over_midnight_without_rmc(receiver: Line) -> None:
    receiver.say(rmc("235959.80"), gga("235959.90"), gga("000000.00"))
    (fix,) = receiver.pause(0.2)
    assert fix.utc_ms == (DAY_2026_08_05 + 1) * DAY_MS


def test_without_any_date_there_is_no_utc(receiver: Line) -> None:
    receiver.say(gga("120000.00"))
    (fix,) = receiver.pause(0.2)
    assert (fix.mode, fix.utc_ms) == (FixMode.THREE_D, None)


def test_a_void_rmc_dates_nothing(receiver: Line) -> None:
    receiver.say(rmc("120000.00", status="V", mode="N", date="060180"), gga("120001.00"))
    assert receiver.pause(0.2)[0].utc_ms is None

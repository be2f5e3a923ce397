"""Facts of the lights that mutation testing found no other test to hold (`python -m tests.mutation`)."""

import pytest

from agent.config import Input, InputUse, Show
from agent.config import Lights as LightsConfig
from agent.config import Output as OutputConfig
from agent.core.cruise import Cruise
from agent.core.dark_approach import DarkApproach
from agent.core.effects import Note, Remember
from agent.core.events import InputChanged, LightsAsked, LightsTurned, Remembered, SpoolDown, Started, StopRequested
from agent.core.light_hand import LightHand
from agent.core.light_lease import LightLease
from agent.core.light_sense import LightSense
from agent.core.light_tally import LightTally
from agent.core.lights import Lights
from agent.core.part import Part
from agent.core.shedding import Shedding
from agent.core.shows import BUILT_IN, Shows, mistakes
from agent.core.timebase import Timebase
from agent.wire.records import Pos
from tests.core.builders import Bench, clock_read, of, one, spool_opened, told_time

BAR = (OutputConfig(id="red", pin=5), OutputConfig(id="blue", pin=6))


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (Cruise, "cruise"),
        (DarkApproach, "dark_approach"),
        (LightHand, "light_hand"),
        (LightLease, "light_lease"),
        (LightSense, "light_sense"),
        (LightTally, "lights_on"),
        (Lights, "lights"),
        (Shedding, "shedding"),
    ],
)
def test_each_part_is_told_by_its_name(part: type[Part], name: str) -> None:
    assert part.name == name


# --- shows --------------------------------------------------------------------------------------------------------------------------


def test_a_group_that_never_shines_is_dark_for_no_time() -> None:
    shows = Shows(tuple(Show(name=name, patterns=("off",)) for name in BUILT_IN), BAR)
    assert shows.dark_s("bar") == 0.0


@pytest.mark.parametrize(("steps", "found"), [("100 0 50", 0), ("100 50 0 50", 0), ("5 100 6 100", 5), ("100 6 100 5", 6)])
def test_the_first_step_that_is_too_short_is_named(steps: str, found: int) -> None:
    [(number, key, what)] = mistakes((Show(name="new", patterns=(steps,)),), BAR)
    assert (number, key) == (0, "patterns")
    assert what.startswith(f'found a step of {found} ms in "{steps}"')


# --- who asks -----------------------------------------------------------------------------------------------------------------------


def test_a_switch_without_a_show_asks_for_nothing() -> None:
    bench = Bench(LightHand((Input(id="switch", use=InputUse.LIGHT_HAND, pin=4),), lambda _row, _show: None))
    assert bench.feed(InputChanged(1.0, "switch", "light_hand", True, 1.0)) == []
    assert bench.part.status(1.0) == LightHand((), lambda _row, _show: None).status(1.0)


def test_a_switch_without_a_show_does_not_hide_the_next_one() -> None:
    switches = (Input(id="bare", use=InputUse.LIGHT_HAND, pin=4), Input(id="hand", use=InputUse.LIGHT_HAND, pin=17, show="scene"))
    bench = Bench(LightHand(switches, lambda _row, _show: None))
    bench.feed(InputChanged(1.0, "bare", "light_hand", True, 1.0))
    assert [out.show for out in of(LightsAsked, bench.feed(InputChanged(2.0, "hand", "light_hand", True, 2.0)))] == ["scene"]


def test_the_cruise_light_says_by_what_it_is_lit_and_what_keeps_it_dark() -> None:
    here = Pos(36.6171, 101.7782, "3d", "gnss", 0)
    night = Bench(Cruise(LightsConfig(cruise="schedule"), told_time(), lambda _at: here))
    night.feed(Started(12 * 3600.0))
    assert night.part.status(0.0)["why"] == "the sun is down"
    key = Bench(Cruise(LightsConfig(cruise="ignition"), told_time(), lambda _at: here))
    assert one(Note, key.feed(InputChanged(1.0, "key", "ignition", False, 1.0))).text == "cruise light stays off: ignition off"


# --- what is seen ---------------------------------------------------------------------------------------------------------------------


def test_light_in_one_group_is_none_in_another() -> None:
    eyes = (
        Input(id="eye", use=InputUse.LIGHT_SENSE, pin=4, senses="bar"),
        Input(id="other", use=InputUse.LIGHT_SENSE, pin=17, senses="alley"),
    )
    part = LightSense(eyes, Shows((), (*BAR, OutputConfig(id="side", group="alley", pin=13))))
    bench = Bench(part)
    bench.feed(InputChanged(1.0, "eye", "light_sense", True, 1.0), InputChanged(1.0, "other", "light_sense", False, 1.0))
    bench.until(60.0)
    assert part.lit() == {"bar": True, "alley": False}


def test_a_line_that_names_a_group_which_is_not_there_watches_none() -> None:
    bench = Bench(LightSense((Input(id="eye", use=InputUse.LIGHT_SENSE, pin=4, senses="alley"),), Shows((), BAR)))
    bench.feed(InputChanged(1.0, "eye", "light_sense", True, 1.0))
    assert bench.part.status(1.0) == {"lit": {}, "lines": {}}


# --- for how long they shone ----------------------------------------------------------------------------------------------------------


def tally(time: Timebase | None = None, memory: bytes | None = None) -> Bench:
    """Lights that are counted from 3 on, with a store."""
    bench = Bench(LightTally(time or told_time()))
    bench.feed(Started(3.0), spool_opened(3.1, {} if memory is None else {"lights_on": memory}))
    return bench


def lit(at: float, plays: bool = True) -> LightsTurned:
    """The bar turns on or off."""
    return LightsTurned(at, "cruise", "cruise", {"bar": plays})


def test_a_day_that_was_never_known_is_a_dash() -> None:
    bench = tally(Timebase())
    bench.feed(lit(4.0), lit(9.0, plays=False))
    assert [out.value for out in of(Remember, bench.until(70.0))] == [b"- 5000"]


def test_the_day_becoming_known_is_no_turn_of_the_day() -> None:
    time = Timebase()
    bench = tally(time)
    bench.feed(lit(4.0))
    assert len(of(Remember, bench.until(70.0))) == 1
    time.handle(clock_read(71.0))
    assert of(Remember, bench.until(600.0)) == []


def test_what_was_recalled_is_not_written_again_while_it_stays_as_it_is() -> None:
    bench = tally(Timebase(), b"- 5000")
    assert of(Remember, bench.until(2000.0)) == []
    bench.feed(SpoolDown(2000.0, "gone"), spool_opened(2001.0, {"lights_on": b"- 5000"}))
    assert of(Remember, bench.until(4000.0)) == []


def test_a_memory_of_somebody_else_is_no_reason_to_write() -> None:
    bench = tally()
    bench.feed(lit(4.0), lit(9.0, plays=False))
    bench.until(70.0)
    bench.feed(Remembered(70.0, ("lights_on",)), Remembered(70.1, ("another",)))
    assert of(Remember, bench.until(2000.0)) == []


def test_the_end_of_the_process_writes_also_right_after_it_was_written() -> None:
    bench = tally()
    bench.feed(lit(4.0))
    [written] = [out for out in bench.until(70.0) if isinstance(out, Remember)]
    at = bench.part.deadline - 60.0 + 0.5
    bench.feed(Remembered(at, ("lights_on",)))
    assert written.value != one(Remember, bench.feed(StopRequested(at, "SIGTERM"))).value


@pytest.mark.parametrize(("value", "seconds"), [(b"- " + b"1" * 15, 111_111_111_111), (b"- " + b"1" * 16, 0)])
def test_a_sum_of_more_than_fifteen_digits_is_nothing_of_ours(value: bytes, seconds: int) -> None:
    assert tally(Timebase(), value).part.status(4.0) == {"s_today": seconds}


def test_without_a_date_a_sum_lasts_for_a_day() -> None:
    bench = tally(Timebase())
    bench.feed(lit(4.0))
    bench.until(86_390.0)
    assert bench.part.status(86_390.0)["s_today"] > 86_000
    bench.until(86_600.0)
    assert bench.part.status(86_600.0)["s_today"] < 300

"""Promises about flags: kept by the core in a world of one trouble, broken by a core that is blind to it or that cries wolf."""

import pytest

from agent.adapters.dates import BUILD_DAY, WEEKS_1024_DAYS, Calendar
from agent.core.effects import Effect
from agent.core.events import Antenna, Event
from agent.core.integrity import Integrity
from agent.core.part import Part
from agent.core.unit import Unit
from simulator.faults import Fault
from simulator.faults_gnss import (
    AntennaOpen,
    AntennaSaidOnce,
    AntennaShort,
    DefaultDate,
    FrozenPosition,
    Jam,
    PositionJump,
    RollOver,
    SpoofDragOff,
)
from simulator.promises import Broken
from simulator.world import World
from simulator.world_signals import DEFAULT_DAYS

TROUBLES: list[Fault] = [
    Jam(700.0, 120.0, 13.0),
    SpoofDragOff(700.0, 120.0, 5.0),
    PositionJump(700.0, 60.0, 3.0),
    FrozenPosition(700.0, 300.0),
    AntennaOpen(700.0, 60.0),
    AntennaShort(700.0, 60.0),
    AntennaSaidOnce(700.0, 900.0),
    RollOver(700.0, 300.0),
]
MIDNIGHT_MS = 1_800_057_600_000
"""2027-01-16 00:00 UTC."""

IDS = [type(fault).__name__ for fault in TROUBLES]


class Blind(Unit):
    """Shows every place as it was said, and sees nothing wrong with it: its integrity is deaf."""

    def _listening(self, event: type[Event]) -> tuple[tuple[int, Part], ...]:
        return tuple(one for one in super()._listening(event) if not isinstance(one[1], Integrity))


class CriesWolf(Unit):
    """Believes now and then that the antenna is open."""

    def handle(self, event: Event) -> list[Effect]:
        if isinstance(event, Antenna):
            event = Antenna(event.at, "open" if event.at % 600 > 500 else "ok")
        return super().handle(event)


@pytest.mark.parametrize("fault", TROUBLES, ids=IDS)
def test_each_trouble_is_flagged_in_time_and_nothing_else_is(fault: Fault) -> None:
    world = World(1, 0.5, faults=[fault])
    world.run()
    assert world.counts["flags in time"] == 1
    assert world.counts["flags false"] == 0


@pytest.mark.parametrize("fault", TROUBLES, ids=IDS)
def test_a_core_that_is_blind_is_found_out(fault: Fault) -> None:
    with pytest.raises(Broken) as broken:
        World(1, 0.5, faults=[fault], unit=Blind).run()
    assert broken.value.name == "flags in time"


def across_midnight(monkeypatch: pytest.MonkeyPatch, seed: int) -> World:
    """A world that begins ten minutes before a midnight, and has lived."""
    monkeypatch.setattr("simulator.world.UTC_MS", MIDNIGHT_MS - 600_000)
    world = World(seed, 0.4, faults=[])
    world.run()
    return world


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_date_that_turns_late_or_early_at_midnight_is_no_wrong_time(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    world = across_midnight(monkeypatch, seed)
    assert world.counts["dates astray at midnight"] > 0
    assert world.counts["flags false"] == 0


def test_a_reader_that_takes_the_date_as_it_is_said_at_midnight_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core sees through it, and calls the receiver's time astray."""
    monkeypatch.setattr(Calendar, "_is_off_at_midnight", lambda *_: False)
    assert across_midnight(monkeypatch, 1).counts["flags false"] > 0


@pytest.mark.parametrize("day", range(len(DEFAULT_DAYS)))
def test_a_date_that_nobody_set_is_no_time(day: int) -> None:
    world = World(1, 0.5, faults=[DefaultDate(700.0, 120.0, float(day))])
    world.run()
    assert world.counts["flags false"] == 0


@pytest.mark.parametrize("day", range(len(DEFAULT_DAYS)))
def test_a_reader_that_makes_a_time_of_it_is_found_out(day: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Calendar, "_meant", lambda self, said: BUILD_DAY + (said - BUILD_DAY) % WEEKS_1024_DAYS)
    with pytest.raises(Broken):
        World(1, 0.5, faults=[DefaultDate(700.0, 120.0, float(day))]).run()


def test_a_core_that_cries_wolf_is_found_out() -> None:
    with pytest.raises(Broken) as broken:
        World(1, 0.5, faults=[], unit=CriesWolf).run()
    assert broken.value.name == "no flag without a cause"


def test_a_quiet_world_has_no_flag() -> None:
    world = World(2, 1.0, faults=[])
    world.run()
    assert not [name for name in world.counts if name.startswith("flags")]

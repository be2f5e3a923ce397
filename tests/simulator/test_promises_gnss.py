"""Promises about flags: kept by the core in a world of one trouble, broken by a core that is blind to it or that cries wolf."""

import pytest

from agent.core.effects import Effect
from agent.core.events import Antenna, Event, Fix, Sky
from agent.core.unit import Unit
from simulator.faults import Fault
from simulator.faults_gnss import AntennaOpen, FrozenPosition, Jam, PositionJump, RollOver, SpoofDragOff
from simulator.promises import Broken
from simulator.world import World

TROUBLES: list[Fault] = [
    Jam(700.0, 120.0, 13.0),
    SpoofDragOff(700.0, 120.0, 5.0),
    PositionJump(700.0, 60.0, 3.0),
    FrozenPosition(700.0, 300.0),
    AntennaOpen(700.0, 60.0),
    RollOver(700.0, 300.0),
]
IDS = [type(fault).__name__ for fault in TROUBLES]


class Blind(Unit):
    """Hears nothing of sky and antenna, and every fix as a fresh one without speed, course or time."""

    def handle(self, event: Event) -> list[Effect]:
        if isinstance(event, Sky | Antenna):
            return []
        if isinstance(event, Fix):
            event = Fix(event.at, event.mode, None, 36.62 + event.at * 1e-5, 101.78)
        return super().handle(event)


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


def test_a_core_that_cries_wolf_is_found_out() -> None:
    with pytest.raises(Broken) as broken:
        World(1, 0.5, faults=[], unit=CriesWolf).run()
    assert broken.value.name == "no flag without a cause"


def test_a_quiet_world_has_no_flag() -> None:
    world = World(2, 1.0, faults=[])
    world.run()
    assert not [name for name in world.counts if name.startswith("flags")]

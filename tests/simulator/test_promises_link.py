"""The way home to the first endpoint: found by the core after that was down for a while; a core that stays away is found out."""

import pytest

from agent.core.unit import Unit
from simulator.faults_link import FirstBrokerDown
from simulator.promises import Broken
from simulator.promises_link import Homecoming
from simulator.world import World


class Settled(Unit):
    """Is content where it is."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they came
        self.link._endpoints.up = lambda at: None  # type: ignore[method-assign]  # the defect


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_unit_comes_home_when_its_first_endpoint_is_well_again(seed: int) -> None:
    world = World(seed, 3.0, faults=[FirstBrokerDown(700.0, 1800.0)])
    judge = world.run()
    promise = next(promise for promise in judge.promises if isinstance(promise, Homecoming))
    assert promise.returns == 1
    assert world.unit is not None
    assert world.unit.link.endpoint == world.config.mqtt.endpoints[0]


def test_while_the_first_is_down_the_unit_works_at_the_second() -> None:
    world = World(4, 1.0, faults=[FirstBrokerDown(700.0, 3600.0)])
    world.run()
    assert world.unit is not None
    assert world.unit.link.status(world.mono())["endpoint"] == world.config.mqtt.endpoints[1]


def test_a_unit_that_stays_away_is_found_out() -> None:
    with pytest.raises(Broken) as broken:
        World(1, 4.0, faults=[FirstBrokerDown(700.0, 600.0)], unit=Settled).run()
    assert broken.value.name == "homecoming"

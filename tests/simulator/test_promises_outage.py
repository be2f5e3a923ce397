"""An outage on purpose in the virtual world: presses that fall into one are not delayed; a core that lets them wait is found out."""

from collections.abc import Callable

import pytest

from agent.core.outage import OUTAGE_S_MAX
from agent.core.unit import Unit
from simulator.faults import Fault
from simulator.faults_link import OutageAsked
from simulator.promises import Broken
from simulator.promises_outage import CommissioningDelaysNobody
from simulator.world import World

HOURS = 3.0
TRIED: list[Fault] = [OutageAsked(600.0 + 60.0 * n, OUTAGE_S_MAX) for n in range(int(HOURS * 60) - 10)]
"""Somebody who cannot stop trying."""


class WaitsForItsEnd(Unit):
    """An alarm is no reason for it to end an outage."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they came
        self.link._hurry = lambda at, alarm, state: ()  # type: ignore[method-assign]  # the defect


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_press_in_an_outage_is_not_delayed_and_all_other_promises_hold(seed: int) -> None:
    judge = World(seed, HOURS, faults=TRIED).run()
    promise = next(promise for promise in judge.promises if isinstance(promise, CommissioningDelaysNobody))
    assert promise.outages > 20
    assert promise.alarms > 0


@pytest.mark.parametrize("unit", [WaitsForItsEnd])
def test_a_core_that_lets_it_wait_is_found_out(unit: Callable[..., Unit]) -> None:
    with pytest.raises(Broken) as broken:
        World(1, HOURS, faults=TRIED, unit=unit).run()
    assert broken.value.name == "commissioning delays no alarm"

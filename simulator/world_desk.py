"""The dispatcher's desk as the world has it: chance goes in; orders for lights, marks and walk tests come out.

Only where the vehicle has everything (`world_config.EVERYTHING`): elsewhere nobody plays with its lights.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.config import InputUse

if TYPE_CHECKING:
    from simulator.world import World

LIGHT_EVERY_S = 240.0
SHOWS = ("cruise", "checkpoint", "response", "scene", "off", "dark_approach", None)
"""What is asked for by lease; two of them are dark, None gives the light back."""

LEASE_S = (5.0, 30.0)
AGAIN_SHARE = 0.5
"""Leases that are renewed once, some seconds before their end."""

MARK_EVERY_S = 1200.0
TEST_EVERY_S = 14_400.0


class Desk:
    """Somebody with a mouse. `order`: gives the unit an order of that kind and body."""

    def __init__(self, world: "World", order: Callable[[str, dict[str, Any]], str]) -> None:
        self._world = world
        self._order = order

    def live(self) -> None:
        """The world begins."""
        if any(i.use is InputUse.LIGHT_HAND for i in self._world.config.input):
            self._later(LIGHT_EVERY_S, self._light)
            self._later(MARK_EVERY_S, self._mark)
            self._later(TEST_EVERY_S, self._test)

    def _later(self, every_s: float, todo: Callable[[], None]) -> None:
        self._world.after(self._world.rng.expovariate(1 / every_s), self._do, every_s, todo)

    def _do(self, every_s: float, todo: Callable[[], None]) -> None:
        if self._world.people:
            todo()
        self._later(every_s, todo)

    def _light(self) -> None:
        rng = self._world.rng
        show, lease_s = rng.choice(SHOWS), round(rng.uniform(*LEASE_S), 1)
        self._ask(show, lease_s)
        if rng.random() < AGAIN_SHARE:
            self._world.after(lease_s * 0.8, self._ask, show, lease_s)

    def _ask(self, show: str | None, lease_s: float) -> None:
        self._order("light.set", {"show": show, "lease_s": lease_s})

    def _mark(self) -> None:
        self._order("mark", {"reason": "look at this"})

    def _test(self) -> None:
        self._order("selftest", {"what": "walk_test"})

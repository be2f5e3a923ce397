"""What the network bills: bytes of the unit's connections go in; `Traffic`, as the adapter tells it, and each day's truth, come out."""

from typing import TYPE_CHECKING

from agent import time_zone
from agent.core import local_days
from agent.core.events import Traffic

if TYPE_CHECKING:
    from simulator.world import World

TOLD_EACH_S = 10.0
TOLD_EACH_BYTES = 65_536
"""As the adapter's."""

HANDSHAKE_BYTES = (2_500, 4_500)
"""TCP, TLS with both certificates, CONNECT and CONNACK, up and down."""

FAILED_BYTES = (300, 200)
"""An attempt that came to nothing after it had begun."""

MESSAGE_BYTES = 150
"""A PUBLISH besides topic and payload: its own fields, TLS, TCP, IP, and the segment that acknowledges the answer."""

ANSWER_BYTES = 80
"""A PUBACK, likewise."""


class WorldBill:
    """Counts of the process that runs, and of the day; the latter is the network's, whatever becomes of the unit."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.east_s = time_zone.east_s(world.config.unit.timezone) or local_days.china
        self.day = -1
        self.today = 0
        self._process = 0
        self._up = self._down = self._told = 0
        self._waits = False

    def count(self, up: int, down: int) -> None:
        """So many bytes have moved."""
        self.look()
        self.today += up + down
        self._up += up
        self._down += down
        if self._up + self._down - self._told >= TOLD_EACH_BYTES:
            self._tell(self._process)
        elif not self._waits:
            self._waits = True
            self._world.after(TOLD_EACH_S, self._tell, self._process)

    def look(self) -> None:
        """The local day in truth; a new one begins at nothing."""
        day = local_days.day(round(self._world.utc_ms()), self.east_s)
        if day != self.day:
            self.day, self.today = day, 0

    def midnight(self) -> float:
        """The second of the world at which the next day begins, with what waited for it."""
        utc_ms = round(self._world.utc_ms())
        next_day = local_days.day(utc_ms, self.east_s) + 1
        return self._world.at_utc(next_day * local_days.DAY_MS - self.east_s(utc_ms) * 1000)

    def crash(self) -> None:
        """Another process begins to count anew."""
        self._process += 1
        self._up = self._down = self._told = 0
        self._waits = False

    def _tell(self, process: int) -> None:
        if process == self._process:
            self._waits, self._told = False, self._up + self._down
            self._world.post(Traffic(self._world.mono(), self._up, self._down))

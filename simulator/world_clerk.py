"""The clerk of the world's centre: the ledger's holes go in; orders to send again come out, until nothing that the unit kept is missing.

What an integrator does too, since a PUBACK proves only the broker. What the unit says it does not have is not asked for again, but once in
the end: it may have waited to leave just then.
"""

from typing import TYPE_CHECKING

from agent.wire import topics
from agent.wire.records import AckRecord
from simulator.ledger import Ledger
from simulator.orders import plain_order

if TYPE_CHECKING:
    from simulator.world import World

LOOK_S = 900.0
"""How often holes are looked for."""

LAST_LOOK_S = 30.0
"""How often when all is to be settled."""

AGAIN_S = 900.0
"""An order whose answer has not come by then was lost."""

RANGES_MAX = 64
"""In one order (`docs/asyncapi.yaml`)."""

ROUNDS = 2
"""In the end each is asked for so often; the answer to the first may have been on its way with the faults."""

Range = tuple[str, int, int | None]


def _key(wanted: Range) -> Range:
    """What is asked for once: of what follows the last number it does not matter where it begins, since each answer is one more record."""
    boot, first, last = wanted
    return (boot, 0 if last is None else first, last)


class Clerk:
    """Looks for holes, asks, and notes the answers."""

    def __init__(self, world: "World", unit: str, root: str, ledger: Ledger) -> None:
        self._world = world
        self._unit = unit
        self._topic = topics.down(root, unit, "resend")
        self._ledger = ledger
        self._asked: dict[str, tuple[float, list[Range]]] = {}
        self._told: set[Range] = set()
        self._rounds_left = ROUNDS
        self._closing = False
        world.after(LOOK_S, self._look)

    def close(self) -> None:
        """From now on all that may be missing is asked for."""
        self._closing = True
        self._told.clear()
        self._asked.clear()
        self._world.after(0.0, self._look)

    @property
    def settled(self) -> bool:
        """All has been asked for and answered."""
        return self._closing and not self._rounds_left

    def hear(self, ack: AckRecord) -> None:
        """An answer: that order is done with, whatever it brought."""
        if ack.order in self._asked and ack.label in ("done", "failed", "rejected"):
            _, ranges = self._asked.pop(ack.order)
            if ack.label == "done":
                self._told.update(map(_key, ranges))

    def _look(self) -> None:
        if self.settled:
            return
        self._asked = {order: asked for order, asked in self._asked.items() if self._world.now - asked[0] < AGAIN_S}
        pending = {_key(each) for _, ranges in self._asked.values() for each in ranges}
        wanted = [each for each in self._ledger.wanted(self._unit) if _key(each) not in pending and _key(each) not in self._told]
        if not wanted and not pending and self._closing:
            self._rounds_left -= 1
            self._told.clear()
        for start in range(0, len(wanted), RANGES_MAX):
            self._ask(wanted[start : start + RANGES_MAX])
        self._world.after(LAST_LOOK_S if self._closing else LOOK_S, self._look)

    def _ask(self, ranges: list[Range]) -> None:
        jti = f"{self._world.rng.getrandbits(64):016x}"
        self._asked[jti] = (self._world.now, ranges)
        body = {"ranges": [[boot, first] if last is None else [boot, first, last] for boot, first, last in ranges]}
        self._world.counts["orders to send again"] += 1
        self._world.give_order(self._topic, plain_order("resend", body, jti, self._world.utc_ms() / 1000))

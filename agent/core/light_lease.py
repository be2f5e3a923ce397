"""The lease of the lights: `light.set` goes in; what the row `remote` asks for, for half a minute at most, and the answers come out.

Theory. The centre borrows the lights, it does not switch them. An order is `done` when it is taken, and over by itself after its lease: a
centre that wants more asks again, and one that is gone holds nothing. It is `failed`, with the reason, when a higher row has the lights, or
when it would leave a group dark that is lit now, also one that the lease itself lights (`show: null` gives the lights back). A higher row
that comes meanwhile has the lights until it gives them up or the lease is over. So has a lower one that wants light where the lease's show
is dark: `ruling` in `lights.py` sees to that.
"""

import math
from collections.abc import Callable

import msgspec

from agent.core.events import Event, LightsAsked, OrderAnswered, OrderGiven
from agent.core.part import Outputs, Part
from agent.wire.orders import LightBody
from agent.wire.whys import Why


class LightLease(Part):
    """The lease that runs, if any."""

    name = "light_lease"
    listens = (OrderGiven,)

    def __init__(self, refuses: Callable[[str, str], Why | None]) -> None:
        """`refuses(row, show)`: why that row cannot have that show, None when it can."""
        self._refuses = refuses
        self._ends_at = math.inf

    @property
    def deadline(self) -> float:
        """When the lease is over."""
        return self._ends_at

    def handle(self, event: Event) -> Outputs:
        """Lend the lights, or say why not."""
        match event:
            case OrderGiven(kind="light.set"):
                return self._lend(event)
        return ()

    def expire(self) -> Outputs:
        """The lease is over."""
        at, self._ends_at = self._ends_at, math.inf
        return [LightsAsked(at, "remote", None)]

    def _lend(self, order: OrderGiven) -> Outputs:
        try:
            body = msgspec.convert(order.body, LightBody)
        except msgspec.ValidationError as e:
            return [OrderAnswered(order.at, order.order, "failed", f"malformed: {e}")]
        refusal = None if body.show is None else self._refuses("remote", body.show)
        if refusal is not None:
            return [OrderAnswered(order.at, order.order, "failed", str(refusal))]
        self._ends_at = math.inf if body.show is None else order.at + body.lease_s
        return [LightsAsked(order.at, "remote", body.show), OrderAnswered(order.at, order.order, "done")]

"""Heat: the machine's vitals go in; the fault that it is too hot comes out.

Theory. A Raspberry Pi slows itself down from 80 °C, the more the hotter, and at 85 °C by much. Nothing is to be done about it from
within: the agent needs a few per cent of one core, and what is urgent goes before all else anyway. So it is said, early enough that
somebody can give it shade. The firmware also lowers the frequency of a board with too little voltage, and sets the same bits: that is the
supply's fault, and not told as heat. Nor is the soft limit of a 3B+ (from 60 °C on, a step slower): it is how that board lives.
"""

import math

from agent.core.events import Event, FaultSeen, Vitals
from agent.core.machine import CAPPED, THROTTLED, UNDER_VOLTAGE
from agent.core.part import Outputs, Part
from agent.wire.whys import why

HOT_C = 80.0
"""From here the firmware slows the processor down. https://www.raspberrypi.com/documentation/computers/config_txt.html, temp_limit"""

COOL_C = 75.0
"""Below, so that the fault does not come and go with each cloud."""

WARM_C = 60.0
"""What slows down a board that is cooler than this is not its heat."""

CALM_S = 60.0
"""A board at its limit is slowed down and let go again many times a minute: only after so long without is it over."""


def slowed_by_heat(bits: int, degrees: float | None) -> bool:
    """Whether the firmware slows the processor down for its heat: `bits` are `Vitals.throttled`, `degrees` °C, None when not known."""
    return bool(bits & (CAPPED | THROTTLED)) and not bits & UNDER_VOLTAGE and (degrees is None or degrees >= WARM_C)


class Heat(Part):
    """Whether it is too hot."""

    name = "heat"
    listens = (Vitals,)

    def __init__(self) -> None:
        self._hot = False
        self._slowed_at = -math.inf

    def handle(self, event: Event) -> Outputs:
        """Say so when it changes. What is not known is not hot, and not cool either."""
        assert isinstance(event, Vitals)
        degrees = event.temp_c
        if degrees is None and event.throttled is None:
            return ()
        slowed = slowed_by_heat(event.throttled or 0, degrees)
        if slowed:
            self._slowed_at = event.at
        still = self._hot and event.at - self._slowed_at < CALM_S
        was, limit = self._hot, COOL_C if self._hot else HOT_C
        self._hot = slowed or still or (degrees is not None and degrees >= limit)
        if not self._hot:
            return [FaultSeen(event.at, "heat.high", False)] if was else ()
        told = why("slowed") if degrees is None else why("hot_slowed" if slowed else "hot", degrees=round(degrees))
        return [FaultSeen(event.at, "heat.high", True, told)]

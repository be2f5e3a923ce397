"""Heat: the machine's vitals go in; the fault that it is too hot comes out.

Theory. A Raspberry Pi slows itself down from 80 °C (a 3B+ from its soft limit of 60 °C), the more the hotter, and at 85 °C by much. Nothing
is to be done about it from within: the agent needs a few per cent of one core, and what is urgent goes before all else anyway. So it is
said, early enough that somebody can give it shade. The firmware also lowers the frequency of a board with too little voltage, and sets
the same bits: that is the supply's fault, and not told as heat.
"""

from agent.core.events import Event, FaultSeen, Vitals
from agent.core.machine import CAPPED, SOFT_LIMIT, THROTTLED, UNDER_VOLTAGE
from agent.core.part import Outputs, Part
from agent.wire.whys import why

HOT_C = 80.0
"""From here the firmware slows the processor down. https://www.raspberrypi.com/documentation/computers/config_txt.html, temp_limit"""

COOL_C = 75.0
"""Below, so that the fault does not come and go with each cloud."""


class Heat(Part):
    """Whether it is too hot."""

    name = "heat"
    listens = (Vitals,)

    def __init__(self) -> None:
        self._hot = False

    def handle(self, event: Event) -> Outputs:
        """Say so when it changes. What is not known is not hot, and not cool either."""
        assert isinstance(event, Vitals)
        if event.temp_c is None and event.throttled is None:
            return ()
        degrees, slowed = event.temp_c, self._slowed(event.throttled or 0)
        was, limit = self._hot, COOL_C if self._hot else HOT_C
        self._hot = slowed or (degrees is not None and degrees >= limit)
        if self._hot == was:
            return ()
        if not self._hot:
            return [FaultSeen(event.at, "heat.high", False)]
        told = why("slowed") if degrees is None else why("hot_slowed" if slowed else "hot", degrees=degrees)
        return [FaultSeen(event.at, "heat.high", True, told)]

    @staticmethod
    def _slowed(bits: int) -> bool:
        """Whether the firmware slows it down for its heat."""
        return bool(bits & SOFT_LIMIT or (bits & (CAPPED | THROTTLED) and not bits & UNDER_VOLTAGE))

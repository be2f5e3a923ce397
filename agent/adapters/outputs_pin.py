"""One output pin: in go levels, out they come on a GPIO line; at the safe level from its first moment, and so when its process ends."""

from collections.abc import Iterable, Iterator
from typing import Any

import gpiozero

from agent.config import Output


class _Line(gpiozero.OutputDevice):  # type: ignore[misc]  # gpiozero is untyped
    """An output that stays as it was driven when its object goes away with the process."""

    def __del__(self) -> None:
        """Without gpiozero's `close`, which would make a floating input of a pin that has just been put to its safe level."""


class OutputPin:
    """One output, opened at its safe level: nothing else can be seen on it before it is told."""

    def __init__(self, wired: Output, factory: Any) -> None:
        """`factory` is a gpiozero pin factory; raises whatever the back-end raises."""
        self.wired = wired
        self.level = wired.safe == "on"
        self._line = _Line(wired.pin, active_high=wired.active == "high", initial_value=self.level, pin_factory=factory)

    def write(self, level: bool) -> None:
        """Drive the pin, unless it has this level already."""
        if level != self.level:
            self._line.value = level
            self.level = level

    def write_safe(self) -> None:
        """Drive the safe level, whatever we believe the pin has."""
        self._line.value = self.wired.safe == "on"

    def release(self) -> None:
        """Let go of a pin that failed, so that it can be opened afresh."""
        self._line.close()


def drive_safe(outputs: Iterable[Output], factory: Any) -> Iterator[tuple[Output, Exception | None]]:
    """Drive each output to its safe level and leave it so: the output, and why it could not be driven (None: it was)."""
    for wired in outputs:
        try:
            OutputPin(wired, factory)
        except Exception as e:  # noqa: BLE001  each back-end has its own exceptions, and the other outputs must still be driven
            yield wired, e
        else:
            yield wired, None

"""The pins of this board: in goes GPIOZERO_PIN_FACTORY or the board itself, out comes a gpiozero pin factory or `NoPins`."""

import os
import warnings
from importlib.metadata import entry_points
from typing import Any

import gpiozero

VARIABLE = "GPIOZERO_PIN_FACTORY"

WHAT_TO_DO = (
    "On a Raspberry Pi install python3-lgpio and give the agent's user read and write access to /dev/gpiochip* (group gpio); "
    f"elsewhere set {VARIABLE} to one of those that are installed"
)


class NoPins(RuntimeError):
    """No pin factory could be loaded; the message says what was tried, why each failed, and what to do."""


def factory() -> Any:
    """The pin factory that GPIOZERO_PIN_FACTORY names, or the first that works on this board.

    The factory is taken out of gpiozero's global: gpiozero's exit hook would otherwise turn every output into a floating input after
    the outputs have been put to their safe level.

    Raises:
        NoPins: none could be loaded.
    """
    asked = os.environ.get(VARIABLE)
    with warnings.catch_warnings(record=True) as said:
        # gpiozero tells by warning why it passed a factory over. Those belong into our message and not onto stderr.
        warnings.simplefilter("always")
        try:
            gpiozero.Device.ensure_pin_factory()
        except Exception as e:  # each back-end fails in its own way: ImportError, OSError, lgpio.error, PinUnknownPi …
            reasons = [str(warning.message) for warning in said if issubclass(warning.category, gpiozero.PinFactoryFallback)]
            raise NoPins(_message(asked, e, reasons)) from e
    found = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = None
    return found


def _message(asked: str | None, error: Exception, reasons: list[str]) -> str:
    """One line: what was tried, why it failed, what is installed, what to do."""
    known = sorted({entry.name for entry in entry_points(group="gpiozero_pin_factories")})
    tried = f"{VARIABLE}={asked}" if asked is not None else f"{VARIABLE} is not set, so the board's own were tried"
    why = "; ".join([*reasons, f"{type(error).__name__}: {error}"]).rstrip(".!")
    return f"No pins. {tried}. {why}. Installed: {', '.join(known) or 'none'}. {WHAT_TO_DO}."

"""How often the devices of the virtual world speak: the name of a preset goes in, its `Pace` comes out.

What the core does between two words of a device costs next to nothing: where only link and disk are on trial, hours are cheap that way.
"""

import msgspec


class Pace(msgspec.Struct, frozen=True):
    """Seconds between two words of a device; fixes and skies come at whole seconds of UTC."""

    fix_s: int = 1
    sky_s: int = 5
    """GSV with every fifth fix, as our set-ups ask for; the antenna is told with it."""
    levels_s: float = 1.0
    """Levels of the inputs; the promises look at the world as often."""


PACES = {"link": Pace(fix_s=20, sky_s=60, levels_s=5.0), "wires": Pace(fix_s=20, sky_s=60), "presses": Pace(fix_s=20, sky_s=60)}
"""Of the presets in which the devices are not as they are in a vehicle."""


def pace(preset: str) -> Pace:
    """Of that preset."""
    return PACES.get(preset, Pace())

"""Facts about the 40-pin header of a Raspberry Pi: a BCM number goes in; the position, and the pull before any program runs, come out.

Sources: Raspberry Pi documentation, "GPIO and the 40-pin header"; BCM2835 ARM Peripherals, table 6-31 (pulls at reset); RP1 Peripherals
(the Pi 5 has the same pulls). Pins 2 and 3 have 1.8 kΩ to 3.3 V on the board (schematics of all models with 40 pins).
"""

POSITION = {
    0: 27, 1: 28, 2: 3, 3: 5, 4: 7, 5: 29, 6: 31, 7: 26, 8: 24, 9: 21, 10: 19, 11: 23, 12: 32, 13: 33,
    14: 8, 15: 10, 16: 36, 17: 11, 18: 12, 19: 35, 20: 38, 21: 40, 22: 15, 23: 16, 24: 18, 25: 22, 26: 37, 27: 13,
}  # fmt: skip
"""Where each BCM pin is on the header."""

GROUNDS = (6, 9, 14, 20, 25, 30, 34, 39)
"""Positions of ground on the header."""

FIXED_UP = (2, 3)
"""Pins that a resistor on the board pulls up, whatever a program asks for; gpiozero refuses another pull."""

_PULLED_UP_MAX = 8


def boot_pull(pin: int) -> str:
    """`up` or `down`: how the pin is pulled from power-on until a program takes it."""
    return "up" if pin <= _PULLED_UP_MAX else "down"

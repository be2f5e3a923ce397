"""What is mutated: each module of the core that must not fail, with the tests that are to hold it."""

from pathlib import Path

from tests import sources
from tests.mutation.trial import Aim

SHARE_MIN = 0.95
"""Of the mutants of a module so many must be killed."""

PANIC = "test_panic*.py", "test_untested.py"
LIGHTS = ("test_lights*.py",)
PINS = "test_lights_pins.py"

HELD_BY: dict[str, tuple[str, ...]] = {
    "panic.py": PANIC,
    "buttons.py": PANIC,
    "latches.py": PANIC,
    "feedback.py": PANIC,
    "walk_test.py": PANIC,
    "untested.py": ("test_untested.py", "test_panic_pins.py"),
    "keepsake.py": PANIC,
    "lights.py": LIGHTS,
    "shows.py": ("test_shows.py", *LIGHTS),
    "light_hand.py": ("test_light_hand.py", PINS),
    "light_lease.py": ("test_light_lease.py", PINS),
    "light_sense.py": ("test_light_sense.py", PINS),
    "light_tally.py": ("test_light_tally.py", PINS),
    "cruise.py": ("test_cruise.py", PINS),
    "dark_approach.py": ("test_dark_approach.py", PINS),
    "shedding.py": ("test_shedding.py", PINS),
}
"""Of each module in agent/core the tests in tests/core, by name. Not `sun.py`: a series of an almanac, of which some terms are smaller than
what the light needs and its tests ask for."""


def aims(root: Path = sources.PROJECT) -> list[Aim]:
    """All of them; a pattern of tests stands for the files that are there."""
    tests = root / "tests/core"
    return [
        Aim(root, f"agent/core/{module}", tuple(sorted(f"tests/core/{path.name}" for pattern in patterns for path in tests.glob(pattern))))
        for module, patterns in HELD_BY.items()
    ]

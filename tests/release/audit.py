"""Known holes in what runs in the vehicle."""
from collections.abc import Callable


def run(say: Callable[[str], None], *, strict: bool) -> int:
    """x."""
    return 0

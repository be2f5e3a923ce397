"""How tests hold what they test to a time on a machine that others use too: a measurement and a bound in, the best of a few out."""

from collections.abc import Callable

PATIENCE_S = 20.0
"""Nothing that is asserted: how long a test waits for what must come before it calls it missing. A busy machine is slow, not wrong."""

TRIES = 3


def best_of(measure: Callable[[], float], bound: float, tries: int = TRIES) -> float:
    """The least of at most `tries` measurements, in the unit of `bound`; the first that is not above the bound is the last.

    Other programs add to what something takes and never take from it, so the least is the nearest to what it takes by itself; and what is
    too slow by itself is too slow each time.
    """
    found = measure()
    for _ in range(tries - 1):
        if found <= bound:
            break
        found = min(found, measure())
    return found

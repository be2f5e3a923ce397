"""The schedule of a chaos run: a seed and how much in; what happens in each life of the agent, and how it ends, out. Pure.

The same seed gives the same schedule; what the machine makes of it is as real time is, never the same to the millisecond.
"""

import random
from typing import Literal, NamedTuple

What = Literal["broker", "line", "centre", "press", "ignition"]
End = Literal["start", "commit", "drain", "any"]

ENDS: tuple[tuple[End, float], ...] = (("start", 0.12), ("commit", 0.2), ("drain", 0.25), ("any", 0.43))
"""When a life is ended, and how often so: while it starts, at its first commits, as it sends what had waited, or at any other moment."""


class Deed(NamedTuple):
    """Something is done `after_s` the start of a life, whether that life still lasts or not, for `for_s`.

    broker    killed (SIGKILL), and started again          line      the unit's line reset and shut
    centre    the centre's own line reset and shut         press     the panic button held down
    ignition  the key turned
    """

    after_s: float
    what: What
    for_s: float


class LifePlan(NamedTuple):
    """One life of the agent. It ends by SIGKILL `kill_after_s` after its start (`start`, `any`), its first levels (`commit`), or the
    first connection after its line was shut (`drain`); the next begins `down_s` later.
    """

    end: End
    kill_after_s: float
    down_s: float
    deeds: tuple[Deed, ...]


def lives(seed: int, kills: int, broker_kills: int) -> list[LifePlan]:
    """So many lives, with so many kills of the broker spread over them."""
    assert broker_kills <= kills, "at most one kill of the broker in each life"
    rng = random.Random(seed)
    with_broker = set(rng.sample(range(kills), broker_kills))
    return [_life(rng, n in with_broker) for n in range(kills)]


def _life(rng: random.Random, broker: bool) -> LifePlan:
    end = rng.choices([end for end, _ in ENDS], [often for _, often in ENDS])[0]
    deeds: list[Deed] = []
    if broker:
        killed = Deed(rng.uniform(0.1, 3.5), "broker", rng.uniform(0.05, 1.5))
        deeds.append(killed)
        if rng.random() < 0.6:  # what the broker holds for a centre that is away is in its memory only
            away = rng.uniform(0.1, 2.0)
            deeds.append(Deed(max(0.0, killed.after_s - away), "centre", away + rng.uniform(0.0, 1.0)))
    elif rng.random() < 0.2:
        deeds.append(Deed(rng.uniform(0.0, 3.0), "centre", rng.uniform(0.3, 2.5)))
    if end == "drain":
        deeds.append(Deed(rng.uniform(0.8, 2.0), "line", rng.uniform(0.3, 1.8)))
    elif rng.random() < 0.1:
        deeds.append(Deed(rng.uniform(0.5, 3.0), "line", rng.uniform(4.0, 10.0)))  # some lives long, so that there is something to drain
    elif rng.random() < 0.2:
        deeds.append(Deed(rng.uniform(0.5, 3.0), "line", rng.uniform(0.2, 1.5)))
    if rng.random() < 0.6:
        deeds.append(Deed(rng.uniform(0.0, 3.5), "press", rng.uniform(0.7, 1.4) if rng.random() < 0.75 else rng.uniform(2.0, 4.0)))
    if rng.random() < 0.4:
        deeds.append(Deed(rng.uniform(0.5, 3.0), "ignition", rng.uniform(0.3, 2.5)))
    after = {"start": (0.0, 0.8), "commit": (0.0, 0.7), "drain": (0.05, 0.6), "any": (0.8, 6.0)}[end]
    return LifePlan(end, rng.uniform(*after), rng.uniform(0.02, 0.5), tuple(sorted(deeds)))

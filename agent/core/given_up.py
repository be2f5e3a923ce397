"""Rows given up: lane and reason in, the note under which the store remembers their names out, and back.

The removal and its note are one transaction: should the power go before the loss is declared, the next boot finds the note and declares it.
"""

from agent.core.event import Lane

NOTE = "pruned"
"""Begins the name of a note in the store's memory; the lane, the reason and the first name of the rows follow."""


def note(lane: Lane, why: str) -> str:
    """What is noted of rows of that lane, but for their names."""
    return f"{NOTE} {lane.name.lower()} {why}"


def noted(name: str, value: bytes) -> tuple[Lane, tuple[str, ...], str] | None:
    """Lane, names and reason of a note; None for what is none."""
    match name.split(" "):
        case [word, lane, why, _] if word == NOTE and lane.upper() in Lane.__members__ and value:
            return Lane[lane.upper()], tuple(value.decode("ascii", "replace").split(" ")), why
    return None

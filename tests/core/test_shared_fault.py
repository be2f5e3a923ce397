"""A fault that several things may have: who has it × who gets it or is rid of it."""

import pytest

from agent.core.events import FaultSeen
from agent.core.shared_fault import SharedFault

CODE = "input.cut"


def seen(detail: str) -> FaultSeen:
    return FaultSeen(5.0, CODE, True, detail)


OVER = FaultSeen(5.0, CODE, False)


@pytest.mark.parametrize(
    ("who", "name", "active", "outs"),
    [
        ("", "a", True, [seen("a")]),
        ("", "a", False, []),
        ("a", "a", True, []),
        ("a", "a", False, [OVER]),
        ("a", "b", True, [OVER, seen("a, b")]),
        ("a", "b", False, []),
        ("ab", "a", False, [OVER, seen("b")]),
        ("ba", "c", True, [OVER, seen("b, a, c")]),
    ],
)
def test_it_is_told_when_those_who_have_it_change(who: str, name: str, active: bool, outs: list[FaultSeen]) -> None:
    """It names them in the order in which they came to have it."""
    fault = SharedFault(CODE)
    for each in who:
        fault.change(1.0, each, True)
    assert fault.change(5.0, name, active) == outs

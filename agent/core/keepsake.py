"""A keepsake: a value to be remembered through crash and power cut goes in; `Remember` comes out, again until the store has it."""

import math

from agent.core.effects import Remember

RETRY_S = 5.0
"""A store that has not confirmed by then is asked again: the event was lost, or it was down."""


class Keepsake:
    """One value under one name in the store's memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.deadline = math.inf
        """When it is to be asked for again."""
        self._value: bytes | None = None
        self._asked = 0

    def keep(self, at: float, value: bytes | None) -> Remember:
        """Have this remembered from now on; None: nothing."""
        self._value = value
        self._asked += 1
        self.deadline = at + RETRY_S
        return Remember(self.name, value)

    def confirmed(self, names: tuple[str, ...]) -> None:
        """The store has what was asked of it, once for each time that our name is there; the last one is what counts."""
        self._asked = max(0, self._asked - names.count(self.name))
        if not self._asked:
            self.deadline = math.inf

    def again(self) -> Remember:
        """Ask once more, at the deadline."""
        self._asked = 0  # whatever was asked before, this is the value that counts
        return self.keep(self.deadline, self._value)

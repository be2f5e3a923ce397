"""One fault that several things may have: who has it goes in, `FaultSeen` that names all of them comes out."""

from agent.core.events import FaultSeen


class SharedFault:
    """Told once when the first one has it and once when nobody has it any more; in between it goes and comes whenever the names change."""

    def __init__(self, code: str) -> None:
        """`code`: of the published table."""
        self._code = code
        self._who: dict[str, None] = {}

    def change(self, at: float, who: str, active: bool) -> list[FaultSeen]:
        """`who` has it from now on, or no more."""
        if active == (who in self._who):
            return []
        out = [FaultSeen(at, self._code, False)] if self._who else []
        if active:
            self._who[who] = None
        else:
            del self._who[who]
        return [*out, FaultSeen(at, self._code, True, ", ".join(self._who))] if self._who else out

"""Lineage: a start, and what the store remembers, go in; a record that names the boot before this one comes out.

Theory. A centre asks for what is missing by boot and number, so it must have heard of the boot. A boot that was killed soon may have said
all it ever said to a broker that was killed too: its records lie in history, and nobody knows to ask for them. So each boot names the one
before it, and the centre goes back from boot to boot. The name is asked of the store before any record of this boot is: whatever lies
there of a boot, the next one can name it.
"""

from typing import Any

from agent.core.effects import Remember
from agent.core.events import Event, Lane, Remembered, Reported, SpoolOpened, Started
from agent.core.part import Output, Outputs, Part
from agent.wire.records import BOOT, BOOT_BEFORE, EventRecord

MEMORY = "boot"
"""Name under which the latest boot lies in the store's memory."""


class Lineage(Part):
    """Which boot came before."""

    name = "lineage"
    listens = (Started, SpoolOpened, Remembered)

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._before: str | None = None
        self._remembered = False

    def handle(self, event: Event) -> Outputs:
        """Leave our name for the next boot, and say whose we found."""
        match event:
            case Started():
                # Performed right behind the opening, which still tells what lay there before.
                return [Remember(MEMORY, self._boot.encode())]
            case SpoolOpened(memory=memory):
                return self._opened(event.at, memory.get(MEMORY, b"").decode("ascii", "replace"))
            case Remembered(names=names) if MEMORY in names:
                self._remembered = True
        return ()

    def _opened(self, at: float, found: str) -> list[Output]:
        # A store that was down at our start has not heard our name, and one that was set aside has lost it.
        out: list[Output] = [] if self._remembered and found == self._boot else [Remember(MEMORY, self._boot.encode())]
        if self._before is None and found != self._boot and BOOT.fullmatch(found):
            self._before = found
            out.append(Reported(at, Lane.EVENT, EventRecord(what="agent", id=BOOT_BEFORE, detail=found)))
        return out

    def status(self, now: float) -> dict[str, Any]:
        """The boot before this one, None while it is not known."""
        return {"before": self._before}

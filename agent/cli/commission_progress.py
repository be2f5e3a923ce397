"""How far a commissioning has come: its steps go in, one by one, and lie on the disk; after an end before its end they come out again.

Theory. The last step is to find out whether the unit lives through the starting of the engine. When it does not, this command dies with
it: so each step is on the disk before the next one begins, and that one has begun is there too. Another life of the machine (the kernel
names each) in a step that had begun is what that step has to tell. What a step has found is there before somebody is asked whether that is
all: from then on they may switch off. Who ends it by hand, or shuts the machine down, has ended the step too. Kept steps count for the same
config and version only.
"""

import hashlib
from pathlib import Path

import msgspec

from agent import __version__
from agent.cli import commission_place
from agent.cli.commission_report import Step
from agent.config import Config

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BYTES_MAX = 1_000_000
"""Nine steps have some kilobytes."""


class Kept(msgspec.Struct, frozen=True):
    """As it lies on the disk: of what it is, the machine's life, the steps that are done, the one that had begun; how many sittings.

    `tries`: of the one that had begun. `judged`: the one whose lines are there, of which nobody has said that this is all. `attended`:
    somebody was there in each sitting.
    """

    of: str
    life: str
    steps: list[Step]
    begun: str | None
    sittings: int
    tries: int = 0
    judged: Step | None = None
    attended: bool = True


class Progress:
    """The file of one commissioning; of some steps (`only`) another one than of all."""

    def __init__(self, directory: Path, config: Config, only: list[str], boot_id: Path = BOOT_ID) -> None:
        """Raises OSError: nothing can be kept there, so no report either."""
        place = commission_place.made(directory, commission_place.is_root())
        self._file = place / "-".join([config.unit.id, *only, "unfinished"])
        self._of = hashlib.sha256(f"{__version__}\n".encode() + msgspec.json.encode(config)).hexdigest()
        self._life = boot_id.read_text(encoding="ascii").strip() if boot_id.exists() else ""
        self.sittings = 1
        self.attended = True
        self._under_way: Kept | None = None

    def kept(self) -> Kept | None:
        """What an earlier sitting has left; None when that is nothing, or of another config or version."""
        try:
            with self._file.open("rb") as file:
                found = msgspec.json.decode(file.read(BYTES_MAX), type=Kept)
        except (OSError, ValueError):
            return None
        return found if found.of == self._of else None

    def died(self, kept: Kept) -> str | None:
        """The step that had begun when the machine went down; None when it has not."""
        return kept.begun if kept.life != self._life else None

    def keep(self, steps: list[Step], begun: str | None = None, tries: int = 0, judged: Step | None = None) -> None:
        """These are done; that one begins, for the `tries`th time, or is `judged`. Raises OSError."""
        kept = Kept(self._of, self._life, steps, begun, self.sittings, tries, judged, self.attended)
        commission_place.write(self._file, msgspec.json.encode(kept))
        self._under_way = None if begun is None else kept

    def ended(self) -> None:
        """By hand: what had begun is not under way any more, and the machine may be switched off."""
        if self._under_way is not None:
            self.keep(self._under_way.steps)

    def over(self) -> None:
        """There is a report now."""
        self._file.unlink(missing_ok=True)

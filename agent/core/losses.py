"""Losses: what had to be given up goes in; the `gap` records that declare it come out."""

from agent.core.lanes import Message
from agent.wire import codec
from agent.wire.records import Gap

Cause = tuple[str, str, str | None]
"""Why, what, and the boot whose numbers are meant."""


class Losses:
    """What is lost and not declared for good yet: one record per reason, kind and boot, however many were lost."""

    def __init__(self) -> None:
        self._gaps: dict[Cause, Gap] = {}
        self._drafted: dict[Cause, Gap] = {}

    def add(self, at: float, why: str, what: str, count: int | None, name: str | None = None) -> None:
        """Something noticed (or made) at `at` is lost; `count` None when nobody knows how much; `name` of the one record that is."""
        mono = round(at * 1000)
        boot, _, seq = (name or "").partition("-")
        number = int(seq) if seq else None
        self._merge(Gap(why=why, what=what, count=count, from_mono=mono, to_mono=mono, of=boot or None, first=number, last=number))

    def give_up(self, message: Message) -> None:
        """A record is dropped because memory is full; when it was itself the declaration of a loss, that loss is undeclared again."""
        record = codec.decode(message.payload) if message.kind == Gap.KIND else None
        if isinstance(record, Gap):
            self._merge(record)
        else:
            self.add(message.made_at, "memory_full", message.kind, 1, message.name)

    def _merge(self, gap: Gap) -> None:
        cause = (gap.why, gap.what, gap.of)
        gaps = [gap] if (before := self._gaps.get(cause)) is None else [before, gap]
        counts = [each.count for each in gaps]
        self._gaps[cause] = Gap(
            why=gap.why,
            what=gap.what,
            count=None if None in counts else sum(count for count in counts if count is not None),
            from_mono=min((each.from_mono for each in gaps if each.from_mono is not None), default=None),
            to_mono=max((each.to_mono for each in gaps if each.to_mono is not None), default=None),
            of=gap.of,
            first=min((each.first for each in gaps if each.first is not None), default=None),
            last=max((each.last for each in gaps if each.last is not None), default=None),
        )

    @property
    def undeclared(self) -> bool:
        """Something was lost that no declaration tells of yet."""
        return any(self._drafted.get(cause) != gap for cause, gap in self._gaps.items())

    def declare(self, final: bool) -> list[tuple[str, Gap]]:
        """What is to be said, each under the name of its draft: all of it and for good, or (not `final`) what has grown since."""
        due = [(" ".join(("gap", *map(str, cause))), gap) for cause, gap in self._gaps.items() if final or self._drafted.get(cause) != gap]
        self._drafted = {} if final else dict(self._gaps)
        if final:
            self._gaps = {}
        return due

"""Losses: what had to be given up goes in; the `gap` records that declare it come out."""

from agent.core.lanes import Message
from agent.wire import codec
from agent.wire.records import Gap


class Losses:
    """What is lost and not declared yet: one record per reason and kind, however many were lost."""

    def __init__(self) -> None:
        self._gaps: dict[tuple[str, str], Gap] = {}

    def add(self, at: float, why: str, what: str, count: int | None) -> None:
        """Something made or noticed at `at` is lost; `count` None when nobody knows how much."""
        mono = round(at * 1000)
        self._merge(Gap(why=why, what=what, count=count, from_mono=mono, to_mono=mono))

    def give_up(self, message: Message) -> None:
        """A record is dropped because memory is full; when it was itself the declaration of a loss, that loss is undeclared again."""
        record = codec.decode(message.payload) if message.kind == Gap.KIND else None
        if isinstance(record, Gap):
            self._merge(record)
        else:
            self.add(message.made_at, "memory_full", message.kind, 1)

    def _merge(self, gap: Gap) -> None:
        before = self._gaps.get((gap.why, gap.what))
        if before is not None:
            count = None if gap.count is None or before.count is None else before.count + gap.count
            starts = [mono for mono in (before.from_mono, gap.from_mono) if mono is not None]
            ends = [mono for mono in (before.to_mono, gap.to_mono) if mono is not None]
            gap = Gap(why=gap.why, what=gap.what, count=count, from_mono=min(starts, default=None), to_mono=max(ends, default=None))
        self._gaps[gap.why, gap.what] = Gap(why=gap.why, what=gap.what, count=gap.count, from_mono=gap.from_mono, to_mono=gap.to_mono)

    def declare(self) -> list[Gap]:
        """All of it, once."""
        gaps, self._gaps = list(self._gaps.values()), {}
        return gaps

"""Losses: what had to be given up goes in; the `gap` records that declare it come out."""

from agent.wire.records import Gap


class Losses:
    """What is lost and not declared yet: one record per reason and kind, however many were lost."""

    def __init__(self) -> None:
        self._gaps: dict[tuple[str, str], Gap] = {}

    def add(self, at: float, why: str, what: str, count: int | None) -> None:
        """Something made or noticed at `at` is lost; `count` None when nobody knows how much."""
        before = self._gaps.get((why, what))
        mono = round(at * 1000)
        if before is None:
            self._gaps[why, what] = Gap(why=why, what=what, count=count, from_mono=mono, to_mono=mono)
            return
        total = None if count is None or before.count is None else before.count + count
        self._gaps[why, what] = Gap(why=why, what=what, count=total, from_mono=before.from_mono, to_mono=mono)

    def declare(self) -> list[Gap]:
        """All of it, once."""
        gaps, self._gaps = list(self._gaps.values()), {}
        return gaps

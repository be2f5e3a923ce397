"""Records given up and the `gap` records about them go in; which of them are given up and not yet said, comes out; for the promises."""

from typing import Any

GIVEN_UP = ("memory_full", "store_full", "too_old")
"""Reasons of a gap by which the unit gives up what it has (`agent.wire.records.Gap`)."""


class Declared:
    """What was removed unsent, by which process, and the words about it that are in a safe place: on disk, or with the broker."""

    def __init__(self) -> None:
        self.lanes: dict[str, str] = {}
        """Rows removed unsent: the name of their lane."""
        self._by: dict[str, str] = {}
        self._words: dict[str, dict[str, Any]] = {}
        self._safe: set[str] = set()

    def removed(self, boot: str, name: str, lane: str) -> None:
        """That process had a row removed unsent."""
        self.lanes[name], self._by[name] = lane, boot

    def said(self, name: str, facts: dict[str, Any]) -> None:
        """A record is written or sent; as a draft it grows."""
        if facts["kind"] == "gap" and facts["why"] in GIVEN_UP:
            self._words[name] = facts

    def safe(self, name: str) -> None:
        """It is on disk, or the broker has it."""
        if name in self._words:
            self._safe.add(name)

    def gone(self, name: str) -> list[str]:
        """That record is lost itself: what nobody can hear of any more."""
        if name not in self._safe:
            return []
        self._safe.discard(name)
        return [other for other in self.lanes if self._about(self._words[name], other) and not self._told(other)]

    def died(self, boot: str) -> list[str]:
        """What that process had removed, and died before the word of it was safe."""
        return [name for name, by in self._by.items() if by == boot and not self._told(name)]

    def _told(self, name: str) -> bool:
        return any(self._about(self._words[word], name) for word in self._safe)

    def _about(self, word: dict[str, Any], name: str) -> bool:
        boot, _, seq = name.partition("-")
        first, last = word.get("first"), word.get("last")
        named = first is not None and last is not None and first <= int(seq) <= last
        return named and word.get("of", word["boot"]) == boot and word["what"] == self.lanes[name]

"""One line of a check-up: what was looked at, whether it is well, in words, and what to do about it when it is not."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

Result = Literal["pass", "warn", "fail", "skip"]

WORST: tuple[Result, ...] = ("fail", "warn", "pass", "skip")
"""From the worst; a step in which all was left out was left out."""


class Check(NamedTuple):
    """`code` is `part.thing` and the same in both languages; `what` is what was found, `do` what a person does about it.

    `tells`: the faults that are told by it, and so by no line of their own: a code, or, of a fault that several have, `code:who`.
    """

    result: Result
    code: str
    what: str
    do: str = ""
    tells: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """As JSON: without an empty `do`."""
        return {key: value for key, value in self._asdict().items() if key != "tells" and (value or key != "do")}


def worst(results: list[Result]) -> Result:
    """The worst of several; `skip` of none."""
    return next((result for result in WORST if result in results), "skip")


def is_told(code: str, detail: str, checks: Iterable[Check]) -> bool:
    """Whether these checks tell that fault, of all whom its detail names (`a, b`, or `since when: a, b`)."""
    said = {told for check in checks for told in check.tells}
    return code in said or {f"{code}:{who}" for who in having(detail)} <= said


def having(detail: str) -> list[str]:
    """Who has a fault, by its detail."""
    return detail.rpartition(": ")[2].split(", ")

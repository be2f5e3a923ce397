"""One line of a check-up: what was looked at, whether it is well, in words, and what to do about it when it is not."""

from typing import Any, Literal, NamedTuple

Result = Literal["pass", "warn", "fail", "skip"]

WORST: tuple[Result, ...] = ("fail", "warn", "pass", "skip")
"""From the worst; a step in which all was left out was left out."""


class Check(NamedTuple):
    """`code` is `part.thing` and the same in both languages; `what` is what was found, `do` what a person does about it."""

    result: Result
    code: str
    what: str
    do: str = ""

    def told(self) -> dict[str, Any]:
        """As JSON: without an empty `do`."""
        told = self._asdict()
        return told if self.do else {key: value for key, value in told.items() if key != "do"}


def worst(results: list[Result]) -> Result:
    """The worst of several; `skip` of none."""
    return next((result for result in WORST if result in results), "skip")

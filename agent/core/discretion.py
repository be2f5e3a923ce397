"""Discretion: the unit's whole status goes in; what may be told to somebody in the car comes out.

Theory. A silent alarm must change nothing that can be seen. The centre is told everything (`io`, `health`, the records themselves); the
local socket is asked by whoever sits in the car, so there a silent button is never pressed, its alarm is not live, its wire is not stuck,
what waits to leave is not counted as an alarm, and the age of the last acknowledgement is told in minutes. The test is one for all of it:
a status must read the same with and without.
"""

from typing import Any

from agent.config import Input, InputUse


class Discretion:
    """What the inputs of a unit ask to be kept quiet."""

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self._silent = {i.id for i in inputs if i.use is InputUse.PANIC and i.mode == "silent"}

    def shown(self, told: dict[str, Any], alarm: dict[str, Any], stuck: str) -> dict[str, Any]:
        """`told`: the status. `alarm`, `stuck`: what the panic part shows of its alarms and its stuck buttons, without silent ones."""
        shown = told | {"alarm": alarm}
        if not self._silent:
            return shown
        shown["inputs"] = {name: level for name, level in told["inputs"].items() if name not in self._silent}
        shown["outbox"] = told["outbox"] | {"waiting": _folded(told["outbox"]["waiting"]), "acked_s": _coarse(told["outbox"]["acked_s"])}
        faults = (fault | {"detail": stuck} if fault["code"] == "panic.stuck" else fault for fault in told["faults"])
        shown["faults"] = [fault for fault in faults if fault["code"] != "panic.stuck" or stuck]
        return shown


def _folded(waiting: dict[str, int]) -> dict[str, int]:
    """Where some alarm is silent, no alarm is counted apart."""
    return waiting | {"alarm": 0, "event": waiting["alarm"] + waiting["event"]}


def _coarse(age_s: float | None) -> float | None:
    """Whole minutes, in seconds: finer, it would tick with the repeats of an alarm."""
    return None if age_s is None else age_s // 60 * 60

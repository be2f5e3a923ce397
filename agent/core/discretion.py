"""Discretion: the unit's whole status goes in; what may be told to somebody in the car comes out.

Theory. A silent alarm must change nothing that can be seen. The centre is told everything (`io`, `health`, the records themselves); the
local socket is asked by whoever sits in the car, so there a silent button is never pressed, its alarm is not live, it is not stuck, its
wire is not cut or short (a broken one can read so while it is pressed), what waits to leave is not counted as an alarm, and the age of the
last acknowledgement is told in minutes. The test is one for all of it: a status must read the same with and without.
"""

from collections.abc import Iterator
from typing import Any

from agent.config import Input, InputUse

WIRE_FAULTS = ("input.cut", "input.short")
"""Faults whose detail is a list of inputs."""


class Discretion:
    """What the inputs of a unit ask to be kept quiet."""

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self._silent = {i.id for i in inputs if i.use is InputUse.PANIC and i.mode == "silent"}

    def shown(self, told: dict[str, Any], alarm: dict[str, Any], stuck: dict[str, Any] | None) -> dict[str, Any]:
        """`told`: the status. `alarm`, `stuck`: what the panic part shows of its alarms and its stuck buttons, without silent ones."""
        shown = told | {"alarm": alarm}
        if not self._silent:
            return shown
        shown |= {part: {name: how for name, how in told[part].items() if name not in self._silent} for part in ("inputs", "wires")}
        shown["outbox"] = told["outbox"] | {"waiting": _folded(told["outbox"]["waiting"]), "acked_s": _coarse(told["outbox"]["acked_s"])}
        shown["faults"] = sorted(self._faults(told["faults"], stuck), key=lambda fault: -fault["since_s"])  # the oldest first, as told
        return shown

    def _faults(self, faults: list[dict[str, Any]], stuck: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
        for fault in faults:
            if fault["code"] in WIRE_FAULTS:
                names = [name for name in fault["detail"].split(", ") if name not in self._silent]
                if names:
                    yield fault | {"detail": ", ".join(names)}
            elif fault["code"] != "panic.stuck":
                yield fault
            elif stuck:
                yield stuck


def _folded(waiting: dict[str, int]) -> dict[str, int]:
    """Where some alarm is silent, no alarm is counted apart."""
    return waiting | {"alarm": 0, "event": waiting["alarm"] + waiting["event"]}


def _coarse(age_s: float | None) -> float | None:
    """Whole minutes, in seconds: finer, it would tick with the repeats of an alarm."""
    return None if age_s is None else age_s // 60 * 60

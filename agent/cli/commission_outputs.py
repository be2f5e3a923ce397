"""The step of outputs: one at a time is driven; the lines that watch, or the person, say whether it works; lines of the report come out."""

from agent.cli.commission_talk import LeftOut
from agent.cli.commission_walk import NO, YES, Refused, Section, Walk
from agent.cli.why_findings import section
from agent.config import Config, Input, InputUse, Output

LEASE_S = 5.0
SEEN_S = 4.0
"""A relay and a discharge lamp need two seconds."""

DARK_S = 9.0
"""The lines that watch are slow to believe darkness, as patterns have dark phases."""

AGAIN = ("r", "再")


class _Eyes:
    """The lines that watch the lights: each is judged for itself, by what it has seen in the end."""

    def __init__(self, config: Config) -> None:
        groups = {output.group for output in config.output if output.use == "light"}
        lines = [wired for wired in config.input if wired.use is InputUse.LIGHT_SENSE]
        self.groups = {wired.id: _watched(wired, groups) for wired in lines}
        self.lit = {output.group: 0 for output in config.output if output.use == "light"}
        """How many of its lamps were commanded on."""
        self.looked: set[str] = set()
        """Lines that were looked at while all was commanded off."""
        self.dark: set[str] = set()
        """Those of them that saw darkness."""
        self.seen: dict[str, list[str]] = {name: [] for name in self.groups}
        """The lamps that each has seen."""

    def of(self, output: Output) -> list[str]:
        """The lines that watch its group."""
        return [name for name, group in self.groups.items() if output.use == "light" and group == output.group]


def outputs(walk: Walk) -> None:
    """Each output, one after the other; then each line that watches them."""
    eyes = _Eyes(walk.config)
    if not walk.config.output:
        walk.note("skip", "outputs", "outputs.none")
    for output in walk.config.output:
        try:
            if eyes.of(output):
                _sensed(walk, output, eyes)
            else:
                _looked_at(walk, output)
        except LeftOut as e:
            walk.left_out(f"outputs.{output.id}", e.reason)
        except Refused as e:
            walk.note("fail", f"outputs.{output.id}", "output.refused", "output.refused.do", name=output.id, reason=e.reason)
    for name in eyes.groups:
        _judge(walk, name, eyes)
    if walk.config.output:
        walk.do("output.test", output=None)


def _watched(wired: Input, groups: set[str]) -> str | None:
    """The group that a line watches: the one it names, or the only one there is."""
    return wired.senses if wired.senses is not None else next(iter(groups)) if len(groups) == 1 else None


def _looked_at(walk: Walk, output: Output) -> None:
    """Nothing watches it: the person says."""
    code = f"outputs.{output.id}"
    while True:
        walk.say("output.on", name=output.id)
        walk.do("output.test", output=output.id, s=LEASE_S)
        answer = walk.asked(code, f"output.seen.{output.use}", (*YES, *NO, *AGAIN), name=output.id)
        if answer in YES:
            walk.note("pass", code, "output.works", name=output.id)
            return
        if answer in NO:
            walk.note("fail", code, "output.dark", "output.do", name=output.id)
            return


def _sensed(walk: Walk, output: Output, eyes: _Eyes) -> None:
    """Dark first, when all are; then lit: else the line watches something else, or is stuck."""
    code, names = f"outputs.{output.id}", eyes.of(output)
    walk.do("output.test", show="off", s=DARK_S)
    walk.wait(lambda status: not _shining(status, names), DARK_S - 1)
    status = walk.status()
    eyes.looked |= set(names)
    eyes.dark |= {name for name in names if _lines(status).get(name) is False}
    able = [name for name in names if name not in _shining(status, names)]
    if not able:
        walk.note("fail", code, "output.stays_lit", "output.do", name=output.id, eye=", ".join(names))
        return
    walk.say("output.on", name=output.id)
    walk.do("output.test", output=output.id, s=LEASE_S)
    eyes.lit[output.group] += 1
    walk.wait(lambda status: len(_shining(status, able)) == len(able), SEEN_S)
    seeing = _shining(walk.status(), able)
    for name in seeing:
        eyes.seen[name].append(output.id)
    if seeing:
        walk.note("pass", code, "output.sensed", name=output.id, eye=", ".join(seeing))
    else:
        walk.note("fail", code, "output.sensed_dark", "output.do", name=output.id, eye=", ".join(able))


def _judge(walk: Walk, name: str, eyes: _Eyes) -> None:
    """A line that watches: it has seen darkness, and then one of its lamps at least."""
    code, group = f"outputs.eye.{name}", eyes.groups[name]
    if group not in eyes.lit:
        walk.note("fail", code, "eye.nothing", "eye.nothing.do", name=name)
    elif name in eyes.looked - eyes.dark:
        walk.note("fail", code, "eye.never_dark", "eye.do", name=name)
    elif not eyes.lit[group]:
        walk.not_done(code, "eye.untried", name=name)
    elif not eyes.seen[name]:
        walk.note("fail", code, "eye.blind", "eye.do", name=name)
    else:
        walk.note("pass", code, "eye.sees", name=name, lamps=", ".join(eyes.seen[name]))


def _lines(status: Section) -> Section:
    return section(section(status, "light_sense"), "lines")


def _shining(status: Section, names: list[str]) -> list[str]:
    """Those of the lines that see light."""
    return [name for name in names if _lines(status).get(name) is True]

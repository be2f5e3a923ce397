"""The step of outputs: one at a time is driven; a sense line, or the person, says whether it works; lines of the report come out."""

from agent.cli.commission_talk import LeftOut
from agent.cli.commission_walk import NO, YES, Refused, Section, Walk
from agent.cli.why_findings import section
from agent.config import InputUse, Output

LEASE_S = 5.0
SEEN_S = 4.0
"""A relay and a discharge lamp need two seconds."""

DARK_S = 9.0
"""The lines that watch are slow to believe darkness, as patterns have dark phases."""

AGAIN = ("r", "再")


def outputs(walk: Walk) -> None:
    """Each output, one after the other."""
    if not walk.config.output:
        walk.note("skip", "outputs", "outputs.none")
        return
    for output in walk.config.output:
        try:
            _output(walk, output)
        except LeftOut as e:
            walk.left_out(f"outputs.{output.id}", e.reason)
        except Refused as e:
            walk.note("fail", f"outputs.{output.id}", "output.refused", "output.refused.do", name=output.id, reason=e.reason)
    walk.do("output.test", output=None)


def _output(walk: Walk, output: Output) -> None:
    eyes = _eyes(walk, output)
    if eyes:
        _sensed(walk, output, eyes)
    else:
        _looked_at(walk, output)


def _eyes(walk: Walk, output: Output) -> list[str]:
    """The lines that watch its group."""
    if output.use != "light":
        return []
    groups = {other.group for other in walk.config.output if other.use == "light"}
    watching = (i for i in walk.config.input if i.use is InputUse.LIGHT_SENSE)
    return [i.id for i in watching if i.senses == output.group or (i.senses is None and groups == {output.group})]


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


def _sensed(walk: Walk, output: Output, eyes: list[str]) -> None:
    """Dark first, when all are; then lit: else the line watches something else, or is stuck."""
    code, eye = f"outputs.{output.id}", ", ".join(eyes)

    def shines(status: Section) -> bool:
        lines = section(section(status, "light_sense"), "lines")
        return any(lines.get(name) is True for name in eyes)

    walk.do("output.test", show="off", s=DARK_S)
    if not walk.wait(lambda status: not shines(status), DARK_S - 1):
        walk.note("fail", code, "output.stays_lit", "output.do", name=output.id, eye=eye)
        return
    walk.say("output.on", name=output.id)
    walk.do("output.test", output=output.id, s=LEASE_S)
    lit = walk.wait(shines, SEEN_S)
    if lit:
        walk.note("pass", code, "output.sensed", name=output.id, eye=eye)
    else:
        walk.note("fail", code, "output.sensed_dark", "output.do", name=output.id, eye=eye)

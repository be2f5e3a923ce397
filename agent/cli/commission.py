"""`outpost commission`: whoever installs is led through every check that needs a hand; a report, its page and its signature come out."""

import argparse
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from agent import clock
from agent.cli import commission_place, commission_report, parser
from agent.cli.commission_gnss import gnss
from agent.cli.commission_inputs import inputs, wires
from agent.cli.commission_link import link
from agent.cli.commission_machine import clock as time_step
from agent.cli.commission_machine import crank, faults, machine, went_down
from agent.cli.commission_outputs import outputs
from agent.cli.commission_panic import panic
from agent.cli.commission_progress import Kept, Progress
from agent.cli.commission_report import Outcome, Saved, Step
from agent.cli.commission_talk import Answers, LeftOut, Stopped, Talk, Terminal, left_out, read_answers
from agent.cli.commission_walk import LANGUAGES, NO, AgentGone, Refused, Walk
from agent.cli.commission_words import COMMISSION
from agent.cli.doctor_words import DOCTOR
from agent.cli.endings import endings
from agent.cli.status import FAILED, FINE, MISTAKE, NOT_RUNNING, socket_path
from agent.cli.why import language
from agent.cli.why_findings import number, section
from agent.cli.why_words import Language, Words
from agent.config import Config
from agent.config_file import ConfigErrors, read

PATIENCE_S = 60.0
PATIENCE_S_MIN, PATIENCE_S_MAX = 1.0, 3600.0
"""For a hand; what is measured takes as long as it takes."""

PUBLISH_S = 20.0
AGAIN = ("r", "再")

MORE = """
Step by step, under the dashboard: each input is worked, plugs are pulled, each lamp is lit, the link is cut, each panic button is pressed
in test mode, the engine is started. A step can be repeated or left out with a reason. At the end a report is saved (JSON, and a page to
print), signed with the unit's key, and told to the centre. Needs the running agent; what it does to the unit is over by itself, and at
once in an alarm."""

WHERE = f"for the report (default: {commission_place.REPORTS}, which is root's; without root commissioning/ in store.path)"

EPILOG = """\
examples:
  sudo outpost commission
  sudo outpost commission --lang zh -o /media/usb/reports
  sudo outpost commission --only gnss --only link

exit codes:
  0  no step has failed
  1  a step has failed, or it was ended before its end
  2  a mistake on the command line, or the config file is wrong
  3  the agent is not running"""


class Kind(NamedTuple):
    """A step there is: its name, and what is done."""

    name: str
    run: Callable[[Walk], None]


STEPS = (
    Kind("machine", machine),
    Kind("clock", time_step),
    Kind("inputs", inputs),
    Kind("wires", wires),
    Kind("outputs", outputs),
    Kind("gnss", gnss),
    Kind("link", link),
    Kind("panic", panic),
    Kind("crank", crank),
    Kind("faults", faults),
)


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "commission", MORE, EPILOG)
    parser.add_language(command)
    command.add_argument("--only", action="append", choices=[kind.name for kind in STEPS], help="only this step; may be given again")
    command.add_argument("--wait", metavar="S", type=_seconds, default=PATIENCE_S, help=f"for a hand (default: {PATIENCE_S:.0f})")
    command.add_argument("-o", "--output", metavar="DIR", type=Path, help=WHERE)
    command.add_argument("--yes", action="store_true", help="answer each question with Enter; for tests, not for vehicles")
    command.add_argument("--answers", metavar="FILE", type=Path, help="a JSON object of answers by question; what it has not is Enter")
    parser.add_agent(command)


def run(args: argparse.Namespace) -> int:
    """Lead through, save and tell; the exit code."""
    tongue: Language = args.lang or language(args.config)
    try:
        config = read(args.config)
        socket = args.socket or socket_path(args.config)
        talk: Talk = read_answers(args.answers) if args.answers else Answers() if args.yes else Terminal()
    except (OSError, ValueError, ConfigErrors) as e:
        print(e, file=sys.stderr)
        return MISTAKE
    words = {name: Words(name, DOCTOR, COMMISSION) for name in LANGUAGES}
    walk = Walk(socket, config, talk, words, tongue, args.wait, clock.monotonic)
    kinds = [kind for kind in STEPS if not args.only or kind.name in args.only]
    try:
        walk.status()
    except AgentGone as e:
        print(words[tongue].of(e.reason), file=sys.stderr)
        return NOT_RUNNING
    with endings():
        return _led(walk, kinds, args.output or commission_place.default(config, commission_place.is_root()), bool(args.only))


def _seconds(text: str) -> float:
    """Seconds, of the command line."""
    found = float(text)
    if math.isnan(found) or not PATIENCE_S_MIN <= found <= PATIENCE_S_MAX:
        raise argparse.ArgumentTypeError(f"expected seconds from {PATIENCE_S_MIN:.0f} to {PATIENCE_S_MAX:.0f}, found {text!r:.60}")
    return found


def _led(walk: Walk, kinds: list[Kind], directory: Path, some: bool) -> int:
    """Through all of them, to the report."""
    progress: Progress | None = None
    try:
        progress = Progress(directory, walk.config, [kind.name for kind in kinds] if some else [])
        progress.attended = walk.talk.attended
        steps = _steps(walk, kinds, progress)
        saved, result = _saved(walk, steps, directory, progress)
    except (KeyboardInterrupt, Stopped):
        _put_back(walk, progress)
        with suppress(Stopped):
            walk.say("stopped")
        return FAILED
    except (OSError, AgentGone) as e:
        _put_back(walk, progress)
        with suppress(Stopped):
            walk.say("unsaved", reason=_reason(e))
        return FAILED
    try:
        _told(walk, steps, saved, result)
    except (KeyboardInterrupt, Stopped):  # the report is there, though the centre may not have heard of it
        return FAILED
    return FAILED if result == "failed" else FINE


def _steps(walk: Walk, kinds: list[Kind], progress: Progress) -> list[Step]:
    walk.say("welcome", unit=walk.config.unit.id, count=len(kinds))
    kept = _gone_on(walk, kinds, progress)
    found = [] if kept is None else list(kept.steps)
    done = [step.name for step in found]
    for place, kind in enumerate(kinds, 1):
        if kind.name in done:
            continue
        walk.talk.say("")
        walk.say("step", number=place, count=len(kinds), title=walk.text(f"title.{kind.name}"))
        walk.say(f"about.{kind.name}")
        before = None if kept is None else _before(walk, kind, kept, progress)
        found.append(_step(walk, kind, before, progress, found))
        progress.keep(found)
    return found


def _gone_on(walk: Walk, kinds: list[Kind], progress: Progress) -> Kept | None:
    """What an earlier sitting has left, if there is something and somebody wants to go on."""
    kept = progress.kept()
    if kept is None or not (kept.steps or kept.judged or progress.died(kept)):
        return None
    walk.say("unfinished", count=len(kept.steps), all=len(kinds))
    if walk.ask("resume", "resume").lower() in NO:
        return None
    progress.sittings = kept.sittings + 1
    progress.attended &= kept.attended
    return kept


def _before(walk: Walk, kind: Kind, kept: Kept, progress: Progress) -> Step | None:
    """What an earlier sitting has found in it: lines of which nobody has said that this is all; or that the machine went down."""
    if kept.judged is not None and kept.judged.name == kind.name:
        for line in kept.judged.lines:
            walk.tell(line)
        return kept.judged
    if progress.died(kept) != kind.name:
        return None
    walk.lines = []
    went_down(walk, kind.name)
    return Step(kind.name, _title(walk, kind), walk.lines, kept.tries, None)


def _step(walk: Walk, kind: Kind, before: Step | None, progress: Progress, found: list[Step]) -> Step:
    """Once, or as often as somebody wants; of one that was looked at `before` they are asked first. What it finds is kept at once."""
    step, tries = before, 0 if before is None else before.tries
    reason = left_out(walk.ask(f"step.{kind.name}", "begin")) if step is None else None
    while reason is None:
        if step is None:
            walk.lines = []
            tries += 1
            walk.begun = lambda tries=tries: progress.keep(found, kind.name, tries)  # type: ignore[misc]  # a default binds it
            _once(walk, kind)
            step = Step(kind.name, _title(walk, kind), walk.lines, tries, None)
        progress.keep(found, judged=step)
        answer = walk.ask(f"step.{kind.name}.again", "go_on", result=walk.text(step.result))
        reason = left_out(answer)
        if reason is None and answer.lower() not in AGAIN:
            return step
        step = None
    walk.lines = []
    walk.left_out(kind.name, reason)
    return Step(kind.name, _title(walk, kind), walk.lines, tries, reason)


def _title(walk: Walk, kind: Kind) -> dict[Language, str]:
    return {name: words(f"title.{kind.name}") for name, words in walk.words.items()}


def _once(walk: Walk, kind: Kind) -> None:
    """Whatever stops it half-way is a line of the report. In cranking, only with the key does that begin in which it is not to go down."""
    if kind.name != "crank":
        walk.begun()
    try:
        kind.run(walk)
    except AgentGone as e:
        walk.note("fail", kind.name, "agent_gone", "agent_gone.do", reason=e.reason)
    except Refused as e:
        walk.note("fail", kind.name, "output.refused", "output.refused.do", name=kind.name, reason=e.reason)
    except LeftOut as e:
        walk.left_out(kind.name, e.reason)


def _put_back(walk: Walk, progress: Progress | None) -> None:
    """End what is still on, rather than when it would end by itself; the step that was under way is so no more."""
    deeds: list[tuple[str, dict[str, object]]] = [("output.test", {"output": None}), ("link.outage", {"s": 0})]
    if walk.testing:
        deeds.append(("walk_test", {"stop": True}))
    for action, body in deeds:
        with suppress(AgentGone, Refused):
            walk.do(action, **body)
    if progress is not None:
        with suppress(OSError):
            progress.ended()


# --- the end ------------------------------------------------------------------------------------------------------------------------------


def _saved(walk: Walk, steps: list[Step], directory: Path, progress: Progress) -> tuple[Saved, Outcome]:
    """The report on the disk. Raises OSError, AgentGone."""
    full, attended = _full(steps), progress.attended
    result = commission_report.outcome(steps, full, attended)
    report = commission_report.made(steps, walk.config, walk.status(), full, progress.sittings, attended)
    walk.talk.say("")
    failed, undone = [walk.text(f"title.{step.name}") for step in steps if step.result == "fail"], _undone(walk, steps)
    if result == "partial" and not undone:
        walk.say("unattended")
    else:
        walk.say(result, steps=", ".join(failed or undone))
    saved = commission_report.save(report, directory, *_identity(walk.config))
    progress.over()
    return saved, result


def _told(walk: Walk, steps: list[Step], saved: Saved, result: Outcome) -> None:
    """The person is told where it lies, and the centre what came of it."""
    walk.say("saved", report=saved.report)
    walk.say("saved_page", page=saved.page)
    if saved.signature is None:
        walk.say("unsigned", reason=saved.unsigned)
    else:
        walk.say("signed", file=saved.signature)
    _publish(walk, steps, saved, result)


def _reason(error: OSError | AgentGone) -> object:
    """In both languages where it is ours."""
    return error.reason if isinstance(error, AgentGone | commission_place.NotOurs) else error


def _full(steps: list[Step]) -> bool:
    """All that there are."""
    return [step.name for step in steps] == [kind.name for kind in STEPS]


def _undone(walk: Walk, steps: list[Step]) -> list[str]:
    """Steps that were not done, or not all of them."""
    whole = [step.name for step in steps if step.whole]
    return [walk.text(f"title.{kind.name}") for kind in STEPS if kind.name not in whole]


def _identity(config: Config) -> tuple[Path | None, Path | None]:
    """Key and certificate of the unit, as [mqtt] names them."""
    return tuple(None if path is None else Path(path) for path in (config.mqtt.key, config.mqtt.cert))  # type: ignore[return-value]  # two of them


def _publish(walk: Walk, steps: list[Step], saved: Saved, result: Outcome) -> None:
    try:
        told = {step.name: step.result for step in steps}
        signed = saved.signature is not None
        walk.do("commission", result=result, steps=told, report=saved.sha256, signed=signed, full=_full(steps))
        online = section(walk.status(), "link").get("state") == "online"
        left = online and walk.wait(lambda status: not number(section(section(status, "outbox"), "waiting").get("event")), PUBLISH_S)
    except (Refused, AgentGone) as e:
        walk.say("unpublished", reason=e.reason)
    except LeftOut:
        return
    else:
        walk.say("published" if left else "publishing")

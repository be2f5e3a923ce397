"""`outpost doctor`: a check-up of the whole unit that needs nobody; a line for each thing, with what to do about it, comes out."""

import argparse
import json
from pathlib import Path
from typing import Any

from agent import clock
from agent.cli import doctor_keys, doctor_link, doctor_machine, doctor_unit, parser, reader
from agent.cli.ask import NoAnswer, NotRunning, ask
from agent.cli.doctor_check import Check
from agent.cli.doctor_words import DOCTOR
from agent.cli.status import SOCKET_DEFAULT, socket_path
from agent.cli.why import language
from agent.cli.why_findings import number, section
from agent.cli.why_stopped import read_config
from agent.cli.why_words import Words
from agent.config import Config

WELL, ILL = 0, 1

MORE = """
Supply, heat, clock, disk, wires, GNSS, link, store, faults, tests and versions: PASS, WARN, FAIL or SKIP, and what to do about it. Needs
nobody and changes nothing; half a minute at most. The running agent is asked for what it knows; without it, what can be seen is seen."""

EPILOG = """\
examples:
  sudo outpost doctor
  outpost doctor --lang zh
  outpost doctor --json | jq '.checks[] | select(.result == "fail")'

exit codes:
  0  nothing has failed (there may be warnings)
  1  something has failed
  2  a mistake on the command line"""

CODE_COLUMNS = 18


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "doctor", MORE, EPILOG)
    command.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.add_language(command)
    parser.add_agent(command)


def run(args: argparse.Namespace) -> int:
    """Look at everything and print; the exit code."""
    words = Words(args.lang or language(args.config), DOCTOR)
    checks = examined(args.socket, args.config, words)
    try:
        print(_json(checks, words) if args.json else "\n".join([*lines(checks, words), "", _sentence(checks, words)]), flush=True)
    except BrokenPipeError:
        reader.left()
    return ILL if _count(checks, "fail") else WELL


def examined(socket: str | None, path: Path, words: Words) -> list[Check]:
    """Every check, in the order of the page."""
    seen = read_config(path)
    unread = Check("fail" if seen.mistakes else "skip", "config", words("no_config"), words("no_config.do", path=path))
    told = [] if seen.config else [unread]
    body, answer = _asked(socket, path, words)
    below = machine(body, seen.config, words)
    return [answer, *told, *below, *doctor_keys.keys(path, words), *_unit(body, seen.config, below, words)]


def machine(body: dict[str, Any] | None, config: Config | None, words: Words) -> list[Check]:
    """What lies below the agent, and what the agent has seen of it."""
    return [*doctor_machine.power(words, body=body), *doctor_machine.storage(config.store if config else None, words)]


def _asked(socket: str | None, path: Path, words: Words) -> tuple[dict[str, Any] | None, Check]:
    try:
        where = socket or socket_path(path)
    except (OSError, ValueError):
        where = SOCKET_DEFAULT
    try:
        body = ask(where, {"ask": "status"})
    except NotRunning:
        return None, Check("fail", "agent", words("not_running", path=where), words("agent.down.do"))
    except NoAnswer as e:
        return None, Check("fail", "agent", words("agent.down", reason=e.sentence), words("agent.down.do"))
    unit = section(body, "unit")
    if unit.get("ready") is False:
        return body, Check("warn", "agent", words("agent.starting"))
    return body, Check("pass", "agent", words("agent.up", span=words.span(number(unit.get("uptime_s")) or 0.0)))


def _unit(body: dict[str, Any] | None, config: Config | None, below: list[Check], words: Words) -> list[Check]:
    link = doctor_link.link(body, config.mqtt if config else None, words, clock.monotonic)
    if body is None:
        unseen = [Check("skip", code, words("no_agent")) for code in ("clock", "store", "wiring", "gnss", "faults", "walk_test")]
        return [*unseen, *link, *doctor_unit.versions(None, words), *_board(words)]
    parts = [
        doctor_unit.clock(body, words),
        doctor_unit.store(body, words),
        *doctor_unit.wiring(body, config, words),
        *doctor_unit.gnss(body, words),
        *link,
    ]
    tested = doctor_unit.walk_tests(body, config, words)
    return [
        *parts,
        *doctor_unit.faults_now(body, words, [*below, *parts, *tested]),
        *tested,
        doctor_unit.commissioned(body, words),
        *doctor_unit.versions(body, words),
        *_board(words),
    ]


def _board(words: Words) -> list[Check]:
    board = doctor_machine.board()
    return [Check("pass", "version.board", words("version.board", board=board))] if board else []


# --- what is printed --------------------------------------------------------------------------------------------------------------------


def lines(checks: list[Check], words: Words) -> list[str]:
    """A line for each, and one below it for what to do."""
    found = []
    for check in checks:
        found.append(f"{words(check.result)}  {check.code:<{CODE_COLUMNS}} {check.what}")
        found += [f"      → {check.do}"] if check.do else []
    return found


def _count(checks: list[Check], result: str) -> int:
    return sum(check.result == result for check in checks)


def _sentence(checks: list[Check], words: Words) -> str:
    counts = {name: _count(checks, result) for name, result in (("passed", "pass"), ("warned", "warn"), ("failed", "fail"))}
    return words("not_well" if counts["failed"] or counts["warned"] else "all_well", **counts)


def _json(checks: list[Check], words: Words) -> str:
    failed = _count(checks, "fail")
    told = {
        "verdict": "fail" if failed else "warn" if _count(checks, "warn") else "pass",
        "language": words.language,
        "says": _sentence(checks, words),
        "checks": [check.told() for check in checks],
    }
    return json.dumps(told, ensure_ascii=False, indent=2)

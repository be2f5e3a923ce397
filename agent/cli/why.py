"""`outpost why`: why is this unit silent? Asks the running agent, or looks at what is there without it; a page in words comes out."""

import argparse
import json
import os
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from agent.cli import parser, reader, why_findings, why_stopped
from agent.cli.ask import NoAnswer, NotAllowed, NotRunning, ask
from agent.cli.status import socket_path
from agent.cli.why_findings import Finding
from agent.cli.why_page import page
from agent.cli.why_words import Language, Words, clean
from agent.wire import faults

WELL, WRONG, MISTAKE, NOT_RUNNING = 0, 1, 2, 3

MORE = """
Every fault with its meaning, since when, and what to do; why there is no link and when it is tried again; what waits and what holds it; the
worst first, on one page. Without a running agent: config, socket, store, systemd and the last words of the journal. Nothing is changed."""

EPILOG = """\
examples:
  outpost why
  outpost why --lang en
  sudo outpost why                  also what only root may see: keys, the store, the journal

exit codes:
  0  nothing is wrong
  1  something is wrong; the page says what
  2  a mistake on the command line, or the config file is wrong and no agent runs
  3  the agent is not running"""


class Report(NamedTuple):
    """What there is to say: the verdict as a word and as a sentence, the findings, the lines below them, the exit code."""

    verdict: str
    sentence: str
    findings: list[Finding]
    lines: list[str]
    code: int


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "why", MORE, EPILOG)
    command.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_language(command)
    parser.add_agent(command)


def run(args: argparse.Namespace) -> int:
    """Find out and print; the exit code."""
    words = Words(args.lang or language(args.config))
    report = reported(args.socket, args.config, words)
    try:
        print(_json(report, words) if args.json else page(report.sentence, report.findings, report.lines, words), flush=True)
    except BrokenPipeError:
        reader.left()
    return report.code


def language(config: Path) -> Language:
    """unit.language of a file that is TOML, right or wrong, as the agent takes it; else that of LC_ALL, LC_MESSAGES, LANG."""
    try:
        unit = tomllib.loads(config.read_text(encoding="utf-8-sig")).get("unit")
    except (OSError, ValueError):
        told = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
        return "zh" if told.startswith("zh") else "en"
    return "en" if isinstance(unit, dict) and unit.get("language") == "en" else "zh"


def reported(socket: str | None, config: Path, words: Words) -> Report:
    """Ask the agent; without one look at what is there."""
    try:
        path = socket or socket_path(config)
    except (OSError, ValueError):  # which socket is not known; why the file is wrong is
        return _stopped("", config, words)
    try:
        return _answered(ask(path, {"ask": "status"}), config, words)
    except NotRunning:
        return _stopped(path, config, words)
    except NotAllowed as e:
        finding = Finding(faults.REST, "agent.not_allowed", words("not_allowed"), notes=(clean(path),), do=words("allowed.do"))
        return (
            Report("not_allowed", words("not_allowed"), [finding], why_stopped.service(words), WRONG)
            if str(e)
            else _stopped(path, config, words)
        )
    except NoAnswer as e:
        notes = (words("detail", text=e.sentence),)
        finding = Finding(faults.PANIC, "agent.no_answer", words("no_answer"), notes=notes, do=words("answer.do"))
        return Report("no_answer", words("no_answer"), [finding], why_stopped.service(words), WRONG)


def _answered(body: dict[str, Any], config: Path, words: Words) -> Report:
    findings = why_findings.of_status(body, words)
    lines = why_findings.facts(body, words)
    told = {finding.code for finding in findings}
    if "config.fallback" not in told and _is_there(config):  # that says it; and without such a file the agent runs with another
        findings = [*why_stopped.config_finding(why_stopped.read_config(config), config, words, "config.wrong"), *findings]
    unit = clean(why_findings.section(body, "unit").get("id", "-"))
    if not findings:
        return Report("well", words("well", unit=unit), [], lines, WELL)
    sentence = words("wrong_one", unit=unit) if len(findings) == 1 else words("wrong_many", unit=unit, count=len(findings))
    return Report("wrong", sentence, findings, [*lines, *why_findings.more_facts(body, words)], WRONG)


def _is_there(config: Path) -> bool:
    try:
        return config.exists()
    except OSError:  # a directory that we may not look into
        return False


def _stopped(path: str, config: Path, words: Words) -> Report:
    seen = why_stopped.read_config(config)
    if not path:
        findings = why_stopped.config_finding(seen, config, words, "config.bad")
        return Report("config_wrong", words("config.bad"), findings, why_stopped.service(words), MISTAKE)
    looked = why_stopped.look(Path(path), config, seen, words)
    agent = Finding(faults.PANIC, "agent.stopped", words("stopped.agent"), do=words("stopped.agent.do"))
    code, verdict = (MISTAKE, "config_wrong") if seen.mistakes else (NOT_RUNNING, "not_running")
    findings = [*looked.findings, agent]  # what must be right before a start comes first
    return Report(verdict, words("not_running", path=path), findings, looked.lines, code)


def _json(report: Report, words: Words) -> str:
    told = {
        "verdict": report.verdict,
        "language": words.language,
        "says": report.sentence,
        "findings": [finding._asdict() for finding in report.findings],
        "lines": report.lines,
    }
    return json.dumps(told, ensure_ascii=False, indent=2)

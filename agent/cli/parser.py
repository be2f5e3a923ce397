"""The words of a command line go in; the command that they name runs, and its exit code comes out.

A command is one module with `add(subparsers)`, which makes its parser, and `run(args) -> int`. Only the one that is asked for is imported,
so that `outpost status` does not wait for paho and gpiozero.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

from agent import __version__

CONFIG_DEFAULT = "/etc/outpost/agent.toml"
CONFIG_VARIABLE = "OUTPOST_CONFIG"
USAGE_ERROR = 2
"""What argparse itself exits with."""

Subparsers = argparse._SubParsersAction  # argparse has no public name for what add_subparsers() gives


class Command(NamedTuple):
    """Where a command is written, and what it does, for `outpost --help`."""

    module: str
    summary: str


COMMANDS = {
    "run": Command("agent.cli.run", "run the agent (what systemd starts)"),
    "check": Command("agent.cli.check", "check the config file and print the pin table; drives no pin"),
    "safe": Command("agent.cli.safe", "drive every output to its safe level (what systemd runs after the agent's end)"),
    "status": Command("agent.cli.status", "ask the running agent how it is"),
    "idle": Command("agent.cli.idle", "would a restart interrupt an alarm? exit 0 when not (for root, before a restart on purpose)"),
    "why": Command("agent.cli.why", "why is this unit silent? what is wrong, the worst first, and what to do about it"),
    "doctor": Command("agent.cli.doctor", "check the whole unit: supply, disk, wires, GNSS, link; PASS or FAIL, and what to do"),
    "commission": Command("agent.cli.commission", "be led through every check that needs a hand, and save a signed report"),
    "walk-test": Command("agent.cli.walk_test", "test the panic buttons, the whole way to the centre and back"),
    "gnss": Command("agent.cli.gnss", "show what the GNSS receiver says, live or from a recording"),
    "tail": Command("agent.cli.tail", "print the traffic on the broker, decoded, one JSON object a line"),
}

DESCRIPTION = """\
The agent of one patrol vehicle or checkpoint: it reads the GNSS receiver, watches the panic button and other inputs, drives the light
bar, keeps everything on disk while there is no network, and talks to the command centre through an MQTT broker."""

EPILOG = f"""\
examples:
  outpost check                      is {CONFIG_DEFAULT} right? which wire goes where?
  outpost check -c ./agent.toml      the same for another file
  outpost run                        run the agent in the foreground; the log goes to stderr
  outpost status                     what the running agent sees, and whether the centre hears it
  outpost why                        what is wrong with this unit, and what to do about it
  outpost doctor                     everything checked that needs nobody, a line each
  outpost gnss --port /dev/serial0   the receiver: fix, satellites, antenna, errors
  outpost tail -b mqtt://broker:1883 everything that all units say

exit codes:
  0  done, or ended because it was asked to
  1  failed; stderr says why
  2  a mistake on the command line or in the config file
  3  the agent is not running (status, why, walk-test, commission)

The config file is the one of -c, else of ${CONFIG_VARIABLE}, else {CONFIG_DEFAULT}.
`outpost COMMAND --help` tells more about a command."""


def command(subparsers: "Subparsers[argparse.ArgumentParser]", name: str, more: str = "", epilog: str = "") -> argparse.ArgumentParser:
    """The parser of one command, with its summary, `more` sentences below it and `epilog` (examples, exit codes) at the end."""
    summary = COMMANDS[name].summary
    return subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n{more}".strip(),
        epilog=epilog or None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option -c: `args.config` is a Path."""
    default = os.environ.get(CONFIG_VARIABLE) or CONFIG_DEFAULT
    parser.add_argument(
        "-c", "--config", metavar="FILE", type=Path, default=Path(default), help=f"the config file (here: {default.replace('%', '%%')})"
    )


def add_agent(parser: argparse.ArgumentParser) -> None:
    """The options -s and -c, of commands that talk to the running agent: `args.socket` is a text, or None."""
    parser.add_argument("-s", "--socket", metavar="PATH", help="the agent's socket (default: the one in the config file)")
    add_config(parser)


def add_language(parser: argparse.ArgumentParser) -> None:
    """The option --lang, of commands that speak two: `args.lang` is `zh`, `en` or None."""
    parser.add_argument("--lang", choices=("zh", "en"), help="the language (default: unit.language of the config file, else LANG)")


def build(asked: str | None = None) -> argparse.ArgumentParser:
    """The parser of `outpost`; only the command `asked` for is imported, the others are listed."""
    parser = argparse.ArgumentParser(
        prog="outpost",
        usage="outpost COMMAND [OPTIONS]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"outpost {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog="outpost")
    for name, known in COMMANDS.items():
        if name == asked:
            importlib.import_module(known.module).add(subparsers)
        else:
            subparsers.add_parser(name, help=known.summary)
    return parser


def main(argv: list[str]) -> int:
    """Run the command that `argv` (without the program's name) asks for; its exit code, or 2 for a mistake on the command line."""
    asked = argv[0] if argv else None
    try:
        parser = build(asked if asked in COMMANDS else None)
        if asked is None:
            parser.print_help(sys.stderr)
            return USAGE_ERROR
        if asked not in COMMANDS and not asked.startswith("-"):
            from agent.config_walk import close_to  # and msgspec with it: only where it is needed

            near = close_to(asked, COMMANDS)
            parser.error(f"unknown command '{asked}'; " + (f"did you mean '{near}'?" if near else f"known are {', '.join(COMMANDS)}"))
        args = parser.parse_args(argv)
        if args.command is None or args.command != asked:
            parser.error(f"the command comes first: outpost COMMAND {' '.join(argv)}")
    except SystemExit as end:  # argparse has printed what there is to say
        return end.code if isinstance(end.code, int) else USAGE_ERROR
    return int(importlib.import_module(COMMANDS[args.command].module).run(args))

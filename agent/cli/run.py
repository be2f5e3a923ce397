"""`outpost run`: a config file goes in; the agent runs until it is asked to stop."""

import argparse
import os
import sys

from agent import config_start
from agent.cli import parser
from agent.config_text import ConfigErrors

CONFIG_WRONG = 2

EPILOG = """\
examples:
  outpost run
  outpost run -c ./agent.toml

exit codes:
  0  asked to stop
  1  a part of the agent died; the service manager starts it afresh
  2  the config file is wrong, and none has run well here before; stderr says what, line by line"""

MORE = """
Stays in the foreground; the log goes to stderr. When the config file is missing or wrong, the last one that ran well is taken instead: the
button works, and the fault config.fallback says what is wrong."""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "run", MORE, EPILOG)
    parser.add_config(command)


def run(args: argparse.Namespace) -> int:
    """Read the config, then run; returns the exit code."""
    try:
        start = config_start.read(args.config, os.environ)
    except ConfigErrors as e:
        print(e, file=sys.stderr)
        return CONFIG_WRONG
    if start.refused:
        print(start.mistakes, file=sys.stderr)
    from agent import daemon

    return daemon.run(start, args.config)

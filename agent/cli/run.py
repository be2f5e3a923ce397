"""`outpost run`: a config file goes in; the agent runs until it is asked to stop."""

import argparse
import sys

from agent import config_file
from agent.cli import parser

CONFIG_WRONG = 2

EPILOG = """\
examples:
  outpost run
  outpost run -c ./agent.toml

exit codes:
  0  asked to stop
  1  a part of the agent died; the service manager starts it afresh
  2  the config file is wrong; stderr says what, line by line"""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "run", "Stays in the foreground; the log goes to stderr.", EPILOG)
    parser.add_config(command)


def run(args: argparse.Namespace) -> int:
    """Read the config, then run; returns the exit code."""
    try:
        config = config_file.read(args.config)
    except config_file.ConfigErrors as e:
        print(e, file=sys.stderr)
        return CONFIG_WRONG
    from agent import daemon

    return daemon.run(config)

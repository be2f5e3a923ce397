"""`outpost idle`: asks the running agent whether a restart would interrupt an alarm, also a silent one; an exit code comes out."""

import argparse
import math
import sys
import threading

from agent import clock
from agent.cli import parser
from agent.cli.ask import NoAnswer, NotRunning, ask
from agent.cli.status import MISTAKE, socket_path

IDLE, BUSY = 0, 1

ASK_EVERY_S = 1.0

MORE = """
For who restarts the agent on purpose: an installer, new keys. Only root is answered, for a silent alarm counts too. An agent that does not
run is not interrupted; one that is starting, or does not answer, may have an alarm that nobody else knows of."""

EPILOG = """\
examples:
  sudo outpost idle && sudo systemctl restart outpost
  sudo outpost idle --wait 600 ; sudo systemctl restart outpost

exit codes:
  0  a restart interrupts no alarm, or no agent runs
  1  an alarm is live, or it cannot be known; stderr says which
  2  a mistake on the command line, or the config file cannot be read"""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "idle", MORE, EPILOG)
    command.add_argument("--wait", metavar="S", type=_seconds, default=0.0, help="wait so many seconds for it at most (default: 0)")
    parser.add_agent(command)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds, 0 or more, found {text}")
    return value


def run(args: argparse.Namespace) -> int:
    """Ask, again each second while there is something to wait for; the exit code."""
    try:
        path = args.socket or socket_path(args.config)
    except (OSError, ValueError) as e:
        print(f"{args.config}: {e}; or name the agent's socket with -s", file=sys.stderr)
        return MISTAKE
    until = clock.monotonic() + args.wait
    told = ""
    while why := hindrance(path):
        if why != told:
            print(why, file=sys.stderr, flush=True)
            told = why
        if clock.monotonic() >= until:
            return BUSY
        threading.Event().wait(min(ASK_EVERY_S, max(0.0, until - clock.monotonic())))
    return IDLE


def hindrance(path: str) -> str:
    """Why the agent whose socket is at `path` should not be restarted now; empty when nothing speaks against it."""
    try:
        body = ask(path, {"ask": "restart"})
    except NotRunning:
        return ""
    except NoAnswer as e:
        return str(e)
    if body.get("ready") is not True:
        return "the agent is starting; which alarms are live is not known yet"
    return "" if body.get("alarm") is False else "an alarm is live; a restart would interrupt its lights and its link for some seconds"

"""`outpost status`: asks the running agent how it is, and prints a page for people, or JSON."""

import argparse
import json
import os
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

from agent import config_kept
from agent.cli import parser, reader
from agent.cli.ask import NoAnswer, NotRunning, ask
from agent.cli.status_page import page

FINE, FAILED, MISTAKE, NOT_RUNNING = 0, 1, 2, 3

SOCKET_DEFAULT = "/run/outpost/agent.sock"
"""That of `agent.config`, which is not imported here: it would cost msgspec's start for one string. A test holds the two together."""

WATCH_S = 1.0

HOME_AND_CLEAR = "\x1b[H\x1b[J"
"""ECMA-48: cursor home, then erase to the end; a page is drawn over the one before, without flicker."""

MORE = """
The page begins with what is wrong; a line with ! in front wants attention. Keys that this program does not know are printed as they are."""

EPILOG = """\
examples:
  outpost status
  outpost status --watch            again each second, until Ctrl-C
  outpost status --json | jq .link

exit codes:
  0  the agent has answered
  1  it is there, but does not answer, or you may not ask it
  2  a mistake on the command line, or the config file cannot be read
  3  it is not running"""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "status", MORE, EPILOG)
    command.add_argument("--json", action="store_true", help="print the agent's answer as JSON")
    command.add_argument("--watch", action="store_true", help="again each second, until Ctrl-C")
    parser.add_agent(command)


def run(args: argparse.Namespace) -> int:
    """Ask and print; the exit code."""
    try:
        path = args.socket or socket_path(args.config)
    except (OSError, ValueError) as e:
        print(f"{args.config}: {e}; or name the agent's socket with -s", file=sys.stderr)
        return MISTAKE
    try:
        if args.watch:
            return _watch(path, args.json)
        print(_told(_ask(path), args.json), flush=True)
    except BrokenPipeError:
        reader.left()
    except NotRunning as e:
        print(e, file=sys.stderr)
        return NOT_RUNNING
    except NoAnswer as e:
        print(e, file=sys.stderr)
        return FAILED
    return FINE


def socket_path(config: Path) -> str:
    """[socket] path in the config file. The rest of the file is not looked at: also an agent whose file is wrong by now can be asked.

    A file that does not say it may be one that the agent could not use either: then it is where the last config that ran well has it.

    Raises:
        OSError, ValueError: the file cannot be read, or is not TOML; not for the usual file, which need not be there or be ours to read.
    """
    unread: OSError | ValueError | None = None
    section = None
    try:
        section = tomllib.loads(config.read_text(encoding="utf-8")).get("socket")
    except (OSError, ValueError) as e:
        unread = e
    if found := _path_in(section, config):
        return found
    try:
        kept = _path_in(config_kept.read(config_kept.find(config, os.environ)[0], config).get("socket"), config)
    except config_kept.NotKept:
        kept = None
    if kept and Path(kept).is_socket():
        return kept
    if unread and str(config) != parser.CONFIG_DEFAULT:
        raise unread
    return SOCKET_DEFAULT


def _path_in(section: object, config: Path) -> str | None:
    found = section.get("path") if isinstance(section, dict) else None
    return str(config.absolute().parent / found) if isinstance(found, str) and found else None


def _ask(path: str) -> dict[str, Any]:
    return ask(path, {"ask": "status"})


def _told(body: dict[str, Any], as_json: bool, indent: int | None = 2) -> str:
    return json.dumps(body, ensure_ascii=False, indent=indent) if as_json else page(body)


def _watch(path: str, as_json: bool) -> int:
    """Again each second, also while the agent is being started afresh, until Ctrl-C or until nobody reads."""
    screen = sys.stdout.isatty() and not as_json
    never = threading.Event()
    try:
        while True:
            try:
                told = _told(_ask(path), as_json, indent=None)
            except (NotRunning, NoAnswer) as e:
                told = json.dumps({"error": str(e)}, ensure_ascii=False) if as_json else str(e)
            print(f"{HOME_AND_CLEAR if screen else ''}{told}", end="\n" if screen or as_json else "\n\n", flush=True)
            never.wait(WATCH_S)
    except KeyboardInterrupt:
        return FINE

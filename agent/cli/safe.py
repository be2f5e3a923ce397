"""`outpost safe`: a config file goes in; every output of it and of its board is driven to its safe level, at once, and left so.

The board is the one that the file names, or that comes with its kind.

systemd runs this after every end of the agent (ExecStopPost), also when that was killed and could do nothing more for its outputs. So it
starts fast, and it takes from the files only what it needs: a mistake elsewhere in them keeps no lamp lit. What they do not say (the card
has died) it takes from what the agent wrote into memory when it started (`agent.adapters.safe_file`).
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from agent import board_file, config_text, profile_file
from agent.adapters import safe_file
from agent.cli import parser
from agent.config import NO_BOARD, Output, Socket
from agent.profile import LAYERS_MAX

DONE = 0
NOT_DRIVEN = 1
CONFIG_WRONG = 2

NEEDED = ("pin", "active", "safe")
"""The keys of an [[output]] that say how it is driven to its safe level."""

MORE = """
For the end of the agent, however it ended: while one runs the pins are taken, or it drives them again. Of the config and its board only
pin, active and safe of each [[output]] are looked at; `outpost check` finds all other mistakes. Where they cannot be read, what the agent
wrote at its start into safe.json, beside its socket, is driven instead."""

EPILOG = """\
examples:
  outpost safe
  outpost safe -c ./agent.toml

exit codes:
  0  every output is at its safe level
  1  an output could not be driven; stderr says which and why
  2  the config file, its board, or an [[output]] is wrong; the other outputs were driven, and those of safe.json"""


class Found(NamedTuple):
    """The outputs that can be driven, and what is wrong with the others, a line each."""

    outputs: list[Output]
    mistakes: list[str]


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    parser.add_config(parser.command(subparsers, "safe", MORE, EPILOG))


def run(args: argparse.Namespace) -> int:
    """Drive every output of the file `args.config` to its safe level: 0, 1 or 2."""
    found = read(args.config)
    failures = drive(found.outputs) if found.outputs else {}
    for line in (*found.mistakes, *dict.fromkeys(failures.values())):
        print(line, file=sys.stderr)
    if found.outputs:
        print(f"{len(found.outputs) - len(failures)} of {len(found.outputs)} outputs are at their safe level")
    return NOT_DRIVEN if failures else CONFIG_WRONG if found.mistakes else DONE


def read(path: Path) -> Found:
    """The outputs of the config at `path` and of its board. An output of the config replaces the board's of the same id."""
    mistakes: list[str] = []
    own = _tables(path, mistakes)
    socket = _table(own.get("socket")).get("path")
    unit = _table(own.get("unit"))
    below = _board(path, unit, mistakes)
    without = unit.get("without")
    tables = {id_: table for id_, table in _outputs(below).items() if not isinstance(without, list) or id_ not in without}
    found = Found([], mistakes)
    for id_, table in (tables | _outputs(own)).items():
        try:
            keys = {key: table[key] for key in NEEDED if key in table}
            output = msgspec.convert({"id": "an_output"} | keys, Output)
        except msgspec.ValidationError as e:
            mistakes.append(f"{path}: output {id_}: {e}")
        else:
            found.outputs.append(msgspec.structs.replace(output, id=id_))
    if mistakes:
        _remember(found, path.absolute().parent / socket if isinstance(socket, str) else None)
    return found


def _remember(found: Found, socket: Path | None) -> None:
    """Add what the agent had in force, for pins of which the files say nothing. `socket`: as the config has it, if it says so.

    An unreadable config does not say where its socket was: then it is the directory that systemd gave the service, or the default.
    """
    place = safe_file.beside(str(socket or _run_directory() / "agent.sock"))
    pins = {output.pin for output in found.outputs}
    try:
        more = [output for output in safe_file.read(place) if output.pin not in pins]
    except (OSError, ValueError):  # msgspec's errors are ValueErrors; an agent that never ran has left nothing
        return
    if more:
        found.outputs.extend(more)
        found.mistakes.append(f"{place}: {', '.join(output.id for output in more)}: driven as the agent wrote down when it started")


def _run_directory() -> Path:
    """Where a service has its socket: as systemd says, or by default."""
    return Path(os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or Path(Socket().path).parent)


def _outputs(tables: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each [[output]] by its id, or by its number when it has none."""
    listed = tables.get("output", [])
    numbered = enumerate(listed if isinstance(listed, list) else [listed], 1)
    return {str(_table(table).get("id", number)): _table(table) for number, table in numbered}


def _board(config: Path, unit: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """What the board says that the config names, or else the profile of its kind; nothing when none does."""
    name, said_in = unit.get("board"), config
    layer, kind, key = config, unit.get("kind"), "unit.kind"
    for _ in range(LAYERS_MAX):
        if name is not None or kind is None:
            break
        path = _beside(layer, "profile", kind, profile_file.find, mistakes, key)
        layer = path or layer
        tables = _tables(layer, mistakes) if path else {}
        name, said_in, kind, key = tables.get("board"), layer, tables.get("inherits"), "inherits"
    if name is None or name == NO_BOARD:
        return {}
    path = _beside(said_in, "board", name, board_file.find, mistakes, "unit.board" if said_in == config else "board")
    return _tables(path, mistakes) if path else {}


def _beside(file: Path, what: str, name: object, find: Callable[[str], Path | None], mistakes: list[str], key: str) -> Path | None:
    """Where a board or profile lies that a file names; None when there is none of that name."""
    path = find(str(name))
    if path is None:
        mistakes.append(f'{file}: {key}: there is no {what} "{name}"')
        return None
    return file.absolute().parent / path


def _tables(path: Path, mistakes: list[str]) -> dict[str, Any]:
    """What a file says; nothing when it cannot be read."""
    try:
        return config_text.load(path).tables
    except config_text.ConfigErrors as e:
        mistakes.append(str(e))
        return {}


def _table(found: object) -> dict[str, Any]:
    """A table; an empty one for what is none."""
    return found if isinstance(found, dict) else {}


def drive(outputs: list[Output]) -> dict[str, str]:
    """Drive them; by the ids of those that could not be driven, why."""
    from agent.adapters import outputs_pin, pins  # and gpiozero with them: only where there is something to drive

    try:
        factory = pins.factory()
    except pins.NoPins as e:
        return dict.fromkeys((output.id for output in outputs), str(e))
    tried = outputs_pin.drive_safe(outputs, factory)
    return {output.id: f"{output.id} on GPIO{output.pin}: {type(e).__name__}: {e}" for output, e in tried if e is not None}

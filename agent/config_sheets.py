"""What was walked of a config file and of its board goes in; the inputs, outputs and shows in force come out, each knowing where it stands.

The config's own entries lie on top: an input or output of the same id, a show of the same name and group, replaces the board's.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import msgspec

from agent.board import Terminal
from agent.config import Input, Output, Section, Show
from agent.config_walk import Leaf, Mistake, key_text
from agent.toml_lines import Path, line_of

DEVICES: dict[str, type[Section]] = {"input": Input, "output": Output}
KINDS: dict[str, type[Section]] = {**DEVICES, "show": Show, "terminal": Terminal}
BAR = next(field.default for field in msgspec.structs.fields(Show) if field.name == "group")


class Sheet(NamedTuple):
    """One file as it was walked: its good values, and the line of everything that is written in it, good or not."""

    file: FilePath
    leaves: Mapping[Path, Leaf]
    lines: dict[Path, int]
    is_board: bool = False


class Item(NamedTuple):
    """One [[input]], [[output]], [[show]] or (of a board) [[terminal]], and where it stands."""

    sheet: Sheet
    path: Path

    def has(self, key: str) -> bool:
        """Whether the key is written down, rightly or not."""
        return (*self.path, key) in self.sheet.lines

    def value(self, key: str) -> Any:
        """What is written; the default when nothing is; None when what is written is wrong, which has been said already."""
        if self.has(key):
            leaf = self.sheet.leaves.get((*self.path, key))
            return leaf.value if leaf else self._list(key)
        default = next(f.default for f in msgspec.structs.fields(KINDS[str(self.path[0])]) if f.name == key)
        return None if default is msgspec.NODEFAULT else default

    def _list(self, key: str) -> tuple[Any, ...] | None:
        """A list's items stand each on its own; None when one of them is wrong."""
        here = (*self.path, key)
        count = len({path[len(here)] for path in self.sheet.lines if path[: len(here)] == here and len(path) > len(here)})
        items = [self.sheet.leaves.get((*here, i)) for i in range(count)]
        return tuple(item.value for item in items if item) if count and all(items) else None

    def mistake(self, key: str, message: str) -> Mistake:
        """A mistake at one of its keys, or (empty) at the whole of it."""
        return Mistake((*self.path, key) if key else self.path, message, self.sheet.is_board)

    def named(self, seen_from: "Item", key: str = "") -> str:
        """What another's mistake calls it: `input[1] "button" (line 7)`."""
        name = self.value("id") if self.path[0] in DEVICES else None
        line = line_of(self.sheet.lines, (*self.path, key))
        where = f"line {line}" if self.sheet is seen_from.sheet else f"{self.sheet.file}:{line}"
        return f'{key_text(self.path)} "{name}" ({where})' if name and key != "id" else f"{key_text(self.path)} ({where})"


class Sheets(NamedTuple):
    """The config file, and the board that it names."""

    own: Sheet
    board: Sheet | None = None

    def every(self) -> list[Sheet]:
        """The board lies below, so it comes first."""
        return [self.board, self.own] if self.board else [self.own]

    def items(self, *sections: str) -> list[Item]:
        """The entries in force, the board's first, each file's in its order."""
        own = list(written(self.own, *sections))
        on_top = {identity(item) for item in own}
        without = {(kind, leaf.value) for path, leaf in self.own.leaves.items() if path[:-1] == ("unit", "without") for kind in DEVICES}
        below = written(self.board, *sections) if self.board else ()
        return [*(item for item in below if identity(item) not in on_top | without), *own]

    def groups(self, sheet: Sheet | None = None) -> set[str]:
        """The groups of lights in force; `sheet`: those that a file may name. A board may name all its own, also when some are left out."""
        items = self.items("output") + (list(written(sheet, "output")) if sheet and sheet.is_board else [])
        return {item.value("group") for item in items if item.value("use") == "light"} - {None}


def identity(item: Item) -> tuple[object, ...]:
    """What it is replaced by: an entry of the same section with the same name."""
    keys = ("name", "group") if item.path[0] == "show" else ("id",)
    return (item.path[0], *(item.value(key) for key in keys))


def written(sheet: Sheet, *sections: str) -> Iterator[Item]:
    """Every entry of some sections of one file, in its order."""
    paths = {path[:2]: None for path in sheet.lines if len(path) >= 2 and path[0] in sections and isinstance(path[1], int)}
    yield from (Item(sheet, path) for path in sorted(paths, key=lambda path: sheet.lines[path]))


def merged(own: dict[str, Any], board: dict[str, Any] | None) -> dict[str, Any]:
    """The tables of a config with those of its board below; both are right. What is replaced keeps its place in the board's order."""
    if board is None:
        return own
    tables = dict(own)
    for section in ("lights", "recorder"):
        tables[section] = {**board.get(section, {}), **own.get(section, {})}
    without = own["unit"].get("without", ())
    for section in DEVICES:
        below = {entry["id"]: entry for entry in board.get(section, ()) if entry["id"] not in without}
        tables[section] = list((below | {entry["id"]: entry for entry in own.get(section, ())}).values())
    shows = [*board.get("show", ()), *own.get("show", ())]
    tables["show"] = list({(show["name"], show.get("group", BAR)): show for show in shows}.values())
    return tables

"""What was walked of a config file, its profiles and its board goes in; what is in force comes out, each value knowing where it stands.

The board lies lowest, on it the profile's bases, the profile, and on top the config itself. Of sections the upper one's keys count, one by
one; of inputs, outputs and shows, which profiles do not have, an entry of the same id (of a show: name and group) replaces the board's.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Literal, NamedTuple

import msgspec

from agent.board import Terminal
from agent.config import Input, Output, Section, Show
from agent.config_walk import Leaf, Mistake, key_text
from agent.profile import SECTIONS
from agent.toml_lines import Path, line_of

DEVICES: dict[str, type[Section]] = {"input": Input, "output": Output}
KINDS: dict[str, type[Section]] = {**DEVICES, "show": Show, "terminal": Terminal}
BOARD_SECTIONS = ("lights", "recorder")
"""Sections that are keys and values, of a board."""
BAR = next(field.default for field in msgspec.structs.fields(Show) if field.name == "group")


class Sheet(NamedTuple):
    """One file as it was walked: its good values, and the line of everything that is written in it, good or not."""

    file: FilePath
    leaves: Mapping[Path, Leaf]
    lines: dict[Path, int]
    layer: Literal["config", "profile", "board"] = "config"

    @property
    def is_board(self) -> bool:
        """Whether it is the lowest."""
        return self.layer == "board"

    @property
    def named(self) -> FilePath | None:
        """What a mistake in it has as its file: None for the config itself."""
        return None if self.layer == "config" else self.file

    def at(self, path: Path, seen_from: "Sheet") -> str:
        """Where something stands in it: `line 7`, or with the file's name when that is another's."""
        line = line_of(self.lines, path)
        return f"line {line}" if self.file == seen_from.file else f"{self.file}:{line}"


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
        return Mistake((*self.path, key) if key else self.path, message, self.sheet.named)

    def named(self, seen_from: "Item", key: str = "") -> str:
        """What another's mistake calls it: `input[1] "button" (line 7)`."""
        name = self.value("id") if self.path[0] in DEVICES else None
        where = self.sheet.at((*self.path, key), seen_from.sheet)
        return f'{key_text(self.path)} "{name}" ({where})' if name and key != "id" else f"{key_text(self.path)} ({where})"


class Said(NamedTuple):
    """A good value, and who has said it."""

    value: Any
    sheet: Sheet


class Sheets(NamedTuple):
    """The config file, the board below it, and between them the profile of its kind, its bases first."""

    own: Sheet
    board: Sheet | None = None
    profiles: tuple[Sheet, ...] = ()

    def every(self) -> list[Sheet]:
        """The board lies below, so it comes first. Profiles have neither pins nor groups."""
        return [self.board, self.own] if self.board else [self.own]

    def in_force(self, section: str) -> dict[Path, Said]:
        """The good values of a section of keys and values. Of a list, each item; all are the same file's."""
        found: dict[Path, Said] = {}
        for sheet in (*([self.board] if self.board else ()), *self.profiles, self.own):
            written_keys = {path[1] for path in sheet.lines if len(path) > 1 and path[0] == section}
            found = {path: said for path, said in found.items() if path[1] not in written_keys}
            found |= {path: Said(leaf.value, sheet) for path, leaf in sheet.leaves.items() if path[0] == section and len(path) > 1}
        return found

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


def merged(own: dict[str, Any], board: dict[str, Any] | None, profile: dict[str, Any] | None = None) -> dict[str, Any]:
    """The tables of a config over those of its profile and its board, all right. What is replaced keeps its place in the board's order."""
    tables = dict(own)
    for section in SECTIONS:
        below = (board or {}).get(section, {}) if section in BOARD_SECTIONS else {}
        if values := {**below, **(profile or {}).get(section, {}), **own.get(section, {})}:
            tables[section] = values
    if board is None:
        return tables
    without = own["unit"].get("without", ())
    for section in DEVICES:
        entries = {entry["id"]: entry for entry in board.get(section, ()) if entry["id"] not in without}
        tables[section] = list((entries | {entry["id"]: entry for entry in own.get(section, ())}).values())
    shows = [*board.get("show", ()), *own.get("show", ())]
    tables["show"] = list({(show["name"], show.get("group", BAR)): show for show in shows}.values())
    return tables

"""A config and the files that it was made of go in; where each value that is not the default comes from goes out, in the config's order."""

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import msgspec

from agent import config_words as words
from agent.config import Config
from agent.config_sheets import Item, Sheet, Sheets
from agent.toml_lines import line_of


class Origin(NamedTuple):
    """One value in force: its key and itself as the file writes them, the layer (config, profile, board), and where that says so."""

    key: str
    value: str
    layer: str
    file: FilePath
    line: int


def origins(config: Config, sheets: Sheets) -> Iterator[Origin]:
    """Every value that differs from the default or replaces another's, and every [[input]], [[output]] and [[show]] as a whole."""
    for section in msgspec.structs.fields(Config):
        if words.item_of(section.type) is not None:
            yield from (_entry(item) for item in sheets.items(section.name))
            continue
        values = getattr(config, section.name)
        said = {path[1]: at.sheet for path, at in sheets.in_force(section.name).items()}
        for key in msgspec.structs.fields(type(values)):
            value = getattr(values, key.name)
            if key.name in said and (key.required or value != key.default or _replaces(sheets, section.name, key.name)):
                yield _value(f"{section.name}.{key.name}", value, said[key.name])


def _replaces(sheets: Sheets, section: str, key: str) -> bool:
    """Whether it is said in one file and in another below."""
    return sum((section, key) in sheet.lines for sheet in (*sheets.profiles, *sheets.every())) > 1


def _value(key: str, value: Any, sheet: Sheet) -> Origin:
    return Origin(key, words.toml(value), sheet.layer, sheet.file, line_of(sheet.lines, tuple(key.split("."))) or 1)


def _entry(item: Item) -> Origin:
    name = item.value("name" if item.path[0] == "show" else "id")
    group = f", group {item.value('group')}" if item.path[0] == "show" else ""
    line = line_of(item.sheet.lines, item.path) or 1
    return Origin(f"[[{item.path[0]}]]", f"{words.toml(name)}{group}", item.sheet.layer, item.sheet.file, line)

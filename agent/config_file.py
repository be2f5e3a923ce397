"""The path of a config file goes in; a Config comes out, or every mistake in the file at once, each with its line.

The types, ranges and defaults are those of `agent.config`; the format is TOML 1.0.0.
"""

import re
import tomllib
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from agent import config_checks, toml_lines
from agent.config import Config
from agent.config_walk import Walk, key_text

BYTES_MAX = 1_048_576
"""A config has a few thousand bytes; more is another file by mistake."""

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


class ConfigError(NamedTuple):
    """One mistake. `line` counts from 1, None when it is the whole file's; `key` as in `report.interval_s`, empty when it is no key's."""

    line: int | None
    key: str
    message: str


class ConfigErrors(Exception):
    """All mistakes of one file, sorted by line; as text one per line: `agent.toml:12: report.interval_s: found …; expected …`."""

    def __init__(self, path: FilePath, errors: list[ConfigError]) -> None:
        self.path = path
        self.errors = sorted(errors, key=lambda error: error.line or 0)
        super().__init__(path, self.errors)

    def __str__(self) -> str:
        """One mistake per line."""
        return "\n".join(
            f"{self.path}{f':{error.line}' if error.line else ''}: {f'{error.key}: ' if error.key else ''}{error.message}"
            for error in self.errors
        )


def read(path: FilePath | str) -> Config:
    """The config in the file at `path`. Paths in it that do not begin with / start at the file's directory.

    Raises:
        ConfigErrors: the file cannot be read, is not TOML, or has mistakes in it; all of them.
    """
    path = FilePath(path)
    text = _text(path)
    tables, lines = _parsed(path, text)
    walk = Walk(path.absolute().parent)
    config = walk.config(tables)
    mistakes = [*walk.mistakes, *config_checks.check(walk.leaves, lines)]
    if config is None or mistakes:
        end = _last_line(text)
        raise ConfigErrors(
            path, [ConfigError(toml_lines.line_of(lines, where) or end, key_text(where), message) for where, message in mistakes]
        )
    return config


def _text(path: FilePath) -> str:
    """The file's text; a byte order mark (Windows editors write one) is passed over."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        message = "there is no such file; copy firmware_config/agent.toml there and fill it in, or name another with -c"
    except IsADirectoryError:
        message = f"is a directory; name the file in it: {path / 'agent.toml'}"
    except PermissionError:
        message = "may not be read by this user; run as root or as the agent's user (sudo -u outpost …)"
    except (OSError, ValueError) as e:
        message = f"cannot be read: {getattr(e, 'strerror', None) or e}"
    else:
        if len(data) <= BYTES_MAX:
            return _decoded(path, data)
        message = f"has more than {BYTES_MAX:_} bytes; this is not a config file"
    raise ConfigErrors(path, [ConfigError(None, "", message)])


def _last_line(text: str) -> int:
    """Only a line feed ends a line in TOML; str.splitlines knows ten more."""
    return max(1, text.count("\n") + (not text.endswith("\n")))


def _decoded(path: FilePath, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = e.object.count(b"\n", 0, e.start) + 1
        message = f"is not UTF-8: byte 0x{e.object[e.start]:02X} cannot stand here; save the file as UTF-8 (not GBK, not UTF-16)"
        raise ConfigErrors(path, [ConfigError(line, "", message)]) from e


def _parsed(path: FilePath, text: str) -> tuple[dict[str, Any], dict[toml_lines.Path, int]]:
    """What the text means, and where it says so."""
    try:
        return tomllib.loads(text), toml_lines.scan(text)
    except tomllib.TOMLDecodeError as e:
        line, message = _syntax(text, str(e))
    except ValueError as e:  # a number of thousands of digits
        line, message = None, f"is not TOML: {e}"
    except RecursionError:
        line, message = None, "is not a config: lists or tables lie hundreds deep in one another"
    raise ConfigErrors(path, [ConfigError(line, "", message)])


def _syntax(text: str, told: str) -> tuple[int, str]:
    """Line and message for what tomllib says, which stops at the first mistake."""
    place = _PLACE.search(told)
    line = int(place["line"]) if place and place["line"] else _last_line(text)
    column = f" (column {place['column']})" if place and place["column"] else ""
    what = told[: place.start()] if place else told
    hint = '; text stands in straight quotes: "…"' if what.startswith(("Invalid value", "Expected newline", "Illegal")) else ""
    return line, f"not TOML{column}: {what}{hint}. Reading stopped here: there may be more mistakes below"

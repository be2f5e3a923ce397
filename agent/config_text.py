"""The path of a TOML file goes in; its tables and the line of everything in them come out, or why it cannot be read.

Also what a file full of mistakes raises, so that all who read one say it alike.
"""

import re
import tomllib
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from agent import toml_lines

BYTES_MAX = 1_048_576
"""A config has a few thousand bytes; more is another file by mistake."""

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")

MISSING = "there is no such file; copy firmware_config/agent.toml there and fill it in, or name another with -c"


class ConfigError(NamedTuple):
    """One mistake. `line` counts from 1, None when it is the whole file's; `key` as in `report.interval_s`, empty when it is no key's.

    `file`: where it stands, when that is not the config file itself but one that it names (its profile, its board).
    """

    line: int | None
    key: str
    message: str
    file: FilePath | None = None


class ConfigErrors(Exception):
    """All mistakes, by file and line; as text one per line: `agent.toml:12: report.interval_s: found …; expected …`."""

    def __init__(self, path: FilePath, errors: list[ConfigError]) -> None:
        self.path = path
        self.errors = sorted(errors, key=lambda error: (error.file is not None, str(error.file or ""), error.line or 0))
        super().__init__(path, self.errors)

    def __str__(self) -> str:
        """One mistake per line."""
        return "\n".join(
            f"{error.file or self.path}{f':{error.line}' if error.line else ''}: {f'{error.key}: ' if error.key else ''}{error.message}"
            for error in self.errors
        )


class Text(NamedTuple):
    """A file that is TOML: its tables, the line of each thing in it, and its last line."""

    tables: dict[str, Any]
    lines: dict[toml_lines.Path, int]
    end: int


def load(path: FilePath, missing: str = MISSING) -> Text:
    """The file at `path`; `missing` is said when it is not there.

    Raises:
        ConfigErrors: it cannot be read, or is not TOML.
    """
    text = _text(path, missing)
    tables, lines = _parsed(path, text)
    return Text(tables, lines, _last_line(text))


def _text(path: FilePath, missing: str) -> str:
    """The file's text; a byte order mark (Windows editors write one) is passed over."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        message = missing
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

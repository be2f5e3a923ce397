"""The path of a config file goes in; a Config comes out, or every mistake in the file at once, each with its line.

The types, ranges and defaults are those of `agent.config`; the format is TOML 1.0.0. A board that the file names (`unit.board`) is read
with it and lies below it; mistakes in the board's file are reported with its own path and line.
"""

from pathlib import Path as FilePath
from typing import NamedTuple

from agent import board_checks, board_file, config_checks, toml_lines
from agent.board import Board
from agent.config import Config
from agent.config_sheets import Sheet, Sheets, merged
from agent.config_text import BYTES_MAX, ConfigError, ConfigErrors, Text, load
from agent.config_walk import Mistake, Walk, close_to, key_text

__all__ = ["BYTES_MAX", "ConfigError", "ConfigErrors", "Whole", "read", "read_board", "read_whole"]

BOARD = ("unit", "board")


class Whole(NamedTuple):
    """A config, and the board that lies below it."""

    config: Config
    board: Board | None = None
    board_path: FilePath | None = None


class _Below(NamedTuple):
    """A board's file as it was read: its text, what was walked of it, and itself when it is right."""

    path: FilePath
    text: Text
    sheet: Sheet
    mistakes: list[Mistake]
    board: Board | None


def read(path: FilePath | str) -> Config:
    """The config in the file at `path`. Paths in it that do not begin with / start at the file's directory.

    Raises:
        ConfigErrors: the file cannot be read, is not TOML, or has mistakes in it; all of them, and those of its board.
    """
    return read_whole(path).config


def read_whole(path: FilePath | str) -> Whole:
    """The config in the file at `path`, and its board.

    Raises:
        ConfigErrors: as above.
    """
    path = FilePath(path)
    text = load(path)
    base = path.absolute().parent
    walk = Walk(base)
    right = walk.read(text.tables)
    mistakes = list(walk.mistakes)
    below, unread = _below(walk, text)
    sheets = Sheets(Sheet(path, walk.leaves, text.lines), below.sheet if below else None)
    if below:
        mistakes += below.mistakes
    mistakes += config_checks.check(sheets, board_is_known=unread is None)
    errors = [*(unread or ()), *(_error(mistake, text, below) for mistake in mistakes)]
    if right is None or errors:
        raise ConfigErrors(path, errors)
    config = Walk(base).read(merged(text.tables, below.text.tables if below else None))
    assert isinstance(config, Config), "both are right, and so is what lies on top of what"
    return Whole(config, below.board if below else None, below.path if below else None)


def read_board(path: FilePath) -> Board:
    """The board in the file at `path`, without any config.

    Raises:
        ConfigErrors: the file cannot be read, is not TOML, or has mistakes in it.
    """
    below = _walked(path)
    own = Sheet(FilePath("no config"), {}, {})
    mistakes = [*below.mistakes, *config_checks.check(Sheets(own, below.sheet))]
    if below.board is None or mistakes:
        raise ConfigErrors(path, [_error(mistake._replace(board=False), below.text, None) for mistake in mistakes])
    return below.board


def _below(walk: Walk, text: Text) -> tuple[_Below | None, list[ConfigError] | None]:
    """The board that the config names, if any; a list when it could not be read, with what has not been said of that yet."""
    leaf = walk.leaves.get(BOARD)
    if leaf is None:
        return None, [] if any(mistake.path == BOARD for mistake in walk.mistakes) else None
    path = board_file.find(leaf.value)
    if path is None:
        near = close_to(leaf.value, board_file.names())
        advice = f'did you mean "{near}"?' if near else f"known: {', '.join(board_file.names()) or 'none'}, or give the path of a file"
        return None, [_error(Mistake(BOARD, f'there is no board "{leaf.value}"; {advice}'), text, None)]
    try:
        return _walked(path), None
    except ConfigErrors as e:
        return None, [error._replace(file=path) for error in e.errors]


def _walked(path: FilePath) -> _Below:
    text = load(path, "there is no such file; name a board or the path of one in unit.board")
    walk = Walk(path.absolute().parent, Board)
    board = walk.read(text.tables)
    sheet = Sheet(path, walk.leaves, text.lines, is_board=True)
    mistakes = [mistake._replace(board=True) for mistake in walk.mistakes]
    mistakes += board_checks.check(sheet)
    if isinstance(board, Board):
        mistakes += board_checks.worn(board)
    return _Below(path, text, sheet, mistakes, board if isinstance(board, Board) else None)


def _error(mistake: Mistake, text: Text, below: _Below | None) -> ConfigError:
    """Where a mistake stands, for people."""
    where, file = (below.text, below.path) if mistake.board and below else (text, None)
    return ConfigError(toml_lines.line_of(where.lines, mistake.path) or where.end, key_text(mistake.path), mistake.message, file)

"""The path of a config file goes in; a Config comes out, or every mistake in the file at once, each with its line.

The types, ranges and defaults are those of `agent.config`; the format is TOML 1.0.0. The profile of its kind (`unit.kind`) and its board
are read with it and lie below it (`agent.config_below`); mistakes in their files are reported with their own path and line.
"""

from pathlib import Path as FilePath
from typing import Any, NamedTuple

from agent import config_below, config_checks, data_files
from agent.board import Board
from agent.config import Config
from agent.config_below import Below
from agent.config_sheets import Sheet, Sheets, merged
from agent.config_text import BYTES_MAX, ConfigError, ConfigErrors, load
from agent.config_walk import Walk
from agent.profile import Profile

__all__ = ["BYTES_MAX", "ConfigError", "ConfigErrors", "Whole", "read", "read_board", "read_whole"]


class Whole(NamedTuple):
    """A config, what lies below it, and where each value of it stands. `profile`: that of its kind, with what it inherits.

    `tables`: all of them laid on one another, as one file would say it.
    """

    config: Config
    sheets: Sheets
    tables: dict[str, Any]
    board: Board | None = None
    profile: Profile | None = None

    @property
    def board_path(self) -> FilePath | None:
        """The board's file."""
        return self.sheets.board.file if self.sheets.board else None

    @property
    def profile_path(self) -> FilePath | None:
        """The profile's file."""
        return self.sheets.profiles[-1].file if self.sheets.profiles else None


def read(path: FilePath | str) -> Config:
    """The config in the file at `path`. Paths in it that do not begin with / start at the file's directory.

    Raises:
        ConfigErrors: the file cannot be read, is not TOML, or has mistakes in it; all of them, and those of its profile and its board.
    """
    return read_whole(path).config


def read_whole(path: FilePath | str) -> Whole:
    """The config in the file at `path`, its profile and its board.

    Raises:
        ConfigErrors: as above.
    """
    path = FilePath(path)
    text = load(path)
    base = path.absolute().parent
    walk = Walk(base)
    right = walk.read(text.tables)
    below = config_below.read(walk, text)
    sheets = Sheets(
        Sheet(path, walk.leaves, text.lines), below.board.sheet if below.board else None, tuple(layer.sheet for layer in below.profiles)
    )
    mistakes = [*walk.mistakes, *below.every_mistake(), *config_checks.check(sheets, board_is_known=below.board_is_known)]
    errors = [*below.unread, *(config_below.located(mistake, text, below.layers()) for mistake in mistakes)]
    if right is None or errors:
        raise ConfigErrors(path, errors)
    tables = _tables(text.tables, below)
    config = Walk(base).read(tables)
    profile = Walk(base, Profile).read(below.profile_tables()) if below.profiles else None
    assert isinstance(config, Config), "each is right, and so is what lies on top of what"
    assert profile is None or isinstance(profile, Profile)
    whole = below.board.whole if below.board else None
    return Whole(config, sheets, tables, whole if isinstance(whole, Board) else None, profile)


def read_board(path: FilePath) -> Board:
    """The board in the file at `path`, without any config.

    Raises:
        ConfigErrors: the file cannot be read, is not TOML, or has mistakes in it.
    """
    layer = config_below.board(path)
    own = Sheet(FilePath("no config"), {}, {})
    mistakes = [*layer.mistakes, *config_checks.check(Sheets(own, layer.sheet))]
    if not isinstance(layer.whole, Board) or mistakes:
        raise ConfigErrors(path, [config_below.located(mistake._replace(file=None), layer.text, ()) for mistake in mistakes])
    return layer.whole


def _tables(own: dict[str, Any], below: Below) -> dict[str, Any]:
    """All together. A kind that is told as a path is called as its file is."""
    tables = merged(own, below.board.tables() if below.board else None, below.profile_tables())
    kind = own["unit"].get("kind")
    if kind and data_files.is_path(kind):
        tables["unit"] = {**own["unit"], "kind": FilePath(kind).stem}
    return tables

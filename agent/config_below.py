"""What was walked of a config file goes in; the files that lie below it come out: the profile of its kind with its bases, and its board.

A board drives pins. So it comes only by a word that is written down: `unit.board`, or a `unit.kind` whose profile names one. A kind that is
not said is a patrol car's in everything but that.
"""

from collections.abc import Callable, Iterable
from pathlib import Path as FilePath
from typing import Any, Literal, NamedTuple

from agent import board_checks, board_file, profile_file, toml_lines
from agent.board import Board
from agent.config import NO_BOARD, Section, Unit
from agent.config_sheets import Sheet
from agent.config_text import ConfigError, ConfigErrors, Text, load
from agent.config_walk import Mistake, Walk, close_to, key_text
from agent.profile import LAYERS_MAX, NOT_HERE, Profile
from agent.toml_lines import Path

BOARD = ("unit", "board")
KIND = ("unit", "kind")
INHERITS = ("inherits",)


class Layer(NamedTuple):
    """One file as it was read: its text, what was walked of it, its mistakes, and itself when it is right."""

    path: FilePath
    text: Text
    sheet: Sheet
    mistakes: list[Mistake]
    whole: Section | None

    def tables(self) -> dict[str, Any]:
        """What it says, with paths that start at its own directory made whole."""
        tables = {key: dict(value) if isinstance(value, dict) else value for key, value in self.text.tables.items()}
        for path, leaf in self.sheet.leaves.items():
            if leaf.file and len(path) == 2 and isinstance(path[1], str):
                tables[str(path[0])][path[1]] = leaf.value
        return tables


class Below(NamedTuple):
    """All that lies below a config. `profiles`: the last base first. `unread`: what is wrong with files that nothing could be read of."""

    profiles: tuple[Layer, ...]
    board: Layer | None
    board_is_known: bool
    mistakes: list[Mistake]
    unread: list[ConfigError]

    def layers(self) -> list[Layer]:
        """Each file."""
        return [*self.profiles, *([self.board] if self.board else ())]

    def every_mistake(self) -> list[Mistake]:
        """Those of each file, and those of the names by which files were looked for."""
        return [*self.mistakes, *(mistake for layer in self.layers() for mistake in layer.mistakes)]

    def profile_tables(self) -> dict[str, Any]:
        """What the profile and its bases say together."""
        tables: dict[str, Any] = {}
        for layer in self.profiles:
            for key, value in layer.tables().items():
                tables[key] = {**tables.get(key, {}), **value} if isinstance(value, dict) else value
        return tables


class Named(NamedTuple):
    """A file that is asked for: by what name, and where that stands (`file` None: in the config)."""

    name: str
    path: Path
    file: FilePath | None = None


def read(walk: Walk, text: Text) -> Below:
    """Everything below a config; mistakes are kept, not raised."""
    profiles, mistakes, unread = _profiles(walk, text)
    is_whole = not mistakes and not unread
    named, is_known = _board_named(walk, text, profiles, is_whole)
    board = None
    if named and named.name != NO_BOARD:
        before = len(mistakes) + len(unread)
        board = _layer(named, "board", mistakes, unread)
        is_known = len(mistakes) + len(unread) == before
    return Below(tuple(profiles), board, is_known, mistakes, unread)


def board(path: FilePath) -> Layer:
    """The board in the file at `path`.

    Raises:
        ConfigErrors: the file cannot be read, or is not TOML.
    """
    layer = _walked(path, "board", Board, BOARD)
    mistakes = [*layer.mistakes, *board_checks.check(layer.sheet)]
    if isinstance(layer.whole, Board):
        mistakes += board_checks.worn(layer.whole)
    return layer._replace(mistakes=[mistake._replace(file=path) for mistake in mistakes])


def profile(path: FilePath) -> Layer:
    """The profile in the file at `path`, without its bases.

    Raises:
        ConfigErrors: the file cannot be read, or is not TOML.
    """
    layer = _walked(path, "profile", Profile, KIND)
    mistakes = list(layer.mistakes)
    for key, why in NOT_HERE.items():
        if key in layer.text.lines:
            mistakes.append(Mistake(key, f"{key[1]} has no place in a profile: {why}; say it in agent.toml{_or_board(key)}"))
    return layer._replace(mistakes=[mistake._replace(file=path) for mistake in mistakes])


def located(mistake: Mistake, own: Text, layers: Iterable[Layer]) -> ConfigError:
    """Where a mistake stands, for people."""
    where = next((layer.text for layer in layers if layer.path == mistake.file), own)
    return ConfigError(
        toml_lines.line_of(where.lines, mistake.path) or where.end, key_text(mistake.path), mistake.message, mistake.file
    )


def _or_board(key: Path) -> str:
    return " or in the board" if key[0] == "lights" else ""


def _walked(path: FilePath, layer: Literal["profile", "board"], kind: type[Section], named: Path) -> Layer:
    text = load(path, f"there is no such file; name a {layer} or the path of one in {key_text(named)}")
    walk = Walk(path.absolute().parent, kind)
    whole = walk.read(text.tables)
    return Layer(path, text, Sheet(path, walk.leaves, text.lines, layer), walk.mistakes, whole)


FILES: dict[str, tuple[Callable[[str], FilePath | None], Callable[[], list[str]], Callable[[FilePath], Layer]]] = {
    "board": (board_file.find, board_file.names, board),
    "profile": (profile_file.find, profile_file.names, profile),
}
"""What finds, lists and reads each."""


def _layer(named: Named, what: str, mistakes: list[Mistake], unread: list[ConfigError]) -> Layer | None:
    """The file of that name; None when there is none, or none that can be read."""
    find, names, reader = FILES[what]
    path = find(named.name)
    if path is None:
        near, known = close_to(named.name, names()), ", ".join(names()) or "none"
        advice = f'did you mean "{near}"?' if near else f"known: {known}, or give the path of a file"
        mistakes.append(Mistake(named.path, f'there is no {what} "{named.name}"; {advice}', named.file))
        return None
    try:
        return reader(path)
    except ConfigErrors as e:
        unread += [error._replace(file=path) for error in e.errors]
        return None


def _profiles(walk: Walk, text: Text) -> tuple[list[Layer], list[Mistake], list[ConfigError]]:
    """The profile of the unit's kind and its bases, the last base first; what is wrong with their names; what could not be read."""
    chain: list[Layer] = []
    mistakes: list[Mistake] = []
    unread: list[ConfigError] = []
    named: Named | None = None
    if leaf := walk.leaves.get(KIND):
        named = Named(leaf.value, KIND)
    elif KIND not in text.lines and profile_file.find(Unit(id="any").kind):
        named = Named(Unit(id="any").kind, KIND)  # when nobody has it, and nobody asks for it, there is nothing to say about it
    while named:
        layer = _layer(named, "profile", mistakes, unread)
        if layer is None:
            break
        if told := _endless(layer, chain):
            mistakes.append(Mistake(named.path, told, named.file))
            break
        chain.append(layer)
        base = layer.sheet.leaves.get(INHERITS)
        named = Named(base.value, INHERITS, layer.path) if base else None
    return chain[::-1], mistakes, unread


def _endless(layer: Layer, chain: list[Layer]) -> str | None:
    """Why it cannot be inherited from by the last of the chain."""
    if any(layer.path.resolve() == other.path.resolve() for other in chain):
        return f"a profile cannot inherit from itself: {' → '.join(str(each.path) for each in (*chain, layer))}"
    if len(chain) == LAYERS_MAX:
        names = " → ".join(each.path.stem for each in (*chain, layer))
        return f"inherits too deep: {names}; at most {LAYERS_MAX} profiles lie on one another"
    return None


def _board_named(walk: Walk, text: Text, profiles: list[Layer], is_whole: bool) -> tuple[Named | None, bool]:
    """The board that is asked for, and whether that is known. `is_whole`: all profiles could be read."""
    if BOARD in text.lines:
        leaf = walk.leaves.get(BOARD)
        return (Named(leaf.value, BOARD) if leaf else None), leaf is not None
    if KIND not in text.lines:
        return None, True
    for layer in reversed(profiles):
        if BOARD[1:] in layer.text.lines:
            leaf = layer.sheet.leaves.get(BOARD[1:])
            return (Named(leaf.value, BOARD[1:], layer.path) if leaf else None), leaf is not None
    return None, is_whole and KIND in walk.leaves



"""The name of a board goes in (`unit.board`, or the path of a file); where its file lies comes out.

Boards are TOML files; `agent.data_files` says where they are looked for.
"""

from collections.abc import Sequence
from pathlib import Path

from agent import data_files

SHARED = f"{data_files.SHARED}/boards"
PLACES = data_files.places("boards")
"""Where boards lie, in the order of their right. pyproject.toml puts them into the wheel's data directory."""


def names(places: Sequence[Path] = PLACES) -> list[str]:
    """All boards that are there."""
    return data_files.names(places)


def find(name: str, places: Sequence[Path] = PLACES) -> Path | None:
    """The file of a board, None when there is none of that name."""
    return data_files.find(name, places)

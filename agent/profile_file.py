"""The name of a kind of unit goes in (`unit.kind`, or the path of a file); where its profile's file lies comes out.

Profiles are TOML files; `agent.data_files` says where they are looked for.
"""

from collections.abc import Sequence
from pathlib import Path

from agent import data_files

SHARED = f"{data_files.SHARED}/profiles"
PLACES = data_files.places("profiles")
"""Where profiles lie, in the order of their right. pyproject.toml puts them into the wheel's data directory."""


def names(places: Sequence[Path] = PLACES) -> list[str]:
    """All profiles that are there."""
    return data_files.names(places)


def find(name: str, places: Sequence[Path] = PLACES) -> Path | None:
    """The file of a profile, None when there is none of that name."""
    return data_files.find(name, places)

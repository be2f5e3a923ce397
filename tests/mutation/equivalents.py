"""Mutants that are no mistake, because the program does the same with them: read from equivalents.toml, each with its reason."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True)
class Equivalent:
    """One of them; `was` and `becomes` as the command prints them."""

    file: str
    function: str
    was: str
    becomes: str
    why: str

    @property
    def name(self) -> tuple[str, str, str, str]:
        """As of a mutant."""
        return self.file, self.function, self.was, self.becomes


def read(file: Path = FILE) -> list[Equivalent]:
    """All of them."""
    return [Equivalent(**entry) for entry in tomllib.loads(file.read_text("utf-8")).get("mutant", [])]

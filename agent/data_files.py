"""Files that come with the agent and that others may add to: a kind (receivers, boards) goes in; its places, names and files come out.

They are looked for, the first that is found wins, in: /etc/outpost/KIND (somebody's own), the checkout that this module lies in, the data
directory of the installed wheel, /usr/local/share/outpost/KIND, /usr/share/outpost/KIND.
"""

import sysconfig
from collections.abc import Sequence
from pathlib import Path

SHARED = "share/outpost"
"""Below the data directory; pyproject.toml puts them there."""


def places(kind: str) -> tuple[Path, ...]:
    """The directories that may hold files of that kind, in the order of their right."""
    return (
        Path("/etc/outpost") / kind,
        Path(__file__).resolve().parent.parent / "firmware_config" / kind,
        Path(sysconfig.get_path("data")) / SHARED / kind,
        Path("/usr/local") / SHARED / kind,
        Path("/usr") / SHARED / kind,
    )


def is_path(name: str) -> bool:
    """Whether it is the path of a file, not the name of one."""
    return "/" in name or name.endswith(".toml")


def names(where: Sequence[Path]) -> list[str]:
    """Every name that has a file."""
    return sorted({file.stem for place in where if place.is_dir() for file in place.glob("*.toml")})


def find(name: str, where: Sequence[Path]) -> Path | None:
    """The file of a name, or the path that it is; None when there is no such name."""
    if is_path(name):
        return Path(name)
    return next((file for place in where if (file := place / f"{name}.toml").is_file()), None)

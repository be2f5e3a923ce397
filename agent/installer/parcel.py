"""What the installer came with: the folder of `./install` goes in; version, wheels and system files come out.

A bundle has wheels/ and a requirements file with their hashes beside; a checkout has neither, and pip fetches what it needs.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent import __version__

DISTRIBUTION = "outpost_agent"
SOURCES = ("agent/**/*.py", "simulator/**/*.py", "pyproject.toml", "constraints.txt")
"""What makes a build from a checkout another one."""

SYSTEM = ("systemd/**/*", "firmware_config/agent*.toml")
"""What is laid on the system or shown to people, and kept with the version."""

WHEEL = re.compile(r"^(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl$")
"""PEP 427."""


@dataclass(frozen=True)
class Wheel:
    """The name of a wheel, taken apart."""

    path: Path
    name: str
    version: str
    python: str
    abi: str
    platform: str

    def fits(self, python: tuple[int, int], machine: str) -> bool:
        """Whether CPython of that version can use it on that machine (PEP 425, as far as our wheels need it)."""
        tags = {f"cp{python[0]}{python[1]}", f"py{python[0]}", f"py{python[0]}{python[1]}"}
        newer = self.abi == "abi3" and any(_minor(tag) <= python[1] for tag in self.python.split(".") if tag.startswith("cp3"))
        return (newer or bool(tags & set(self.python.split(".")))) and (self.platform == "any" or machine in self.platform)


def _minor(tag: str) -> int:
    return int(tag[3:] or 0)


@dataclass(frozen=True)
class Parcel:
    """A bundle or a checkout."""

    home: Path
    version: str = __version__

    @property
    def wheels(self) -> list[Wheel]:
        """Those that lie in it; none in a checkout."""
        found = (WHEEL.match(path.name) for path in sorted((self.home / "wheels").glob("*.whl")))
        return [Wheel(self.home / "wheels" / m[0], m["name"], m["version"], m["python"], m["abi"], m["platform"]) for m in found if m]

    @property
    def requirements(self) -> Path | None:
        """The requirements of the agent with hashes, when it has any."""
        return next(iter(sorted(self.home.glob("requirements*.txt"))), None)

    @property
    def own_wheel(self) -> Wheel | None:
        """That of the agent itself."""
        return next((wheel for wheel in self.wheels if wheel.name.lower() == DISTRIBUTION), None)

    def system_files(self) -> Iterator[tuple[str, Path]]:
        """Name in the parcel and path of what is kept with the version."""
        for pattern in SYSTEM:
            yield from ((path.relative_to(self.home).as_posix(), path) for path in sorted(self.home.glob(pattern)) if path.is_file())

    def digest(self) -> str:
        """What tells this build from any other, in hex."""
        made_of = [w.path for w in self.wheels] or [path for pattern in SOURCES for path in sorted(self.home.glob(pattern))]
        parts = [*((path.relative_to(self.home).as_posix(), path) for path in made_of), *self.system_files()]
        total = hashlib.sha256()
        for name, path in parts:
            total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return total.hexdigest()


def here() -> Parcel | None:
    """The parcel that this code lies in; None when it is the installed one."""
    home = Path(__file__).resolve().parents[2]
    return Parcel(home) if (home / "systemd").is_dir() and (home / "firmware_config/agent.toml").is_file() else None

"""What runs in the vehicle: pyproject.toml, constraints.txt and files.sha256 go in; pins, checksums and the set for a target come out."""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.release import wheel_file
from tests.release.targets import Target
from tests.sources import PROJECT

CHECKSUMS = Path(__file__).parent / "files.sha256"
"""Every file of others that a release takes in, as `sha256sum` writes it. A file that is not in it, or differs, is refused."""

PIN = re.compile(r"([A-Za-z0-9_.-]+)==([A-Za-z0-9.]+)")


class Refused(Exception):
    """The release cannot be made; the text says what was found and what to do."""


def pins(text: str | None = None) -> dict[NormalizedName, str]:
    """Version by name, of each line of constraints.txt; Refused when a line is anything but an exact pin."""
    text = (PROJECT / "constraints.txt").read_text("utf-8") if text is None else text
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        pin = PIN.fullmatch(line)
        if pin is None:
            raise Refused(f"constraints.txt: {line!r} is not name==version")
        found[canonicalize_name(pin[1])] = pin[2]
    return found


def checksums() -> dict[str, str]:
    """SHA-256 by file name."""
    rows = [line.split() for line in CHECKSUMS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {name: digest for digest, name in rows}


def direct(target: Target) -> list[Requirement]:
    """The dependencies in pyproject.toml that hold for a target."""
    table = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    every = [Requirement(text) for text in table["project"]["dependencies"]]
    return [each for each in every if each.marker is None or each.marker.evaluate(target.environment)]


def pinned(requirements: Iterable[Requirement], versions: dict[NormalizedName, str]) -> list[tuple[NormalizedName, str]]:
    """Name and version of each; Refused when there is no pin, or one that the requirement does not allow."""
    found = []
    for each in requirements:
        name = canonicalize_name(each.name)
        if name not in versions:
            raise Refused(f"{name} runs in the vehicle and has no line in constraints.txt")
        if versions[name] not in each.specifier:
            raise Refused(f"constraints.txt has {name}=={versions[name]}, and {each} is asked for")
        found.append((name, versions[name]))
    return found


def closure(target: Target, wheel_of: Callable[[NormalizedName, str], Path]) -> list[Path]:
    """The wheels of everything that the agent needs there, and what that needs, until nothing is missing; nothing else.

    Not pip's own resolver: with `--platform` it still holds markers against the machine that it runs on, and would leave lgpio out.
    """
    versions = pins()
    found: dict[NormalizedName, Path] = {}
    open_ends = pinned(direct(target), versions)
    while open_ends:
        name, version = open_ends.pop()
        if name not in found:
            found[name] = wheel_of(name, version)
            open_ends += pinned(wheel_file.requires(found[name], target.environment), versions)
    return [found[name] for name in sorted(found)]

"""The wheels of a release: an architecture goes in; a folder with exactly what its Pythons need comes out, every file checked.

A file of others is taken from the folder when it is there already, else from pip's index; either way its checksum must be in
files.sha256.
"""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from packaging.utils import NormalizedName, parse_sdist_filename
from packaging.version import Version

from tests.release import lgpio_wheel, wheel_file
from tests.release.runtime import CHECKSUMS, Refused, checksums, closure
from tests.release.targets import ARCHES, Target, targets

REQUIREMENTS = "requirements.txt"
HEADER = """\
# What `./install` installs, and nothing else: pip install --no-index --find-links wheels --require-hashes -r requirements.txt
"""


class Downloads:
    """A folder that files of others are fetched into, once."""

    def __init__(self, folder: Path, known: dict[str, str] | None) -> None:
        """`known` are the checksums that files must have; None takes any file, which only `lock` does."""
        self.folder = folder
        self.known = known
        folder.mkdir(parents=True, exist_ok=True)

    def wheel(self, target: Target, name: NormalizedName, version: str) -> Path | None:
        """The best wheel for a target; None when there is none, neither in what is known nor (when all is taken) at the index."""
        if self.known is not None:
            same = [file for file in self.known if file.endswith(".whl") and is_of(file, name, version)]
            file = wheel_file.best(same, target.tags)
            return None if file is None else self._checked(file, ["--only-binary=:all:", *_for(target)], f"{name}=={version}")
        fresh = self._fetch(["--only-binary=:all:", *_for(target)], f"{name}=={version}")
        return fresh[0] if fresh else None

    def sdist(self, file: str) -> Path:
        """A source distribution by its file name."""
        name, version = parse_sdist_filename(file)
        words = ["--no-binary=:all:", "--no-build-isolation"]
        if self.known is not None:
            return self._checked(file, words, f"{name}=={version}")
        fetched = self._fetch(words, f"{name}=={version}")
        if not fetched:
            raise Refused(f"the index has no {file}")
        return fetched[0]

    def _checked(self, file: str, words: list[str], requirement: str) -> Path:
        assert self.known is not None
        if file not in self.known:
            raise Refused(f"{file} is not in {CHECKSUMS.name}: `python -m tests.release lock` writes it anew; look at what has changed")
        path = self.folder / file
        if not path.is_file() or wheel_file.sha256(path) != self.known[file]:
            # pip holds it against the checksum before it looks into it.
            fetched = self._fetch(words, f"{requirement} --hash=sha256:{self.known[file]}")
            if not fetched:
                raise Refused(f"{file} could not be had: pip's index is out of reach, has it no more, or has another file by that name")
            path = fetched[0]
        return path

    def _fetch(self, words: list[str], requirement: str) -> list[Path]:
        """What pip downloads for one requirement, moved into the folder; empty when it could not."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            wanted = Path(place) / "wanted.txt"
            wanted.write_text(requirement + "\n")
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
            done = subprocess.run(
                [*command, *words, "-d", place, "-r", str(wanted)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
            if done.returncode != 0:
                sys.stderr.write("".join(f"pip: {line}\n" for line in done.stderr.splitlines() if line.startswith("ERROR")))
                return []
            wanted.unlink()
            return [path.rename(self.folder / path.name) for path in Path(place).iterdir()]


def is_of(file: str, name: NormalizedName, version: str) -> bool:
    """Whether a wheel's file name is of that package and version."""
    return wheel_file.name_of(file) == name and Version(wheel_file.version_of(file)) == Version(version)


def is_built_here(name: str, version: str) -> bool:
    """Whether there is a recipe for it here."""
    return (name, version) == ("lgpio", lgpio_wheel.VERSION)


def _for(target: Target) -> list[str]:
    platforms = [word for platform in target.platforms for word in ("--platform", platform)]
    return ["--implementation", "cp", "--python-version", target.python, *platforms]


def gather(arch: str, downloads: Downloads) -> dict[Target, list[Path]]:
    """The wheels for each Python of an architecture, complete: what has no wheel and a recipe here is built."""

    @cache
    def built_lgpio() -> Path:
        return lgpio_wheel.build(downloads.sdist(lgpio_wheel.SDIST), arch, downloads.folder)

    def closed(target: Target) -> list[Path]:
        def wheel_of(name: NormalizedName, version: str) -> Path:
            wheel = downloads.wheel(target, name, version)
            if wheel is None and is_built_here(name, version):
                wheel = built_lgpio()
            if wheel is None:
                raise Refused(f"{name} {version} has no wheel for {target}: pin another version, or build it as lgpio_wheel.py does")
            return wheel

        return closure(target, wheel_of)

    return {target: closed(target) for target in targets(arch)}


def requirements(wheels: list[Path]) -> str:
    """A requirements file with the checksum of every wheel, by name: the same bytes for the same wheels."""
    by_name: dict[tuple[str, str], list[str]] = {}
    for wheel in wheels:
        digests = by_name.setdefault((wheel_file.name_of(wheel.name), wheel_file.version_of(wheel.name)), [])
        digests.append(wheel_file.sha256(wheel))
    rows = []
    for (name, version), digests in sorted(by_name.items()):
        rows.append(" \\\n".join([f"{name}=={version}", *(f"    --hash=sha256:{digest}" for digest in sorted(digests))]))
    return HEADER + "\n".join(rows) + "\n"


def make(arch: str, own_wheel: Path, dist: Path) -> Path:
    """dist/wheelhouse-ARCH: the agent's wheel, what it needs on each Python, and the requirements file; nothing else stays in it."""
    house = dist / f"wheelhouse-{arch}"
    sets = gather(arch, Downloads(dist / "downloads", checksums()))
    wheels = [own_wheel, *sorted({wheel for each in sets.values() for wheel in each})]
    if house.exists():
        shutil.rmtree(house)
    house.mkdir(parents=True)
    copies = [Path(shutil.copy(wheel, house)) for wheel in wheels]
    (house / REQUIREMENTS).write_text(requirements(copies))
    return house


def lock() -> str:
    """The text of files.sha256: the checksum of every file of others, as the index has it now."""
    with tempfile.TemporaryDirectory() as place:
        downloads = Downloads(Path(place), None)
        for arch in ARCHES:
            gather(arch, downloads)
        files = [path for path in sorted(Path(place).iterdir()) if lgpio_wheel.BUILD not in path.name]
        first = "# Written by `python -m tests.release lock`, checked by everything else: what others have made and a release takes in."
        return "\n".join([first, *(f"{wheel_file.sha256(path)}  {path.name}" for path in files), ""])

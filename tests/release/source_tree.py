"""sdist and wheel of the agent: the checkout goes in; archives that have the same bytes wherever and whenever they are built come out.

SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/) is the moment of the last commit, unless the environment
says another.
"""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import sources
from tests.release.runtime import Refused

HOOKS = """
import os, sys
os.umask(0o022)
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""
"""PEP 517's two hooks, called as a front end does, with the pinned setuptools of this environment instead of the newest."""


def epoch() -> int:
    """Seconds since 1970 that everything in a release is dated with."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is not None:
        return int(given)
    told = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=sources.PROJECT, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        raise Refused("this is no git checkout: say SOURCE_DATE_EPOCH=SECONDS, the date that the files of the release shall bear")
    return int(told.stdout)


def is_clean() -> bool:
    """Whether the checkout is what was committed."""
    told = subprocess.run(["git", "status", "--porcelain"], cwd=sources.PROJECT, capture_output=True, text=True, check=False)
    return told.returncode == 0 and not told.stdout


def mode(path: Path) -> int:
    """0755 or 0644: what git knows of a file's mode, whatever the umask of whoever cloned it."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


@contextmanager
def clean_copy(moment: int) -> Iterator[Path]:
    """The project's files, and only those, with one date and git's modes, in a folder of their own."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "outpost"
        for path in sources.files():
            copy = root / sources.name(path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(mode(path))
            os.utime(copy, (moment, moment))
        yield root


def tar_gz(path: Path, top: str, members: Iterable[tuple[str, Path]], moment: int) -> None:
    """An archive of files by name below one folder: sorted, one date, nobody's, so that the same files give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, source in sorted(members):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = source.stat().st_size
            entry.mode = mode(source)
            entry.mtime = moment
            with source.open("rb") as file:
                archive.addfile(entry, file)
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=moment) as packed:
        packed.write(plain.getvalue())


def build(dist: Path, moment: int) -> tuple[Path, Path]:
    """The sdist and the wheel, in `dist`."""
    dist.mkdir(parents=True, exist_ok=True)
    with clean_copy(moment) as root:
        sdist = _hook("build_sdist", root, moment)
        # setuptools packs what it has just written with today's date.
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["tar", "-xzf", sdist, "-C", place], check=True)
            (unpacked,) = Path(place).iterdir()
            members = [(path.relative_to(unpacked).as_posix(), path) for path in unpacked.rglob("*") if path.is_file()]
            tar_gz(dist / sdist.name, unpacked.name, members, moment)
    with clean_copy(moment) as root:
        wheel = shutil.copy(_hook("build_wheel", root, moment), dist)
    return dist / sdist.name, Path(wheel)


def _hook(name: str, root: Path, moment: int) -> Path:
    out = root.parent / "out"
    out.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", HOOKS, name, str(out)],
        cwd=root,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(moment)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(f"{name} failed:\n{done.stderr[-2000:]}")
    return out / done.stdout.splitlines()[-1]

"""A Debian tree with Outpost in it: a base tree goes in, one with program, units and user comes out.

Not by the installer, which takes half a minute: the same files, but units in /etc/systemd/system, sysusers and tmpfiles in /usr/lib, and
neither outpost-trial.service nor outpost-state.service. What the installer lays is tried in test_install.py, test_page.py, test_state.py.

Wheels come from the package index once (kept in the cache, by the hash of what was asked for); in the tree pip has no network.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from agent import __version__
from tests.install.debian import cache, copy_tree

PROJECT = Path(__file__).parents[2]
SYSTEMD = PROJECT / "systemd"

VERSION = Path("/opt/outpost/versions") / __version__

TREE_PYTHON = "3.11"
"""Of Debian 12."""

UNITS = (
    *("outpost.service", "outpost.target", "outpost-clock.service", "outpost-place.service"),
    *("outpost-keys.path", "outpost-keys.service", "outpost-keys-stage.service", "outpost-keys.timer"),
)

PLACES = {
    **{unit: f"/etc/systemd/system/{unit}" for unit in UNITS},
    "outpost.sysusers": "/usr/lib/sysusers.d/outpost.conf",
    "outpost.tmpfiles": "/usr/lib/tmpfiles.d/outpost.conf",
    "70-outpost-gnss.rules": "/etc/udev/rules.d/70-outpost-gnss.rules",
    "journald.conf.d/50-outpost.conf": "/etc/systemd/journald.conf.d/50-outpost.conf",
    "system.conf.d/50-outpost.conf": "/etc/systemd/system.conf.d/50-outpost.conf",
}
"""Where each file of systemd/ goes."""


def wheels() -> Path:
    """The packages that the agent needs, for the Python of the tree; fetched if they are not there yet."""
    constraints = PROJECT / "constraints.txt"
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    asked = "\n".join([TREE_PYTHON, platform.machine(), *wanted, constraints.read_text()])
    place = cache() / "wheels" / hashlib.sha256(asked.encode()).hexdigest()[:12]
    if not place.is_dir():
        half_done = place.with_suffix(f".{os.getpid()}")
        half_done.mkdir(parents=True)
        for_tree = ["--only-binary=:all:", f"--python-version={TREE_PYTHON}", f"--platform=manylinux2014_{platform.machine()}"]
        _pip("download", "-q", *for_tree, "-c", str(constraints), "-d", str(half_done), *wanted)
        half_done.rename(place)
    return place


def own_wheel(directory: Path) -> Path:
    """Outpost's own, built from a copy of this checkout, so that nothing is left behind in it."""
    source = directory / "source"
    source.mkdir()
    for name in ("agent", "simulator", "firmware_config"):
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source / name)
    _pip("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(directory), str(source))
    return next(directory.glob("outpost_agent-*.whl"))


def _pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"pip {words[0]} failed:\n{done.stderr[-2000:]}"


def install(base: Path, to: Path, scratch: Path) -> Path:
    """A copy of the tree `base` at `to`, with everything but a config. `scratch`: an empty directory."""
    copy_tree(base, to)
    given = to / "srv/wheels"
    shutil.copytree(wheels(), given)
    shutil.copy(own_wheel(scratch), given)
    _in(to, "python3", "-m", "venv", str(VERSION))
    pip = [str(VERSION / "bin/pip"), "--disable-pip-version-check", "install", "-q", "--no-index", "--find-links=/srv/wheels"]
    _in(to, *pip, f"outpost-agent=={__version__}")
    shutil.rmtree(given)
    (to / "opt/outpost/current").symlink_to(VERSION.relative_to("/opt/outpost"))
    for name, place in PLACES.items():
        (to / place[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SYSTEMD / name, to / place[1:])
    _in(to, "systemd-sysusers")
    _in(to, "systemctl", "enable", "-q", "outpost.target")
    return to


def _in(tree: Path, *argv: str) -> None:
    """Run a command in a tree that is not booted."""
    plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(["chroot", str(tree), *argv], capture_output=True, text=True, check=False, env=plain)
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}"

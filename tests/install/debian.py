"""Debian trees that are made once and kept: a suite and packages go in, a directory with that system in it comes out.

They lie outside of the checkout, in $XDG_CACHE_HOME/outpost/trees (else ~/.cache/outpost/trees): a tree takes half a minute and 280 MB,
and every checkout of this machine may share it. Nobody changes one; tests boot copies.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

SUITE = "bookworm"
"""What Raspberry Pi OS was built from when this was written; its systemd is 252."""

PACKAGES = ("systemd", "systemd-sysv", "dbus", "udev", "python3", "python3-venv")
"""No more than is on every Raspberry Pi OS Lite."""

TOOLS = {"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux", "setpriv": "util-linux"}
"""Programs and the Debian packages that bring them."""


def why_not() -> str | None:
    """Why this machine can neither make nor boot a tree; None when it can."""
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        return f"missing here: {' '.join(missing)}; as root: apt-get install {' '.join(missing)} debian-archive-keyring"
    if os.geteuid() != 0:
        return "a tree is made and booted by root only: run `sudo make test-install`"
    return None


def cache() -> Path:
    """Where what takes long to make is kept from run to run."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outpost"


def base_tree(packages: Sequence[str] = PACKAGES, suite: str = SUITE, arch: str = "") -> Path:
    """A minimal system of that suite with those packages, made if it is not there yet. `arch`: Debian's name; empty: this machine's.

    Raises:
        RuntimeError: mmdebstrap failed; ends with what it said.
    """
    asked = " ".join([suite, arch, *packages])
    tree = cache() / "trees" / f"{suite}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tree.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second one waits, and then finds it done
        if not tree.is_dir():
            _make(tree, packages, suite, arch)
    return tree


def _make(tree: Path, packages: Sequence[str], suite: str, arch: str) -> None:
    half_done = tree.with_suffix(".new")
    shutil.rmtree(half_done, ignore_errors=True)
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}", *([f"--arch={arch}"] if arch else []), suite]
    made = subprocess.run([*command, str(half_done)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(half_done, ignore_errors=True)
        raise RuntimeError(f"{' '.join(command)} failed:\n{made.stderr[-2000:]}")
    half_done.rename(tree)


def copy_tree(tree: Path, to: Path) -> None:
    """All of a tree with owners, modes and links; where the file system can, by reference."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(tree), str(to)], check=True)

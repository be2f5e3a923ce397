"""Debian trees that are made once and kept: a suite and packages go in, a directory with that system in it comes out.

They lie outside of the checkout, in $XDG_CACHE_HOME/outpost/trees (else ~/.cache/outpost/trees): a tree takes half a minute and 280 MB,
and every checkout of this machine may share it. Nobody changes one; tests boot copies.
"""

import ctypes
import fcntl
import functools
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

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 0x40000
"""<sched.h>, <sys/mount.h>."""

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
    """All of a tree, to be written to, at a place that does not exist yet: an overlay, which takes no time; else real copies of its files.

    An overlay is mounted for this process and its children alone, so that nothing stays mounted however it ends.
    """
    _have_own_mounts()
    upper, work = _beside(to)
    for directory in (to, upper, work):
        directory.mkdir()
    shutil.copystat(tree, upper)
    overlay = ["mount", "-t", "overlay", "-o", f"lowerdir={tree},upperdir={upper},workdir={work}", "overlay", str(to)]
    if subprocess.run(overlay, capture_output=True, check=False).returncode:  # as on another overlay, or where mounts are not allowed
        to.rmdir()
        subprocess.run(["cp", "-a", "--reflink=auto", str(tree), str(to)], check=True)


def remove_tree(at: Path) -> None:
    """What `copy_tree` has made."""
    if os.path.ismount(at):
        subprocess.run(["umount", "-l", str(at)], check=True)
    for directory in (at, *_beside(at)):
        shutil.rmtree(directory, ignore_errors=True)


def written(at: Path) -> Path | None:
    """Where all lies that was written to a copy since it was made; None when it is no overlay."""
    return _beside(at)[0] if os.path.ismount(at) else None


def _beside(at: Path) -> tuple[Path, Path]:
    return at.with_name(f"{at.name}.written"), at.with_name(f"{at.name}.work")


@functools.cache
def _have_own_mounts() -> None:
    """unshare(2): from now on what this thread mounts, and those that it starts, is seen by nobody else."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mounts of our own")

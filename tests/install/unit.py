"""A unit as somebody installs it: a tree as flashed and bundles go in; what the installer says, and what then runs, come out."""

import shutil
from pathlib import Path

from tests.install.debian import PACKAGES
from tests.install.tree import Tree

FLASHED = (*PACKAGES, "sudo", "openssh-server")
"""What a Raspberry Pi OS Lite has, as far as the installer and its page need it."""

BOOT = "# For more options see the documentation\n[all]\ndtparam=audio=on\n"
CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=00000000-02 rootfstype=ext4 fsck.repair=yes rootwait\n"

INSTALL_S = 300.0
"""A virtual environment takes 20 s here, and others are at work."""

CONFIG = """\
[unit]
id = "JD-0417"
kind = "generic"

[mqtt]
endpoints = ["mqtt://127.0.0.1"]
"""


def flashed(base: Path, to: Path) -> Tree:
    """As flashed: not booted, with the boot partition of a Raspberry Pi."""
    tree = Tree.copied(base, to)
    tree.write("/boot/firmware/config.txt", BOOT)
    tree.write("/boot/firmware/cmdline.txt", CMDLINE)
    return tree


def carry(tree: Tree, *bundles: Path) -> None:
    """Unpacked bundles onto the unit."""
    for bundle in bundles:
        shutil.copytree(bundle, tree.path(f"/srv/{bundle.name}"))


def install(tree: Tree, bundle: Path, *words: str, check: bool = True) -> str:
    """Run ./install of a bundle; all that it says."""
    done = tree.run([f"/srv/{bundle.name}/install", *words], check=check, timeout=INSTALL_S)
    return done.stdout + done.stderr


def verb(tree: Tree, *words: str, check: bool = True) -> str:
    """Run outpost-install; all that it says."""
    done = tree.run(["outpost-install", *words], check=check, timeout=INSTALL_S)
    return done.stdout + done.stderr


def current(tree: Tree) -> str:
    """The version in use."""
    return tree.path("/opt/outpost/current").readlink().name


def versions(tree: Tree) -> set[str]:
    """All that are there."""
    return {path.name for path in tree.path("/opt/outpost/versions").iterdir()}


def running(tree: Tree) -> str:
    """The version whose agent is READY; empty when none is."""
    pid = tree.show("outpost", "MainPID")
    if tree.show("outpost", "ActiveState") != "active" or pid == "0":
        return ""
    line = tree.run(["cat", f"/proc/{pid}/cmdline"], check=False).stdout
    return line.partition("/versions/")[2].partition("/")[0]


def wait_running(tree: Tree, version: str) -> None:
    """Until that version's agent is READY."""
    tree.wait_for(f"{version} is READY", lambda: running(tree) == version)


def files(tree: Tree, *folders: str) -> str:
    """Every file, link and folder with its mode, size and time of change."""
    return tree.run(["find", *folders, "-not", "-name", "__pycache__", "-printf", "%p %M %s %T@ %l\\n"], check=False).stdout

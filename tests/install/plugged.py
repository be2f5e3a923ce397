"""What the page's unit is given besides its card: a disk on USB, and a root that forgets."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.tree import Tree

DISK_MB = 64

PARTITION = "/dev/sda1"
"""As the page calls it."""

FORGETS = "overlayroot"
"""What raspi-config's overlay (Debian's package overlayroot) calls the root file system; the card below it is at /media/root-ro."""


@contextlib.contextmanager
def blank_disk(folder: Path) -> Iterator[str]:
    """An empty block device, by its name here."""
    image = folder / "disk"
    with image.open("wb") as file:
        file.truncate(DISK_MB << 20)
    done = subprocess.run(["losetup", "-f", "--show", str(image)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no disk can be made here: {done.stderr.strip()}")
    device = done.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "-d", device], check=False)


def label_is_seen(tree: Tree) -> None:
    """What udev does on a machine, now and at each start: the file system is found by its label. There is no udev in a container."""
    lines = ["d /dev/disk 0755", "d /dev/disk/by-label 0755", f"L /dev/disk/by-label/outpost-state - - - - {PARTITION}"]
    tree.write("/etc/tmpfiles.d/disk.conf", "\n".join(lines) + "\n")
    tree.run(["systemd-tmpfiles", "--create", "disk.conf"])


@contextlib.contextmanager
def overlay(card: Tree) -> Iterator[tuple[Tree, tuple[str, ...]]]:
    """The same system with a root that forgets: not booted, and the words for systemd-nspawn by which it sees the card below."""
    assert not card.running
    root, upper, work = (card.root.with_name(f"{card.root.name}.{name}") for name in ("forgets", "forgotten", "forgetting"))
    for folder in (root, upper, work):
        folder.mkdir()
    layers = f"lowerdir={card.root},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "-o", layers, FORGETS, str(root)], check=True)
    tree = Tree(root)
    try:
        yield tree, (f"--bind-ro={card.root}:/media/root-ro",)
    finally:
        tree.shut_down()
        subprocess.run(["umount", "-l", str(root)], check=True)
        for folder in (root, upper, work):
            shutil.rmtree(folder)
        subprocess.run(["mount", "-o", "remount,rw", str(card.root)], check=True)

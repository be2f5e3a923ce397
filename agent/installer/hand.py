"""Every change to the disk: a wish goes in; it is done whole or not at all, survives a power cut, and is told before.

A file is written beside its place, synced and renamed over it (rename(2) is atomic), then its folder is synced. What is as it should be
is left alone, so a second run changes nothing and `changes` stays empty.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from agent.installer.words import Said

NEW = ".outpost-new"
"""Ends the name of a file that is being written. One left by a power cut is overwritten."""


class Hand:
    """Does it, or with `dry` only tells. `before` is told of each change before it is made."""

    def __init__(self, before: Callable[[Said], None] = lambda _: None, *, dry: bool = False) -> None:
        self.before = before
        self.dry = dry
        self.changes: list[Said] = []

    def may(self, code: str, /, **facts: object) -> bool:
        """Tell and count a change; whether to make it."""
        what = Said(code, **facts)
        self.before(what)
        self.changes.append(what)
        return not self.dry

    def write(self, path: Path, data: bytes, mode: int | None = 0o644) -> bool:
        """The file has this content and mode; whether that had to be changed.

        A FAT file system (the boot partition) has no modes of its own and refuses to be told one: None.
        """
        if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
            return mode is not None and self.mode(path, mode)
        if self.may("would.write", path=path):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(path.name + NEW)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode or 0o644)
            with os.fdopen(descriptor, "wb") as file:
                if mode is not None:
                    os.fchmod(descriptor, mode)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            new.replace(path)
            sync_folder(path.parent)
        return True

    def mode(self, path: Path, mode: int) -> bool:
        """The file or folder has these permissions; whether that had to be changed."""
        if path.stat().st_mode & 0o777 == mode or not self.may("would.mode", path=path, mode=mode):
            return False
        path.chmod(mode)
        return True

    def link(self, path: Path, target: str) -> bool:
        """A symbolic link leads there; whether that had to be changed."""
        if path.is_symlink() and str(path.readlink()) == target:
            return False
        if self.may("would.link", path=path, target=target):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(path.name + NEW)
            new.unlink(missing_ok=True)
            new.symlink_to(target)
            new.replace(path)
            sync_folder(path.parent)
        return True

    def folder(self, path: Path, mode: int = 0o755) -> bool:
        """A folder is there with this mode; whether that had to be changed."""
        if path.is_dir():
            return self.mode(path, mode)
        if self.may("would.make", path=path):
            path.mkdir(parents=True)
            path.chmod(mode)
            sync_folder(path.parent)
        return True

    def remove(self, path: Path) -> bool:
        """The file or link is gone; whether it was there."""
        if not path.is_symlink() and not path.exists():
            return False
        if self.may("would.remove", path=path):
            path.unlink()
            sync_folder(path.parent)
        return True

    def clear(self, path: Path) -> bool:
        """The folder is gone with all that is in it; whether it was there."""
        if not path.is_dir():
            return False
        if self.may("would.clear", path=path):
            shutil.rmtree(path)
        return True

    def empty(self, path: Path) -> bool:
        """The folder is gone if nothing is in it, else left; whether it is gone now."""
        if not path.is_dir() or any(path.iterdir()):
            return False
        if self.may("would.remove", path=path):
            path.rmdir()
        return True


def sync_folder(path: Path) -> None:
    """A rename is on the disk when the folder is (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

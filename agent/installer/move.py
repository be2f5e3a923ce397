"""`outpost-install move-store`: a store on the root goes in; it lies on the file system labelled outpost-state, compared byte for byte.

The agent is stopped meanwhile, and started again however that ends. Nothing of the store on the root is removed before its copy was read
back from the disk, found equal, and mounted in its place. What can be cut, and what there is then:

  copied, some or all       the store on the root is in use, whole; the next run clears the half copy (it has our mark) and begins again
  copy compared, told       the same; the move file has every file's SHA-256, by which the next run knows a copy that was never used
  own file system enabled   the next start mounts it: the copy is in use, whole; the next run removes the old one below it
  old one removed, in part  the copy is in use; what is left below is removed by the next run, if it is still what was copied
  move file removed         it is over
"""

import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.installer import links, manifest, service, state
from agent.installer.hand import sync_folder
from agent.installer.places import STATE_LABEL, STATE_MOUNT
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps
from agent.installer.words import Said

MARK = ".outpost-moving"
"""On the disk while a copy is made: it has the token of the move file, so what lies beside it is ours to clear."""

NOT_OURS = ("lost+found", MARK)
ROOM_BYTES = 5_000_000
"""That much more than the store has to be free: the file system's own needs, and room for the first minutes."""

MOVED = "outpost.moved"
"""Beside the old store, under the mount: where its pieces go, each by one rename, before they are removed."""

COPY_TIMEOUT_S = 600.0


def move(site: Site, ready_within_s: float) -> int:
    """Move the store, or end a move that was cut off; the exit code.

    Raises:
        Failed: it cannot be done; the store in use is the one that was.
    """
    version, steps = links.current(site), Steps(site)
    if not version:
        raise Failed("not_installed.do")
    if not site.live:
        raise Failed("move.no_systemd")
    if state.is_mounted(site):
        if _told(site):
            _remove_old(site, steps)
        found = service.look(site)
        if not (found.ready or found.changing):  # a run that was killed has left it so
            service.start(site, found)
        site.tell("end.is_moved", label=STATE_LABEL)
        return 0
    store = site.places.state
    if not state.device_is_there(site):
        raise Failed("move.no_disk", label=STATE_LABEL)
    if store.is_symlink() or not store.is_dir() or not any(store.iterdir()):
        raise Failed("move.no_store", path=site.places.on_unit(store))
    service.may_restart(site, version)
    found = service.look(site)
    service.while_stopped(site, lambda: _move(site, steps, version), steps)
    with steps.step("step.ready") as step:
        starts = bool(found.pid or found.enabled)
        failed = service.await_ready(site, version, ready_within_s, 0.0) if starts else None
        step.done(failed or Said("ready.again" if starts else "ready.unasked"))
    site.tell("end.moved", label=STATE_LABEL)
    return 1 if failed else 0


def _move(site: Site, steps: Steps, version: str) -> None:
    """The agent is stopped.

    Raises:
        Failed: it cannot be done; the store in use is the one that was.
    """
    try:
        _copy(site, steps)
        with steps.step("step.use", label=STATE_LABEL) as step:
            step.done(state.take(site, manifest.read(site), version))
        if state.is_mounted(site):
            _remove_old(site, steps)
        else:
            _give_up(site)
            raise Failed("move.not_mounted", label=STATE_LABEL, unit=STATE_MOUNT)
    except OSError as e:
        raise Failed("move.failed", what=e.filename or Said("move.disk"), reason=e.strerror) from e


def _give_up(site: Site) -> None:
    """The disk is not mounted at the next start either, nor late."""
    laid = manifest.read(site)
    site.systemctl("stop", STATE_MOUNT)
    site.do(["systemctl", "disable", STATE_MOUNT])
    laid.enabled.remove(STATE_MOUNT)
    manifest.write(site, laid)


def _copy(site: Site, steps: Steps) -> None:
    """The disk has an equal copy, on its medium, and the move file tells so."""
    store, disk = site.places.state, site.places.at("run/outpost-move/disk")
    with steps.step("step.copy", label=STATE_LABEL) as step:
        with _mounted(site, disk, *_labelled(site)):
            _clear_own(site, disk)
            size = sum(path.lstat().st_size for path in store.rglob("*"))
            if (free := site.system.free_bytes(disk)) < size + ROOM_BYTES:
                raise Failed("move.small", free=free // 1_000_000, label=STATE_LABEL, size=size // 1_000_000)
            token = secrets.token_hex(8)
            _tell(site, {"token": token, "files": {}})
            site.hand.write(disk / MARK, token.encode(), 0o600)
            for path in sorted(store.rglob("*")):
                _copy_one(site, path, disk / path.relative_to(store))
            if site.hand.may("would.own", label=STATE_LABEL):
                os.chown(disk, store.stat().st_uid, store.stat().st_gid)
                disk.chmod(store.stat().st_mode & 0o7777)
            site.must(["sync", "-f", str(disk)], Said("for.copy"), timeout_s=COPY_TIMEOUT_S)
        step.done(Said("copy.size", size=size / 1e6))
    # Mounted afresh: what is read comes from the medium.
    with steps.step("step.compare") as step, _mounted(site, disk, *_labelled(site)):
        before, after = inventory(store), inventory(disk)
        if before != after:
            wrong = sorted(name for name in before | after if before.get(name) != after.get(name))
            raise Failed("move.unequal", names=wrong[:3])
        _tell(site, {"token": token, "files": before})
        site.hand.remove(disk / MARK)
        step.done(Said("compare.equal", count=len(before)))


def _clear_own(site: Site, disk: Path) -> None:
    """The disk is empty: a copy of ours that was never used is removed, anything else is not.

    Raises:
        Failed: something else lies there.
    """
    told, there = _told(site), sorted(path for path in disk.iterdir() if path.name not in NOT_OURS)
    mark = disk / MARK
    is_half = mark.is_file() and mark.read_text() == told.get("token")
    if there and not is_half and not (told.get("files") and inventory(disk) == told["files"]):
        raise Failed("move.occupied", label=STATE_LABEL, names=[path.name for path in there[:3]])
    for path in there:
        if path.is_dir() and not path.is_symlink():
            site.hand.clear(path)
        else:
            site.hand.remove(path)
    site.hand.remove(mark)


def _copy_one(site: Site, path: Path, to: Path) -> None:
    """A file, folder or link with its owner, mode and times; a file is on the disk before the next is begun."""
    if not site.hand.may("would.copy", path=path):
        return
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        to.symlink_to(path.readlink())
    elif stat.S_ISDIR(found.st_mode):
        to.mkdir()
    elif stat.S_ISREG(found.st_mode):
        with path.open("rb") as source, to.open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
    else:
        return  # a socket or a pipe is nothing to keep
    os.chown(to, found.st_uid, found.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        shutil.copystat(path, to)
    sync_folder(to.parent)


def inventory(folder: Path) -> dict[str, str]:
    """Each path below a folder: what it is, whose, and of a file its SHA-256. The mark and lost+found are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name, entry = path.relative_to(folder), path.lstat()
        if name.parts[0] in NOT_OURS or stat.S_IFMT(entry.st_mode) not in (stat.S_IFLNK, stat.S_IFDIR, stat.S_IFREG):
            continue
        content = str(path.readlink()) if stat.S_ISLNK(entry.st_mode) else "" if stat.S_ISDIR(entry.st_mode) else _digest(path)
        found[str(name)] = f"{entry.st_mode:o} {entry.st_uid}:{entry.st_gid} {content}"
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_old(site: Site, steps: Steps) -> None:
    """What lies below the mounted store is removed, if it is what was copied."""
    view = site.places.at("run/outpost-move/root")
    with steps.step("step.remove_old") as step, _mounted(site, view, "--bind", str(site.places.state.parent)):
        old, moved = view / site.places.state.name, view / MOVED
        files, left = _told(site).get("files", {}), inventory(old)
        if all(files.get(name) == what for name, what in left.items()):
            site.hand.clear(moved)  # of a run that was cut off
            for path in sorted(old.iterdir()):
                if site.hand.may("would.aside", path=path):
                    moved.mkdir(mode=0o700, exist_ok=True)
                    path.rename(moved / path.name)
            site.hand.clear(moved)
            step.done(Said("remove.count", count=len(left)))
        else:
            step.done(Said("remove.changed"))
    site.hand.remove(site.places.move)


@contextmanager
def _mounted(site: Site, at: Path, *words: str) -> Iterator[None]:
    """Mounted there meanwhile, and only so. The place is in /run: gone with the power, but not with a run that was killed."""
    with site.signals.held():
        _unmount(site, at)
        at.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            site.must(["mount", *words, str(at)], Said("for.mount"))
            with site.signals.free():
                yield
        finally:
            _unmount(site, at)


def _unmount(site: Site, at: Path) -> None:
    for _ in range(state.mounts(site, at)):
        site.must(["umount", str(at)], Said("for.unmount"))


def _labelled(site: Site) -> tuple[str, ...]:
    """How mount(8) is told of the disk."""
    return "-t", "ext4", "-o", "nodev,nosuid,noexec", str(site.places.at(f"dev/disk/by-label/{STATE_LABEL}"))


def _tell(site: Site, what: dict[str, object]) -> None:
    site.hand.write(site.places.move, json.dumps(what).encode() + b"\n", 0o600)


def _told(site: Site) -> dict[str, Any]:
    """The move file; empty when there is none."""
    try:
        found = json.loads(site.places.move.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

"""The store's folder as root finds it goes in; one that the agent can use comes out, and nothing is hidden. Standard library only.

systemd starts nothing when a file, or a link, wherever it leads, stands where StateDirectory= wants a folder. A button must not depend on
that: so it is moved aside, to NAME.was-N, before the agent starts (outpost-place.service).

When the store's own disk is gone the agent has a store on the root. When the disk is back, that one lies below the mount, with all that was
not sent: so it is moved aside too, to where everybody sees it (outpost-state.service, in a mount namespace of its own, by renaming only:
a start does not wait for a copy). What lies aside the agent names at each start (store.aside); nobody but a person takes it away.
"""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

STORE = Path("/var/lib/outpost")

MOVE = Path("/opt/outpost/move")
"""There while the installer moves a store: what is below the mount then is its own (agent/installer/move.py)."""

NOT_OURS = "lost+found"
UMOUNT = "/usr/bin/umount"
UMOUNT_S = 10.0


def asides(store: Path) -> list[Path]:
    """What was moved aside from that place, the oldest first; none when we may not look."""
    pattern = re.compile(rf"{re.escape(store.name)}\.was-[0-9]+")
    try:
        found = [path for path in store.parent.iterdir() if pattern.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found, key=_number)


def _number(aside: Path) -> int:
    return int(aside.name.rpartition("-")[2])


def _free(store: Path) -> Path:
    """A name for the next."""
    return store.with_name(f"{store.name}.was-{max(map(_number, asides(store)), default=0) + 1}")


def clear(store: Path) -> str:
    """Move away what stands there and is no folder itself; what was done, empty when nothing was.

    Raises:
        OSError: it cannot be moved.
    """
    try:
        kind = store.lstat().st_mode
    except FileNotFoundError:
        return ""
    if stat.S_ISDIR(kind):
        return ""
    what, to = f"a link to {store.readlink()}" if stat.S_ISLNK(kind) else "no folder", _free(store)
    store.rename(to)
    _sync(store.parent)
    return f"{store} was {what}: it is {to} now, and the store begins anew"


def uncover(store: Path, move: Path) -> str:
    """Move what lies in a folder, which nothing is mounted on here, beside it; what was done, empty when nothing was.

    A store in it is one folder, so a power cut leaves it whole, on one side or the other. `move`: a file that says that it is in use.

    Raises:
        OSError: it cannot be moved.
    """
    found = sorted(path for path in store.iterdir() if path.name != NOT_OURS)
    if not found:
        return ""
    if move.exists():
        return f"{len(found)} things of a move that was cut off lie below {store}: sudo outpost-install move-store ends it"
    to, owner = _free(store), store.stat()
    to.mkdir(mode=0o700)
    os.chown(to, owner.st_uid, owner.st_gid)
    for path in found:
        path.rename(to / path.name)
    _sync(to)
    _sync(store)
    _sync(store.parent)
    return f"what was stored in {store} while its disk was gone is in {to} now"


def _sync(folder: Path) -> None:
    """A rename lasts only when its folders are on the medium."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main(argv: list[str]) -> int:
    """Clear the place; with `--below`, in a mount namespace of its own, uncover what the mounted disk hides."""
    try:
        if argv != ["--below"]:
            done = clear(STORE)
        elif STORE.is_mount():
            subprocess.run([UMOUNT, str(STORE)], check=True, timeout=UMOUNT_S)
            done = uncover(STORE, MOVE)
        else:
            done = ""
    except (OSError, subprocess.SubprocessError) as e:
        sys.stderr.write(f"{STORE}: what lies in its way, or below it, stays there: {e}\n")
        return 1
    if done:
        sys.stderr.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Where reports of a commissioning lie: the config and what was asked for go in; a folder into which nobody else can lead us comes out.

Theory. The command runs as root, and the agent, which does not, owns /var/lib/outpost and says what the time is, hence how a report is
called. In a folder of the agent, or below one, root would follow its links and write over any file. So root writes only where every folder
on the way belongs to root and to nobody else, into a folder that is itself no link.
"""

import os
import stat
from pathlib import Path

from agent.adapters import whole_file
from agent.cli.commission_words import COMMISSION
from agent.config import Config
from agent.wire.sentence import filled

REPORTS = Path("/var/lib/outpost-reports")
FOLDER_MODE, FILE_MODE = 0o755, 0o644


class NotOurs(OSError):
    """Root does not write there; `reason` says why. As a text it is English."""

    def __init__(self, key: str, folder: Path) -> None:
        self.reason = filled(COMMISSION[key], {"folder": folder})
        super().__init__(str(self.reason))


def default(config: Config, root: bool) -> Path:
    """Of root: its own folder; of a developer: beside the store."""
    return REPORTS if root else Path(config.store.path) / "commissioning"


def is_root() -> bool:
    """Whether there is anything that we may not do."""
    return os.geteuid() == 0


def made(directory: Path, root: bool) -> Path:
    """The folder, made where it was not, free of links; for `root` looked at.

    Raises:
        OSError: it cannot be made; for root NotOurs, when somebody else could lead us elsewhere by it.
    """
    if not root:
        directory.mkdir(parents=True, exist_ok=True)
        return directory.resolve()
    place = directory.absolute()
    there = next(folder for folder in (place, *place.parents) if os.path.lexists(folder))
    for folder in (there, *there.parents):
        _look(folder, shared=folder != place)
    for part in place.relative_to(there).parts:
        there = there / part
        there.mkdir()
        there.chmod(FOLDER_MODE)  # whatever the umask
    return place


def write(file: Path, data: bytes) -> None:
    """All of it or nothing, and on the disk on return; a link of that name is replaced. Raises OSError."""
    whole_file.replace(file, data, FILE_MODE, durable=True)


def _look(folder: Path, *, shared: bool) -> None:
    """Root's own, no link, and for others at most to read. In a `shared` one like /tmp others may write, but not touch what is root's."""
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise NotOurs("place.link", folder)
    if not stat.S_ISDIR(found.st_mode):
        raise NotOurs("place.no_folder", folder)
    sticky = shared and bool(found.st_mode & stat.S_ISVTX)
    if found.st_uid != 0 or (found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky):
        raise NotOurs("place.shared", folder)

"""Files that systemd hands to the service: `credential:unit.key` of a config goes in, the path of that file comes out.

The service has a copy of each file in /etc/outpost/keys, which only root may read, in a directory that nobody else may read
(systemd.exec(5), LoadCredential=), by way of what `agent.key_stage` lays out. Who was not given that directory, as `sudo outpost check`,
is led to the originals: in `keys` beside the config.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

PREFIX = "credential:"

VARIABLE = "CREDENTIALS_DIRECTORY"
"""systemd says by it where the copies are."""

FOLDER = "keys"
"""Of the originals; and `LoadCredential=keys:/run/outpost-keys` calls the copy of unit.key `keys_unit.key`."""


def locate(value: str, beside: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """The file that `credential:NAME` means. `beside`: the directory of the config.

    Raises:
        ValueError: NAME is not the mere name of a file.
    """
    name = value.removeprefix(PREFIX)
    if not name or "/" in name or name in (".", ".."):
        raise ValueError(f'found "{value}"; expected {PREFIX} and the name of a file in {beside / FOLDER}, like {PREFIX}unit.key')
    handed = environ.get(VARIABLE)
    return Path(handed) / f"{FOLDER}_{name}" if handed else beside / FOLDER / name


def is_handed(file: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this file is one of the copies."""
    return bool(environ.get(VARIABLE)) and file.parent == Path(environ[VARIABLE])


def strangers(file: Path, mode: int) -> int:
    """The bits of `mode` by which others than its owner have access to a secret; 0 when nobody has.

    A copy from systemd is root's with mode 0440: the group's bit is the mask of the one entry by which the service's user may read it.
    """
    return mode & (stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO if is_handed(file) else stat.S_IRWXG | stat.S_IRWXO)

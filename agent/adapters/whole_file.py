"""A small file is replaced by another, whole or not at all: its path and its bytes go in."""

import os
from pathlib import Path


def replace(path: Path, data: bytes, mode: int, *, durable: bool) -> None:
    """Who reads `path` finds what was there, or all of `data`; with `durable` also after a power cut, and on return it is on the disk.

    Raises:
        OSError: it cannot be written; what was there is as before.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with new.open("xb") as file:
        os.fchmod(file.fileno(), mode)  # whatever the umask
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    new.replace(path)
    if durable:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

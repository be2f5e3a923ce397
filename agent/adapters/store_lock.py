"""Two agents never share a store: in goes its directory, out comes a lock that lasts until it is released or the process ends, however."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from agent.adapters.segment_store import StoreFailed
from agent.wire.whys import why


class StoreLock:
    """An exclusive flock(2) on a file beside the store, which holds the number of the process that has it.

    Two writers would each take the other's rows for lost.
    """

    def __init__(self, directory: Path) -> None:
        """Take the lock, and make the parent directory if need be. Raises StoreFailed when another has it, OSError."""
        parent = directory.parent
        if not parent.is_dir():
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync(parent.parent)
        self._file = os.open(parent / f"{directory.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            self.release()
            raise StoreFailed(why("store_in_use", path=str(directory), process=holder)) from None
        except OSError:
            self.release()
            raise
        # Who has it is told for the other's message only: on a full disk the lock holds without.
        with suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let it go. The file stays: removing it could take away the lock of the next one."""
        os.close(self._file)


def sync(directory: Path) -> None:
    """Flush what a directory lists: a rename or a new file is durable only then. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""One installer at a time: a verb that changes something runs under a lock, or is refused with who has it.

The lock lies in /run: it goes with the power, and costs the card nothing. The judge of a trial takes none, for the installer waits for it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from agent.installer.site import Failed, Site
from agent.installer.words import Said


@contextmanager
def alone(site: Site) -> Iterator[None]:
    """Hold the lock; the kernel gives it back however we end.

    Raises:
        Failed: another installation is under way.
    """
    if site.hand.dry or site.facts.uid != 0:  # it changes nothing, or is refused for that
        yield
        return
    path = site.places.at("run/outpost-install.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            pid = os.read(descriptor, 20).decode(errors="replace").strip()
            raise Failed("under_way", pid=pid or Said("unknown")) from e
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)

"""The file of a listening Unix socket: a path goes in, a socket that listens there comes out, unless somebody else already does."""

import errno
import os
import socket
import stat
import struct
from pathlib import Path

BACKLOG = 16
"""Connections that wait to be accepted; as many as are ever open at once."""

PROBE_S = 1.0
"""connect() to a Unix socket succeeds or fails at once; this is for a kernel that thinks otherwise."""

PEER = struct.Struct("3i")
"""struct ucred: process, user and group."""


class SocketInUse(OSError):
    """Another process listens at this path."""


def claim(path: str) -> tuple[socket.socket, tuple[int, int]]:
    """A non-blocking socket that listens at `path`, and which file that is: (device, inode). Its mode is 0660: the group says who may ask.

    A missing parent directory is made (0755). The socket of a process that died is replaced.

    Raises:
        SocketInUse: somebody answers there; two agents would drive the same pins.
        OSError: anything else: no permission, a read-only directory, a file that is no socket, a path over 107 bytes.
    """
    parent = Path(path).parent
    if not parent.is_dir():
        parent.mkdir(parents=True)
        parent.chmod(0o755)  # mkdir's mode is cut by the umask, and a panel of another group must be able to pass
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        # Between bind and listen nobody can connect yet, so the mode is in force before the first connection.
        Path(path).chmod(0o660)
        facts = Path(path).stat()
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener, (facts.st_dev, facts.st_ino)


def remove(path: str, file: tuple[int, int]) -> None:
    """Remove the socket's file, unless another agent has put its own there, or the directory is gone or read-only by now."""
    try:
        facts = os.lstat(path)
        if (facts.st_dev, facts.st_ino) == file:
            Path(path).unlink()
    except OSError:
        pass  # the next agent replaces a stale socket


def is_by_root(sock: socket.socket) -> bool:
    """Whether root has connected, or our own user, whose eyes are no others than ours: unix(7), SO_PEERCRED."""
    _, user, _ = PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
    return user in (0, os.geteuid())


def _remove_stale(path: str) -> None:
    """Remove the socket that nobody listens on any more."""
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(facts.st_mode):
        # connect() to a plain file is refused just as by a dead socket, and the file may be somebody's work.
        raise OSError(errno.EEXIST, "a file that is no socket is in the way; move it, or set another [socket] path", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            Path(path).unlink(missing_ok=True)
            return
        except (BlockingIOError, TimeoutError):
            pass  # its backlog is full: it listens
    raise SocketInUse(errno.EADDRINUSE, "another agent answers there; stop it first, or set another [socket] path", path)

"""The file of the local socket: who may connect, what is replaced and what is left alone."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.socket_file import SocketInUse, claim, is_by_root, remove
from tests.timing import PATIENCE_S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "agent.sock"


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_the_socket_is_for_its_group_and_its_directory_for_all_to_pass(path: Path, narrow_umask: None) -> None:
    """Whatever the umask of who starts the agent."""
    listener, _ = claim(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    listener.close()


def test_a_directory_that_is_there_keeps_its_mode(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    listener, _ = claim(str(path))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    listener.close()


def test_the_socket_of_a_dead_process_is_replaced(path: Path) -> None:
    claim(str(path))[0].close()
    assert path.exists()
    listener, _ = claim(str(path))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    listener.close()


def test_a_listener_that_accepts_nobody_is_alive_all_the_same(path: Path) -> None:
    """An agent that hangs is killed by its watchdog; until then it holds the pins."""
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))  # the backlog is full
        with pytest.raises(SocketInUse):
            claim(str(path))
    assert path.exists()


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    """connect() is refused there just as at a dead socket."""
    path.parent.mkdir()
    path.write_text("somebody's work")
    with pytest.raises(OSError, match="a file that is no socket is in the way") as refused:
        claim(str(path))
    assert not isinstance(refused.value, SocketInUse)
    assert path.read_text() == "somebody's work"


def test_only_our_own_file_is_removed(path: Path) -> None:
    old, old_file = claim(str(path))
    old.close()
    remove(str(path.parent / "not there"), old_file)
    path.rename(path.parent / "aside")  # keeps its inode from being used again
    new, new_file = claim(str(path))
    remove(str(path), old_file)
    assert path.exists()
    remove(str(path), new_file)
    assert not path.exists()
    new.close()


AS_NOBODY = """
import os, socket, sys
os.chdir(sys.argv[1])
os.setuid(65534)
socket.socket(socket.AF_UNIX).connect(sys.argv[2])
"""


def test_the_kernel_says_whether_root_asks(tmp_path: Path) -> None:
    """Our own user counts as root: it could read the store anyway."""
    path = tmp_path / "agent.sock"
    listener, _ = claim(str(path))
    with listener:
        listener.settimeout(PATIENCE_S)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            with listener.accept()[0] as ours:
                assert is_by_root(ours)
        if os.geteuid() == 0:
            path.chmod(0o666)
            tmp_path.chmod(0o755)
            subprocess.run([sys.executable, "-c", AS_NOBODY, str(tmp_path), path.name], check=True, timeout=PATIENCE_S)
            with listener.accept()[0] as nobodys:
                assert not is_by_root(nobodys)

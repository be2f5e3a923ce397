"""The store on a file system of its own, and a root that nobody can write to: in a booted Debian, on a disk of 64 MB.

There is no udev in a container, so a line of tmpfiles.d makes the link by which a label is found.
"""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import __version__
from tests.install import bundles, unit
from tests.install.debian import base_tree, why_not
from tests.install.tree import ENVIRONMENT, Tree

DISK_MB = 64


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := why_not():
        pytest.skip(reason)
    return bundles.release(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A block device with an ext4 that is labelled for the store."""
    image = tmp_path_factory.mktemp("disk") / "image"
    with image.open("wb") as file:
        file.truncate(DISK_MB << 20)
    for words in (["mkfs.ext4", "-q", "-L", "outpost-state", str(image)], ["losetup", "-f", "--show", str(image)]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no disk can be made here: {' '.join(words)}: {done.stderr.strip()}")
    device = done.stdout.strip()
    yield device
    subprocess.run(["losetup", "-d", device], check=False)


@pytest.fixture(scope="module")
def pi(release: Path, disk: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """As flashed, with a config, the bundle, and that disk."""
    with unit.flashed(base_tree(unit.FLASHED), tmp_path_factory.mktemp("pi") / "root") as tree:
        unit.carry(tree, release)
        tree.write("/etc/outpost/agent.toml", unit.CONFIG)
        tree.write("/etc/tmpfiles.d/disk.conf", link_of(disk))
        tree.boot(f"--bind={disk}")
        yield tree


def link_of(disk: str) -> str:
    """The line that makes the disk be there at the start."""
    return f"d /dev/disk/by-label 0755\nL /dev/disk/by-label/outpost-state - - - - {disk}\n"


def mounted(tree: Tree) -> str:
    """The options with which the store's file system is mounted; empty when it is none of its own."""
    return tree.run(["findmnt", "-n", "-o", "FSTYPE,OPTIONS", "/var/lib/outpost"], check=False).stdout


def test_the_installer_finds_it_and_the_store_lies_on_it(pi: Tree, release: Path) -> None:
    said = unit.install(pi, release)
    assert "on its own file system, outpost-state, from now on" in said
    assert mounted(pi).startswith("ext4")
    assert "noatime" in mounted(pi)
    assert "commit=30" in mounted(pi)
    unit.wait_running(pi, __version__)
    pi.wait_for("the store is there", lambda: pi.inside("/var/lib/outpost/spool").is_dir())
    assert not pi.path("/var/lib/outpost/spool").exists(), "on the root below it"
    assert "Nothing had to be changed." in unit.install(pi, release)


@pytest.mark.timeout(600)
def test_a_store_on_the_root_is_moved_to_it_and_the_agent_goes_on_with_the_same_files(pi: Tree, release: Path, disk: str) -> None:
    pi.shut_down()
    pi.path("/etc/tmpfiles.d/disk.conf").unlink()
    pi.boot(f"--bind={disk}")
    unit.verb(pi, "uninstall")
    assert subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "outpost-state", disk], check=False).returncode == 0
    unit.install(pi, release)
    unit.wait_running(pi, __version__)
    pi.wait_for("the store is on the root", lambda: pi.path("/var/lib/outpost/spool").is_dir())
    pi.write("/var/lib/outpost/kept", "as it was", 0o600)
    pi.write("/etc/tmpfiles.d/disk.conf", link_of(disk))
    pi.run(["systemd-tmpfiles", "--create", "disk.conf"])
    assert "would hide what is in /var/lib/outpost" in unit.verb(pi, "apply")
    pi.run(["sh", "-c", "for i in $(seq 200); do head -c 60000 /dev/urandom > /var/lib/outpost/large$i; done"])
    ended_while_it_copies(pi)
    its_terminal_is_lost(pi)
    assert mounted(pi).startswith("ext4")
    unit.wait_running(pi, __version__)
    assert pi.inside("/var/lib/outpost/kept").read_text() == "as it was"
    assert pi.inside("/var/lib/outpost/kept").stat().st_mode & 0o777 == 0o600
    assert list(pi.path("/var/lib/outpost").iterdir()) == [], "the old one, below the mount"
    assert "is on its own file system" in unit.verb(pi, "move-store")


def ended_while_it_copies(pi: Tree) -> None:
    """By SIGTERM: the agent runs again, nothing of ours stays mounted."""
    move = begin_move(pi, ["outpost-install", "move-store"], None)
    pi.run(["sh", "-c", "kill $(cat /run/outpost-install.lock)"])
    assert move.wait(unit.INSTALL_S) == 128 + signal.SIGTERM
    unit.wait_running(pi, __version__)
    assert "/outpost-move/" not in pi.run(["cat", "/proc/mounts"]).stdout


def its_terminal_is_lost(pi: Tree) -> None:
    """As an SSH session is: the terminal is hung up. It goes on, and tells the journal."""
    ours, its = pty.openpty()
    move = begin_move(pi, ["sudo", "outpost-install", "move-store"], its)
    os.close(its)
    os.close(ours)
    pi.wait_for("it is done", lambda: move.poll() is not None and not pi.path("/opt/outpost/move").exists(), unit.INSTALL_S)
    pi.wait_for("the lock is free", lambda: pi.run(["flock", "-n", "/run/outpost-install.lock", "true"], check=False).returncode == 0)
    said = pi.run(["journalctl", "-b", "-o", "cat", "-t", "outpost-install"]).stdout
    assert "the terminal is gone" in said
    assert "Moved: the store is on its own file system" in said


def begin_move(pi: Tree, words: list[str], terminal: int | None) -> "subprocess.Popen[bytes]":
    """Once it copies."""
    at = ["setsid", "--ctty"] if terminal is not None else []
    stream = subprocess.DEVNULL if terminal is None else terminal
    command = [*at, "nsenter", "-a", "-t", str(pi.leader), "--", *words]
    move = subprocess.Popen(command, stdin=stream, stdout=stream, stderr=stream, env=ENVIRONMENT)
    pi.wait_for("it copies", lambda: move.poll() is not None or pi.inside("/run/outpost-move/disk/large150").exists())
    assert move.poll() is None, "it has ended"
    return move


def test_with_a_root_that_is_read_only_the_agent_runs_and_its_store_is_written(pi: Tree, disk: str) -> None:
    pi.shut_down()
    pi.boot(f"--bind={disk}", "--read-only")
    assert pi.run(["touch", "/etc/x"], check=False).returncode != 0
    unit.wait_running(pi, __version__)
    assert mounted(pi).startswith("ext4")
    newest = max(path.stat().st_mtime for path in pi.inside("/var/lib/outpost/spool").iterdir())
    started = int(pi.show("outpost", "ExecMainStartTimestampMonotonic")) / 1e6
    now = float(Path("/proc/uptime").read_text().split()[0])
    age = pi.run(["date", "+%s.%N"]).stdout
    assert newest > float(age) - (now - started) - 1, "nothing was written since the start"


def test_on_a_root_that_is_read_only_the_installer_says_what_to_do(pi: Tree, release: Path) -> None:
    said = unit.install(pi, release, check=False)
    assert "/ is mounted read-only: sudo mount -o remount,rw /" in said
    pid = pi.show("outpost", "MainPID")
    for verb in ("apply", "rollback", "move-store", "uninstall"):
        said = unit.verb(pi, verb, check=False)
        assert "/ is mounted read-only: sudo mount -o remount,rw /" in said
        assert "Traceback" not in said
    assert (unit.running(pi), pi.show("outpost", "MainPID")) == (__version__, pid)


def test_without_the_disk_and_with_a_root_that_is_read_only_the_agent_runs_all_the_same(pi: Tree) -> None:
    pi.shut_down()
    pi.path("/etc/tmpfiles.d/disk.conf").unlink()
    pi.boot("--read-only")
    unit.wait_running(pi, __version__)
    assert mounted(pi) == ""


def test_what_was_stored_while_the_disk_was_gone_is_named_and_not_hidden_when_it_is_back(pi: Tree, disk: str) -> None:
    """The root can be written to, so there is a store on it meanwhile; the disk's own is as it was."""
    pi.shut_down()
    pi.boot()
    unit.wait_running(pi, __version__)
    assert mounted(pi) == ""
    pi.wait_for("there is a store on the root", lambda: pi.path("/var/lib/outpost/spool/cache.db").is_file())
    inode = pi.path("/var/lib/outpost/spool/cache.db").stat().st_ino
    pi.shut_down()
    pi.write("/etc/tmpfiles.d/disk.conf", link_of(disk))
    pi.boot(f"--bind={disk}")
    unit.wait_running(pi, __version__)
    assert mounted(pi).startswith("ext4")
    assert pi.inside("/var/lib/outpost/spool/cache.db").stat().st_dev != pi.path("/var/lib").stat().st_dev
    assert list(pi.path("/var/lib/outpost").iterdir()) == [], "nothing is hidden below it"
    assert pi.path("/var/lib/outpost.was-1/spool/cache.db").stat().st_ino == inode
    assert pi.run(["stat", "-c", "%a %U", "/var/lib/outpost.was-1"]).stdout == "700 outpost\n"
    assert "is in /var/lib/outpost.was-1 now" in pi.journal("outpost-state.service")
    doctor = pi.run(["outpost", "doctor"], check=False).stdout
    assert "fault.store.aside" in doctor
    assert "/var/lib/outpost.was-1" in doctor
    assert "/var/lib/outpost.was-1" in pi.run(["outpost", "why"], check=False).stdout
    pi.run(["rm", "-r", "/var/lib/outpost.was-1"])
    pi.run(["systemctl", "restart", "outpost.service"])
    unit.wait_running(pi, __version__)
    assert "store.aside" not in pi.run(["outpost", "doctor"], check=False).stdout


def test_a_check_of_the_disk_that_does_not_end_is_cut_off_and_the_disk_is_mounted(pi: Tree, disk: str) -> None:
    """The minute is as it is shipped."""
    pi.shut_down()
    fsck = pi.path("/usr/sbin/fsck.ext4")
    fsck.rename(fsck.with_name("fsck.ext4.real"))
    pi.write("/usr/sbin/fsck.ext4", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    try:
        began = pi.boot(f"--bind={disk}", wait=False)
        pi.wait_for("the agent runs", lambda: unit.running(pi) == __version__, 180.0)
        print(f"\nREADY {time.monotonic() - began:.0f} s after the start of the machine")
        assert mounted(pi).startswith("ext4")
    finally:
        fsck.with_name("fsck.ext4.real").rename(fsck)


def test_uninstall_leaves_the_store_on_its_disk_and_the_next_installation_takes_it_up(pi: Tree, release: Path, disk: str) -> None:
    pi.shut_down()
    pi.write("/etc/tmpfiles.d/disk.conf", link_of(disk))
    pi.boot(f"--bind={disk}")
    unit.wait_running(pi, __version__)
    inode = pi.inside("/var/lib/outpost/spool/cache.db").stat().st_ino
    unit.verb(pi, "uninstall")
    assert mounted(pi) == ""
    assert "from now on" in unit.install(pi, release)
    assert mounted(pi).startswith("ext4")
    assert pi.inside("/var/lib/outpost/spool/cache.db").stat().st_ino == inode

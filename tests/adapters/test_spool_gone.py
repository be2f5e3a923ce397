"""A store that goes away while it is used, and a disk that is full in earnest: said, survived, nothing acknowledged into the void."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.core.effects import Forget, OpenSpool, Store
from agent.core.events import Event, Lane, SpoolDown, SpoolFull, SpoolOpened, SpoolQuarantined, Stored
from tests.adapters.spools import BOOT, NEXT_BOOT, Running, running

SMALL = 8 << 20


def opened_events(run: Running) -> list[Event]:
    """Open, and all that is said until it is."""
    run.perform(OpenSpool())
    events: list[Event] = []
    while not events or not isinstance(events[-1], SpoolOpened):
        events.append(run.posted.expect(Event))
    return events


@pytest.mark.parametrize("whole", [False, True], ids=["the store's directory", "all above it too"])
def test_what_is_written_after_the_directory_was_removed_is_not_acknowledged(tmp_path: Path, whole: bool) -> None:
    """SQLite would go on writing into files that have no name any more."""
    state = tmp_path / "state"
    with running(state) as run:
        run.open()
        run.store(1, 2)
        shutil.rmtree(state if whole else state / "spool")
        run.perform(Store(run.name(3), Lane.EVENT, b"x"))
        assert "not there any more" in str(run.posted.expect(SpoolDown).reason)
        quarantined, opened = opened_events(run)
        assert isinstance(quarantined, SpoolQuarantined)
        assert "another store than before" in str(quarantined.reason)
        assert quarantined.rows == 0
        assert isinstance(opened, SpoolOpened)
        assert sum(opened.waiting.values()) == 0
        run.store(3)
    with running(state, NEXT_BOOT) as run:
        run.open()
        assert run.names() == [f"{BOOT}-3"]


def test_a_removed_directory_is_noticed_when_it_is_read_too(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        shutil.rmtree(tmp_path / "spool")
        run.perform(Forget((run.name(1),)))
        assert "not there any more" in str(run.posted.expect(SpoolDown).reason)


def test_a_store_that_was_away_and_is_the_same_lost_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1)
        (tmp_path / "spool").rename(tmp_path / "pocket")
        run.perform(Store(run.name(2), Lane.EVENT, b"x"))
        run.posted.expect(SpoolDown)
        (tmp_path / "pocket").rename(tmp_path / "spool")
        (opened,) = opened_events(run)
        assert isinstance(opened, SpoolOpened)
        assert opened.waiting[Lane.EVENT] in (1, 2), "what was not answered may lie there"
        run.store(2)
        assert run.names() == [run.name(1), run.name(2)]


def test_a_card_that_comes_back_brings_its_rows_and_the_boots_keep_apart(tmp_path: Path) -> None:
    """Two boots on the card; the third starts without it, gets a store of its own where the card was, and then the card is back."""
    spool, card, bare = tmp_path / "spool", tmp_path / "card", tmp_path / "bare"
    for boot in ("c" * 16, "b" * 16):
        with running(tmp_path, boot) as run:
            run.open()
            run.store(1, 2)
    spool.rename(card)
    with running(tmp_path, "a" * 16) as run:
        run.open()
        run.store(1)
        spool.rename(bare)
        card.rename(spool)
        run.perform(Store(run.name(2), Lane.EVENT, b"x"))
        run.posted.expect(SpoolDown)
        quarantined, opened = opened_events(run)
        assert isinstance(quarantined, SpoolQuarantined)
        assert isinstance(opened, SpoolOpened)
        assert opened.waiting[Lane.EVENT] == 4
        run.store(2)
        assert run.names() == [*(f"{boot * 16}-{seq}" for boot in "cb" for seq in (1, 2)), run.name(2)]
        run.forget(f"{'b' * 16}-1")
    with running(tmp_path, "9" * 16) as run:
        run.open()
        run.forget(f"{'a' * 16}-2", f"{'b' * 16}-2")
        assert run.names() == [f"{'c' * 16}-1", f"{'c' * 16}-2"]


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[Path]:
    """An ext4 of its own on a loop device, as on a card; the test is passed over where that is not allowed."""
    image, disk = directory / "image", directory / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    made = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if os.geteuid() != 0 or made is None or subprocess.run([made, "-q", "-m", "0", str(image)], check=False).returncode:
        pytest.skip("needs root and mkfs.ext4")
    if subprocess.run(["mount", "-o", "loop", str(image), str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("mounting a loop device is not allowed here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all that is left, to the last block."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    os.sync()
    return ballast


def test_on_a_full_card_alarms_are_stored_and_rows_leave_and_it_returns_by_itself(tmp_path: Path) -> None:
    """Somebody else's log has filled the disk to the last block."""
    with small_disk(tmp_path, 24) as disk, running(disk, size_bytes_max=SMALL) as run:
        run.open()
        run.store(*range(1, 40), lane=Lane.BACKFILL, payload=bytes(5000))
        run.open()
        ballast = fill(disk)
        full = False
        for seq in range(100, 400):
            run.perform(Store(run.name(seq), Lane.BACKFILL, bytes(20_000)))
            if isinstance(run.stored_or_full(), SpoolFull):
                full = True
                break
        assert full
        run.store(1000, lane=Lane.ALARM)
        run.remember("alarm", b"latched")
        run.keep(run.name(1))
        run.forget(run.name(2))
        assert run.prune(None, 1).names == (run.name(1),)
        ballast.unlink()
        run.store(1001, lane=Lane.BACKFILL, payload=bytes(20_000))
        opened = run.open()
        assert opened.waiting[Lane.ALARM] == 1
        assert opened.memory == {"alarm": b"latched"}


def test_a_start_on_a_full_card_is_no_crash_and_ends_when_there_is_room(tmp_path: Path) -> None:
    """In processes of their own, which are killed: SQLite's shared memory on a full disk has been seen to end in SIGBUS."""
    script = (
        "import sys, time, queue; from agent.adapters.spool import Spool; from agent.core.effects import OpenSpool, Store\n"
        "from agent.core.events import Lane\n"
        "posted = queue.SimpleQueue(); spool = Spool(sys.argv[1], 8 << 20, sys.argv[2], posted.put, time.monotonic)\n"
        "spool.start(); spool.perform(OpenSpool())\n"
        "for seq in range(20): spool.perform(Store(f'{sys.argv[2]}-{seq}', Lane.BACKFILL, bytes(9000)))\n"
        "while True: print(type(posted.get()).__name__, flush=True)"
    )
    with small_disk(tmp_path, 24) as disk:
        for turn, killed in enumerate((True, False, True)):
            with subprocess.Popen([sys.executable, "-c", script, str(disk), f"{turn:016x}"], stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                said = [process.stdout.readline().strip() for _ in range(1 if turn else 2)]
                assert process.poll() is None, said
                assert said[0] in (("SpoolOpened", "SpoolDown") if turn else ("SpoolOpened",)), said
                process.kill()
            if turn == 0:
                ballast = fill(disk)
            if not killed:
                for file in (disk / "spool").glob("*-shm"):
                    file.unlink()
                fill(disk)
        ballast.unlink()
        with running(disk, "f" * 16, SMALL) as run:
            assert sum(run.open().waiting.values()) >= 20
            run.perform(Store(run.name(1), Lane.EVENT, b"x"))
            run.posted.expect(Stored)

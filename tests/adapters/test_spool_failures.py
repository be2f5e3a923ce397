"""The spool when the disk or the system refuses: it says what to do, lives on, and opens when asked again."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.core.effects import Forget, OpenSpool, Remember, Store
from agent.core.events import Forgotten, Lane, Loaded, Remembered, SpoolDown, SpoolFull, SpoolOpened, SpoolQuarantined, Stored
from tests.adapters.spools import BOOT, NEXT_BOOT, file_of, running
from tests.timing import PATIENCE_S

SMALL = 1 << 20


def test_a_path_under_a_file_is_refused_by_name_and_tried_again_when_asked(tmp_path: Path) -> None:
    blocker = tmp_path / "taken"
    blocker.write_text("a file")
    with running(blocker / "below") as run:
        run.perform(OpenSpool())
        down = run.posted.expect(SpoolDown)
        assert str(blocker / "below" / "spool") in str(down.reason)
        assert "must be a directory that the agent may write" in str(down.reason)
        blocker.unlink()
        run.open()
        run.store(1)


def test_a_directory_that_nobody_can_make_is_refused() -> None:
    with running(Path("/proc/outpost")) as run:
        run.perform(OpenSpool())
        assert "/proc/outpost/spool cannot be used" in str(run.posted.expect(SpoolDown).reason)


def test_a_file_in_the_place_of_the_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("mine")
    with running(tmp_path) as run:
        run.perform(OpenSpool())
        assert str(tmp_path / "spool") in str(run.posted.expect(SpoolDown).reason)
    assert (tmp_path / "spool").read_text() == "mine"


@contextmanager
def mounted(target: Path, *arguments: str) -> Iterator[None]:
    """A mount, where this machine lets us; the test is passed over where it does not."""
    if os.geteuid() != 0 or subprocess.run(["mount", *arguments, str(target)], capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root and a kernel that allows it")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(target)], check=True)


def test_a_read_only_disk_is_refused_and_used_once_it_is_writable(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1)
    with running(tmp_path, NEXT_BOOT) as run:
        with mounted(tmp_path, "--bind", str(tmp_path)):
            subprocess.run(["mount", "-o", "remount,ro,bind", str(tmp_path)], check=True)
            run.perform(OpenSpool())
            assert "ead-only" in str(run.posted.expect(SpoolDown).reason)
        assert run.open().waiting[Lane.EVENT] == 1


def test_a_disk_that_is_full_is_said_to_be_and_used_again_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=6m", "tmpfs"), running(disk) as run:
        run.open()
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(disk_free(disk) - 200_000))
        stored = 0
        while True:
            run.perform(Store(run.name(stored + 1), Lane.LIVE, bytes(50_000)))
            event = run.stored_or_full()
            if isinstance(event, SpoolFull):
                break
            stored += 1
        assert str(event.reason).startswith("full: ")
        # The write-ahead log has its room beforehand.
        run.store(9000, lane=Lane.ALARM)
        run.remember("alarm", b"latched")
        run.forget(run.name(1))
        run.keep(run.name(2))
        stored -= 2
        ballast.unlink()
        assert run.open().waiting[Lane.LIVE] == stored
        run.store(stored + 1)


def disk_free(path: Path) -> int:
    return shutil.disk_usage(path).free


def test_at_its_own_limit_the_store_says_full_and_still_forgets_and_reads(tmp_path: Path) -> None:
    with running(tmp_path, size_bytes_max=SMALL) as run:
        run.open()
        stored: list[str] = []
        down: SpoolFull | None = None
        while down is None:
            name = run.name(len(stored) + 1)
            run.perform(Store(name, Lane.LIVE, bytes(10_000)))
            event = run.stored_or_full()
            if isinstance(event, SpoolFull):
                down = event
            else:
                stored.append(name)
        assert str(down.reason).startswith("full: ")
        assert str(SMALL) in str(down.reason)
        assert len(stored) > 40
        assert run.names(Lane.LIVE) == stored
        assert run.open().waiting[Lane.LIVE] == len(stored)
        run.forget(*stored[:5])
        run.store(9999, lane=Lane.LIVE, payload=bytes(10_000))
    assert sum(file.stat().st_size for file in (tmp_path / "spool").iterdir()) < SMALL
    with running(tmp_path, NEXT_BOOT, size_bytes_max=SMALL) as run:
        assert run.open().waiting[Lane.LIVE] == len(stored) - 5 + 1


def test_when_full_alarms_and_memory_still_find_room_again_and_again(tmp_path: Path) -> None:
    """A group that does not fit gives up its lower rows, and only those."""
    with running(tmp_path, size_bytes_max=SMALL) as run:
        run.open()
        seq = 0
        for turn in range(3):
            fits = True
            while fits:
                seq += 1
                run.perform(Store(run.name(seq), Lane.BACKFILL, bytes(5000)))
                fits = isinstance(run.stored_or_full(), Stored)
            kept = run.names(Lane.BACKFILL)
            run.perform(
                Store(run.name(seq + 1), Lane.BACKFILL, bytes(50_000)),
                Store(run.name(seq + 2), Lane.ALARM, bytes(20_000)),
                Remember("alarm", bytes([turn])),
                Forget((kept[0],)),
            )
            assert run.posted.expect(Stored).names == (run.name(seq + 2),)
            run.posted.expect(Remembered)
            run.posted.expect(Forgotten)
            seq += 2
            assert run.open().memory == {"alarm": bytes([turn])}
            assert run.name(seq) in run.names(Lane.ALARM)
            run.forget(run.name(seq), *kept[:10])


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Writing beyond this size of a file fails with EFBIG, which SQLite takes for an I/O error (Python ignores SIGXFSZ)."""
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_after_an_io_error_nothing_is_answered_until_the_store_is_opened_again(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1)
        with files_limited_to((tmp_path / "spool" / "cache.db-wal").stat().st_size):
            run.perform(Store(run.name(2), Lane.EVENT, bytes(3_000_000)))
            down = run.posted.expect(SpoolDown)
        assert "disk I/O error" in str(down.reason)
        assert str(tmp_path / "spool") in str(down.reason)
        run.perform(Store(run.name(3), Lane.EVENT, b"x"), Forget((run.name(1),)), OpenSpool())
        quarantined, opened = run.posted.expect(SpoolQuarantined), run.posted.expect(SpoolOpened)
        assert "disk I/O error" in str(quarantined.reason)
        assert quarantined.rows == opened.waiting[Lane.EVENT] == 1
        assert run.posted.drain() == []
        assert run.names() == [run.name(1)]


def test_a_store_that_is_locked_by_another_program_is_down_and_not_damaged(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        with file_of(tmp_path) as file:
            file.execute("BEGIN IMMEDIATE")
            run.perform(Store(run.name(1), Lane.EVENT, b"x"))
            assert "database is locked" in str(run.posted.expect(SpoolDown).reason)
            file.execute("ROLLBACK")
        run.open()
        run.store(1)


def test_a_second_agent_is_told_who_has_the_store(tmp_path: Path) -> None:
    with running(tmp_path) as first, running(tmp_path, NEXT_BOOT) as second:
        first.open()
        second.perform(OpenSpool())
        assert f"{tmp_path / 'spool'} is in use by process {os.getpid()}" in str(second.posted.expect(SpoolDown).reason)
        first.store(1)
        first.spool.close()
        assert second.open().waiting[Lane.EVENT] == 1


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    script = (
        "import sys, time, queue; from agent.adapters.spool import Spool; from agent.core.effects import OpenSpool\n"
        f"posted = queue.SimpleQueue(); spool = Spool({str(tmp_path)!r}, 1 << 26, {BOOT!r}, posted.put, time.monotonic)\n"
        "spool.start(); spool.perform(OpenSpool()); print(type(posted.get()).__name__, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "SpoolOpened\n"
        with running(tmp_path, NEXT_BOOT) as run:
            run.perform(OpenSpool())
            assert f"in use by process {other.pid}:" in str(run.posted.expect(SpoolDown).reason)
            other.kill()
            other.wait()
            run.open()


def test_a_name_that_is_none_ends_the_thread_and_is_not_swallowed(tmp_path: Path) -> None:
    """Our own mistake: the process hears of it by the hook for threads that die."""
    died: list[str] = []
    before = threading.excepthook
    threading.excepthook = lambda death: died.append(f"{death.thread and death.thread.name}: {death.exc_value}")
    try:
        with running(tmp_path) as run:
            run.open()
            run.perform(Store("nonsense", Lane.EVENT, b"x"))
            run.spool._thread.join(PATIENCE_S)
    finally:
        threading.excepthook = before
    assert died == ["spool: 'nonsense' is no name of a row: expected 16 hexadecimal digits, a dash and a number"]
    with running(tmp_path) as run:
        assert run.open().waiting[Lane.EVENT] == 0


def test_reading_goes_on_while_rows_are_refused(tmp_path: Path) -> None:
    with running(tmp_path, size_bytes_max=SMALL) as run:
        run.open()
        run.store(1)
        run.perform(Store(run.name(2), Lane.EVENT, bytes(2 * SMALL)))
        run.posted.expect(SpoolFull)
        assert run.posted.drain() == []
        run.load()
        run.store(3)
        assert isinstance(run.load(), Loaded)
        assert run.names() == [run.name(1), run.name(3)]


def test_a_full_store_takes_declared_losses_but_not_all_the_room_of_the_alarms(tmp_path: Path) -> None:
    with running(tmp_path, size_bytes_max=SMALL) as run:
        run.open()
        taken: dict[Lane, int] = {}
        for lane in (Lane.BACKFILL, Lane.GAP, Lane.ALARM):
            while True:
                name = run.name(len(taken) * 100_000 + taken.get(lane, 0))
                run.perform(Store(name, lane, bytes(2000)))
                if isinstance(run.stored_or_full(), SpoolFull):
                    break
                taken[lane] = taken.get(lane, 0) + 1
    assert taken[Lane.GAP] > 5
    assert taken[Lane.ALARM] > taken[Lane.GAP]

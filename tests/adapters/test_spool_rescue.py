"""What a rescue saves first, how often it is tried, and how much all that was set aside may take."""

import random
from pathlib import Path

import pytest

from agent.adapters.store_aside import Kind, bytes_of, make_room
from agent.core.effects import OpenSpool, Remember, Store
from agent.core.events import Event, Lane, SpoolDown, SpoolOpened, SpoolQuarantined
from tests.adapters.spools import BOOT, NEXT_BOOT, Running, file_of, running
from tests.adapters.test_spool_failures import files_limited_to
from tests.adapters.test_spool_gone import small_disk

PAGE = 1024
SMALL = 1 << 20
TRACKS = 2500
ALARM, EVENT, GAP = 2501, 2502, 2503


def garble(file: Path, page: int) -> None:
    """Write random bytes over a page (counted from 0)."""
    with file.open("r+b") as raw:
        raw.seek(page * PAGE)
        raw.write(random.Random(page).randbytes(PAGE))


def root_page(path: Path, table: str) -> int:
    """The page at which SQLite begins to look, counted from 0."""
    with file_of(path) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        return int(root) - 1


def store(run: Running, rows: int, lane: Lane, size: int) -> None:
    """Store rows 1 to `rows`, no more at once than the spool lets wait."""
    for first in range(1, rows + 1, 500):
        run.store(*range(first, min(first + 500, rows + 1)), lane=lane, payload=bytes(size))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A store with 3 MB of track and history, and after all of it an event, an alarm and what is remembered."""
    with running(tmp_path) as run:
        run.open()
        store(run, TRACKS, Lane.BACKFILL, 1000)
        for first in range(1, TRACKS // 2, 250):
            run.keep(*(run.name(seq) for seq in range(first, first + 250)))
        run.store(EVENT, lane=Lane.EVENT)
        run.store(ALARM, lane=Lane.ALARM)
        run.store(GAP, lane=Lane.GAP)
        run.remember("alarm", b"latched")
    return tmp_path / "spool" / "cache.db"


@pytest.mark.parametrize("by_page", [False, True], ids=["read by SQLite", "read page by page"])
def test_into_less_room_alarms_memory_and_events_are_saved_first_and_history_last(tmp_path: Path, large: Path, by_page: bool) -> None:
    garble(large, root_page(tmp_path, "Cache") if by_page else large.stat().st_size // PAGE // 2)
    with running(tmp_path, NEXT_BOOT, SMALL) as run:
        run.perform(OpenSpool())
        saved = run.posted.expect(SpoolQuarantined).rows
        opened = run.posted.expect(SpoolOpened)
        assert saved == sum(opened.waiting.values()) + opened.kept
        assert opened.waiting[Lane.ALARM] == opened.waiting[Lane.EVENT] == opened.waiting[Lane.GAP] == 1
        assert opened.memory == {"alarm": b"latched"}
        assert opened.waiting[Lane.BACKFILL] > 200
        assert opened.kept == 0
        assert run.names(Lane.ALARM) == [f"{BOOT}-{ALARM}"]


def test_saved_alarms_may_fill_the_room_that_is_kept_for_them(tmp_path: Path, large: Path) -> None:
    """As many as a store of that size takes from the agent, and more than it takes of others; then the room for rows is used up."""
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        store(run, 1500, Lane.ALARM, 1000)
    garble(large, large.stat().st_size // PAGE // 3)
    with running(tmp_path, NEXT_BOOT, SMALL) as run:
        run.perform(OpenSpool())
        run.posted.expect(SpoolQuarantined)
        saved = run.posted.expect(SpoolOpened).waiting
    with running(tmp_path / "other", NEXT_BOOT, SMALL) as other:
        other.open()
        rows = 0
        for lane in (Lane.EVENT, Lane.ALARM):
            event: Event | None = None
            while event is None or event.__class__.__name__ == "Stored":
                rows += 1
                other.perform(Store(other.name(rows), lane, bytes(1000)))
                event = other.stored_or_full()
        taken = other.open().waiting
    assert saved[Lane.BACKFILL] == saved[Lane.EVENT] == 0
    assert saved[Lane.ALARM] > taken[Lane.EVENT] + 20
    assert abs(saved[Lane.ALARM] - sum(taken.values())) < 20


class Clock:
    """Monotonic seconds, which pass when the test says so."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def copied(run: Running, path: Path) -> bool:
    """Ask for the store, which stays down: whether a copy was begun for that, of which the beginning lies there."""
    run.perform(OpenSpool())
    run.posted.expect(SpoolDown)
    return (path / "spool.fresh").exists()


def test_a_copy_that_fails_is_made_again_after_a_wait_that_doubles_up_to_an_hour(tmp_path: Path) -> None:
    """The core asks each five seconds; each copy is as large as the store, on a disk that is failing."""
    clock = Clock()
    with running(tmp_path) as run:
        vars(run.spool)["_now"] = clock
        run.open()
        run.store(*range(1, 300), lane=Lane.BACKFILL, payload=bytes(3000))
        with files_limited_to(500_000):
            run.perform(Store(run.name(300), Lane.EVENT, bytes(3_000_000)))
            run.posted.expect(SpoolDown)
            tries = []
            for second in range(0, 16_000, 5):
                clock.at = 1000.0 + second
                if copied(run, tmp_path):
                    tries.append(second)
            assert tries == [0, 5, 15, 35, 75, 155, 315, 635, 1275, 2555, 5115, 8715, 12315, 15915]
            run.perform(OpenSpool())
            reason = str(run.posted.expect(SpoolDown).reason)
            assert "disk I/O error" in reason
            assert "the next one is made 3600 s after it" in reason
        clock.at += 3600.0
        run.perform(OpenSpool())
        assert run.posted.expect(SpoolQuarantined).rows == run.posted.expect(SpoolOpened).waiting[Lane.BACKFILL] == 299
        run.store(301)
        with files_limited_to(500_000):
            run.perform(Store(run.name(302), Lane.EVENT, bytes(3_000_000)))
            run.posted.expect(SpoolDown)
            assert copied(run, tmp_path), "it had taken a row: the first copy after that is made at once"
            assert not copied(run, tmp_path)


def test_a_copy_that_was_made_and_takes_no_row_is_not_made_again_at_once(tmp_path: Path) -> None:
    clock = Clock()
    with running(tmp_path) as run:
        vars(run.spool)["_now"] = clock
        run.open()
        run.store(1)
        for turn in (1, 2):
            with files_limited_to((tmp_path / "spool" / "cache.db-wal").stat().st_size):
                run.perform(Store(run.name(2), Lane.EVENT, bytes(3_000_000)))
                run.posted.expect(SpoolDown)
            run.perform(OpenSpool())
            if turn == 2:
                assert "the next one is made 5 s after it" in str(run.posted.expect(SpoolDown).reason)
                clock.at += 5.0
                run.perform(OpenSpool())
            assert run.posted.expect(SpoolQuarantined).rows == run.posted.expect(SpoolOpened).waiting[Lane.EVENT] == 1


def asides(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir() if "damaged" in entry.name or "newer" in entry.name)


def filled(path: Path, size: int, version: int = 1) -> Path:
    """A directory of a store that takes so many bytes; its file."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "cache.db").write_bytes(random.Random(version).randbytes(size))
    return path / "cache.db"


def test_all_damaged_stores_together_take_no_more_than_one_may(tmp_path: Path) -> None:
    """Each takes some 900 KB, so that three of them would be more than the store may."""
    for turn in range(1, 5):
        with running(tmp_path, f"{turn:016x}", 2 << 20) as run:
            run.open()
            run.store(*range(250), lane=Lane.BACKFILL, payload=bytes(3000)) if turn == 1 else None
        garble(tmp_path / "spool" / "cache.db", 300)
        with running(tmp_path, NEXT_BOOT, 2 << 20) as run:
            run.perform(OpenSpool())
            assert run.posted.expect(SpoolQuarantined).path == str(tmp_path / f"spool.damaged-{turn}")
            run.posted.expect(SpoolOpened)
        assert f"spool.damaged-{turn}" in asides(tmp_path)
        assert sum(bytes_of(tmp_path / name) for name in asides(tmp_path)) <= 2 << 20
    assert len(asides(tmp_path)) < 3


def test_newer_stores_count_too_and_their_newest_is_never_removed(tmp_path: Path) -> None:
    """Numbers tell the age, 10 after 9; damaged ones, of which a copy was made, go first."""
    spool = tmp_path / "spool"
    for number in (8, 9, 10):
        filled(tmp_path / f"spool.newer-{number}", 100_000)
    filled(tmp_path / "spool.damaged-1", 100_000)
    filled(spool, 100_000)
    make_room(spool, Kind.DAMAGED, 450_000)
    assert asides(tmp_path) == ["spool.newer-10", "spool.newer-8", "spool.newer-9"]
    make_room(spool, Kind.DAMAGED, 350_000)
    assert asides(tmp_path) == ["spool.newer-10", "spool.newer-9"]
    make_room(spool, Kind.DAMAGED, 1)
    assert asides(tmp_path) == ["spool.newer-10"]


def test_a_newer_store_that_is_put_aside_takes_the_place_of_older_ones(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        filled(tmp_path / f"spool.newer-{number}", 400_000)
        filled(tmp_path / f"spool.damaged-{number}", 100_000)
    with running(tmp_path, BOOT, SMALL) as run:
        run.open()
        run.perform(Remember("kept", b"by a newer one"))
    with file_of(tmp_path) as file:
        file.execute("PRAGMA user_version = 7")
    with running(tmp_path, NEXT_BOOT, SMALL) as run:
        run.perform(OpenSpool())
        assert run.posted.expect(SpoolQuarantined).path == str(tmp_path / "spool.newer-4")
        run.posted.expect(SpoolOpened)
    assert asides(tmp_path) == ["spool.damaged-3", "spool.newer-2", "spool.newer-3", "spool.newer-4"]
    assert sum(bytes_of(tmp_path / name) for name in asides(tmp_path)) <= SMALL


def test_a_rescue_that_lacks_room_on_the_disk_takes_that_of_older_ones(tmp_path: Path) -> None:
    """A disk of 24 MB, a store of 7: with one of 12 set aside there would be no room for the copy."""
    with small_disk(tmp_path, 24) as disk:
        with running(disk) as run:
            run.open()
            store(run, 2000, Lane.BACKFILL, 3000)
        filled(disk / "spool.damaged-1", 12 << 20)
        garble(disk / "spool" / "cache.db", 3000)
        with running(disk, NEXT_BOOT) as run:
            run.perform(OpenSpool())
            assert (run.posted.expect(SpoolQuarantined).rows or 0) > 1990
            run.posted.expect(SpoolOpened)
        assert asides(disk) == ["spool.damaged-2"]

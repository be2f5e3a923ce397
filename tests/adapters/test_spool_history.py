"""History in the spool, on a real SQLite file: rows that are delivered are kept, recalled by number, and pruned oldest first."""

from pathlib import Path

import pytest

from agent.adapters.diskcache_store import DiskcacheStore
from agent.adapters.segment_store import Room
from agent.adapters.spool_rows import LOAD_BYTES_MAX, PRUNE_ROWS_MAX, Rows
from agent.core.effects import Forget, Keep, Load, OpenSpool, Prune, Recall, Remember, Store
from agent.core.events import Forgotten, Lane, Loaded, Pruned, Recalled, SpoolFull, SpoolOpened, SpoolQuarantined, Stored
from tests.adapters.spools import BOOT, NEXT_BOOT, SIZE, Running, file_of, running

SMALL = 1 << 20


def test_kept_rows_leave_their_lanes_and_are_recalled_in_order(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(3, 10, lane=Lane.BACKFILL)
        run.store(9, lane=Lane.EVENT)
        run.store(2, lane=Lane.ALARM)
        run.keep(*(run.name(seq) for seq in (10, 9, 3)))
        assert run.names(Lane.BACKFILL) == run.names(Lane.EVENT) == []
        assert run.names(Lane.ALARM) == [run.name(2)]
        assert [(row.name, row.payload) for row in run.history()] == [(run.name(seq), run.name(seq).encode()) for seq in (3, 9, 10)]
        opened = run.open()
        assert (opened.kept, sum(opened.waiting.values())) == (3, 1)


def test_history_outlives_a_start_and_teaches_the_order_of_boots(tmp_path: Path) -> None:
    """All that is left of the first boot lies in history; its rows are still older than those of the next."""
    with running(tmp_path) as run:
        run.open()
        run.store(7)
        run.keep(run.name(7))
    with running(tmp_path, NEXT_BOOT) as run:
        assert run.open().kept == 1
        run.store(1)
        run.keep(run.name(1))
        assert run.kept(BOOT) == [f"{BOOT}-7"]
        assert run.kept() == [f"{NEXT_BOOT}-1"]
        pruned = run.prune(None, 1)
        assert (pruned.names, pruned.more) == ((f"{BOOT}-7",), True)


def test_a_recall_is_bounded_by_its_numbers_its_limit_and_in_bytes(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(*range(1, 8), payload=bytes(1000))
        run.store(8, 9, payload=bytes(LOAD_BYTES_MAX - 10))
        run.keep(*(run.name(seq) for seq in range(1, 10)))
        run.store(4, 10)

        def seqs(first: int, last: int, limit: int = 100) -> tuple[list[int], bool]:
            recalled = run.recall(first, last, limit=limit)
            assert recalled.boot == BOOT
            return [int(row.name.split("-")[1]) for row in recalled.rows], recalled.more

        assert seqs(2, 5) == ([2, 3, 5], False), "4 waits in a lane again"
        assert seqs(2, 7, 2) == ([2, 3], True)
        assert seqs(6, 7, 2) == ([6, 7], False), "what lies behind the last number was not asked for"
        assert seqs(7, 9) == ([7], True)
        assert seqs(8, 9) == ([8], True)
        assert seqs(9, 1 << 60) == ([9], False)
        assert seqs(-5, 1) == ([1], False)
        assert seqs(-5, -1) == seqs(5, 2) == seqs(11, 20) == ([], False)
        assert run.recall(1, 9, boot="9" * 16).rows == ()


def test_a_row_stored_again_leaves_history(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1)
        run.keep(run.name(1))
        run.store(1, payload=b"grown")
        assert run.kept() == []
        assert [row.payload for row in run.rows()] == [b"grown"]
        run.keep(run.name(1))
        assert [row.payload for row in run.history()] == [b"grown"]


def test_a_forgotten_row_leaves_history_too(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1, 2)
        run.keep(run.name(1), run.name(2))
        run.forget(run.name(1))
        assert run.kept() == [run.name(2)]


@pytest.mark.parametrize("name", [f"{BOOT}-77", f"{'9' * 16}-1", "nonsense", f"{BOOT}-01"])
def test_keeping_what_is_not_there_is_answered_and_keeps_nothing(tmp_path: Path, name: str) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1)
        run.keep(run.name(1))
        run.keep(name, run.name(1))
        assert run.kept() == [run.name(1)]


def test_what_is_stored_and_kept_at_once_is_written_once(tmp_path: Path) -> None:
    """As many bytes of the write-ahead log as a row that is stored and not kept."""
    payload = bytes(5000)
    costs = []
    for turn, kept in enumerate(((), (Keep((f"{BOOT}-1",)),))):
        directory = tmp_path / str(turn)
        with running(directory) as ready:
            ready.open()
        run = Running(directory, BOOT, SIZE)
        run.perform(OpenSpool(), Store(run.name(1), Lane.BACKFILL, payload), *kept)
        run.spool.start()
        run.posted.expect(Stored)
        costs.append((directory / "spool" / "cache.db-wal").stat().st_size)
        run.spool.close()
        with running(directory) as again:
            assert again.open().kept == turn
    assert costs[0] == costs[1]


def test_what_is_looked_at_between_storing_and_keeping_lies_in_its_lane(tmp_path: Path) -> None:
    with running(tmp_path) as ready:
        ready.open()
    run = Running(tmp_path, BOOT, SIZE)
    one, two = run.name(1), run.name(2)
    run.perform(
        OpenSpool(),
        *(Store(one, Lane.EVENT, b"1"), Store(two, Lane.EVENT, b"2", 3), Load(Lane.EVENT, None, 9)),
        *(Keep((one, two)), Recall(BOOT, 1, 2, 9), Load(Lane.EVENT, None, 9)),
    )
    run.spool.start()
    assert run.posted.expect(Stored).editions == {two: 3}
    assert [row.name for row in run.posted.expect(Loaded).rows] == [one, two]
    assert run.posted.expect(Forgotten).names == (one, two)
    assert [row.name for row in run.posted.expect(Recalled).rows] == [one, two]
    assert run.posted.expect(Loaded).rows == ()
    run.spool.close()


def test_stored_names_the_edition_that_is_on_disk(tmp_path: Path) -> None:
    """The last of those that were asked for together."""
    with running(tmp_path) as ready:
        ready.open()
    run = Running(tmp_path, BOOT, SIZE)
    editions = (Store(run.name(1), Lane.BACKFILL, bytes([edition]), edition) for edition in (1, 2, 3))
    run.perform(OpenSpool(), *editions, Store(run.name(2), Lane.BACKFILL, b"x"))
    run.spool.start()
    stored = run.posted.expect(Stored)
    run.spool.close()
    assert (stored.names, stored.editions) == ((run.name(1), run.name(2)), {run.name(1): 3})


@pytest.mark.parametrize("place", [Lane.BACKFILL, Lane.ALARM, None])
def test_pruning_takes_the_oldest_by_boot_and_number(tmp_path: Path, place: Lane | None) -> None:
    """BOOT sorts after NEXT_BOOT, and is older."""
    other = Lane.EVENT
    with running(tmp_path) as run:
        run.open()
        run.store(5, 70, lane=other if place is None else place)
        run.store(4, lane=other)
        if place is None:
            run.keep(run.name(5), run.name(70))
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        run.store(1, 2, lane=other if place is None else place)
        if place is None:
            run.keep(run.name(1), run.name(2))
        first = run.prune(place, 1)
        assert (first.lane, first.names, first.more) == (place, (f"{BOOT}-5",), True)
        assert run.prune(place, 0).names == ()
        # The row that `before` names need not be there, nor ever have been.
        older = run.prune(place, 10, f"{BOOT}-99")
        assert (older.names, older.more) == ((f"{BOOT}-70",), False)
        assert run.prune(place, 10, f"{NEXT_BOOT}-2").names == (f"{NEXT_BOOT}-1",)
        assert run.prune(place, 10, f"{'9' * 16}-1").names == run.prune(place, 10, "nonsense").names == ()
        assert run.prune(place, 10).names == (f"{NEXT_BOOT}-2",)
        assert run.names(other) == [f"{BOOT}-4"]


def test_one_pruning_is_bounded_and_says_that_there_is_more(tmp_path: Path) -> None:
    count = PRUNE_ROWS_MAX + 5
    store = DiskcacheStore(tmp_path / "spool", SIZE)
    rows = Rows(store, BOOT, {})
    rows.open()
    with rows.transact(Room.ROWS):
        for seq in range(count):
            rows.store(f"{BOOT}-{seq}", None, b"x")
    store.close()
    with running(tmp_path) as run:
        assert run.open().kept == count
        pruned = run.prune(None, 10**9)
        assert (len(pruned.names), pruned.more) == (PRUNE_ROWS_MAX, True)
        assert run.kept() == [run.name(seq) for seq in range(PRUNE_ROWS_MAX, count)]


def filled(run: Running) -> list[str]:
    """Store alarms, which may take the reserve, until not even they find room: the names of the rows."""
    stored: list[str] = []
    for size in (5000, 300):
        while True:
            name = run.name(len(stored) + 1)
            run.perform(Store(name, Lane.ALARM, bytes(size)))
            if isinstance(run.stored_or_full(), SpoolFull):
                break
            stored.append(name)
    return stored


def test_a_store_without_a_free_page_keeps_recalls_prunes_and_forgets(tmp_path: Path) -> None:
    """Alarms have taken all that they may, the reserve too; the last pages are for moving rows."""
    with running(tmp_path, size_bytes_max=SMALL) as run:
        run.open()
        stored = filled(run)
        run.keep(*stored[:20])
        assert run.recall(1, 20).rows[0].name == stored[0]
        assert run.prune(None, 5).names == tuple(stored[:5])
        run.keep(*stored[20:])
        assert run.kept() == stored[5:]
        run.forget(*stored[5:10])
        assert run.prune(None, 1000).names == tuple(stored[10:])
        run.store(9999, payload=bytes(5000))


def test_a_store_that_is_larger_than_it_may_be_by_now_opens_and_is_emptied(tmp_path: Path) -> None:
    """Somebody has lowered size_bytes_max."""
    with running(tmp_path, size_bytes_max=4 * SMALL) as run:
        run.open()
        run.store(*range(500), lane=Lane.BACKFILL, payload=bytes(5000))
        run.remember("alarm", b"latched")
    with running(tmp_path, NEXT_BOOT, size_bytes_max=SMALL) as run:
        opened = run.open()
        assert (opened.waiting[Lane.BACKFILL], opened.memory) == (500, {"alarm": b"latched"})
        run.perform(Store(run.name(1), Lane.EVENT, b"x"))
        run.posted.expect(SpoolFull)
        run.keep(*(f"{BOOT}-{seq}" for seq in range(450)))
        run.forget(f"{BOOT}-460")
        assert run.prune(None, 400).more
        run.store(1)


def test_at_the_limit_of_the_lower_lanes_rows_are_kept_out_of_the_reserve(tmp_path: Path) -> None:
    with running(tmp_path, size_bytes_max=SMALL) as run:
        run.open()
        stored: list[str] = []
        while True:
            name = run.name(len(stored) + 1)
            run.perform(Store(name, Lane.BACKFILL, bytes(2000)))
            if isinstance(run.stored_or_full(), SpoolFull):
                break
            stored.append(name)
        run.keep(*stored)
        assert run.kept() == stored


def test_pruning_and_storing_at_once_in_a_full_store_finds_room(tmp_path: Path) -> None:
    with running(tmp_path, size_bytes_max=SMALL) as run:
        run.open()
        stored = filled(run)
        run.keep(*stored)
        run.perform(Prune(None, 30), Store(run.name(9998), Lane.EVENT, b"x"), Remember("m", b"1"))
        assert len(run.posted.expect(Pruned).names) == 30


def test_history_is_saved_out_of_a_damaged_store_after_what_waits(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(*range(100), lane=Lane.BACKFILL, payload=bytes(500))
        run.keep(*(run.name(seq) for seq in range(0, 100, 2)))
    with file_of(tmp_path) as planted:
        planted.execute("INSERT INTO Cache (key, raw, mode, value) VALUES ('4/what', 1, 1, 'text')")
    with running(tmp_path, NEXT_BOOT) as run:
        run.perform(OpenSpool())
        assert run.posted.expect(SpoolQuarantined).rows == 100
        assert run.posted.expect(SpoolOpened).kept == 50
        assert run.kept(BOOT) == [f"{BOOT}-{seq}" for seq in range(0, 100, 2)]
        assert run.names(Lane.BACKFILL) == [f"{BOOT}-{seq}" for seq in range(1, 100, 2)]


def test_history_is_carved_page_by_page_where_the_table_cannot_be_read(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(*range(100), lane=Lane.BACKFILL, payload=bytes(500))
        run.keep(*(run.name(seq) for seq in range(0, 100, 2)))
    file = tmp_path / "spool" / "cache.db"
    with file_of(tmp_path) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'Cache'")
    whole = bytearray(file.read_bytes())
    whole[(root - 1) * 1024 : root * 1024] = bytes(1024)
    file.write_bytes(whole)
    with running(tmp_path, NEXT_BOOT) as run:
        run.perform(OpenSpool())
        assert run.posted.expect(SpoolQuarantined).rows == 100
        assert run.posted.expect(SpoolOpened).kept == 50
        assert run.kept(BOOT) == [f"{BOOT}-{seq}" for seq in range(0, 100, 2)]


def test_a_kept_row_whose_checksum_is_wrong_is_damage(tmp_path: Path) -> None:
    """Moving a row gives it a new checksum: never over content that was not checked."""
    with running(tmp_path) as run:
        run.open()
        run.store(1, 2)
        with file_of(tmp_path) as planted:
            planted.execute("UPDATE Cache SET value = CAST(value || 'x' AS BLOB) WHERE key LIKE ?", (f"1/%1/{BOOT}",))
        run.perform(Keep((run.name(1),)))
        assert "wrong checksum" in str(run.posted.expect(SpoolQuarantined).reason)
        run.posted.expect(SpoolOpened)
        assert run.names() == [run.name(2)]


def test_nothing_of_history_is_answered_before_the_store_is_open(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.perform(Keep((run.name(1),)), Recall(BOOT, 0, 1, 1), Prune(None, 1), Forget((run.name(1),)))
        assert run.open().kept == 0
        assert run.posted.drain() == []

"""The spool, on a real SQLite file: rows, lanes, memory, order over boots, and the settings that durability stands on."""

import stat
import threading
from pathlib import Path

import pytest

from agent.adapters.diskcache_store import DiskcacheStore
from agent.adapters.spool import WAITING_MAX
from agent.core.effects import Forget, Load, OpenSpool, Remember, Store
from agent.core.events import Forgotten, Lane, Loaded, Remembered, SpoolOpened, Stored
from tests.adapters.spools import BOOT, NEXT_BOOT, SIZE, Running, file_of, running

EMPTY = dict.fromkeys(Lane, 0)


def test_a_missing_directory_is_made_and_nobody_else_may_enter(tmp_path: Path) -> None:
    with running(tmp_path / "new" / "deep") as run:
        opened = run.open()
    assert opened.waiting == EMPTY
    assert opened.memory == {}
    assert stat.S_IMODE((tmp_path / "new" / "deep" / "spool").stat().st_mode) == 0o700


def test_rows_and_memory_outlive_a_start(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1, 2, lane=Lane.BACKFILL)
        run.store(3, lane=Lane.ALARM)
        run.remember("alarm", b"\x00latched\xff")
        run.remember("gone", b"x")
        run.remember("gone", None)
    with running(tmp_path, NEXT_BOOT) as run:
        opened = run.open()
        assert opened.waiting == {**EMPTY, Lane.BACKFILL: 2, Lane.ALARM: 1}
        assert opened.memory == {"alarm": b"\x00latched\xff"}
        assert run.names(Lane.BACKFILL) == [f"{BOOT}-1", f"{BOOT}-2"]
        assert [row.payload for row in run.rows(Lane.ALARM)] == [f"{BOOT}-3".encode()]


def test_rows_lie_in_order_of_number_within_a_boot_and_of_start_over_boots(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(10, 9, 100, 2)
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        run.store(1, 16)
        assert run.names() == [f"{BOOT}-2", f"{BOOT}-9", f"{BOOT}-10", f"{BOOT}-100", f"{NEXT_BOOT}-1", f"{NEXT_BOOT}-16"]


def test_the_order_of_starts_is_kept_although_the_store_was_empty_in_between(tmp_path: Path) -> None:
    with running(tmp_path, "c" * 16) as run:
        run.open()
        run.store(1)
        run.forget(run.name(1))
    with running(tmp_path, "b" * 16) as run:
        run.open()
        run.store(1)
    with running(tmp_path, "a" * 16) as run:
        run.open()
        run.store(1)
        assert run.names() == [f"{'b' * 16}-1", f"{'a' * 16}-1"]


def test_opening_an_open_store_says_again_what_is_in_it(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        assert run.open().waiting == EMPTY
        run.store(1)
        assert run.open().waiting == {**EMPTY, Lane.EVENT: 1}


def test_a_row_stored_twice_is_there_once_as_last_asked(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1, payload=b"old")
        run.store(1, payload=b"new")
        assert [row.payload for row in run.rows()] == [b"new"]


def test_a_row_stored_into_another_lane_leaves_the_first(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1, lane=Lane.LIVE)
        run.store(1, lane=Lane.BACKFILL)
        assert run.names(Lane.LIVE) == []
        assert run.names(Lane.BACKFILL) == [run.name(1)]


def test_rows_are_forgotten_by_name_alone_of_former_boots_too(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1, 2, lane=Lane.LIVE)
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        run.store(1)
        run.forget(f"{BOOT}-1", f"{NEXT_BOOT}-1")
        assert run.names(Lane.LIVE) == [f"{BOOT}-2"]
        assert run.names() == []


@pytest.mark.parametrize("name", [f"{BOOT}-77", f"{'9' * 16}-1", "nonsense", "", f"{BOOT}-01"])
def test_unknown_names_are_forgotten_too(tmp_path: Path, name: str) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1)
        run.forget(name)
        assert run.names() == [run.name(1)]


def test_a_row_of_an_unknown_boot_is_stored_and_found(tmp_path: Path) -> None:
    stranger = f"{'9' * 16}-5"
    with running(tmp_path) as run:
        run.open()
        run.perform(Store(stranger, Lane.EVENT, b"x"))
        run.posted.expect(Stored)
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        run.store(1)
        assert run.names() == [stranger, run.name(1)]
        run.forget(stranger)
        assert run.names() == [run.name(1)]


def test_loading_goes_on_after_a_row_that_is_no_more(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1, 2, 3, 4)
        first = run.load(limit=2)
        assert [row.name for row in first.rows] == [run.name(1), run.name(2)]
        assert first.more
        run.forget(run.name(1), run.name(2))
        rest = run.load(after=run.name(2), limit=2)
        assert [row.name for row in rest.rows] == [run.name(3), run.name(4)]
        assert not rest.more
        assert run.load(after=run.name(4)).rows == ()


def test_a_load_is_bounded_in_bytes_and_gives_one_row_at_least(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.store(1, 2, 3, payload=bytes(100_000))
        run.store(4, payload=bytes(300_000))
        assert [(len(loaded.rows), loaded.more) for loaded in (run.load(), run.load(after=run.name(2)), run.load(after=run.name(3)))] == [
            (2, True),
            (1, True),
            (1, False),
        ]


def test_payloads_of_any_bytes_and_size_come_back_as_they_were(tmp_path: Path) -> None:
    payloads = [b"\x00", bytes(range(256)), b"\x80\x04\x95pickle", bytes(200_000), "前哨".encode()]
    with running(tmp_path) as run:
        run.open()
        for seq, payload in enumerate(payloads):
            run.store(seq, payload=payload)
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        assert [row.payload for row in run.rows()] == payloads
        assert [path.name for path in (tmp_path / "spool").iterdir() if not path.name.startswith("cache.db")] == []


def test_what_waits_is_done_in_the_order_asked_and_answered_in_that_order(tmp_path: Path) -> None:
    """Neighbours of one kind share an event; a row stored, forgotten and stored again is there."""
    with running(tmp_path) as run:
        run.open()
        one, two = run.name(1), run.name(2)
        run.perform(
            Store(one, Lane.LIVE, b"a"),
            Store(two, Lane.LIVE, b"b"),
            Forget((one,)),
            Load(Lane.LIVE, None, 9),
            Store(one, Lane.LIVE, b"c"),
            Remember("m", b"1"),
            Load(Lane.LIVE, None, 9),
        )
        before = run.posted.expect(Loaded)
        after = run.posted.expect(Loaded)
        assert [(row.name, row.payload) for row in before.rows] == [(two, b"b")]
        assert [(row.name, row.payload) for row in after.rows] == [(one, b"c"), (two, b"b")]


def test_effects_that_wait_share_one_commit(tmp_path: Path) -> None:
    """What is asked for before the thread starts is answered by one event per kind, stamped once."""
    with running(tmp_path) as ready:
        ready.open()
    run = Running(tmp_path, NEXT_BOOT, SIZE)
    run.perform(OpenSpool(), *(Store(run.name(seq), Lane.LIVE, b"x") for seq in range(50)), Remember("a", b"1"), Remember("b", b"2"))
    run.spool.start()
    run.posted.expect(SpoolOpened)
    stored, remembered = run.posted.expect(Stored), run.posted.expect(Remembered)
    run.spool.close()
    assert stored.names == tuple(run.name(seq) for seq in range(50))
    assert remembered.names == ("a", "b")
    assert stored.at == remembered.at


def test_effects_beyond_the_bound_are_dropped_and_perform_never_blocks(tmp_path: Path) -> None:
    run = Running(tmp_path, BOOT, SIZE)
    run.perform(OpenSpool(), *(Store(run.name(seq), Lane.LIVE, b"x") for seq in range(WAITING_MAX + 100)))
    run.spool.start()
    opened, stored = run.posted.expect(SpoolOpened), run.posted.expect(Stored)
    assert opened.waiting == EMPTY
    assert len(stored.names) == WAITING_MAX - 1
    run.spool.close()


def test_closing_does_first_what_was_asked_for(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
        run.perform(*(Store(run.name(seq), Lane.LIVE, b"x") for seq in range(300)), Forget((run.name(0),)))
    assert len(run.posted.expect(Forgotten).names) == 1
    with running(tmp_path, NEXT_BOOT) as run:
        assert run.open().waiting[Lane.LIVE] == 299


def test_nothing_is_answered_before_the_store_is_open(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.perform(Store(run.name(1), Lane.LIVE, b"x"), Load(Lane.LIVE, None, 1), Forget(("x",)), Remember("m", b""))
        assert run.open().waiting == EMPTY
        assert run.posted.drain() == []


def test_the_file_has_the_settings_that_durability_and_wear_stand_on(tmp_path: Path) -> None:
    for _ in ("new", "opened again"):
        store = DiskcacheStore(tmp_path / "spool", SIZE)
        pragmas = {
            pragma: store._sql(f"PRAGMA {pragma}").fetchone()[0]
            for pragma in ("journal_mode", "synchronous", "page_size", "auto_vacuum", "mmap_size", "cache_size", "max_page_count")
        }
        assert store._cache.eviction_policy == "none"
        assert store._cache.cull_limit == 0
        assert store._cache.statistics == 0
        store.close()
        assert pragmas == {
            "journal_mode": "wal",
            "synchronous": 2,
            "page_size": 1024,
            "auto_vacuum": 0,
            "mmap_size": 0,
            "cache_size": 512,
            "max_page_count": 60 * 1024,
        }


def test_reads_use_the_index_and_counting_touches_no_value(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
    with file_of(tmp_path) as file:
        read = file.execute(
            "EXPLAIN QUERY PLAN SELECT key, raw, mode, filename, value FROM Cache WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
            ("a", "b", 1),
        )
        assert "USING INDEX Cache_key_raw (key>? AND key<?)" in str(read.fetchall())
        count = file.execute("EXPLAIN QUERY PLAN SELECT count(*) FROM Cache WHERE key > ? AND key < ?", ("a", "b"))
        assert "USING COVERING INDEX Cache_key_raw" in str(count.fetchall())


def test_the_thread_is_gone_after_close(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
    assert "spool" not in {thread.name for thread in threading.enumerate()}


def test_a_spool_that_was_never_started_can_be_closed(tmp_path: Path) -> None:
    Running(tmp_path, BOOT, SIZE).spool.close()
    assert list(tmp_path.iterdir()) == []

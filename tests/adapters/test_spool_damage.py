"""A damaged store, made from a real one: it is set aside, what can be read is saved, and nothing foreign is interpreted."""

import os
import pickle
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.adapters.diskcache_store import unsealed
from agent.adapters.store_carve import carve
from agent.adapters.store_check import check
from agent.core.effects import Load, OpenSpool, Remember, Store
from agent.core.events import Event, Lane, SpoolDown, SpoolOpened, SpoolQuarantined
from tests.adapters.spools import BOOT, NEXT_BOOT, Running, file_of, running

PAGE = 1024
ROWS = 300


def content(seq: int) -> bytes:
    return random.Random(seq).randbytes(700 if seq % 10 else 3000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with 300 rows in two lanes and a latched alarm, closed in order."""
    with running(tmp_path) as run:
        run.open()
        run.remember("alarm", b"latched")
        run.perform(*(Store(run.name(seq), Lane.ALARM if seq % 50 == 0 else Lane.BACKFILL, content(seq)) for seq in range(ROWS)))
    return tmp_path / "spool" / "cache.db"


def garble(file: Path, first_page: int, pages: int, seed: int = 1) -> None:
    """Write random bytes over some pages (counted from 0)."""
    with file.open("r+b") as raw:
        raw.seek(first_page * PAGE)
        raw.write(random.Random(seed).randbytes(pages * PAGE))


def reopened(run: Running) -> tuple[SpoolQuarantined, SpoolOpened]:
    """Open a store that should be found damaged."""
    run.perform(OpenSpool())
    return run.posted.expect(SpoolQuarantined), run.posted.expect(SpoolOpened)


def whole_rows(run: Running) -> int:
    """How many rows there are; each is as it was stored."""
    rows = [*run.rows(Lane.ALARM), *run.rows(Lane.BACKFILL)]
    assert all(row.payload == content(int(row.name.split("-")[1])) for row in rows)
    return len(rows)


@pytest.mark.parametrize(
    ("first_page", "pages", "saved_min"),
    [
        pytest.param(200, 1, ROWS - 15, id="one page in the middle"),
        pytest.param(150, 40, ROWS - 90, id="forty pages in the middle"),
        pytest.param(0, 1, ROWS, id="the first page, with header and schema"),
    ],
)
def test_garbage_costs_the_rows_it_hit(tmp_path: Path, file: Path, first_page: int, pages: int, saved_min: int) -> None:
    garble(file, first_page, pages)
    with running(tmp_path, NEXT_BOOT) as run:
        quarantined, opened = reopened(run)
        assert quarantined.path == str(tmp_path / "spool.damaged-1")
        assert str(tmp_path / "spool") in str(quarantined.reason)
        assert quarantined.rows == sum(opened.waiting.values()) == whole_rows(run)
        assert quarantined.rows >= saved_min
        assert opened.memory == {"alarm": b"latched"}
        run.store(1)
        assert run.names(Lane.EVENT) == [f"{NEXT_BOOT}-1"]
    assert (tmp_path / "spool.damaged-1" / "cache.db").exists()


def test_every_single_page_may_be_garbage_and_the_unit_starts(tmp_path: Path, file: Path) -> None:
    """Wherever it hits: no exception, no invented row, and hardly a row lost; memory only where its own page was hit."""
    whole = file.read_bytes()
    memory_lost = 0
    for page in [*range(16), *range(16, len(whole) // PAGE, 41)]:
        file.write_bytes(whole)
        garble(file, page, 1, seed=page)
        with running(tmp_path, NEXT_BOOT) as run:
            run.open()
            assert whole_rows(run) >= ROWS - 5, f"page {page}"
            memory_lost += run.open().memory != {"alarm": b"latched"}
    assert memory_lost <= 1


def test_what_was_forgotten_or_replaced_does_not_come_back_from_the_dead(tmp_path: Path, file: Path) -> None:
    """Removed rows still lie on free pages; the root page of the table is lost, so that the rows are looked for page by page."""
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        run.forget(*(f"{BOOT}-{seq}" for seq in range(100, 250)))
        run.remember("alarm", b"cleared")
    with file_of(tmp_path) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'Cache'")
    garble(file, root - 1, 1)
    with running(tmp_path, NEXT_BOOT) as run:
        quarantined, opened = reopened(run)
        assert quarantined.rows == whole_rows(run) == ROWS - 150
        assert opened.memory == {"alarm": b"cleared"}


def test_rows_are_found_by_page_in_the_write_ahead_log_too(tmp_path: Path) -> None:
    """A copy of an open store, as a power cut leaves it: some rows in the file, some in the log, the newest of a name counts."""
    with running(tmp_path) as run:
        run.open()
        run.perform(*(Store(run.name(seq), Lane.BACKFILL, content(seq)) for seq in range(ROWS)))
        run.store(0, lane=Lane.BACKFILL, payload=b"newest")
        shutil.copytree(tmp_path / "spool", tmp_path / "copy")
    assert (tmp_path / "copy" / "cache.db-wal").stat().st_size > PAGE
    found = {key: unsealed(key, *columns)[1] for _, key, *columns in carve(tmp_path / "copy" / "cache.db") if str(key).startswith("3/")}
    assert sorted(found.values()) == sorted([b"newest", *(content(seq) for seq in range(1, ROWS))])


@pytest.mark.parametrize("seed", range(15))
def test_carving_garbage_gives_nothing_and_raises_nothing(tmp_path: Path, file: Path, seed: int) -> None:
    """Single bytes changed all over the file: no exception, and every sound row is one that was stored."""
    whole = bytearray(file.read_bytes())
    noise = random.Random(seed)
    for _ in range(3000):
        whole[noise.randrange(len(whole))] = noise.randrange(256)
    file.write_bytes(whole)
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        whole_rows(run)


@pytest.mark.parametrize("bytes_kept", [100, PAGE, 20 * PAGE, 150 * PAGE + 17])
def test_a_truncated_file_gives_what_is_left_of_it(tmp_path: Path, file: Path, bytes_kept: int) -> None:
    os.truncate(file, bytes_kept)
    with running(tmp_path, NEXT_BOOT) as run:
        quarantined, opened = reopened(run)
        assert quarantined.rows == whole_rows(run)
        if bytes_kept > 100 * PAGE:
            assert quarantined.rows > 80
            assert opened.memory == {"alarm": b"latched"}
        run.store(1)


def test_a_first_opening_that_was_cut_off_is_completed(tmp_path: Path) -> None:
    """The file is there with its page size, and no table in it yet."""
    (tmp_path / "spool").mkdir()
    with file_of(tmp_path) as connection:
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("PRAGMA journal_mode = WAL")
    with running(tmp_path) as run:
        run.open()
        run.store(1)
        assert run.posted.drain() == []


@pytest.mark.parametrize(
    ("at", "value"),
    [
        pytest.param(18, 9, id="a format version that SQLite does not know"),
        pytest.param(47, 9, id="a schema format that SQLite does not know"),
        pytest.param(16, 0xFF, id="a page size that is none"),
        pytest.param(59, 2, id="another text encoding"),
    ],
)
def test_one_bad_byte_in_the_header_costs_no_row(tmp_path: Path, file: Path, at: int, value: int) -> None:
    whole = bytearray(file.read_bytes())
    whole[at] = value
    file.write_bytes(whole)
    with running(tmp_path, NEXT_BOOT) as run:
        quarantined, opened = reopened(run)
        assert quarantined.rows == whole_rows(run) == ROWS
        assert opened.memory == {"alarm": b"latched"}


def test_an_empty_file_is_a_new_store(tmp_path: Path, file: Path) -> None:
    os.truncate(file, 0)
    with running(tmp_path, NEXT_BOOT) as run:
        assert sum(run.open().waiting.values()) == 0
        run.store(1)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"key": f"1/00000001/000000000001/{BOOT}", "mode": 4}, id="pickled value of a row"),
        pytest.param({"key": "memory/x", "mode": 4}, id="pickled value of memory"),
        pytest.param({"key": "anything", "mode": 4}, id="pickled value elsewhere"),
        pytest.param({"key": None, "raw": 0, "value": b"x"}, id="pickled key"),
        pytest.param({"key": "memory/y", "mode": 2, "filename": "../victim", "value": None}, id="side file"),
        pytest.param({"key": "memory/z", "value": "text"}, id="text"),
        pytest.param({"key": "memory/w", "value": b"no checksum"}, id="no checksum"),
        pytest.param({"key": "1/what/is/this", "value": b"x"}, id="key that is none"),
    ],
)
def test_a_planted_row_is_damage_and_never_unpickled(tmp_path: Path, file: Path, columns: dict[str, object]) -> None:
    sprung, victim = tmp_path / "sprung", tmp_path / "victim"
    victim.write_text("precious")
    trap = pickle.dumps(Trap(sprung))
    row = {"raw": 1, "mode": 1, "filename": None, "value": trap, **columns}
    row["key"] = row["key"] or trap
    with file_of(tmp_path) as planted:
        planted.execute("INSERT INTO Cache (key, raw, mode, filename, value) VALUES (:key, :raw, :mode, :filename, :value)", row)
    with running(tmp_path, NEXT_BOOT) as run:
        quarantined, opened = reopened(run)
        assert quarantined.rows == ROWS
        assert opened.memory == {"alarm": b"latched"}
        assert whole_rows(run) == ROWS
    assert not sprung.exists()
    assert victim.read_text() == "precious"


def test_a_row_planted_while_the_store_is_open_is_met_when_it_is_read(tmp_path: Path, file: Path) -> None:
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        with file_of(tmp_path) as planted:
            planted.execute(
                "INSERT INTO Cache (key, raw, mode, value) VALUES (?, 1, 4, ?)",
                (f"2/00000001/000000000001/{BOOT}", pickle.dumps(Trap(tmp_path / "sprung"))),
            )
        run.perform(Load(Lane.LIVE, None, 10))
        assert "not plain bytes" in str(run.posted.expect(SpoolQuarantined).reason)
        assert sum(run.posted.expect(SpoolOpened).waiting.values()) == ROWS
    assert not (tmp_path / "sprung").exists()


def test_replacing_a_planted_row_removes_no_file_elsewhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    with running(tmp_path) as run:
        run.open()
        with file_of(tmp_path) as planted:
            planted.execute("INSERT INTO Cache (key, raw, mode, filename) VALUES ('memory/alarm', 1, 2, '../victim')")
        run.perform(Remember("alarm", b"mine"))
        run.posted.expect(SpoolQuarantined)
        run.posted.expect(SpoolOpened)
    assert victim.read_text() == "precious"


def test_foreign_settings_are_not_executed(tmp_path: Path, file: Path) -> None:
    """diskcache runs `PRAGMA {name} = {value}` for what it finds in its table of settings."""
    with file_of(tmp_path) as planted:
        planted.execute("INSERT INTO Settings VALUES ('sqlite_synchronous ', 0)")
    with running(tmp_path, NEXT_BOOT) as run:
        quarantined, _ = reopened(run)
        assert "foreign settings ['sqlite_synchronous ']" in str(quarantined.reason)
        assert quarantined.rows == ROWS


def test_damage_that_comes_while_the_store_is_open_is_met_and_survived(tmp_path: Path, file: Path) -> None:
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        garble(file, 150, 40)
        run.perform(Load(Lane.ALARM, None, 100), *(Load(Lane.BACKFILL, f"{BOOT}-{seq}", 100) for seq in range(0, ROWS, 50)))
        quarantined = run.posted.expect(SpoolQuarantined)
        opened = run.posted.expect(SpoolOpened)
        assert quarantined.rows == sum(opened.waiting.values()) >= ROWS - 90
        assert opened.memory == {"alarm": b"latched"}
        run.store(1)
        run.forget(f"{BOOT}-1")


def test_a_flipped_bit_in_a_payload_is_noticed_by_the_checksum(tmp_path: Path, file: Path) -> None:
    """SQLite's own check passes: the bytes of a value have no structure."""
    whole = bytearray(file.read_bytes())
    whole[whole.index(content(120)[1500:1600])] ^= 1
    file.write_bytes(whole)
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        run.perform(Load(Lane.BACKFILL, f"{BOOT}-110", 100))
        quarantined = run.posted.expect(SpoolQuarantined)
        assert "wrong checksum" in str(quarantined.reason)
        assert quarantined.rows == ROWS - 1
        run.posted.expect(SpoolOpened)
        assert whole_rows(run) == ROWS - 1


def test_three_damaged_stores_are_kept_and_the_oldest_goes(tmp_path: Path, file: Path) -> None:
    for turn in range(1, 6):
        garble(file, 150, 1, seed=turn)
        with running(tmp_path, NEXT_BOOT) as run:
            assert reopened(run)[0].path == str(tmp_path / f"spool.damaged-{turn}")
    assert sorted(path.name for path in tmp_path.glob("spool.damaged-*")) == [f"spool.damaged-{turn}" for turn in (3, 4, 5)]


def test_a_rescue_that_was_cut_off_between_its_renames_is_completed(tmp_path: Path, file: Path) -> None:
    (tmp_path / "spool").rename(tmp_path / "spool.fresh")
    with running(tmp_path, NEXT_BOOT) as run:
        assert sum(run.open().waiting.values()) == ROWS


def test_a_rescue_that_was_cut_off_before_is_begun_again(tmp_path: Path, file: Path) -> None:
    (tmp_path / "spool.fresh").mkdir()
    (tmp_path / "spool.fresh" / "cache.db").write_bytes(b"half")
    garble(file, 150, 1)
    with running(tmp_path, NEXT_BOOT) as run:
        assert (reopened(run)[0].rows or 0) > ROWS - 15
    assert not (tmp_path / "spool.fresh").exists()


def test_a_rescue_without_room_leaves_the_damaged_store_where_it_is(tmp_path: Path, file: Path) -> None:
    garble(file, 150, 1)
    (tmp_path / "spool.fresh").write_text("in the way")
    with running(tmp_path, NEXT_BOOT) as run:
        run.perform(OpenSpool())
        assert str(tmp_path / "spool") in str(run.posted.expect(SpoolDown).reason)
        (tmp_path / "spool.fresh").unlink()
        reopened(run)


def test_a_check_that_takes_too_long_is_given_up(file: Path) -> None:
    """Time zero: whatever runs when the watcher looks is interrupted, so that a sound file is `not known to be` sound."""
    with closing(sqlite3.connect(file)) as connection:
        known = frozenset(key for (key,) in connection.execute("SELECT key FROM Settings"))
        assert check(connection, known)
        # A file large enough that the check takes longer than the watcher needs to wake up.
        connection.execute("CREATE TABLE Filler (value)")
        connection.execute(
            "INSERT INTO Filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40000) SELECT randomblob(700) FROM n"
        )
        assert not check(connection, known, seconds_max=0.0)


def test_the_order_of_starts_survives_a_rescue(tmp_path: Path, file: Path) -> None:
    with running(tmp_path, NEXT_BOOT) as run:
        run.open()
        run.store(5, lane=Lane.BACKFILL)
    garble(file, 150, 1)
    with running(tmp_path, "0" * 16) as run:
        reopened(run)
        run.store(1, lane=Lane.BACKFILL)
        assert run.names(Lane.BACKFILL)[-2:] == [f"{NEXT_BOOT}-5", f"{'0' * 16}-1"]


def test_events_of_a_rescue_come_in_order(tmp_path: Path, file: Path) -> None:
    garble(file, 150, 1)
    with running(tmp_path, NEXT_BOOT) as run:
        run.perform(OpenSpool())
        events: list[Event] = [run.posted.expect(Event) for _ in range(2)]
        assert [type(event) for event in events] == [SpoolQuarantined, SpoolOpened]

"""A store that another version of Outpost wrote: an older one is brought up to date, a newer one put aside untouched."""

from pathlib import Path

import pytest

from agent.adapters import store_version
from agent.adapters.store_version import VERSION, VERSION_MAX
from agent.core.effects import OpenSpool
from agent.core.events import Lane, SpoolOpened, SpoolQuarantined
from tests.adapters.spools import BOOT, NEXT_BOOT, file_of, running


def version_in(path: Path) -> int:
    with file_of(path) as file:
        ((version,),) = file.execute("PRAGMA user_version").fetchall()
        return int(version)


def a_store(path: Path, version: int) -> None:
    """Three rows and a latch, in a file that says that it is of this version."""
    with running(path) as run:
        run.open()
        run.store(1, 2, 3)
        run.remember("alarm", b"latched")
    with file_of(path) as file:
        file.execute(f"PRAGMA user_version = {version}")


def test_a_new_store_bears_the_version(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.open()
    assert version_in(tmp_path) == VERSION


def test_there_is_a_step_from_every_older_version() -> None:
    assert sorted(store_version.STEPS) == list(range(VERSION))


@pytest.mark.parametrize("version", [*range(VERSION), VERSION])
def test_a_store_of_this_version_or_an_older_one_is_used_with_all_that_is_in_it(tmp_path: Path, version: int) -> None:
    a_store(tmp_path, version)
    with running(tmp_path, NEXT_BOOT) as run:
        assert run.open().memory == {"alarm": b"latched"}
        assert run.names() == [f"{BOOT}-{seq}" for seq in (1, 2, 3)]
        run.keep(f"{BOOT}-1")
        assert run.kept(BOOT) == [f"{BOOT}-1"]
        assert run.posted.drain() == []
    assert version_in(tmp_path) == VERSION


def test_a_store_from_before_versions_has_neither_number_nor_id(tmp_path: Path) -> None:
    """As Outpost wrote it until there was history."""
    a_store(tmp_path, 0)
    with file_of(tmp_path) as file:
        file.execute("DELETE FROM Cache WHERE key = 'mark/id'")
        file.execute("DELETE FROM Settings WHERE key = 'sqlite_wal_autocheckpoint'")
    with running(tmp_path, NEXT_BOOT) as run:
        assert run.open().waiting[Lane.EVENT] == 3
        assert run.posted.drain() == []


def test_newer_stores_are_put_aside_byte_for_byte_and_kept_while_there_is_room(tmp_path: Path) -> None:
    for turn in range(1, 6):
        a_store(tmp_path, VERSION + 6)
        before = (tmp_path / "spool" / "cache.db").read_bytes()
        with running(tmp_path, NEXT_BOOT) as run:
            run.perform(OpenSpool())
            quarantined, opened = run.posted.expect(SpoolQuarantined), run.posted.expect(SpoolOpened)
            assert f"written by a newer Outpost (store version {VERSION + 6}; this one knows {VERSION})" in str(quarantined.reason)
            assert (quarantined.path, quarantined.rows) == (str(tmp_path / f"spool.newer-{turn}"), None)
            assert sum(opened.waiting.values()) == 0
            run.store(1)
            run.forget(run.name(1))
        assert (tmp_path / f"spool.newer-{turn}" / "cache.db").read_bytes() == before
        for file in (tmp_path / "spool").iterdir():
            file.unlink()
    assert len(list(tmp_path.glob("spool.newer-*"))) == 5


def test_a_number_that_no_version_had_is_no_reason_to_put_a_sound_store_aside(tmp_path: Path) -> None:
    a_store(tmp_path, VERSION_MAX + 1)
    with running(tmp_path, NEXT_BOOT) as run:
        assert run.open().waiting[Lane.EVENT] == 3
    assert version_in(tmp_path) == VERSION

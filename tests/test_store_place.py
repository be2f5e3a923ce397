"""What keeps the store's folder from being used, or lies hidden below its disk, is moved aside, whole, and named."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import store_place

STANDING: dict[str, Callable[[Path], object]] = {
    "a link that leads nowhere": lambda place: place.symlink_to("/mnt/ssd/outpost"),
    "a link to itself": lambda place: place.symlink_to(place),
    "a file": lambda place: place.write_text("oops"),
    "a link to a folder": lambda place: place.symlink_to("/tmp"),
    "a link to a file": lambda place: place.symlink_to("/etc/hostname"),
    "a pipe": os.mkfifo,
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "outpost"


@pytest.mark.parametrize("what", STANDING)
def test_what_is_no_folder_is_moved_aside_and_named(store: Path, what: str) -> None:
    STANDING[what](store)
    said = store_place.clear(store)
    aside = store.with_name("outpost.was-1")
    assert f"it is {aside} now" in said
    assert not os.path.lexists(store)
    assert os.path.lexists(aside)
    assert store_place.asides(store) == [aside]


def test_a_folder_and_nothing_at_all_are_left_alone(store: Path) -> None:
    assert store_place.clear(store) == ""
    store.mkdir()
    assert store_place.clear(store) == ""
    assert store_place.asides(store) == []


def test_what_was_stored_below_a_disk_goes_beside_with_the_owner_of_its_folder(store: Path) -> None:
    (store / "spool").mkdir(parents=True)
    (store / "spool" / "cache.db").write_text("unsent")
    (store / "lost+found").mkdir()
    store.with_name("outpost.was-9").mkdir()
    said = store_place.uncover(store, store.parent / "move")
    aside = store.with_name("outpost.was-10")
    assert f"is in {aside} now" in said
    assert (aside / "spool" / "cache.db").read_text() == "unsent"
    assert (aside.stat().st_mode & 0o777, aside.stat().st_uid) == (0o700, store.stat().st_uid)
    assert [path.name for path in store.iterdir()] == ["lost+found"]
    assert [path.name for path in store_place.asides(store)] == ["outpost.was-9", "outpost.was-10"], "the oldest first"


def test_below_a_disk_nothing_is_touched_that_is_of_a_move_or_not_there(store: Path) -> None:
    move = store.parent / "move"
    store.mkdir()
    assert store_place.uncover(store, move) == ""
    (store / "spool").mkdir()
    move.touch()
    assert "move-store ends it" in store_place.uncover(store, move)
    assert (store / "spool").is_dir()
    assert store_place.asides(store) == []


def test_a_disk_that_is_not_mounted_hides_nothing(store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (store / "spool").mkdir(parents=True)
    monkeypatch.setattr(store_place, "STORE", store)
    assert store_place.main(["--below"]) == 0
    assert (capsys.readouterr().err, store_place.asides(store)) == ("", [])


def test_what_cannot_be_moved_is_said(store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(30, "Read-only file system")

    store.write_text("oops")
    monkeypatch.setattr(store_place, "STORE", store)
    monkeypatch.setattr(Path, "rename", refuse)
    assert store_place.main([]) == 1
    assert "Read-only file system" in capsys.readouterr().err

"""The last config that ran well reaches the disk whole, once, and only when the unit was ready."""

import logging
import os
import random
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent import config_kept
from agent.adapters import whole_file
from agent.adapters.last_config import LastConfig
from agent.core.effects import Notify
from tests.power.platter import Platter
from tests.power.tape import record

HOME = Path(__file__).parents[2]
READY, NOT_YET = Notify(True, "running"), Notify(False, "starting")

TWICE = """
import sys
from pathlib import Path
from agent.adapters import whole_file
where = Path(sys.argv[1]) / "last_config.json"
for content in (b"a" * 5000, b"b" * 9000):
    whole_file.replace(where, content, 0o600, durable=True)
    print(content[:1].decode(), flush=True)
"""


@contextmanager
def keeping(where: Path, content: bytes) -> Iterator[LastConfig]:
    kept = LastConfig(where, content)
    kept.start()
    try:
        yield kept
    finally:
        kept.close()


def wait_for(look: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(250):
        if look():
            return
        pause.wait(0.02)
    raise AssertionError("not within 5 s")


def test_it_is_written_when_the_unit_is_ready_for_its_user_only(tmp_path: Path) -> None:
    where = tmp_path / config_kept.NAME
    with keeping(where, b"one") as kept:
        kept.perform(NOT_YET)
        assert not where.exists()
        kept.perform(READY)
        wait_for(where.exists)
    assert where.read_bytes() == b"one"
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [config_kept.NAME]  # noqa: PTH208  names are all that is asked


def test_a_unit_that_never_was_ready_leaves_what_was_there(tmp_path: Path) -> None:
    where = tmp_path / config_kept.NAME
    where.write_bytes(b"good")
    with keeping(where, b"worse"):
        pass
    assert where.read_bytes() == b"good"


def test_what_lies_there_already_is_not_written_again(tmp_path: Path) -> None:
    """A card has only so many writes, and a car starts several times a day."""
    where = tmp_path / config_kept.NAME
    where.write_bytes(b"one")
    before = where.stat()
    with keeping(where, b"one") as kept:
        kept.perform(READY)
        wait_for(lambda: not kept._thread.is_alive())
    after = where.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_disk_that_does_not_take_it_is_no_more_than_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING), keeping(tmp_path / "file" / config_kept.NAME, b"one") as kept:
        kept.perform(READY)
        wait_for(lambda: not kept._thread.is_alive())
    assert "a broken config file would stop the unit at its next start" in caplog.text


def test_a_half_that_was_left_by_a_cut_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f"{config_kept.NAME}.new").write_bytes(b"ha")
    whole_file.replace(tmp_path / config_kept.NAME, b"whole", 0o600, durable=True)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(config_kept.NAME, b"whole")]


def test_after_a_power_cut_at_any_moment_it_is_the_old_one_or_the_new_one_whole(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    tape = record([sys.executable, "-c", TWICE, str(root)], root, tmp_path / "trace", HOME)
    (root / config_kept.NAME).unlink()
    platter, said, seen = Platter(str(root), strict=True), b"", set()
    for index, entry in enumerate(tape):
        if entry.what == "said":
            said = entry.data
        else:
            platter.step(entry)
        for variant in ("none", "all", "torn"):
            with tempfile.TemporaryDirectory() as there:
                platter.write_to(Path(there), variant, random.Random(f"{index}/{variant}"))
                file = Path(there) / config_kept.NAME
                found = file.read_bytes() if file.exists() else b""
            assert found in (b"", b"a" * 5000, b"b" * 9000), f"cut after {entry}: {found[:20]!r}…"
            assert found[:1] >= said, f"{said!r} was on the disk, and a cut took it"
            seen.add(found[:1])
    assert seen == {b"", b"a", b"b"}

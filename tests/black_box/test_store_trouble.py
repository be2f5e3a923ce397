"""What a card can do: no store at all, a damaged one, one that another agent has. The alarm reaches the centre in all of them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from agent.wire.records import Alarm, FaultRecord, Gap, Presence
from simulator.bench import car_config
from simulator.bench.car_config import Options
from tests.black_box.desk import OUTPOST, PATIENCE_S, QUICK, Desk, until

CELLAR = "mount -t tmpfs -o ro none {path} && exec {command}"
"""A file system of its own that is read-only, seen by this process and its children only."""


def works_without_a_store(desk: Desk) -> None:
    """It is ready, says that nothing is durable, and carries an alarm to the centre and its answer back."""
    desk.run_online()
    told = desk.hear_fault("store.down", "raised")
    print(f"store.down: {told.detail}")
    assert "state" in (told.detail or "")
    since = desk.heard
    desk.press()
    alarm = desk.hear(Alarm, lambda r: r.state == "raised", since)
    desk.release()
    desk.centre.acknowledge(desk.options.unit, alarm.id)
    desk.hear(Alarm, lambda r: r.id == alarm.id and r.state == "acknowledged")
    assert (desk.status() or {})["unit"]["ready"] is True
    page = desk.page()
    assert "store.down" in page
    assert "nothing is durable" in page
    assert desk.terminate() == 0


def test_a_state_directory_that_cannot_be_made_costs_durability_and_nothing_else(desk: Desk) -> None:
    """Below a file: so it fails for root too, whom no mode of a directory stops."""
    (desk.directory / "file").write_text("no directory")
    desk.configure(f'path = "{desk.directory}/state"', f'path = "{desk.directory}/file/state"')
    works_without_a_store(desk)


def test_a_state_directory_on_a_read_only_file_system_costs_durability_and_nothing_else(desk: Desk) -> None:
    state = desk.directory / "state"
    state.mkdir()
    unshare = shutil.which("unshare")
    probe = [unshare or "", "-m", "sh", "-c", CELLAR.format(path=state, command="true")]
    if unshare is None or subprocess.run(probe, capture_output=True, timeout=PATIENCE_S, check=False).returncode:
        pytest.skip("no mount namespace of our own here: needs unshare and its rights (root in CI)")
    script = CELLAR.format(path=state, command=f'{" ".join(OUTPOST)} "$@"')
    desk.command = [unshare, "-m", "sh", "-c", script, "outpost"]
    works_without_a_store(desk)


def test_a_damaged_store_is_set_aside_and_told_and_the_unit_works(tmp_path: Path) -> None:
    """Killed with a live alarm and a backlog, then a third of the file is overwritten."""
    with Desk(tmp_path / "car", Options(rate_hz=10, commit_interval_s=1.0, more=QUICK.more)) as desk:
        desk.run_online()
        desk.line.cut()
        desk.press()
        desk.told("a backlog", lambda s: s["outbox"]["waiting"]["backfill"] >= 3 and s["outbox"]["waiting"]["alarm"] >= 1)
        desk.release()
        desk.all_on_disk()
        assert desk.terminate() == 0

        file = desk.directory / "state" / "spool" / "cache.db"
        size = file.stat().st_size
        with file.open("r+b") as damaged:
            for place in range(1024, size, 3072):
                damaged.seek(place)
                damaged.write(b"\xa5" * 1024)
        desk.line.restore()
        boot = desk.run_online()
        told = desk.hear(FaultRecord, lambda r: r.boot == boot and r.code == "store.damaged" and r.state == "raised")
        print(f"store.damaged: {told.detail}")
        gap = desk.hear(Gap, lambda r: r.boot == boot and r.why == "store_damaged")
        print(f"gap: {gap.what}, count {gap.count}")
        aside = [path.name for path in (desk.directory / "state").iterdir()]
        assert any(name != "spool" and name.startswith("spool") and name != "spool.lock" for name in aside), aside
        assert "store.damaged" in desk.page()
        desk.all_on_disk()

        since = desk.heard
        alarm = desk.raise_alarm()  # of the old latch, when it could be saved, else a new one: in both cases somebody hears
        assert desk.hear(Alarm, lambda r: r.boot == boot and r.id == alarm, since)
        desk.kill_agent()
        after = desk.run_online()
        desk.hear(Alarm, lambda r: r.boot == after and r.id == alarm)


def test_a_second_agent_on_one_store_says_so(tmp_path: Path) -> None:
    """It runs (its buttons must work), and names the process that has the store; the first is not disturbed."""
    with Desk(tmp_path / "car", QUICK) as desk:
        desk.run_online()
        text = car_config.text(Options(unit="car-2"), tmp_path, desk.directory, desk.line.url)
        cut = text.index("\n[[input]]")
        (tmp_path / "second.toml").write_text(text[:cut])
        with (tmp_path / "second.log").open("wb") as log:
            second = subprocess.Popen([*OUTPOST, "run", "-c", str(tmp_path / "second.toml")], stdout=log, stderr=log)
        try:
            desk.hear(Presence, lambda r: r.unit == "car-2" and r.online)
            told = desk.hear(FaultRecord, lambda r: r.unit == "car-2" and r.code == "store.down" and r.state == "raised")
            print(f"the second: {told.detail}")
            assert f"in use by process {desk.pid}" in (told.detail or "")
            page = until("its page", lambda: _page(tmp_path / "second.toml"))
            assert f"in use by process {desk.pid}" in page
        finally:
            second.terminate()
            assert second.wait(PATIENCE_S) == 0
        assert (desk.status() or {})["outbox"]["store"] == "open"
        desk.raise_alarm()


def _page(config: Path) -> str:
    return subprocess.run([*OUTPOST, "status", "-c", str(config)], capture_output=True, text=True, timeout=PATIENCE_S, check=False).stdout

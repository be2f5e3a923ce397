"""A config file that is missing or half-written: a unit that has run well once has its button, and says what is wrong."""

import subprocess
from pathlib import Path

import pytest

from agent import config_kept
from agent.wire.records import Alarm, FaultRecord, Presence
from tests.black_box.desk import OUTPOST, PATIENCE_S, Desk, until


def kept(desk: Desk) -> Path:
    return desk.directory / "state" / config_kept.NAME


@pytest.fixture
def ran_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """It has run as a service once, and ended in order."""
    (desk.directory / "state").mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(desk.directory / "state"))
    desk.run_online()
    until("its config is kept", kept(desk).exists)
    assert desk.terminate() == 0
    return desk


def run_with_the_last(desk: Desk, says: str) -> None:
    """It is ready, its button makes an alarm that the centre hears, and everybody who asks is told what is wrong."""
    before = kept(desk).stat()
    boot = desk.run_online()
    told = desk.hear(FaultRecord, lambda r: r.code == "config.fallback" and r.state == "raised" and r.boot == boot)
    assert str(desk.config_file) in (told.detail or "")
    assert says in (told.detail or "")
    since = desk.heard
    desk.press()
    alarm = desk.hear(Alarm, lambda r: r.state == "raised", since)
    desk.release()
    assert (alarm.unit, alarm.source) == (desk.options.unit, "driver")
    until("the bar plays response", lambda: desk.flashes(desk.lives[-1].started_at))
    desk.hear_fix()
    page = desk.page()
    assert "config.fallback: the config file cannot be used" in page
    assert says in page
    why = outpost(desk, "why", "--lang", "en", "--json")
    assert why.returncode == 1
    assert "config.fallback" in why.stdout
    assert says in why.stdout
    assert "config.wrong" not in why.stdout, "once is enough"
    check = outpost(desk, "check")
    assert check.returncode == 2
    assert says in check.stderr
    desk.centre.acknowledge(desk.options.unit, alarm.id)
    desk.centre.clear(desk.options.unit, alarm.id, "test")
    desk.hear(Alarm, lambda r: r.id == alarm.id and r.state == "cleared")
    assert desk.terminate() == 0
    after = kept(desk).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "the last good config is not touched"


def outpost(desk: Desk, command: str, *words: str) -> "subprocess.CompletedProcess[str]":
    line = [*OUTPOST, command, *words, "-c", str(desk.config_file)]
    return subprocess.run(line, env=desk.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_a_missing_config_is_replaced_by_the_last_that_ran_well_and_told(ran_well: Desk) -> None:
    whole = ran_well.config_file.read_text()
    ran_well.config_file.unlink()
    run_with_the_last(ran_well, "there is no such file")

    ran_well.config_file.write_text(whole)
    boot = ran_well.run_online()
    ran_well.hear_fix(ran_well.heard)
    assert "config.fallback" not in ran_well.faults(), "it went with the start that found the file right"
    told = [r for r in ran_well.centre.ledger.records("fault") if isinstance(r, FaultRecord) and r.boot == boot]
    assert not [r for r in told if r.code == "config.fallback"]


def test_a_half_written_config_is_replaced_by_the_last_that_ran_well_and_told(ran_well: Desk) -> None:
    """Cut in the middle of the panic button's own lines, as by a power cut while it was saved."""
    whole = ran_well.config_file.read_text()
    ran_well.config_file.write_text(whole[: whole.index("hold_s") + 4])
    run_with_the_last(ran_well, "not TOML")


def test_an_empty_config_is_replaced_by_the_last_that_ran_well_and_told(ran_well: Desk) -> None:
    """What a power cut leaves of a file that was saved and not flushed."""
    ran_well.config_file.write_text("")
    run_with_the_last(ran_well, "unit.id: missing")


def test_a_unit_that_never_ran_well_ends_with_exit_2(desk: Desk) -> None:
    desk.config_file.unlink()
    done = outpost(desk, "run")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{desk.config_file}: there is no such file")


def test_the_config_of_another_unit_that_is_wrong_is_not_replaced(ran_well: Desk) -> None:
    """A card that is made ready for another car: an alarm in the old name would send help to the wrong one."""
    since = ran_well.heard
    ran_well.configure(f'id = "{ran_well.options.unit}"', 'id = "car-2"')
    ran_well.configure("hold_s = 0.5", "hold_s = 50")
    done = outpost(ran_well, "run")
    assert done.returncode == 2
    assert 'is of unit "car-1", but the file says "car-2"' in done.stderr
    assert not [r for r in ran_well.centre.records()[since:] if isinstance(r.record, Presence) and r.record.online]


def test_a_key_that_others_may_read_costs_the_link_and_not_the_button(desk: Desk, tmp_path: Path) -> None:
    """It is used by nobody; the bar lights, and the alarm waits on disk for a link."""
    files = {"ca": "ca.pem", "cert": "unit.pem", "key": "unit.key"}
    for name in files.values():
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    lines = "\n".join(f'{key} = "{tmp_path / name}"' for key, name in files.items())
    desk.configure(f'endpoints = ["{desk.line.url}"]', f'endpoints = ["mqtts://127.0.0.1:{desk.line.port}"]\n{lines}')
    desk.run()
    until("its config is kept", kept(desk).exists)
    assert desk.terminate() == 0
    (tmp_path / "unit.key").chmod(0o644)
    desk.run()
    assert "others than its owner have access" in desk.faults()["config.fallback"]
    desk.press()
    waiting = desk.told("the alarm waits", lambda s: s["outbox"]["waiting"]["alarm"] and not s["outbox"]["unstored"])
    assert waiting["alarm"]["state"] == "raised"
    until("the bar plays response", lambda: desk.flashes(desk.lives[-1].started_at))
    assert (desk.status() or {})["link"]["connects"] == 0
    assert desk.terminate() == 0

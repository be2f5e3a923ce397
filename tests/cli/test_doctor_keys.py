"""The keys in `outpost doctor` and `outpost check`: each stray by its name, and a root that forgets what is put there."""

from pathlib import Path

import pytest

from agent.cli import doctor_keys, parser
from agent.cli.doctor_check import Check
from agent.cli.doctor_words import DOCTOR
from agent.cli.why_words import Words

EN = Words("en", DOCTOR)
CONFIG = '[unit]\nid = "JD-0417"\n[mqtt]\nendpoints = ["mqtt://localhost"]\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "agent.toml"
    file.write_text(CONFIG)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ca.crt").write_text("x")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    return file


def checks(config: Path) -> list[Check]:
    return doctor_keys.keys(config, EN, config.parent / "proc")


def test_keys_that_can_all_be_handed_over_pass(config: Path) -> None:
    assert [(check.result, check.code) for check in checks(config)] == [("pass", "keys")]


def test_a_unit_without_a_folder_of_keys_has_nothing_to_say(config: Path) -> None:
    (config.parent / "keys" / "ca.crt").unlink()
    (config.parent / "keys").rmdir()
    assert checks(config) == []


def test_each_stray_is_named_by_doctor_and_by_check(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "keys" / "unit:old.key").write_text("x")
    (config.parent / "keys" / "backup.tar").write_bytes(b"x" * 100_000)
    found = checks(config)
    assert [(check.result, check.code) for check in found] == [("warn", "keys"), ("warn", "keys")]
    assert parser.main(["check", "-c", str(config)]) == 0
    noted = capsys.readouterr().out
    for check, name in zip(found, ("backup.tar", "unit:old.key"), strict=True):
        assert name in check.what
        assert f"note: {check.what}" in noted


@pytest.mark.parametrize(
    ("source", "cmdline", "warned"),
    [
        ("overlayroot", "quiet", True),
        ("overlay", "boot=overlay quiet", True),
        ("overlay", "overlayroot=tmpfs", True),
        ("overlay", "quiet", False),  # of a container, on a disk
    ],
)
def test_an_overlay_that_forgets_is_a_warning(config: Path, source: str, cmdline: str, warned: bool) -> None:
    (config.parent / "proc" / "self" / "mountinfo").write_text(f"22 1 0:20 / / rw - overlay {source} rw\n")
    (config.parent / "proc" / "cmdline").write_text(f"{cmdline}\n")
    assert ("keys.overlay" in [check.code for check in checks(config)]) == warned

"""The unit files, as systemd itself judges them without running them: no word that it does not know, and little exposure."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parent.parent / "systemd"
UNITS = sorted(path.name for path in SYSTEMD.iterdir() if path.suffix in (".service", ".target", ".path", ".mount", ".timer", ".socket"))

EXPOSURE_MAX = 1.5
PROGRAM = "/opt/outpost/[a-z]+/bin/"

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze command: apt install systemd")


def analyzed(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """All of them, with programs that this machine has."""
    for name in UNITS:
        text = re.sub(rf"^(Exec\w+=[-+!@:]*){PROGRAM}[\w-]+", r"\1/bin/true", (SYSTEMD / name).read_text("utf-8"), flags=re.MULTILINE)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_in_a_unit(units: Path, name: str) -> None:
    """Names of devices and mounts that are not here are no mistakes."""
    done = analyzed("verify", "--man=no", "--recursive-errors=no", units / name)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_mistake_in_a_unit_is_found(units: Path) -> None:
    """So what is shown above can fail."""
    unit = units / "outpost.service"
    unit.write_text(unit.read_text("utf-8").replace("ProtectHome=yes", "ProtectHomes=yes"), "utf-8")
    assert "ProtectHomes" in analyzed("verify", "--man=no", "--recursive-errors=no", unit).stderr


@pytest.mark.parametrize("name", ["outpost.service", "outpost-clock.service", "outpost-keys-stage.service", "outpost-place.service"])
def test_a_service_that_runs_is_exposed_no_more_than_it_must(units: Path, name: str) -> None:
    done = analyzed("security", "--offline=true", "--no-pager", f"--threshold={round(EXPOSURE_MAX * 10)}", units / name)
    said = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert said is not None, done.stderr
    assert float(said[1]) <= EXPOSURE_MAX, done.stdout
    assert done.returncode == 0

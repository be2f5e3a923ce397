"""The headless demo as anybody runs it: the real agent process, a real broker, a kill -9; and its report."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.bench.brokers import find_mosquitto, find_nats

BROKERS = [
    pytest.param("mosquitto", marks=pytest.mark.skipif(find_mosquitto() is None, reason="no Mosquitto here")),
    pytest.param("nats", marks=pytest.mark.skipif(find_nats() is None, reason="no NATS here")),
]


def demo(*words: str, within_s: float = 85) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", "demo", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=within_s, stdin=subprocess.DEVNULL, check=False)


def processes_of(directory: Path) -> list[str]:
    """Command lines that name that directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in line:
            found.append(line)
    return found


@pytest.mark.timeout(90)
@pytest.mark.parametrize("broker", BROKERS)
def test_the_story_loses_nothing_and_says_so(broker: str, tmp_path: Path) -> None:
    kept, report = tmp_path / "kept", tmp_path / "story.json"
    ran = demo("--headless", "--for", "15", "--broker", broker, "--report", str(report), "--keep", str(kept))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told: dict[str, Any] = json.loads(report.read_text())
    assert told["ok"]
    assert all(told["checks"].values())
    assert told["versions"]["broker"] == broker
    fixes, uncommitted = told["fixes"], told["fixes"]["uncommitted_before_kill"]
    assert fixes["lost"] == []
    assert fixes["delivered"] >= 8
    assert fixes["emitted"] == fixes["delivered"] + fixes["no_agent"] + fixes["unplugged"] + uncommitted["count"]
    assert uncommitted["oldest_s"] <= uncommitted["bound_s"] <= 3.0
    assert fixes["no_agent"] <= 6
    during_cut, at_kill = told["alarms"]
    assert told["alarms_lost"] == 0
    assert told["link"]["first_after_restore"] == {"kind": "alarm", "state": "raised", "id": during_cut["id"]}
    assert 0 <= during_cut["after_link_ms"] < 2000
    assert at_kill["hold_ms"] <= at_kill["press_to_centre_ms"] < at_kill["hold_ms"] + 1000
    assert at_kill["latched_through_kill"]
    assert [life["boot"] for life in told["agent"]["lives"]] == at_kill["boots"]
    assert all(alarm["acknowledged_at_s"] < alarm["cleared_at_s"] for alarm in told["alarms"])
    assert [life["killed"] for life in told["agent"]["lives"]] == [True, False]
    assert "everything held" in ran.stdout
    assert processes_of(kept) == []
    assert (kept / "agent.log").exists()


def test_without_a_terminal_the_live_demo_says_what_to_do_instead() -> None:
    ran = demo()
    assert ran.returncode == 2
    assert "--headless" in ran.stderr


def test_a_report_is_for_the_headless_story(tmp_path: Path) -> None:
    assert demo("--report", str(tmp_path / "x.json")).returncode == 2


def test_a_directory_that_is_not_empty_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    ran = demo("--headless", "--keep", str(tmp_path))
    assert ran.returncode == 2
    assert "not an empty directory" in ran.stderr

"""`outpost doctor` beside a real agent: what it finds of one that is well, of one whose line is cut, and of one that is gone."""

import json
import subprocess
import time
from typing import Any

from tests.black_box.desk import OUTPOST, Desk, until

DOCTOR_S_MAX = 30.0
"""What the command promises."""


def examined(desk: Desk, *words: str) -> tuple[dict[str, dict[str, Any]], int]:
    """Its checks by code, and its exit code."""
    before = time.monotonic()
    done = subprocess.run(
        [*OUTPOST, "doctor", "--json", "-c", str(desk.config_file), *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=desk.environment,
    )
    assert time.monotonic() - before < DOCTOR_S_MAX
    return {check["code"]: check for check in json.loads(done.stdout)["checks"]}, done.returncode


def test_a_unit_that_is_well_a_cut_line_and_an_agent_that_is_gone(desk: Desk) -> None:
    desk.run_online()
    desk.hear_fix()
    desk.told("a position is acknowledged", lambda s: s["outbox"]["ack_ms"] is not None and s["clock"]["src"] != "none")
    found, _ = examined(desk, "--lang", "en")
    well = (
        *("agent", "clock", "store", "wiring.driver", "wiring.ignition"),
        *("gnss.receiver", "gnss.satellites", "link.state", "link.trip", "faults"),
    )
    assert {code: found[code]["result"] for code in well} == dict.fromkeys(well, "pass")
    assert "never passed" in found["walk_test.driver"]["what"]
    assert found["commissioned"]["result"] == "warn"

    desk.line.cut()
    desk.told("no link", lambda s: s["link"]["state"] != "online")
    found, code = examined(desk, "--lang", "zh")
    assert code == 1
    assert found["link.state"]["result"] == "fail"
    assert [name for name in found if name.startswith("link.")][:2] == ["link.state", "link.dns"]

    desk.kill_agent()
    until("it is gone", lambda: desk.pid is None)
    found, code = examined(desk)
    assert code == 1
    assert found["agent"]["result"] == "fail"
    assert found["wiring"]["result"] == "skip"

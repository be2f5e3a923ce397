"""A thread that dies ends the process: no adapter may be dead while the others go on as if nothing were wrong."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.records import Presence
from simulator.bench.car_config import BAR, LAMP_PIN
from tests.black_box.desk import Desk, until
from tests.black_box.dying_agent import SEAMS


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A car whose agent is not running, with a live alarm in its store: the bar flashes soon after each start."""
    with Desk(tmp_path_factory.mktemp("threads") / "car") as desk:
        desk.run_online()
        desk.raise_alarm()
        assert desk.terminate() == 0
        yield desk


def provoke(desk: Desk, seam: str) -> None:
    """Give the thread something to do, where it would sleep for longer."""
    match seam:
        case "spool":
            desk.press()
        case "socket":
            desk.status()
        case "broker":
            desk.press()
        case "broker-connect":
            desk.line.cut()


@pytest.mark.parametrize("seam", sorted(SEAMS))
def test_a_thread_that_dies_ends_the_agent_with_exit_1_within_a_second(alarmed: Desk, tmp_path: Path, seam: str) -> None:
    """Bound: 1 s from the exception to the end of the process; the outputs at their safe level before nobody drives them."""
    desk, trigger = alarmed, tmp_path / "now"
    desk.command = [sys.executable, "-m", "tests.black_box.dying_agent", seam, str(trigger)]
    boot = desk.run()
    desk.hear(Presence, lambda r: r.online and r.boot == boot)
    until("the bar flashes", lambda: desk.flashes(desk.lives[-1].started_at))
    try:
        trigger.touch()
        provoke(desk, seam)
        code, ended_at = desk.wait_ended()
    finally:
        desk.release()
        desk.line.restore()
    died_at = float(trigger.with_suffix(".died").read_text())
    print(f"{seam}: ended {ended_at - died_at:.2f} s after its thread had died")
    assert code == 1
    assert ended_at - died_at <= 2
    said = desk.log.read_text().rpartition(boot)[2]
    assert f"thread {SEAMS[seam].thread}" in said
    assert f"a test spoiled {SEAMS[seam].function}" in said, "why it died stands in the log"
    for _, _, pin in BAR:
        assert [d.level for d in desk.wiring.history(pin)][-2:] == [0, None], "dark, and then nobody drives it"
    assert [d.level for d in desk.wiring.history(LAMP_PIN)][-2:] == [0, None]


def test_after_all_that_the_alarm_is_still_live(alarmed: Desk) -> None:
    alarmed.command = [sys.executable, "-m", "agent"]
    alarmed.run_online()
    assert (alarmed.status() or {})["alarm"]["state"] == "raised"

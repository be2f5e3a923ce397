"""However the agent ends, its outputs end at their safe level: killed, hung, or with a thread dead, while the bar plays response.

The board is the worst one: what a dead process drove stays so. (On the other kind the pins become inputs, and their resistors decide.)
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.bench.car_config import BAR, LAMP_PIN, Options
from tests.black_box.desk import PATIENCE_S, Desk, until
from tests.black_box.supervisor import Supervisor
from tests.timing import best_of

FLOOD_PIN, MARK_PIN = 12, 6
MORE = f"""
[[output]]
id = "flood"
pin = {FLOOD_PIN}
active = "low"
safe = "on"

[[output]]
id = "mark"
use = "recorder_mark"
pin = {MARK_PIN}
active = "low"
"""

SAFE = {**{pin: 0 for _, _, pin in BAR}, LAMP_PIN: 0, FLOOD_PIN: 0, MARK_PIN: 1}
"""The safe level of every output: off, but of the flood light, which is on at a low pin; the mark is off at a high one."""

KILLED_S, HUNG_S = 1.0, 11.0


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A car without an agent, whose store holds a live alarm: the bar plays response soon after each start."""
    with Desk(tmp_path_factory.mktemp("safe") / "car", Options(outputs_keep=True)) as desk:
        desk.config_file.write_text(desk.config_file.read_text() + MORE)
        desk.run_online()
        desk.raise_alarm()
        assert desk.terminate() == 0
        yield desk


def levels(desk: Desk) -> dict[int, int | None]:
    return {pin: desk.wiring.level(pin) for pin in SAFE}


def wait_for_response(desk: Desk, agent: Supervisor) -> None:
    """Until this agent plays the alarm's show: what its life before did is history."""
    began = agent.started_at
    until("the bar plays response", lambda: desk.flashes(began))


def stop_while_lit(desk: Desk, agent: Supervisor) -> float:
    """SIGSTOP at a moment at which one of the flashing lights is on, so that it stays on unless somebody does something; when that was."""
    pause = threading.Event()
    for _ in range(1000):
        pause.wait(0.03)
        at = time.monotonic()
        os.kill(agent.pid, signal.SIGSTOP)
        until("it is stopped", lambda: Path(f"/proc/{agent.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        pause.wait(0.02)  # what it had said is taken
        if any(desk.wiring.level(pin) == 1 for _, _, pin in BAR):
            return at
        os.kill(agent.pid, signal.SIGCONT)
    raise AssertionError("the bar does not flash")


def safe_after_s(desk: Desk, since: float) -> float:
    """Seconds from `since` until the last output came to its safe level and stayed there, by the stamps of those who drove them."""
    took_s = 0.0
    for pin, safe in SAFE.items():
        driven = desk.wiring.history(pin)
        last_unsafe = max((i for i, one in enumerate(driven) if one.level != safe), default=-1)
        took_s = max(took_s, driven[last_unsafe + 1].at - since)
    return took_s


def ended(desk: Desk, agent: Supervisor, since: float) -> float:
    """Wait for the end and what comes after it; all outputs are safe, and stay so; how long that took."""
    assert agent.cleaned.wait(PATIENCE_S)
    assert agent.clean_up_code == 0, desk.log.read_text()[-1000:]
    until("the bench has heard all", lambda: desk.wiring.agents == 0)
    assert levels(desk) == SAFE
    took_s = safe_after_s(desk, since)
    cleaning_s = agent.cleaned_at - agent.ended_at
    print(f"safe after {took_s:.2f} s; the process ended after {agent.ended_at - since:.2f} s, cleaning up took {cleaning_s:.2f} s")
    return took_s


def killed(desk: Desk) -> float:
    with Supervisor(desk) as agent:
        wait_for_response(desk, agent)
        stop_while_lit(desk, agent)
        since = time.monotonic()
        os.kill(agent.pid, signal.SIGKILL)
        took_s = ended(desk, agent, since)
    assert agent.exit_code == -signal.SIGKILL
    return took_s


def hung(desk: Desk) -> float:
    with Supervisor(desk) as agent:
        wait_for_response(desk, agent)
        since = stop_while_lit(desk, agent)
        lit = {pin for _, _, pin in BAR if desk.wiring.level(pin) == 1}
        assert not agent.cleaned.wait(5), "nobody knows yet"
        assert all(desk.wiring.level(pin) == 1 for pin in lit), "and what it drove shines on"
        took_s = ended(desk, agent, since)
    assert agent.aborted
    # Python's fault handler, which prints where the threads are, is sometimes hit by one that has just been woken: no matter, it ends.
    assert agent.exit_code in (-signal.SIGABRT, -signal.SIGSEGV)
    return took_s


def died(desk: Desk, trigger: Path) -> float:
    desk.command = [sys.executable, "-m", "tests.black_box.dying_agent", "outputs", str(trigger)]
    with Supervisor(desk) as agent:
        wait_for_response(desk, agent)
        trigger.touch()
        assert agent.cleaned.wait(PATIENCE_S)
        took_s = ended(desk, agent, float(trigger.with_suffix(".died").read_text()))
    assert agent.exit_code == 1
    return took_s


def test_after_kill_9_every_output_is_safe_within_a_second(alarmed: Desk) -> None:
    assert best_of(lambda: killed(alarmed), KILLED_S) <= KILLED_S


def test_after_a_hang_every_output_is_safe_within_eleven_seconds(alarmed: Desk) -> None:
    """The watchdog finds it ten seconds after the last sign of life; that may be two seconds old when it hangs."""
    assert best_of(lambda: hung(alarmed), HUNG_S) <= HUNG_S


def test_after_the_death_of_the_outputs_own_thread_every_output_is_safe_within_a_second(alarmed: Desk, tmp_path: Path) -> None:
    turns = iter(range(10))
    before = alarmed.command
    try:
        assert best_of(lambda: died(alarmed, tmp_path / f"now{next(turns)}"), KILLED_S) <= KILLED_S
    finally:
        alarmed.command = before


def test_an_end_in_order_leaves_every_output_driven_safe(alarmed: Desk) -> None:
    """And not as an input, which gpiozero would make of each when its objects go."""
    alarmed.run()
    until("the bar plays response", lambda: alarmed.flashes(alarmed.lives[-1].started_at))
    assert alarmed.terminate() == 0
    until("the bench has heard all", lambda: alarmed.wiring.agents == 0)
    assert levels(alarmed) == SAFE


def test_without_the_clean_up_the_lamps_of_a_dead_agent_shine_on(alarmed: Desk) -> None:
    """So what is shown above is the clean-up's doing, and not the bench's."""
    alarmed.run()
    until("the bar plays response", lambda: alarmed.flashes(alarmed.lives[-1].started_at))
    alarmed.kill_agent()
    until("the bench has heard all", lambda: alarmed.wiring.agents == 0)
    left = levels(alarmed)
    assert left != SAFE
    assert not alarmed.wiring.wait_for(lambda: levels(alarmed) != left, 0.5)

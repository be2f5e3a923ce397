"""The agent and its broker killed at random moments, with traffic: a short slice of it, and, soaked, the whole and the planted defects."""

from pathlib import Path

import pytest

from agent.wire.records import Alarm
from simulator.bench.brokers import find_mosquitto
from simulator.reckoning import Life
from tests.chaos.judge import judge_presses
from tests.chaos.play import Press
from tests.chaos.run import chaos
from tests.chaos.schedule import lives
from tests.chaos.tapped_agent import DEFECTS

mosquitto = pytest.mark.skipif(find_mosquitto() is None, reason="no Mosquitto: apt install mosquitto")


@mosquitto
def test_a_slice_of_chaos_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    verdict = chaos(tmp_path, seed=1, kills=6, broker_kills=2)
    print(f"\n{verdict}")
    assert not verdict.broken


@pytest.mark.soak
@mosquitto
@pytest.mark.parametrize("seed", [11, 12])
def test_three_hundred_kills_of_the_agent_and_fifty_of_the_broker_lose_nothing(tmp_path: Path, seed: int) -> None:
    """In two halves."""
    verdict = chaos(tmp_path, seed, kills=155, broker_kills=27)
    print(f"\nseed {seed}\n{verdict}")
    assert not verdict.broken


@pytest.mark.soak
@mosquitto
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found(tmp_path: Path, defect: str) -> None:
    """In the file at once; whether anything is missing at the centre too depends on what the kills happen to meet."""
    verdict = chaos(tmp_path, seed=1, kills=16, broker_kills=8, defect=defect)
    print(f"\n{defect}: {DEFECTS[defect]}\n{verdict}")
    assert any("on disk, and" in broken for broken in verdict.broken)


def test_the_same_seed_gives_the_same_schedule_with_as_many_kills_as_asked() -> None:
    plan = lives(5, 300, 50)
    assert plan == lives(5, 300, 50)
    assert plan != lives(6, 300, 50)
    assert len(plan) == 300
    assert sum(deed.what == "broker" for life in plan for deed in life.deeds) == 50
    assert {life.end for life in plan} == {"start", "commit", "drain", "any"}


# --- the judge of alarms ------------------------------------------------------------------------------------------------------------

BOOT = "0" * 16


def alarm(mono_s: float, state: str = "raised", seq: int = 1) -> Alarm:
    return Alarm(
        unit="car-1",
        kind="alarm",
        boot=BOOT,
        seq=seq,
        mono=round(mono_s * 1000),
        id=f"{BOOT}-1",
        cause="panic",
        source="driver",
        mode="overt",
        state=state,  # type: ignore[arg-type]  # the callers' literals
        n=1,
    )


LIFE = Life(10.0, 20.0, killed=True)
PRESS = Press(12.0, 13.0)


def test_an_alarm_is_due_when_the_button_was_down_long_enough() -> None:
    assert judge_presses([PRESS], [LIFE], [10.5], [alarm(12.5)], {}) == (1, 0, [])
    due, _, missing = judge_presses([PRESS], [LIFE], [10.5], [], {})
    assert (due, len(missing)) == (1, 1)


def test_no_alarm_is_due_when_the_agent_was_killed_first_or_the_button_let_go() -> None:
    for press in (Press(19.2, 21.0), Press(12.0, 12.55), Press(8.0, 10.4)):
        assert judge_presses([press], [LIFE], [10.5], [], {}) == (0, 1, [])


def test_a_button_that_is_still_down_raises_the_alarm_in_the_next_life() -> None:
    """Due when the next agent has first read its inputs, and half a second has passed."""
    lives_of_two = [LIFE, Life(20.5)]
    due, _, missing = judge_presses([Press(19.6, 23.0)], lives_of_two, [10.5, 21.0], [], {})
    assert (due, len(missing)) == (1, 1)
    assert judge_presses([Press(19.6, 23.0)], lives_of_two, [10.5, 21.0], [alarm(21.5)], {}) == (1, 0, [])


def test_a_repeat_from_memory_is_no_proof_of_a_press_and_a_stored_one_is() -> None:
    repeat = alarm(12.5, "repeated", seq=7)
    assert judge_presses([PRESS], [LIFE], [10.5], [repeat], {}).missing
    assert not judge_presses([PRESS], [LIFE], [10.5], [repeat], {f"{BOOT}-7": 0}).missing

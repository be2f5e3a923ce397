"""`outpost idle` against a real local socket: its exit code says whether a restart would interrupt an alarm."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import parser
from tests.cli.test_status import Agent

CALM = {"alarm": False, "ready": True}
ALARM = {"alarm": True, "ready": True}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock")
    yield made
    made.close()


def idle(path: Path, *words: str) -> int:
    return parser.main(["idle", "-s", str(path), *words])


def test_nothing_is_interrupted_when_no_alarm_is_live(agent: Agent) -> None:
    agent.body = CALM
    assert idle(agent.path) == 0
    assert agent.asked == [{"ask": "restart"}]


def test_an_agent_that_does_not_run_is_not_interrupted(tmp_path: Path) -> None:
    assert idle(tmp_path / "none.sock") == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ALARM, "an alarm is live"),
        (CALM | {"ready": False}, "the agent is starting"),
        ({"alarm": None, "ready": True}, "an alarm is live"),
        ({"error": "only root may ask this; use sudo"}, "only root may ask this"),
        ({"error": "cannot answer 'restart'"}, "cannot answer"),
    ],
)
def test_whatever_is_not_surely_calm_is_told_and_exit_code_1(
    agent: Agent, body: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.body = body
    assert idle(agent.path) == 1
    assert said in capsys.readouterr().err


def test_it_waits_for_the_end_of_the_alarm(agent: Agent) -> None:
    agent.body = ALARM
    done: list[int] = []
    waiting = threading.Thread(target=lambda: done.append(idle(agent.path, "--wait", "60")))
    waiting.start()
    while not agent.asked:
        threading.Event().wait(0.01)
    assert done == []
    agent.body = CALM
    waiting.join(30.0)
    assert done == [0]


def test_it_waits_no_longer_than_it_is_told(agent: Agent) -> None:
    agent.body = ALARM
    assert idle(agent.path, "--wait", "0.3") == 1
    assert len(agent.asked) > 1


@pytest.mark.parametrize("words", [("--wait", "-1"), ("--wait", "nan"), ("--wait", "soon")])
def test_a_wait_that_is_no_time_is_a_mistake(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert idle(tmp_path / "none.sock", *words) == 2

"""A commissioning that is cut short: what was done is kept, gone on with; a machine that died in cranking is that step's FAIL."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import commission_progress, parser
from tests.cli.test_commission_steps import CONFIG, FILE
from tests.cli.test_walk_test import Agent

LIFE, NEXT_LIFE = "11111111-aaaa", "22222222-bbbb"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock", CONFIG)
    lives(made, LIFE, monkeypatch)
    (tmp_path / "agent.toml").write_text(FILE.format(socket=made.path, store=tmp_path))
    yield made
    made.close()


def lives(agent: Agent, life: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's present life."""
    file = agent.path.parent / "boot_id"
    file.write_text(f"{life}\n")
    monkeypatch.setattr(commission_progress.Progress.__init__, "__defaults__", (file,))


def commission(agent: Agent, *only: str, **answers: str) -> int:
    place = agent.path.parent
    (place / "answers.json").write_text(json.dumps({name.replace("__", "."): answer for name, answer in answers.items()}))
    words = ["--lang", "en", "--wait", "1", "--answers", str(place / "answers.json"), "-o", str(place / "report")]
    return parser.main(["commission", "-c", str(place / "agent.toml"), *words, *(word for name in only for word in ("--only", name))])


def cut(agent: Agent, monkeypatch: pytest.MonkeyPatch, *only: str) -> None:
    """Somebody, or the power, ends it while the engine is started."""

    def ended() -> dict[str, float]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("agent.adapters.supply.voltages", ended)
        assert commission(agent, *only) == 1
    assert kept(agent) == ["-".join(["car-1", *only, "unfinished"])], "and there is no report"


def kept(agent: Agent) -> list[str]:
    return sorted(path.name for path in (agent.path.parent / "report").iterdir())


def report(agent: Agent) -> dict[str, Any]:
    (file,) = (agent.path.parent / "report").glob("*.json")
    return json.loads(file.read_text())  # type: ignore[no-any-return]  # a report


ONLY = ("clock", "crank")


def test_a_machine_that_goes_down_in_cranking_keeps_what_was_done_and_that_is_its_fail(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cut(agent, monkeypatch, *ONLY)
    lives(agent, NEXT_LIFE, monkeypatch)
    assert commission(agent, *ONLY) == 1
    told = report(agent)
    assert (told["result"], told["sittings"]) == ("failed", 2)
    clock, crank = told["steps"]
    assert (clock["name"], clock["tries"]) == ("clock", 1)
    assert (crank["result"], crank["lines"][0]["what"]["en"]) == ("fail", "the whole machine went down in it")
    assert "1 of 2 steps are done" in capsys.readouterr().out
    assert not [name for name in kept(agent) if name.endswith("unfinished")]


def test_one_that_somebody_ended_is_gone_on_with_and_the_step_is_done_again(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(agent, monkeypatch, *ONLY)
    commission(agent, *ONLY)
    told = report(agent)
    assert [step["name"] for step in told["steps"]] == list(ONLY)
    assert told["sittings"] == 2
    assert told["steps"][1]["result"] == "pass"


def test_who_begins_anew_begins_anew(agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cut(agent, monkeypatch, *ONLY)
    capsys.readouterr()
    commission(agent, *ONLY, resume="n")
    assert "step 1 of 2: clock" in capsys.readouterr().out
    assert report(agent)["sittings"] == 1


@pytest.mark.parametrize("change", ["config", "steps", "damage"])
def test_what_is_of_another_config_or_other_steps_or_damaged_is_not_gone_on_with(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    cut(agent, monkeypatch, *ONLY)
    file = agent.path.parent / "agent.toml"
    if change == "config":
        file.write_text(file.read_text().replace("pin = 6", "pin = 7"))
    elif change == "damage":
        (agent.path.parent / "report" / "car-1-clock-crank-unfinished").write_bytes(b'{"of": 5')
    commission(agent, *(ONLY if change != "steps" else ONLY[1:]))
    assert report(agent)["sittings"] == 1


def test_a_place_that_cannot_be_written_is_told_before_the_first_step(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    (agent.path.parent / "report").write_text("a file")
    assert commission(agent, *ONLY) == 1
    out = capsys.readouterr().out
    assert "the report cannot be saved" in out
    assert "step 1" not in out

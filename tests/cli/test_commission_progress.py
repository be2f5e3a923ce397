"""A commissioning that is cut short: what was done is kept, gone on with; a machine that died in cranking is that step's FAIL."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from agent.cli import commission_progress, parser
from agent.cli.commission_talk import Answers, Stopped
from tests.cli.test_commission_steps import CONFIG, FILE
from tests.cli.test_walk_test import Agent

LIFE, NEXT_LIFE = "11111111-aaaa", "22222222-bbbb"

pytestmark = pytest.mark.usefixtures("quick")
ENGINE = {"crank.engine": "y", "crank.started": "y"}


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
    (place / "answers.json").write_text(json.dumps(ENGINE | {name.replace("__", "."): answer for name, answer in answers.items()}))
    words = ["--lang", "en", "--wait", "1", "--answers", str(place / "answers.json"), "-o", str(place / "report")]
    return parser.main(["commission", "-c", str(place / "agent.toml"), *words, *(word for name in only for word in ("--only", name))])


class PowerCut(BaseException):
    """The machine is off: nothing is put back any more, and nothing said."""


def cut(agent: Agent, monkeypatch: pytest.MonkeyPatch, *only: str, by: type[BaseException] = PowerCut) -> None:
    """The power, or somebody, ends it while the engine is started."""

    def ended() -> dict[str, float]:
        raise by

    with monkeypatch.context() as patch:
        patch.setattr("agent.adapters.supply.voltages", ended)
        with nullcontext() if by is KeyboardInterrupt else pytest.raises(by):
            assert commission(agent, *only) == 1
    assert kept(agent) == ["-".join(["car-1", *only, "unfinished"])], "and there is no report"


def cut_at(question: str, agent: Agent, monkeypatch: pytest.MonkeyPatch, *only: str) -> None:
    """The power goes while that question stands there."""
    ask = Answers.ask

    def asked(self: Answers, key: str, text: str) -> str:
        if key == question:
            raise PowerCut
        return ask(self, key, text)

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(Answers, "ask", asked)
        commission(agent, *only)


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
    assert crank["tries"] == 1
    out = capsys.readouterr().out
    assert "1 of 2 steps are done" in out
    assert out.count("then start the engine at once") == 1, "in the first sitting"
    assert not [name for name in kept(agent) if name.endswith("unfinished")]


def test_a_machine_that_is_switched_off_when_cranking_was_judged_has_not_gone_down_in_it(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key is turned off: the natural end of the last thing that was asked for."""
    cut_at("step.crank.again", agent, monkeypatch, *ONLY)
    lives(agent, NEXT_LIFE, monkeypatch)
    capsys.readouterr()
    commission(agent, *ONLY)
    crank = report(agent)["steps"][1]
    assert (crank["result"], crank["tries"]) == ("pass", 1)
    out = capsys.readouterr().out
    assert "start the engine" not in out, "it is not done again"
    assert "PASS  the agent ran through it" in out
    assert "PASS. [Enter] go on   [r] once more" in out


@pytest.mark.parametrize("question", ["step.crank", "crank.engine", "crank.start"])
def test_a_machine_that_is_switched_off_before_the_engine_was_started_has_not_gone_down_in_it(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """"Engine off" is what was asked for."""
    cut_at(question, agent, monkeypatch, *ONLY)
    lives(agent, NEXT_LIFE, monkeypatch)
    commission(agent, *ONLY)
    assert report(agent)["steps"][1]["result"] == "pass"


def test_one_that_goes_down_before_somebody_has_said_that_the_engine_runs_has(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were slow with the key."""
    cut_at("crank.started", agent, monkeypatch, *ONLY)
    lives(agent, NEXT_LIFE, monkeypatch)
    assert commission(agent, *ONLY) == 1
    assert report(agent)["steps"][1]["result"] == "fail"


def test_a_machine_that_goes_down_in_another_step_is_that_steps_fail(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_at("outputs.lamp", agent, monkeypatch, "clock", "outputs")
    lives(agent, NEXT_LIFE, monkeypatch)
    assert commission(agent, "clock", "outputs") == 1
    clock, outputs = report(agent)["steps"]
    assert [clock["name"], outputs["name"], outputs["tries"]] == ["clock", "outputs", 1]
    (line,) = outputs["lines"]
    assert (line["result"], line["code"]) == ("fail", "outputs")
    assert line["what"] == {"en": "the machine went down in this step: outputs", "zh": "本步骤（outputs）进行中整机断电重启"}


def test_a_step_in_which_it_went_down_may_be_done_once_more(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_at("outputs.lamp", agent, monkeypatch, "outputs")
    lives(agent, NEXT_LIFE, monkeypatch)
    answers = iter(["r", ""])
    ask = Answers.ask
    monkeypatch.setattr(
        Answers, "ask", lambda self, key, text: next(answers) if key == "step.outputs.again" else ask(self, key, text)
    )
    assert commission(agent, "outputs", outputs__lamp="y") == 0
    (outputs,) = report(agent)["steps"]
    assert (outputs["result"], outputs["tries"]) == ("pass", 2)


@pytest.mark.parametrize("end", [KeyboardInterrupt, Stopped])
def test_who_ends_it_by_hand_may_switch_off(agent: Agent, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]) -> None:
    """Ctrl-C in a step, a lost terminal, a shutdown (which sends SIGTERM): and the machine is off until tomorrow."""

    def asked(self: Answers, key: str, text: str) -> str:
        if key == "outputs.lamp":
            raise end
        return ""

    with monkeypatch.context() as patch:
        patch.setattr(Answers, "ask", asked)
        assert commission(agent, "outputs") == 1
    lives(agent, NEXT_LIFE, monkeypatch)
    assert commission(agent, "outputs", outputs__lamp="y") == 0
    assert report(agent)["steps"][0]["result"] == "pass"


def test_one_that_somebody_ended_is_gone_on_with_and_the_step_is_done_again(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(agent, monkeypatch, *ONLY, by=KeyboardInterrupt)
    commission(agent, *ONLY)
    told = report(agent)
    assert [step["name"] for step in told["steps"]] == list(ONLY)
    assert told["sittings"] == 2
    assert told["steps"][1]["result"] == "pass"


@pytest.mark.parametrize(("first", "then", "both"), [(True, True, True), (False, True, False), (True, False, False)])
def test_somebody_was_there_when_they_were_in_each_sitting(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, first: bool, then: bool, both: bool
) -> None:
    """A file of answers does eight steps, and a person comes for the last one."""
    monkeypatch.setattr(Answers, "attended", first)
    cut(agent, monkeypatch, *ONLY)
    monkeypatch.setattr(Answers, "attended", then)
    commission(agent, *ONLY)
    assert report(agent)["attended"] is both


def test_who_begins_anew_begins_anew(agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Also when the machine went down in between: whoever begins anew starts the engine anew."""
    cut(agent, monkeypatch, *ONLY)
    lives(agent, NEXT_LIFE, monkeypatch)
    capsys.readouterr()
    commission(agent, *ONLY, resume="n")
    assert "step 1 of 2: clock" in capsys.readouterr().out
    assert report(agent)["sittings"] == 1
    assert report(agent)["steps"][1]["result"] == "pass"


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

"""Steps of `outpost commission` against a real local socket with the real core behind it; what happens, happens when the command looks."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import parser
from agent.cli.commission_talk import Answers, LeftOut
from agent.cli.commission_talk import left_out as left_out_of
from agent.cli.commission_walk import AgentGone, Section, Walk
from agent.config import Config, Input, InputUse, Mqtt, Output
from agent.config import Unit as UnitSection
from agent.core.events import AlarmChanged, FaultSeen, InputChanged, Levels
from tests.cli.test_walk_test import Agent, Deed

FILE = """
[unit]
id = "car-1"
[mqtt]
endpoints = ["mqtt://broker.example"]
[socket]
path = "{socket}"
[store]
path = "{store}"
[[input]]
id = "battery"
use = "low_voltage"
pin = 5
[[input]]
id = "door"
pin = 6
[[input]]
id = "driver"
use = "panic"
pin = 17
[[output]]
id = "lamp"
use = "panic_lamp"
pin = 13
"""
CONFIG = Config(
    unit=UnitSection(id="car-1"),
    mqtt=Mqtt(endpoints=("mqtt://broker.example",)),
    input=(
        Input(id="battery", use=InputUse.LOW_VOLTAGE, pin=5),
        Input(id="door", pin=6),
        Input(id="driver", use=InputUse.PANIC, pin=17),
    ),
    output=(Output(id="lamp", use="panic_lamp", pin=13),),
)

pytestmark = pytest.mark.usefixtures("quick")
ENGINE = {"crank.engine": "y", "crank.started": "y"}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock", CONFIG)
    yield made
    made.close()


def commission(
    agent: Agent, step: str, deeds: list[Deed], wait_s: float = 2.0, lang: str = "en", **answers: str
) -> tuple[int, dict[str, Any]]:
    """One step, and what the report says of it, by code; deeds are done one a look, after the first three."""
    place = agent.path.parent
    (place / "agent.toml").write_text(FILE.format(socket=agent.path, store=place))
    (place / "answers.json").write_text(json.dumps(ENGINE | {name.replace("__", "."): answer for name, answer in answers.items()}))
    agent.deeds += deeds
    words = ["--only", step, "--wait", str(wait_s), "--lang", lang, "--answers", str(place / "answers.json"), "-o", str(place / "report")]
    code = parser.main(["commission", "-c", str(place / "agent.toml"), *words])
    (file,) = (place / "report").glob("*.json")
    report = json.loads(file.read_text())
    return code, {line["code"]: line for line in report["steps"][0]["lines"]}


def reads(agent: Agent, name: str, use: str, active: bool) -> None:
    """An input is believed to read so."""
    now = time.monotonic()
    agent.unit.handle(InputChanged(now, name, use, active, now))


def levels(agent: Agent, **active: bool) -> None:
    """All inputs have been read."""
    now = time.monotonic()
    agent.unit.handle(Levels(now, active))
    agent.unit.handle(Levels(now + 1.0, active))


def test_a_battery_that_sags_while_the_engine_is_started_is_a_warning(agent: Agent) -> None:
    code, lines = commission(agent, "crank", [lambda a: reads(a, "battery", "low_voltage", True)])
    assert code == 0
    assert lines["crank.supply"]["result"] == "warn"
    assert "battery" in lines["crank.supply"]["do"]["en"]
    assert lines["crank.agent"]["result"] == "pass"


def test_an_agent_that_is_restarted_by_it_fails(agent: Agent) -> None:
    code, lines = commission(agent, "crank", [lambda a: a.start("1" * 16)])
    assert code == 1
    assert lines["crank.agent"]["result"] == "fail"


def result(agent: Agent) -> str:
    """Of the whole."""
    (file,) = (agent.path.parent / "report").glob("*.json")
    return str(json.loads(file.read_text())["result"])


def left_out(reason: str) -> dict[str, str]:
    return {"en": f"left out: {reason}", "zh": f"已跳过：{reason}"}


@pytest.mark.parametrize("question", ["crank__start", "crank__started", "crank__engine"])
def test_cranking_that_is_left_out_is_no_pass_and_the_reason_stands_there(agent: Agent, question: str) -> None:
    code, lines = commission(agent, "crank", [], 2.0, **{question: "s the key is lost"})
    assert code == 0
    assert {code: (line["result"], line["what"]) for code, line in lines.items()} == {"crank": ("skip", left_out("the key is lost"))}


def test_an_engine_that_did_not_start_shows_nothing(agent: Agent) -> None:
    code, lines = commission(agent, "crank", [], crank__started="n")
    assert code == 0
    assert {code: (line["result"], line["what"]["en"]) for code, line in lines.items()} == {"crank": ("skip", "the engine was not started")}
    assert result(agent) == "partial"


def test_an_agent_that_was_restarted_fails_though_the_engine_did_not_start(agent: Agent) -> None:
    code, lines = commission(agent, "crank", [lambda a: a.start("1" * 16)], crank__started="n")
    assert code == 1
    assert [line["result"] for line in lines.values()] == ["fail", "skip"]


def test_enter_is_no_yes_to_an_engine_that_has_started(agent: Agent) -> None:
    _, lines = commission(agent, "crank", [], crank__started="")
    assert {code: line["what"]["en"] for code, line in lines.items()} == {"crank": "left out: nobody was there to tell"}


def test_where_there_is_no_engine_nothing_of_it_is_left_out(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkpoint, a station: all that there is can be done there."""
    code, lines = commission(agent, "crank", [], crank__engine="n")
    assert code == 0
    assert {code: (line["result"], line["what"]) for code, line in lines.items()} == {
        "crank": ("skip", {"en": "there is no engine here: nothing to try", "zh": "这里没有发动机，不适用"})
    }
    undone = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("PARTIAL"))
    assert "link" in undone, "which was not asked for"
    assert "starting the engine" not in undone


def test_what_is_wrong_with_the_agent_at_the_end_fails_the_last_step_also_what_another_step_tells(agent: Agent) -> None:
    now = time.monotonic()
    agent.unit.handle(FaultSeen(now, "store.damaged", True, "the header"))
    agent.unit.handle(FaultSeen(now, "input.cut", True, "door"))
    code, lines = commission(agent, "faults", [])
    assert code == 1
    assert {name: line["result"] for name, line in lines.items()} == {
        "wiring.door": "fail", "fault.store.damaged": "fail", "version": "pass", "version.running": "warn",
    }
    assert "the header" in lines["fault.store.damaged"]["what"]["en"]
    (file,) = (agent.path.parent / "report").glob("*.json")
    assert json.loads(file.read_text())["version"] == "0", "of the agent that runs"


def battery_is_well(agent: Agent) -> None:
    agent.unit.handle(FaultSeen(time.monotonic(), "power.low", False))


def test_a_fault_that_goes_by_itself_is_waited_for(agent: Agent) -> None:
    agent.unit.handle(FaultSeen(time.monotonic(), "power.low", True, "battery"))
    _, lines = commission(agent, "faults", [battery_is_well])
    assert lines["faults"]["result"] == "pass"


@pytest.mark.parametrize(("answer", "reason"), [("s the button is not mounted yet", "the button is not mounted yet"), ("s", "-")])
def test_who_leaves_out_a_button_is_believed_and_the_reason_stands_there(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
) -> None:
    monkeypatch.setattr(Answers, "turn", lambda _: typed(left_out_of(answer)))
    code, lines = commission(agent, "panic", [])
    assert code == 0
    assert (lines["panic.driver"]["result"], lines["panic.driver"]["what"]) == ("skip", left_out(reason))
    assert result(agent) == "partial"
    assert agent.unit.panic.shown(time.monotonic())["walk_test"]["open"] is False


def typed(reason: str | None) -> None:
    """While something is waited for."""
    if reason is not None:
        raise LeftOut(reason)


def test_the_walk_test_is_on_a_lease_that_is_renewed(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle, the command leaves no car with its buttons set to test."""
    monkeypatch.setattr("agent.cli.commission_panic.RENEW_S", 0.0)
    commission(agent, "panic", [], 1.0)
    assert {"do": "walk_test", "lease_s": 15.0} in agent.asked
    assert {"do": "walk_test", "renew": True, "lease_s": 15.0} in agent.asked


def test_one_renewal_that_is_not_answered_in_time_ends_nothing(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.cli.commission_panic.RENEW_S", 0.0)
    do, slow = Walk.do, [True]

    def late(walk: Walk, action: str, **body: object) -> Section:
        if "renew" in body and slow:
            slow.clear()
            raise AgentGone(walk.sentence("agent_restarted"))
        return do(walk, action, **body)

    monkeypatch.setattr(Walk, "do", late)
    _, lines = commission(agent, "panic", [], 1.0)
    assert not slow
    assert lines["panic.driver"]["what"]["en"].startswith("driver: "), "it was followed to its end"


def test_a_walk_test_that_cannot_be_followed_is_stopped(agent: Agent) -> None:
    """So that a press that comes next is an alarm."""
    code, lines = commission(agent, "panic", [lambda a: a.start("1" * 16)])
    assert code == 1
    assert lines["panic"]["result"] == "fail"
    assert {"do": "walk_test", "stop": True} in agent.asked


def test_what_was_seen_before_somebody_had_enough_of_cranking_counts(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    restarted = agent.unit.boot

    def enough(_: Answers) -> None:
        if agent.unit.boot != restarted:
            raise LeftOut("it smokes")

    monkeypatch.setattr(Answers, "turn", enough)
    code, lines = commission(agent, "crank", [lambda a: a.start("1" * 16)])
    assert code == 1
    assert [(name, line["result"]) for name, line in lines.items()] == [("crank.agent", "fail"), ("crank", "skip")]


def test_nothing_that_happens_passes_though_no_voltage_is_measured(agent: Agent) -> None:
    code, lines = commission(agent, "crank", [])
    assert code == 0
    assert {name: line["result"] for name, line in lines.items() if name != "power.voltage"} == {
        "crank.agent": "pass",
        "crank.supply": "pass",
        "crank.voltage": "skip",
    }


def test_an_input_that_reads_on_while_nobody_works_it_is_the_wrong_way_round(agent: Agent) -> None:
    levels(agent, battery=True, door=True, driver=True)
    code, lines = commission(agent, "inputs", [], inputs__door__is_on="n", inputs__battery__is_on="n")
    assert code == 1
    for name in ("battery", "door", "driver"):
        assert lines[f"inputs.{name}"]["what"]["en"] == f'{name} reads the wrong way round (active = "low")'
        assert 'active = "high"' in lines[f"inputs.{name}"]["do"]["en"]


def test_an_input_whose_change_nobody_sees_is_not_found(agent: Agent) -> None:
    levels(agent, battery=False, door=False, driver=False)
    code, lines = commission(agent, "inputs", [], 1.0)
    assert code == 1
    assert lines["inputs.door"]["what"]["en"] == "door: no change seen in 1 s"
    assert lines["inputs.driver"]["result"] == "pass", "a panic button is pressed in its own step, where a press is a test"
    assert lines["inputs.driver"]["what"] == {"en": "driver: off at rest, as it should be", "zh": "driver：静止时为断开，正确"}
    assert lines["inputs.battery"]["result"] == "fail", "off at rest: a cut wire reads just so"


def test_a_contact_of_the_battery_passes_when_it_was_seen_both_ways(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    levels(agent, battery=False, door=False, driver=False)
    others = {"door": False, "driver": False}
    both = [lambda a: levels(a, battery=True, **others), lambda a: levels(a, battery=False, **others)]
    _, lines = commission(agent, "inputs", both, 2.0)
    assert lines["inputs.battery"]["what"]["en"] == "battery: found, both ways"
    assert "Make the low-battery contact `battery` read ON now: by its own device, or bridge its terminal (2 s)" in capsys.readouterr().out


def test_inputs_that_are_not_read_fail(agent: Agent) -> None:
    code, lines = commission(agent, "inputs", [])
    assert code == 1
    assert {line["what"]["en"] for line in lines.values()} == {f"{name} is not read" for name in ("battery", "door", "driver")}


def test_a_lamp_that_the_person_does_not_see_fails_and_one_left_out_is_so_with_the_reason(agent: Agent) -> None:
    _, lines = commission(agent, "outputs", [], outputs__lamp="n")
    assert lines["outputs.lamp"]["result"] == "fail"
    (agent.path.parent / "report").rename(agent.path.parent / "first")
    code, lines = commission(agent, "outputs", [], outputs__lamp="s no lamp yet")
    assert code == 0
    assert lines["outputs.lamp"] == {
        "result": "skip",
        "code": "outputs.lamp",
        "what": {"en": "left out: no lamp yet", "zh": "已跳过：no lamp yet"},
    }


def test_both_languages_of_a_line_tell_of_one_look(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supply that falls with each reading: said in two languages, it has one voltage."""
    readings = iter(range(500, 0, -1))
    monkeypatch.setattr("agent.adapters.supply.voltages", lambda _: {"EXT5V": next(readings) / 100})
    monkeypatch.setattr("agent.adapters.vitals.hottest_c", lambda _: next(readings) / 10)
    _, lines = commission(agent, "machine", [])
    for code, figure in (("power.voltage", "4.96"), ("power.heat", "50")):
        assert figure in lines[code]["what"]["en"]
        assert figure in lines[code]["what"]["zh"]


def test_enter_is_no_yes_to_what_only_an_eye_can_tell(agent: Agent) -> None:
    code, lines = commission(agent, "outputs", [])
    assert code == 0
    assert lines["outputs.lamp"]["what"]["en"] == "left out: nobody was there to tell"
    (file,) = (agent.path.parent / "report").glob("*.json")
    assert json.loads(file.read_text())["result"] == "partial"
    assert agent.unit.status(time.monotonic())["commissioned"]["result"] == "partial"


def test_a_supply_that_is_not_read_each_time_keeps_its_minimum(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [{"EXT5V": 5.1}, {"EXT5V": 4.2}, {}, {"ina219": 11.9}]
    monkeypatch.setattr("agent.adapters.supply.voltages", lambda: readings.pop(0) if readings else {"EXT5V": 5.0})
    code, _ = commission(agent, "crank", [])
    assert code == 1
    (file,) = (agent.path.parent / "report").glob("*.json")
    told = [line for line in json.loads(file.read_text())["steps"][0]["lines"] if line["code"] == "power.voltage"]
    volts = [(line["result"], line["what"]["en"].partition(",")[0]) for line in told]
    assert volts == [("fail", "EXT5V: 4.20 V"), ("pass", "ina219: 11.90 V")]


def test_while_an_alarm_is_live_outputs_are_refused_and_the_report_says_so(agent: Agent) -> None:
    agent.unit.handle(AlarmChanged(time.monotonic(), "a", "raised", "overt"))
    code, lines = commission(agent, "outputs", [])
    assert code == 1
    assert "an alarm is live" in lines["outputs.lamp"]["what"]["en"]


def test_a_walk_test_in_which_nobody_presses_ends_and_fails(agent: Agent) -> None:
    code, lines = commission(agent, "panic", [], 1.0)
    assert code == 1
    assert lines["panic.driver"]["what"]["en"] == "driver: no press was seen"
    assert agent.unit.panic.shown(time.monotonic())["walk_test"]["open"] is False

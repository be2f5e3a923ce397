"""Chinese pages with no English left: what a real core refuses and finds wrong, by a real local socket, as the commands print it."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.local_socket import LocalSocket
from agent.cli import ask, doctor_keys, doctor_link, doctor_unit, parser, why_findings
from agent.cli.doctor_words import DOCTOR
from agent.cli.why_words import Words
from agent.core.events import AlarmChanged, Antenna, LightsAsked, ReceiverUp, SpoolDown, Started
from agent.core.unit import Unit
from agent.wire.faults import FAULTS
from agent.wire.why_codes import CODES, Code
from agent.wire.whys import refused, why
from tests.cli.test_commission_steps import CONFIG, commission, levels
from tests.cli.test_walk_test import Agent, Read
from tests.core.builders import feed, fix, link_up, unit
from tests.wire.test_whys import example

ZH = Words("zh", DOCTOR)
ENGLISH = re.compile(r"[a-z]{2,}(?: [a-z]{2,}){2,}")
"""Three words in a row are a sentence of ours, or a part of one."""

COMMAND = re.compile(r"`[^`]*`|systemctl \w+ \w+")


def english(text: str) -> list[str]:
    """What is left in English, besides commands to type."""
    return ENGLISH.findall(COMMAND.sub("", text))


def test_a_sentence_is_seen_and_a_command_is_none() -> None:
    assert english("程序拒绝：the car moves: outputs are tried") == ["the car moves", "outputs are tried"]
    assert english("先看 `sudo outpost why`，status/io，`systemctl start outpost now`") == []


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock", CONFIG)
    yield made
    made.close()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Read:
    return capsys.readouterr


# --- commission -------------------------------------------------------------------------------------------------------------------------


def alarm(agent: Agent) -> None:
    agent.unit.handle(AlarmChanged(time.monotonic(), "a", "raised", "overt"))


def panic(agent: Agent) -> None:
    agent.hold("driver")


def drive(agent: Agent) -> None:
    agent.unit.handle(fix(time.monotonic(), speed_mps=9.0))


def lit(row: str) -> Callable[[Agent], None]:
    return lambda agent: agent.unit._dispatch(LightsAsked(time.monotonic(), row, "response"), [])


def walked(agent: Agent) -> None:
    ask.ask(str(agent.path), {"do": "walk_test"})


REFUSED: list[tuple[str, Callable[[Agent], None], str, str]] = [
    ("outputs", alarm, "outputs.lamp", "trial_alarm_live"),
    ("outputs", drive, "outputs.lamp", "trial_moving"),
    *(("outputs", lit(row), "outputs.lamp", f"trial_{row}") for row in ("hand", "panic", "task")),
    ("panic", panic, "panic", "walk_test_alarm_live"),
    ("panic", walked, "panic", "walk_test_open"),
]


@pytest.mark.parametrize(("step", "happens", "line", "code"), REFUSED, ids=[code for *_, code in REFUSED])
def test_a_refusal_is_in_the_report_in_both_languages_and_on_the_page_in_its_own(
    agent: Agent, printed: Read, step: str, happens: Callable[[Agent], None], line: str, code: Code
) -> None:
    happens(agent)
    exit_code, lines = commission(agent, step, [], 1.0, lang="zh")
    assert exit_code == 1
    said = why(code, show="response").said()
    assert said.en in lines[line]["what"]["en"]
    assert said.zh in lines[line]["what"]["zh"]
    assert [english(told["what"]["zh"] + told.get("do", {}).get("zh", "")) for told in lines.values()] == [[]] * len(lines)
    page = printed().out
    assert said.zh in page
    assert english(page) == []


def test_an_outage_that_is_refused_between_two_looks_is_told_in_both(agent: Agent, printed: Read) -> None:
    """The link is there when the command looks; the press comes before it asks."""
    agent.unit.link.state = type(agent.unit.link.state).ONLINE
    exit_code, lines = commission(agent, "link", [], 1.0, lang="zh")
    assert exit_code == 1
    said = why("outage_not_now").said()
    assert lines["link.outage"]["what"] == {"en": f"the agent refuses: {said.en}", "zh": f"程序拒绝：{said.zh}"}
    assert english(printed().out) == []


def break_off(agent: Agent) -> None:
    """The question that is under way gets no answer."""
    agent._socket.close()
    agent._socket = LocalSocket(str(agent.path), agent._events.put, time.monotonic)
    agent._socket.start()


def test_an_agent_that_is_gone_in_the_middle_is_told_in_both(agent: Agent, printed: Read) -> None:
    levels(agent, battery=False, door=False, driver=False)
    exit_code, lines = commission(agent, "inputs", [break_off], 5.0, lang="zh")
    assert exit_code == 1
    gone = lines["inputs"]["what"]
    assert "程序不再应答：" in gone["zh"]
    assert english(gone["zh"]) == []
    assert english(gone["en"]) != []
    assert english(printed().out) == []


# --- doctor and why ---------------------------------------------------------------------------------------------------------------------


def pages(body: dict[str, Any]) -> list[str]:
    """What both say of such a status."""
    checks = [*doctor_unit.gnss(body, ZH), doctor_unit.store(body, ZH), *doctor_link.link_told(body, [], ZH)]
    checks += doctor_unit.faults_now(body, ZH, checks)
    findings = why_findings.of_status(body, ZH)
    return [text for check in checks for text in (check.what, check.do)] + [
        text for finding in findings for text in (finding.what, finding.since, *finding.notes, finding.do)
    ]


@pytest.mark.parametrize("code", CODES)
def test_whatever_the_agent_says_of_a_fault_or_its_store_is_chinese_there(code: Code) -> None:
    said = example(code)
    fault = {"code": "gnss.jump", "detail": str(said), "why": said.told(), "since_s": 65.0}
    told = pages({"faults": [fault], "outbox": {"store": "down", "store_reason": str(said), "store_why": said.told()}})
    assert [english(text) for text in told] == [[]] * len(told)
    assert sum(said.said().zh in text for text in told) == 4, "twice of the fault, twice of the store"


def ill() -> Unit:
    """Nothing works, and each part says so."""
    told = unit(CONFIG)
    feed(told, Started(0.0), SpoolDown(0.1, why("store_in_use", path="/s", process="7")), ReceiverUp(0.2, "/dev/gnss"), link_up(0.3))
    feed(told, *(Antenna(float(at), "open") for at in range(1, 30)))
    told.advance(200.0)
    return told


def test_a_unit_of_which_everything_is_wrong_has_chinese_pages() -> None:
    body = ill().status(200.0)
    assert {fault["code"] for fault in body["faults"]} >= {"store.down", "inputs.silent", "gnss.silent", "gnss.antenna"}
    assert all(fault["code"] in FAULTS for fault in body["faults"])
    told = pages(body)
    assert [text for text in told if english(text)] == []
    assert any("/s 正被进程 7 使用" in text for text in told)


def test_an_agent_of_before_is_told_in_its_own_words() -> None:
    told = pages({"outbox": {"store": "down", "store_reason": "disk I/O error"}, "faults": [{"code": "gnss.jump", "detail": "9 m away"}]})
    assert "存储没有打开：disk I/O error" in told
    assert any(text.endswith("（9 m away）") for text in told)


def test_each_stray_among_the_keys_is_told_in_chinese(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (tmp_path / "agent.toml").write_text('[mqtt]\ncert = "credential:unit.crt"\nkey = "credential:unit.key"\n')
    for name, data in {"unit.crt": b"x", "unit.key": b"x", "a:b": b"", "n" * 101: b"", "large": b"x" * 70_000}.items():
        (keys / name).write_bytes(data)
    (keys / "folder").mkdir()
    (keys / "dangling").symlink_to("nowhere")
    checks = doctor_keys.keys(tmp_path / "agent.toml", ZH, tmp_path)
    assert len(checks) == 6
    assert [check.what for check in checks if english(check.what.replace("No such file or directory", ""))] == []


# --- no answer --------------------------------------------------------------------------------------------------------------------------


def answering(listener: socket.socket, data: bytes) -> threading.Thread:
    """Somebody else at the socket, who says that to one question."""

    def say() -> None:
        with listener.accept()[0] as sock:
            sock.recv(4096)
            sock.sendall(data)

    thread = threading.Thread(target=say, name="somebody", daemon=True)
    thread.start()
    return thread


NO_ANSWERS = (b"", b"hello\n", b"[]\n", b'{"error": "cannot answer"}\n', b'{"error": "x", "why": {"code": "root_only"}}\n')


@pytest.mark.parametrize("data", NO_ANSWERS)
def test_why_there_is_no_answer_is_chinese_in_doctor_and_why(tmp_path: Path, printed: Read, data: bytes) -> None:
    path, config = tmp_path / "agent.sock", tmp_path / "agent.toml"
    config.write_text(f'[unit]\nid = "car-1"\n[mqtt]\nendpoints = ["mqtt://127.0.0.1:1"]\n[store]\npath = "{tmp_path}"\n')
    for command in ("doctor", "why"):
        with socket.socket(socket.AF_UNIX) as listener:
            path.unlink(missing_ok=True)
            listener.bind(str(path))
            listener.listen()
            somebody = answering(listener, data)
            assert parser.main([command, "--lang", "zh", "-c", str(config), "-s", str(path)]) == 1
            somebody.join(5.0)
        page = printed().out
        assert f"{path} 的" in page
        assert english(page.replace("Expecting value", "")) == []


def test_a_refusal_is_denied_with_its_reason_in_both_languages(agent: Agent) -> None:
    with pytest.raises(ask.Denied) as denied:
        ask.ask(str(agent.path), {"do": "output.test", "output": "horn"})
    assert denied.value.reason == why("output_unknown", found="'horn'", known="lamp").said()
    assert str(denied.value) == f"the agent at {agent.path} answers: no output 'horn'; there are: lamp"
    assert refused(why("root_only"))["error"] == "only root may ask this; use sudo"

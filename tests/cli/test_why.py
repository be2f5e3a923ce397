"""`outpost why` against a real local socket with the real core behind it, in virtual time."""

import json
import os
import queue
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.local_socket import LocalSocket
from agent.cli import parser, why_findings
from agent.cli.why_words import Words
from agent.core.effects import Answer, Effect, Publish, ShowLights, Subscribe
from agent.core.events import (
    Acked,
    Asked,
    Event,
    FixMode,
    LightsShown,
    ReceiverDown,
    ReceiverHeard,
    ReceiverUp,
    SocketOpened,
    SpoolDown,
    Started,
    StopRequested,
    Subscribed,
)
from agent.core.pin_watch import PinWatch
from tests.core.builders import config, edge, fix, ignition_input, link_down, link_up, panic_input, spool_opened, timed_fix, unit
from tests.timing import PATIENCE_S

Read = Callable[[], Any]

WELL_AT = 20


def drive(first: int, last: int) -> list[Event]:
    """Each second a fix."""
    return [event for at in range(first, last + 1) for event in (ReceiverHeard(float(at), 3), timed_fix(float(at)))]


class Agent:
    """A real local socket, and the core in a loop; what is asked is asked at `now`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.unit = unit(config())
        next(part for part in self.unit.parts if isinstance(part, PinWatch))._watches = False  # nobody reads pins here each second
        self.body: dict[str, Any] | None = None
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._socket = LocalSocket(str(path), self._events.put, lambda: self.now)
        self._socket.start()
        self._thread = threading.Thread(target=self._run, name="core")
        self._thread.start()

    def _run(self) -> None:
        while event := self._events.get():
            if isinstance(event, SocketOpened):
                continue
            for effect in self.unit.handle(event):
                if isinstance(effect, Answer):
                    self._socket.perform(effect if self.body is None or not isinstance(event, Asked) else Answer(event.asker, self.body))

    def lives(self, *events: Event, acks: bool = True) -> None:
        """So it goes, until the last of these; outputs and broker do what is asked of them (`acks`: it takes all)."""
        waiting = deque(events)
        while waiting:
            event = waiting.popleft()
            self.now = event.at
            answers = [self._answer(event.at, effect, acks) for effect in self.unit.handle(event)]
            waiting.extendleft(answer for answer in reversed(answers) if answer is not None)

    def _answer(self, at: float, effect: Effect, acks: bool) -> Event | None:
        match effect:
            case ShowLights(outputs=outputs):
                return LightsShown(at, {name: pattern.name for name, pattern in outputs.items()})
            case Subscribe(attempt=attempt):
                return Subscribed(at, attempt)
            case Publish(token=token) if acks:
                return Acked(at, token)
        return None

    def well(self) -> None:
        """A unit of which nothing is wrong at WELL_AT."""
        opened = (Started(0.0), spool_opened(0.1), edge(0.2, False), edge(0.2, False, "ignition"), ReceiverUp(0.3, "/dev/serial0"))
        self.lives(*opened, link_up(0.5), *drive(1, WELL_AT))

    def close(self) -> None:
        self._events.put(None)
        self._thread.join(PATIENCE_S)
        self._socket.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock")
    yield made
    made.close()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Read:
    return capsys.readouterr


def outpost(*words: str | Path) -> int:
    return parser.main(["why", *map(str, words)])


def asked(agent: Agent, printed: Read, *words: str | Path) -> dict[str, Any]:
    """The report as JSON, in English unless it is said."""
    outpost("--lang", "en", *words, "--json", "-s", agent.path, "-c", agent.path.parent / "none.toml")
    return dict(json.loads(printed().out))


def codes(report: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in report["findings"]]


# --- an agent answers -------------------------------------------------------------------------------------------------------------------


def test_a_healthy_unit_says_so_with_the_three_facts_that_prove_it(agent: Agent, printed: Read) -> None:
    agent.well()
    assert outpost("--lang", "en", "-s", agent.path) == 0
    assert printed().out == (
        "car-1 is well: the broker acknowledges what it says.\n"
        "  link: online for 20 s, mqtt://a:1883\n"
        "  last acknowledgement of the broker (PUBACK): less than a minute ago\n"
        "  last fix: 0 s ago\n"
    )
    assert outpost("--lang", "zh", "-s", agent.path) == 0
    assert printed().out == (
        "car-1 正常：数据已得到服务器确认。\n"
        "  链路：在线 20 秒，mqtt://a:1883\n"
        "  服务器最近一次确认（PUBACK）：不到 1 分钟前\n"
        "  最近一次定位：0 秒前\n"
    )


def test_before_the_first_attempt_there_is_no_link_and_why_is_told(agent: Agent, printed: Read) -> None:
    agent.lives(Started(0.0))
    (finding,) = [found for found in asked(agent, printed)["findings"] if found["code"] == "link.waiting"]
    assert finding["notes"][0] == "mqtt://a:1883: not tried yet"


def test_a_link_that_is_being_made(agent: Agent, printed: Read) -> None:
    agent.lives(Started(0.0), spool_opened(0.1))
    assert "link.connecting" in codes(asked(agent, printed))


def test_a_link_that_failed_tells_endpoint_reason_next_attempt_what_waits_and_what_to_do(agent: Agent, printed: Read) -> None:
    agent.well()
    agent.lives(link_down(21.0, reason="no acknowledgement for 6 s"), timed_fix(22.0))
    agent.lives(link_down(23.0, attempt=2, reason="the name a cannot be resolved: Name or service not known"))
    report = asked(agent, printed)
    finding = next(found for found in report["findings"] if found["code"].startswith("link."))
    assert finding["code"] == "link.waiting"
    assert finding["since"] == ", for 2 s"
    reason, last_end, next_try, *_ = finding["notes"]
    assert reason == "mqtt://a:1883: the name a cannot be resolved: Name or service not known"
    assert last_end == "the last link ended: no acknowledgement for 6 s"
    assert re.fullmatch(r"next attempt in \d s", next_try)
    assert finding["do"].startswith("No network, or a wrong name")
    chinese = next(found for found in asked(agent, printed, "--lang", "zh")["findings"] if found["code"] == "link.waiting")
    assert chinese["notes"][:2] == ["mqtt://a:1883：无法解析域名 a（Name or service not known）", "上一次链路中断的原因：6 秒没有收到确认"]


def test_a_link_down_for_long_is_one_finding_and_not_two(agent: Agent, printed: Read) -> None:
    agent.well()
    agent.lives(link_down(21.0, reason="lost"), *drive(22, 100))
    found = [code for code in codes(asked(agent, printed)) if code.startswith("link.")]
    assert found == ["link.down"]
    assert any("that wait on this unit" in note for note in asked(agent, printed)["findings"][0]["notes"])


def test_a_link_on_which_nothing_was_acknowledged_is_not_called_well(agent: Agent, printed: Read) -> None:
    agent.lives(Started(0.0), spool_opened(0.1), ReceiverUp(0.3, "/dev/serial0"), link_up(0.5), *drive(1, 5), acks=False)
    report = asked(agent, printed)
    assert codes(report) == ["link.unproved"]
    assert report["lines"][1].endswith("none since the start")


def test_an_agent_that_stops_says_so(agent: Agent, printed: Read) -> None:
    agent.well()
    body = agent.unit.status(agent.now)
    agent.lives(StopRequested(21.0, "SIGTERM"))
    agent.unit.link.end()
    agent.body = body | {"link": agent.unit.link.status(21.0)}
    assert codes(asked(agent, printed)) == ["link.ended"]


def test_certificate_days_are_told_while_there_is_no_link() -> None:
    link = {"state": "waiting", "endpoint": "mqtts://a", "reason": "nobody listens at a:8883"}
    for days, told in ((12, "is good for 12 days"), (-3, "ended 3 days ago")):
        (finding,) = why_findings.of_status({"link": link, "certificate": {"days_left": days}}, Words("en"))
        assert told in finding.notes[1]


def test_a_receiver_without_a_port_explains_that_there_is_no_fix(agent: Agent, printed: Read) -> None:
    agent.well()
    agent.lives(ReceiverHeard(21.0, 3), fix(21.0, mode=FixMode.NONE), ReceiverDown(22.0, "/dev/serial0", "No such file"))
    agent.lives(ReceiverHeard(100.0, 0))
    report = asked(agent, printed)
    assert "gnss.port" in codes(report)
    assert "gnss.no_fix" not in codes(report)
    (finding,) = [found for found in report["findings"] if found["code"] == "gnss.port"]
    assert finding["notes"][0] == "detail: /dev/serial0: No such file"
    assert finding["notes"][-1] == "so there is no fix"


def test_an_unknown_time_tells_what_follows(agent: Agent, printed: Read) -> None:
    agent.lives(Started(0.0), spool_opened(0.1), edge(0.2, False), ReceiverUp(0.3, "/dev/serial0"), link_up(0.5), fix(1.0))
    (finding,) = asked(agent, printed)["findings"]
    assert finding["code"] == "time.unknown"
    assert "dated afterwards" in finding["notes"][0]


def test_a_store_that_fails_and_an_alarm_that_waits_come_before_the_link(agent: Agent, printed: Read) -> None:
    agent.well()
    agent.lives(link_down(21.0), SpoolDown(22.0, "disk I/O error"), edge(23.0, True), *drive(24, 25))
    report = asked(agent, printed)
    assert codes(report) == ["alarm.waiting", "store.down", "link.connecting"]
    assert report["findings"][1]["notes"] == ["detail: disk I/O error"]


def test_a_data_cap_tells_what_it_holds_and_until_when() -> None:
    body = {
        "faults": [{"code": "data.cap", "detail": "8.1 of 10 MB", "since_s": 5.0}],
        "link": {"state": "online", "endpoint": "mqtt://a", "since_s": 5.0},
        "outbox": {"waiting": {"backfill": 40, "event": 2}, "acked": 9},
        "data": {"spares": "history waits", "until": "2026-12-01"},
        "position": {"mode": "3d", "age_s": 1.0},
    }
    (finding,) = why_findings.of_status(body, Words("en"))
    assert finding.notes[1] == "records of history that wait until 2026-12-01: 40"
    held = "records that wait on this unit: 42 (track 40, events 2); on their way, history waits for the data cap until 2026-12-01"
    assert why_findings.more_facts(body, Words("en")) == [held]


def test_a_silent_alarm_does_not_show(agent: Agent, printed: Read) -> None:
    """With the link away, and with it."""
    agent.unit = unit(config(input=(panic_input(), panic_input("foot", mode="silent", pin=22), ignition_input())))
    agent.well()
    agent.lives(edge(20.1, False, "foot"), link_down(21.0), timed_fix(22.0))
    before = asked(agent, printed)
    agent.lives(edge(22.1, True, "foot"), timed_fix(23.5))
    assert agent.unit.status(agent.now)["alarm"]["state"] == "raised"
    after = asked(agent, printed)
    assert codes(after) == codes(before)
    assert "alarm" not in json.dumps(after["lines"] + after["findings"])
    assert "foot" not in json.dumps(after)


def test_a_config_file_that_is_wrong_by_now_is_told_of_a_unit_that_runs_still(agent: Agent, printed: Read) -> None:
    agent.well()
    file = agent.path.parent / "agent.toml"
    file.write_text('[unit]\nidd = "x"\nlanguage = "en"\n[socket]\npath = "agent.sock"\n')
    assert outpost("-c", file) == 1
    out = printed().out
    assert "car-1: one thing is wrong.\n 1 config.wrong: the config file is wrong: the next start will not take it\n" in out
    assert "agent.toml:2: unit.idd" in out


def test_an_agent_that_answers_with_an_error_is_not_well(agent: Agent, printed: Read) -> None:
    agent.body = {"error": "cannot answer"}
    assert outpost("--lang", "zh", "-s", agent.path) == 1
    assert "没有得到程序的正常应答" in printed().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not ask")
def test_who_may_not_ask_is_told_how_to_be_allowed(printed: Read) -> None:
    path = Path(f"/tmp/outpost-why-{os.getpid()}.sock")
    groups = os.getgroups()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen()
        try:
            os.setgroups([])
            os.setegid(65534)
            os.seteuid(65534)
            assert outpost("--lang", "zh", "-s", path) == 1
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)
            path.unlink()
    assert "sudo usermod -aG outpost $USER" in printed().out

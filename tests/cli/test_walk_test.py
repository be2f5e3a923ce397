"""`outpost walk-test` against a real local socket with the real core behind it; hands and centre act when the command looks."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.local_socket import LocalSocket
from agent.cli import parser
from agent.config import Config, Input, InputUse, Mqtt, WalkTest
from agent.config import Unit as UnitSection
from agent.core.effects import Answer
from agent.core.events import Asked, Event, InputHeld, OrderGiven, SocketOpened, SpoolOpened, Started
from agent.core.unit import Unit
from tests.timing import PATIENCE_S

Deed = Callable[["Agent"], None]
Read = Callable[[], Any]

CONFIG = Config(
    unit=UnitSection(id="car-1"),
    mqtt=Mqtt(endpoints=("mqtt://broker.example",)),
    input=(Input(id="driver", use=InputUse.PANIC, pin=17, seat="front_left"), Input(id="foot", use=InputUse.PANIC, pin=27, press="twice")),
    walk_test=WalkTest(window_s=60.0),
)


class Agent:
    """A real local socket, and the core in a loop; the next of `deeds` is done each time that somebody has asked how far the test is."""

    def __init__(self, path: Path, config: Config = CONFIG) -> None:
        self.path = path
        self.config = config
        self.deeds: list[Deed] = []
        self.asked: list[dict[str, Any]] = []
        self.forgets_leases = False
        self._orders = 0
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._socket = LocalSocket(str(path), self._events.put, time.monotonic)
        self._socket.start()
        self.start()
        self._thread = threading.Thread(target=self._run, name="core")
        self._thread.start()

    def start(self, boot: str = "0" * 16) -> None:
        self.unit = Unit(self.config, boot, "0")
        for event in (Started(time.monotonic()), SpoolOpened(time.monotonic(), {}, {})):
            self.unit.handle(event)

    def _run(self) -> None:
        while event := self._events.get():
            if isinstance(event, SocketOpened):
                continue
            answers = [effect for effect in self.unit.handle(event) if isinstance(effect, Answer)]
            if self.forgets_leases:
                answers = [Answer(a.asker, {k: v for k, v in a.body.items() if k != "lease_s"}) for a in answers]
            if isinstance(event, Asked):
                self.asked.append(event.request)
                if len(self.asked) > 3 and event.request == {"ask": "status"} and self.deeds:
                    self.deeds.pop(0)(self)
            for answer in answers:
                self._socket.perform(answer)

    def hold(self, button: str, held_s: float = 0.5) -> None:
        now = time.monotonic()
        self.unit.handle(InputHeld(now, button, "panic", held_s, now))

    def answer(self, alarm: int, by: str = "manual") -> None:
        self._orders += 1
        body = {"alarm": f"{self.unit.boot}-{alarm}", "by": by}
        self.unit.handle(OrderGiven(time.monotonic(), f"o-{self._orders}", "alarm.ack", body))

    def alarms(self) -> list[int]:
        """Numbers of the test alarms."""
        return [int(live.latch.id.rpartition("-")[2]) for live in self.unit.panic._test._trials.values()]

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
    return parser.main(["walk-test", *map(str, words)])


def passing() -> list[Deed]:
    """Both buttons, one after the other."""
    return [
        lambda a: a.hold("driver"),
        lambda a: a.answer(a.alarms()[0], "auto"),
        lambda a: a.answer(a.alarms()[0]),
        lambda a: a.hold("foot"),
        lambda a: a.answer(a.alarms()[1]),
    ]


def test_it_says_what_to_press_and_follows_each_button_to_the_centre(agent: Agent, printed: Read) -> None:
    agent.deeds = passing()
    assert outpost("-s", agent.path) == 0
    assert printed().out == (
        "The walk test is open for 1 min; Ctrl-C ends it. Press each button:\n"
        "  driver (front_left): hold it for 0.5 s\n"
        "  foot: hold it for 0.5 s, or press it twice\n"
        "A hold of 5 s is a real alarm. What waits:\n"
        "  driver: not pressed yet\n"
        "  foot: not pressed yet\n"
        "  driver: pressed; on its way\n"
        "  driver: the centre's software has it\n"
        "  driver: seen at the centre\n"
        "  foot: pressed; on its way\n"
        "The walk test is over: every button has passed. Presses are alarms again.\n"
        "PASS  driver: seen at the centre\n"
        "PASS  foot: seen at the centre\n"
    )


def test_json_is_one_object_for_each_change(agent: Agent, printed: Read) -> None:
    agent.deeds = passing()
    assert outpost("--json", "-s", agent.path) == 0
    told = [json.loads(line) for line in printed().out.splitlines()]
    assert told[0]["buttons"]["foot"] == {"seat": None, "hold_s": 0.5, "press": "twice"}
    assert [found["inputs"]["driver"] for found in told[1:]] == ["untried", "raised", "received", *["acknowledged"] * 3]
    assert told[-1] == {
        "open": False, "result": "passed", "ended": "done",
        "inputs": {"driver": "acknowledged", "foot": "acknowledged"},
    }


def test_an_alarm_ends_it(agent: Agent, printed: Read) -> None:
    agent.deeds = [lambda a: a.hold("driver", 5.0)]
    assert outpost("-s", agent.path) == 1
    assert printed().out.endswith(
        "The walk test is over: an alarm was raised: this is not a test any more. Presses are alarms again.\n"
        "FAIL  driver: not pressed yet\n"
        "FAIL  foot: not pressed yet\n"
    )


def test_it_cannot_begin_while_an_alarm_is_live(agent: Agent, printed: Read) -> None:
    agent.hold("driver")
    assert outpost("-s", agent.path) == 1
    assert "an alarm is live" in printed().err


def test_an_agent_that_is_started_afresh_has_no_test(agent: Agent, printed: Read) -> None:
    agent.deeds = [lambda a: a.start("1" * 16)]
    assert outpost("-s", agent.path) == 1
    assert printed().err == (
        "the agent was started afresh; the test is over with it, and a press is an alarm: look at `outpost status`\n"
    )


def test_without_an_agent_there_is_nothing_to_test(tmp_path: Path, printed: Read) -> None:
    assert outpost("-s", tmp_path / "agent.sock") == 3
    assert "not running" in printed().err


def test_a_config_file_that_cannot_be_read_is_a_mistake(tmp_path: Path, printed: Read) -> None:
    assert outpost("-c", tmp_path / "agent.toml") == 2
    assert "or name the agent's socket with -s" in printed().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_ctrl_c_a_lost_terminal_and_a_kill_end_the_test(agent: Agent, ctrl_c: None, number: signal.Signals) -> None:
    """Nobody leaves a car with its buttons set to test."""
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "walk-test", "-s", str(agent.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while "What waits" not in process.stdout.readline():
            pass
        process.send_signal(number)
        process.send_signal(number)  # impatience breaks off nothing of what is put back
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (1, "")
        assert "it was stopped" in out
    assert agent.asked[-1] == {"do": "walk_test", "stop": True}
    assert agent.unit.panic.status(0.0)["walk_test"]["ended"] == "stopped"


def test_a_reader_who_has_left_ends_the_test(agent: Agent, ctrl_c: None) -> None:
    """`outpost walk-test | head`: nobody sees any more that it is a test."""
    agent.deeds = [lambda a: a.hold("driver")]
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "walk-test", "-s", str(agent.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(PATIENCE_S), process.stderr.read() if process.stderr else "") == (1, "")
    assert agent.unit.panic.status(0.0)["walk_test"]["ended"] == "stopped"


def test_the_test_is_on_a_lease_that_is_renewed_while_we_are_there(agent: Agent, printed: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.cli.walk_test.RENEW_S", 0.0)
    agent.deeds = passing()
    assert outpost("-s", agent.path) == 0
    assert {"do": "walk_test", "lease_s": 15.0} in agent.asked
    assert agent.asked.count({"do": "walk_test", "renew": True, "lease_s": 15.0}) >= 4


def test_an_older_agent_that_knows_no_lease_is_asked_for_no_renewal(
    agent: Agent, printed: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take that for the wish to begin another test."""
    monkeypatch.setattr("agent.cli.walk_test.RENEW_S", 0.0)
    agent.forgets_leases = True
    agent.deeds = passing()
    assert outpost("-s", agent.path) == 0
    assert not [asked for asked in agent.asked if "renew" in asked]

"""The step of outputs, where lines watch the lights: each is judged for itself; lamps and sensors stand behind a real socket."""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.local_socket import LocalSocket
from agent.cli.commission_outputs import outputs
from agent.cli.commission_report import Step
from agent.cli.commission_talk import Answers
from agent.cli.commission_walk import LANGUAGES, Line, Walk
from agent.cli.commission_words import COMMISSION
from agent.cli.doctor_words import DOCTOR
from agent.cli.why_words import Words
from agent.config import Config, Input, InputUse, Mqtt, Output
from agent.config import Unit as UnitSection
from agent.core.effects import Answer
from agent.core.events import Asked, Event
from tests.timing import PATIENCE_S

LAMPS = ("red", "blue")


class Vehicle:
    """A bar with a red and a blue lamp; `eyes`: the lamps that each line sees; `stuck`: lines that see light always."""

    def __init__(self, path: Path, eyes: dict[str, tuple[str, ...]], senses: str | None = "bar") -> None:
        self.path = path
        self.eyes = eyes
        self.stuck: set[str] = set()
        self.refuses = ""
        self.config = Config(
            unit=UnitSection(id="car-1"),
            mqtt=Mqtt(endpoints=("mqtt://a",)),
            input=tuple(Input(id=name, use=InputUse.LIGHT_SENSE, pin=pin, senses=senses) for pin, name in enumerate(eyes, 20)),
            output=tuple(Output(id=lamp, use="light", group="bar", pin=pin) for pin, lamp in enumerate(LAMPS, 10)),
        )
        self._lit: object = None
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._socket = LocalSocket(str(path), self._events.put, time.monotonic)
        self._socket.start()
        self._thread = threading.Thread(target=self._run, name="vehicle")
        self._thread.start()

    def _run(self) -> None:
        while event := self._events.get():
            if isinstance(event, Asked):
                self._socket.perform(Answer(event.asker, self._answer(event.request)))

    def _answer(self, request: dict[str, object]) -> dict[str, object]:
        if request.get("do") == "output.test":
            if self.refuses:
                return {"error": self.refuses}
            self._lit = request.get("output")
            return {"done": "output.test"}
        return {"light_sense": {"lines": {name: name in self.stuck or self._lit in lamps for name, lamps in self.eyes.items()}}}

    def commissioned(self) -> dict[str, Line]:
        """The lines of the step, by code."""
        words = {name: Words(name, DOCTOR, COMMISSION) for name in LANGUAGES}
        walk = Walk(str(self.path), self.config, Answers(), words, "en", 1.0, time.monotonic)
        outputs(walk)
        return {line.code.removeprefix("outputs."): line for line in walk.lines}

    def close(self) -> None:
        self._events.put(None)
        self._thread.join(PATIENCE_S)
        self._socket.close()


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Vehicle]]:
    """Vehicles, whose lamps and lines are faster than real ones."""
    monkeypatch.setattr("agent.cli.commission_outputs.DARK_S", 1.3)
    monkeypatch.setattr("agent.cli.commission_outputs.SEEN_S", 0.3)
    there: list[Vehicle] = []

    class Kept(Vehicle):
        def __init__(self, eyes: dict[str, tuple[str, ...]], senses: str | None = "bar") -> None:
            super().__init__(tmp_path / "agent.sock", eyes, senses)
            there.append(self)

    yield Kept
    for vehicle in there:
        vehicle.close()


def said(lines: dict[str, Line]) -> dict[str, tuple[str, str]]:
    return {code: (line.result, line.what["en"]) for code, line in lines.items()}


def test_two_lines_that_see_the_whole_bar_pass_each(made: type) -> None:
    assert said(made({"front": LAMPS, "rear": LAMPS}).commissioned()) == {
        "red": ("pass", "red: commanded on, and seen by front, rear"),
        "blue": ("pass", "blue: commanded on, and seen by front, rear"),
        "eye.front": ("pass", "front: saw darkness, and then red, blue"),
        "eye.rear": ("pass", "rear: saw darkness, and then red, blue"),
    }


def test_a_line_that_was_never_wired_fails_though_another_sees_each_lamp(made: type) -> None:
    lines = made({"bar_seen": LAMPS, "dead_eye": ()}).commissioned()
    assert said(lines) == {
        "red": ("pass", "red: commanded on, and seen by bar_seen"),
        "blue": ("pass", "blue: commanded on, and seen by bar_seen"),
        "eye.bar_seen": ("pass", "bar_seen: saw darkness, and then red, blue"),
        "eye.dead_eye": ("fail", "dead_eye: saw none of the lamps that it watches"),
    }
    assert "outpost check" in lines["eye.dead_eye"].do["zh"]


def test_a_line_that_sees_one_lamp_of_its_group_passes(made: type) -> None:
    lines = said(made({"left": ("red",), "right": ("blue",)}).commissioned())
    assert lines["red"] == ("pass", "red: commanded on, and seen by left")
    assert lines["eye.right"] == ("pass", "right: saw darkness, and then blue")


def test_a_line_that_is_stuck_fails_and_the_lamps_are_judged_by_the_other(made: type) -> None:
    vehicle = made({"front": LAMPS, "rear": LAMPS})
    vehicle.stuck = {"rear"}
    assert said(vehicle.commissioned()) == {
        "red": ("pass", "red: commanded on, and seen by front"),
        "blue": ("pass", "blue: commanded on, and seen by front"),
        "eye.front": ("pass", "front: saw darkness, and then red, blue"),
        "eye.rear": ("fail", "rear: sees no darkness while all lights are commanded off"),
    }


def test_when_all_lines_are_stuck_nothing_is_known_of_the_lamps(made: type) -> None:
    vehicle = made({"front": LAMPS})
    vehicle.stuck = {"front"}
    assert {result for result, _ in said(vehicle.commissioned()).values()} == {"fail"}


def test_a_lamp_that_is_dark_fails_and_not_the_line_that_has_seen_the_other(made: type) -> None:
    lines = said(made({"front": ("red",)}).commissioned())
    assert lines["blue"] == ("fail", "blue: commanded on, and front sees no light")
    assert lines["eye.front"][0] == "pass"


def test_a_line_whose_lamps_were_all_refused_was_not_looked_at(made: type) -> None:
    vehicle = made({"front": LAMPS})
    vehicle.refuses = "the car moves"
    words = {name: Words(name, DOCTOR, COMMISSION) for name in LANGUAGES}
    walk = Walk(str(vehicle.path), vehicle.config, Answers(), words, "en", 1.0, time.monotonic)
    with pytest.raises(Exception, match="the car moves"):  # at the end, when the lights are to be put back
        outputs(walk)
    lines = {line.code: line for line in walk.lines}
    assert (lines["outputs.eye.front"].result, lines["outputs.eye.front"].left_out) == ("skip", True)
    assert not Step("outputs", {"en": "", "zh": ""}, [lines["outputs.eye.front"]], 1, None).whole


def test_a_line_that_watches_no_group_fails(made: type) -> None:
    """With two groups, and `senses` not set."""
    vehicle = made({"front": LAMPS}, None)
    vehicle.config = Config(
        unit=vehicle.config.unit,
        mqtt=vehicle.config.mqtt,
        input=vehicle.config.input,
        output=(Output(id="horn", use="buzzer", pin=9),),
    )
    lines = said(vehicle.commissioned())
    assert lines["eye.front"] == ("fail", "front: watches no group of lights")

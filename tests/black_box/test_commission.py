"""`outpost commission` on a terminal, against the real agent with simulated pins, receiver, broker and centre, to PASS and to FAIL."""

import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.wire.records import Alarm, SelfTest
from simulator.bench.car_config import PANIC_PIN, Options
from tests.black_box.desk import OUTPOST, QUICK, Desk
from tests.black_box.installer import Deed, Eye, Parked, Terminal
from tests.commissioning import genuine

EYE_PIN, DOOR_NO, DOOR_NC = 5, 6, 12
WAIT_S = 8
MORE = f"""
[[input]]
id = "bar_seen"
use = "light_sense"
pin = {EYE_PIN}
senses = "bar"
release_s = 0.5

[[input]]
id = "door"
use = "generic"
pin_no = {DOOR_NO}
pin_nc = {DOOR_NC}
"""
BRISK = [sys.executable, "-m", "tests.black_box.brisk_commission"]
STEPS = ["machine", "clock", "inputs", "wires", "outputs", "gnss", "link", "panic", "crank", "faults"]


class Vehicle(Desk):
    """A car that stands, with a watched bar, a supervised door and the unit's key; somebody at the centre acknowledges each test alarm."""

    burnt: tuple[str, ...] = ()
    acknowledges = True

    def start(self) -> None:
        self.route = Parked.through_xining(1)
        super().start()
        self.config_file.write_text(self.config_file.read_text() + MORE)
        self._make_key()
        self.wiring.press(DOOR_NC)
        self._eye = Eye(self.wiring, EYE_PIN, self.burnt)
        self._left.callback(self._eye.close)
        self._clerk = threading.Thread(target=self._acknowledge, name="clerk", daemon=True)
        self._over = threading.Event()
        self._left.callback(self._over.set)
        self._clerk.start()

    def _make_key(self) -> None:
        self.key, self.certificate = self.directory / "unit.key", self.directory / "unit.crt"
        subject = ["-subj", "/CN=car-1", "-days", "400", "-keyout", str(self.key), "-out", str(self.certificate)]
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
        subprocess.run(words, check=True, capture_output=True, timeout=30)
        self.key.chmod(0o600)
        self.configure("[mqtt]\n", f'[mqtt]\nkey = "{self.key}"\ncert = "{self.certificate}"\n')

    def _acknowledge(self) -> None:
        done: set[str] = set()
        while not self._over.wait(0.1):
            for arrival in self.centre.records() if self.acknowledges else []:
                alarm = arrival.record
                if isinstance(alarm, Alarm) and alarm.test and alarm.state == "raised" and alarm.id not in done:
                    done.add(alarm.id)
                    self.centre.acknowledge("car-1", alarm.id)

    # --- hands --------------------------------------------------------------------------------------------------------------------

    def deeds(self, terminal: Terminal) -> list[Deed]:
        """What the screen asks for, and what is done then."""
        answer = terminal.answer
        wiring = self.wiring
        return [
            Deed(r"\] leave out >", answer),
            Deed(r"Is the ignition `ignition` on at this moment\? \[y/n\]", lambda: answer("y")),
            Deed(r"Switch the ignition `ignition` OFF now", lambda: self.ignition(False)),
            Deed(r"Switch the ignition `ignition` ON now", lambda: self.ignition(True)),
            Deed(r"Switch the input `door` ON now", lambda: (wiring.release(DOOR_NC), wiring.press(DOOR_NO))),
            Deed(r"Switch the input `door` OFF now", lambda: (wiring.release(DOOR_NO), wiring.press(DOOR_NC))),
            Deed(r"Pull the plug of `door` now", lambda: wiring.release(DOOR_NC)),
            Deed(r"Seen\. Put it back", lambda: wiring.press(DOOR_NC)),
            Deed(r"a short of `door` too\?.*\[y/n\]", lambda: answer("y")),
            Deed(r"Bridge both contacts of `door` now", lambda: wiring.press(DOOR_NO)),
            Deed(r"Seen\. Take the bridge away", lambda: wiring.release(DOOR_NO)),
            Deed(r"Did the officer's lamp `panic_lamp` light\? \[y/n/r: once more\]", lambda: answer("y")),
            Deed(r"Press `driver`: hold it", self._press_for_a_second),
            Deed(r"then start the engine at once >", answer),
            Deed(r"Did the engine start within these \d+ s\? \[y/n\]", lambda: answer("y")),
        ]

    def _press_for_a_second(self) -> None:
        threading.Thread(target=self.wiring.hold, args=(PANIC_PIN, 1.0), daemon=True).start()

    def commission(
        self, *words: str, instead: Callable[[Terminal], list[Deed]] = lambda _: [], program: Sequence[str] = BRISK
    ) -> tuple[int, dict[str, Any], str]:
        """Be led through it in English: the exit code, the report, the screen. `instead`: deeds that go before the usual ones."""
        terminal = Terminal(self, "--lang", "en", "--wait", str(WAIT_S), "-o", str(self.directory / "report"), *words, program=program)
        try:
            code = terminal.play([*instead(terminal), *self.deeds(terminal)], 400)
        finally:
            terminal.close()
        file = next((self.directory / "report").glob("*.json"), None)
        assert file is not None, terminal.screen
        return code, json.loads(file.read_bytes()), terminal.screen


def vehicle(directory: Path, burnt: tuple[str, ...] = ()) -> Vehicle:
    more = {**QUICK.more, "store": {"endurance_tb": 100_000.0}}  # the disk of a machine that runs tests is written without end
    made = Vehicle(directory, Options(receiver="atgm336h", more=more))
    made.burnt = burnt
    return made


@pytest.fixture
def car(tmp_path: Path) -> Iterator[Vehicle]:
    with vehicle(tmp_path / "car") as found:
        found.run_online()
        found.hear_fix()
        yield found


def results(report: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["result"] for step in report["steps"]}


def lines(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["code"]: line for step in report["steps"] for line in step["lines"]}


@pytest.mark.timeout(480)
@pytest.mark.parametrize("program", [BRISK, pytest.param(OUTPOST, marks=pytest.mark.soak)], ids=["brisk", "as it is"])
def test_a_car_that_is_well_passes_every_step_and_the_centre_is_told(car: Vehicle, program: list[str]) -> None:
    """What is measured takes its time: a minute of positions, half a minute without a link. So in each run it is measured for seconds."""
    since = car.heard
    code, report, screen = car.commission(program=program)
    assert code == 0, screen
    assert report["result"] == "passed"
    assert [step["name"] for step in report["steps"]] == STEPS
    assert {name: result for name, result in results(report).items() if result not in ("pass", "warn")} == {}, screen
    told = lines(report)
    lamps = ("outputs.red_1", "outputs.blue_2", "outputs.eye.bar_seen")
    for name in ("inputs.ignition", "inputs.door", "wires.door.cut", "wires.door.short", *lamps, "panic.driver", "faults"):
        assert told[name]["result"] == "pass", told[name]
    outage = told["link.outage"]["what"]["en"]
    assert report["attended"]
    assert re.fullmatch(r"[1-9]\d* positions were made in [1-9]\d* s without a link; all are acknowledged, \d+ s after it was back", outage)
    assert "step 3 of 10: inputs" in screen
    record = car.hear(SelfTest, lambda r: r.what == "commission", since)
    (file,) = (car.directory / "report").glob("*.json")
    assert (record.result, record.report, record.signed) == ("passed", hashlib.sha256(file.read_bytes()).hexdigest(), True)
    assert record.steps == results(report)
    assert not [a for a in car.centre.records() if isinstance(a.record, Alarm) and not a.record.test], "no real alarm was raised"
    page = next((car.directory / "report").glob("*.html")).read_text()
    assert "验收通过 · passed" in page
    assert "driver: acknowledged by a human at the centre" in page
    assert genuine(file, car.certificate)


def test_a_burnt_lamp_a_door_without_its_second_wire_and_a_dead_button_fail_with_advice(tmp_path: Path) -> None:
    with vehicle(tmp_path / "car", burnt=("blue_1",)) as car:
        car.run_online()
        car.hear_fix()
        since = car.heard

        def instead(terminal: Terminal) -> list[Deed]:
            idle = [Deed(r"Pull the plug of `door` now", lambda: None), Deed(r"Press `driver`: hold it", lambda: None)]
            begin = r"starting the engine ──\n.*\n\[Enter\] begin   \[s REASON\] leave out >"
            return [*idle, Deed(begin, lambda: terminal.answer("s the engine is out"))]

        only = [word for name in ("wires", "outputs", "panic", "crank") for word in ("--only", name)]
        code, report, screen = car.commission(*only, instead=instead)
        assert code == 1
        assert results(report) == {"wires": "fail", "outputs": "fail", "panic": "fail", "crank": "skip"}
        told = lines(report)
        assert told["wires.door.cut"]["result"] == "fail"
        assert "pin_no and pin_nc" in told["wires.door.cut"]["do"]["en"]
        assert told["outputs.blue_1"]["what"]["en"] == "blue_1: commanded on, and bar_seen sees no light"
        assert told["outputs.blue_1"]["do"]["zh"] == "检查灯泡、保险丝、继电器和线路；`outpost check` 列出各自的端子和保险丝。"
        assert [told[f"outputs.{name}"]["result"] for name in ("red_1", "red_2", "blue_2")] == ["pass"] * 3
        assert told["panic.driver"]["what"]["en"] == "driver: no press was seen"
        assert "outpost check" in told["panic.driver"]["do"]["en"]
        assert report["steps"][3]["skipped"] == "the engine is out"
        assert car.hear(SelfTest, lambda r: r.what == "commission", since).result == "failed"
        assert "FAILED: supervised wires, outputs, panic buttons, end to end" in screen


def test_ctrl_c_makes_no_report_and_puts_back_what_was_still_on(tmp_path: Path) -> None:
    with vehicle(tmp_path / "car") as car:
        car.run_online()
        car.hear_fix()
        terminal = Terminal(car, "--lang", "en", "--wait", "60", "--only", "link", "-o", str(car.directory / "report"))
        try:
            code = terminal.play([Deed(r"\] leave out >", terminal.answer), Deed(r"no link for \d+ s", terminal.interrupt)], 120)
        finally:
            terminal.close()
        assert code == 1, terminal.screen
        assert "there is no report" in terminal.screen
        assert [file.name for file in (car.directory / "report").iterdir()] == ["car-1-link-unfinished"]
        car.told("the outage is over before its 30 s", lambda s: s["link"]["state"] == "online" and not s["outage"]["on"], 15.0)


@pytest.mark.parametrize("end", ["the connection breaks", "kill", "kill -9"])
def test_whatever_ends_it_in_the_panic_step_the_next_press_is_a_real_alarm(tmp_path: Path, end: str) -> None:
    """Nobody leaves a car with its buttons set to test. After `kill -9` it takes as long as the lease."""
    with vehicle(tmp_path / "car") as car:
        car.acknowledges = False
        car.run_online()
        car.hear_fix()
        terminal = Terminal(car, "--lang", "en", "--wait", "60", "--only", "panic", "-o", str(car.directory / "report"))

        def ended() -> None:
            if end == "the connection breaks":
                raise HungUp
            terminal.signal(signal.SIGTERM if end == "kill" else signal.SIGKILL)

        try:
            with suppress(HungUp):
                terminal.play([Deed(r"\] leave out >", terminal.answer), Deed(r"Press `driver`: hold it", ended)], 120)
            if end == "the connection breaks":
                assert terminal.hang_up() == 1
        finally:
            terminal.close()
        car.told("the test is over", lambda s: not s["alarm"]["walk_test"]["open"], 3.0 if end != "kill -9" else 20.0)
        since = car.heard
        car.wiring.hold(PANIC_PIN, 1.0)
        assert car.hear(Alarm, lambda r: r.state == "raised", since).test is not True


class HungUp(Exception):
    """Stop reading the screen: there is none."""


def test_with_nobody_there_every_question_is_answered_by_enter_and_without_a_key_it_is_unsigned(desk: Desk) -> None:
    desk.run_online()
    desk.hear_fix()
    since = desk.heard
    place = desk.directory / "report"
    words = [*OUTPOST, "commission", "--yes", "--only", "clock", "--lang", "zh", "-c", str(desk.config_file), "-o", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=desk.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "未签名" in done.stdout
    (file,) = place.glob("*.json")
    record = desk.hear(SelfTest, lambda r: r.what == "commission", since)
    assert (record.result, record.signed, record.steps) == ("partial", False, {"clock": "pass"})
    assert record.report == hashlib.sha256(file.read_bytes()).hexdigest()
    desk.kill_agent()
    desk.run()
    told = desk.told("the next boot remembers it", lambda s: s["commissioned"]["result"] == "partial")
    assert told["commissioned"]["report"] == record.report

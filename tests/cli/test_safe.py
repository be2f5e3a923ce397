"""`outpost safe`: the levels that it leaves on a board that keeps them, what it passes over, and the exit code."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import daemon
from agent.adapters import safe_file
from agent.adapters.safe_file import SafeFile
from agent.config import Config, Mqtt, Output, Socket, Unit
from simulator.bench.pins import VARIABLE, SimulatedFactory
from simulator.bench.wiring import Wiring
from tests.timing import PATIENCE_S

HEAVY = ("paho", "serial", "pynmea2", "diskcache", "sqlite3", "ssl", "agent.core.unit", "agent.daemon")
"""What the agent needs and its end does not: hundreds of milliseconds on a small board."""

OUTPUTS = """
[[output]]
id = "red"
pin = 5

[[output]]
id = "flood"
pin = 6
active = "low"

[[output]]
id = "beacon"
pin = 13
safe = "on"
"""

SAFE = {5: 0, 6: 1, 13: 1}


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wiring]:
    """Three outputs, left by a dead agent at the wrong level."""
    with Wiring(tmp_path / "pins.sock", keeps=True) as wiring:
        monkeypatch.setenv(VARIABLE, str(wiring.path))
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "simulated")
        dead: Any = SimulatedFactory()
        for pin, level in SAFE.items():
            dead.pin(pin).output_with_state(1 - level)
        dead._socket.shutdown(2)
        assert wiring.wait_for(lambda: wiring.agents == 0, PATIENCE_S)
        assert {pin: wiring.level(pin) for pin in SAFE} == {pin: 1 - level for pin, level in SAFE.items()}
        yield wiring
        dead.close()


def safe(directory: Path, text: str, code: str = "") -> "subprocess.CompletedProcess[str]":
    """Run it over that config, as its own process; `code` runs when it is done."""
    file = directory / "agent.toml"
    file.write_text(text, "utf-8")
    program = f"import sys; from agent.cli.parser import main; end = main(sys.argv[1:]); {code or 'pass'}; sys.exit(end)"
    return subprocess.run(
        [sys.executable, "-c", program, "safe", "-c", str(file)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def left(wiring: Wiring) -> dict[int, int | None]:
    """The levels that it left, once it is gone."""
    assert wiring.wait_for(lambda: wiring.agents == 0, PATIENCE_S)
    return {pin: wiring.level(pin) for pin in SAFE}


def test_every_output_is_left_at_its_safe_level(board: Wiring, tmp_path: Path) -> None:
    done = safe(tmp_path, OUTPUTS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "3 of 3 outputs are at their safe level\n"
    assert left(board) == SAFE


def test_a_mistake_elsewhere_in_the_file_keeps_no_output_from_it(board: Wiring, tmp_path: Path) -> None:
    """No [unit], no [mqtt], unknown keys, a certificate that is gone."""
    done = safe(tmp_path, '[mqtt]\nca = "/nowhere/ca.pem"\nendpoint = 7\n' + OUTPUTS.replace('"red"', '"red"\ngroop = "x"'))
    assert done.returncode == 0
    assert left(board) == SAFE


def test_an_output_that_is_wrong_is_told_and_the_others_are_driven(board: Wiring, tmp_path: Path) -> None:
    done = safe(tmp_path, OUTPUTS + '\n[[output]]\nid = "odd"\npin = 99\n\n[[output]]\nid = "none"\n')
    assert done.returncode == 2
    assert [line.split(": ", 2)[1] for line in done.stderr.splitlines()] == ["output odd", "output none"]
    assert left(board) == SAFE


def test_a_board_that_cannot_be_driven_is_told_once(board: Wiring, tmp_path: Path) -> None:
    board.close()
    done = safe(tmp_path, OUTPUTS)
    assert done.returncode == 1
    assert "no bench answers" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == "0 of 3 outputs are at their safe level\n"


@pytest.mark.parametrize(("text", "reason"), [("[[output]\n", "not TOML"), ("[[output]]\nid = '\x00'\n", "not TOML")])
def test_a_file_that_cannot_be_read_is_told_with_its_place(tmp_path: Path, text: str, reason: str) -> None:
    done = safe(tmp_path, text)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent", "safe", "-c", str(tmp_path / "none.toml")],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no such file" in done.stderr


@pytest.mark.parametrize("text", ["output = 7\n", "output = [1, 2]\n", "unit = 3\noutput = {}\n", '[unit]\nboard = ["x"]\nwithout = 3\n'])
def test_nonsense_is_told_and_crashes_nothing(tmp_path: Path, text: str) -> None:
    done = safe(tmp_path, text)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def test_without_outputs_there_is_nothing_to_do(tmp_path: Path) -> None:
    done = safe(tmp_path, '[unit]\nid = "car-1"\n')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_outputs_of_the_board_count_and_the_configs_own_replace_them(board: Wiring, tmp_path: Path) -> None:
    """As for the agent: same id, the config's; in `without`, none at all."""
    (tmp_path / "bar.toml").write_text(OUTPUTS)
    own = '[unit]\nboard = "./bar.toml"\nwithout = ["red"]\n[[output]]\nid = "beacon"\npin = 13\nsafe = "off"\n'
    assert safe(tmp_path, own).returncode == 0
    assert left(board) == {5: 1, 6: 1, 13: 0}


def test_a_board_that_is_not_there_is_told_and_the_configs_outputs_are_driven(board: Wiring, tmp_path: Path) -> None:
    done = safe(tmp_path, '[unit]\nboard = "no_such_board"\n' + OUTPUTS)
    assert done.returncode == 2
    assert 'there is no board "no_such_board"' in done.stderr
    assert left(board) == SAFE


def test_it_imports_nothing_that_it_does_not_need(board: Wiring, tmp_path: Path) -> None:
    """A hung agent's lamps shine until it has started."""
    done = safe(tmp_path, OUTPUTS, code=f"print([name for name in {HEAVY!r} if name in sys.modules])")
    assert done.stdout.splitlines()[-1] == "[]"
    assert left(board) == SAFE


# --- what is left in memory when the card has died --------------------------------------------------------------------------------------

WIRED = (Output(id="red", pin=5), Output(id="flood", pin=6, active="low"), Output(id="beacon", pin=13, safe="on"))
"""OUTPUTS, as the agent has them."""


@pytest.fixture
def run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where systemd says that the service's files are, with what the agent wrote there at its start."""
    directory = tmp_path / "run"
    directory.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(directory))
    SafeFile(str(directory / "agent.sock"), WIRED).start()
    return directory


@pytest.mark.parametrize("text", ["[[output]\n", '[unit]\nboard = "no_such_board"\n[socket]\npath = "run/agent.sock"\n'])
def test_outputs_that_the_files_do_not_tell_are_driven_as_the_agent_had_them(
    board: Wiring, run_directory: Path, tmp_path: Path, text: str
) -> None:
    """A config that cannot be read, and a board that is gone."""
    done = safe(tmp_path, text)
    assert (done.returncode, done.stdout) == (2, "3 of 3 outputs are at their safe level\n")
    assert (
        done.stderr.splitlines()[-1] == f"{run_directory / 'safe.json'}: red, flood, beacon: driven as the agent wrote down when it started"
    )
    assert left(board) == SAFE


def test_what_the_config_says_of_a_pin_goes_before_what_the_agent_had(board: Wiring, run_directory: Path, tmp_path: Path) -> None:
    """Two outputs of the config are right, one is not: its pin is the agent's."""
    own = '[socket]\npath = "run/agent.sock"\n[[output]]\nid = "crimson"\npin = 5\nsafe = "on"\n[[output]]\nid = "beacon"\npin = "13"\n'
    done = safe(tmp_path, own)
    assert done.returncode == 2
    assert "safe.json: flood, beacon: driven as the agent wrote down" in done.stderr
    assert left(board) == SAFE | {5: 1}


def test_a_config_that_is_right_is_all_that_counts(board: Wiring, run_directory: Path, tmp_path: Path) -> None:
    done = safe(tmp_path, '[socket]\npath = "run/agent.sock"\n[[output]]\nid = "red"\npin = 5\n')
    assert (done.returncode, done.stdout) == (0, "1 of 1 outputs are at their safe level\n")
    assert left(board) == {5: 0, 6: 0, 13: 0}


@pytest.mark.parametrize("found", ["", "{}", "[7]", '[{"id": "red", "pin": 99}]', "\x00"])
def test_nonsense_left_in_memory_drives_nothing_and_crashes_nothing(run_directory: Path, tmp_path: Path, found: str) -> None:
    (run_directory / "safe.json").write_text(found)
    done = safe(tmp_path, "[[output]\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_the_agent_writes_it_before_it_drives_a_pin_whole_and_for_everybody(board: Wiring, tmp_path: Path) -> None:
    """Right behind the socket, which finds another agent and makes the directory."""
    config = Config(
        unit=Unit(id="car-1"), mqtt=Mqtt(endpoints=("mqtt://localhost",)), output=WIRED, socket=Socket(path=str(tmp_path / "agent.sock"))
    )
    adapters, _ = daemon.compose(config, "b", lambda _: None)
    assert [type(adapter).__name__ for adapter in adapters[:3]] == ["LocalSocket", "SafeFile", "Outputs"]
    (tmp_path / "safe.json").write_text("what an agent before wrote")
    (tmp_path / "safe.json.new").write_text("what a killed one did not finish")
    adapters[1].start()
    file = tmp_path / "safe.json"
    assert json.loads(file.read_text()) == [
        {"id": "red", "pin": 5, "active": "high", "safe": "off"},
        {"id": "flood", "pin": 6, "active": "low", "safe": "off"},
        {"id": "beacon", "pin": 13, "active": "high", "safe": "on"},
    ]
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(safe_file.read(file)) == list(WIRED)
    assert [path.name for path in tmp_path.glob("safe*")] == ["safe.json"]
    adapters[1].close()
    assert file.exists(), "the end of the agent is what it is for"


def test_an_agent_that_cannot_write_it_runs_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "outpost"):
        SafeFile(str(tmp_path / "none" / "agent.sock"), WIRED).start()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "safe.json cannot be written (No such file or directory)" in caplog.text

"""`outpost check` and the command line around it: what is printed, and the exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpiozero.pins.pi import PiBoardInfo

from agent import __version__, config_file
from agent.cli import check, header
from agent.cli.parser import COMMANDS, main

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "firmware_config" / "agent.toml"
LEAST = '[unit]\nid = "JD-0417"\n[mqtt]\nendpoints = ["mqtt://localhost"]\n'

FIVE_MISTAKES = """\
[unit]
id = "JD 0417"
timezon = "Asia/Shanghai"

[report]
interval_s = "fast"

[[input]]
id = "panic_driver"
use = "panic"
pin = 17

[[output]]
id = "red_left"
pin = 17

[mqtt]
endpoints = ["mqtts://broker.example.org:8883"]
keepalive_s = 1
"""


def put(directory: Path, text: str) -> Path:
    file = directory / "agent.toml"
    file.write_text(text)
    return file


def test_five_mistakes_in_one_file_are_all_reported_with_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = put(tmp_path, FIVE_MISTAKES)
    assert main(["check", "-c", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f'{file}:2: unit.id: found "JD 0417" (text); expected 1 to 32 letters, digits, - or _',
        f"{file}:3: unit.timezon: unknown key; did you mean `timezone`?",
        f'{file}:6: report.interval_s: found "fast" (text); expected a number from 0.1 to 3600 seconds',
        f'{file}:15: output[1].pin: pin 17 is already used by input[1] "panic_driver" (line 11); one pin has one function',
        f"{file}:19: mqtt.keepalive_s: found 1; expected a whole number from 5 to 3600 seconds",
        "5 mistakes; nothing was driven",
    ]


def test_a_right_file_gives_the_pin_table_in_the_order_of_the_pins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(REFERENCE)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "pin  header  direction  id               function      active  pull  boot pull",
        "17   11      input      panic_driver     panic overt   low     up    down",
        "22   15      input      ignition         ignition      low     up    down",
        "23   16      output     red_left         light         high    -     down",
        "24   18      output     blue_right       light         high    -     down",
        "25   22      output     panic_lamp       panic_lamp    high    -     down",
        "27   13      input      panic_passenger  panic silent  low     up    down",
        f"{REFERENCE}: no mistakes; unit JD-0417, mqtts://broker.example.org:8883",
    ]


def test_a_unit_without_wires_has_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(put(tmp_path, LEAST))]) == 0
    assert capsys.readouterr().out.startswith("no inputs and no outputs\n")


@pytest.mark.parametrize(
    ("lines", "noted"),
    [
        ("pin = 5", "switches it on from power-on"),
        ('pin = 23\nactive = "low"', "switches it on from power-on"),
        ('pin = 23\nsafe = "on"', "switches it off from power-on"),
        ('pin = 5\nsafe = "on"', None),
        ('pin = 5\nactive = "low"', None),
        ("pin = 23", None),
    ],
)
def test_an_output_that_its_boot_pull_switches_is_noted(tmp_path: Path, lines: str, noted: str | None) -> None:
    config = config_file.read(put(tmp_path, f'{LEAST}[[output]]\nid = "red"\n{lines}\n'))
    notes = list(check.notes(config))
    assert [noted in note for note in notes if noted] == ([True] if noted else [])
    assert len(notes) == (noted is not None)


@pytest.mark.parametrize(
    ("active", "pull", "noted"), [("low", "up", 0), ("high", "down", 0), ("low", "none", 0), ("low", "down", 1), ("high", "up", 1)]
)
def test_an_input_that_a_cut_wire_would_press_is_noted(tmp_path: Path, active: str, pull: str, noted: int) -> None:
    config = config_file.read(put(tmp_path, f'{LEAST}[[input]]\nid = "b"\npin = 4\nactive = "{active}"\npull = "{pull}"\n'))
    assert len([note for note in check.notes(config) if "a cut wire then looks like a press" in note]) == noted


def test_the_header_is_that_of_the_board() -> None:
    """gpiozero knows it from other sources than we do."""
    pi4 = PiBoardInfo.from_revision(0xC03111)
    assert {int(pin.name[4:]): pin.number for pin in pi4.headers["J8"].pins.values() if pin.name.startswith("GPIO")} == header.POSITION


# --- the command line around it ------------------------------------------------------------------------------------------------------


def test_the_config_file_is_the_one_of_the_environment_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTPOST_CONFIG", str(put(tmp_path, LEAST)))
    assert main(["check"]) == 0
    assert main(["check", "-c", str(REFERENCE)]) == 0
    assert f"{REFERENCE}: no mistakes" in capsys.readouterr().out


def test_a_missing_file_is_exit_2_and_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(tmp_path / "none.toml")]) == 2
    assert "copy firmware_config/agent.toml" in capsys.readouterr().err


def test_no_command_prints_help_and_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    err = capsys.readouterr().err
    assert all(f"\n    {name} " in err for name in COMMANDS)


@pytest.mark.parametrize("argv", [["--help"], ["check", "--help"], ["tail", "-h"]])
def test_help_has_examples_and_exit_codes(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert "exit codes:" in out


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"outpost {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["chekc"], "unknown command 'chekc'; did you mean 'check'?"),
        (["zzz"], "unknown command 'zzz'; known are run, check"),
        (["check", "--nope"], "--nope"),
        (["-c", "x", "check"], "invalid choice"),
    ],
)
def test_a_mistake_on_the_command_line_is_exit_2(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert said in capsys.readouterr().err


def test_only_the_command_that_is_asked_for_is_imported() -> None:
    """Help without paho, gpiozero, msgspec: it answers at once on a small machine."""
    script = (
        "import sys\nfrom agent.cli.parser import main\nmain(['--help'])\n"
        "print(sorted({'paho', 'gpiozero', 'msgspec', 'serial', 'ssl'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ | {"PYTHONPATH": "."}, capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "[]"

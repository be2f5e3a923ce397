"""`outpost check` and the command line around it: what is printed, and the exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpiozero.pins.pi import PiBoardInfo

from agent import __version__, config_file, header
from agent.cli import check
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
        f"profile Patrol car · 巡逻车, {ROOT / 'firmware_config' / 'profiles' / 'patrol_car.toml'}",
        "pin  header  direction  id                  function      active  pull  power-on",
        "5    29      input      panic_passenger.nc  panic silent  low     up    up",
        "17   11      input      panic_driver        panic overt   low     up    down",
        "22   15      input      ignition            ignition      low     up    down",
        "23   16      output     red_left            light bar     high    -     down",
        "24   18      output     blue_right          light bar     high    -     down",
        "25   22      output     panic_lamp          panic_lamp    high    -     down",
        "27   13      input      panic_passenger.no  panic silent  low     up    down",
        f"{REFERENCE}: no mistakes; unit JD-0417, mqtts://broker.example.org:8883",
    ]


def test_a_unit_without_wires_has_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(put(tmp_path, LEAST))]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "no inputs and no outputs"


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ("pin = 5", 'the Pi\'s own pull of pin 5 is up from power-on until the agent runs, and that switches "red" on, while safe is off'),
        ('pin = 23\nactive = "low"', 'take a pin of 0 to 8, or put a resistor of 10 kΩ there and say at_power_on = "up"'),
        ('pin = 23\nat_power_on = "up"', "pin 23 is up, as at_power_on says,"),
        ('pin = 5\nactive = "low"\nat_power_on = "down"', "pin 5 is down, as at_power_on says,"),
        ('pin = 2\nat_power_on = "down"', "pin 2 is pulled up by 1.8 kΩ on the Pi, which no resistor turns round; take another pin"),
        ('pin = 5\nactive = "low"', None),
        ('pin = 5\nat_power_on = "down"', None),
        ('pin = 23\nactive = "low"\nat_power_on = "up"', None),
        ("pin = 23", None),
    ],
)
@pytest.mark.parametrize("use", ["light", "panic_lamp", "buzzer", "recorder_mark"])
def test_an_output_that_would_be_on_before_the_agent_runs_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], use: str, lines: str, refused: str | None
) -> None:
    file = put(tmp_path, f'{LEAST}[[output]]\nid = "red"\nuse = "{use}"\n{lines}\n')
    assert main(["check", "-c", str(file)]) == (2 if refused else 0)
    assert main(["run", "-c", str(file)]) == 2 if refused else True
    assert (refused or "") in capsys.readouterr().err


@pytest.mark.parametrize("pin", [5, 23])
@pytest.mark.parametrize(
    ("use", "refused"),
    [
        ("light", None),
        ("panic_lamp", "steady light means that a human has seen the alarm"),
        ("buzzer", "it would sound until the agent runs again"),
        ("recorder_mark", "the next mark would have no edge"),
    ],
)
def test_only_a_light_may_be_left_on(tmp_path: Path, capsys: pytest.CaptureFixture[str], use: str, pin: int, refused: str | None) -> None:
    file = put(tmp_path, f'{LEAST}[[output]]\nid = "red"\npin = {pin}\nuse = "{use}"\nsafe = "on"\n')
    assert main(["check", "-c", str(file)]) == (2 if refused else 0)
    said = f'{file}:9: output[1].safe: found "on" for an output of use {use}; expected "off": {refused}\n1 mistake; nothing was driven\n'
    assert capsys.readouterr().err == (said if refused else "")


def test_an_output_whose_safe_level_is_on_and_that_is_dark_until_the_agent_runs_is_noted(tmp_path: Path) -> None:
    config = config_file.read(put(tmp_path, f'{LEAST}[[output]]\nid = "red"\npin = 23\nsafe = "on"\n'))
    assert list(check.notes(config)) == ["red: pin 23 is down from power-on until the agent runs, which is off, but safe is on"]


def test_patterns_faster_than_warning_lamps_are_noted(tmp_path: Path) -> None:
    show = '[[output]]\nid = "red"\npin = 23\n[[show]]\nname = "strobe"\npatterns = ["50 50", "0 50 50"]\n'
    notes = list(check.notes(config_file.read(put(tmp_path, LEAST + show))))
    assert len(notes) == 2
    assert notes[0].startswith("show strobe, group bar: 10.0 flashes a second; warning lamps keep to 2 to 4 (UN/ECE R65)")


def show(name: str, patterns: str, group: str = "bar") -> str:
    return f'[[show]]\nname = "{name}"\ngroup = "{group}"\npatterns = {patterns}\n'


BAR = "".join(f'[[output]]\nid = "{name}"\npin = {pin}\n' for name, pin in (("red", 23), ("blue", 24)))
WORK = '[[output]]\nid = "work"\ngroup = "scene"\npin = 16\n'


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        (show("response", '["off", "off"]'), True),
        (show("response", '["off", "on"]'), False),
        (show("escort", '["off"]'), False),
        (show("response", '["off"]', "scene"), False),
    ],
)
def test_an_alarm_that_would_darken_a_group_is_noted(tmp_path: Path, text: str, noted: bool) -> None:
    """Work lights are dark in an alarm anyway."""
    notes = list(check.notes(config_file.read(put(tmp_path, LEAST + BAR + WORK + text))))
    told = "show response, group bar: all off; an overt alarm darkens the group bar, also one that was lit"
    assert notes == ([told] if noted else [])


SENSE = '[[input]]\nid = "eye"\nuse = "light_sense"\npin = 18\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SENSE, []),
        (SENSE + show("escort", '["50 450", "0 250 250"]'), ["eye: in show escort red is lit for 50 ms at a time, and this"]),
        (SENSE + show("escort", '["30 400 20 0", "60 390"]'), ["eye: in show escort red is lit for 50 ms at a time, and this"]),
        (show("escort", '["50 450"]'), []),
        (SENSE + show("escort", '["60 440"]'), []),
        (SENSE + show("escort", '["50 450"]', "scene"), []),
        (SENSE + show("escort", '["on", "off"]'), ["eye: in show escort blue is dark while others of the group bar shine; watch"]),
        (SENSE + show("escort", '["off"]'), []),
        (SENSE + "debounce_s = 0.1\n", [f"eye: in show response {name} is lit for 120 ms" for name in ("red", "blue")]),
    ],
)
def test_light_that_a_sense_line_would_not_believe_is_noted(tmp_path: Path, text: str, told: list[str]) -> None:
    senses = 'pin = 18\nsenses = "bar"\n'
    notes = list(check.notes(config_file.read(put(tmp_path, LEAST + BAR + WORK + text.replace("pin = 18\n", senses)))))
    assert [note[: len(words)] for note, words in zip(notes, told, strict=True)] == told


@pytest.mark.parametrize(("debounce_s", "noted"), [(0.01, 1), (0.02, 0), (0.03, 0), (0.2, 0), (0.3, 1)])
@pytest.mark.parametrize("use", ["panic", "generic"])
def test_a_button_that_is_believed_too_early_or_too_late_is_noted(tmp_path: Path, use: str, debounce_s: float, noted: int) -> None:
    config = config_file.read(put(tmp_path, f'{LEAST}[[input]]\nid = "b"\nuse = "{use}"\npin = 4\ndebounce_s = {debounce_s}\n'))
    notes = [note for note in check.notes(config) if note.startswith(f"b: debounce_s is {debounce_s:g}, outside 0.02 to 0.2; ")]
    assert len(notes) == (noted if use == "panic" else 0)


@pytest.mark.parametrize(
    ("active", "pull", "noted"), [("low", "up", 0), ("high", "down", 0), ("low", "none", 0), ("low", "down", 1), ("high", "up", 1)]
)
def test_an_input_that_a_cut_wire_would_press_is_noted(tmp_path: Path, active: str, pull: str, noted: int) -> None:
    config = config_file.read(put(tmp_path, f'{LEAST}[[input]]\nid = "b"\npin = 4\nactive = "{active}"\npull = "{pull}"\n'))
    assert len([note for note in check.notes(config) if "a cut wire then looks like a press" in note]) == noted


@pytest.mark.parametrize(
    ("old", "new", "noted"),
    [
        ("mqtt://localhost", "mqtt://localhost", []),
        ("mqtt://localhost", "mqtts://broker.example.org", []),
        ("mqtt://localhost", "mqtt://10.0.0.1:1883", ["without TLS anybody on the way reads"]),
        ("[mqtt]", "[orders]\nallow_unsigned_development = true\n[mqtt]", ["commands this unit; never in a vehicle"]),
    ],
)
def test_a_door_that_is_for_a_desk_only_is_noted(tmp_path: Path, old: str, new: str, noted: list[str]) -> None:
    (tmp_path / "agent.toml").write_text(LEAST.replace(old, new))
    said = list(check.open_doors(config_file.read(tmp_path / "agent.toml")))
    assert len(said) == len(noted)
    assert all(word in line for word, line in zip(noted, said, strict=True))


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
    assert all(f"\n    {name}{' ' if len(name) < 9 else chr(10)}" in err for name in COMMANDS)


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

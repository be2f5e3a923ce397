"""What a config needs in config.txt, and what a new unit's config has to be told."""

from pathlib import Path

import pytest

from agent import boot_lines, config_file
from agent.cli import parser
from tests import sources

FIRMWARE = sources.PROJECT / "firmware_config"
HEAD = '[unit]\nid = "JD-1"\n{unit}\n[mqtt]\nendpoints = ["mqtt://x"]\n{rest}'


def lines(tmp_path: Path, unit: str = "", rest: str = "") -> list[str]:
    """For a config with that in it, without the comments."""
    path = tmp_path / "agent.toml"
    path.write_text(HEAD.format(unit=unit, rest=rest))
    return [line for line in boot_lines.lines(config_file.read(path)) if not line.startswith("#")]


def test_a_receiver_on_the_uart_has_the_good_one_on_every_model(tmp_path: Path) -> None:
    uart = ["enable_uart=1", "dtoverlay=disable-bt", "[pi5]", "dtparam=uart0_console", "[all]"]
    assert lines(tmp_path) == ["[all]", "dtparam=watchdog=on", *uart]


def test_a_receiver_on_usb_leaves_bluetooth_and_console_alone(tmp_path: Path) -> None:
    assert lines(tmp_path, rest='[gnss]\nport = "/dev/outpost-gnss"\n') == ["[all]", "dtparam=watchdog=on"]


def test_a_second_port_on_the_uart_counts(tmp_path: Path) -> None:
    assert "enable_uart=1" in lines(tmp_path, rest='[gnss]\nport = "/dev/outpost-gnss"\nmore_ports = ["/dev/serial0"]\n')


@pytest.mark.parametrize(
    ("keys", "level"), [("", "dl"), ('active = "low"', "dh"), ('safe = "on"', "dh"), ('safe = "on"\nactive = "low"', "dl")]
)
def test_an_output_is_driven_to_its_safe_level(tmp_path: Path, keys: str, level: str) -> None:
    power_on = '\nat_power_on = "up"' if 'active = "low"' in keys and "safe" not in keys else ""
    rest = f'[[output]]\nid = "lamp"\npin = 23\n{keys}{power_on}\n'
    assert f"gpio=23=op,{level}" in lines(tmp_path, rest=rest)


def test_a_pin_is_let_go_of_only_where_dark_is_safe(tmp_path: Path) -> None:
    dark, lit = '[[output]]\nid = "a"\npin = 23\n', '[[output]]\nid = "b"\npin = 24\nsafe = "on"\n'
    assert "dtparam=strict_gpiod" in lines(tmp_path, rest=dark)
    assert "dtparam=strict_gpiod" not in lines(tmp_path, rest=dark + lit)


def test_a_board_brings_its_outputs(tmp_path: Path) -> None:
    found = lines(tmp_path, unit='kind = "patrol_car"')
    assert sum(line.startswith("gpio=") for line in found) >= 6
    assert found[0] == "[all]"


def test_the_command_prints_them_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(HEAD.format(unit="", rest=""))
    assert parser.main(["check", "--boot-config", "-c", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == list(boot_lines.lines(config_file.read(path)))


def test_the_config_to_begin_with_is_wrong_in_what_a_unit_must_say_and_in_nothing_else(tmp_path: Path) -> None:
    text = (FIRMWARE / "agent.start.toml").read_text("utf-8")
    with pytest.raises(config_file.ConfigErrors) as wrong:
        config_file.read(FIRMWARE / "agent.start.toml")
    assert [error.key for error in wrong.value.errors] == ["unit.id", "mqtt.endpoints"]
    filled = tmp_path / "agent.toml"
    filled.write_text(text.replace('id = ""', 'id = "JD-1"').replace("endpoints = []", 'endpoints = ["mqtt://x"]'))
    assert config_file.read(filled).unit.kind == "generic"

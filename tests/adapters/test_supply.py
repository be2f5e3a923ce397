"""The board's supply: the bits of the firmware by each way there is, and the voltages that some boards measure."""

import os
from pathlib import Path

import pytest

from agent.adapters.supply import Throttled, throttled, voltages

FINE = Throttled(*[False] * 6)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without vcgencmd."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return tmp_path


def kernel_says(sys: Path, bits: str) -> Path:
    file = sys / "devices" / "platform" / "soc" / "soc:firmware" / "get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text(f"{bits}\n")
    return sys


@pytest.mark.parametrize(
    ("bits", "found"),
    [
        ("0", FINE),
        ("1", FINE._replace(under_voltage=True)),
        ("50000", FINE._replace(under_voltage_was=True, throttled_was=True)),
        ("50005", FINE._replace(under_voltage=True, throttled=True, under_voltage_was=True, throttled_was=True)),
        ("80008", FINE._replace(hot=True, hot_was=True)),
        ("20002", FINE._replace(throttled=True, throttled_was=True)),
    ],
)
def test_each_bit_is_read_now_and_since_power_on(alone: Path, bits: str, found: Throttled) -> None:
    assert throttled(kernel_says(alone, bits)) == found


def test_another_machine_has_no_such_bits(alone: Path) -> None:
    assert throttled(alone) is None
    assert throttled(kernel_says(alone, "nonsense")) is None


def vcgencmd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    places = tmp_path / "bin"
    places.mkdir()
    (places / "vcgencmd").write_text(f"#!/bin/sh\n{script}\n")
    (places / "vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{places}:{os.environ['PATH']}")


def test_where_the_kernel_has_no_file_the_firmware_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, 'test "$1" = get_throttled && echo throttled=0x10000')
    assert throttled(tmp_path / "sys") == FINE._replace(under_voltage_was=True)


def test_one_who_may_not_ask_learns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, "echo 'VCHI initialization failed'; exit 255")
    assert throttled(tmp_path / "sys") is None
    assert voltages(tmp_path / "sys") == {}


def test_a_pi_5_measures_its_input_and_an_ina_chip_the_battery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, 'test "$1 $2" = "pmic_read_adc EXT5V_V" && echo "     EXT5V_V volt(24)=5.09432000V"')
    chip = tmp_path / "sys" / "class" / "hwmon" / "hwmon3"
    chip.mkdir(parents=True)
    (chip / "name").write_text("ina226\n")
    (chip / "in1_input").write_text("12480\n")
    assert voltages(tmp_path / "sys") == {"ina226": 12.48, "EXT5V": 5.09432}

"""The board's supply: its alarm, the bits of the firmware by each way there is, and the voltages that some boards measure."""

import os
from pathlib import Path

import pytest

from agent.adapters.supply import Throttled, Watch, bits, low, throttled, voltages, volts
from agent.core.events import THROTTLED, UNDER_VOLTAGE


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without vcgencmd."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return tmp_path


def kernel_says(sys: Path, word: str, soc: str = "soc") -> Path:
    file = sys / "devices" / "platform" / soc / f"{soc}:firmware" / "get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text(f"{word}\n")
    return sys


def chip(sys: Path, number: int, name: str, **files: str) -> Path:
    place = sys / "class" / "hwmon" / f"hwmon{number}"
    place.mkdir(parents=True)
    for file, text in {"name": f"{name}\n", **files}.items():
        (place / file).write_text(text)
    return place


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    """Sensors as of a Raspberry Pi: the processor's heat, the board's supply, a clock."""
    chip(tmp_path, 0, "cpu_thermal")
    chip(tmp_path, 1, "rpi_volt")
    chip(tmp_path, 2, "rp1_adc", in0_lcrit_alarm="1\n", in1_input="5000\n")
    return tmp_path


@pytest.mark.parametrize(("text", "is_low"), [("0\n", False), ("1\n", True), ("", None), ("off\n", None)])
def test_the_supply_is_low_when_the_board_says_so(pi: Path, text: str, is_low: bool | None) -> None:
    """Only the alarm of `rpi_volt` counts; what is no number is no answer."""
    (pi / "class" / "hwmon" / "hwmon1" / "in0_lcrit_alarm").write_text(text)
    assert low(pi) is is_low


def test_without_an_alarm_that_can_be_read_nothing_is_known_of_the_supply(pi: Path) -> None:
    assert low(pi) is None
    (pi / "class" / "hwmon" / "hwmon1" / "in0_lcrit_alarm").mkdir()
    assert low(pi) is None
    assert low(pi / "nothing") is None


@pytest.mark.parametrize(("text", "measured"), [("12640\n", 12.64), ("0\n", 0.0), ("", None), ("off\n", None)])
def test_a_gauge_on_the_supply_tells_its_volts(pi: Path, text: str, measured: float | None) -> None:
    """Only sensors of the bus voltage count: in1_input of another chip may be anything, as one of the three of an INA3221."""
    assert volts(pi) is None
    chip(pi, 3, "ina3221", in1_input="3300\n")
    gauge = chip(pi, 4, "ina226")
    assert volts(pi) is None
    (gauge / "in1_input").write_text(text)
    assert volts(pi) == measured


def test_of_several_gauges_the_first_that_can_be_read_is_the_supply_s(alone: Path) -> None:
    chip(alone, 1, "ina226", in1_input="off")
    chip(alone, 2, "ina226", in1_input="12640")
    chip(alone, 3, "ina226", in1_input="5000")
    chip(alone, 4, "ina3221", in1_input="3300")
    assert volts(alone) == 12.64
    assert voltages(alone) == {"ina226": 12.64, "ina3221": 3.3}


@pytest.mark.parametrize("soc", ["soc", "soc@107c000000"])
@pytest.mark.parametrize(("text", "word"), [("0", 0), ("50005", 0x50005), ("", None), ("x", None)])
def test_the_firmware_s_word_is_hexadecimal(tmp_path: Path, soc: str, text: str, word: int | None) -> None:
    assert bits(tmp_path) is None
    assert bits(kernel_says(tmp_path, text, soc)) == word


@pytest.mark.parametrize("word", [0, 1, 0x50000, 0x50005, 0x80008, 0x20002])
def test_each_bit_is_read_now_and_since_power_on(alone: Path, word: int) -> None:
    found = throttled(kernel_says(alone, f"{word:x}"))
    assert found == Throttled(word & 0xF, word >> 16)
    assert (found.under_voltage, found.under_voltage_was) == (bool(word & 1), bool(word & 0x10000))


WATCHED = {"0": 0, "1": 1}


@pytest.mark.parametrize("alarm", WATCHED)
def test_where_the_kernel_watches_the_supply_its_stale_file_is_not_read(alone: Path, alarm: str) -> None:
    """To open it prints a warning with a stack; what it says is the watch's own last answer."""
    kernel_says(alone, "50005")
    chip(alone, 1, "rpi_volt", in0_lcrit_alarm=alarm)
    assert bits(alone) == WATCHED[alarm]
    assert throttled(alone) == Throttled(WATCHED[alarm], 0, whole=False)


def test_the_watch_keeps_what_was_between_and_what_was_since_its_first_look(alone: Path) -> None:
    watch = Watch(alone)
    watch.look()
    assert watch.told() is None
    alarm = chip(alone, 1, "rpi_volt") / "in0_lcrit_alarm"
    for text in "010":
        alarm.write_text(text)
        watch.look()
    assert watch.told() == 0x10001
    assert watch.told() is None, "nobody has looked since"
    watch.look()
    assert watch.told() == 0x10000
    alarm.write_text("gone")
    watch.look()
    assert watch.told() is None


def test_another_machine_has_no_such_bits(alone: Path) -> None:
    assert throttled(alone) is None
    assert throttled(kernel_says(alone, "nonsense")) is None


def vcgencmd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    places = tmp_path / "bin"
    places.mkdir()
    (places / "vcgencmd").write_text(f"#!/bin/sh\n{script}\n")
    (places / "vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{places}:{os.environ['PATH']}")


def test_where_the_kernel_tells_nothing_the_firmware_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, 'test "$1" = get_throttled && echo throttled=0x10000')
    assert throttled(tmp_path / "sys") == Throttled(0, UNDER_VOLTAGE)
    assert bits(tmp_path / "sys") is None, "the agent starts no program for it"


def test_the_firmware_s_own_word_goes_before_the_kernel_s_and_has_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's is two seconds long; what the firmware has just forgotten because of that, the alarm still says."""
    vcgencmd(tmp_path, monkeypatch, 'test "$1" = get_throttled && echo throttled=0x50000')
    sys = kernel_says(tmp_path / "sys", "0")
    assert throttled(sys) == Throttled(0, UNDER_VOLTAGE | THROTTLED)
    chip(sys, 1, "rpi_volt", in0_lcrit_alarm="1")
    assert throttled(sys) == Throttled(UNDER_VOLTAGE, UNDER_VOLTAGE | THROTTLED)


def test_one_who_may_not_ask_learns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, "echo 'VCHI initialization failed'; exit 255")
    assert throttled(tmp_path / "sys") is None
    assert voltages(tmp_path / "sys") == {}
    assert bits(tmp_path / "sys") is None


def test_a_pi_5_measures_its_input_and_an_ina_chip_the_battery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, 'test "$1 $2" = "pmic_read_adc EXT5V_V" && echo "     EXT5V_V volt(24)=5.09432000V"')
    chip(tmp_path / "sys", 3, "ina226", in1_input="12480\n")
    assert voltages(tmp_path / "sys") == {"ina226": 12.48, "EXT5V": 5.09432}

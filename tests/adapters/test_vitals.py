"""The machine's vitals, of the machine the tests run on: they are plausible, and what cannot be read is None."""

import os
import platform
import subprocess
import time
from pathlib import Path

import pytest

from agent.adapters.vitals import TURN_S, Vitals, hottest_c, resident_bytes, room_for, supply_low, supply_v, throttled
from agent.core import events
from tests.adapters.conftest import Posted, thread_left


def test_the_clock_and_the_vitals_are_posted_at_start(tmp_path: Path, posted: Posted) -> None:
    vitals = Vitals(str(tmp_path / "not" / "yet"), posted, time.monotonic, lambda: 1_700_000_000_123)
    before = time.monotonic()
    vitals.start()
    clock = posted.expect(events.ClockRead)
    machine = posted.expect(events.Vitals)
    vitals.close()
    assert before <= clock.at <= machine.at <= time.monotonic()
    assert clock.utc_ms == 1_700_000_000_123
    assert 1_000_000 < machine.rss_bytes < 10_000_000_000
    assert machine.store_free_bytes is not None
    assert machine.store_free_bytes > 0


def test_close_ends_the_thread_at_once(tmp_path: Path, posted: Posted) -> None:
    vitals = Vitals(str(tmp_path), posted, time.monotonic, lambda: 0)
    vitals.start()
    posted.expect(events.MachineSeen)
    before = time.monotonic()
    vitals.close()
    assert not thread_left("vitals")
    assert time.monotonic() - before < TURN_S / 2, "the turn that it waited for was cut short"
    vitals.close()
    assert posted.drain() == []


def test_close_after_no_start_is_allowed(tmp_path: Path, posted: Posted) -> None:
    Vitals(str(tmp_path), posted, time.monotonic, lambda: 0).close()


def test_memory_grows_with_what_is_held() -> None:
    before = resident_bytes()
    held = bytearray(b"x" * 50_000_000)
    assert resident_bytes() - before > 40_000_000
    assert held


def test_the_hottest_readable_zone_counts(tmp_path: Path) -> None:
    """A sensor that is off says nonsense, or -274 °C, and a fan has no temperature."""
    for name, text in {
        "thermal_zone0": "48312\n",
        "thermal_zone1": "61250\n",
        "thermal_zone2": "-274000\n",
        "thermal_zone3": "off",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "temp").write_text(text)
    (tmp_path / "thermal_zone4" / "temp").mkdir(parents=True)
    (tmp_path / "cooling_device0").mkdir()
    assert hottest_c(tmp_path) == pytest.approx(61.25)


def test_a_frost_is_a_temperature(tmp_path: Path) -> None:
    (tmp_path / "thermal_zone0").mkdir()
    (tmp_path / "thermal_zone0" / "temp").write_text("-31500\n")
    assert hottest_c(tmp_path) == pytest.approx(-31.5)


def test_no_sensor_is_no_temperature(tmp_path: Path) -> None:
    assert hottest_c(tmp_path / "nothing") is None


@pytest.fixture
def hwmon(tmp_path: Path) -> Path:
    """Sensors as of a Raspberry Pi: the processor's heat, the board's supply, a clock."""
    for number, name in enumerate(("cpu_thermal", "rpi_volt", "rp1_adc")):
        (tmp_path / f"hwmon{number}").mkdir()
        (tmp_path / f"hwmon{number}" / "name").write_text(f"{name}\n")
    (tmp_path / "hwmon2" / "in0_lcrit_alarm").write_text("1\n")
    return tmp_path


@pytest.mark.parametrize(("text", "low"), [("0\n", False), ("1\n", True), ("", None), ("off\n", None)])
def test_the_supply_is_low_when_the_board_says_so(hwmon: Path, text: str, low: bool | None) -> None:
    """Only the alarm of `rpi_volt` counts; what is no number is no answer."""
    (hwmon / "hwmon1" / "in0_lcrit_alarm").write_text(text)
    assert supply_low(hwmon) is low


def test_without_an_alarm_that_can_be_read_nothing_is_known_of_the_supply(hwmon: Path) -> None:
    assert supply_low(hwmon) is None
    (hwmon / "hwmon1" / "in0_lcrit_alarm").mkdir()
    assert supply_low(hwmon) is None
    assert supply_low(hwmon / "nothing") is None


def test_the_supply_is_in_the_vitals(hwmon: Path, posted: Posted) -> None:
    (hwmon / "hwmon1" / "in0_lcrit_alarm").write_text("1\n")
    vitals = Vitals(str(hwmon), posted, time.monotonic, lambda: 0, hwmon=hwmon)
    vitals.start()
    assert posted.expect(events.Vitals).supply_low is True
    vitals.close()


@pytest.mark.parametrize(("text", "volts"), [("12640\n", 12.64), ("0\n", 0.0), ("", None), ("off\n", None)])
def test_a_gauge_on_the_supply_tells_its_volts(hwmon: Path, text: str, volts: float | None) -> None:
    """Only sensors of the bus voltage count: in1_input of another chip may be anything."""
    (hwmon / "hwmon2" / "in1_input").write_text("5000\n")
    assert supply_v(hwmon) is None
    (hwmon / "hwmon3").mkdir()
    (hwmon / "hwmon3" / "name").write_text("ina226\n")
    assert supply_v(hwmon) is None
    (hwmon / "hwmon3" / "in1_input").write_text(text)
    assert supply_v(hwmon) == volts


@pytest.mark.parametrize("soc", ["soc", "soc@107c000000"])
@pytest.mark.parametrize(("text", "bits"), [("0\n", 0), ("50005\n", 0x50005), ("", None), ("x\n", None)])
def test_the_firmware_s_word_is_hexadecimal(tmp_path: Path, soc: str, text: str, bits: int | None) -> None:
    place = tmp_path / soc / f"{soc}:firmware"
    place.mkdir(parents=True)
    assert throttled(tmp_path) is None
    (place / "get_throttled").write_text(text)
    assert throttled(tmp_path) == bits


@pytest.mark.parametrize(("text", "low"), [("0\n", False), ("50005\n", True), ("50000\n", False)])
def test_without_the_board_s_alarm_the_firmware_s_bit_says_that_the_supply_is_low(
    tmp_path: Path, posted: Posted, text: str, low: bool
) -> None:
    (tmp_path / "soc" / "soc:firmware").mkdir(parents=True)
    (tmp_path / "soc" / "soc:firmware" / "get_throttled").write_text(text)
    vitals = Vitals(str(tmp_path), posted, time.monotonic, lambda: 0, hwmon=tmp_path, firmware=tmp_path)
    vitals.start()
    seen = posted.expect(events.Vitals)
    vitals.close()
    assert (seen.supply_low, seen.throttled) == (low, int(text, 16))


def test_the_machine_is_told_at_the_start(tmp_path: Path, posted: Posted) -> None:
    vitals = Vitals(str(tmp_path), posted, time.monotonic, lambda: 0)
    vitals.start()
    assert posted.expect(events.MachineSeen).python == platform.python_version()
    vitals.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_file_system_that_takes_no_writes_says_so(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", str(tmp_path)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        assert room_for(tmp_path / "store") == (65536, True)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_the_room_is_that_of_the_nearest_place_that_exists(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "a" / "b", tmp_path / "file", tmp_path / "file" / "below"):
        room = os.statvfs(tmp_path)
        found, readonly = room_for(place)
        assert readonly is False
        assert found is not None
        assert abs(found - room.f_bavail * room.f_frsize) < 1_000_000_000


def test_a_path_that_cannot_be_asked_for_has_no_room(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert room_for(tmp_path / "loop") == (None, None)


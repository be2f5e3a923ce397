"""The machine's vitals, of the machine the tests run on: they are plausible, and what cannot be read is None."""

import os
import platform
import time
from pathlib import Path

import pytest

from agent.adapters.vitals import LOOK_S, TURN_S, Vitals, hottest_c, resident_bytes
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


def zone(sys: Path, name: str) -> Path:
    """Where it would tell its temperature."""
    place = sys / "class" / "thermal" / name
    place.mkdir(parents=True)
    return place / "temp"


def test_the_hottest_readable_zone_counts(tmp_path: Path) -> None:
    """A sensor that is off says nonsense, or -274 °C, and a fan has no temperature."""
    for name, text in {
        "thermal_zone0": "48312\n",
        "thermal_zone1": "61250\n",
        "thermal_zone2": "-274000\n",
        "thermal_zone3": "off",
    }.items():
        zone(tmp_path, name).write_text(text)
    zone(tmp_path, "thermal_zone4").mkdir()
    zone(tmp_path, "cooling_device0")
    assert hottest_c(tmp_path) == pytest.approx(61.25)


def test_a_frost_is_a_temperature(tmp_path: Path) -> None:
    zone(tmp_path, "thermal_zone0").write_text("-31500\n")
    assert hottest_c(tmp_path) == pytest.approx(-31.5)


def test_no_sensor_is_no_temperature(tmp_path: Path) -> None:
    assert hottest_c(tmp_path / "nothing") is None


def test_the_supply_is_in_the_vitals(tmp_path: Path, posted: Posted) -> None:
    for number, (name, file, text) in enumerate([("rpi_volt", "in0_lcrit_alarm", "1"), ("ina226", "in1_input", "12640")]):
        chip = tmp_path / "class" / "hwmon" / f"hwmon{number}"
        chip.mkdir(parents=True)
        (chip / "name").write_text(f"{name}\n")
        (chip / file).write_text(f"{text}\n")
    vitals = Vitals(str(tmp_path), posted, time.monotonic, lambda: 0, tmp_path)
    vitals.start()
    seen = posted.expect(events.Vitals)
    vitals.close()
    assert (seen.supply_low, seen.supply_v) == (True, 12.64)


@pytest.mark.parametrize(("text", "low"), [("0\n", False), ("50005\n", True), ("50000\n", False)])
def test_without_the_board_s_alarm_the_firmware_s_bit_says_that_the_supply_is_low(
    tmp_path: Path, posted: Posted, text: str, low: bool
) -> None:
    place = tmp_path / "devices" / "platform" / "soc" / "soc:firmware"
    place.mkdir(parents=True)
    (place / "get_throttled").write_text(text)
    vitals = Vitals(str(tmp_path), posted, time.monotonic, lambda: 0, tmp_path)
    vitals.start()
    seen = posted.expect(events.Vitals)
    vitals.close()
    assert (seen.supply_low, seen.throttled) == (low, int(text, 16) | (int(text, 16) & 0xF) << 16)


def test_a_dip_between_two_vitals_is_in_the_next_one_and_that_there_was_one_in_all_that_come(tmp_path: Path, posted: Posted) -> None:
    """The alarm is up for one look: a pipe in the place of the file, which lies there again as soon as that look has opened it."""
    chip = tmp_path / "class" / "hwmon" / "hwmon0"
    chip.mkdir(parents=True)
    (chip / "name").write_text("rpi_volt\n")
    alarm, well = chip / "in0_lcrit_alarm", tmp_path / "well"
    alarm.write_text("0\n")
    well.write_text("0\n")
    os.mkfifo(tmp_path / "dip")
    vitals = Vitals(str(tmp_path), posted, time.monotonic, lambda: 0, tmp_path, look_s=0.03)
    vitals.start()
    first = posted.expect(events.Vitals)
    (tmp_path / "dip").rename(alarm)
    with alarm.open("w") as dip:
        well.rename(alarm)
        dip.write("1\n")
    seen = [posted.expect(events.Vitals) for _ in range(3)]
    vitals.close()
    assert (first.supply_low, first.throttled) == (False, 0)
    assert [each.supply_low for each in seen].count(True) == 1
    assert seen[-1].throttled == events.UNDER_VOLTAGE << events.SINCE


def test_it_looks_as_often_as_the_alarm_needs_and_tells_as_seldom_as_before() -> None:
    """The board's alarm stands for two seconds."""
    assert LOOK_S <= 1.0
    assert TURN_S == 10.0


def test_the_machine_is_told_at_the_start(tmp_path: Path, posted: Posted) -> None:
    vitals = Vitals(str(tmp_path), posted, time.monotonic, lambda: 0)
    vitals.start()
    assert posted.expect(events.MachineSeen).python == platform.python_version()
    vitals.close()

"""`outpost doctor`: what a real core says of itself, healthy and ill, becomes lines; the machine's by trees of files; without an agent."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent.cli import doctor, doctor_link, doctor_machine, doctor_unit, parser
from agent.cli.doctor_check import Check, worst
from agent.cli.doctor_words import DOCTOR
from agent.cli.why_words import Words
from agent.config import Config, Mqtt, Store, WalkTest
from agent.core.events import (
    Antenna,
    Edge,
    LinkUp,
    OutputFailed,
    ReceiverDown,
    ReceiverHeard,
    ReceiverUp,
    Satellite,
    Sky,
    SpoolDown,
    Started,
)
from agent.core.unit import Unit
from simulator.bench.brokers import free_port
from tests.core.builders import config, edge, feed, ignition_input, panic_input, spool_opened, timed_fix, unit

EN, ZH = Words("en", DOCTOR), Words("zh", DOCTOR)
WIRED = panic_input("rear", pin=None, pin_no=4, pin_nc=5)
FULL = config(input=(panic_input(), WIRED, panic_input("foot", mode="silent", pin=22), ignition_input()))


def sky(at: float, dbhz: float = 44.0) -> Sky:
    return Sky(at, tuple(Satellite("BD", n, dbhz, used=n < 7) for n in range(1, 10)))


def running(made: Config = FULL) -> Unit:
    """A unit to which nothing is missing."""
    told = unit(made)
    feed(told, Started(0.0), spool_opened(0.1), ReceiverUp(0.2, "/dev/gnss"), LinkUp(0.3, 1, "mqtt://a:1883", 5))
    levels = {"button": False, "rear.no": False, "rear.nc": True, "ignition": True, "foot": False}
    feed(told, *(edge(0.4, level, line) for line, level in levels.items()))
    for at in (1.0, 2.0, 3.0):
        feed(told, ReceiverHeard(at, 5), timed_fix(at), sky(at), Antenna(at, "ok"))
    return told


def results(checks: list[Check]) -> dict[str, str]:
    return {check.code: check.result for check in checks}


def test_a_unit_that_is_well_passes_line_by_line() -> None:
    body = running().status(4.0)
    assert doctor_unit.clock(body, EN).result == "pass"
    assert doctor_unit.store(body, EN).what.startswith("the store is open")
    assert results(doctor_unit.gnss(body, EN)) == dict.fromkeys(("gnss.receiver", "gnss.antenna", "gnss.satellites", "gnss.signal"), "pass")
    assert results(doctor_unit.faults_now(body, EN)) == {"faults": "pass"}
    assert {check.code: check.what for check in doctor_unit.wiring(body, FULL, EN)} == {
        "wiring.button": "button: off; one wire, whose cut nobody would notice",
        "wiring.rear": "rear: the wire is whole, off",
        "wiring.foot": "foot is a silent button: only the centre sees it (`state/io`)",
        "wiring.ignition": "ignition: on; one wire, whose cut nobody would notice",
    }


def test_satellites_are_told_by_constellation_as_used_and_in_view() -> None:
    (found,) = [check for check in doctor_unit.gnss(running().status(4.0), EN) if check.code == "gnss.satellites"]
    assert found.what == "used / in view: BD 6/9; 3d"


@pytest.mark.parametrize(
    ("events", "code", "result"),
    [
        ([Edge(5.0, "rear.nc", False)], "wiring.rear", "fail"),
        ([Edge(5.0, "rear.no", True)], "wiring.rear", "fail"),
        ([Antenna(5.0, "open")], "gnss.antenna", "fail"),
        ([sky(5.0, 33.0)], "gnss.signal", "warn"),
        ([sky(5.0, 25.0)], "gnss.signal", "fail"),
        ([Sky(5.0)], "gnss.signal", "warn"),
        ([ReceiverDown(5.0, "/dev/gnss", "gone")], "gnss.receiver", "fail"),
        ([SpoolDown(5.0, "I/O error")], "store", "fail"),
        ([OutputFailed(5.0, "red", "gone")], "fault.lights.output", "fail"),
    ],
)
def test_what_is_ill_is_told_with_what_to_do(events: list[Any], code: str, result: str) -> None:
    told = running()
    feed(told, ReceiverHeard(4.5, 3), *events)
    told.advance(8.0)
    body = told.status(8.0)
    told_of = [*doctor_unit.gnss(body, EN), *doctor_unit.wiring(body, FULL, EN), doctor_unit.store(body, EN)]
    (check,) = [check for check in (*told_of, *doctor_unit.faults_now(body, EN)) if check.code == code]
    assert check.result == result
    assert check.do


def test_before_anything_was_heard_the_clock_and_the_receiver_fail() -> None:
    told = unit(FULL)
    feed(told, Started(0.0))
    body = told.status(1.0)
    assert doctor_unit.clock(body, EN).result == "fail"
    assert results(doctor_unit.gnss(body, EN)) == {"gnss.receiver": "fail"}
    assert doctor_unit.wiring(body, FULL, EN)[0].what == "button is not read"


@pytest.mark.parametrize(
    ("age_days", "result"), [(None, "warn"), (0, "pass"), (6, "pass"), (8, "warn")]
)
def test_a_walk_test_gets_old(age_days: int | None, result: str) -> None:
    now = 1_800_000_000_000
    body = {"tested": {"button": None if age_days is None else now - age_days * 86_400_000}, "clock": {"utc_ms": now}}
    (check,) = doctor_unit.walk_tests(body, config(walk_test=WalkTest(every_days=7)), EN)
    assert (check.code, check.result) == ("walk_test.button", result)


@pytest.mark.parametrize("body", [{}, {"faults": 5, "inputs": [], "sky": {"systems": [1]}, "tested": 3, "outbox": {"waiting": "x"}}])
def test_an_agent_of_another_age_makes_nothing_fail_to_run(body: dict[str, Any]) -> None:
    for words in (EN, ZH):
        assert doctor_unit.gnss(body, words)
        assert doctor_unit.wiring(body, FULL, words)
        assert doctor_unit.faults_now(body, words)
        assert doctor_unit.walk_tests(body, FULL, words)
        assert doctor_unit.clock(body, words).result == "fail"
        assert doctor_link.certificate(body, words).result == "skip"
        assert doctor_link.trip(body, words).result == "skip"


# --- the link ---------------------------------------------------------------------------------------------------------------------------


def test_the_round_trip_is_that_of_the_last_position_and_the_days_are_the_certificates() -> None:
    link = {"state": "online", "endpoint": "mqtt://a", "since_s": 9.0}
    body = {"link": link, "outbox": {"ack_ms": 37.4}, "certificate": {"days_left": 12}}
    found = doctor_link.link(body, None, EN, time.monotonic)
    assert results(found) == {"link.state": "pass", "link.steps": "pass", "link.certificate": "warn", "link.trip": "pass"}
    assert found[3].what == "the broker acknowledges after 37 ms (PUBLISH to PUBACK)"


def test_without_a_link_the_way_is_walked_until_it_ends() -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    body = {"link": {"state": "waiting", "endpoint": url, "reason": "nobody listens at 127.0.0.1:1"}}
    found = doctor_link.link(body, Mqtt(endpoints=(url,)), EN, time.monotonic)
    assert results(found) == {"link.state": "fail", "link.dns": "pass", "link.tcp": "fail", "link.certificate": "skip"}
    assert found[2].what.startswith("nobody listens at")
    assert found[2].do.startswith("The network is there")


# --- the machine ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without vcgencmd; its /sys, empty."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return tmp_path


def put(sys: Path, where: str, text: str) -> None:
    (sys / where).parent.mkdir(parents=True, exist_ok=True)
    (sys / where).write_text(text)


BITS = "devices/platform/soc/soc:firmware/get_throttled"
HEAT = "class/thermal/thermal_zone0/temp"


@pytest.mark.parametrize(
    ("bits", "temp", "supply", "heat"),
    [
        ("0", "45000", "pass", "pass"),
        ("1", "45000", "fail", "pass"),
        ("10000", "45000", "warn", "pass"),
        ("4", "60000", "pass", "fail"),
        ("40000", "60000", "pass", "warn"),
        ("0", "72000", "pass", "warn"),
        ("0", "81000", "pass", "fail"),
    ],
)
def test_supply_and_heat(alone: Path, bits: str, temp: str, supply: str, heat: str) -> None:
    put(alone, BITS, bits)
    put(alone, HEAT, temp)
    assert results(doctor_machine.power(EN, alone)) == {"power.supply": supply, "power.voltage": "skip", "power.heat": heat}


def test_another_machine_is_passed_over(alone: Path) -> None:
    assert set(results(doctor_machine.power(EN, alone)).values()) == {"skip"}


@pytest.mark.parametrize(("volts", "result"), [(5.1, "pass"), (4.8, "warn"), (4.6, "fail")])
def test_a_voltage_is_held_against_what_a_pi_5_needs(volts: float, result: str) -> None:
    assert doctor_machine.voltage("EXT5V", volts, 5, EN).result == result
    assert doctor_machine.voltage("ina226", volts, 5, EN).result == "pass", "of a battery nobody knows what it should be"


def disks(
    place: Path,
    kind: str = "ext4",
    options: str = "rw,noatime",
    life: str | None = None,
    written: int = 0,
    up_s: float = 86_400,
    made: int | None = None,
    errors: int | None = None,
) -> tuple[Path, Path]:
    """A /proc and a /sys with one card; `written` since the machine's start, `made` since its file system was made, bytes."""
    proc, sys = place / "proc", place / "sys"
    put(proc, "self/mountinfo", f"22 1 179:2 / / {options} - {kind} /dev/mmcblk0p2 rw\n")
    put(proc, "uptime", f"{up_s} 1.0\n")
    put(sys, "devices/mmcblk0/stat", f"0 0 0 0 0 0 {written // 512} 0 0 0 0\n")
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / "179:2").symlink_to(sys / "devices" / "mmcblk0")
    if life:
        put(sys, "devices/mmcblk0/device/life_time", life)
    if made is not None:
        put(sys, "fs/ext4/mmcblk0/lifetime_write_kbytes", str(made // 1024))
    if errors is not None:
        put(sys, "fs/ext4/mmcblk0/errors_count", str(errors))
    return proc, sys


@pytest.mark.parametrize(
    ("facts", "mount", "wear"),
    [
        ({}, "pass", "pass"),
        ({"options": "rw"}, "warn", "pass"),
        ({"options": "ro,noatime"}, "fail", "pass"),
        ({"kind": "tmpfs"}, "fail", "pass"),
        ({"written": 5 * 10**9}, "pass", "pass"),
        ({"written": 20 * 10**9}, "pass", "warn"),
        ({"written": 100 * 10**9}, "pass", "fail"),
        ({"written": 100 * 10**9, "up_s": 600}, "pass", "skip"),
        ({"written": 100 * 10**9, "life": "0x01 0x02"}, "pass", "pass"),
        ({"life": "0x09 0x01"}, "pass", "warn"),
        ({"life": "0x0b 0x0b"}, "pass", "fail"),
        ({"made": 17 * 10**12}, "pass", "pass"),
        ({"made": 19 * 10**12}, "pass", "warn"),
        ({"made": 21 * 10**12}, "pass", "fail"),
        ({"made": 21 * 10**12, "life": "0x01 0x02"}, "pass", "pass"),
    ],
)
def test_the_disk(tmp_path: Path, facts: dict[str, Any], mount: str, wear: str) -> None:
    proc, sys = disks(tmp_path, **facts)
    found = results(doctor_machine.storage(Store(path=str(tmp_path), endurance_tb=20.0), EN, proc, sys))
    assert found.pop("disk.free") in ("pass", "warn", "fail")
    assert found == {"disk.mount": mount, "disk.wear": wear}


def test_a_disk_that_does_not_answer_does_not_hold_it_up() -> None:
    never, late = threading.Event(), [Check("fail", "disk", "silent")]

    def stuck() -> list[Check]:
        never.wait()
        return []

    assert doctor_machine.within(0.05, stuck, late) is late
    never.set()
    assert doctor_machine.within(5.0, lambda: [Check("pass", "disk", "fine")], late)[0].what == "fine"


def test_the_endurance_is_the_configs(tmp_path: Path) -> None:
    proc, sys = disks(tmp_path, written=100 * 10**9)
    found = doctor_machine.storage(Store(path=str(tmp_path), endurance_tb=2000.0), EN, proc, sys)
    assert found[2].what == "mmcblk0: 100.0 GB written a day; 2000 TB of endurance last 54.8 years so"


# --- the command ------------------------------------------------------------------------------------------------------------------------


def test_without_an_agent_it_says_what_it_can_see_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(
        f'[unit]\nid = "car-1"\n[mqtt]\nendpoints = ["mqtt://127.0.0.1:{free_port()}"]\n[store]\npath = "{tmp_path}"\n'
        f'[socket]\npath = "{tmp_path}/agent.sock"\n'
    )
    assert parser.main(["doctor", "-c", str(file), "--json", "--lang", "en"]) == 1
    told = json.loads(capsys.readouterr().out)
    found = {check["code"]: check for check in told["checks"]}
    assert told["verdict"] == "fail"
    assert found["agent"]["result"] == "fail"
    assert found["clock"] == {"result": "skip", "code": "clock", "what": "needs the running agent"}
    assert found["link.dns"]["result"] == "pass"
    assert found["link.tcp"]["result"] == "fail"
    assert found["disk.free"]["result"] in ("pass", "warn")


def test_a_page_has_a_line_for_each_and_one_for_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert parser.main(["doctor", "-c", str(tmp_path / "nothing.toml"), "--lang", "zh"]) == 1
    page = capsys.readouterr().out.splitlines()
    assert page[0].startswith("失败  agent")
    assert page[1].startswith("      → ")
    assert page[-1].endswith("项通过。")


def test_a_warning_alone_is_no_failure() -> None:
    assert worst(["pass", "warn", "skip"]) == "warn"
    assert worst(["skip", "pass"]) == "pass"
    assert worst([]) == "skip"
    assert worst(["pass", "fail"]) == "fail"


def test_the_json_leaves_out_what_there_is_not_to_do() -> None:
    assert Check("pass", "a", "b").told() == {"result": "pass", "code": "a", "what": "b"}
    assert Check("fail", "a", "b", "c").told()["do"] == "c"


def test_the_board_of_this_machine_is_told_or_nothing() -> None:
    assert all(check.result == "pass" for check in doctor._board(EN))
    assert os.uname().release in doctor_unit.versions(None, EN)[0].what


def test_another_version_that_still_runs_is_a_warning() -> None:
    assert results(doctor_unit.versions({"unit": {"version": "0.0.0-old"}}, EN)) == {"version": "pass", "version.running": "warn"}

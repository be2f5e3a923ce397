"""`outpost doctor` and the faults that are live: each is told by one line, and none by no line; pages come by a real local socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.disk import below, mount
from agent.cli import doctor_link, doctor_machine, doctor_unit, parser
from agent.cli.doctor_check import Check, is_told
from agent.cli.doctor_words import DOCTOR
from agent.config import Store
from agent.core.events import CAPPED, SINCE, SOFT_LIMIT, THROTTLED, UNDER_VOLTAGE, CertificateSeen, Edge, MachineSeen, Vitals
from agent.core.unit import Unit
from agent.core.wires import BOARD
from tests.cli.test_doctor import EN, FULL, HEAT, ZH, disks, put, results, running, sky
from tests.cli.test_status import Agent
from tests.core.builders import feed

DAY_MS = 86_400_000


def alone_with(code: str, body: dict[str, Any]) -> dict[str, Any]:
    """As if it had this fault only, which it has: nobody here turns the lamps and the pins that the core asks for."""
    (fault,) = [fault for fault in body["faults"] if fault["code"] == code]
    return body | {"faults": [fault]}


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """What answers at the socket; the machine has no vcgencmd."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    made = Agent(tmp_path / "agent.sock")
    yield made
    made.close()


def page(agent: Agent, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """The checks by code, of a config that cannot be read."""
    parser.main(["doctor", "-s", str(agent.path), "-c", str(tmp_path / "nothing.toml"), "--json", "--lang", "en"])
    return {check["code"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


def faulty() -> Unit:
    """The wire of `rear` is cut, and `button` is stuck."""
    told = running()
    feed(told, Edge(5.0, "rear.nc", False), Edge(5.0, "button", True))
    told.advance(40.0)
    return told


def test_without_a_config_the_faults_of_the_wires_are_told_all_the_same(
    agent: Agent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Just then they are wanted: with config.fallback the file is what is broken."""
    agent.body = faulty().status(40.0)
    found = page(agent, tmp_path, capsys)
    assert found["wiring"]["result"] == "skip"
    assert (found["fault.input.cut"]["result"], found["fault.panic.stuck"]["result"]) == ("fail", "fail")
    assert "rear" in found["fault.input.cut"]["what"]


def test_with_a_config_the_wires_tell_them_and_the_list_does_not() -> None:
    body = faulty().status(40.0)
    wires = doctor_unit.wiring(body, FULL, EN)
    assert {check.code: check.tells for check in wires if check.result == "fail"} == {
        "wiring.rear": ("input.cut:rear",),
        "wiring.button": ("panic.stuck:button",),
    }
    assert {"fault.input.cut", "fault.panic.stuck"}.isdisjoint(results(doctor_unit.faults_now(body, EN, wires)))
    alone = FULL.input[:1]
    some = doctor_unit.wiring(body, type(FULL)(unit=FULL.unit, mqtt=FULL.mqtt, input=alone), EN)
    assert "fault.input.cut" in results(doctor_unit.faults_now(body, EN, some)), "of an input that this config has not"


@pytest.mark.parametrize(
    ("detail", "tells", "told"),
    [
        ("rear", ("input.cut:rear",), True),
        ("rear, front", ("input.cut:rear",), False),
        ("rear, front", ("input.cut:rear", "input.cut:front"), True),
        ("not tested for 7 days: rear, front", ("input.cut:front", "input.cut:rear"), True),
        ("anything", ("input.cut",), True),
        ("rear", ("input.short:rear",), False),
        ("", (), False),
    ],
)
def test_a_fault_is_told_when_all_who_have_it_are_told(detail: str, tells: tuple[str, ...], told: bool) -> None:
    checks = [Check("fail", "a", "b", tells=(each,)) for each in tells]
    assert is_told("input.cut", detail, checks) is told


def test_what_a_check_tells_is_not_in_the_json() -> None:
    assert Check("fail", "a", "b", "c", ("input.cut",)).told() == {"result": "fail", "code": "a", "what": "b", "do": "c"}


def test_a_fault_that_only_the_list_knows_is_not_called_none(agent: Agent, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent.body = running().status(4.0) | {"faults": [{"code": "link.down", "detail": "", "since_s": 5.0}], "link": {"state": "waiting"}}
    found = page(agent, tmp_path, capsys)
    assert found["link.state"]["result"] == "fail"
    assert found["faults"]["what"] == "none but those told above or below"


# --- one verdict --------------------------------------------------------------------------------------------------------------------------


def certified(days: float, reason: str = "") -> dict[str, Any]:
    told = running()
    now_ms = told.status(5.0)["clock"]["utc_ms"]
    feed(told, CertificateSeen(5.0, 1, int(now_ms + days * DAY_MS), reason))
    return told.status(5.0)


@pytest.mark.parametrize(
    ("days", "reason", "result"), [(12.5, "", "warn"), (-3.0, "", "fail"), (200.0, "the key does not fit", "fail"), (12.5, "no", "fail")]
)
def test_a_certificate_has_one_verdict(days: float, reason: str, result: str) -> None:
    body = alone_with("link.certificate", certified(days, reason))
    check = doctor_link.certificate(body, EN)
    assert (check.result, check.code) == (result, "link.certificate")
    assert reason in check.what
    assert results(doctor_unit.faults_now(body, EN, [check])) == {"faults": "pass"}
    assert doctor_link.certificate(body, ZH).result == result


def test_a_good_certificate_tells_no_fault() -> None:
    check = doctor_link.certificate(certified(200.0), EN)
    assert (check.result, check.tells) == ("pass", ())


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without vcgencmd; its /sys, with a board that watches its supply."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    put(tmp_path, "class/hwmon/hwmon1/name", "rpi_volt")
    put(tmp_path, "class/hwmon/hwmon1/in0_lcrit_alarm", "0")
    put(tmp_path, HEAT, "45000")
    return tmp_path


def supply_of(sys: Path, body: dict[str, Any] | None) -> Check:
    (check,) = [check for check in doctor_machine.power(EN, sys, body) if check.code == "power.supply"]
    return check


def sagged(*vitals: Vitals, until: float) -> dict[str, Any]:
    told = running()
    feed(told, *vitals)
    told.advance(until)
    return told.status(until)


WAS = UNDER_VOLTAGE << SINCE
LOW, WELL = Vitals(5.0, 1, supply_low=True, throttled=WAS | UNDER_VOLTAGE), Vitals(70.0, 1, supply_low=False, throttled=WAS)


def test_what_the_kernel_had_forgotten_is_never_called_well_since_power_on(alone: Path) -> None:
    """The driver has the firmware forget each two seconds: a zero says nothing of what was."""
    put(alone, "devices/platform/soc/soc:firmware/get_throttled", "0")
    assert supply_of(alone, None) == Check("pass", "power.supply", "the 5 V supply is well now")
    body = sagged(Vitals(5.0, 1, supply_low=False, throttled=0), until=6.0)
    assert supply_of(alone, body).what == "the 5 V supply is well now, and was whenever the agent looked since its start"
    told = [text for key in ("supply.well", "supply.well_seen") for text in DOCTOR[key]]
    assert not [text for text in told if "power-on" in text or "上电" in text]


def test_a_brown_out_of_minutes_ago_is_told_by_the_agent_s_own_count(alone: Path) -> None:
    check = supply_of(alone, sagged(LOW, WELL, until=71.0))
    assert (check.result, check.what) == ("warn", "the 5 V supply was too low since the agent's start; it is well now")


def test_the_supply_has_one_verdict_and_it_is_that_of_the_fault(alone: Path) -> None:
    body = alone_with("power.low", sagged(LOW, Vitals(15.0, 1, supply_low=False, throttled=WAS), until=16.0))
    check = supply_of(alone, body)
    assert (check.result, check.tells) == ("fail", (f"power.low:{BOARD}",))
    assert results(doctor_unit.faults_now(body, EN, [check])) == {"faults": "pass"}
    both = body | {"faults": [{"code": "power.low", "detail": f"{BOARD}, battery"}]}
    assert results(doctor_unit.faults_now(both, EN, [check])) == {"fault.power.low": "fail"}, "of the battery no check says anything"


def heat(sys: Path, celsius: float, word: int, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any] | None = None) -> Check:
    """With a firmware that answers so."""
    put(sys, "bin/vcgencmd", f"#!/bin/sh\necho throttled={word:#x}\n")
    (sys / "bin/vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{sys / 'bin'}:/usr/bin:/bin")
    put(sys, HEAT, str(round(celsius * 1000)))
    (check,) = [check for check in doctor_machine.power(EN, sys, body) if check.code == "power.heat"]
    return check


@pytest.mark.parametrize(
    ("word", "celsius", "result"),
    [
        (UNDER_VOLTAGE | THROTTLED, 45.0, "pass"),
        (0x50005, 45.0, "pass"),
        (0x50000, 45.0, "pass"),
        (0x70007, 72.0, "warn"),
        (THROTTLED, 60.0, "fail"),
        (CAPPED, 60.0, "fail"),
        (SOFT_LIMIT, 61.0, "pass"),
        (SOFT_LIMIT << SINCE, 61.0, "pass"),
        (SOFT_LIMIT | THROTTLED, 84.0, "fail"),
        (THROTTLED << SINCE, 60.0, "warn"),
    ],
)
def test_a_processor_that_is_slowed_for_its_supply_is_not_told_to_leave_the_sun(
    alone: Path, monkeypatch: pytest.MonkeyPatch, word: int, celsius: float, result: str
) -> None:
    assert heat(alone, celsius, word, monkeypatch).result == result


def test_a_heat_that_is_a_fault_fails_and_is_told_once(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above 75 °C a fault stands, once it was 80: the line is that of the fault."""
    body = alone_with("heat.high", sagged(Vitals(5.0, 1, 81.0), until=6.0))
    check = heat(alone, 77.0, 0, monkeypatch, body)
    assert (check.result, check.what) == ("fail", "77 °C")
    assert results(doctor_unit.faults_now(body, EN, [check])) == {"faults": "pass"}


def test_that_nothing_slows_it_is_said_only_where_that_is_known(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = [check for check in doctor_machine.power(EN, alone) if check.code == "power.heat"]
    assert check.what == "45 °C"
    assert heat(alone, 45.0, 0, monkeypatch).what == "45 °C, not throttled"


@pytest.mark.parametrize(
    ("facts", "code", "result"),
    [({"errors": 2}, "disk.errors", "fail"), ({"made": 19 * 10**12}, "disk.wear", "warn"), ({"life": "0x09 0x01"}, "disk.wear", "warn")],
)
def test_a_worn_disk_has_one_verdict(tmp_path: Path, facts: dict[str, Any], code: str, result: str) -> None:
    """The agent's fault and our own look have the same source and the same limits."""
    proc, sys = disks(tmp_path, **facts)
    found = doctor_machine.storage(Store(path=str(tmp_path)), EN, proc, sys)
    assert results(found)[code] == result
    told = running()
    under = below(mount(tmp_path, proc), sys)
    life = under.used_tenths / 10 if under.used_tenths else None
    feed(told, MachineSeen(5.0, "3.11", disk_used_life=life, disk_written_bytes=under.made_bytes, disk_errors=under.errors))
    body = alone_with("store.worn", told.status(5.0))
    assert results(doctor_unit.faults_now(body, EN, found)) == {"faults": "pass"}
    assert results(doctor_unit.faults_now(body, EN)) == {"fault.store.worn": "fail"}


def test_a_disk_without_errors_has_no_line_for_them(tmp_path: Path) -> None:
    assert "disk.errors" not in results(doctor_machine.storage(Store(path=str(tmp_path)), EN, *disks(tmp_path, errors=0)))


# --- an old sky ---------------------------------------------------------------------------------------------------------------------------


def test_an_old_sky_is_no_sky() -> None:
    """Of satellites, signal and antenna nothing is known that is of today."""
    told = running()
    feed(told, sky(5.0))
    fresh = told.status(15.0)
    assert results(doctor_unit.gnss(fresh, EN))["gnss.signal"] == "pass"
    body = told.status(4.0)
    body["sky"]["age_s"] = 86_400.0
    found = doctor_unit.gnss(body, EN)
    assert results(found) == {"gnss.receiver": "pass", "gnss.satellites": "fail"}
    assert found[1].what.startswith("nothing has been heard of satellites for ")
    assert found[1].do

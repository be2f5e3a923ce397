"""The modem, by a program that prints what mmcli of ModemManager 1.20 prints; and by programs that do worse."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agent.adapters import modem as adapter
from agent.adapters.modem import Modem, modem_seen
from agent.core.events import ModemSeen
from tests.adapters.conftest import Posted, thread_left

TOLD: dict[str, Any] = {
    "modem": {
        "3gpp": {"operator-code": "46000", "operator-name": "CHINA MOBILE", "registration-state": "home"},
        "dbus-path": "/org/freedesktop/ModemManager1/Modem/0",
        "generic": {
            "access-technologies": ["lte"],
            "manufacturer": "QUALCOMM INCORPORATED",
            "model": "EC25",
            "sim": "/org/freedesktop/ModemManager1/SIM/0",
            "signal-quality": {"recent": "yes", "value": "67"},
            "state": "connected",
        },
    }
}
SIM: dict[str, Any] = {"sim": {"properties": {"iccid": "89860012345678901234", "imsi": "460001234567890"}}}


def program(directory: Path, script: str) -> str:
    file = directory / "mmcli"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


def test_what_mmcli_prints_is_posted(tmp_path: Path, posted: Posted) -> None:
    (tmp_path / "-m").write_text(json.dumps(TOLD))
    (tmp_path / "-i").write_text(json.dumps(SIM))
    asked = program(tmp_path, f'echo "$@" >> {tmp_path}/asked; cat {tmp_path}/$1')
    modem = Modem(posted, time.monotonic, asked)
    modem.start()
    seen = posted.expect(ModemSeen)
    modem.close()
    assert (seen.signal, seen.access, seen.operator, seen.model) == (0.67, "lte", "CHINA MOBILE", "QUALCOMM INCORPORATED EC25")
    assert seen.sim == "89860012345678901234"
    assert (tmp_path / "asked").read_text() == "-m any -J\n-i /org/freedesktop/ModemManager1/SIM/0 -J\n"
    assert not thread_left("modem")


@pytest.mark.parametrize(
    "script", ["echo no modems were found >&2; exit 1", "echo nonsense", "exec head -c 1100000 /dev/zero", "exit 127", "echo []"]
)
def test_without_a_modem_nothing_is_known_and_nothing_breaks(tmp_path: Path, posted: Posted, script: str) -> None:
    modem = Modem(posted, time.monotonic, program(tmp_path, script))
    modem.start()
    seen = posted.expect(ModemSeen)
    modem.close()
    assert seen == ModemSeen(seen.at)


def test_a_command_that_is_gone_is_no_modem(tmp_path: Path, posted: Posted) -> None:
    modem = Modem(posted, time.monotonic, str(tmp_path / "gone"))
    modem.start()
    assert posted.expect(ModemSeen).signal is None
    modem.close()


def test_a_bus_that_hangs_holds_up_no_end(tmp_path: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "ASKED_S_MAX", 0.2)
    modem = Modem(posted, time.monotonic, program(tmp_path, "exec sleep 60"))
    modem.start()
    seen = posted.expect(ModemSeen)
    assert seen == ModemSeen(seen.at)
    modem.close()
    assert not thread_left("modem")


def test_without_mmcli_nobody_is_asked_and_nothing_posted(posted: Posted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    modem = Modem(posted, time.monotonic)
    modem.start()
    modem.close()
    assert posted.drain() == []
    assert not thread_left("modem")


@pytest.mark.parametrize(
    "value", [None, [], "x", {"modem": None}, {"modem": {"generic": 5}}, {"modem": {"generic": {"access-technologies": "lte"}}}]
)
def test_any_answer_is_borne(value: Any) -> None:
    assert modem_seen(1.0, value, value) == ModemSeen(1.0)


@pytest.mark.parametrize(
    ("value", "share"), [("0", 0.0), ("100", 1.0), ("101", None), ("--", None), ("-5", None), (50, None), ("9" * 5000, None)]
)
def test_the_signal_is_a_share(value: Any, share: float | None) -> None:
    told = {"modem": {"generic": {"signal-quality": {"value": value}, "access-technologies": ["lte", "5gnr"], "model": "--"}}}
    assert modem_seen(1.0, told) == ModemSeen(1.0, share, "lte+5gnr")


def test_a_modem_without_a_sim_is_asked_for_none(tmp_path: Path, posted: Posted) -> None:
    told = {"modem": {"generic": {**TOLD["modem"]["generic"], "sim": "--"}}}
    (tmp_path / "-m").write_text(json.dumps(told))
    modem = Modem(posted, time.monotonic, program(tmp_path, f'echo "$@" >> {tmp_path}/asked; cat {tmp_path}/$1'))
    modem.start()
    seen = posted.expect(ModemSeen)
    modem.close()
    assert (seen.model, seen.sim) == ("QUALCOMM INCORPORATED EC25", "")
    assert (tmp_path / "asked").read_text() == "-m any -J\n"


@pytest.mark.parametrize("iccid", ["--", "", 89860012345678901234, "8986001234567890123x", "8" * 17, "8" * 21, "8" * 50])
def test_what_is_no_number_of_a_sim_is_none(iccid: Any) -> None:
    assert modem_seen(1.0, TOLD, {"sim": {"properties": {"iccid": iccid}}}).sim == ""

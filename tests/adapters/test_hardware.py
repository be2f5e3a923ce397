"""What the unit is made of: trees as Raspberry Pi kernels write them, a ModemManager that answers, is stuck, lies, or is not there."""

import json
import os
import time
from pathlib import Path

import pytest

from agent.adapters.hardware import Hardware, board, sim
from agent.core.events import HardwareSeen
from tests.adapters.conftest import Posted, thread_left

PI = "Raspberry Pi 4 Model B Rev 1.4"
CPUINFO = f"processor\t: 0\nBogoMIPS\t: 108.00\n\nRevision\t: c03114\nSerial\t\t: 10000000abcdef01\nModel\t\t: {PI}\n"
SAID = {
    "--list-modems": {"modem-list": ["/org/freedesktop/ModemManager1/Modem/0"]},
    "--modem=/org/freedesktop/ModemManager1/Modem/0": {"modem": {"generic": {"sim": "/org/freedesktop/ModemManager1/SIM/0"}}},
    "--sim=/org/freedesktop/ModemManager1/SIM/0": {"sim": {"properties": {"iccid": "89860012345678901234"}}},
}


def proc(tmp_path: Path, cpuinfo: str = "", **tree: str) -> Path:
    made = tmp_path / "proc"
    (made / "device-tree").mkdir(parents=True)
    for name, text in tree.items():
        (made / "device-tree" / name.replace("_", "-")).write_bytes(text.encode() + b"\0")
    if cpuinfo:
        (made / "cpuinfo").write_text(cpuinfo)
    return made


def mmcli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, object] | str) -> None:
    """A program of that name that prints what `said` has for its first word, or this text."""
    places = tmp_path / "bin"
    places.mkdir()
    cases = f"print({said!r})" if isinstance(said, str) else f"import json, sys; print(json.dumps({said!r}.get(sys.argv[1], {{}})))"
    script = places / "mmcli"
    script.write_text(f"#!/usr/bin/env python3\n{cases}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{places}:{os.environ['PATH']}")


def test_the_board_is_told_by_the_device_tree(tmp_path: Path) -> None:
    assert board(proc(tmp_path, model=PI, serial_number="10000000abcdef01")) == f"{PI}, serial 10000000abcdef01"


def test_the_board_is_told_by_cpuinfo_where_there_is_no_tree(tmp_path: Path) -> None:
    assert board(proc(tmp_path, CPUINFO)) == f"{PI}, revision c03114, serial 10000000abcdef01"


def test_a_machine_that_says_nothing_has_no_identity(tmp_path: Path) -> None:
    assert board(proc(tmp_path, "processor\t: 0\nmodel name\t: Some CPU\n")) is None
    assert board(tmp_path / "nowhere") is None


def test_the_sim_is_told_by_modem_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mmcli(tmp_path, monkeypatch, SAID)
    assert sim() == "89860012345678901234"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no json",
        "[]",
        json.dumps({"modem-list": 5}),
        {"--list-modems": {"modem-list": ["/m"]}, "--modem=/m": {"modem": []}},
        {"--list-modems": {"modem-list": ["/m"]}, "--modem=/m": {"modem": {"generic": {"sim": "--"}}}},
        {**SAID, "--sim=/org/freedesktop/ModemManager1/SIM/0": {"sim": {"properties": {"iccid": "--"}}}},
    ],
)
def test_a_modem_manager_that_knows_no_sim_or_says_nonsense_is_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, object] | str
) -> None:
    mmcli(tmp_path, monkeypatch, said)
    assert sim() is None


def test_without_modem_manager_there_is_no_sim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sim() is None


def test_what_is_known_is_posted_at_start_and_the_thread_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posted: Posted) -> None:
    mmcli(tmp_path, monkeypatch, SAID)
    adapter = Hardware(posted, time.monotonic, proc(tmp_path, model=PI, serial_number="1"))
    before = time.monotonic()
    adapter.start()
    first = posted.expect(HardwareSeen)
    second = posted.expect(HardwareSeen)
    adapter.close()
    assert (first.what, first.identity) == ("board", f"{PI}, serial 1")
    assert (second.what, second.identity) == ("sim", "89860012345678901234")
    assert before <= first.at <= second.at
    assert not thread_left("hardware")


def test_close_after_no_start_is_allowed(posted: Posted) -> None:
    Hardware(posted, time.monotonic).close()

"""What is in the way is said all at once, with what to do, before anything is changed."""

import dataclasses
from typing import Any

import pytest

from agent.installer import install
from agent.installer.machine import Facts
from agent.installer.site import Failed
from tests.installer.machine import Machine

COMPILED = "msgspec-0.22.0-{python}-{python}-manylinux_2_17_{machine}.whl"
OWN = "outpost_agent-1.0-py3-none-any.whl"


def refusal(machine: Machine, *wheels: str) -> str:
    """What the installer says; it must have changed nothing."""
    before = machine.snapshot()
    with pytest.raises(Failed) as refused:
        install.install(machine.site, machine.parcel("1.0", wheels=wheels), 60, 15)
    assert machine.snapshot() == before
    assert machine.changes == []
    return str(refused.value)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"uid": 1000}, "run it with sudo"),
        ({"bits": 32}, '32-bit (its programs, whatever its kernel is); Outpost is built for 64-bit only: flash "Raspberry Pi OS'),
        ({"python": (3, 9)}, "found CPython 3.9 (/usr/bin/python3); expected CPython 3.11 or later"),
        ({"implementation": "PyPy"}, "found PyPy 3.11"),
        ({"has_venv": False}, "sudo apt-get install python3-venv"),
    ],
)
def test_who_and_what_we_are_is_looked_at(machine: Machine, facts: dict[str, Any], words: str) -> None:
    machine.facts = dataclasses.replace(Facts(), **facts)
    assert words in refusal(machine)


def test_everything_in_the_way_is_said_at_once(machine: Machine) -> None:
    machine.facts = Facts(uid=1000, bits=32, python=(3, 9), has_venv=False)
    machine.free = 1_000_000
    (machine.root / "etc/os-release").write_text('PRETTY_NAME="Fedora"\nID=fedora\n')
    (machine.root / "run/systemd/system").rmdir()
    said = refusal(machine)
    assert said.startswith("7 in the way; nothing was changed")
    for words in ("sudo", "32-bit", "3.9", "python3-venv", "Fedora", "systemd does not run", "1 MB are free", "boot"):
        assert words in said, words


def test_an_old_debian_is_refused_and_what_is_made_of_debian_is_not(machine: Machine) -> None:
    (machine.root / "etc/os-release").write_text('PRETTY_NAME="Raspbian GNU/Linux 11"\nID=raspbian\nVERSION_ID="11"\n')
    assert "found Raspbian GNU/Linux 11; expected 12" in refusal(machine)
    (machine.root / "etc/os-release").write_text("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04\n")
    assert machine.install("1.0") == 0


def test_a_read_only_root_is_told_with_what_to_do(machine: Machine) -> None:
    machine.is_read_only = True
    assert "/ is mounted read-only: sudo mount -o remount,rw /" in refusal(machine)


@pytest.mark.parametrize(("source", "kernel"), [("overlayroot", "quiet"), ("overlay", "boot=overlay"), ("overlay", "overlayroot=tmpfs")])
def test_an_overlay_that_forgets_is_refused(machine: Machine, source: str, kernel: str) -> None:
    (machine.root / "proc").mkdir()
    (machine.root / "proc/mounts").write_text(f"{source} / overlay rw,lowerdir=/lower 0 0\n")
    (machine.root / "proc/cmdline").write_text(f"root=PARTUUID=1-02 {kernel}\n")
    assert "raspi-config nonint disable_overlayfs" in refusal(machine)
    (machine.root / "proc/mounts").write_text("overlay / overlay rw,lowerdir=/somewhere,upperdir=/that/lasts 0 0\n")
    (machine.root / "proc/cmdline").write_text("quiet\n")
    assert machine.install("1.0") == 0


def test_wheels_for_another_machine_are_told_by_its_name(machine: Machine) -> None:
    said = refusal(machine, OWN, COMPILED.format(python="cp311", machine="x86_64"))
    assert "the wheels of this bundle are for x86_64, this machine is aarch64: take the bundle for aarch64" in said


def test_wheels_for_another_python_are_told_by_its_name(machine: Machine) -> None:
    machine.facts = Facts(python=(3, 12))
    wheels = [COMPILED.format(python=python, machine="aarch64") for python in ("cp311", "cp313")]
    said = refusal(machine, OWN, *wheels)
    assert "the wheels of msgspec are for cp311, cp313, /usr/bin/python3 is CPython 3.12" in said


@pytest.mark.parametrize("python", [(3, 11), (3, 13)])
def test_a_bundle_with_wheels_for_both_pythons_fits_both(machine: Machine, python: tuple[int, int]) -> None:
    machine.facts = Facts(python=python)
    wheels = [COMPILED.format(python=each, machine="aarch64") for each in ("cp311", "cp313")]
    lgpio = "lgpio-0.2.2.0-1outpost-cp311-abi3-manylinux_2_34_aarch64.whl"
    assert install.install(machine.site, machine.parcel("1.0", wheels=(OWN, *wheels, lgpio)), 60, 15) == 0


def test_a_bundle_that_was_not_unpacked_whole_is_told(machine: Machine) -> None:
    assert "has no wheel of outpost-agent" in refusal(machine, "pyserial-3.5-py2.py3-none-any.whl")
    parcel = machine.parcel("2.0")
    for wheel in parcel.wheels:
        wheel.path.unlink()
    with pytest.raises(Failed, match="has no wheels/ and is no checkout"):
        install.install(machine.site, parcel, 60, 15)

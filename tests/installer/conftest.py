"""A unit in a folder for each test."""

from pathlib import Path

import pytest

from tests.installer.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """As flashed: Debian 12 on a Raspberry Pi, nothing of ours."""
    return Machine(tmp_path / "root")


@pytest.fixture
def unit(machine: Machine) -> Machine:
    """Version 1 is installed and runs."""
    machine.configure()
    assert machine.install("1.0") == 0
    machine.said.clear()
    machine.changes.clear()
    return machine

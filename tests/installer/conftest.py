"""A unit in a folder for each test, in memory: the installer waits for the disk at each change, thousands of which would take minutes."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.installer.machine import Machine

MEMORY = Path("/dev/shm")
"""A file system in memory, on every Linux."""


@pytest.fixture
def new_machine() -> Iterator[Callable[[], Machine]]:
    """Each call makes one as flashed: Debian 12 on a Raspberry Pi, nothing of ours."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        numbers = count()
        yield lambda: Machine(Path(folder) / str(next(numbers)) / "root")


@pytest.fixture
def machine(new_machine: Callable[[], Machine]) -> Machine:
    """One of them."""
    return new_machine()


@pytest.fixture
def unit(machine: Machine) -> Machine:
    """Version 1 is installed and runs."""
    machine.configure()
    assert machine.install("1.0") == 0
    machine.said.clear()
    machine.changes.clear()
    return machine

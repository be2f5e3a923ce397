"""Cars at the desk for the black-box tests: one to oneself, or one that a whole file shares."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.black_box.desk import QUICK, Desk

TIMEOUT_S = 300
"""The net below all patience of one test."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real processes on a machine that may be busy: what is waited for in one test adds up."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A car without an agent yet, its centre listening."""
    with Desk(tmp_path / "car", QUICK) as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A car that runs, is online and knows where it is; the tests of a file share it, and leave it so."""
    with Desk(tmp_path_factory.mktemp("running") / "car", QUICK) as found:
        found.run_online()
        found.hear_fix()
        yield found

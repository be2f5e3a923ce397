"""What the benchmarks share: stores that are filled once."""

import shutil
from collections.abc import Iterator

import pytest

from tests.bench import weeks
from tests.bench.weeks import Week


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    """A week without a link."""
    found = weeks.fill(tmp_path_factory.mktemp("week"))
    yield found
    shutil.rmtree(found.state)


@pytest.fixture(scope="session")
def slow_week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    """Less of it, for a line on which the whole would take minutes."""
    found = weeks.fill_some(tmp_path_factory.mktemp("slow"))
    yield found
    shutil.rmtree(found.state)

"""A booted system for each module of tests, and how they say why there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.debian import base_tree, remove_tree, why_not
from tests.install.installed import install
from tests.install.tree import Tree


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies in this folder is of the marker `install`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.install)


@pytest.fixture(scope="session")
def base() -> Path:
    """The tree that is copied; never to be changed."""
    if reason := why_not():
        pytest.skip(reason)
    return base_tree()


@pytest.fixture(scope="session")
def installed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same with Outpost in it and no config; never to be changed."""
    made = install(base, tmp_path_factory.mktemp("installed") / "root", tmp_path_factory.mktemp("wheel"))
    yield made
    remove_tree(made)


@pytest.fixture(scope="module")
def tree(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A copy of it, not booted yet."""
    with Tree.copied(base, tmp_path_factory.mktemp("tree") / "root") as made:
        yield made

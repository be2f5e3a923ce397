"""What tests of the simulator share: the adapters' `Posted`."""

import pytest

from tests.adapters.conftest import Posted


@pytest.fixture
def posted() -> Posted:
    """A fresh `Posted`."""
    return Posted()

"""What tests of the command line share."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a commissioning measures for many seconds takes one: these tests are about what comes of it."""
    monkeypatch.setattr("agent.cli.commission_machine.CRANK_S", 1.0)
    monkeypatch.setattr("agent.cli.commission_machine.SETTLE_S", 1.0)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT ends what this test starts, as in a terminal; a shell lets a background job ignore it, and what that starts inherits it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

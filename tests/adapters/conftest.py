"""What tests of adapters share: `Posted`, the mailbox's stand-in that lets a test wait for a typed event."""

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from agent.core.events import Event
from tests.timing import PATIENCE_S

Expected = TypeVar("Expected", bound=Event)


class Posted:
    """Takes events as a mailbox does, and hands them to a test that waits for one of a type."""

    def __init__(self) -> None:
        """Nothing has been posted yet."""
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def __call__(self, event: Event) -> None:
        """Post; never blocks."""
        self._events.put(event)

    def expect(self, kind: type[Expected], timeout: float = PATIENCE_S, where: Callable[[Expected], bool] | None = None) -> Expected:
        """The next event of this type (for which `where` holds); the events before it are passed over.

        Raises:
            AssertionError: none came within `timeout` seconds; the message lists what came instead.
        """
        deadline = time.monotonic() + timeout
        passed: list[Event] = []
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no such {kind.__name__} within {timeout} s; came: {passed}") from None
            if isinstance(event, kind) and (where is None or where(event)):
                return event
            passed.append(event)

    def drain(self, but: type[Event] | None = None) -> list[Event]:
        """All that has been posted and not been looked at; without those of a type that may come at any time."""
        events: list[Event] = []
        while not self._events.empty():
            events.append(self._events.get())
        return [event for event in events if but is None or not isinstance(event, but)]


class Clock:
    """Seconds that pass when the test says so, and only then."""

    def __init__(self) -> None:
        """Some second."""
        self.at = 1000.0

    def __call__(self) -> float:
        """The second it is."""
        return self.at


def thread_left(begins: str) -> bool:
    """Whether a thread whose name begins so still runs, when all of them have had the time to end."""
    deadline = time.monotonic() + PATIENCE_S
    for thread in threading.enumerate():
        if thread.name.startswith(begins):
            thread.join(max(0.0, deadline - time.monotonic()))
    return any(thread.name.startswith(begins) for thread in threading.enumerate())


@pytest.fixture
def posted() -> Posted:
    """A fresh `Posted`."""
    return Posted()

"""The mailbox: events go in from any thread, and come out one by one in the thread that decides."""

import queue
from collections.abc import Callable

from agent.core.events import AdapterDied, Event, EventsDropped, StopRequested

EVENTS_MAX = 10_000
"""About ten minutes of a quiet car, or a second of a storm; past it an event is dropped and counted. The core asks again."""

ALWAYS = (AdapterDied, StopRequested)
"""Events that have no second chance: they get in however full it is (there are only ever a few of them)."""


class Mailbox:
    """A bounded queue of events. Posting never blocks, and may be done from a signal handler (queue.SimpleQueue is reentrant)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._dropped = 0
        self._told = 0
        self._held: Event | None = None

    def post(self, event: Event) -> None:
        """Put an event in, or count it as dropped."""
        if self._queue.qsize() >= EVENTS_MAX and not isinstance(event, ALWAYS):
            self._dropped += 1
            return
        self._queue.put(event)

    def take(self, timeout: float) -> Event | None:
        """The next event, waiting up to `timeout` seconds; None when none came."""
        if self._held is not None:
            event, self._held = self._held, None
            return event
        dropped = self._dropped
        count, self._told = dropped - self._told, dropped
        try:
            event = self._queue.get(timeout=timeout) if timeout > 0 and not count else self._queue.get_nowait()
        except queue.Empty:
            return EventsDropped(self._now(), count) if count else None
        if not count:
            return event
        self._held = event  # time moves by the stamps: what waits in the queue must not be overtaken by the present
        return EventsDropped(event.at, count)

"""The mailbox: bounded, never blocking, and honest about what it dropped."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from agent import mailbox as module
from agent.core.events import AdapterDied, Event, EventsDropped, LinkDown, StopRequested
from agent.mailbox import EVENTS_MAX, Mailbox


def event(at: float) -> Event:
    """Any event."""
    return LinkDown(at, 1, "x")


def made(now: float = 99.0) -> Mailbox:
    return Mailbox(lambda: now)


def full() -> Mailbox:
    box = made()
    for i in range(EVENTS_MAX):
        box.post(event(float(i)))
    return box


def drained(box: Mailbox) -> list[Event]:
    """All that is in it."""
    found = []
    while (one := box.take(0)) is not None:
        found.append(one)
    return found


def test_events_come_out_in_the_order_in_which_they_went_in() -> None:
    box = made()
    for i in range(5):
        box.post(event(float(i)))
    assert [found.at for found in drained(box)] == [0, 1, 2, 3, 4]


def test_an_empty_mailbox_gives_nothing_after_the_time_out() -> None:
    assert made().take(0) is None
    assert made().take(0.01) is None


def test_taking_waits_for_what_another_thread_posts() -> None:
    box = made()
    ready = threading.Event()

    def post() -> None:
        ready.wait(5)
        box.post(event(1.0))

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    ready.set()
    assert box.take(5.0) == event(1.0)
    thread.join(5)


def test_a_full_mailbox_drops_and_says_how_many_once() -> None:
    box = full()
    for _ in range(3):
        box.post(event(5.0))
    assert box.take(0) == EventsDropped(0.0, 3)
    rest = drained(box)
    assert len(rest) == EVENTS_MAX
    assert not any(isinstance(found, EventsDropped) for found in rest)


def test_what_is_dropped_later_is_told_again_and_only_that() -> None:
    box = full()
    box.post(event(5.0))
    assert box.take(0) == EventsDropped(0.0, 1)
    for _ in range(3):  # the first of them finds the room of the one that was taken
        box.post(event(5.0))
    assert box.take(0) == event(0.0)
    assert box.take(0) == EventsDropped(1.0, 2)


def test_the_word_of_dropped_events_does_not_overtake_in_time_what_waits() -> None:
    """Time moves by the stamps: with the present one, timers would fire before the events that should stop them."""
    box = full()
    box.post(event(5.0))
    stamps = [found.at for found in drained(box)]
    assert stamps == sorted(stamps)


def test_when_nothing_waits_any_more_the_word_has_the_present_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS_MAX", 0)
    box = made(now=42.0)
    box.post(event(5.0))
    assert box.take(5.0) == EventsDropped(42.0, 1)
    assert box.take(0) is None


@pytest.mark.parametrize("urgent", [AdapterDied(1.0, "gnss", "x"), StopRequested(1.0, "SIGTERM")])
def test_what_has_no_second_chance_gets_in_however_full_it_is(urgent: Event) -> None:
    box = full()
    box.post(urgent)
    assert drained(box)[-1] == urgent


@pytest.fixture
def box_for_signals() -> Iterator[Mailbox]:
    """A mailbox to which SIGUSR1 posts, as the agent's signals do."""
    box = made()
    before = signal.signal(signal.SIGUSR1, lambda *_: box.post(StopRequested(1.0, "SIGUSR1")))
    yield box
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_that_arrives_while_posting_and_taking_is_neither_lost_nor_a_deadlock(box_for_signals: Mailbox) -> None:
    stop = threading.Event()

    def shoot() -> None:
        while not stop.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)
            stop.wait(0.0005)

    thread = threading.Thread(target=shoot, daemon=True)
    thread.start()
    posted = taken = signals = 0
    while posted < 20_000 or not signals:
        box_for_signals.post(event(float(posted)))
        posted += 1
        while (found := box_for_signals.take(0)) is not None:
            taken += isinstance(found, LinkDown)
            signals += isinstance(found, StopRequested)
    stop.set()
    thread.join(5)
    assert taken == posted


def test_a_signal_wakes_a_waiting_taker(box_for_signals: Mailbox) -> None:
    timer = threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGUSR1), daemon=True)
    timer.start()
    assert box_for_signals.take(5.0) == StopRequested(1.0, "SIGUSR1")
    timer.join(5)

"""The loop: takes, decides, performs, pets; blocks nowhere but in the mailbox."""

from agent.core.effects import Effect, Notify, Publish
from agent.core.events import AdapterDied, Event, Started, StopRequested
from agent.loop import PULSE_S, run
from agent.mailbox import Mailbox
from tests.core.builders import edge, link_down, of, spool_opened, unit


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Monotonic seconds."""
        return self.now


class Timetable(Mailbox):
    """A mailbox into which events come at their own time, on a clock that jumps to them; remembers how long each wait was."""

    def __init__(self, clock: Clock, events: list[Event]) -> None:
        super().__init__(clock)
        self.clock = clock
        self.coming = sorted(events, key=lambda event: event.at)
        self.waits: list[float] = []

    def take(self, timeout: float) -> Event | None:
        """The next event, or time passes."""
        self.waits.append(timeout)
        if self.coming and self.coming[0].at <= self.clock.now + timeout:
            event = self.coming.pop(0)
            self.clock.now = max(self.clock.now, event.at)
            return event
        self.clock.now += timeout
        return None


def played(*events: Event) -> tuple[list[Effect], Timetable, int]:
    """The loop over these events: effects, the mailbox, how often the watchdog was petted."""
    clock, effects, pets = Clock(), list[Effect](), list[int]()
    mailbox = Timetable(clock, list(events))
    made = unit()
    run(made, mailbox, effects.append, lambda: pets.append(1), clock)
    assert made.stopped
    return effects, mailbox, len(pets)


def test_it_runs_until_the_unit_has_stopped() -> None:
    effects, mailbox, pets = played(Started(0.0), spool_opened(0.1), StopRequested(2.0, "SIGTERM"))
    assert Notify(True, "running") in effects
    assert mailbox.clock.now <= 5.0
    assert pets == len(mailbox.waits)


def test_a_dead_adapter_ends_it_in_the_same_turn() -> None:
    _, mailbox, _ = played(Started(0.0), AdapterDied(1.0, "gnss", "x"))
    assert mailbox.clock.now == 1.0


def test_it_never_waits_longer_than_the_pulse_nor_a_negative_time() -> None:
    _, mailbox, _ = played(Started(0.0), spool_opened(0.1), StopRequested(30.0, "SIGTERM"))
    assert all(0.0 <= wait <= PULSE_S for wait in mailbox.waits)


def test_it_wakes_for_a_timer_when_no_event_comes() -> None:
    effects, _, _ = played(
        Started(0.0), spool_opened(0.1), link_down(0.2), edge(0.3, False), edge(1.0, True), StopRequested(3.0, "SIGTERM")
    )
    assert any(type(effect).__name__ == "Remember" for effect in effects)
    assert of(Publish, effects) == []

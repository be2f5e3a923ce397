"""Time moves by the stamps on events: it does not matter how often anybody looked."""

import functools
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Config
from agent.core.effects import Effect
from agent.core.events import Event
from agent.core.unit import Unit
from simulator.world import World
from simulator.world_config import CONFIG

BOOT = "0123456789abcdef"


class Recorded(Unit):
    """A unit that keeps what it was told."""

    boots: list[list[Event]]

    def __init__(self, config: Config, boot: str, version: str) -> None:
        super().__init__(config, boot, version)
        self.boots.append([])

    def handle(self, event: Event) -> list[Effect]:
        self.boots[-1].append(event)
        return super().handle(event)


@functools.cache
def lives() -> tuple[tuple[Event, ...], ...]:
    """What the units of one stormy world were told, by boot."""
    Recorded.boots = []
    World(11, 1.0, "storm", unit=Recorded).run()
    return tuple(tuple(events) for events in Recorded.boots)


def live(events: tuple[Event, ...], looks: list[float]) -> list[Effect]:
    """All effects of a unit that is told `events`, and looked at (`advance`) at those moments too."""
    unit = Unit(CONFIG, BOOT, "0")
    effects: list[Effect] = []
    waiting = sorted(looks)
    for event, latest in zip(events, accumulate((event.at for event in events), max), strict=True):
        while waiting and waiting[0] <= latest:
            look = waiting.pop(0)
            if look <= event.at or event.at == latest:
                effects += unit.advance(min(look, latest))
        effects += unit.handle(event)
    return effects


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_extra_looks_change_nothing(data: st.DataObject) -> None:
    """A loop that wakes up too often does the same as one that wakes up for events only."""
    events = data.draw(st.sampled_from(lives()), label="boot")
    events = events[: data.draw(st.integers(1, 400), label="events")]
    first, last = events[0].at, max(event.at for event in events)
    looks = data.draw(st.lists(st.floats(first, last), max_size=60), label="looks")
    assert live(events, looks) == live(events, [])


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_looking_when_it_asks_to_be_woken_changes_nothing(data: st.DataObject) -> None:
    """The real loop wakes up at `wake_at`; an adapter that is late makes it miss that moment."""
    events = data.draw(st.sampled_from(lives()), label="boot")[:300]
    unit = Unit(CONFIG, BOOT, "0")
    effects: list[Effect] = []
    for event in events:
        while unit.wake_at() <= event.at and not unit.stopped:
            effects += unit.advance(unit.wake_at())
        effects += unit.handle(event)
    assert effects == live(events, [])

"""Promises can be broken: a core or a store with one defect is found out, by the promise that is about it."""

from collections.abc import Callable

import msgspec
import pytest

from agent.config import Config
from agent.core.effects import Effect, Forget, Publish, Remember, ShowLights, Store
from agent.core.events import Event, Fix, Lane, Stored
from agent.core.unit import Unit
from simulator.faults import Fault, FixesTimeless, Killed, LinkOutage, PowerCut, ReaderStalls
from simulator.promises import Broken, entries
from simulator.world import World
from simulator.world_config import CONFIG
from simulator.world_store import WorldStore

OUTAGE = LinkOutage(600.0, 1200.0)
PRESS_AT = 900.0


class Defective(Unit):
    """A unit whose effects pass through `spoil`."""

    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        """What is wrong with it."""
        raise NotImplementedError

    def handle(self, event: Event) -> list[Effect]:
        """As the unit does, spoilt."""
        return self.spoil(event, super().handle(event))

    def advance(self, at: float) -> list[Effect]:
        """As the unit does, spoilt."""
        return self.spoil(None, super().advance(at))


class ForgetsWhatIsStored(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return [*effects, Forget(event.names)] if isinstance(event, Stored) else effects


class DoesNotLatch(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return [e for e in effects if not (isinstance(e, Remember) and e.name == "alarms")]


class LosesTheLatch(Defective):
    """Says acknowledged by itself: every latch is forgotten when the next one is asked for."""

    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return [*effects, Remember("alarms", None)] if self.now > PRESS_AT + 60 else effects


class PutsAlarmsLast(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return sorted(effects, key=lambda e: isinstance(e, Publish) and e.topic.endswith("/up/alarm"))


class DoesNotRepeat(Unit):
    """Says it once, and believes that it has said it again."""

    def __init__(self, config: Config, boot: str, version: str) -> None:
        super().__init__(config, boot, version)
        repeat = self.panic._repeat
        self.panic._repeat = lambda at, live: repeat(at, live)[:0]  # type: ignore[method-assign]  # what is broken here


class StaysDark(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return [e for e in effects if not isinstance(e, ShowLights)]


class SaysNothingOfItself(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return [e for e in effects if not (isinstance(e, Publish) and e.topic.endswith("/presence"))]


class DropsTracks(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return [e for e in effects if not (isinstance(e, Publish | Store) and b"track" in e.payload)]


class SendsNoEvents(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        return [e for e in effects if not (isinstance(e, Publish) and e.topic.endswith("/up/event"))]


class Hoards(Defective):
    def spoil(self, event: Event | None, effects: list[Effect]) -> list[Effect]:
        vars(self.outbox).setdefault("hoard", []).extend([event] * 5)
        return effects


class Raises(Unit):
    def handle(self, event: Event) -> list[Effect]:
        if event.at > 700:
            raise IndexError("pop from an empty deque")
        return super().handle(event)


class BelievesALateClock(Unit):
    def handle(self, event: Event) -> list[Effect]:
        if isinstance(event, Fix) and event.utc_ms is not None:
            event = msgspec.structs.replace(event, utc_ms=event.utc_ms + 900)
        return super().handle(event)


class DropsFixesOfOneStamp(Unit):
    """Takes the first of those that bear the same stamp."""

    def __init__(self, config: Config, boot: str, version: str) -> None:
        super().__init__(config, boot, version)
        self._fix_at = -1.0

    def handle(self, event: Event) -> list[Effect]:
        if isinstance(event, Fix):
            if event.at <= self._fix_at:
                return []
            self._fix_at = event.at
        return super().handle(event)


class TakesFixesTwice(Unit):
    """So soon after that its place is no lie."""

    def handle(self, event: Event) -> list[Effect]:
        effects = super().handle(event)
        again = msgspec.structs.replace(event, at=event.at + 0.0001) if isinstance(event, Fix) else None
        return [*effects, *super().handle(again)] if again else effects


class AnswersBeforeCommit(WorldStore):
    """A card that lies about its flush, and does it eight seconds later. Of events only: what it tells of others breaks more than one."""

    lane = Lane.EVENT

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, Store) and effect.lane is self.lane:
            self._world.after(0.0, self._world.post, Stored(self._world.mono(), (effect.name,), {effect.name: effect.edition}))
            self._world.after(8.0, self._perform_late, effect, self._process)
        else:
            super().perform(effect)

    def _perform_late(self, effect: Effect, process: int) -> None:
        if process == self._process:
            super().perform(effect)


class AnswersForAlarmsBeforeCommit(AnswersBeforeCommit):
    lane = Lane.ALARM


def one_boot_for_all(config: Config, _boot: str, version: str) -> Unit:
    return Unit(config, "0123456789abcdef", version)


def configured(**inputs: float) -> Callable[[Config, str, str], Unit]:
    """A unit that takes its buttons otherwise than the world does."""

    def unit(config: Config, boot: str, version: str) -> Unit:
        wrong = tuple(msgspec.structs.replace(i, **inputs) for i in config.input)
        return Unit(msgspec.structs.replace(config, input=wrong), boot, version)

    return unit


def wide_window(config: Config, boot: str, version: str) -> Unit:
    mqtt = msgspec.structs.replace(config.mqtt, window_bytes=1_000_000)
    return Unit(msgspec.structs.replace(config, mqtt=mqtt), boot, version)


def run(
    unit: Callable[[Config, str, str], Unit] = Unit,
    faults: tuple[Fault, ...] = (),
    store: Callable[[World], WorldStore] = WorldStore,
    presses: tuple[float, ...] = (1.5,),
    centre_sleeps: bool = False,
) -> None:
    """Half an hour and more, with presses of so many seconds from PRESS_AT on."""
    world = World(1, 0.6, config=CONFIG, unit=unit, faults=list(faults), store=store)
    for n, held_s in enumerate(presses):
        world.after(PRESS_AT + 10 * n, world.car.press, "panic", held_s)
    if centre_sleeps:
        world.centre._plan = lambda *_: None  # type: ignore[method-assign]  # a centre in which nobody looks
    world.run()


def test_a_sound_unit_keeps_them_all() -> None:
    run(faults=(OUTAGE,))


@pytest.mark.parametrize(
    ("defect", "promise"),
    [
        (ForgetsWhatIsStored, "forget after PUBACK"),
        (DoesNotLatch, "only the centre ends an alarm"),
        (LosesTheLatch, "only the centre ends an alarm"),
        (PutsAlarmsLast, "alarms first"),
        (StaysDark, "lights tell the truth"),
        (SaysNothingOfItself, "honest presence"),
        (SendsNoEvents, "nothing is lost"),
        (DropsTracks, "every fix once"),
        (TakesFixesTwice, "every fix once"),
        (Hoards, "bounded memory"),
        (Raises, "the core stands"),
        (BelievesALateClock, "true time"),
        (configured(hold_s=5.0), "an honest press raises"),
    ],
)
def test_a_defect_of_the_core_breaks_the_promise_about_it(defect: Callable[[Config, str, str], Unit], promise: str) -> None:
    with pytest.raises(Broken) as broken:
        run(defect, faults=(OUTAGE,))
    assert broken.value.name == promise


def test_too_much_on_the_line_breaks_the_promise_of_the_window() -> None:
    """Half an hour of the track is little, so is what is allowed here."""
    narrow = msgspec.structs.replace(CONFIG, mqtt=msgspec.structs.replace(CONFIG.mqtt, window_bytes=1024))
    World(1, 0.8, config=narrow, faults=[LinkOutage(300.0, 2100.0)]).run()
    with pytest.raises(Broken, match=r"^window is broken"):
        World(1, 0.8, config=narrow, unit=wide_window, faults=[LinkOutage(300.0, 2100.0)]).run()


def test_a_button_that_is_too_eager_breaks_its_promise() -> None:
    """0.1 s is a knock, not a cry for help."""
    with pytest.raises(Broken, match=r"^only an honest press raises is broken"):
        run(configured(hold_s=0.05, release_s=0.0, debounce_s=0.0), presses=(0.1, 0.1))


def test_an_alarm_that_is_not_repeated_breaks_its_promise() -> None:
    with pytest.raises(Broken, match=r"^alarms repeat is broken"):
        run(DoesNotRepeat, centre_sleeps=True)


def test_a_boot_name_used_twice_breaks_its_promise() -> None:
    with pytest.raises(Broken, match=r"^one name, one record is broken"):
        run(one_boot_for_all, faults=(Killed(300.0, 2.0),))


def test_a_store_that_answers_before_it_has_flushed_breaks_the_promise_of_records() -> None:
    """Its row is gone with the power, and the unit had been told that it was safe."""
    faults = (LinkOutage(60.0, 1500.0), *(PowerCut(100.0 + 70 * n, 5.0) for n in range(10)))
    with pytest.raises(Broken, match=r"^nothing is lost is broken"):
        run(store=AnswersBeforeCommit, faults=faults)


def test_a_store_that_answers_before_it_has_flushed_makes_the_lamp_lie() -> None:
    """It says sent of an alarm that is in nobody's hand but the broker's."""
    with pytest.raises(Broken, match=r"^feedback is true is broken"):
        run(store=AnswersForAlarmsBeforeCommit)


def test_a_broken_promise_tells_its_story() -> None:
    with pytest.raises(Broken) as broken:
        run(Raises)
    assert "pop from an empty deque" in str(broken.value)
    assert "Levels(" in broken.value.tail()


def test_entries_are_counted_through_the_parts_of_a_part() -> None:
    unit = Unit(CONFIG, "0123456789abcdef", "0")
    before = entries(unit.outbox)
    vars(unit.outbox)["more"] = {"a": [1, 2, 3]}
    assert entries(unit.outbox) == before + 4


def test_fixes_dropped_because_they_came_in_one_read_break_the_promise_of_the_track() -> None:
    """Without UTC nothing reckons their stamps back: all bear that of the read."""
    faults = [FixesTimeless(300.0, 200.0), ReaderStalls(350.0, 30.0)]
    World(3, 0.3, faults=list(faults)).run()
    with pytest.raises(Broken, match="every fix once"):
        World(3, 0.3, faults=list(faults), unit=DropsFixesOfOneStamp).run()

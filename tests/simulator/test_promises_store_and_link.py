"""A core, a store, a broker or a line with one defect is found out, by the promise that is about it (a wide window: `test_promises`)."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from agent.core import retention
from agent.core.effects import Effect, Prune, Store
from agent.core.events import Acked, Event, Lane, LinkStalled, OrderGiven, Refused, Row, Stored
from agent.core.resend import Resend
from agent.core.unit import Unit
from simulator.faults import AcksSlow, BlackHole, Fault, LinkOutage, PowerCut, PublishesRefused, StoreDown, StoreFull
from simulator.faults_link import BrokerForgets
from simulator.promises import Broken
from simulator.world import World
from simulator.world_store import WorldStore

PRESS_AT = 900.0


class RefusedIsDelivered(Unit):
    """Takes the broker's refusal for its acknowledgement."""

    def handle(self, event: Event) -> list[Effect]:
        return super().handle(Acked(event.at, event.token) if isinstance(event, Refused) and event.by_broker else event)


class KeepsBeforeTheAck(Unit):
    """What is on disk becomes history at once."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        outbox = self.outbox
        confirmed = outbox._stored

        def too_soon(stored: Stored) -> list[Any]:
            known = [message for name in stored.names if (message := outbox._known.get(name)) is not None]
            out = confirmed(stored)
            return [*out, *(output for message in known for output in outbox._custody.delivered(stored.at, message))]

        outbox._stored = too_soon  # type: ignore[method-assign]  # the defect


class SaysNothingOfLosses(Unit):
    """A loss is a loss."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.outbox._losses.add = lambda *_: None  # type: ignore[method-assign]  # the defect


class GivesUpAlarms(Unit):
    """Whatever makes room."""

    def handle(self, event: Event) -> list[Effect]:
        effects = super().handle(event)
        return [Prune(Lane.ALARM, each.rows) if isinstance(each, Prune) and each.lane is Lane.BACKFILL else each for each in effects]


class LetsAlarmsQueue(Unit):
    """An alarm waits for room in the window, behind what is in flight, as everything else does."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        room = self.outbox._window.room
        self.outbox._window.room = lambda lane, fresh=False: room(Lane.BACKFILL if lane is Lane.ALARM else lane, fresh)  # type: ignore[method-assign]  # the defect


class SendsNothingAgain(Unit):
    """Hears an order to send again, and is silent."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        part = next(part for part in self.parts if isinstance(part, Resend))
        handle = part.handle
        part.handle = lambda event: () if isinstance(event, OrderGiven) else handle(event)  # type: ignore[method-assign]  # the defect


class BelievesInTheLink(Unit):
    """Waits for acknowledgements for ever."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        handle = self.link.handle
        self.link.handle = lambda event: () if isinstance(event, LinkStalled) else handle(event)  # type: ignore[method-assign]  # the defect


class CountsAnew(Unit):
    """Takes the boot before for its own: its numbers begin at one again."""

    def __init__(self, config: Any, _boot: str, *args: Any) -> None:
        super().__init__(config, "0123456789abcdef", *args)


class HasNoHistory(WorldStore):
    """What is to be kept is dropped."""

    def _keep(self, name: str) -> None:
        self._drop(name)


class ConfirmsDraftsTooSoon(WorldStore):
    """A draft that has grown is confirmed when it is asked for, and written half a minute later."""

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, Store) and effect.edition:
            self._world.after(0.0, self._world.post, Stored(self._world.mono(), (effect.name,), {effect.name: effect.edition}))
            self._world.after(30.0, self._perform_late, effect, self._process)
        else:
            super().perform(effect)

    def _perform_late(self, effect: Effect, process: int) -> None:
        if process == self._process:
            super().perform(effect)


class WritesOverRows(WorldStore):
    """A draft that has grown lies beside its shorter edition, which is what is read."""

    def _put(self, row: Row) -> None:
        super()._put(self.rows.get(row.name, row))


def forget_the_session(world: World) -> None:
    """As with a clean start: the broker has forgotten what waits for the unit, and that it has subscribed."""
    handshake = world.broker._handshake

    def afresh(connection: Any) -> None:
        world.broker._for_unit.clear()
        world.broker._subscribed = world.broker._session = False
        handshake(connection)

    world.broker._handshake = afresh  # type: ignore[method-assign]  # the defect


def notice_nothing(world: World) -> None:
    """The adapter does not watch its line."""
    world.broker._notice = lambda connection: None  # type: ignore[method-assign]  # the defect


def nothing(_: World) -> None:
    """The world as it is."""


def live(
    faults: Iterable[Fault],
    unit: Callable[..., Unit] = Unit,
    store: Callable[[World], WorldStore] = WorldStore,
    spoil: Callable[[World], None] = nothing,
    preset: str = "link",
) -> World:
    """An hour and a quarter, with a press of each button."""
    world = World(1, 1.25, preset, unit=unit, faults=sorted(faults, key=lambda fault: fault.at), store=store)
    spoil(world)
    for n, button in enumerate(("panic", "panic_foot")):
        world.after(PRESS_AT + 10 * n, world.car.press, button, 1.5)
    world.run()
    return world


OUTAGE = LinkOutage(300.0, 1500.0)
FULL = (LinkOutage(300.0, 3000.0), StoreFull(1000.0, 2000.0))
"""For so long that the history is used up, and what waits has to make room."""

FORGETS = (BrokerForgets(600.0, 120.0), BrokerForgets(1200.0, 120.0))
GOES_WITH_A_DRAFT = (LinkOutage(300.0, 600.0), StoreDown(885.0, 700.0), PowerCut(1000.0, 20.0))
"""The link comes back when the store has just gone with a draft on it, and the store comes back to another boot."""

CUT_IN_A_DRAFT = (LinkOutage(300.0, 900.0), PowerCut(1180.0, 40.0))

WEATHER = (OUTAGE, *FORGETS, StoreFull(700.0, 500.0), PublishesRefused(2500.0, 100.0), BlackHole(3000.0, 180.0), PowerCut(3600.0, 20.0))


@pytest.mark.parametrize("faults", [WEATHER, GOES_WITH_A_DRAFT])
def test_a_sound_unit_keeps_all_promises_in_this_weather(faults: tuple[Fault, ...]) -> None:
    live(faults)


@pytest.mark.parametrize(
    ("defect", "faults", "promise"),
    [
        (KeepsBeforeTheAck, (OUTAGE,), "forget after PUBACK"),
        (RefusedIsDelivered, (PublishesRefused(600.0, 100.0),), "forget after PUBACK"),
        (CountsAnew, (PowerCut(900.0, 20.0),), "one name, one record"),
        (SaysNothingOfLosses, FULL, "nothing is lost"),
        (GivesUpAlarms, FULL, "nothing is lost"),
        (SendsNothingAgain, (), "orders are answered"),
        (SendsNothingAgain, FORGETS, "nothing is lost"),
    ],
)
def test_a_defect_of_the_core_breaks_the_promise_about_it(defect: Callable[..., Unit], faults: tuple[Fault, ...], promise: str) -> None:
    live(faults)
    with pytest.raises(Broken) as broken:
        live(faults, defect)
    assert broken.value.name == promise


def test_an_alarm_that_queues_in_the_drain_breaks_the_promise_about_it() -> None:
    """At one fix a second, with a broker that takes fifteen seconds: the window is full when somebody presses."""
    faults = [LinkOutage(20.0, PRESS_AT - 25.0), AcksSlow(PRESS_AT - 10.0, 300.0, 15.0)]
    live(faults, preset="field")
    with pytest.raises(Broken) as broken:
        live(faults, LetsAlarmsQueue, preset="field")
    assert broken.value.name == "alarms at once"


@pytest.mark.parametrize(
    ("defect", "faults", "promise"),
    [
        (HasNoHistory, FORGETS, "nothing is lost"),
        (ConfirmsDraftsTooSoon, CUT_IN_A_DRAFT, "a draft does not shrink"),
        (WritesOverRows, CUT_IN_A_DRAFT, "a draft does not shrink"),
    ],
)
def test_a_defect_of_the_store_breaks_the_promise_about_it(
    defect: Callable[[World], WorldStore], faults: tuple[Fault, ...], promise: str
) -> None:
    with pytest.raises(Broken) as broken:
        live(faults, store=defect)
    assert broken.value.name == promise


def test_a_session_that_is_lost_breaks_the_promise_about_orders() -> None:
    """The alarm of before the outage is acknowledged while the unit is away."""
    with pytest.raises(Broken) as broken:
        live([LinkOutage(903.0, 600.0)], spoil=forget_the_session)
    assert broken.value.name == "orders wait"


def test_a_half_open_link_that_nobody_notices_breaks_the_promise_about_it() -> None:
    hole = [BlackHole(1200.0, 180.0)]
    live(hole, BelievesInTheLink)  # the adapter finds it
    live(hole, spoil=notice_nothing)  # the core finds it, by what is not acknowledged
    with pytest.raises(Broken) as broken:
        live(hole, BelievesInTheLink, spoil=notice_nothing)
    assert broken.value.name == "a dead line is noticed"


def test_alarms_are_no_lane_that_retention_gives_up() -> None:
    assert Lane.ALARM not in retention.ORDER

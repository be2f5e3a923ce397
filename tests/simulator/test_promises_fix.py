"""Promises about positions and times: kept by the core where it is hard for a receiver, broken by a core with one defect."""

from typing import TypeVar

import msgspec
import pytest

from agent.config import Gnss
from agent.core.effects import Effect, Publish, SpeakToReceiver
from agent.core.events import Event, Fix, FixMode, ReceiverDown
from agent.core.unit import Unit
from agent.wire import codec
from simulator import gnss_report
from simulator.faults import EventsLate, Fault, FixesVoid, ReceiverGarbled, ReceiverSilent, ReceiverUnplugged
from simulator.faults_gnss import BaudFlip, ColdStart, LinesDamaged, Multipath, PowerDip, Tunnel, WarmStart
from simulator.promises import Broken, Promise
from simulator.promises_fix import BoundedTime, PlaceAsSaid, PortInTime, SetUpAgain, TrackAsSaid
from simulator.world import World
from simulator.world_config import CONFIG, RECEIVER

HARD: list[Fault] = [
    ColdStart(700.0, 50.0, 17.0),
    WarmStart(700.0, 25.0, -1.9),
    Tunnel(700.0, 200.0, -1.0),
    Tunnel(700.0, 200.0, 1.5),
    Multipath(200.0, 1500.0, 8.0),
    LinesDamaged(700.0, 120.0, 0.5),
    FixesVoid(700.0, 100.0),
]
IDS = [f"{type(fault).__name__} {fault.strength:g}" for fault in HARD]


P = TypeVar("P", bound=Promise)


def the(world: World, kind: type[P]) -> P:
    """That promise of the world."""
    return next(promise for promise in world.judge.promises if isinstance(promise, kind))


@pytest.mark.parametrize("fault", HARD, ids=IDS)
def test_what_is_hard_for_a_receiver_raises_no_flag(fault: Fault) -> None:
    world = World(1, 0.5, faults=[fault])
    world.run()
    assert world.counts["flags false"] == 0


def test_a_dead_reckoned_fix_is_told_as_such_to_the_end() -> None:
    world = World(1, 0.5, faults=[Tunnel(700.0, 200.0, 1.5)])
    world.run()
    assert world.counts["fixes estimated"] >= 30
    assert the(world, TrackAsSaid).estimated == world.counts["fixes estimated"]
    assert the(world, PlaceAsSaid).shown["estimated"] > 0


def test_no_time_is_told_before_the_first_fix_of_a_cold_start() -> None:
    """The receiver tells one that is 17 s wrong, and no system clock can be read: what is made meanwhile is undated."""
    world = World(1, 0.4, faults=[ColdStart(700.0, 50.0, 17.0)])
    world.run()
    times = the(world, BoundedTime)
    assert times.undated > 0
    assert times.worst_ms < 600


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (ReceiverUnplugged(700.0, 60.0), "gnss.port"),
        (ReceiverSilent(700.0, 60.0), "gnss.silent"),
        (ReceiverGarbled(700.0, 60.0), "gnss.garbage"),
        (FixesVoid(700.0, 100.0), "gnss.no_fix"),
    ],
)
def test_a_port_that_fails_is_told_in_time(fault: Fault, code: str) -> None:
    world = World(1, 0.4, faults=[fault])
    world.run()
    tally = the(world, PortInTime).tallies[code]
    assert tally.flagged >= 1
    assert tally.worst_s <= tally.stated_s


# --- a receiver that is told --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("receiver", "rate_hz"), [("l76k", 1), ("atgm336h", 1), ("ublox_m10", 1), ("um980", 1), ("atgm336h", 5)])
def test_a_receiver_is_set_up_and_again_when_it_forgets(receiver: str, rate_hz: int) -> None:
    """Its supply dips, and later it changes its speed by itself."""
    gnss = msgspec.structs.replace(RECEIVER, receiver=receiver, rate_hz=rate_hz, baud_wanted=57600)
    config = msgspec.structs.replace(CONFIG, gnss=gnss)
    world = World(1, 0.2, config=config, faults=[PowerDip(200.0, 1.0), BaudFlip(450.0, 1.0)])
    world.run()
    car = world.car.receiver
    assert car.settings.does(car.wants)
    assert car.settings.now.rate_hz == rate_hz
    assert the(world, SetUpAgain).tally.flagged >= 2


def test_a_receiver_of_which_nothing_is_wanted_is_never_spoken_to() -> None:
    world = World(1, 0.3, faults=[PowerDip(300.0, 1.0)])
    world.run()
    assert world.counts["phrases heard"] == 0


# --- defects ------------------------------------------------------------------------------------------------------------------------


class Spoils(Unit):
    """A unit whose live positions pass through `spoil`."""

    def spoil(self, facts: dict[str, object]) -> None:
        """What is wrong with them."""

    def handle(self, event: Event) -> list[Effect]:
        return [self._spoilt(effect) for effect in super().handle(event)]

    def advance(self, at: float) -> list[Effect]:
        return [self._spoilt(effect) for effect in super().advance(at)]

    def _spoilt(self, effect: Effect) -> Effect:
        if not isinstance(effect, Publish) or not effect.topic.endswith("/up/position"):
            return effect
        facts = codec.unpack(effect.payload)
        if facts.get("pos"):
            self.spoil(facts)
        return msgspec.structs.replace(effect, payload=msgspec.msgpack.encode(facts))


class LooksLive(Spoils):
    def spoil(self, facts: dict[str, object]) -> None:
        pos = facts["pos"]
        assert isinstance(pos, dict)
        pos["src"] = "gnss"


class CallsItGood(Unit):
    """Takes an estimated fix for one from satellites."""

    def handle(self, event: Event) -> list[Effect]:
        if isinstance(event, Fix) and event.mode is FixMode.DEAD_RECKONING:
            event = msgspec.structs.replace(event, mode=FixMode.THREE_D)
        return super().handle(event)


class HoldsNothing(Spoils):
    """Holds a parked car where the receiver says it is, each time anew."""

    def spoil(self, facts: dict[str, object]) -> None:
        pos, fix = facts["pos"], self.position._good
        assert isinstance(pos, dict)
        if fix is not None:
            pos["lat"], pos["lon"] = fix.lat, fix.lon


class DoesNotMindThePort(Unit):
    def handle(self, event: Event) -> list[Effect]:
        return [] if isinstance(event, ReceiverDown) else super().handle(event)


class SaysNothingToIt(Unit):
    def handle(self, event: Event) -> list[Effect]:
        return [effect for effect in super().handle(event) if not isinstance(effect, SpeakToReceiver)]

    def advance(self, at: float) -> list[Effect]:
        return [effect for effect in super().advance(at) if not isinstance(effect, SpeakToReceiver)]


TUNNEL = Tunnel(700.0, 200.0, -1.0)


@pytest.mark.parametrize(
    ("unit", "fault", "promise"),
    [
        (LooksLive, TUNNEL, "a place as it was said"),
        (CallsItGood, Tunnel(700.0, 200.0, 1.5), "a place as it was said"),
        (HoldsNothing, Multipath(100.0, 3000.0, 6.0), "a parked car is held"),
        (DoesNotMindThePort, ReceiverUnplugged(700.0, 60.0), "the port's faults in time"),
    ],
)
def test_a_core_with_one_defect_is_found_out(unit: type[Unit], fault: Fault, promise: str) -> None:
    with pytest.raises(Broken) as broken:
        World(1, 1.0, faults=[fault], unit=unit).run()
    assert broken.value.name == promise


def test_a_core_that_does_not_tell_the_receiver_anything_gives_up_aloud() -> None:
    """Not a broken promise: the fault gnss.setup says so."""
    gnss = Gnss(receiver="l76k", constellations="beidou_gps")
    world = World(1, 0.2, config=msgspec.structs.replace(CONFIG, gnss=gnss), faults=[], unit=SaysNothingToIt)
    world.run()
    assert world.unit is not None
    assert "gnss.setup" in world.unit.faults.active


def test_a_gnss_soak_tells_what_was_seen_of_each_trouble() -> None:
    world = World(2, 1.0, "gnss")
    world.run()
    told = gnss_report.report(world)
    for word in ("jam", "spoof", "gnss.no_fix", "set up again", "false flags", "outside their bound", "(dr)"):
        assert word in told


def test_a_press_that_comes_late_is_shown_where_the_unit_is_and_that_is_no_lie() -> None:
    """Its time lies before that of the fix that overtook it; no age is less than none."""
    world = World(1, 0.2, faults=[EventsLate(300.0, 300.0, 3.0)])
    for n in range(12):
        world.after(310.0 + 20 * n, world.car.press, "panic", 1.5)
    world.run()
    assert world.counts["events late"] > 0

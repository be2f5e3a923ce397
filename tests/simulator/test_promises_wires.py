"""Promises about buttons, wires and lamps can be broken: a unit with one defect is found out, by the promise that is about it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from agent.config import Config
from agent.core import lights as core_lights
from agent.core import panic, supervised_wire
from agent.core.buttons import Taken
from agent.core.discretion import Discretion
from agent.core.effects import Effect, Publish, ShowLights
from agent.core.events import Acked, AlarmChanged, Event, InputHeld, LightsAsked, Stored
from agent.core.latches import Live
from agent.core.light_sense import LightSense
from agent.core.output_trial import LEASE_S_MAX, OutputTrial
from agent.core.recorder import Recorder
from agent.core.shows import Shows
from agent.core.unit import Unit
from simulator.faults import ButtonStuck, DiskSlow, Fault, InputNoise, LinkOutage, OutputsMute, PowerCut
from simulator.faults_wires import BatteryLow, Crank, EmiBurst, LampsBurnt, LightsTried, RecorderDies, RelayWelded, WireBroken
from simulator.press_story import StoryWorld, Wanted
from simulator.promises import Broken
from simulator.promises_press import HonestPressArrives
from simulator.world import World
from simulator.world_config import configured
from simulator.world_lamps import WorldLamps

CONFIG = configured("wires")

FIRST = 0.0
"""Strength of a WireBroken that names the first supervised input, `panic_foot`."""

BAR, SCENE = 0.0, 0.9
"""Strength of what happens to a group of lights."""


@dataclasses.dataclass
class Play:
    """A quarter of an hour in a vehicle with everything, in which only this happens."""

    faults: tuple[Fault, ...] = ()
    presses: tuple[tuple[float, str, float], ...] = ()
    slides: tuple[float, ...] = ()
    orders: tuple[tuple[float, str, dict[str, Any]], ...] = ()
    actions: tuple[tuple[float, str], ...] = ()
    centre_sleeps: bool = False
    minutes: float = 6.0

    def run(self, unit: Callable[..., Unit] = Unit) -> World:
        """Raises Broken."""
        world = World(1, self.minutes / 60, "presses", config=CONFIG, faults=list(self.faults), unit=unit)
        world.people = False
        for at, button, held_s in self.presses:
            world.after(at, world.car.hands.press, button, held_s)
        for at in self.slides:
            world.after(at, world.car.hands.slide)
        for at, kind, body in self.orders:
            world.after(at, world.centre.order, kind, body)
        for at, action in self.actions:
            world.after(at, world.car.hands.do, action)
        if self.centre_sleeps:
            world.centre._plan = lambda *_: None  # type: ignore[method-assign]  # a centre in which nobody looks
        world.run()
        return world


def rewired(**inputs: Any) -> Callable[..., Unit]:
    """A unit that takes its inputs otherwise than they are wired."""

    def unit(config: Config, *more: Any) -> Unit:
        wrong = tuple(msgspec.structs.replace(i, **inputs) for i in config.input)
        return Unit(msgspec.structs.replace(config, input=wrong), *more)

    return unit


class SaysSentWhenStored(Unit):
    def handle(self, event: Event) -> list[Effect]:
        for live in self.panic._latches.all:
            live.sent |= isinstance(event, Stored) and live.awaited in event.names
        return super().handle(event)


class SaysSentWhenAcknowledged(Unit):
    def handle(self, event: Event) -> list[Effect]:
        for live in self.panic._latches.all:
            live.sent |= isinstance(event, Acked)
        return super().handle(event)


class LightsTheBarInSilence(Unit):
    """A silent alarm has its light, as if it were overt."""

    def handle(self, event: Event) -> list[Effect]:
        return self._lit(super().handle(event))

    def advance(self, at: float) -> list[Effect]:
        return self._lit(super().advance(at))

    def _lit(self, effects: list[Effect]) -> list[Effect]:
        if all(live.latch.mode != "silent" for live in self.panic._latches.all):
            return effects
        response = Shows(self.config.show, self.config.output).play("response")
        return [ShowLights(effect.outputs | response) if isinstance(effect, ShowLights) else effect for effect in effects]


class TriesOnThroughAlarms(Unit):
    """Whoever tries the lights keeps them while help is called."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        trial = next(part for part in self.parts if isinstance(part, OutputTrial))
        trial.listens = tuple(  # type: ignore[assignment]  # fewer of them
            event for event in trial.listens if event not in (AlarmChanged, LightsAsked)
        )


class ForgetsTheCutWire(Unit):
    """After a while, although nobody has mended it."""

    def handle(self, event: Event) -> list[Effect]:
        told = self.faults.active.get("input.cut")
        if told is not None and event.at - told.since > 130.0:
            del self.faults.active["input.cut"]
        return super().handle(event)


class SendsAlarmsAstray(Unit):
    """To a topic that nobody at the centre reads."""

    def handle(self, event: Event) -> list[Effect]:
        return [self._astray(effect) for effect in super().handle(event)]

    def advance(self, at: float) -> list[Effect]:
        return [self._astray(effect) for effect in super().advance(at)]

    @staticmethod
    def _astray(effect: Effect) -> Effect:
        astray = isinstance(effect, Publish) and effect.topic.endswith("/up/alarm")
        return msgspec.structs.replace(effect, topic="lost/property") if astray else effect


PRESSED = ((60.0, "panic", 1.5),)
ON_HAND = (100.0, 102.0, 104.0, 106.0, 108.0, 110.0)


def test_a_sound_unit_keeps_them_all_whatever_happens() -> None:
    world = Play(
        faults=(
            InputNoise(30.0, 20.0, 0.05),
            EmiBurst(55.0, 10.0, 0.4),
            WireBroken(80.0, 30.0, FIRST),
            Crank(120.0, 1.5),
            LampsBurnt(140.0, 40.0, BAR),
            RelayWelded(190.0, 40.0, SCENE),
            BatteryLow(240.0, 40.0),
            ButtonStuck(290.0, 35.0),
            RecorderDies(150.0, 150.0),
        ),
        presses=(*PRESSED, (70.0, "panic_foot", 1.5), (90.0, "panic_rear", 1.0)),
        slides=ON_HAND,
        orders=((130.0, "light.set", {"show": "checkpoint", "lease_s": 20.0}), (135.0, "mark", {})),
    ).run()
    assert world.counts["honest presses undisturbed"] >= 3


NOISE = (InputNoise(30.0, 200.0, 0.02),)


@pytest.mark.parametrize(
    ("unit", "play", "promise"),
    [
        (rewired(debounce_s=0.0, release_s=5.0, hold_s=0.05), Play(NOISE), "only an honest press raises"),
        (SaysSentWhenStored, Play((LinkOutage(50.0, 60.0),), PRESSED), "feedback is true"),
        (SaysSentWhenAcknowledged, Play((DiskSlow(50.0, 60.0, 2.0),), PRESSED), "feedback is true"),
        (rewired(senses="nothing"), Play((LampsBurnt(60.0, 60.0, BAR),)), "faults are true"),
        (rewired(senses="nothing"), Play((RelayWelded(60.0, 60.0, SCENE),)), "faults are true"),
        (rewired(mode="overt"), Play(presses=((60.0, "panic_foot", 1.5),)), "silent is silent"),
        (LightsTheBarInSilence, Play(presses=((60.0, "panic_foot", 1.5),)), "lights tell the truth"),
        (rewired(release_s=0.2), Play((Crank(60.0, 1.9),)), "a dip is no change"),
        (TriesOnThroughAlarms, Play((LightsTried(150.0, LEASE_S_MAX),), ((151.0, "panic", 1.5),)), "lights tell the truth"),
        (ForgetsTheCutWire, Play((WireBroken(60.0, 280.0, FIRST),)), "faults are true"),
    ],
)
def test_a_defect_breaks_the_promise_about_it(unit: Callable[..., Unit], play: Play, promise: str) -> None:
    play.run()
    with pytest.raises(Broken) as broken:
        play.run(unit)
    assert broken.value.name == promise


def every_mark_alarms(self: panic.Panic, button: Any, held: InputHeld) -> Any:
    return self._alarm(held.at, button, held.first)


def every_press_tests(self: panic.Panic, at: float, button: Any, since: float, first: bool) -> Any:
    button.taken = Taken.TEST
    return self._test.press(at, button.config, first)


REMOTE_FIRST = (core_lights.RIGHTS[3], *core_lights.RIGHTS[:3], core_lights.RIGHTS[4])
REMOTE_DARKENS = tuple(right._replace(may_darken=True) for right in core_lights.RIGHTS)
SILENT = ((60.0, "panic_foot", 1.5),)
TEST = ((40.0, "walk_test"),)
LEASE = {"show": "checkpoint", "lease_s": 30.0}


@pytest.mark.parametrize(
    ("where", "what", "wrong", "play", "promise"),
    [
        (core_lights, ("RIGHTS", "ROWS"), (REMOTE_FIRST, tuple(r.row for r in REMOTE_FIRST)),
         Play(slides=(100.0,), orders=((110.0, "light.set", LEASE),)), "the centre never darkens"),
        (core_lights, ("RIGHTS",), (REMOTE_DARKENS,), Play(orders=((60.0, "light.set", {"show": "off"}),)), "the centre never darkens"),
        (Live, ("shown",), (property(lambda _: True),), Play(presses=SILENT), "feedback is true"),
        (Discretion, ("shown",), (lambda _self, told, *_: told,), Play(presses=SILENT), "silent is silent"),
        (LightSense, ("lit",), (lambda _self: {"bar": True, "scene": True},), Play((LampsBurnt(60.0, 90.0, BAR),), PRESSED),
         "lights claim no more than shines"),
        (core_lights.Lights, ("showing",), (lambda self: self.winner()[0],), Play((OutputsMute(50.0, 60.0),), PRESSED),
         "lights claim no more than shines"),
        (supervised_wire, ("WIRE_S_MIN",), (60.0,), Play((WireBroken(60.0, 30.0, FIRST),)), "faults are true"),
        (panic, ("STUCK_S",), (1e9,), Play((ButtonStuck(60.0, 60.0),)), "faults are true"),
        (panic.Panic, ("_hold",), (every_mark_alarms,), Play((ButtonStuck(60.0, 60.0),)), "one press, one record"),
        (panic, ("REAL_ALARM_S",), (1e9,), Play(presses=((60.0, "panic", 6.5),), actions=TEST), "an honest press raises"),
        (panic.Panic, ("_press",), (every_press_tests,), Play(presses=PRESSED), "an honest press raises"),
        (Recorder, ("_begin",), (lambda self, mark: self._tell(mark.at, mark, True, None),), Play(presses=PRESSED),
         "the recorder is marked"),
        (Recorder, ("_hear_alarm",), (lambda *_: (),), Play(presses=PRESSED), "the recorder is marked"),
        (WorldLamps, ("crash",), (lambda _: None,), Play((PowerCut(60.0, 5.0),)), "safe without us"),
    ],
)  # fmt: skip
def test_a_wrong_piece_breaks_the_promise_about_it(
    where: Any, what: tuple[str, ...], wrong: tuple[Any, ...], play: Play, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.run()
    for name, value in zip(what, wrong, strict=True):
        monkeypatch.setattr(where, name, value)
    with pytest.raises(Broken) as broken:
        play.run()
    assert broken.value.name == promise


def test_a_release_that_is_not_filtered_loses_a_press_in_a_burst() -> None:
    """Each spark ends the press, and none is long enough."""
    play = Play((EmiBurst(58.0, 8.0, 0.4),), ((60.0, "panic", 3.0),))
    _burst_on_panic(play, Unit)
    with pytest.raises(Broken, match=r"^an honest press raises is broken"):
        _burst_on_panic(play, rewired(release_s=0.0))


def _burst_on_panic(play: Play, unit: Callable[..., Unit]) -> None:
    world = World(1, 0.05, "presses", config=CONFIG, faults=[], unit=unit)
    world.people = False
    (burst,) = play.faults
    world.after(burst.at, world.car.noise.burst, world.car.switches["panic"], burst.lasts_s, burst.strength)
    for at, button, held_s in play.presses:
        world.after(at, world.car.hands.press, button, held_s)
    world.run()


def test_a_wire_that_is_believed_at_once_calls_every_press_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change-over contact breaks before it makes."""
    monkeypatch.setattr(supervised_wire, "WIRE_S_MIN", 0.0)
    with pytest.raises(Broken, match=r"^faults are true is broken"):
        Play(presses=tuple((60.0 + 5 * n, "panic_foot", 1.0) for n in range(10))).run(rewired(debounce_s=0.0, release_s=0.0005))


def test_a_silent_press_that_marks_the_recorder_breaks_its_promise() -> None:
    def unit(config: Config, *more: Any) -> Unit:
        recorder = msgspec.structs.replace(config.recorder, mark_silent=True)
        return Unit(msgspec.structs.replace(config, recorder=recorder), *more)

    with pytest.raises(Broken, match=r"^silent is silent is broken"):
        Play(presses=SILENT).run(unit)


def test_a_slide_switch_that_is_believed_at_once_lets_the_bar_go_dark() -> None:
    """Between two positions there is none; here the ignition is off, so nothing else asks for light."""
    with pytest.raises(Broken, match=r"^the hand is steady is broken"):
        _slide(rewired(release_s=0.0))
    _slide(Unit)


def _slide(unit: Callable[..., Unit]) -> None:
    world = World(1, 0.1, "presses", config=CONFIG, faults=[], unit=unit)
    world.people = False
    world.car.hands.live = lambda: None  # type: ignore[method-assign]  # nobody turns the key
    for n in range(20):
        world.after(60.0 + 6 * n, world.car.hands.slide)
    world.run()


def test_an_alarm_that_goes_astray_breaks_the_promise_of_its_arrival() -> None:
    """The broker has taken it, and the centre never hears of it. Others would notice too: here nobody else listens."""
    world = StoryWorld(Wanted(2), SendsAlarmsAstray)
    for ears in world.judge._ears.values():
        ears[:] = [ear for ear in ears if isinstance(ear.__self__, HonestPressArrives)]  # type: ignore[attr-defined]  # all are methods
    with pytest.raises(Broken, match=r"^an honest press arrives is broken"):
        world.run()

"""A story of switches: a seed goes in; a minute or two of presses, knocks, noise and broken wires, and what became of them, come out.

A story is a small world (`world`) in which nothing happens but what the seed wrote into it; every promise is checked in it after every
step. With `cut` the power goes at a random moment, most often near a press, and comes back.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from agent.config import Config, Input, InputUse, Lights, Mqtt, Output
from agent.core.effects import Remember, ShowLights
from agent.core.latches import MEMORY as ALARMS
from agent.core.unit import Unit
from simulator.faults import DiskSlow, Fault, InputNoise, LinkOutage, PowerCut
from simulator.faults_wires import ButtonWireBroken, Crank, EmiBurst, WireBroken
from simulator.promises import Broken, Judge
from simulator.promises_feedback import latches
from simulator.promises_press import HonestPressArrives
from simulator.world import World
from simulator.world_config import CONFIG, SELDOM
from simulator.world_hands import SHORT_PRESS_S

BEGINS_S = (4.0, 12.0)
"""The unit is up and has read its inputs; often it is online."""

LASTS_S = (30.0, 60.0)
DRAINS_S = 60.0
"""After the last deed: outages are over, and what waits gets through."""

HOLDS_S = (0.05, 0.2, 0.5, 0.5, 0.5, 1.0, 2.0)
DEBOUNCES_S = (0.03, 0.03, 0.05)
"""None below the length of noise and bounce that nobody promises to tell from a press."""

DEEDS_MAX = 6
CUT_NEAR_SHARE = 0.6
CUT_NEAR_S = (-0.6, 2.5)
"""A power cut is most interesting just before and after an alarm is out."""

STORY_LINES = 60

LOST = ("an honest press raises", "an honest press arrives")
INVENTED = ("only an honest press raises",)


class Wanted(NamedTuple):
    """One story."""

    seed: int
    cut: bool = False


class Told(NamedTuple):
    """What came of it. `presses`: honest ones, on a unit that ran, which must be heard; `sent`: alarms of which the lamp said so."""

    seed: int
    presses: int
    knocks: int
    sent: int
    faults: int
    broken: str = ""
    name: str = ""
    trace: str = ""


def config(rng: random.Random) -> Config:
    """A vehicle with three buttons: in the open, under the foot, in the back."""
    mode: Literal["overt", "discreet", "silent"] = rng.choice(("overt", "discreet", "silent"))
    hold_s, debounce_s = rng.choice(HOLDS_S), rng.choice(DEBOUNCES_S)
    return msgspec.structs.replace(
        CONFIG,
        mqtt=Mqtt(endpoints=("mqtt://broker.sim:1883",)),
        gnss=SELDOM[0],
        report=SELDOM[1],
        input=(
            Input(id="panic", use=InputUse.PANIC, pin=17, hold_s=hold_s, debounce_s=debounce_s),
            Input(id="foot", use=InputUse.PANIC, pin_no=27, pin_nc=23, mode=mode, hold_s=rng.choice(HOLDS_S)),
            Input(id="rear", use=InputUse.PANIC, pin_no=4, pin_nc=18, mode="discreet", press="twice"),
            Input(id="ignition", use=InputUse.IGNITION, pin=22, release_s=3.0),
        ),
        output=(Output(id="light", pin=5), Output(id="lamp", use="panic_lamp", pin=13)),
        lights=Lights(),
    )


class StoryWorld(World):
    """The world of one story."""

    def __init__(self, wanted: Wanted, unit: Callable[..., Unit] = Unit) -> None:
        rng = random.Random(f"story {wanted.seed} {wanted.cut}")
        begins, lasts = rng.uniform(*BEGINS_S), rng.uniform(*LASTS_S)
        super().__init__(rng.getrandbits(32), (begins + lasts) / 3600, "presses", config=config(rng), faults=[], unit=unit)
        self.people = False
        self.sent: set[str] = set()
        self._deeds = self._write(rng, begins, lasts)
        self.faults += self._troubles(rng, begins, lasts, wanted.cut)
        self.says_sent = False
        self._live_alarms: dict[str, dict[str, Any]] = {}
        self._perform |= {ShowLights: self._show, Remember: self._remember}

    # --- the script ---------------------------------------------------------------------------------------------------------------

    def _write(self, rng: random.Random, begins: float, lasts: float) -> list[float]:
        """Presses and knocks: when each begins."""
        deeds = sorted(begins + rng.random() * (lasts - 8.0) for _ in range(rng.randint(1, DEEDS_MAX)))
        for at in deeds:
            button = rng.choice(self.car.hands.buttons)
            wired = next(i for i in self.config.input if i.id == button)
            hand = self.car.hands
            if rng.random() < 0.3:
                knock_s = rng.uniform(0.0, min(SHORT_PRESS_S[1], wired.hold_s - 0.03))
                self.after(at, self._knock, button, knock_s)
            elif wired.press == "twice" and rng.random() < 0.7:
                self.after(at, hand.press_twice, button)
            else:
                self.after(at, hand.press, button, wired.hold_s + rng.choice((0.1, 0.3, 1.0, 3.0)) * (1 + rng.random()), 0.3)
        return deeds

    def _knock(self, button: str, held_s: float) -> None:
        """Shorter than hold_s."""
        self.counts["knocks"] += 1
        self.car.hands.press(button, held_s, 0.3)

    def _troubles(self, rng: random.Random, begins: float, lasts: float, cut: bool) -> list[Fault]:
        """What else goes wrong, in the order of its beginnings; all of it is over when the story is."""

        def somewhen(kind: type[Fault], lasts_s: tuple[float, float], strength: tuple[float, float] = (0.0, 0.0)) -> Fault:
            long_s = rng.uniform(*lasts_s)
            at = rng.choice(self._deeds) - rng.uniform(0.0, 2.0) if rng.random() < 0.5 else begins + rng.random() * (lasts - long_s)
            return kind(max(at, 0.1), min(long_s, begins + lasts - at), rng.uniform(*strength))

        options: tuple[tuple[float, Callable[[], Fault]], ...] = (
            (0.5, lambda: somewhen(InputNoise, (0.5, 20.0), (0.02, 0.5))),
            (0.5, lambda: somewhen(EmiBurst, (0.1, 5.0), (0.05, 0.4))),
            (0.3, lambda: somewhen(EmiBurst, (0.1, 5.0), (0.3, 0.4))),
            (0.3, lambda: somewhen(WireBroken, (0.5, 15.0), (0.0, 0.999))),
            (0.1, lambda: somewhen(ButtonWireBroken, (0.5, 15.0))),
            (0.2, lambda: somewhen(Crank, (0.3, 2.0))),
            (0.3, lambda: somewhen(LinkOutage, (1.0, 25.0))),
            (0.2, lambda: somewhen(DiskSlow, (5.0, 25.0), (0.3, 2.0))),
        )
        faults = [make() for share, make in options if rng.random() < share]
        if cut:
            near = rng.choice(self._deeds) + rng.uniform(*CUT_NEAR_S)
            at = near if rng.random() < CUT_NEAR_SHARE else begins + rng.random() * (lasts - 8.0)
            faults.append(PowerCut(max(at, 0.5), rng.uniform(1.0, 5.0)))
        return sorted(faults, key=lambda fault: fault.at)

    # --- what the lamp said -------------------------------------------------------------------------------------------------------

    def _show(self, effect: ShowLights) -> None:
        """Alarms that it speaks of are those that are live and may be seen."""
        self.car.perform(effect)
        self.says_sent = effect.outputs["lamp"].name == "sent"
        self.after(0.0, self._note_sent)  # when the turn of the loop is over

    def _note_sent(self) -> None:
        if self.says_sent and self.unit is not None:
            self.sent |= {alarm for alarm, latch in self._live_alarms.items() if latch["mode"] != "silent"}

    def _remember(self, effect: Remember) -> None:
        if effect.name == ALARMS:
            self._live_alarms = latches(effect.value)
        self.store.perform(effect)

    # --- the run ------------------------------------------------------------------------------------------------------------------

    def _live(self, progress: Callable[[float], None]) -> Judge:
        self.car.live()
        for fault in self.faults:
            self.after(fault.at, self._begin, fault)
        self.boot(cold=True)
        self._run_until(self.end_at)
        arrives = next(promise for promise in self.judge.promises if isinstance(promise, HonestPressArrives))
        until = self.now + DRAINS_S
        self._wait(until, lambda: not arrives.waiting and self.broker.connected)
        arrives.verdict()
        self._look_back()
        return self.judge

    def _look_back(self) -> None:
        """What the lamp has called sent the centre knows, and the unit has not forgotten unless the centre ended it."""
        heard = {record.id for record in self.centre.ledger.records("alarm")}  # type: ignore[attr-defined]  # records of that kind have one
        held = set(latches(self.store.memory.get(ALARMS))) | self.centre.ended
        for alarm in sorted(self.sent):
            if alarm not in heard or alarm not in held:
                what = "the centre never heard of it" if alarm not in heard else "the unit has forgotten it"
                raise Broken("an honest press arrives", "What the lamp calls sent is not lost.", f"{alarm}: {what}", self.now, self.journal)


def tell(wanted: Wanted, unit: Callable[..., Unit] = Unit) -> Told:
    """One story, in whatever process this is."""
    world = StoryWorld(wanted, unit)
    broken = name = ""
    try:
        world.run()
    except Broken as error:
        broken, name = f"{error.tail(STORY_LINES)}\n\n{error}", error.name
    counts = world.counts
    faults = sum(n for what, n in counts.items() if what.startswith("fault "))
    return Told(wanted.seed, counts["honest presses undisturbed"], counts["knocks"], len(world.sent), faults, broken, name, world.trace)


def tell_all(wanted: list[Wanted]) -> tuple[list[Told], float]:
    """Some stories, and how many seconds of a core they took."""
    started = time.process_time()
    told = [tell(one) for one in wanted]
    return told, time.process_time() - started


class Sum:
    """What came of many."""

    def __init__(self) -> None:
        self.stories = self.presses = self.knocks = self.sent = self.faults = 0
        self.lost: list[int] = []
        self.invented: list[int] = []
        self.broken: dict[int, str] = {}
        self.core_s = 0.0
        self.promises: Counter[str] = Counter()

    def add(self, told: list[Told], core_s: float) -> None:
        """Some more."""
        self.core_s += core_s
        for one in told:
            self.stories += 1
            self.presses += one.presses
            self.knocks += one.knocks
            self.sent += one.sent
            self.faults += one.faults
            if one.broken:
                self.broken[one.seed] = one.broken
                self.promises[one.name] += 1
                if one.name in LOST:
                    self.lost.append(one.seed)
                if one.name in INVENTED:
                    self.invented.append(one.seed)

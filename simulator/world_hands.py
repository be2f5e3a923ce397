"""The people in the vehicle: chance goes in; presses, turns of the key and of the light switch, and deeds on the unit's page come out.

An officer presses a button now and then, long enough or not; now and then does a walk test, or asks for an end; slides the lights' switch.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.config import Config
from agent.core.events import Asked
from simulator.world_switch import Switch

if TYPE_CHECKING:
    from simulator.world import World

PRESS_EVERY_S = 1800.0
"""Mean time between two presses of a button: far more than in the field, so that a day sees them in every weather."""

SHORT_PRESS_S = (0.05, 0.25)
LONG_PRESS_S = (0.6, 4.0)
SHORT_SHARE = 0.3
"""Presses that must not, and that must, raise an alarm; what lies between is nobody's promise."""

TWICE_GAP_S = (0.3, 1.2)
TWICE_HELD_S = (0.1, 0.3)
"""Of a button that is pressed twice: from the first release to the second press, and how long each is."""

REST_S = 2.0
"""A hand that has let go stays away for so long."""

ON_DUTY_S = (1200.0, 9000.0)
OFF_DUTY_S = (120.0, 2400.0)
"""How long the ignition is on, and off."""

SLIDE_EVERY_S = 1200.0
PASSAGE_S = (0.02, 0.15)
"""Between two positions of the hand switch no contact is made."""

STOOD_S = 2.0

CANCEL_EVERY_S = 3600.0
CANCEL_HELD_S = (3.6, 6.0)

BOX_EVERY_S = 7200.0
BOX_OPEN_S = (20.0, 200.0)

WALK_EVERY_S = 7200.0
WALK_PRESS_AFTER_S = (5.0, 60.0)
WALK_LONG_SHARE = 0.15
WALK_LONG_S = (5.6, 8.0)
"""A walk test begins so often; a press of each button follows, and now and then one is real and is held longer."""

ASKER = 77
"""Of the unit's page."""


class Hands:
    """Everybody who touches something."""

    def __init__(self, world: "World", config: Config, switches: dict[str, Switch]) -> None:
        self._world = world
        self._switches = switches
        self.buttons = [i.id for i in config.input if i.use.value == "panic"]
        self.keys = [i.id for i in config.input if i.use.value == "ignition"]
        self.cancels = [i.id for i in config.input if i.use.value == "panic_cancel"]
        self.slides = [i.id for i in config.input if i.use.value == "light_hand"]
        self.boxes = [i.id for i in config.input if i.use.value == "tamper"]
        self._config = {i.id: i for i in config.input}
        self._held: set[str] = set()
        self.passing_until = 0.0
        """The hand switch is between two positions until then."""
        self._slid_at = -math.inf
        self._stood_s = 0.0

    def live(self) -> None:
        """The world begins."""
        for button in self.buttons:
            self._now_and_then(PRESS_EVERY_S, self._press_somehow, button)
        for key in self.keys:
            self.turn_key(key, True)
        if self.slides:
            self._now_and_then(SLIDE_EVERY_S, self.slide)
        for cancel in self.cancels:
            self._now_and_then(CANCEL_EVERY_S, lambda cancel: self.press(cancel, self._uniform(CANCEL_HELD_S)), cancel)
        for box in self.boxes:
            self._now_and_then(BOX_EVERY_S, self._open, box)
        if self.slides:  # a vehicle with everything
            self._now_and_then(WALK_EVERY_S, self.walk_test)

    def _now_and_then(self, every_s: float, todo: Callable[..., object], *args: str) -> None:
        self._world.after(1.0 + self._world.rng.expovariate(1 / every_s), self._do, every_s, todo, args)

    def _do(self, every_s: float, todo: Callable[..., object], args: tuple[str, ...]) -> None:
        if self._world.people:
            todo(*args)
        self._now_and_then(every_s, todo, *args)

    def _uniform(self, between: tuple[float, float]) -> float:
        return self._world.rng.uniform(*between)

    # --- buttons ------------------------------------------------------------------------------------------------------------------

    def _press_somehow(self, button: str) -> None:
        short = self._world.rng.random() < SHORT_SHARE
        if self._config[button].press == "twice" and not short:
            self.press_twice(button)
        else:
            self.press(button, self._uniform(SHORT_PRESS_S if short else LONG_PRESS_S))

    def press(self, button: str, held_s: float, rest_s: float = REST_S) -> None:
        """A hand on a button, for so long without bouncing; nothing when there is one already, or was until just now."""
        if button in self._held:
            return
        self._held.add(button)
        still_s = self._switches[button].turn(True)
        self._world.after(still_s + held_s, self._release, button, rest_s)

    def _release(self, button: str, rest_s: float) -> None:
        still_s = self._switches[button].turn(False)
        self._world.after(still_s + rest_s, self._held.discard, button)

    def press_twice(self, button: str) -> None:
        """Two short presses in a row."""
        if button in self._held:
            return
        first_s, gap_s, second_s = self._uniform(TWICE_HELD_S), self._uniform(TWICE_GAP_S), self._uniform(TWICE_HELD_S)
        self.press(button, first_s, gap_s / 2)
        self._world.after(first_s + gap_s, self.press, button, second_s)

    def stick(self, lasts_s: float) -> None:
        """A button stays down for so long."""
        self.press(self._world.rng.choice(self.buttons), lasts_s)

    # --- switches -----------------------------------------------------------------------------------------------------------------

    def turn_key(self, key: str, on: bool) -> None:
        """The ignition, and again when the drive, or the stop, is over."""
        self._switches[key].turn(on)
        self._world.after(self._uniform(ON_DUTY_S if on else OFF_DUTY_S), self.turn_key, key, not on)

    def slide(self) -> None:
        """The hand switch of the lights goes to another position: off, or one of its contacts; between two nothing is made."""
        made = next((name for name in self.slides if self._switches[name].on), None)
        to = self._world.rng.choice([name for name in (None, *self.slides) if name != made])
        passage_s = self._uniform(PASSAGE_S) if made and to else 0.0
        if made:
            self._switches[made].turn(False)
        self._stood_s, self._slid_at = self._world.now - self._slid_at, self._world.now
        if made and to:
            self.passing_until = self._world.now + passage_s
        if to:
            self._world.after(passage_s, self._arrive, to)

    def steady_since(self, at: float) -> bool:
        """Whether the hand switch had stood in one position for some time before it last moved, which it did since then."""
        return self._stood_s > STOOD_S and self._slid_at >= at

    def _arrive(self, position: str) -> None:
        self._switches[position].turn(True)

    def _open(self, box: str) -> None:
        """Somebody opens the unit's box, and shuts it again."""
        self._switches[box].turn(True)
        self._world.after(self._uniform(BOX_OPEN_S), self._switches[box].turn, False)

    # --- the unit's page ----------------------------------------------------------------------------------------------------------

    def do(self, action: str, **body: object) -> None:
        """Something is done on the unit's own page."""
        self._world.post(Asked(self._world.mono(), ASKER, {"do": action, **body}))

    def walk_test(self) -> None:
        """Each button is pressed once after a while; now and then one of them is meant, and is held."""
        self.do("walk_test")
        for button in self.buttons:
            held_s = self._uniform(WALK_LONG_S if self._world.rng.random() < WALK_LONG_SHARE else LONG_PRESS_S)
            self._world.after(self._uniform(WALK_PRESS_AFTER_S), self.press, button, held_s)

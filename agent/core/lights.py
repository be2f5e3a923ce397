"""Lights: who asks for what goes in; what every output plays comes out.

Theory. One table of rows in order of right; the highest row that asks for anything wins, and the others wait. A show is a pattern for each
light output, taken in turn. What was asked of the outputs is asked again until they say that they play it.
"""

import math
from typing import Any

from agent.config import Lights as LightsConfig
from agent.config import Output as OutputConfig
from agent.core.effects import Pattern, ShowLights
from agent.core.events import Event, FaultSeen, InputChanged, LampAsked, LightsAsked, LightsShown, OutputFailed, Started
from agent.core.part import Output, Outputs, Part

ROWS = ("hand", "panic", "task", "remote", "cruise")
"""Order of right: the officer's hand first; nobody asking means dark."""

OFF = Pattern("off", ((False, 0),))
ON = Pattern("on", ((True, 0),))
FLASH_A = Pattern("flash_a", ((True, 120), (False, 80), (True, 120), (False, 480)))
FLASH_B = Pattern("flash_b", ((False, 400), (True, 120), (False, 80), (True, 120), (False, 80)))

SHOWS: dict[str, tuple[Pattern, ...]] = {"off": (OFF,), "cruise": (ON,), "response": (FLASH_A, FLASH_B)}
"""A show gives its patterns to the light outputs in turn: the first output the first, and round again."""

LAMPS = {
    "raised": Pattern("raised", ((True, 100), (False, 100))),
    "sent": Pattern("sent", ((True, 500), (False, 500))),
    "acknowledged": ON,
}
"""What the officer's lamp says: fast, somebody still has to get it; slow, it is out and on disk; steady, a human has seen it."""

ASK_AGAIN_S = 1.0
"""Outputs that have not said that they play what was asked are asked again."""

FAULT_AFTER_S = 3.0
"""After three unanswered requests the light bar is not doing what it should."""


class Lights(Part):
    """The light bar and the officer's lamp."""

    name = "lights"
    listens = (Started, LightsAsked, LampAsked, InputChanged, LightsShown, OutputFailed)

    def __init__(self, config: LightsConfig, outputs: tuple[OutputConfig, ...]) -> None:
        self._config = config
        self._bar = [o.id for o in outputs if o.use == "light"]
        self._lamps = [o.id for o in outputs if o.use == "panic_lamp"]
        self._asked: dict[str, str] = {}
        self._lamp: str | None = None
        self._shown: dict[str, str] = {}
        self._ask_again_at = math.inf
        self._unanswered_since = math.inf
        self._faulty = False

    @property
    def deadline(self) -> float:
        """When the outputs are asked again."""
        return self._ask_again_at

    def handle(self, event: Event) -> Outputs:
        """Take a wish, or the outputs' word of what they play."""
        match event:
            case Started():
                if self._config.cruise == "always":
                    self._asked["cruise"] = "cruise"
                return self._ask(event.at)
            case InputChanged(use="ignition", active=active) if self._config.cruise == "ignition":
                return self._wish(event.at, "cruise", "cruise" if active else None)
            case LightsAsked(by=by, show=show):
                return self._wish(event.at, by, show)
            case LampAsked(lamp=lamp) if lamp != self._lamp:
                self._lamp = lamp
                return self._ask(event.at)
            case LightsShown(shown=shown):
                return self._compare(event.at, shown)
            case OutputFailed(output=output, reason=reason):
                self._faulty = True
                self._doubt(event.at)
                return [FaultSeen(event.at, "lights.output", True, f"{output}: {reason}")]
        return ()

    def expire(self) -> Outputs:
        """Ask the outputs again; after a while say that they do not answer."""
        at = self._ask_again_at
        out = list(self._ask(at))
        if at - self._unanswered_since >= FAULT_AFTER_S and not self._faulty:
            self._faulty = True
            out.append(FaultSeen(at, "lights.output", True, f"asked for {self._wanted_names()}, they play {self._shown or 'nothing'}"))
        return out

    def _wish(self, at: float, by: str, show: str | None) -> Outputs:
        assert by in ROWS and (show is None or show in SHOWS), f"{by} asks for {show}: no such row or show"
        if self._asked.get(by) == show:
            return ()
        if show is None:
            del self._asked[by]
        else:
            self._asked[by] = show
        return self._ask(at)

    def winner(self) -> tuple[str, str | None]:
        """The show that is on, and the row that asked for it."""
        by = next((row for row in ROWS if row in self._asked), None)
        return (self._asked[by], by) if by else ("off", None)

    def _wanted(self) -> dict[str, Pattern]:
        patterns = SHOWS[self.winner()[0]]
        wanted = {output: patterns[i % len(patterns)] for i, output in enumerate(self._bar)}
        return wanted | dict.fromkeys(self._lamps, LAMPS[self._lamp] if self._lamp else OFF)

    def _wanted_names(self) -> dict[str, str]:
        return {output: pattern.name for output, pattern in self._wanted().items()}

    def _ask(self, at: float) -> list[Output]:
        if not self._bar and not self._lamps:
            return []
        self._ask_again_at = math.inf
        self._doubt(at)
        return [ShowLights(self._wanted())]

    def _doubt(self, at: float) -> None:
        """The outputs may not play what they should: they will be asked again."""
        self._ask_again_at = min(self._ask_again_at, at + ASK_AGAIN_S)
        self._unanswered_since = min(self._unanswered_since, at)

    def _compare(self, at: float, shown: dict[str, str]) -> Outputs:
        self._shown = shown
        if shown != self._wanted_names():
            self._doubt(at)  # an answer to an earlier wish, the later one is on its way; or they have gone their own way
            return ()
        self._ask_again_at = self._unanswered_since = math.inf
        recovered, self._faulty = self._faulty, False
        return [FaultSeen(at, "lights.output", False)] if recovered else ()

    def status(self, now: float) -> dict[str, Any]:
        """The show, who asked for it, what the outputs play, the officer's lamp."""
        show, by = self.winner()
        return {"show": show, "by": by, "shown": self._shown, "lamp": self._lamp}

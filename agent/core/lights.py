"""Lights: who asks for what goes in; what every output plays comes out.

Theory. One table of rights, the highest row first. The highest row that asks for anything has the lights, and the others wait until it
gives them up; nobody asking means dark. What a show is stands in `shows.py`; who asks: `light_hand.py`, `panic.py`, `light_lease.py`, and
`cruise.py`.

    row     who asks                                            may leave a group dark    may ask for
                                                                that shines otherwise     dark_approach
    hand    the officer, by a switch or on the unit's page      yes                       yes
    panic   a live overt alarm                                  yes                       no
    task    what the unit has been sent to do                   yes                       yes
    remote  the centre, by a lease of half a minute             no                        no
    cruise  the car by itself: ignition, schedule               (nobody below)            no

Four things are kept apart: what is *commanded* (the show that won), what the outputs say they *play* (`LightsShown`; asked again until it
is what was commanded, and each ten seconds as long as it is), what is *seen* to shine (`light_sense.py`), and what was *shed* to save
power (`shedding.py`). Nobody is told that the lights show what only was commanded.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agent.config import Output as OutputConfig
from agent.core.effects import Pattern, ShowLights
from agent.core.events import (
    Event,
    FaultSeen,
    LampAsked,
    LightsAsked,
    LightsShed,
    LightsShown,
    LightsTurned,
    OutputFailed,
    OutputTried,
    ReminderAsked,
    Started,
)
from agent.core.part import Output, Outputs, Part
from agent.core.shows import HIDDEN, OFF, ON, Shows
from agent.wire.whys import Why, why


class Right(NamedTuple):
    """A row of the table: its name, whether it may leave a group dark that shines otherwise, whether it may ask for dark_approach."""

    row: str
    may_darken: bool
    may_hide: bool


RIGHTS = (
    Right("hand", may_darken=True, may_hide=True),
    Right("panic", may_darken=True, may_hide=False),
    Right("task", may_darken=True, may_hide=True),
    Right("remote", may_darken=False, may_hide=False),
    Right("cruise", may_darken=True, may_hide=False),
)
ROWS = tuple(right.row for right in RIGHTS)

LAMPS = {
    "raised": Pattern("raised", ((True, 100), (False, 100))),
    "sent": Pattern("sent", ((True, 500), (False, 500))),
    "received": Pattern("received", ((True, 1800), (False, 200))),
    "passed": ON,
    "acknowledged": ON,
    "test": Pattern("test", ((True, 100), (False, 1900))),
}
"""What the officer's lamp says: fast, somebody still has to get it; slow, it is out and on disk; steady but for a blink, the centre's
software has it; steady, a human has seen it, or a walk test has just been passed. A short blink: a walk test waits for a press."""

BUZZ = Pattern("reminder", ((True, 150), (False, 150), (True, 150), (False, 550)))
BUZZ_S = 2.0
"""A reminder on the buzzer: two short tones, and again; twice its period, so that both are heard wherever in its round it begins."""

ASK_AGAIN_S = 1.0
"""Outputs that have not said that they play what was asked are asked again."""

FAULT_AFTER_S = 3.0
"""After three unanswered requests the light bar is not doing what it should."""

LOOK_AGAIN_S = 10.0
"""Outputs that play what was asked are asked again all the same: one that has hung since must not be believed for ever."""


def ruling(asked: Mapping[str, str], shows: Shows) -> tuple[str, str | None]:
    """The show that is on, and the row that has it: the highest one that asks, but for one that darkens without the right to."""
    show, by = "off", None
    for right in reversed(RIGHTS):
        wish = asked.get(right.row)
        if wish is not None and (right.may_darken or shows.lit(show) <= shows.lit(wish)):
            show, by = wish, right.row
    return show, by


class Lights(Part):
    """The light bar, the officer's lamp and his buzzer."""

    name = "lights"
    listens = (Started, LightsAsked, LightsShed, LampAsked, ReminderAsked, OutputTried, LightsShown, OutputFailed)

    def __init__(self, outputs: Sequence[OutputConfig], shows: Shows) -> None:
        self._shows = shows
        self._bar = [o.id for o in outputs if o.use == "light"]
        self._lamps = [o.id for o in outputs if o.use == "panic_lamp"]
        self._buzzers = [o.id for o in outputs if o.use == "buzzer"]
        self._asked: dict[str, str] = {}
        self._shed: tuple[str, ...] = ()
        self._lamp: str | None = None
        self._tried: OutputTried | None = None
        self._still_at = math.inf
        self._shown: dict[str, str] = {}
        self._showing: str | None = None
        self._told: LightsTurned | None = None
        self._ask_again_at = math.inf
        self._unanswered_since = math.inf
        self._faulty = False
        self._failed: dict[str, str] = {}

    @property
    def deadline(self) -> float:
        """When the outputs are asked again, or the buzzer has sounded for long enough."""
        return min(self._ask_again_at, self._still_at)

    def handle(self, event: Event) -> Outputs:
        """Take a wish, or the outputs' word of what they play."""
        match event:
            case Started():
                return self._ask(event.at)
            case LightsAsked(by=by, show=show):
                return self._wish(event.at, by, show)
            case LightsShed(groups=groups):
                self._shed = groups
                return self._ask(event.at)
            case LampAsked(lamp=lamp) if lamp != self._lamp:
                assert lamp is None or lamp in LAMPS, f"the lamp cannot say {lamp}"
                self._lamp = lamp
                return self._ask(event.at)
            case ReminderAsked(about=about) if self._buzzers and (about is not None or self._still_at < math.inf):
                self._still_at = math.inf if about is None else event.at + BUZZ_S
                return self._ask(event.at)
            case OutputTried(output=output, show=show):
                self._tried = event if output or show else None
                return self._ask(event.at)
            case LightsShown(shown=shown):
                return self._compare(event.at, shown)
            case OutputFailed(output=output, reason=reason) if output in self._wanted():
                return self._fail(event.at, output, reason)
        return ()

    def expire(self) -> Outputs:
        """End a reminder; ask the outputs again, and after a while say that they do not answer."""
        at = self.deadline
        if at == self._still_at:
            self._still_at = math.inf
            return self._ask(at)
        silent = at - self._unanswered_since >= FAULT_AFTER_S and not self._faulty
        asked = str(self._names(self._wanted()))
        detail = why("outputs_differ", asked=asked, played=str(self._shown)) if self._shown else why("outputs_silent", asked=asked)
        if silent:
            self._faulty = True
            self._shown, self._showing = {}, None
        out = self._ask(at)
        return [*out, FaultSeen(at, "lights.output", True, detail)] if silent else out

    # --- who has the lights -------------------------------------------------------------------------------------------------------

    def _wish(self, at: float, by: str, show: str | None) -> Outputs:
        assert by in ROWS and (show is None or show in self._shows.names), f"{by} asks for {show}: no such row or show"
        assert show != HIDDEN or RIGHTS[ROWS.index(by)].may_hide, f"{by} asks for {show}: it has no right to"
        if self._asked.get(by) == show:
            return ()
        if show is None:
            del self._asked[by]
        else:
            self._asked[by] = show
        return self._ask(at)

    def winner(self) -> tuple[str, str | None]:
        """The show that is commanded, and the row that asked for it."""
        return ruling(self._asked, self._shows)

    def refuses(self, by: str, show: str) -> Why | None:
        """Why that row cannot have that show just now; None when it can."""
        right = RIGHTS[ROWS.index(by)]
        if show not in self._shows.names:
            return why("show_unknown", found=f"{show!r:.60}", known=", ".join(self._shows.names))
        if show == HIDDEN and not right.may_hide:
            return why("show_hidden", show=HIDDEN, rows=", ".join(r.row for r in RIGHTS if r.may_hide))
        above = next((row for row in ROWS[: ROWS.index(by)] if row in self._asked), None)
        if above is not None:
            return why("lights_taken", row=above, show=self._asked[above])
        darkened = [group for group in self._shows.groups if group in self._shows.lit(self.winner()[0]) - self._shows.lit(show)]
        if darkened and not right.may_darken:
            return why("lights_darkened", show=show, groups=", ".join(darkened))
        lit = [group for group in self._shows.groups if group in self._shows.lit(show)]
        if lit and all(group in self._shed for group in lit) and not right.may_darken:
            return why("lights_shed", groups=", ".join(lit))
        return None

    # --- what the outputs play ----------------------------------------------------------------------------------------------------

    def _wanted(self) -> dict[str, Pattern]:
        tried = self._tried
        wanted = self._shows.play(self.winner()[0] if tried is None else tried.show or "off", self._shed if tried is None else ())
        wanted |= dict.fromkeys(self._lamps, LAMPS[self._lamp] if self._lamp else OFF)
        wanted |= dict.fromkeys(self._buzzers, OFF if self._still_at == math.inf else BUZZ)
        return wanted if tried is None or tried.output is None else wanted | {tried.output: ON}

    @staticmethod
    def _names(wanted: Mapping[str, Pattern]) -> dict[str, str]:
        return {output: pattern.name for output, pattern in wanted.items()}

    def _ask(self, at: float) -> list[Output]:
        wanted = self._wanted()
        if not wanted:
            return self._turned(at)
        self._ask_again_at = math.inf
        self._doubt(at)
        return [ShowLights(wanted), *self._turned(at)]

    def _doubt(self, at: float) -> None:
        """The outputs may not play what they should: they will be asked again."""
        self._ask_again_at = min(self._ask_again_at, at + ASK_AGAIN_S)
        self._unanswered_since = min(self._unanswered_since, at)

    def _compare(self, at: float, shown: dict[str, str]) -> Outputs:
        wanted = self._wanted()
        self._shown = shown
        if not wanted:
            return ()
        others = [output for output, pattern in wanted.items() if shown.get(output) != pattern.name]
        self._showing = self._shows_now(wanted) if not any(output in self._bar for output in others) else None
        self._failed = {output: cause for output, cause in self._failed.items() if output in others}
        if others:
            self._doubt(at)  # an answer to an earlier wish, the later one is on its way; or they have gone their own way
            return self._turned(at)
        self._ask_again_at, self._unanswered_since = at + LOOK_AGAIN_S, math.inf
        recovered, self._faulty = self._faulty, False
        turned = self._turned(at)
        return [FaultSeen(at, "lights.output", False), *turned] if recovered else turned

    def _shows_now(self, wanted: Mapping[str, Pattern]) -> str | None:
        """What a bar that plays this shows: the show that is commanded, unless all light of it is shed."""
        show, _ = self.winner()
        shed = bool(self._shows.lit(show)) and all(wanted[output] == OFF for output in self._bar)
        return None if not self._bar or self._tried is not None else "off" if shed else show

    def _fail(self, at: float, output: str, reason: str) -> Outputs:
        self._faulty = True
        self._failed[output] = reason
        self._shown = {name: pattern for name, pattern in self._shown.items() if name != output}
        self._showing = None if output in self._bar else self._showing
        self._doubt(at)
        detail = "; ".join(f"{name}: {cause}" for name, cause in self._failed.items())
        return [FaultSeen(at, "lights.output", True, detail), *self._turned(at)]

    # --- what is told -------------------------------------------------------------------------------------------------------------

    def _turned(self, at: float) -> list[Output]:
        """Tell the others when it is not as it was told."""
        turned = LightsTurned(at, *self.winner(), self._shows.playing(self._shown))
        was, self._told = self._told, turned
        same = was is not None and (was.show, was.by, was.playing) == (turned.show, turned.by, turned.playing)
        return [] if same else [turned]

    def showing(self) -> str | None:
        """The show that the light outputs say they play, the last one they said; None while they do not say, or say something else."""
        return self._showing

    def status(self, now: float) -> dict[str, Any]:
        """The show, who asked for it, what the outputs play, the officer's lamp."""
        show, by = self.winner()
        return {"show": show, "by": by, "shown": self._shown, "lamp": self._lamp}

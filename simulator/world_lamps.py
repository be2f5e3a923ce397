"""The light bar as the vehicle has it: what is asked goes in; what shines, what sense lines read, and the words of the adapter come out.

A lamp follows its pattern a little late: a driver or a filament has to warm up and to cool down. A sense line reads whether any lamp of its
group shines. A lamp may be burnt (never shines), or its relay welded (always does). Nobody driving it, it is at its safe level.
"""

import functools
import math
from typing import TYPE_CHECKING

from agent.config import Config
from agent.core.effects import PulseOutput, ShowLights
from agent.core.events import LightsShown, OutputPulsed
from simulator.facts import LampsTouched, Marked
from simulator.world_switch import Switch

if TYPE_CHECKING:
    from simulator.world import World

ANSWER_S = 0.004
"""From the effect to the pins."""

WARM_S = (0.002, 0.06)
COOL_S = (0.15, 0.25)
"""Of a halogen bar's lamps; a bar of LEDs cools in a few milliseconds, so that its sense line follows every flash."""

PERIOD_MS_MAX = 20_000
"""Of all patterns of a group together; what is longer is looked at no further."""

Steps = tuple[tuple[bool, int], ...]
Changes = tuple[tuple[int, bool], ...]

DARK: Steps = ((False, 0),)
LIT: Steps = ((True, 0),)


@functools.lru_cache(256)
def shining(steps: tuple[Steps, ...], warm_ms: int, cool_ms: int) -> tuple[int, Changes]:
    """When a group of lamps that play these shines: the period in ms (0: steady) and its changes, the first of which is at 0.

    A flash shorter than `warm_ms` is not seen; a lamp shines on for `cool_ms`.
    """
    lengths = [sum(ms for _, ms in each) for each in steps]
    period = min(math.lcm(*(length for length in lengths if length)), PERIOD_MS_MAX)
    lit = [False] * period
    for each in steps:
        drive = [on for on, ms in each for _ in range(ms)] or [each[-1][0]]
        driven, shines_to = 0, -1
        for n in range(2 * period):  # once round before it counts: the lamps are warm or cold from the last time
            driven = driven + 1 if drive[n % len(drive)] else 0
            if driven > warm_ms or (driven and len(drive) == 1):
                shines_to = n + cool_ms
            lit[n % period] |= n >= period and n <= shines_to
    changes = tuple((n, on) for n, on in enumerate(lit) if n == 0 or on != lit[n - 1])
    return (period, changes) if len(changes) > 1 else (0, changes)


class WorldLamps:
    """All outputs of one vehicle, and the sense lines of its groups of lights."""

    def __init__(self, world: "World", config: Config, senses: dict[str, Switch], leds: bool = False) -> None:
        """`senses`: the input that watches each group."""
        self._world = world
        self._outputs = {o.id: o for o in config.output}
        self._groups: dict[str, list[str]] = {}
        for output in config.output:
            if output.use == "light":
                self._groups.setdefault(output.group, []).append(output.id)
        self._senses = {group: senses.get(group) for group in self._groups}
        self._warm_ms = round(1000 * world.rng.uniform(*WARM_S))
        self._cool_ms = self._warm_ms if leds else round(1000 * world.rng.uniform(*COOL_S))
        self._process = 0
        self._plays = 0
        self._phases: dict[str, tuple[int, tuple[Steps, ...]]] = {}
        self._drives: dict[str, Steps] = {}
        self.shown: dict[str, str] = {}
        self.lit = dict.fromkeys(self._groups, False)
        """Whether the group shines just now."""
        self.changed_at = dict.fromkeys(self._groups, 0.0)
        """Since when it does, or does not."""
        self.pulsed_at: dict[str, float] = {}
        # faults
        self.mute = False
        self.burnt: set[str] = set()
        self.welded: set[str] = set()
        self.troubled_at = dict.fromkeys(self._groups, -math.inf)
        """When a lamp of the group was burnt, welded or mended last."""
        self._drives = self._safe()

    @property
    def groups(self) -> dict[str, list[str]]:
        """Outputs of each group of lights, in their order."""
        return self._groups

    @property
    def watched(self) -> list[str]:
        """Groups that a line watches."""
        return [group for group, sense in self._senses.items() if sense is not None]

    def perform(self, effect: ShowLights | PulseOutput) -> None:
        """As the adapter: play what is asked, and say so."""
        if self.mute:
            return
        todo = self._play if isinstance(effect, ShowLights) else self._pulse
        self._world.after(ANSWER_S, todo, self._process, effect)

    def _play(self, process: int, effect: ShowLights) -> None:
        if process != self._process or self.mute:
            return
        self.shown = self.shown | {output: pattern.name for output, pattern in effect.outputs.items()}  # whoever has the old one, keeps it
        drives = self._drives | {output: pattern.steps for output, pattern in effect.outputs.items()}
        if drives != self._drives:
            self._drives = drives
            self._drive()
        self._world.post(LightsShown(self._world.mono(), dict(self.shown)))

    def _pulse(self, process: int, effect: PulseOutput) -> None:
        if process == self._process and not self.mute:
            self.pulsed_at[effect.output] = self._world.now
            self._world.tell(Marked(effect.output, self._outputs[effect.output].use))
            self._world.post(OutputPulsed(self._world.mono(), effect.output))

    def crash(self) -> None:
        """Nobody drives the pins any more: they fall to their safe level."""
        self._process += 1
        self.shown = {}
        self._drives = self._safe()
        self._drive()

    def _safe(self) -> dict[str, Steps]:
        return {o.id: LIT if o.safe == "on" else DARK for o in self._outputs.values()}

    # --- lamps --------------------------------------------------------------------------------------------------------------------

    def safe(self) -> bool:
        """Whether every output is at its safe level."""
        return self._drives == self._safe()

    def wanted(self, group: str) -> bool:
        """Whether what is played there should shine, always or now and then."""
        return any(any(on for on, _ in self._drives[output]) for output in self._groups[group])

    def burn(self, group: str) -> None:
        """The fuse of a group blows."""
        self.burnt |= set(self._groups[group])
        self._trouble(group)

    def weld(self, output: str) -> None:
        """The relay of a lamp sticks."""
        self.welded.add(output)
        self._trouble(self._outputs[output].group)

    def mend(self, group: str) -> None:
        """New fuse, new relay."""
        self.burnt -= set(self._groups[group])
        self.welded -= set(self._groups[group])
        self._trouble(group)

    def _trouble(self, group: str) -> None:
        self.troubled_at[group] = self._world.now
        self._drive()

    def _drive(self) -> None:
        """Groups whose lamps do something else from now on begin to."""
        self._world.car.touched_at = self._world.now
        self._world.tell(LampsTouched())
        for group, outputs in self._groups.items():
            steps = tuple(LIT if o in self.welded else DARK if o in self.burnt else self._drives[o] for o in outputs)
            if self._phases.get(group, (0, ()))[1] == steps:
                continue
            self._plays += 1
            self._phases[group] = self._plays, steps
            period_ms, changes = shining(steps, self._warm_ms, self._cool_ms)
            (_, lit), *_ = changes
            if period_ms:
                self._turn(group, self._plays, self._world.now, period_ms / 1000, changes, 0)
            else:
                self._world.after((self._warm_ms if lit else self._cool_ms) / 1000, self._shine, group, self._plays, lit)

    def _turn(self, group: str, play: int, began_at: float, period_s: float, changes: Changes, n: int) -> None:
        """The nth change of a period, and so on, until something else is played."""
        if self._phases[group][0] != play:
            return
        self._shine(group, play, changes[n][1])
        if n + 1 < len(changes):
            due = began_at + changes[n + 1][0] / 1000
        else:
            began_at, n = began_at + period_s, -1
            due = began_at
        self._world.after(max(0.0, due - self._world.now), self._turn, group, play, began_at, period_s, changes, n + 1)

    def _shine(self, group: str, play: int, lit: bool) -> None:
        if self._phases[group][0] != play or self.lit[group] is lit:
            return
        self.lit[group], self.changed_at[group] = lit, self._world.now
        sense = self._senses[group]
        if sense is not None:
            sense.turn(lit, bounces=False)


"""Radio beside the wires: how strong it is goes in; lines that read the contrary for moments come out, for less than half of the time.

A pulse is shorter than the debounce and followed by a rest that is longer than it. A burst turns one input's lines over, many times in a
row, as the spark of a starter or the keying of a radio does.
"""

from typing import TYPE_CHECKING

from agent.config import NC, NO
from simulator.world_switch import Switch

if TYPE_CHECKING:
    from simulator.world import World

PULSE_S = (0.0005, 0.025)
"""Noise is shorter than the shortest honest press by far; the debounce is 30 ms."""

REST = 1.5
"""Of a pulse's length, before the next on that input."""

PERIOD_S = (0.002, 0.02)
"""From one turn of a burst to the next."""

DUTY_MAX = 0.4
"""Of a burst: the share of the time in which any of the input's lines is turned over. Half of it nothing could tell from a press."""

SOME = (frozenset({NO}), frozenset({NC}), frozenset({NO, NC}))


class Noise:
    """What disturbs the inputs of one vehicle."""

    def __init__(self, world: "World", switches: list[Switch]) -> None:
        self._world = world
        self._switches = switches
        self._noisy: set[str] = set()
        self._every_s: float | None = None
        self._storms = 0
        self.until = 0.0
        """When the last of it was."""

    @property
    def on(self) -> bool:
        """There is some."""
        return self._every_s is not None or bool(self._noisy)

    def since(self, at: float) -> bool:
        """Whether there was any since then."""
        return self.on or self.until >= at

    # --- pulses -------------------------------------------------------------------------------------------------------------------

    def pulses(self, every_s: float | None) -> None:
        """Pulses from now on, so many seconds apart on average; None: no more."""
        self._every_s = every_s
        self._storms += 1
        self.until = self._world.now
        if every_s is not None:
            self._pulse(every_s, self._storms)

    def _pulse(self, every_s: float, storm: int) -> None:
        if self._storms != storm:
            return
        rng = self._world.rng
        switch = rng.choice(self._switches)
        if switch.config.id not in self._noisy:
            lasts_s = rng.uniform(*PULSE_S)
            self._noisy.add(switch.config.id)
            switch.disturb(self._some(switch))
            self._world.after(lasts_s, self._calm, switch)
            self._world.after(lasts_s * (1 + REST), self._rested, switch)
        self._world.after(rng.expovariate(1 / every_s), self._pulse, every_s, storm)

    def _some(self, switch: Switch) -> frozenset[str]:
        """Some of its lines, at least one."""
        return self._world.rng.choice(SOME) if switch.config.supervised else frozenset({NO})

    def _calm(self, switch: Switch) -> None:
        switch.disturb(frozenset())
        self.until = self._world.now

    def _rested(self, switch: Switch) -> None:
        self._noisy.discard(switch.config.id)

    # --- bursts -------------------------------------------------------------------------------------------------------------------

    def burst(self, switch: Switch, lasts_s: float, duty: float) -> None:
        """One input is turned over that share of the time; not while it is disturbed already."""
        assert duty <= DUTY_MAX, f"a burst of {duty:.2f} of the time, more than {DUTY_MAX}"
        if switch.config.id not in self._noisy:
            self._noisy.add(switch.config.id)
            self._turn_over(switch, self._world.now + lasts_s, duty)

    def _turn_over(self, switch: Switch, until: float, duty: float) -> None:
        world = self._world
        if world.now >= until:
            self._noisy.discard(switch.config.id)
            return
        period_s = world.rng.uniform(*PERIOD_S)
        world.after(period_s * (1 - duty), switch.disturb, self._some(switch))
        world.after(period_s, self._calm, switch)
        world.after(period_s, self._turn_over, switch, until, duty)

"""What goes wrong between a contact and a pin, and between a pin and a lamp; see `faults`."""

from typing import TYPE_CHECKING

from simulator.faults import Fault
from simulator.world_switch import SINGLE_WIRES, WIRES

if TYPE_CHECKING:
    from simulator.world import World
    from simulator.world_switch import Switch


def _pick(choices: "list[Switch]", strength: float) -> "Switch | None":
    """One of them, by a number from 0 to 1."""
    return choices[int(strength * len(choices))] if choices else None


class EmiBurst(Fault, frozen=True):
    """One input's lines are turned over up to hundreds of times a second, for `strength` of the time, which is less than half."""

    def begin(self, world: "World") -> None:
        """A starter's sparks, a radio that is keyed."""
        world.car.noise.burst(world.rng.choice(list(world.car.switches.values())), self.lasts_s, self.strength)


class WireBroken(Fault, frozen=True):
    """The wire of a supervised input is cut or short, one contact's or both; which one, `strength` says."""

    def _switch(self, world: "World") -> "Switch | None":
        return _pick([switch for switch in world.car.switches.values() if switch.config.supervised], self.strength % 1)

    def begin(self, world: "World") -> None:
        """A door's hinge, a screw through the loom."""
        switch = self._switch(world)
        if switch is not None:
            switch.rewire(world.rng.choice([wire for wire in WIRES if wire != "ok"]))

    def end(self, world: "World") -> None:
        """Mended."""
        switch = self._switch(world)
        if switch is not None:
            switch.rewire("ok")


class ButtonWireBroken(Fault, frozen=True):
    """The wire of a button on a single line is cut, so that nobody hears it, or short, so that it cannot be told from a press."""

    def _switch(self, world: "World") -> "Switch | None":
        switches = world.car.switches
        return next((switches[name] for name in world.car.hands.buttons if not switches[name].config.supervised), None)

    def begin(self, world: "World") -> None:
        """Nothing tells the unit of a cut."""
        switch = self._switch(world)
        if switch is not None:
            switch.rewire(world.rng.choice(SINGLE_WIRES))

    def end(self, world: "World") -> None:
        """Mended."""
        switch = self._switch(world)
        if switch is not None:
            switch.rewire("ok")


class Crank(Fault, frozen=True):
    """The starter pulls the supply down: the ignition's line drops, perhaps more than once, and the battery calls itself low."""

    def begin(self, world: "World") -> None:
        """Relays let go at half their voltage."""
        for switch in self._lines(world):
            switch.rewire("cut_no")
            for n in range(world.rng.randrange(3)):
                world.after(self.lasts_s * (n + 0.4) / 3, switch.rewire, "ok")
                world.after(self.lasts_s * (n + 0.6) / 3, switch.rewire, "cut_no")
        for switch in _batteries(world):
            switch.turn(True)

    def end(self, world: "World") -> None:
        """The engine runs."""
        for switch in self._lines(world):
            switch.rewire("ok")
        for switch in _batteries(world):
            switch.turn(False)

    def _lines(self, world: "World") -> "list[Switch]":
        return [world.car.switches[key] for key in world.car.hands.keys]


class BatteryLow(Fault, frozen=True):
    """The supply is too low, as its watch says on a line."""

    def begin(self, world: "World") -> None:
        """A night with the light on."""
        for switch in _batteries(world):
            switch.turn(True)

    def end(self, world: "World") -> None:
        """The engine charges it."""
        for switch in _batteries(world):
            switch.turn(False)


def _batteries(world: "World") -> "list[Switch]":
    return [switch for switch in world.car.switches.values() if switch.config.use.value == "low_voltage"]


class SupplySags(Fault, frozen=True):
    """The board itself calls its supply too low."""

    def begin(self, world: "World") -> None:
        """A thin cable."""
        world.car.supply_low = True
        world.car.touched_at = world.now

    def end(self, world: "World") -> None:
        """A thicker one."""
        world.car.supply_low = False
        world.car.touched_at = world.now


class _OfAGroup(Fault, frozen=True):
    """One group of lights, by a number from 0 to 1."""

    def _group(self, world: "World") -> str:
        groups = list(world.car.lamps.groups)
        return groups[int(self.strength * len(groups))]

    def end(self, world: "World") -> None:
        """Mended."""
        world.car.lamps.mend(self._group(world))


class LampsBurnt(_OfAGroup, frozen=True):
    """A group of lights stays dark whatever it is told; which one, `strength` says."""

    def begin(self, world: "World") -> None:
        """Its fuse."""
        world.car.lamps.burn(self._group(world))


class RelayWelded(_OfAGroup, frozen=True):
    """A lamp shines whatever it is told; of which group, `strength` says."""

    def begin(self, world: "World") -> None:
        """Its contacts."""
        world.car.lamps.weld(world.car.lamps.groups[self._group(world)][0])


class RecorderDies(Fault, frozen=True):
    """The video recorder's heartbeat stops."""

    def begin(self, world: "World") -> None:
        """Its disk."""
        world.car.recorder_dead = True
        world.car.touched_at = world.now

    def end(self, world: "World") -> None:
        """It is back."""
        world.car.recorder_dead = False
        world.car.touched_at = world.now


class LightsTried(Fault, frozen=True):
    """Whoever installs the unit tries for so long how dark it gets, and does not let go. In no preset: it is not weather."""

    def begin(self, world: "World") -> None:
        """It may refuse."""
        world.car.hands.do("output.test", show="off", s=self.lasts_s)

    def end(self, world: "World") -> None:
        """It ends by itself."""

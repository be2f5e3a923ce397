"""What can go wrong with the signals, the antenna and the inside of a receiver. See `faults`."""

from typing import TYPE_CHECKING

from simulator.faults import Fault

if TYPE_CHECKING:
    from simulator.world import World


class Jam(Fault, frozen=True):
    """Noise lowers all satellites by `strength` dB."""

    def begin(self, world: "World") -> None:
        """Somebody does not want to be followed."""
        world.car.signals.begin("jam", self.strength)

    def end(self, world: "World") -> None:
        """He is gone."""
        world.car.signals.end("jam")


class SpoofDragOff(Fault, frozen=True):
    """Forged signals pull the position away by `strength` m/s; speed and course stay those of the car."""

    def begin(self, world: "World") -> None:
        """Slowly, from where the car is."""
        world.car.signals.begin("drag", self.strength)

    def end(self, world: "World") -> None:
        """The position is where the car is, at once."""
        world.car.signals.end("drag")


class PositionJump(Fault, frozen=True):
    """The position is `strength` km away."""

    def begin(self, world: "World") -> None:
        """At once."""
        world.car.signals.begin("jump", self.strength)

    def end(self, world: "World") -> None:
        """And back."""
        world.car.signals.end("jump")


class FrozenPosition(Fault, frozen=True):
    """The receiver repeats one position; time, speed and course go on."""

    def begin(self, world: "World") -> None:
        """Its filter is stuck."""
        world.car.signals.begin("frozen", self.strength)

    def end(self, world: "World") -> None:
        """It goes on."""
        world.car.signals.end("frozen")


class AntennaOpen(Fault, frozen=True):
    """The antenna's wire is broken; the receiver says so, and still has a fix by its reserve."""

    def begin(self, world: "World") -> None:
        """The plug is loose."""
        world.car.signals.begin("antenna", self.strength)

    def end(self, world: "World") -> None:
        """It sits again."""
        world.car.signals.end("antenna")


class RollOver(Fault, frozen=True):
    """The receiver's time is 1024 weeks behind, and nobody before the core has noticed."""

    def begin(self, world: "World") -> None:
        """Its firmware has counted to the end."""
        world.car.signals.begin("rolled", self.strength)

    def end(self, world: "World") -> None:
        """It was restarted."""
        world.car.signals.end("rolled")

"""What can go wrong with the signals, the antenna and the inside of a receiver, and what is hard for it. See `faults`.

After a start, in a tunnel and among high houses nothing is wrong: no flag may come of it.
"""

from typing import TYPE_CHECKING

from simulator.faults import Fault

if TYPE_CHECKING:
    from simulator.world import World


class Jam(Fault, frozen=True):
    """Noise lowers all satellites by `strength` dB."""

    def begin(self, world: "World") -> None:
        """Somebody does not want to be followed."""
        world.car.receiver.signals.begin("jam", self.strength)

    def end(self, world: "World") -> None:
        """He is gone."""
        world.car.receiver.signals.end("jam")


class SpoofDragOff(Fault, frozen=True):
    """Forged signals pull the position away by `strength` m/s; speed and course stay those of the car."""

    def begin(self, world: "World") -> None:
        """Slowly, from where the car is."""
        world.car.receiver.signals.begin("drag", self.strength)

    def end(self, world: "World") -> None:
        """The position is where the car is, at once."""
        world.car.receiver.signals.end("drag")


class PositionJump(Fault, frozen=True):
    """The position is `strength` km away."""

    def begin(self, world: "World") -> None:
        """At once."""
        world.car.receiver.signals.begin("jump", self.strength)

    def end(self, world: "World") -> None:
        """And back."""
        world.car.receiver.signals.end("jump")


class FrozenPosition(Fault, frozen=True):
    """The receiver repeats one position; time, speed and course go on."""

    def begin(self, world: "World") -> None:
        """Its filter is stuck."""
        world.car.receiver.signals.begin("frozen", self.strength)

    def end(self, world: "World") -> None:
        """It goes on."""
        world.car.receiver.signals.end("frozen")


class AntennaOpen(Fault, frozen=True):
    """The antenna's wire is broken; the receiver says so, and still has a fix by its reserve."""

    def begin(self, world: "World") -> None:
        """The plug is loose."""
        world.car.receiver.signals.begin("antenna", self.strength)

    def end(self, world: "World") -> None:
        """It sits again."""
        world.car.receiver.signals.end("antenna")


class RollOver(Fault, frozen=True):
    """The receiver's time is 1024 weeks behind, and nobody before the core has noticed."""

    def begin(self, world: "World") -> None:
        """Its firmware has counted to the end."""
        world.car.receiver.signals.begin("rolled", self.strength)

    def end(self, world: "World") -> None:
        """It was restarted."""
        world.car.receiver.signals.end("rolled")


class AntennaShort(Fault, frozen=True):
    """The antenna's wire is shorted; the receiver says so, and still has a fix by its reserve."""

    def begin(self, world: "World") -> None:
        """Water in the plug."""
        world.car.receiver.signals.begin("short", self.strength)

    def end(self, world: "World") -> None:
        """It is dry again."""
        world.car.receiver.signals.end("short")


class ColdStart(Fault, frozen=True):
    """The machine starts and cannot tell the time; its receiver tells one `strength` s wrong after 8 s, and a place when it is over."""

    def begin(self, world: "World") -> None:
        """A unit from the shelf: no network, no battery, an almanac of last year."""
        world.crash("power")
        world.car.clock_unread = True
        world.boot(cold=True)
        world.car.receiver.restart("cold", self.lasts_s, self.strength)

    def end(self, world: "World") -> None:
        """The first fix; the system clock can be read again."""
        world.car.clock_unread = False


class WarmStart(Fault, frozen=True):
    """The receiver starts afresh: a time from its memory, `strength` s wrong, at once, and a place when it is over."""

    def begin(self, world: "World") -> None:
        """Its watchdog bit."""
        world.car.receiver.restart("warm", self.lasts_s, self.strength)


class PowerDip(Fault, frozen=True):
    """The receiver's supply dips: it has forgotten speed, constellations and rate, and starts cold."""

    def begin(self, world: "World") -> None:
        """The starter motor, and a flat backup battery."""
        world.car.receiver.dip()


class BaudFlip(Fault, frozen=True):
    """The receiver speaks at another speed from now on."""

    def begin(self, world: "World") -> None:
        """A command that was meant for somebody else."""
        world.car.receiver.flip()


class Tunnel(Fault, frozen=True):
    """No signals from where the car next drives fast; `strength`: by how many m/s its dead reckoning strays, below 0 it has none."""

    def begin(self, world: "World") -> None:
        """It is ahead."""
        world.car.receiver.enter_tunnel(self.strength)

    def end(self, world: "World") -> None:
        """Open sky."""
        world.car.receiver.leave_tunnel()


class Multipath(Fault, frozen=True):
    """High houses: positions wander by `strength` m (1 sigma), low satellites to the sides are weak, HDOP says so."""

    def begin(self, world: "World") -> None:
        """A narrow street."""
        world.car.receiver.signals.begin("multipath", self.strength)

    def end(self, world: "World") -> None:
        """A square."""
        world.car.receiver.signals.end("multipath")


class LinesDamaged(Fault, frozen=True):
    """Lines come cut or merged, a share `strength` of the instants: without speed, or without a place at all."""

    def begin(self, world: "World") -> None:
        """A worn plug."""
        world.car.receiver.damaged = self.strength

    def end(self, world: "World") -> None:
        """It sits."""
        world.car.receiver.damaged = 0.0


class AntennaSaidOnce(Fault, frozen=True):
    """The antenna's wire is broken, and the receiver says so once, when it begins and when it is over (u-blox)."""

    def begin(self, world: "World") -> None:
        """The plug is loose."""
        world.car.receiver.signals.begin("plug", self.strength)

    def end(self, world: "World") -> None:
        """It sits again."""
        world.car.receiver.signals.end("plug")


class DefaultDate(Fault, frozen=True):
    """The machine starts and cannot tell the time; its receiver has a fix, and a date that nobody set (number `strength` of some)."""

    def begin(self, world: "World") -> None:
        """No network, no battery, and the week number not heard yet."""
        world.crash("power")
        world.car.clock_unread = True
        world.boot(cold=True)
        world.car.receiver.restart("warm", 1.0)
        world.car.receiver.signals.begin("default", self.strength)

    def end(self, world: "World") -> None:
        """It has heard it; the system clock can be read again."""
        world.car.receiver.signals.end("default")
        world.car.clock_unread = False

"""What can go wrong in the world: one class per fault, which knows how it begins and how it ends.

How often, for how long and how strongly: the table in `simulator.schedule`.
"""

from typing import TYPE_CHECKING

import msgspec

from simulator.world_broker import KEEPALIVE_LOST_S, NETWORK_LOST_S

if TYPE_CHECKING:
    from simulator.world import World


class Fault(msgspec.Struct, frozen=True, tag=True):
    """Something goes wrong at `at` seconds of the world and lasts `lasts_s`; `strength` as the class says."""

    at: float
    lasts_s: float
    strength: float = 0.0

    def begin(self, world: "World") -> None:
        """It goes wrong."""
        raise NotImplementedError

    def end(self, world: "World") -> None:
        """It is over."""


# --- link ---------------------------------------------------------------------------------------------------------------------------


class LinkOutage(Fault, frozen=True):
    """No network: a tunnel, a valley."""

    def begin(self, world: "World") -> None:
        """Nothing comes through; the modem says so soon, or TCP late."""
        world.broker.outage = True
        world.broker.lose_in_a_while(NETWORK_LOST_S)

    def end(self, world: "World") -> None:
        """What stood still goes on."""
        world.broker.outage = False
        world.broker.resume()


class BlackHole(Fault, frozen=True):
    """The connection stands and nothing comes through, in either direction."""

    def begin(self, world: "World") -> None:
        """Only the keepalive notices."""
        world.broker.hole = True
        world.broker.lose_in_a_while(KEEPALIVE_LOST_S)

    def end(self, world: "World") -> None:
        """What stood still goes on."""
        world.broker.hole = False
        world.broker.resume()


class BrokerRefuses(Fault, frozen=True):
    """Connections are refused; one that stands is not touched."""

    def begin(self, world: "World") -> None:
        """Nobody comes in."""
        world.broker.refusing = True

    def end(self, world: "World") -> None:
        """The door is open."""
        world.broker.refusing = False


class BrokerRestarts(Fault, frozen=True):
    """The broker is down for a while and loses nothing that it acknowledged."""

    def begin(self, world: "World") -> None:
        """All connections end."""
        world.broker.refusing = True
        world.broker.restart()

    def end(self, world: "World") -> None:
        """It is up again."""
        world.broker.refusing = False


class OldBroker(Fault, frozen=True):
    """The broker has been replaced by one that speaks MQTT 3.1.1 only."""

    def begin(self, world: "World") -> None:
        """The replacement ends all connections."""
        world.broker.old = True
        world.broker.restart()

    def end(self, world: "World") -> None:
        """And so does the return."""
        world.broker.old = False
        world.broker.restart()


class PublishesRefused(Fault, frozen=True):
    """The broker refuses every message (quota, access list)."""

    def begin(self, world: "World") -> None:
        """Reason code instead of success."""
        world.broker.refusing_publishes = True

    def end(self, world: "World") -> None:
        """As usual."""
        world.broker.refusing_publishes = False


class AcksSlow(Fault, frozen=True):
    """Acknowledgements come `strength` seconds late."""

    def begin(self, world: "World") -> None:
        """A broker under load."""
        world.broker.answer_after_s = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.broker.answer_after_s = 0.0


# --- between adapters and mailbox ---------------------------------------------------------------------------------------------------


class EventsLost(Fault, frozen=True):
    """Each event from outside is lost with probability `strength`."""

    def begin(self, world: "World") -> None:
        """A full mailbox drops."""
        world.mailbox.meddling.lost = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.mailbox.meddling.lost = 0.0


class EventsDoubled(Fault, frozen=True):
    """Each event from outside comes twice with probability `strength`."""

    def begin(self, world: "World") -> None:
        """An adapter says it again."""
        world.mailbox.meddling.doubled = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.mailbox.meddling.doubled = 0.0


class EventsLate(Fault, frozen=True):
    """Each event from outside comes up to `strength` seconds late, so that others overtake it."""

    def begin(self, world: "World") -> None:
        """A thread that the scheduler forgets."""
        world.mailbox.meddling.late_s = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.mailbox.meddling.late_s = 0.0


# --- the process --------------------------------------------------------------------------------------------------------------------


class Killed(Fault, frozen=True):
    """kill -9; started again when it is over."""

    def begin(self, world: "World") -> None:
        """Memory is gone, the machine runs on."""
        world.crash("kill")

    def end(self, world: "World") -> None:
        """The service manager starts it."""
        world.boot()


class PowerCut(Fault, frozen=True):
    """No power; the machine starts when it is over, its monotonic clock at zero, its system clock in the past."""

    def begin(self, world: "World") -> None:
        """Memory is gone, and what was on the line."""
        world.crash("power")

    def end(self, world: "World") -> None:
        """The machine starts."""
        world.boot(cold=True)


class Restarted(Fault, frozen=True):
    """Asked to stop, and started again when it is over."""

    def begin(self, world: "World") -> None:
        """SIGTERM."""
        world.ask_to_stop()

    def end(self, world: "World") -> None:
        """The service manager starts it."""
        world.boot()


class AdapterDies(Fault, frozen=True):
    """An adapter's thread ends with an exception; the service manager starts the agent again when it is over."""

    def begin(self, world: "World") -> None:
        """threading.excepthook posts it."""
        world.kill_adapter()

    def end(self, world: "World") -> None:
        """The service manager starts it."""
        world.boot()


# --- store --------------------------------------------------------------------------------------------------------------------------


class DiskSlow(Fault, frozen=True):
    """Every flush takes `strength` seconds."""

    def begin(self, world: "World") -> None:
        """A worn card."""
        world.store.flush_s = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.store.flush_s = None


class StoreDown(Fault, frozen=True):
    """The store cannot be written."""

    def begin(self, world: "World") -> None:
        """The kernel mounts it read-only."""
        world.store.down = True

    def end(self, world: "World") -> None:
        """It can be opened again."""
        world.store.down = False


class StoreFull(Fault, frozen=True):
    """The store has no room for rows other than alarms."""

    def begin(self, world: "World") -> None:
        """A long time without a link, or somebody else's files."""
        world.store.full = True

    def end(self, world: "World") -> None:
        """Room was made."""
        world.store.full = False


class StoreDamaged(Fault, frozen=True):
    """The store is found damaged; each row is lost with probability `strength`."""

    def begin(self, world: "World") -> None:
        """Found by the next transaction."""
        world.store.damage = self.strength


# --- devices ------------------------------------------------------------------------------------------------------------------------


class ReceiverUnplugged(Fault, frozen=True):
    """The port is gone."""

    def begin(self, world: "World") -> None:
        """The cable is out."""
        world.car.receiver.unplug()

    def end(self, world: "World") -> None:
        """The cable is in."""
        world.car.receiver.plug()


class ReceiverSilent(Fault, frozen=True):
    """The port is open and nothing comes."""

    def begin(self, world: "World") -> None:
        """No power at the receiver."""
        world.car.receiver.silent = True

    def end(self, world: "World") -> None:
        """It speaks."""
        world.car.receiver.silent = False


class ReceiverGarbled(Fault, frozen=True):
    """Nothing that comes can be read."""

    def begin(self, world: "World") -> None:
        """The wrong baud rate."""
        world.car.receiver.garbage = True

    def end(self, world: "World") -> None:
        """It can be read."""
        world.car.receiver.garbage = False


class ReaderStalls(Fault, frozen=True):
    """What the receiver says is not read meanwhile, and then all at once."""

    def begin(self, world: "World") -> None:
        """The reader does not run, or the network between holds it back."""
        world.car.receiver.stall()

    def end(self, world: "World") -> None:
        """One read brings it all."""
        world.car.receiver.read_on()


class FixesVoid(Fault, frozen=True):
    """The receiver sees too few satellites."""

    def begin(self, world: "World") -> None:
        """A garage."""
        world.car.receiver.void = True

    def end(self, world: "World") -> None:
        """Open sky."""
        world.car.receiver.void = False


class FixesTimeless(Fault, frozen=True):
    """Fixes without a time."""

    def begin(self, world: "World") -> None:
        """No RMC, no ZDA."""
        world.car.receiver.timeless = True

    def end(self, world: "World") -> None:
        """They tell the time."""
        world.car.receiver.timeless = False


class ClockWrong(Fault, frozen=True):
    """The system clock steps by `strength` hours and is no longer synchronised."""

    def begin(self, world: "World") -> None:
        """Somebody sets it by hand."""
        world.system_clock.step(self.strength * 3600)

    def end(self, world: "World") -> None:
        """NTP finds it again."""
        world.system_clock.synchronize()


class InputNoise(Fault, frozen=True):
    """Pulses shorter than the debounce on the inputs, `strength` seconds apart on average."""

    def begin(self, world: "World") -> None:
        """A radio beside the wire."""
        world.car.noise.pulses(self.strength)

    def end(self, world: "World") -> None:
        """Quiet."""
        world.car.noise.pulses(None)


class InputsFail(Fault, frozen=True):
    """The inputs cannot be read."""

    def begin(self, world: "World") -> None:
        """The back-end raises."""
        world.fail_inputs(True)

    def end(self, world: "World") -> None:
        """They can be read."""
        world.fail_inputs(False)


class ButtonStuck(Fault, frozen=True):
    """A panic button stays down."""

    def begin(self, world: "World") -> None:
        """Mechanically, so it is an honest press too."""
        world.car.hands.stick(self.lasts_s)


class OutputsMute(Fault, frozen=True):
    """The light bar neither plays nor answers."""

    def begin(self, world: "World") -> None:
        """Its thread hangs."""
        world.car.lamps.mute = True
        world.car.touched_at = world.now

    def end(self, world: "World") -> None:
        """It hears again."""
        world.car.lamps.mute = False
        world.car.touched_at = world.now

"""What can go wrong in the world: a seed and the name of a preset go in, a schedule of typed faults comes out.

One class per fault, which knows how it begins and ends; one table, which says how often and for how long. Faults of different kinds meet as
chance will have it; two of a kind never do.
"""

import random
from typing import TYPE_CHECKING, NamedTuple

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
        world.meddling.lost = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.meddling.lost = 0.0


class EventsDoubled(Fault, frozen=True):
    """Each event from outside comes twice with probability `strength`."""

    def begin(self, world: "World") -> None:
        """An adapter says it again."""
        world.meddling.doubled = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.meddling.doubled = 0.0


class EventsLate(Fault, frozen=True):
    """Each event from outside comes up to `strength` seconds late, so that others overtake it."""

    def begin(self, world: "World") -> None:
        """A thread that the scheduler forgets."""
        world.meddling.late_s = self.strength

    def end(self, world: "World") -> None:
        """As usual."""
        world.meddling.late_s = 0.0


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
        world.car.unplug()

    def end(self, world: "World") -> None:
        """The cable is in."""
        world.car.plug()


class ReceiverSilent(Fault, frozen=True):
    """The port is open and nothing comes."""

    def begin(self, world: "World") -> None:
        """No power at the receiver."""
        world.car.silent = True

    def end(self, world: "World") -> None:
        """It speaks."""
        world.car.silent = False


class ReceiverGarbled(Fault, frozen=True):
    """Nothing that comes can be read."""

    def begin(self, world: "World") -> None:
        """The wrong baud rate."""
        world.car.garbage = True

    def end(self, world: "World") -> None:
        """It can be read."""
        world.car.garbage = False


class FixesVoid(Fault, frozen=True):
    """The receiver sees too few satellites."""

    def begin(self, world: "World") -> None:
        """A garage."""
        world.car.void = True

    def end(self, world: "World") -> None:
        """Open sky."""
        world.car.void = False


class FixesTimeless(Fault, frozen=True):
    """Fixes without a time."""

    def begin(self, world: "World") -> None:
        """No RMC, no ZDA."""
        world.car.timeless = True

    def end(self, world: "World") -> None:
        """They tell the time."""
        world.car.timeless = False


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
        world.disturb(self.strength)

    def end(self, world: "World") -> None:
        """Quiet."""
        world.disturb(None)


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
        world.car.stick(self.lasts_s)


class OutputsMute(Fault, frozen=True):
    """The light bar neither plays nor answers."""

    def begin(self, world: "World") -> None:
        """Its thread hangs."""
        world.car.mute_outputs = True

    def end(self, world: "World") -> None:
        """It hears again."""
        world.car.mute_outputs = False


# --- how often ----------------------------------------------------------------------------------------------------------------------


class Option(NamedTuple):
    """One row: times per hour in each preset, the range of seconds that it lasts, the range of its strength."""

    fault: type[Fault]
    calm: float
    field: float
    storm: float
    lasts_s: tuple[float, float]
    strength: tuple[float, float] = (0.0, 0.0)


# fmt: off
OPTIONS: tuple[Option, ...] = (
    #      fault              calm  field  storm  lasts_s          strength
    Option(LinkOutage,        0.25,  2.0,   6.0, (2.0, 900.0)),
    Option(BlackHole,         0.0,   0.3,   3.0, (10.0, 180.0)),
    Option(BrokerRefuses,     0.0,   0.2,   2.0, (10.0, 300.0)),
    Option(BrokerRestarts,    0.0,   0.1,   2.0, (1.0, 30.0)),
    Option(OldBroker,         0.0,   0.02,  0.5, (600.0, 3600.0)),
    Option(PublishesRefused,  0.0,   0.05,  1.0, (5.0, 120.0)),
    Option(AcksSlow,          0.0,   0.3,   2.0, (20.0, 300.0),  (0.5, 15.0)),
    Option(EventsLost,        0.0,   0.05,  2.0, (1.0, 60.0),    (0.02, 0.4)),
    Option(EventsDoubled,     0.0,   0.05,  2.0, (1.0, 60.0),    (0.02, 0.5)),
    Option(EventsLate,        0.0,   0.05,  2.0, (1.0, 60.0),    (0.05, 3.0)),
    Option(Killed,            0.0,   0.1,   2.0, (1.0, 5.0)),
    Option(PowerCut,          0.0,   0.15,  2.0, (5.0, 120.0)),
    Option(Restarted,         0.0,   0.1,   1.0, (4.0, 10.0)),
    Option(AdapterDies,       0.0,   0.05,  1.0, (1.0, 5.0)),
    Option(DiskSlow,          0.0,   0.2,   2.0, (30.0, 600.0),  (0.3, 2.0)),
    Option(StoreDown,         0.0,   0.05,  1.0, (10.0, 600.0)),
    Option(StoreDamaged,      0.0,   0.02,  0.3, (0.0, 0.0),     (0.0, 1.0)),
    Option(ReceiverUnplugged, 0.0,   0.1,   1.0, (5.0, 300.0)),
    Option(ReceiverSilent,    0.0,   0.1,   1.0, (5.0, 300.0)),
    Option(ReceiverGarbled,   0.0,   0.1,   1.0, (5.0, 120.0)),
    Option(FixesVoid,         0.5,   1.0,   3.0, (5.0, 600.0)),
    Option(FixesTimeless,     0.0,   0.05,  1.0, (5.0, 300.0)),
    Option(ClockWrong,        0.0,   0.1,   1.0, (60.0, 1200.0), (-48.0, 48.0)),
    Option(InputNoise,        0.0,   0.5,   4.0, (1.0, 120.0),   (0.03, 2.0)),
    Option(InputsFail,        0.0,   0.02,  0.5, (2.0, 30.0)),
    Option(ButtonStuck,       0.0,   0.02,  0.3, (20.0, 200.0)),
    Option(OutputsMute,       0.0,   0.05,  1.0, (1.0, 60.0)),
)
# fmt: on

PRESETS = ("calm", "field", "storm")


def schedule(rng: random.Random, preset: str, hours: float) -> list[Fault]:
    """Faults of `hours` hours in the order in which they begin; every one is over by then.

    Raises:
        ValueError: there is no preset of that name.
    """
    if preset not in PRESETS:
        raise ValueError(f"no preset {preset!r}; there are {', '.join(PRESETS)}")
    faults: list[Fault] = []
    for option in OPTIONS:
        per_hour: float = getattr(option, preset)
        at = 0.0
        while per_hour:
            at += rng.expovariate(per_hour / 3600)
            lasts_s = rng.uniform(*option.lasts_s)
            if at + lasts_s >= hours * 3600:
                break
            faults.append(option.fault(at, lasts_s, rng.uniform(*option.strength)))
            at += lasts_s
    return sorted(faults, key=lambda fault: fault.at)

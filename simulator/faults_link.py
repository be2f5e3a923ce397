"""What goes wrong with one of several brokers, or is done to the link on purpose; see `faults`."""

from typing import TYPE_CHECKING

from simulator.faults import Fault

if TYPE_CHECKING:
    from simulator.world import World


class BrokerForgets(Fault, frozen=True):
    """The broker acknowledges what comes and keeps it in its memory only, until it is killed: none of it reaches the centre."""

    def begin(self, world: "World") -> None:
        """It takes everything."""
        world.broker.forgetful = True

    def end(self, world: "World") -> None:
        """And is killed."""
        world.broker.forgetful = False
        world.broker.restart()


class FirstBrokerDown(Fault, frozen=True):
    """The unit's first endpoint lets nobody in; the others do."""

    def begin(self, world: "World") -> None:
        """Who came in by it is thrown out."""
        world.broker.shut_first()

    def end(self, world: "World") -> None:
        """It is open."""
        world.broker.first_shut = False


class OutageAsked(Fault, frozen=True):
    """Whoever installs the unit asks it for an outage of so long. In no preset: it is not weather."""

    def begin(self, world: "World") -> None:
        """It may refuse."""
        world.car.hands.do("link.outage", s=self.lasts_s)

    def end(self, world: "World") -> None:
        """It ends by itself."""

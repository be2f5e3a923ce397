"""The states of the link, as its tests bring them about."""

from collections.abc import Callable

from agent.core.endpoints import RETURN_S
from agent.core.events import (
    Acked,
    Event,
    LinkDown,
    Probed,
    SpoolDown,
    Started,
    Subscribed,
)
from agent.core.link import Link
from agent.core.names import Names
from agent.core.part import Output
from tests.core.builders import BOOT, ENDPOINT, ROOT, Bench, link_down, link_up, of

AT = 2.0
B = "mqtts://b:8883"


class LinkBench(Bench):
    """Gives the link back the end that it made itself, as the unit does."""

    def feed(self, *events: Event) -> list[Output]:
        """As of any part."""
        outs: list[Output] = []
        for event in events:
            outs += super().feed(event)
        return outs

    def _keep(self, outs: object) -> list[Output]:
        kept = super()._keep(outs)  # type: ignore[arg-type]  # as it came
        for out in of(LinkDown, kept):
            kept += super()._keep(self.part.handle(out))
        return kept


def made(*endpoints: str, boot: str = BOOT) -> LinkBench:
    return LinkBench(Link(endpoints or (ENDPOINT,), ROOT, ("north",), Names("car-1", boot), "0.0.1"))


def first(*endpoints: str, boot: str = BOOT) -> LinkBench:
    """Started, and waiting for the store's memory."""
    bench = made(*endpoints, boot=boot)
    bench.feed(Started(1.5))
    return bench


def started(*endpoints: str) -> LinkBench:
    bench = made(*endpoints)
    bench.feed(Started(0.0), SpoolDown(0.0, "none"))
    return bench


def state(bench: Bench) -> str:
    """Where the link stands."""
    found = bench.part.status(AT)["state"]
    assert isinstance(found, str)
    return found


def waiting() -> LinkBench:
    bench = started()
    bench.feed(link_down(1.7))
    return bench


def older() -> LinkBench:
    """MQTT 3.1.1 is tried after the broker did not speak 5."""
    bench = started()
    bench.feed(link_down(1.0, wrong_protocol=True))
    bench.until(1.0)
    return bench


def online(subscribed: bool = False) -> LinkBench:
    bench = started()
    bench.feed(link_up(1.0))
    if subscribed:
        bench.feed(Subscribed(1.1, 1))
    return bench


def ended() -> LinkBench:
    bench = online()
    part = bench.part
    assert isinstance(part, Link)
    part.end()
    return bench


def away() -> LinkBench:
    """Online at the second of two endpoints, and proved; the first is to be asked again."""
    bench = started(ENDPOINT, B)
    bench.feed(link_down(0.1))
    bench.until(1.2)
    bench.feed(link_up(1.3, 2), Subscribed(1.4, 2), Acked(1.4, 1))
    return bench


def returning() -> LinkBench:
    """The first endpoint is said to be well again: connecting to it."""
    bench = away()
    bench.until(1.3 + RETURN_S)
    bench.feed(Probed(1.5 + RETURN_S, ENDPOINT, True))
    bench.until(1.5 + RETURN_S)
    return bench


STATES: dict[str, Callable[[], LinkBench]] = {
    "first": first,
    "connecting 5": started,
    "connecting 4": older,
    "waiting": waiting,
    "online": online,
    "subscribed": lambda: online(subscribed=True),
    "away": away,
    "returning": returning,
    "ended": ended,
}

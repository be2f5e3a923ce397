"""What tests of the core build with: short ways to make configs and events, and a part with its time (`Bench`)."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from agent.config import Config, Input, InputUse, Mqtt, Report
from agent.config import Output as OutputConfig
from agent.config import Unit as UnitConfig
from agent.core.effects import Effect, Publish, Store
from agent.core.events import (
    ClockRead,
    Edge,
    Event,
    Fix,
    FixMode,
    InputChanged,
    Lane,
    LinkDown,
    LinkUp,
    OrderGiven,
    Reported,
    Row,
    SpoolOpened,
    Stored,
)
from agent.core.lanes import Message
from agent.core.names import Names
from agent.core.outbox import Outbox
from agent.core.part import Output, Part
from agent.core.timebase import Timebase
from agent.core.unit import Unit
from agent.wire import codec
from agent.wire.records import EventRecord, Record

BOOT = "0123456789abcdef"
OTHER_BOOT = "fedcba9876543210"
UTC_MS = 1_800_000_000_000
"""2027-01-15 08:00:00 UTC at monotonic second 0 of these tests."""
ROOT = "outpost/v1"
ENDPOINT = "mqtt://a:1883"

Kind = TypeVar("Kind", bound=Output)


# --- config -------------------------------------------------------------------------------------------------------------------------


def panic_input(name: str = "button", **facts: Any) -> Input:
    """A panic button."""
    return Input(id=name, use=InputUse.PANIC, pin=facts.pop("pin", 17), **facts)


def ignition_input() -> Input:
    """The ignition line."""
    return Input(id="ignition", use=InputUse.IGNITION, pin=27)


def outputs() -> tuple[OutputConfig, ...]:
    """Two light groups and the officer's lamp."""
    return (OutputConfig(id="red", pin=5), OutputConfig(id="blue", pin=6), OutputConfig(id="lamp", use="panic_lamp", pin=13))


def config(**sections: Any) -> Config:
    """A patrol car with a panic button, an ignition line, two light groups and a lamp; `sections` replace its own."""
    car: dict[str, Any] = {
        "unit": UnitConfig(id="car-1", groups=("north",)),
        "mqtt": Mqtt(endpoints=(ENDPOINT,)),
        "input": (panic_input(), ignition_input()),
        "output": outputs(),
        "report": Report(),
    }
    return Config(**(car | sections))


def names() -> Names:
    """The counter of this boot."""
    return Names("car-1", BOOT)


# --- events -------------------------------------------------------------------------------------------------------------------------


def fix(at: float, utc: int | None = None, mode: FixMode = FixMode.THREE_D, **facts: Any) -> Fix:
    """A good fix near Xining; `utc` in ms, by default none."""
    where: dict[str, Any] = {"lat": 36.6171, "lon": 101.7782, "speed_mps": 0.0} | facts
    return Fix(at, mode, utc, **where)


def timed_fix(at: float, offset_ms: int = UTC_MS, **facts: Any) -> Fix:
    """A fix whose UTC is that of these tests."""
    return fix(at, round(at * 1000) + offset_ms, **facts)


def clock_read(at: float, offset_ms: int = UTC_MS, synchronized: bool = True, err_ms: int = 20) -> ClockRead:
    """The system clock."""
    return ClockRead(at, round(at * 1000) + offset_ms, synchronized, err_ms)


def told_time() -> Timebase:
    """A timebase that knows the time from three fixes (at 0, 1 and 2)."""
    time = Timebase()
    for at in range(3):
        time.handle(timed_fix(at))
    return time


def press(at: float, button: str = "button", first: bool = False, since: float | None = None) -> InputChanged:
    """A debounced panic button goes down."""
    return InputChanged(at, button, "panic", True, at if since is None else since, first)


def release(at: float, button: str = "button") -> InputChanged:
    """It comes up."""
    return InputChanged(at, button, "panic", False, at)


def edge(at: float, active: bool, name: str = "button") -> Edge:
    """A raw edge."""
    return Edge(at, name, active)


def order(at: float, kind: str, alarm: str | None, name: str = "o-1") -> OrderGiven:
    """A verified order about an alarm."""
    return OrderGiven(at, name, kind, {"alarm": alarm})


def event_report(at: float, ident: str = "x", lane: Lane = Lane.EVENT) -> Reported:
    """Something durable to say."""
    return Reported(at, lane, EventRecord(what="input", id=ident, active=True))


def spool_opened(at: float, memory: dict[str, bytes] | None = None, **waiting: int) -> SpoolOpened:
    """The store opens; `waiting` rows by lane's name in lower case."""
    return SpoolOpened(at, {lane: waiting.get(lane.name.lower(), 0) for lane in Lane}, memory or {})


OTHER_ROW = Row(
    f"{OTHER_BOOT}-5", Lane.EVENT, codec.encode(EventRecord(v=1, unit="car-1", kind="event", boot=OTHER_BOOT, seq=5, mono=1, what="input"))
)
"""A row of an earlier boot."""


def message(lane: Lane, size: int = 100, kind: str = "event", durable: bool = False, retain: bool = False) -> Message:
    """A message of so many bytes."""
    return Message(lane, kind, f"{ROOT}/u/car-1/up/{kind}", bytes(size), 0.0, durable=durable, retain=retain)


def link_up(at: float, attempt: int = 1, **facts: Any) -> LinkUp:
    """The broker accepts."""
    return LinkUp(at, attempt, ENDPOINT, facts.pop("protocol", 5), **facts)


def link_down(at: float, attempt: int = 1, reason: str = "lost", wrong_protocol: bool = False) -> LinkDown:
    """The connection ends."""
    return LinkDown(at, attempt, reason, wrong_protocol)


# --- looking at what came out -------------------------------------------------------------------------------------------------------


def of(kind: type[Kind], outs: Iterable[Output]) -> list[Kind]:
    """Those of one type."""
    return [out for out in outs if isinstance(out, kind)]


def one(kind: type[Kind], outs: Sequence[Output]) -> Kind:
    """The only one of its type."""
    found = of(kind, outs)
    assert len(found) == 1, f"expected one {kind.__name__}, found {found} in {list(outs)}"
    return found[0]


def types(outs: Iterable[Output]) -> list[str]:
    """The names of what came out, in order."""
    return [type(out).__name__ for out in outs]


def record(sent: Publish | Store) -> Record:
    """The record that an effect carries."""
    return codec.decode(sent.payload)


# --- a part with its time -----------------------------------------------------------------------------------------------------------


class Bench:
    """One part, with time as the unit gives it: before an event, everything that is due by then."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.all: list[Output] = []

    def feed(self, *events: Event) -> list[Output]:
        """The events, one after the other; what came out, timers included."""
        outs: list[Output] = []
        for event in events:
            assert type(event) in self.part.listens, f"{self.part.name} does not listen to {type(event).__name__}"
            outs += self.until(event.at)
            outs += self._keep(self.part.handle(event))
        return outs

    def until(self, at: float) -> list[Output]:
        """Time passes until then."""
        outs: list[Output] = []
        for turn in itertools.count():
            due = self.part.deadline
            if due > at:
                return outs
            assert turn < 100_000, f"{self.part.name} stands still at {due}"
            outs += self._keep(self.part.expire())
            assert self.part.deadline > due or outs
        raise AssertionError

    def _keep(self, outs: Sequence[Output]) -> list[Output]:
        self.all += outs
        return list(outs)


class OutboxBench(Bench):
    """As a unit's other parts do, says one more thing in the turn in which the link comes up: with it leaves what waits."""

    def feed(self, *events: Event) -> list[Output]:
        """As of any part."""
        turns = [(event, Stored(event.at, ())) if isinstance(event, LinkUp) else (event,) for event in events]
        return super().feed(*(event for turn in turns for event in turn))


def outbox(time: Timebase | None = None, window_bytes: int = 8192) -> tuple[Outbox, Bench]:
    """An outbox and its bench."""
    part = Outbox(ROOT, window_bytes, names(), time or told_time())
    return part, OutboxBench(part)


def unit(made: Config | None = None, boot: str = BOOT) -> Unit:
    """A whole unit that has not started."""
    return Unit(made or config(), boot, "0.0.1")


def feed(to: Unit, *events: Event) -> list[Effect]:
    """The events to a unit; its effects."""
    return [effect for event in events for effect in to.handle(event)]


def assert_covers(part: type[Part], states: Iterable[str], cases: Iterable[tuple[str, type[Event]]]) -> None:
    """The table has a row for every state and every type of event that the part listens to, and no other."""
    wanted = {(state, event) for state in states for event in part.listens}
    found = set(cases)
    missing = sorted(f"{state} × {event.__name__}" for state, event in wanted - found)
    assert not missing, f"no row for {', '.join(missing)}"
    foreign = sorted(f"{state} × {event.__name__}" for state, event in found - wanted)
    assert not foreign, f"rows for nothing: {', '.join(foreign)}"

"""The states of the outbox, as its tests bring them about, and short words for what comes out."""

from collections.abc import Callable

from agent.core.effects import Forget, Load, OpenSpool, Publish, Store
from agent.core.events import (
    Acked,
    Event,
    FaultSeen,
    HistoryWritten,
    LinkStalled,
    Refused,
    ReportLeft,
    SpoolDown,
    Started,
    StateChanged,
    Stored,
)
from agent.core.part import Output
from agent.wire import codec
from agent.wire.records import Io
from tests.core.builders import (
    BOOT,
    OTHER_ROW,
    Bench,
    event_report,
    link_up,
    outbox,
    spool_opened,
)

IT = f"{BOOT}-1"
AT = 100.4
IO = StateChanged(AT, "io", Io(inputs={}, outputs={}, lights="off"))


def short(outs: list[Output]) -> list[str]:
    """What came out, in words; the record of the state is `it`."""
    return [word(out) for out in outs]


def name_of(name: str) -> str:
    return {IT: "it", OTHER_ROW.name: "other"}.get(name, "new")


def word(out: Output) -> str:
    match out:
        case Store(name=name):
            return f"store {name_of(name)}"
        case Publish(retain=True, topic=topic):
            return f"publish state {topic.rsplit('/', 1)[1]}"
        case Publish(payload=payload):
            found = codec.decode(payload)
            return f"publish {name_of(f'{found.boot}-{found.seq}')}"
        case Forget(names=names):
            return f"forget {' '.join(map(name_of, names))}"
        case OpenSpool():
            return "open"
        case Load(lane=lane):
            return f"load {lane.name.lower()}"
        case FaultSeen(code=code, active=active):
            return f"{code} {'on' if active else 'off'}"
        case ReportLeft(stored=stored, acked=acked):
            return f"left {'stored' * stored}{'acked' * acked}"
        case LinkStalled():
            return "stalled"
        case HistoryWritten():
            return "written"
    raise AssertionError(out)


# --- states: the link, the store, the record ----------------------------------------------------------------------------------------


def made(*events: Event) -> Bench:
    _, bench = outbox()
    bench.feed(Started(99.5), *events)
    return bench


REPORT = event_report(100.1)
OPEN = spool_opened(100.0)
DOWN = SpoolDown(100.15, "read-only")
UP = link_up(100.0)
STORED = Stored(100.2, (IT,))
ACKED = Acked(100.3, 1)

STATES: dict[str, Callable[[], Bench]] = {
    "offline, never opened, no record": made,
    "offline, open, no record": lambda: made(OPEN),
    "online, open, no record": lambda: made(OPEN, UP),
    "offline, never opened, new": lambda: made(REPORT),
    "offline, open, new": lambda: made(OPEN, REPORT),
    "offline, open, stored": lambda: made(OPEN, REPORT, STORED),
    "offline, down, new": lambda: made(OPEN, REPORT, DOWN),
    "offline, down, stored": lambda: made(OPEN, REPORT, STORED, SpoolDown(100.25, "gone")),
    "online, never opened, in flight": lambda: made(UP, REPORT),
    "online, never opened, acked": lambda: made(UP, REPORT, ACKED),
    "online, open, in flight": lambda: made(OPEN, UP, REPORT),
    "online, open, in flight stored": lambda: made(OPEN, UP, REPORT, STORED),
    "online, open, acked": lambda: made(OPEN, UP, REPORT, ACKED),
    "online, open, forgetting": lambda: made(OPEN, UP, REPORT, STORED, ACKED),
    "online, open, refused": lambda: made(OPEN, UP, REPORT, STORED, Refused(100.3, 1, "not authorized")),
    "online, down, in flight": lambda: made(OPEN, UP, REPORT, DOWN),
    "online, down, acked": lambda: made(OPEN, UP, REPORT, DOWN, ACKED),
    "online, down, in flight stored": lambda: made(OPEN, UP, REPORT, STORED, SpoolDown(100.25, "gone")),
}

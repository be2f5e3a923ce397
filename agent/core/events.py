"""What happened: frozen facts, in the past tense, each stamped with the monotonic second at which it happened, where it happened.

Two kinds. *From outside* (this file, and `agent.core.machine`): an adapter saw it and posted it to the mailbox; any of these may be lost,
doubled or late, and the core asks again. *From inside* (`agent.core.inside`, named here too): one part of the core tells the others;
these are never lost.
`at` is seconds of CLOCK_MONOTONIC in all of them. An absent fact is None, never 0.
"""

from typing import Any

from agent.core.event import Event, FixMode, Lane, Row, Satellite
from agent.core.inside import (
    ActionTaken,
    AlarmChanged,
    Drafted,
    FaultSeen,
    HistoryHeld,
    HistoryWanted,
    HistoryWritten,
    InputChanged,
    InputHeld,
    LampAsked,
    LightsAsked,
    LightsSeen,
    LightsShed,
    LightsTurned,
    LinkStalled,
    LiveSlowed,
    LossesKept,
    OrderAnswered,
    OrderGiven,
    OutageAsked,
    OutputTried,
    ReminderAsked,
    Reported,
    ReportLeft,
    Resent,
    RowsGivenUp,
    StateChanged,
    StoreRoom,
    TimeLearned,
    WireChanged,
)
from agent.core.machine import (
    CAPPED,
    SINCE,
    SOFT_LIMIT,
    THROTTLED,
    UNDER_VOLTAGE,
    ClockRead,
    MachineSeen,
    ModemSeen,
    Vitals,
)
from agent.wire.whys import Reason

__all__ = [  # what is written elsewhere and found here: one place to import any event from
    "CAPPED", "SINCE", "SOFT_LIMIT", "THROTTLED", "UNDER_VOLTAGE",
    "ActionTaken", "AlarmChanged", "ClockRead", "Drafted", "Event", "FaultSeen", "FixMode", "HistoryHeld",
    "HistoryWanted", "HistoryWritten", "InputChanged", "InputHeld", "LampAsked", "Lane", "LightsAsked", "LightsSeen", "LightsShed",
    "LightsTurned", "LinkStalled", "LiveSlowed", "LossesKept", "MachineSeen", "ModemSeen", "OrderAnswered", "OrderGiven",
    "OutageAsked", "OutputTried", "ReminderAsked", "ReportLeft", "Reported", "Resent", "Row", "RowsGivenUp", "Satellite",
    "StateChanged", "StoreRoom", "TimeLearned", "Vitals", "WireChanged",
]  # fmt: skip

# --- from outside: life of the process ----------------------------------------------------------------------------------------------


class Started(Event):
    """The loop runs; always the first event of a boot.

    `refused`: why the config in force is not that of the file but the last good one. `aside`: paths of what was moved from the store's place.
    """

    refused: str = ""
    aside: str = ""


class StopRequested(Event):
    """Somebody asked the process to end (SIGTERM, SIGINT)."""

    by: str


class AdapterDied(Event):
    """A thread ended with an exception; the process must be started afresh."""

    adapter: str
    reason: str


class EventsDropped(Event):
    """The mailbox was full and gave up `count` events since it last said so."""

    count: int


# --- from outside: GNSS receiver ----------------------------------------------------------------------------------------------------


class ReceiverUp(Event):
    """The receiver's port is open."""

    port: str


class ReceiverDown(Event):
    """The receiver's port could not be opened, or is gone."""

    port: str
    reason: str


class ReceiverHeard(Event):
    """Counts since the last such event, about once a second while bytes come: good sentences, and refused lines by reason."""

    sentences: int
    refused: dict[str, int] = {}
    corrected: dict[str, int] = {}
    """Fixes in which something was mended, by reason: `week_rollover`, `midnight` (the date was late or early), `leap_second`, `repeated`,
    `date_impossible`, `date_conflict` (RMC against ZDA), `field` (one that cannot be, left out)."""
    kinds: dict[str, int] = {}
    """Good sentences by talker and type (`GNRMC`), at most 64 of them, the others as `other`."""
    baud: int | None = None
    """The speed at which we listened; None where the line has none (`socket://`)."""


class Fix(Event):
    """One instant as the receiver told it; `at` is when its first byte came (see `read_at`). WGS 84, m, m/s, degrees from true north.

    With mode NONE there is no position, but `utc_ms` and `sats` may still be there. `sats`: used satellites by constellation (`BD`, `GP` …).
    """

    mode: FixMode
    utc_ms: int | None = None
    lat: float | None = None
    lon: float | None = None
    alt_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    hdop: float | None = None
    acc_m: float | None = None
    sats: dict[str, int] = {}
    pdop: float | None = None
    vdop: float | None = None
    quality: str | None = None
    """`autonomous`, `dgps`, `pps`, `rtk`, `float` (RTK, ambiguities not fixed) or `estimated` (dead reckoning), where the receiver says so."""
    acc_estimated: bool = False
    """`acc_m` is not the receiver's own word (GST, GBS) but HDOP times an assumed error of the ranges (docs/gnss.md)."""
    read_at: float | None = None
    """When it was read, if several instants came late in one read; `at` is then reckoned back from it by the receiver's UTC."""
    date_moved: bool = False
    """The receiver's date had lost 1024 weeks, or so the reader thinks, that has given them back: `utc_ms` wants more proof."""


class Sky(Event):
    """What the receiver sees in the sky, about once a second, each satellite once over its signals. With no GSV sentences: never."""

    satellites: tuple[Satellite, ...] = ()


class Antenna(Event):
    """What the receiver says of its antenna: `ok`, `open` (none, or its wire broken) or `short`. At each change, and each one to ten seconds."""

    state: str


class ReceiverSpoke(Event):
    """The receiver said who it is, or answered a command, in plain text of at most 120 characters; not what it repeats."""

    text: str


# --- from outside: GPIO -------------------------------------------------------------------------------------------------------------


class Edge(Event):
    """A raw, bouncing change of one line; `active` is electrical polarity already applied. `input`: the line's name, see `Input.lines`."""

    input: str
    active: bool


class Levels(Event):
    """What every line reads now, by its name, posted at start and each second, so that a lost edge heals."""

    active: dict[str, bool]


class InputsFailed(Event):
    """The inputs cannot be read."""

    reason: str


class LightsShown(Event):
    """What the outputs play now, by output id: the name of the pattern."""

    shown: dict[str, str]


class OutputPulsed(Event):
    """That pulse has begun: the output is at its active level for as long as was asked."""

    output: str


class OutputFailed(Event):
    """An output could not be driven."""

    output: str
    reason: str


# --- from outside: the store --------------------------------------------------------------------------------------------------------


class SpoolOpened(Event):
    """The store is open: rows waiting per lane, everything that was remembered, and how many rows are `kept` in history."""

    waiting: dict[Lane, int]
    memory: dict[str, bytes]
    kept: int = 0


class SpoolDown(Event):
    """The store cannot be opened or written; nothing is durable until SpoolOpened."""

    reason: Reason


class SpoolFull(Event):
    """The store is open and has no room: rows that were asked of it are not on disk. Forgetting makes room; alarms may still find some."""

    reason: Reason


class SpoolQuarantined(Event):
    """The store was damaged: set aside at `path`, started afresh. `rows` that were saved from it, None when that is not known."""

    path: str
    reason: Reason
    rows: int | None = None


class Stored(Event):
    """These rows are on disk (after fsync), in these `editions` where it is another than 0."""

    names: tuple[str, ...]
    editions: dict[str, int] = {}


class Recalled(Event):
    """Rows of history that a Recall of these numbers asked for, and whether there are `more` after them up to its last number."""

    boot: str
    first: int
    last: int
    rows: tuple[Row, ...]
    more: bool


class Pruned(Event):
    """These rows were removed from a lane, or from history (None), and whether there are `more` that the Prune would have meant."""

    lane: Lane | None
    names: tuple[str, ...]
    more: bool


class Remembered(Event):
    """This memory is on disk as last asked (after fsync)."""

    names: tuple[str, ...]


class Forgotten(Event):
    """These rows do not wait in the store any more."""

    names: tuple[str, ...]


class Loaded(Event):
    """Rows of a lane in the order in which they were stored, after the one asked; `more` when others follow."""

    lane: Lane
    rows: tuple[Row, ...]
    more: bool


# --- from outside: the link ---------------------------------------------------------------------------------------------------------


class LinkUp(Event):
    """The broker accepted us. `attempt` is that of the Connect; `protocol` 5 or 4 (MQTT 3.1.1); limits as the broker stated them."""

    attempt: int
    endpoint: str
    protocol: int
    session_present: bool = False
    receive_max: int = 65535
    packet_bytes_max: int | None = None


class LinkDown(Event):
    """The connection of that attempt failed or ended. `wrong_protocol` when the broker does not speak the MQTT version tried."""

    attempt: int
    reason: str
    wrong_protocol: bool = False


class Traffic(Event):
    """Bytes since the start of the process as a SIM's bill counts them: IP packets of the link, headers and what was sent again included.

    Each 10 s when something moved, or sooner when much did, and when a connection has ended. A sum, so that one that is lost loses nothing.
    """

    up_bytes: int
    down_bytes: int


class Probed(Event):
    """What came of a Probe: somebody listens there, or (not `well`) the reason why not."""

    endpoint: str
    well: bool
    reason: str = ""


class CertificateSeen(Event):
    """The files of the TLS identity as they lie on disk, at start, when they change and each minute; never without such files.

    `version` counts the sets of usable files found so far. `reason`: why those on disk are not usable; the ones before are used on.
    """

    version: int
    expires_utc_ms: int | None = None
    reason: str = ""


class Subscribed(Event):
    """The broker answered our subscription; `refused` topics were not granted."""

    attempt: int
    refused: tuple[str, ...] = ()


class Acked(Event):
    """The broker has the message of that Publish (PUBACK): it proves the broker, nobody behind it."""

    token: int


class Refused(Event):
    """The message of that Publish is not delivered: the broker refused it, or (not `by_broker`) it could not be sent just now."""

    token: int
    reason: str
    by_broker: bool = True


class Received(Event):
    """A message came down."""

    topic: str
    payload: bytes
    retained: bool


class SocketOpened(Event):
    """The local socket listens."""


class SocketFailed(Event):
    """The local socket cannot be opened; it is tried again."""

    reason: str


class Asked(Event):
    """Somebody asks through the local socket; `asker` names the connection for the Answer."""

    asker: int
    request: dict[str, Any]
    by_root: bool = False
    """Root asks, or the agent's own user: who could read the store anyway. Never by what the request says: the kernel knows."""

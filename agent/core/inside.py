"""What one part of the core tells the others, in the same turn of the loop: never lost, never late."""

from typing import Any

from agent.core.event import Event, Lane, Row
from agent.wire.records import Record
from agent.wire.whys import Reason


class InputChanged(Event):
    """A debounced input changed, or was seen for the first time (`first`); the line has read so since `since`. `use` as configured."""

    input: str
    use: str
    active: bool
    since: float
    first: bool = False


class InputHeld(Event):
    """An input has read active for `held_s` in all since the press began at `since`, and is not released.

    One for each of the times that matter for its `use`, once a press. `first`: it was active when the unit started.
    """

    input: str
    use: str
    held_s: float
    since: float
    first: bool = False


class WireChanged(Event):
    """A supervised input's wire is `ok`, `cut` or `short` now; said at first sight only when it is not ok."""

    input: str
    use: str
    wire: str


class ActionTaken(Event):
    """The officer did something on the unit's own page: `action`, and what belongs to it; `asker` is who waits for an Answer.

    `by_root`: as in `Asked`.
    """

    action: str
    body: dict[str, Any]
    asker: int
    by_root: bool = False


class ReminderAsked(Event):
    """The officer's buzzer should remind of something (`about`), or (None) be still."""

    about: str | None


class Reported(Event):
    """A part has something to say to the centre: `record` with its body filled in and no header.

    `at` is when it happened. Without `slot` the record is durable. With `slot` it is volatile: the latest in that slot wins until it leaves.
    `seq` when the reporter took its number from the boot's counter beforehand.
    """

    lane: Lane
    record: Record
    slot: str | None = None
    seq: int | None = None


class Drafted(Event):
    """A durable record that still grows: kept on disk as it is now, under one number, and sent once it is `final`.

    `draft` names it for as long as it grows; each record says all that the ones before it said.
    """

    lane: Lane
    record: Record
    draft: str
    final: bool


class StateChanged(Event):
    """What the unit publishes as retained state, by name: the latest wins."""

    name: str
    record: Record


class ReportLeft(Event):
    """How far a durable record has come: on disk, at the broker."""

    name: str
    stored: bool
    acked: bool


class StoreRoom(Event):
    """The store was full: whether room could be made in it."""

    room: bool
    reason: Reason = ""


class RowsGivenUp(Event):
    """Rows that were not sent yet have been removed from the store, `before` it was opened or since: `why` as in a gap record."""

    lane: Lane
    names: tuple[str, ...]
    why: str
    before: bool = False


class LossesKept(Event):
    """All losses that are known are declared, and the declarations are on disk."""


class Resent(Event):
    """Rows of history that the centre has asked for once more."""

    rows: tuple[Row, ...]


class HistoryWanted(Event):
    """History is about to be read: what is still to be written to it is to be written now."""


class HistoryWritten(Event):
    """The answer to HistoryWanted: all that is to be in history has been asked of the store."""


class HistoryHeld(Event):
    """Whether back-fill is to stay where it is, to spare the line."""

    held: bool


class LiveSlowed(Event):
    """How many times its usual interval the live position takes from now on, to spare the line: 1 as usual, 0 for none at all.

    In an alarm it changes nothing.
    """

    factor: int


class FaultSeen(Event):
    """A part saw a fault come (`active`) or go; repeating it changes nothing."""

    code: str
    active: bool
    detail: Reason = ""


class AlarmChanged(Event):
    """The unit's alarm: `state` as on the wire (raised, repeated, acknowledged, cancel_requested, cleared); `test`: of a walk test."""

    alarm_id: str
    state: str
    mode: str
    test: bool = False


class LightsAsked(Event):
    """Somebody asks for a light; `by` is the row in the priority table, `show` a pattern's name, None to give the row up."""

    by: str
    show: str | None


class LightsTurned(Event):
    """Another show has won, or the groups of lights play something else: `by` as in LightsAsked, None for nobody.

    `playing`: by group, whether it plays light, as the outputs say; None while they do not.
    """

    show: str
    by: str | None
    playing: dict[str, bool | None]


class LightsSeen(Event):
    """A group of lights has begun to shine, or is dark: what its sense line says, dark phases of a pattern passed over."""

    group: str
    lit: bool


class LightsShed(Event):
    """These groups of lights are to stay dark, whatever is asked: the supply is low."""

    groups: tuple[str, ...]


class OutputTried(Event):
    """For whoever installs: one output is to be at its active level and every other light dark, or all play a show; neither: no more."""

    output: str | None = None
    show: str | None = None


class OutageAsked(Event):
    """There is to be no link until then, unless somebody needs help; a time that is over ends it."""

    until: float


class LampAsked(Event):
    """What the officer's lamp should say of the alarm; None: dark."""

    lamp: str | None


class LinkStalled(Event):
    """The broker has acknowledged nothing for too long although we are connected."""

    reason: str


class OrderGiven(Event):
    """An order has been verified and is to be carried out."""

    order: str
    kind: str
    body: dict[str, Any]


class OrderAnswered(Event):
    """What became of an order, for the answer on `up/ack`: a label of the contract, with the reason when it was not carried out."""

    order: str
    label: str
    reason: str | None = None
    result: dict[str, Any] | None = None


class TimeLearned(Event):
    """UTC became known in this boot: UTC ms = monotonic ms + `offset_ms`."""

    offset_ms: int

"""Latches: alarms as they are raised, acknowledged and ended go in; their records, and what the store is to remember of them, come out.

Theory. A latch is one live alarm as it lies in the store; only the centre ends it. What is remembered is asked of the store before anything
else is said, so that a crash or a power cut changes nothing but the number of repeats. `n` counts what is said of an alarm and never
steps back, so that an acknowledgement can say what it has seen: it is remembered each N_AHEAD numbers, and a start skips as many.
"""

import enum
import math
from typing import Literal

import msgpack
import msgspec

from agent.config import Input
from agent.core.effects import Remember
from agent.core.keepsake import Keepsake
from agent.wire.records import Alarm, Pos

MEMORY = "alarms"
"""Name under which the latches lie in the store."""

ALARMS_MAX = 32
"""Latches kept, and never fewer than one of each button: bounds the memory row, since a board has not so many pins for buttons."""

CLEARED_MAX = 64
"""Alarms cleared in this boot that a store coming back late must not raise again."""

N_AHEAD = 50
"""Repeats that the store need not know of: an hour of them at the slowest, so that a live alarm is no wear for the card."""


class State(enum.Enum):
    """What is so of one alarm."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"


class Ack(enum.Enum):
    """What an acknowledgement by the centre changes."""

    UNSAID = "it is of a record that was never said"
    CROSSED = "it was pressed again meanwhile"
    NOTHING = "known already"
    RECEIVED = "the centre's software has it"
    SEEN = "a human has seen it"


class Latch(msgspec.Struct):
    """One live alarm, as it lies in the store.

    `since`: ms UTC when it was raised, None while unknown. `pressed_n`: `n` of the record of the newest press. `received`: the centre has
    that press. `at_boot`: the newest press was there when the agent started.
    """

    id: str
    source: str
    mode: Literal["overt", "discreet", "silent"]
    state: State
    n: int
    since: int | None = None
    at_boot: bool = False
    seat: str | None = None
    pressed_n: int = 1
    received: bool = False


class Live:
    """A latch with what only this boot knows of it: when it was raised and how it repeats, and how far its newest press has come."""

    def __init__(self, latch: Latch, raised_at: float | None) -> None:
        self.latch = latch
        self.raised_at = raised_at
        self.repeats = 0
        self.repeat_at = math.inf
        self.awaited = ""
        """Name of the durable record that the lamp waits for."""
        self.sent = False
        self.kept_n = latch.n
        """`n` as the store was last asked to remember it."""

    @property
    def shown(self) -> bool:
        """Whether anything in the car may tell of it."""
        return self.latch.mode != "silent"

    def pressed(self, first: bool) -> None:
        """One more press: nobody has seen that one yet. `first`: it was down when the agent started."""
        latch = self.latch
        latch.n += 1
        latch.state, latch.pressed_n, latch.received, latch.at_boot = State.RAISED, latch.n, False, first

    def doubt(self, n: int | None) -> Ack | None:
        """Why the centre's word about the record with that `n` cannot be of the alarm as it is now; None when it can."""
        if n is None:
            return None
        return Ack.UNSAID if n > self.latch.n else Ack.CROSSED if n < self.latch.pressed_n else None

    def acknowledge(self, by: str, n: int | None) -> Ack:
        """The centre has seen the record with that `n` (None: it does not say which), `manual` or `auto`."""
        latch = self.latch
        if latch.state is State.ACKNOWLEDGED:
            return Ack.NOTHING  # a human has seen the newest press; an older word that comes after that is no news
        if (doubt := self.doubt(n)) is not None:
            return doubt
        if by == "auto" and latch.received:
            return Ack.NOTHING
        latch.received = True
        if by == "auto":
            return Ack.RECEIVED
        latch.state = State.ACKNOWLEDGED
        self.repeat_at = math.inf
        return Ack.SEEN

    def record(self, at: float, state: str, pos: Pos | None, test: bool = False, reason: str | None = None) -> Alarm:
        """What is to be said of it now; `state` as on the wire; `reason`: why it is over, in the centre's words."""
        latch = self.latch
        return Alarm(
            id=latch.id,
            cause="panic",
            source=latch.source,
            seat=latch.seat,
            mode=latch.mode,
            state=state,  # type: ignore[arg-type]  # the callers' literals
            n=latch.n,
            since=latch.since,
            age_ms=None if self.raised_at is None else round((at - self.raised_at) * 1000),
            at_boot=True if latch.at_boot else None,
            pos=pos,
            test=True if test else None,
            reason=reason,
        )


def raised(at: float, name: str, button: Input, since: int | None, first: bool) -> Live:
    """A new alarm of that button, whose first record has that name."""
    return Live(Latch(name, button.id, button.mode, State.RAISED, 1, since, first, button.seat), at)


class Latches:
    """All live alarms of the unit, the newest last."""

    def __init__(self) -> None:
        self.memory = Keepsake(MEMORY)
        self._live: dict[str, Live] = {}
        self._cleared: list[str] = []

    @property
    def all(self) -> list[Live]:
        """The oldest first."""
        return list(self._live.values())

    @property
    def shown(self) -> list[Live]:
        """Those that may be seen in the car."""
        return [live for live in self._live.values() if live.shown]

    @property
    def repeat_at(self) -> float:
        """When the next one is to be said again."""
        return min((live.repeat_at for live in self._live.values()), default=math.inf)

    def get(self, alarm: str) -> Live | None:
        """The live alarm of that id."""
        return self._live.get(alarm)

    def of(self, button: str) -> Live | None:
        """The newest live alarm of that button."""
        return next((live for live in reversed(self.all) if live.latch.source == button), None)

    def awaiting(self, name: str) -> Live | None:
        """The alarm whose lamp waits for the record of that name."""
        return next((live for live in self._live.values() if live.awaited == name), None)

    def add(self, live: Live) -> None:
        """It is live from now on."""
        self._live[live.latch.id] = live

    def remove(self, alarm: str) -> Live | None:
        """The centre has ended it, for good."""
        live = self._live.pop(alarm, None)
        if live is not None:
            self._cleared = [*self._cleared, alarm][-CLEARED_MAX:]
        return live

    # --- memory -------------------------------------------------------------------------------------------------------------------

    def keep(self, at: float) -> Remember:
        """What is live now is to be remembered."""
        for live in self._live.values():
            live.kept_n = live.latch.n
        latches = self._bounded()
        return self.memory.keep(at, msgpack.packb(msgspec.to_builtins(latches)) if latches else None)

    def _bounded(self) -> list[Latch]:
        """Too many: the oldest go of which the same button has a newer one, but never the only one of a button."""
        latches = [live.latch for live in self._live.values()]
        newest = {latch.source: latch.id for latch in latches}
        older = [latch.id for latch in latches if latch.id != newest[latch.source]]
        left_out = older[: max(0, len(latches) - ALARMS_MAX)]
        return [latch for latch in latches if latch.id not in left_out]

    def keep_if_far(self, at: float, live: Live) -> list[Remember]:
        """After many repeats the store is told how far they have come."""
        return [self.keep(at)] if live.latch.n - live.kept_n >= N_AHEAD else []

    def recall(self, value: bytes | None) -> list[Live]:
        """The store is open: what it holds and we do not know is live too.

        Raises:
            ValueError: what lies there cannot be read.
        """
        found = unpacked(value)
        news = [Live(latch, None) for latch in found if latch.id not in self._live and latch.id not in self._cleared]
        for live in news:
            live.latch.n += N_AHEAD
        self._live = {live.latch.id: live for live in news} | self._live  # the newest stays last
        return news


def unpacked(value: bytes | None) -> list[Latch]:
    """Latches as they were remembered.

    Raises:
        ValueError: they cannot be read.
    """
    try:
        return msgspec.convert(msgpack.unpackb(value), list[Latch]) if value else []
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError, msgpack.exceptions.UnpackException) as e:
        raise ValueError(str(e) or type(e).__name__) from e

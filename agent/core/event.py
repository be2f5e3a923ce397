"""What an event is, and the words that events share."""

import enum

import msgspec


class Event(msgspec.Struct, frozen=True, tag=True):
    """Something that happened at `at`, seconds of the monotonic clock."""

    at: float


class FixMode(enum.Enum):
    """How good a position is: the receiver's word, never better."""

    NONE = "none"
    TWO_D = "2d"
    THREE_D = "3d"
    DEAD_RECKONING = "dr"
    FIXED = "fixed"


class Lane(enum.IntEnum):
    """What is on its way out: alarm > answer and event > gap > live > back-fill. The numbers are those of the rows in the store."""

    ALARM = 0
    EVENT = 1
    LIVE = 2
    BACKFILL = 3
    GAP = 5
    """What declares a loss: never given up itself, or nobody would know. (4 is history.)"""


class Row(msgspec.Struct, frozen=True):
    """One record as it lies in the store: `name` is `{boot}-{seq}`, `payload` the encoded record."""

    name: str
    lane: Lane
    payload: bytes


class Satellite(msgspec.Struct, frozen=True):
    """One satellite in view: `system` `BD`, `GP` …, `prn` the system's own number, the strongest signal's C/N0, `used` for the last fix."""

    system: str
    prn: int
    cn0_dbhz: float | None = None
    elev_deg: int | None = None
    azim_deg: int | None = None
    used: bool = False

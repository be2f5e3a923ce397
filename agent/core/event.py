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
    """Order of urgency on the way out, and the order in which rows lie in the store (alarm > answer and event > live > back-fill)."""

    ALARM = 0
    EVENT = 1
    LIVE = 2
    BACKFILL = 3


class Row(msgspec.Struct, frozen=True):
    """One record as it lies in the store: `name` is `{boot}-{seq}`, `payload` the encoded record."""

    name: str
    lane: Lane
    payload: bytes

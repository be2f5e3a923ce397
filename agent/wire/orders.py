"""The plain orders of a development bench, as typed structures: what `down/` takes today when the config allows unsigned orders.

Signed orders come later and will be text (JWS compact), so that nobody can take the one for the other.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

AlarmId = Annotated[str, Meta(description="`id` of the alarm: `{boot}-{seq}` of its first record")]


class AckBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which alarm has been seen at the centre, and by whom."""

    alarm: AlarmId
    by: Annotated[
        Literal["manual", "auto"],
        Meta(description="`manual`, the default: a human has seen it; `auto`: the centre's software has it, and it goes on repeating"),
    ] = "manual"
    n: Annotated[int, Meta(ge=1, description="`n` of the newest record seen: not taken when a later press has crossed it")] | None = None


class ClearBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which alarm is over, and why."""

    alarm: AlarmId
    reason: Annotated[str, Meta(min_length=1, max_length=120, description="why it is over: the `cleared` record carries it")]
    n: Annotated[int, Meta(ge=1, description="`n` of the newest record seen: not taken when a later press has crossed it")] | None = None


class LightBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which show is wanted, for how long."""

    show: Annotated[str | None, Meta(description="name of a show; null gives the light back")]
    lease_s: Annotated[float, Meta(gt=0, le=30, description="after so long it is over unless it was asked for again")] = 30.0


class MarkBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The video recorder's mark."""

    reason: Annotated[str, Meta(max_length=120)] | None = None


class SelfTestBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which test."""

    what: Literal["walk_test"]


Range = Annotated[
    list[str | int], Meta(min_length=2, max_length=3, description="[boot, first, last]: numbers of a boot; [boot, first]: and all after it")
]


class ResendBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which records are wanted once more."""

    ranges: Annotated[list[Range], Meta(min_length=1, max_length=64)]


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every plain order carries."""

    KIND: ClassVar[str] = ""
    jti: Annotated[
        str, Meta(min_length=1, max_length=36, description="names the order: a repeat gets the stored answer, nothing is done twice")
    ]
    iat: Annotated[float, Meta(description="issued, seconds UTC; told, not checked, in a plain order")] | None = None


class AlarmAck(Order, frozen=True, kw_only=True):
    """A human at the centre has seen the alarm: it stays live, repeats no more, and one more press raises it again.

    With `by: auto` the unit only tells the officer that the centre has it.
    """

    KIND = "alarm.ack"
    kind: Literal["alarm.ack"]
    body: AckBody


class AlarmClear(Order, frozen=True, kw_only=True):
    """The alarm is over: only the centre can say so."""

    KIND = "alarm.clear"
    kind: Literal["alarm.clear"]
    body: ClearBody


class Resend(Order, frozen=True, kw_only=True):
    """The centre has not got these records: what the unit still has of them leaves once more, behind all that is new.

    Answered `accepted`, and `done` once they have arrived at the broker, with `result`: rows `sent`, numbers `missed`, and which ranges are
    `missing` (the first 64): never kept, not sent at all yet, or gone with the history.
    """

    KIND = "resend"
    kind: Literal["resend"]
    body: ResendBody


class LightSet(Order, frozen=True, kw_only=True):
    """Ask for a show, by lease. It never overrides the officer, an alarm or a task, and never darkens a lit car."""

    KIND = "light.set"
    kind: Literal["light.set"]
    body: LightBody


class Mark(Order, frozen=True, kw_only=True):
    """Mark the video recorder, and point to it."""

    KIND = "mark"
    kind: Literal["mark"]
    body: MarkBody


class SelfTestOrder(Order, frozen=True, kw_only=True):
    """Begin a test. `walk_test`: for some minutes presses of the panic buttons are marked as tests; a hold of 5 s is still an alarm."""

    KIND = "selftest"
    kind: Literal["selftest"]
    body: SelfTestBody


DOWN: dict[str, type[Order]] = {o.KIND: o for o in (AlarmAck, AlarmClear, Resend, LightSet, Mark, SelfTestOrder)}

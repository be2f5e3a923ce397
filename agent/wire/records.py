"""Every record that leaves the unit, as a typed structure: the source of docs/asyncapi.yaml.

A record is one msgpack map. Times are integer milliseconds UTC, `mono` integer milliseconds of the boot's monotonic clock; metres, m/s,
degrees clockwise from true north, WGS 84. An absent fact is left out, never 0.
"""

import re
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

VERSION = 1
BOOT = re.compile(r"[0-9a-f]{16}")
BOOT_BEFORE = "boot_before"
"""`id` of the event whose `detail` names the boot before this one."""

Latitude = Annotated[float, Meta(ge=-90, le=90, description="degrees, WGS 84")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="degrees, WGS 84")]
Speed = Annotated[float, Meta(ge=0, description="m/s")]
Course = Annotated[float, Meta(ge=0, le=360, description="degrees clockwise from true north")]
Count = Annotated[int, Meta(ge=0)]


class Clock(msgspec.Struct, frozen=True, omit_defaults=True):
    """How well the unit knows the time."""

    src: Literal["gnss", "ntp", "rtc", "none"]
    err_ms: Annotated[int, Meta(ge=0, description="bound of the error; absent with `none`")] | None = None


class Pos(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where, how well, and how old."""

    lat: Latitude
    lon: Longitude
    mode: Annotated[Literal["none", "2d", "3d", "dr", "fixed"], Meta(description="how the receiver made it")]
    src: Annotated[Literal["gnss", "last", "fixed"], Meta(description="`last`: the last known one, see `age_ms`")]
    age_ms: Annotated[int, Meta(ge=0, description="age of the position when the record was made")]
    alt_m: Annotated[float, Meta(description="above mean sea level")] | None = None
    spd: Speed | None = None
    cog: Course | None = None
    hdop: Annotated[float, Meta(gt=0)] | None = None
    acc_m: Annotated[float, Meta(ge=0, description="estimated horizontal error, 1 sigma")] | None = None
    sats: Annotated[dict[str, int], Meta(description="satellites used, by constellation: BD GP GL GA GQ …")] | None = None
    flags: (
        Annotated[
            list[Literal["jam", "spoof", "jump", "frozen", "time", "antenna_open", "antenna_short", "stale", "held"]],
            Meta(description="reasons to doubt it, see the faults gnss.*; `stale`: old; `held`: the vehicle stands, the track has it raw"),
        ]
        | None
    ) = None


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every record carries; a part fills in the body, the outbox this header."""

    KIND: ClassVar[str] = ""
    v: Annotated[int, Meta(description="contract version")] = 0
    unit: str = ""
    kind: str = ""
    boot: Annotated[str, Meta(description="16 hex digits, random at each start of the agent")] = ""
    seq: Annotated[int, Meta(ge=0, description="1, 2, 3 … within the boot over all up/ records; (unit, boot, seq) names it for ever")] = 0
    time: Annotated[int, Meta(description="when it happened, ms UTC; absent while the unit does not know the time")] | None = None
    mono: Annotated[int, Meta(ge=0, description="when it happened, ms on the boot's monotonic clock")] = 0
    clock: Clock | None = None
    hist: Annotated[Literal[True], Meta(description="back-filled: sent later than it could have been live")] | None = None
    test: Annotated[Literal[True], Meta(description="a walk test or a drill")] | None = None
    pos: Pos | None = None


# --- up/: what happened -------------------------------------------------------------------------------------------------------------


class Position(Record, frozen=True, kw_only=True):
    """Where the unit is now (live)."""

    KIND = "position"
    ign: Annotated[bool, Meta(description="ignition is on")] | None = None
    lights: Annotated[str, Meta(description="what the light bar shows")] | None = None


class Track(Record, frozen=True, kw_only=True):
    """A batch of fixes as columns of integers; docs/decoding.md has the decoder, a dozen lines of Python."""

    KIND = "track"
    n: Annotated[int, Meta(ge=1, description="fixes in the batch")]
    t_is: Annotated[Literal["utc", "mono"], Meta(description="what column `t` counts: ms UTC, or ms on the boot's monotonic clock")]
    cols: Annotated[dict[str, list[int]], Meta(description="by name: [order, v0, v1 …]; sum |order| times; 0: one value for all; negative: runs, [order, v0, count0 …]")]
    absent: Annotated[dict[str, list[int]], Meta(description="by name: [first, count, first, count …] runs of fixes without that fact")] | None = None


class Alarm(Record, frozen=True, kw_only=True):
    """Somebody needs help. Raised, then repeated until the centre acknowledges; cleared only by the centre.

    Order an alarm's records by `mono` (`time` across boots), not by `seq`: a repeat takes its number only when it leaves.
    """

    KIND = "alarm"
    id: Annotated[str, Meta(description="`{boot}-{seq}` of its first record")]
    cause: Annotated[Literal["panic", "crash", "tamper"], Meta(description="what raised it")]
    source: Annotated[str, Meta(description="id of the input")]
    seat: Annotated[str, Meta(description="where that button is, as configured")] | None = None
    mode: Literal["overt", "discreet", "silent"]
    state: Literal["raised", "repeated", "acknowledged", "cancel_requested", "cleared"]
    n: Annotated[int, Meta(ge=1, description="counts what is said of it, sent or not; rises for ever, and skips some at a restart")]
    since: Annotated[int, Meta(description="when it was raised, ms UTC; absent while unknown")] | None = None
    age_ms: Annotated[int, Meta(ge=0, description="how long ago it was raised, when known without a clock")] | None = None
    at_boot: Annotated[Literal[True], Meta(description="the button was down when the agent started")] | None = None
    reason: Annotated[str, Meta(max_length=120, description="of `cleared`: why it is over, as the centre said")] | None = None


class EventRecord(Record, frozen=True, kw_only=True):
    """Something changed that the centre wants to know."""

    KIND = "event"
    what: Annotated[
        Literal["ignition", "input", "tamper", "recorder", "lights", "agent", "link", "hardware.changed"],
        Meta(description="what kind of thing; `hardware.changed`: another receiver, board or sim (`id`) than at the commissioning, or since"),
    ]
    id: Annotated[str, Meta(description="which one, e.g. the input's id; `boot_before`: `detail` names the boot before this one")] | None = None
    active: bool | None = None
    detail: str | None = None
    old: Annotated[str, Meta(max_length=160, description="of `hardware.changed`: as what it was known")] | None = None
    new: Annotated[str, Meta(max_length=160, description="of `hardware.changed`: as what it is known now")] | None = None


class FaultRecord(Record, frozen=True, kw_only=True):
    """A fault came or went, or more is known of one that lasts (`raised` again); codes are of one published table."""

    KIND = "fault"
    code: str
    state: Literal["raised", "cleared"]
    detail: str | None = None


class AckRecord(Record, frozen=True, kw_only=True):
    """The unit's answer to an order."""

    KIND = "ack"
    order: Annotated[str, Meta(description="the order's jti; absent when it could not be read")] | None = None
    label: Literal[
        "received", "presented", "accepted", "declined", "enroute", "arrived", "done", "rejected", "expired", "superseded", "cancelled", "failed"
    ]
    by: Annotated[Literal["auto", "manual"], Meta(description="`manual`: a person pressed")] = "auto"
    reason: str | None = None
    result: Annotated[dict[str, Any], Meta(description="what an order asked for, as its kind says")] | None = None


class Gap(Record, frozen=True, kw_only=True):
    """Records were given up; this says which and why."""

    KIND = "gap"
    why: Annotated[str, Meta(description="store_full, too_old, store_damaged, memory_full, events_dropped …")]
    what: Annotated[str, Meta(description="kind or lane of what was given up")]
    count: Annotated[int, Meta(ge=0, description="records; absent when not known")] | None = None
    from_mono: Annotated[int, Meta(ge=0, description="when the first of them was made, or its loss noticed")] | None = None
    to_mono: Annotated[int, Meta(ge=0, description="the same of the last")] | None = None
    of: Annotated[str, Meta(description="the boot whose records they are, where that is known")] | None = None
    first: Annotated[int, Meta(ge=1, description="lowest `seq` among them; not all from `first` to `last` need be lost")] | None = None
    last: Annotated[int, Meta(ge=1, description="highest `seq` among them")] | None = None


class Media(Record, frozen=True, kw_only=True):
    """Where to look in the video recorder: it is another device, and this is only a pointer."""

    KIND = "media"
    recorder: Annotated[str, Meta(description="the recorder's name, as configured")]
    cause: Annotated[Literal["panic", "lights", "order"], Meta(description="why it is of interest")]
    marked: Annotated[bool, Meta(description="the recorder's own mark line was pulsed")]
    from_mono: Annotated[int, Meta(ge=0, description="begin of what is of interest, ms on the boot's monotonic clock")]
    to_mono: Annotated[int, Meta(ge=0, description="its end")]
    start: Annotated[int, Meta(description="the begin, ms UTC; absent while unknown")] | None = None
    end: Annotated[int, Meta(description="the end, ms UTC; absent while unknown")] | None = None
    alarm: Annotated[str, Meta(description="`id` of the alarm that it belongs to")] | None = None
    order: Annotated[str, Meta(description="jti of the order that asked for it")] | None = None


StepResult = Literal["pass", "warn", "fail", "skip"]


class SelfTest(Record, frozen=True, kw_only=True):
    """What came of a test of the unit."""

    KIND = "selftest"
    what: Annotated[Literal["walk_test", "commission"], Meta(description="`commission`: the guided check by whoever installed the unit")]
    result: Annotated[
        Literal["passed", "failed", "partial"],
        Meta(
            description="`passed`: each button's test alarm was acknowledged by the centre; of `commission`: each step was done and none has "
            "failed; `partial` (of `commission` only): none has failed, but not all was done"
        ),
    ]
    ended: Annotated[
        Literal["done", "window", "stopped", "alarm", "restart"],
        Meta(description="by what: all passed, time, somebody, an alarm, a restart of the agent (then `inputs` may say less than there was)"),
    ]
    inputs: Annotated[
        dict[str, Literal["acknowledged", "received", "sent", "raised", "untried"]], Meta(description="how far each button's test alarm came")
    ]
    steps: Annotated[dict[str, StepResult], Meta(description="of `commission`: what came of each step; `skip`: left out, or there is nothing of it here")] | None = None
    report: Annotated[str, Meta(description="of `commission`: SHA-256 of the report that lies on the unit, in hexadecimal")] | None = None
    signed: Annotated[bool, Meta(description="of `commission`: the report is signed with the unit's key")] | None = None


class ClockFix(Record, frozen=True, kw_only=True):
    """The time became known: undated records of this boot happened at `mono + offset_ms`."""

    KIND = "clock_fix"
    of: Annotated[str, Meta(description="the boot it speaks of")]
    offset_ms: Annotated[int, Meta(description="ms UTC minus ms monotonic")]


# --- state/: what is so (retained) --------------------------------------------------------------------------------------------------


class Presence(Record, frozen=True, kw_only=True):
    """Whether the unit is there; the last will says it is not."""

    KIND = "presence"
    online: bool
    version: str | None = None
    nonce: Annotated[str, Meta(description="session nonce for orders with a physical effect")] | None = None
    reason: Annotated[str, Meta(description="why it is not there: lost, stopped")] | None = None


class Io(Record, frozen=True, kw_only=True):
    """What the inputs read and the outputs show."""

    KIND = "io"
    inputs: dict[str, bool]
    outputs: Annotated[dict[str, str], Meta(description="pattern played, by output")]
    lights: Annotated[str, Meta(description="the show that won, `off` for none")]
    lights_by: Annotated[str, Meta(description="the row of the priority table that won")] | None = None
    alarm: Annotated[str, Meta(description="state of the alarm")] | None = None
    wires: Annotated[dict[str, Literal["cut", "short"]], Meta(description="supervised inputs whose wire is not well")] | None = None
    lit: Annotated[dict[str, bool], Meta(description="by group: whether its light is seen to shine; absent where nothing watches it")] | None = None
    shed: Annotated[list[str], Meta(description="groups that are dark because the supply is low")] | None = None


class Health(Record, frozen=True, kw_only=True):
    """How the unit is."""

    KIND = "health"
    version: str
    uptime_s: Count
    faults: list[str]
    backlog: Annotated[dict[str, int], Meta(description="records waiting, by lane")]
    store: Literal["open", "down"]
    link: Annotated[dict[str, Any], Meta(description="endpoint, protocol, connects, last_end, certificate_days")]
    gnss: Annotated[dict[str, Any], Meta(description="port, sentences and refused lines since the start")]
    rss_bytes: Count | None = None
    temp_c: float | None = None
    store_free_bytes: Count | None = None
    events_dropped: Count | None = None
    supply_low: Annotated[bool, Meta(description="the board has called its supply too low in the last ten seconds")] | None = None
    supply_v: Annotated[float, Meta(description="volts, where a sensor watches the supply")] | None = None
    throttled: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="the firmware's bits: 1 under-voltage, 2 frequency capped, 4 throttled, 8 soft temperature limit, each at any "
                "time in the last ten seconds; times 65536: at any time since the agent's start, by its own count. Of a board whose "
                "supply the kernel watches the first alone is known",
            ),
        ]
        | None
    ) = None
    store_readonly: Annotated[Literal[True], Meta(description="the file system below the store takes no writes")] | None = None
    signal: Annotated[float, Meta(ge=0, le=1, description="of the modem, where ModemManager tells it")] | None = None
    access: Annotated[str, Meta(description="how the modem has its link: lte, 5gnr, umts …")] | None = None
    lights_on_s_today: Annotated[int, Meta(ge=0, description="how long the bar has shone since midnight in the unit's time zone")] | None = None
    data_today_bytes: Annotated[int, Meta(ge=0, description="of the SIM, both ways, since midnight in the unit's time zone")] | None = None
    data_month_bytes: Annotated[int, Meta(ge=0, description="the same since the first of the month")] | None = None


class Machine(Record, frozen=True, kw_only=True):
    """What the unit is made of and how worn: said on each link and when it changes, so that `health` need not carry it each minute."""

    KIND = "machine"
    agent: Annotated[str, Meta(description="its version")]
    python: str
    os: str | None = None
    kernel: str | None = None
    board: Annotated[str, Meta(description="the model of the computer")] | None = None
    disk: Annotated[str, Meta(description="what the store lies on: file system, device, model")] | None = None
    disk_used_life: (
        Annotated[float, Meta(ge=0, description="share of its life that is gone, the upper bound; only an eMMC tells, an SD card does not")] | None
    ) = None
    disk_written_gb: Annotated[int, Meta(ge=0, description="GB (10^9 bytes) into the store's file system since it was made (ext4)")] | None = None
    disk_errors: Annotated[int, Meta(ge=0, description="that the file system has found in itself since fsck last had it (ext4)")] | None = None
    modem: str | None = None
    operator: Annotated[str, Meta(description="of the mobile network")] | None = None


UP: dict[str, type[Record]] = {
    r.KIND: r for r in (Position, Track, Alarm, EventRecord, FaultRecord, AckRecord, Media, SelfTest, Gap, ClockFix)
}
STATE: dict[str, type[Record]] = {r.KIND: r for r in (Presence, Io, Health, Machine)}

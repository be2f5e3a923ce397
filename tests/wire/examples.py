"""One real-looking record of every kind and state, by the name of its golden file. Change one, and you change the published contract."""

from typing import Any

import msgpack
import msgspec

from agent.wire import codec, track
from agent.wire.orders import (
    AckBody,
    AlarmAck,
    AlarmClear,
    ClearBody,
    LightBody,
    LightSet,
    Mark,
    MarkBody,
    Order,
    Resend,
    ResendBody,
    SelfTestBody,
    SelfTestOrder,
)
from agent.wire.records import (
    VERSION,
    AckRecord,
    Alarm,
    Clock,
    ClockFix,
    EventRecord,
    FaultRecord,
    Gap,
    Health,
    Io,
    Machine,
    Media,
    Pos,
    Position,
    Presence,
    Record,
    SelfTest,
)
from agent.wire.track import TrackFix

BOOT = "5f0c9a1e77b3d204"
OTHER_BOOT = "a81d02c4e9960b37"
ALARM = f"{BOOT}-212"
UTC_MS = 1_800_000_000_000
GNSS = Clock("gnss", 500)
UNKNOWN = Clock("none")

HERE = Pos(
    lat=36.6231457,
    lon=101.7804213,
    mode="3d",
    src="gnss",
    age_ms=140,
    alt_m=2261.4,
    spd=8.72,
    cog=91.4,
    hdop=0.8,
    acc_m=1.6,
    sats={"BD": 12, "GP": 8},
)
STALE = Pos(lat=36.6231457, lon=101.7804213, mode="3d", src="last", age_ms=184_000, hdop=0.8, flags=["stale"])

DRIVEN = (
    TrackFix(UTC_MS, 36.6231457, 101.7804213, 2261.4, 8.72, 91.40, 0.80, 1.60, 20, 2),
    TrackFix(UTC_MS + 1000, 36.6231452, 101.7805188, 2261.4, 8.74, 91.38, 0.80, 1.60, 20, 2),
    TrackFix(UTC_MS + 2000, 36.6231448, 101.7806166, 2261.5, 8.75, 91.35, 0.80, 1.55, 21, 2),
    TrackFix(UTC_MS + 3000, 36.6231445, 101.7807145, 2261.5, 8.75, 91.30, 0.75, 1.55, 21, 2),
    TrackFix(UTC_MS + 4000, 36.6231441, 101.7808122, 2261.6, 8.73, 91.33, 0.75, 1.50, 21, 2),
)
TUNNEL = (
    TrackFix(61_000, -33.8567844, -151.2152967, None, 13.10, 184.25, 1.20, None, 9, 2),
    TrackFix(62_000, -33.8569020, -151.2153060, None, None, None, 2.50, None, 4, 1),
    TrackFix(63_000, -33.8570201, -151.2153149, None, None, None, 2.60, None, 4, 1),
    TrackFix(64_000, -33.8571380, -151.2153244, 12.5, 13.05, 184.30, None, None, None, 3),
)


def _up(record: Record, seq: int, mono: int, time: int | None = UTC_MS, **more: Any) -> Record:
    clock = UNKNOWN if time is None else GNSS
    header = {"v": VERSION, "unit": "JD-0417", "kind": type(record).KIND, "boot": BOOT, "seq": seq, "mono": mono}
    return msgspec.structs.replace(record, **header | {"time": time, "clock": clock} | more)


def _state(record: Record, mono: int, **more: Any) -> Record:
    return _up(record, 0, mono, **more)


def _alarm(state: Any, n: int, seq: int, age_ms: int, **more: Any) -> Record:
    body = Alarm(
        id=ALARM, cause="panic", source="panic_driver", seat="driver", mode="overt", state=state, n=n, since=UTC_MS, age_ms=age_ms, pos=HERE
    )
    return _up(msgspec.structs.replace(body, **more), seq, 300_000 + age_ms, UTC_MS + age_ms)


RECORDS: dict[str, Record] = {
    "presence_online": _state(Presence(online=True, version="0.1.0", nonce=f"{BOOT}00000003"), 4_210),
    "presence_lost": _state(Presence(online=False, reason="lost"), 4_100, time=None, clock=None),
    "presence_stopped": _state(Presence(online=False, reason="stopped", version="0.1.0"), 86_400_000),
    "position": _up(Position(pos=HERE, ign=True, lights="cruise"), 7, 12_000),
    "position_no_fix": _up(Position(ign=False, lights="off"), 2, 5_000, time=None),
    "position_old": _up(Position(pos=STALE, ign=True, lights="response"), 31, 412_000),
    "track_utc": _up(track.pack(DRIVEN, "utc"), 8, 64_000),
    "track_mono": _up(track.pack(TUNNEL, "mono"), 9, 65_000, time=None, hist=True),
    "alarm_raised": _alarm("raised", 1, 212, 0),
    "alarm_repeated": _alarm("repeated", 2, 213, 5_000),
    "alarm_acknowledged": _alarm("acknowledged", 4, 216, 11_300),
    "alarm_cancel_requested": _alarm("cancel_requested", 5, 217, 20_000),
    "alarm_cleared": _alarm("cleared", 6, 219, 95_000, reason="officer safe"),
    "alarm_of_a_walk_test": _up(
        Alarm(
            id=f"{BOOT}-301",
            cause="panic",
            source="panic_rear",
            seat="rear",
            mode="overt",
            state="raised",
            n=1,
            since=UTC_MS,
            age_ms=0,
            pos=HERE,
        ),
        301,
        500_500,
        test=True,
    ),
    "alarm_silent_at_boot": _up(
        Alarm(id=f"{BOOT}-1", cause="panic", source="panic_foot", mode="silent", state="raised", n=1, age_ms=0, at_boot=True), 1, 640, None
    ),
    "event_ignition": _up(EventRecord(what="ignition", id="ignition", active=True), 10, 70_000),
    "event_started": _up(EventRecord(what="agent", id="started", detail="0.1.0"), 1, 320, time=None, hist=True),
    "event_dark_approach": _up(EventRecord(what="lights", id="dark_approach", active=True, detail="for 600 s"), 16, 900_000),
    "fault_raised": _up(FaultRecord(code="gnss.silent", state="raised", detail="no sentence on /dev/serial0 for 5 s"), 11, 71_000),
    "fault_cleared": _up(FaultRecord(code="gnss.silent", state="cleared"), 12, 75_000),
    "ack_done": _up(AckRecord(order="7d1f7bb0-53d3-4c1c-9f38-6dd2f4a0b7d1", label="done"), 217, 311_400),
    "ack_rejected": _up(AckRecord(label="rejected", reason="a retained order is refused"), 13, 76_000),
    "gap": _up(Gap(why="memory_full", what="track", count=12, from_mono=120_000, to_mono=840_000), 14, 841_000),
    "gap_unknown": _up(Gap(why="store_damaged", what="rows", from_mono=1_900, to_mono=1_900), 2, 2_900, time=None),
    "media": _up(
        Media(
            recorder="front",
            cause="panic",
            marked=True,
            from_mono=240_000,
            to_mono=600_000,
            start=UTC_MS - 60_000,
            end=UTC_MS + 300_000,
            alarm=ALARM,
            pos=HERE,
        ),
        214,
        300_000,
    ),
    "selftest_passed": _up(
        SelfTest(what="walk_test", result="passed", ended="done", inputs={"panic_driver": "acknowledged", "panic_rear": "acknowledged"}),
        306,
        530_000,
    ),
    "selftest_failed": _up(
        SelfTest(what="walk_test", result="failed", ended="window", inputs={"panic_driver": "sent", "panic_rear": "untried"}),
        307,
        1_100_000,
    ),
    "selftest_commission": _up(
        SelfTest(
            what="commission",
            result="passed",
            ended="done",
            inputs={},
            steps={"machine": "pass", "inputs": "pass", "outputs": "warn", "crank": "skip"},
            report="2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
            signed=True,
        ),
        308,
        1_900_000,
    ),
    "selftest_partial": _up(
        SelfTest(
            what="commission",
            result="partial",
            ended="done",
            inputs={},
            steps={"gnss": "pass"},
            report="fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
            signed=False,
        ),
        311,
        1_970_000,
    ),
    "event_hardware": _up(
        EventRecord(what="hardware.changed", id="receiver", old="IC=AT6558R-5N-32", new="MOD=NEO-M9N-00B"), 309, 1_950_000
    ),
    "clock_fix": _up(ClockFix(of=BOOT, offset_ms=1_799_999_988_000), 15, 90_000),
    "io": _state(
        Io(
            inputs={"ignition": True, "panic_driver": False},
            outputs={"light_left": "flash_a", "light_right": "flash_b", "lamp": "raised"},
            lights="response",
            lights_by="panic",
            alarm="raised",
            lit={"bar": True},
        ),
        300_200,
    ),
    "io_shed": _state(
        Io(
            inputs={"ignition": False, "panic_driver": False, "battery_low": True},
            outputs={"light_left": "on", "light_right": "on", "work": "off", "lamp": "off"},
            lights="scene",
            lights_by="hand",
            alarm="none",
            lit={"bar": True, "scene": False},
            shed=["scene"],
        ),
        700_200,
    ),
    "health": _state(
        Health(
            version="0.1.0",
            uptime_s=3600,
            faults=["gnss.no_fix"],
            backlog={"alarm": 0, "event": 2, "live": 0, "backfill": 31, "gap": 0},
            store="open",
            link={"endpoint": "mqtts://broker.example:8883", "protocol": 5, "connects": 3},
            gnss={"port": "/dev/serial0", "sentences": 21_480, "refused": {"checksum": 3}},
            rss_bytes=38_400_000,
            temp_c=51.2,
            store_free_bytes=21_000_000_000,
            supply_low=False,
            supply_v=12.61,
            throttled=0x50000,
            signal=0.67,
            access="lte",
            lights_on_s_today=5_412,
            data_today_bytes=3_204_118,
            data_month_bytes=51_880_402,
        ),
        3_600_000,
    ),
    "machine": _state(
        Machine(
            agent="0.1.0",
            python="3.11.2",
            os="Debian GNU/Linux 12 (bookworm)",
            kernel="6.6.51+rpt-rpi-v8",
            board="Raspberry Pi Compute Module 4 Rev 1.1",
            disk="mmcblk0p3, BJTD4R",
            disk_used_life=0.1,
            disk_written_gb=212,
            disk_errors=0,
            modem="QUALCOMM INCORPORATED EC25",
            operator="CHINA MOBILE",
        ),
        200,
    ),
}

ORDERS: dict[str, Order] = {
    "down_alarm_ack": AlarmAck(jti="7d1f7bb0-53d3-4c1c-9f38-6dd2f4a0b7d1", iat=1_800_000_011.25, kind="alarm.ack", body=AckBody(ALARM)),
    "down_alarm_ack_auto": AlarmAck(
        jti="2f0c6d0e-55a1-4d0b-8a51-77a1f3b0c4d9", iat=1_800_000_000.9, kind="alarm.ack", body=AckBody(ALARM, by="auto", n=1)
    ),
    "down_alarm_clear": AlarmClear(
        jti="0b6a4a52-1b8e-4b9a-8d7d-3c1a54f4fe10", iat=1_800_000_094.5, kind="alarm.clear", body=ClearBody(ALARM, "officer safe")
    ),
    "down_mark": Mark(
        jti="c2f1b4f0-7a5e-4f2e-9d64-0e8a3b1f5d22", iat=1_800_000_020.0, kind="mark", body=MarkBody("the grey van on the left")
    ),
    "down_selftest": SelfTestOrder(
        jti="9d2a6c11-0f5e-4a07-9f0e-5f3c8d1e2b70", iat=1_800_000_200.0, kind="selftest", body=SelfTestBody("walk_test")
    ),
    "down_light_set": LightSet(
        jti="4be1d0a7-6a5c-4b0e-8f7d-2a9c61f0c3e8", iat=1_800_000_030.0, kind="light.set", body=LightBody("response", lease_s=20.0)
    ),
    "down_light_set_back": LightSet(
        jti="e70c3a55-1f2b-4c1d-b7a0-93d5e8f6a114", iat=1_800_000_041.0, kind="light.set", body=LightBody(None)
    ),
    "down_resend": Resend(
        jti="5b1e2c1a-93d0-4e0f-8a53-6f0f3f0a9c11",
        iat=1_800_003_600.0,
        kind="resend",
        body=ResendBody([["5f0c9a1e77b3d204", 4, 6], ["5f0c9a1e77b3d204", 19]]),
    ),
}


def fixes(name: str) -> tuple[TrackFix, ...]:
    """What went into a track."""
    return {"track_utc": DRIVEN, "track_mono": TUNNEL}[name]


def payload(name: str) -> bytes:
    """The bytes of an example."""
    return codec.encode(RECORDS[name]) if name in RECORDS else bytes(msgpack.packb(msgspec.to_builtins(ORDERS[name])))

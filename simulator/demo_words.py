"""One line for each arrival at the centre: a record in, its words and their colour out. Pure."""

from typing import NamedTuple

from agent.wire.records import AckRecord, Alarm, ClockFix, EventRecord, FaultRecord, Gap, Health, Io, Position, Presence, Record, Track
from simulator.ledger import Arrival

KINDS = {
    "position": "位置 position",
    "track": "轨迹 track",
    "alarm": "报警 ALARM",
    "event": "事件 event",
    "fault": "故障 fault",
    "ack": "回执 ack",
    "gap": "缺失 gap",
    "clock_fix": "对时 clock_fix",
    "presence": "在线 presence",
    "io": "状态 io",
    "health": "健康 health",
}
"""Chinese first, then the word of the contract."""

SHOWS = {"off": "灭 off", "cruise": "巡航 cruise", "response": "出警 response"}

ALARM_STATES = {
    "raised": "已触发 raised",
    "repeated": "重报 repeated",
    "acknowledged": "已确认 acknowledged",
    "cancel_requested": "请求取消 cancel requested",
    "cleared": "已解除 cleared",
}

ALARM_STYLES = {"raised": "bold red", "repeated": "bold red", "acknowledged": "bold yellow", "cleared": "bold green"}


class Words(NamedTuple):
    """A kind, what it says, and a colour of rich's."""

    kind: str
    text: str
    style: str = ""


def words(arrival: Arrival) -> Words:
    """The line."""
    record = arrival.record
    if record is None:
        return Words("坏 malformed", arrival.trouble or arrival.topic, "red")
    text, style = _said(record)
    return Words(KINDS.get(record.kind, record.kind), text, style)


def _said(record: Record) -> tuple[str, str]:
    match record:
        case Position(pos=pos):
            where = "无 no fix" if pos is None else f"{pos.lat:.5f}, {pos.lon:.5f}" + ("" if pos.spd is None else f"  {pos.spd:.1f} m/s")
            return f"{where}  {record.lights or ''}", ""
        case Track():
            return f"{record.n} 点 fixes" + ("  补传 back-filled" if record.hist else ""), "cyan"
        case Alarm():
            return f"{ALARM_STATES[record.state]}  n {record.n}  {short(record.id)}", ALARM_STYLES.get(record.state, "")
        case EventRecord():
            active = "" if record.active is None else " on" if record.active else " off"
            return f"{record.what}: {record.id or ''}{active} {record.detail or ''}", ""
        case FaultRecord():
            return f"{record.code} {record.state}  {record.detail or ''}", "yellow"
        case AckRecord():
            return f"{record.label}  {record.reason or ''}", ""
        case Gap():
            return f"{record.what}, {record.count} records: {record.why}", "red"
        case ClockFix():
            return "此前记录的时间已知 earlier records are dated", ""
    return _state(record)


def _state(record: Record) -> tuple[str, str]:
    match record:
        case Presence(online=True):
            return "在线 online", "green"
        case Presence():
            return f"失联 {record.reason}" if record.reason == "lost" else f"停止 {record.reason}", "red"
        case Io():
            return f"{SHOWS.get(record.lights, record.lights)}" + (f" ← {record.lights_by}" if record.lights_by else ""), "bright_black"
        case Health():
            faults = f"  {', '.join(record.faults)}" if record.faults else ""
            return f"积压 backlog {sum(record.backlog.values())}{faults}", "bright_black"
    return "", ""


def short(alarm: str) -> str:
    """An alarm's id, recognisable: boot ids are long."""
    boot, _, seq = alarm.rpartition("-")
    return f"{boot[:4]}…-{seq}"

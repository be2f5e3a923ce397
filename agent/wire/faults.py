"""The published table of faults: code, meaning in English and Chinese, what to do."""

from typing import NamedTuple

PAGE_HEAD = (
    "<!-- Generated from agent/wire/faults.py by `python -m agent.wire.asyncapi --write`; a test compares. -->",
    "# Faults",
    "",
    "A fault is told once when it comes and once when it goes (`up/fault`: `code`, `state`, `detail`), and as long as it lasts it is in",
    "`faults` of the retained `state/health` and in `outpost status`. These are all codes that there are.",
    "",
    "| code | what it means | 中文 | what to do |",
    "|---|---|---|---|",
)


class Fault(NamedTuple):
    """One fault: `means` and `zh` say what it is, `do` what a person does about it."""

    means: str
    zh: str
    do: str


FAULTS: dict[str, Fault] = {
    "agent.overload": Fault(
        "events were dropped because the agent could not keep up",
        "程序过载, 丢弃了事件",
        "Check CPU load and temperature.",
    ),
    "clock.conflict": Fault(
        "two sources of time contradict each other",
        "时间来源互相矛盾",
        "Check the receiver; a restart learns the time anew.",
    ),
    "data.cap": Fault(
        "four fifths of the bytes that the SIM may carry in this day or month are used: history waits for the next",
        "流量已用八成, 暂停补传",
        "The detail says until when; raise mqtt.bytes_per_day_max or bytes_per_month_max if the contract allows it. Alarms always go.",
    ),
    "gnss.antenna": Fault(
        "the receiver says that its antenna is open or short",
        "定位天线开路或短路",
        "Check the antenna, its plug and its cable.",
    ),
    "gnss.frozen": Fault(
        "the position stands still although the car moves",
        "位置冻结, 车辆实际在移动",
        "Restart the receiver; replace it when it happens again.",
    ),
    "gnss.garbage": Fault(
        "most of what the receiver sends is unreadable",
        "定位接收机数据无法识别",
        "Check baud rate, wiring and ground; `no_checksum`: the receiver leaves the checksums out, switch them on.",
    ),
    "gnss.jam": Fault(
        "all satellites became weaker at once, as with a jammer near by",
        "所有卫星信号同时变弱, 疑似干扰",
        "Look around for a jammer; check the antenna when it stays.",
    ),
    "gnss.jump": Fault(
        "the position moved as no car can",
        "位置跳变, 超出车辆运动能力",
        "Take the position with care; after reflections it passes by itself.",
    ),
    "gnss.no_fix": Fault(
        "the receiver has had no fix for a while",
        "长时间无定位",
        "Check the antenna and the view of the sky.",
    ),
    "gnss.port": Fault(
        "the receiver's port cannot be opened",
        "定位接收机串口打不开",
        "Check gnss.port, the plug, and the dialout group.",
    ),
    "gnss.setup": Fault(
        "the receiver does not do what the config wants of it",
        "定位接收机未按配置工作",
        "Check gnss.receiver, and that our TX is wired to its RX; the detail says what it does instead.",
    ),
    "gnss.silent": Fault(
        "the receiver says nothing",
        "定位接收机无数据",
        "Check power and wiring of the receiver.",
    ),
    "gnss.spoof": Fault(
        "what the receiver says contradicts itself, as with forged signals",
        "定位数据自相矛盾, 疑似欺骗信号",
        "Do not rely on the position; ask the crew where they are.",
    ),
    "gnss.time": Fault(
        "the receiver's time steps or runs away",
        "接收机时间跳变或走偏",
        "The unit keeps its own time; check the receiver when it stays.",
    ),
    "input.cut": Fault(
        "the wire of a supervised input is cut",
        "输入线路断开",
        "Follow that input's wire from the terminal to the switch; a cut button raises no alarm.",
    ),
    "input.short": Fault(
        "the wire of a supervised input is short",
        "输入线路短路",
        "Follow that input's wire; the detail names it. A press is seen if the normally open contact is the short one, else not.",
    ),
    "inputs.failed": Fault(
        "an input cannot be read",
        "输入引脚无法读取",
        "Check the pin table with `outpost check`.",
    ),
    "inputs.silent": Fault(
        "nothing is heard of the input pins: a press would not be heard of either",
        "输入引脚无响应, 按下报警按钮可能收不到",
        "Restart the unit (systemctl restart outpost); replace it when it happens again.",
    ),
    "lights.dark": Fault(
        "lights that were switched on are not seen to shine",
        "灯已开启但检测不到亮灯",
        "Check the fuse, the plug and the lamps of that group.",
    ),
    "lights.output": Fault(
        "a light output does not do what was asked",
        "灯光输出异常",
        "Check the pin table and the light bar's wiring.",
    ),
    "lights.shed": Fault(
        "groups of lights are dark because the supply is low",
        "电压过低, 已按顺序关闭部分灯组",
        "Start the engine or charge the battery; they come back by themselves.",
    ),
    "lights.stuck": Fault(
        "lights that were switched off are seen to shine",
        "灯已关闭但仍检测到亮灯",
        "Check the relay or driver of that group, and whether another switch feeds it.",
    ),
    "link.certificate": Fault(
        "the unit's certificate ends within 30 days, has ended, or its new files cannot be used",
        "本机证书即将到期、已过期或新证书文件无效",
        "Put a new certificate and its key beside each other; the agent takes them up within a minute.",
    ),
    "link.down": Fault(
        "no broker has been reachable for a minute",
        "与指挥中心断开",
        "Check the modem, the SIM and the endpoints.",
    ),
    "link.refused": Fault(
        "the broker refuses a message, or takes none of its size",
        "服务器拒收消息",
        "Check the broker's access list for this unit, and its greatest packet size.",
    ),
    "link.subscription": Fault(
        "the broker refuses a subscription",
        "服务器拒绝订阅",
        "Check the broker's access list for this unit.",
    ),
    "panic.stuck": Fault(
        "a panic button has been down for too long",
        "报警按钮卡住",
        "Free the button or mend its wire; the alarm stands.",
    ),
    "panic.untested": Fault(
        "a panic button has not been tested for longer than walk_test.every_days",
        "报警按钮超期未测试",
        "Do a walk test: `outpost walk-test`, then press each button.",
    ),
    "power.low": Fault(
        "the supply is too low",
        "供电电压过低",
        "Check the battery, the charging, and the cable to the unit.",
    ),
    "recorder.silent": Fault(
        "the video recorder's heartbeat has stopped",
        "录像机心跳停止",
        "Check the recorder's power and the wire of its heartbeat.",
    ),
    "socket.failed": Fault(
        "the local socket cannot be opened",
        "本地接口打不开",
        "Check socket.path and its directory.",
    ),
    "store.damaged": Fault(
        "the store was damaged and set aside",
        "本地存储损坏, 已隔离",
        "Keep the set-aside folder; check the card.",
    ),
    "store.down": Fault(
        "the store cannot be written: nothing is durable",
        "本地存储不可写",
        "Check the card: mounted read-only, full, or worn.",
    ),
    "store.full": Fault(
        "the store has no room: what is new is kept in memory only, but for alarms",
        "本地存储已满",
        "Bring the link back so that it drains; raise [store] size_bytes_max, or make room on the card.",
    ),
    "tamper.open": Fault(
        "a tamper contact is open",
        "防拆触点被触发",
        "Look at the unit: its box or cable has been opened.",
    ),
    "unit.moved": Fault(
        "the receiver is not at the surveyed position",
        "设备不在勘定位置",
        "Look where the unit is; change [place] when it was moved on purpose.",
    ),
}


def page() -> str:
    """docs/faults.md: the table for people."""
    rows = [f"| `{code}` | {fault.means} | {fault.zh} | {fault.do} |" for code, fault in sorted(FAULTS.items())]
    return "\n".join([*PAGE_HEAD, *rows]) + "\n"

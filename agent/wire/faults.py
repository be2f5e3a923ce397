"""The published table of faults: code, severity, meaning and what to do in English and Chinese, and what ends it; the worst first."""

from typing import Literal, NamedTuple

PANIC, STORE, LINK, POWER, GNSS, LIGHTS, REST = range(1, 8)

SEVERITIES: dict[int, tuple[str, str]] = {
    PANIC: ("a press may not become an alarm", "按下按钮可能不报警"),
    STORE: ("what happens may be lost", "数据可能丢失"),
    LINK: ("the centre may not hear the unit, or hears it late", "指挥中心可能收不到，或收得晚"),
    POWER: ("the unit may soon be without power", "可能很快断电"),
    GNSS: ("where the unit is, or when, is in doubt", "位置或时间不可靠"),
    LIGHTS: ("the lights do not show what they should", "灯光与要求不符"),
    REST: ("the rest", "其他"),
}
"""From 1, the worst. Within one severity the order is that of the table."""

PAGE_HEAD = (
    "<!-- Generated from agent/wire/faults.py by `python -m agent.wire.asyncapi --write`; a test compares. -->",
    "# Faults · 故障表",
    "",
    "A fault is told once when it comes and once when it goes (`up/fault`: `code`, `state`, `detail`), and as long as it lasts it is in",
    "`faults` of the retained `state/health`, in `outpost status`, and in `outpost why`, which says what to do. These are all codes that",
    "there are, the worst first: by severity, then as they stand here. When `detail` changes while it lasts, `raised` is told again with",
    "the new one, not more often than each ten minutes; `outpost status` and `outpost why` show it at once.",
    "",
    "故障出现和消失时各上报一次（`up/fault`）；存在期间一直列在 `state/health` 的 `faults`、`outpost status` 和 `outpost why` 中，",
    "后者说明如何处理。下表为全部故障代码，最严重的在前。故障期间 `detail` 有变化时，会以新的 `detail` 再次上报 `raised`，",
    "至多每十分钟一次；`outpost status` 和 `outpost why` 立即显示。",
    "",
    "| severity · 级别 | means | 含义 |",
    "|---|---|---|",
    *(f"| {severity} | {means} | {zh} |" for severity, (means, zh) in SEVERITIES.items()),
    "",
    "What ends a fault: with `clear_on_condition` the unit itself sees that it is over, and says so; no acknowledgement is needed, and",
    "none hides it. With `clear_on_ack` the unit cannot see that: the fault stays until somebody has looked at it and starts the agent",
    "afresh (`systemctl restart outpost`). That restart is the acknowledgement; no order is one. Every start of the agent, also one after",
    "a power cut, begins without faults and tells anew what still is so: what went with a start has a record `raised` and none `cleared`.",
    "",
    "故障如何消除：`clear_on_condition` 表示情况恢复后程序自行消除并上报，无需确认；`clear_on_ack` 表示程序无法自行判断，",
    "须有人查看后重启程序（`systemctl restart outpost`），重启即确认，没有用于确认故障的指令。程序每次启动（包括断电后）都从没有故障",
    "开始，仍存在的会重新上报；因启动而消失的故障只有 `raised` 记录，没有 `cleared`。",
    "",
    "| severity · 级别 | code | what it means | 中文 | what to do | 如何处理 | what ends it |",
    "|---|---|---|---|---|---|---|",
)

Clears = Literal["clear_on_condition", "clear_on_ack"]


class Fault(NamedTuple):
    """One fault: `means` and `zh` say what it is, `do` and `do_zh` what a person does about it, `clears` what ends it."""

    severity: int
    means: str
    zh: str
    do: str
    do_zh: str
    clears: Clears = "clear_on_condition"


FAULTS: dict[str, Fault] = {
    "inputs.failed": Fault(
        PANIC,
        "an input cannot be read",
        "输入引脚无法读取",
        "Check the pin table with `outpost check`.",
        "用 `outpost check` 核对引脚表。",
    ),
    "panic.stuck": Fault(
        PANIC,
        "a panic button has been down for too long",
        "报警按钮长时间未弹起，疑似卡住",
        "Free the button or mend its wire; the alarm stands.",
        "松开按钮或修复其线路；报警仍然有效。",
    ),
    "inputs.silent": Fault(
        PANIC,
        "nothing is heard of the input pins: a press would not be heard of either",
        "输入引脚没有任何回应，按下报警按钮可能收不到",
        "Restart the unit (systemctl restart outpost); replace it when it happens again.",
        "重启本单元（systemctl restart outpost）；再次出现时更换设备。",
    ),
    "input.cut": Fault(
        PANIC,
        "the wire of a supervised input is cut",
        "输入线路断开",
        "Follow that input's wire from the terminal to the switch; a cut button raises no alarm.",
        "从接线端子到开关逐段检查该输入的线路；断线的按钮不会报警。",
    ),
    "input.short": Fault(
        PANIC,
        "the wire of a supervised input is short",
        "输入线路短路",
        "Follow that input's wire; the detail names it. A press is seen if the normally open contact is the short one, else not.",
        "检查该输入的线路（名称见详情）。若短路的是常开触点，仍能识别按下，否则不能。",
    ),
    "panic.untested": Fault(
        PANIC,
        "a panic button has not been tested for longer than walk_test.every_days",
        "报警按钮超期未测试（walk_test.every_days）",
        "Do a walk test: `outpost walk-test`, then press each button.",
        "进行按钮测试：运行 `outpost walk-test`，然后逐个按下按钮。",
    ),
    "config.fallback": Fault(
        PANIC,
        "the config file cannot be used: the unit runs with the last one that ran well",
        "配置文件无法使用，本单元按上一次正常运行的配置工作",
        "Correct the file that the detail names (`outpost check` lists every mistake), then restart: `systemctl restart outpost`.",
        "改正详情中所指的文件（`outpost check` 列出全部错误），然后重启：`systemctl restart outpost`。",
        "clear_on_ack",
    ),
    "store.down": Fault(
        STORE,
        "the store cannot be written: nothing is durable",
        "本地存储无法写入，数据不能落盘",
        "Check the card: mounted read-only, full, or worn.",
        "检查存储卡：是否变成只读、已满或老化。",
    ),
    "store.full": Fault(
        STORE,
        "the store has no room: what is new is kept in memory only, but for alarms",
        "本地存储已满，除报警外，新数据只在内存中",
        "Bring the link back so that it drains; raise [store] size_bytes_max, or make room on the card.",
        "恢复链路，让数据送出；或调大 [store] size_bytes_max，或清理存储卡。",
    ),
    "store.damaged": Fault(
        STORE,
        "the store was damaged and set aside",
        "本地存储损坏，已隔离保存",
        "Keep the set-aside folder; check the card.",
        "保留被隔离的目录，检查存储卡。",
        "clear_on_ack",
    ),
    "store.worn": Fault(
        STORE,
        "the card or disk below the store is nearly worn out, or its file system has found errors in itself",
        "存储所在的卡或硬盘寿命将尽，或其文件系统发现了错误",
        "Replace it soon, with one made for endurance; [store] endurance_tb says what that bears. Of errors alone let `fsck` judge.",
        "尽快更换为高耐久存储卡，并在 [store] endurance_tb 中填写其耐久度。若只有文件系统错误，先用 `fsck` 检查。",
        "clear_on_condition",
    ),
    "store.aside": Fault(
        STORE,
        "something was moved aside from the store's place; what was not sent may lie in it",
        "存储目录的位置上有其他内容，已移到旁边；其中可能有未发送的数据",
        "The detail names it: docs/install.md, \"The store's disk is gone\", says how what lies there is sent. Then move it away.",
        "详情中给出其路径：按 docs/install.zh-CN.md 的“存储盘丢失”一节送出其中的数据，然后将其移走。",
        "clear_on_ack",
    ),
    "agent.overload": Fault(
        STORE,
        "events were dropped because the agent could not keep up",
        "程序过载，丢弃了事件",
        "Check CPU load and temperature.",
        "检查 CPU 负载和温度。",
        "clear_on_ack",
    ),
    "link.down": Fault(
        LINK,
        "no broker has been reachable for a minute",
        "一分钟以上连不上任何服务器",
        "Check the modem, the SIM and the endpoints.",
        "检查 4G 模块、SIM 卡和服务器地址（mqtt.endpoints）。",
    ),
    "link.refused": Fault(
        LINK,
        "the broker refuses a message, or takes none of its size",
        "服务器拒收消息，或不接收这么大的消息",
        "Check the broker's access list for this unit, and its greatest packet size.",
        "检查服务器上本单元的访问权限，以及允许的最大报文长度。",
    ),
    "link.subscription": Fault(
        LINK,
        "the broker refuses a subscription",
        "服务器拒绝订阅，收不到中心的指令",
        "Check the broker's access list for this unit.",
        "检查服务器上本单元的访问权限。",
    ),
    "link.certificate": Fault(
        LINK,
        "the unit's certificate ends within 30 days, has ended, or its new files cannot be used",
        "本机证书将在 30 天内到期、已到期，或新证书文件无法使用",
        "Put a new certificate and its key where the old ones are; the agent takes them up within a minute, or after an alarm.",
        "将新证书和配套私钥放到原处，程序一分钟内自动启用；报警期间则在报警结束后。",
    ),
    "data.cap": Fault(
        LINK,
        "four fifths of the bytes that the SIM may carry in this day or month are used: history waits for the next",
        "SIM 卡当日或当月流量已用八成，历史数据暂缓上传",
        "The detail says until when; raise mqtt.bytes_per_day_max or bytes_per_month_max if the contract allows it. Alarms always go.",
        "详情写明暂缓到何时；套餐允许时可调大 mqtt.bytes_per_day_max 或 bytes_per_month_max。报警不受限制。",
    ),
    "power.low": Fault(
        POWER,
        "the supply is too low",
        "供电电压过低",
        "Check the battery, the charging, and the cable to the unit.",
        "检查蓄电池、充电情况和到本单元的电源线。",
    ),
    "heat.high": Fault(
        POWER,
        "the computer is so hot that it slows itself down, and may stop",
        "主机温度过高，已自行降频，可能停机",
        "Move it out of the sun, give it air; check its fan and heat sink.",
        "避免阳光直射并加强通风；检查风扇和散热片。",
    ),
    "gnss.port": Fault(
        GNSS,
        "the receiver's port cannot be opened",
        "定位接收机的串口打不开",
        "Check gnss.port, the plug, and the dialout group.",
        "检查 gnss.port 的设置、插头，以及运行用户是否属于 dialout 组。",
    ),
    "gnss.silent": Fault(
        GNSS,
        "the receiver says nothing",
        "定位接收机无数据",
        "Check power and wiring of the receiver.",
        "检查接收机的供电和接线。",
    ),
    "gnss.garbage": Fault(
        GNSS,
        "most of what the receiver sends is unreadable",
        "定位接收机的数据大多无法识别",
        "Check baud rate, wiring and ground; `no_checksum`: the receiver leaves the checksums out, switch them on.",
        "检查波特率、接线和接地；若为 `no_checksum`，说明接收机没有发送校验和，请在接收机中打开。",
    ),
    "gnss.antenna": Fault(
        GNSS,
        "the receiver says that its antenna is open or short",
        "定位天线开路或短路",
        "Check the antenna, its plug and its cable.",
        "检查天线、插头和馈线。",
    ),
    "gnss.spoof": Fault(
        GNSS,
        "what the receiver says contradicts itself, as with forged signals",
        "定位数据自相矛盾，疑似欺骗信号",
        "Do not rely on the position; ask the crew where they are.",
        "不要依赖该位置，请向车组询问实际位置。",
    ),
    "gnss.jam": Fault(
        GNSS,
        "all satellites became weaker at once, as with a jammer near by",
        "所有卫星信号同时变弱，疑似附近有干扰器",
        "Look around for a jammer; check the antenna when it stays.",
        "查看附近有无干扰器；持续不恢复时检查天线。",
    ),
    "gnss.no_fix": Fault(
        GNSS,
        "the receiver has had no fix for a while",
        "长时间无定位",
        "Check the antenna and the view of the sky.",
        "检查天线，以及上方天空是否被遮挡。",
    ),
    "gnss.frozen": Fault(
        GNSS,
        "the position stands still although the car moves",
        "位置冻结，车辆实际在移动",
        "Restart the receiver; replace it when it happens again.",
        "重启接收机；再次出现时更换。",
    ),
    "gnss.jump": Fault(
        GNSS,
        "the position moved as no car can",
        "位置跳变，超出车辆运动能力",
        "Take the position with care; after reflections it passes by itself.",
        "谨慎使用该位置；由信号反射引起的会自行恢复。",
    ),
    "gnss.time": Fault(
        GNSS,
        "the receiver's time steps or runs away",
        "接收机时间跳变或走偏",
        "The unit keeps its own time; check the receiver when it stays.",
        "本单元会自行守时；持续不恢复时检查接收机。",
    ),
    "gnss.setup": Fault(
        GNSS,
        "the receiver does not do what the config wants of it",
        "定位接收机未按配置工作",
        "Check gnss.receiver, and that our TX is wired to its RX; the detail says what it does instead.",
        "核对 gnss.receiver，并确认本机 TX 接到接收机 RX；详情写明接收机的实际情况。",
    ),
    "clock.conflict": Fault(
        GNSS,
        "two sources of time contradict each other",
        "时间来源互相矛盾",
        "Check the receiver; a restart learns the time anew.",
        "检查接收机；重启程序后会重新获取时间。",
    ),
    "unit.moved": Fault(
        GNSS,
        "the receiver is not at the surveyed position",
        "设备不在勘定位置",
        "Look where the unit is; change [place] when it was moved on purpose.",
        "查看设备现在何处；若是有意移动，请修改 [place]。",
    ),
    "lights.output": Fault(
        LIGHTS,
        "a light output does not do what was asked",
        "灯光输出异常",
        "Check the pin table and the light bar's wiring.",
        "核对引脚表和警灯的接线。",
    ),
    "lights.dark": Fault(
        LIGHTS,
        "lights that were switched on are not seen to shine",
        "灯已开启但检测不到亮灯",
        "Check the fuse, the plug and the lamps of that group.",
        "检查该灯组的保险、插头和灯具。",
    ),
    "lights.stuck": Fault(
        LIGHTS,
        "lights that were switched off are seen to shine",
        "灯已关闭但仍检测到亮灯",
        "Check the relay or driver of that group, and whether another switch feeds it.",
        "检查该灯组的继电器或驱动，以及是否有别的开关在供电。",
    ),
    "lights.shed": Fault(
        LIGHTS,
        "groups of lights are dark because the supply is low",
        "电压过低，已按顺序关闭部分灯组",
        "Start the engine or charge the battery; they come back by themselves.",
        "启动发动机或给蓄电池充电，电压恢复后会自动点亮。",
    ),
    "tamper.open": Fault(
        REST,
        "a tamper contact is open",
        "防拆触点被触发",
        "Look at the unit: its box or cable has been opened.",
        "查看设备：机箱或线缆已被打开。",
    ),
    "recorder.silent": Fault(
        REST,
        "the video recorder's heartbeat has stopped",
        "录像机心跳停止",
        "Check the recorder's power and the wire of its heartbeat.",
        "检查录像机的电源和心跳信号线。",
    ),
    "socket.failed": Fault(
        REST,
        "the local socket cannot be opened",
        "本地接口打不开",
        "Check socket.path and its directory.",
        "检查 socket.path 及其所在目录。",
    ),
}


def page() -> str:
    """docs/faults.md: the table for people."""
    rows = [
        f"| {fault.severity} | `{code}` | {fault.means} | {fault.zh} | {fault.do} | {fault.do_zh} | `{fault.clears}` |"
        for code, fault in FAULTS.items()
    ]
    return "\n".join([*PAGE_HEAD, *rows]) + "\n"

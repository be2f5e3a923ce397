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
    "gnss.garbage": Fault(
        "most of what the receiver sends is unreadable",
        "定位接收机数据无法识别",
        "Check baud rate, wiring and ground.",
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
    "gnss.silent": Fault(
        "the receiver says nothing",
        "定位接收机无数据",
        "Check power and wiring of the receiver.",
    ),
    "inputs.failed": Fault(
        "an input cannot be read",
        "输入引脚无法读取",
        "Check the pin table with `outpost check`.",
    ),
    "lights.output": Fault(
        "a light output does not do what was asked",
        "灯光输出异常",
        "Check the pin table and the light bar's wiring.",
    ),
    "link.down": Fault(
        "no broker has been reachable for a minute",
        "与指挥中心断开",
        "Check the modem, the SIM and the endpoints.",
    ),
    "link.refused": Fault(
        "the broker refuses a message",
        "服务器拒收消息",
        "Check the broker's access list for this unit.",
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
}


def page() -> str:
    """docs/faults.md: the table for people."""
    rows = [f"| `{code}` | {fault.means} | {fault.zh} | {fault.do} |" for code, fault in sorted(FAULTS.items())]
    return "\n".join([*PAGE_HEAD, *rows]) + "\n"

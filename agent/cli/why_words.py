"""The words of `outpost why`: a key and its facts go in, a sentence in English or Chinese comes out."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from agent.wire.sentence import Sentence

Language = Literal["en", "zh"]

WORDS: dict[str, tuple[str, str]] = {
    # verdicts
    "well": ("{unit} is well: the broker acknowledges what it says.", "{unit} 正常：数据已得到服务器确认。"),
    "wrong_one": ("{unit}: one thing is wrong.", "{unit}：有 1 项异常。"),
    "wrong_many": ("{unit}: {count} things are wrong, the worst first.", "{unit}：有 {count} 项异常，最严重的在前。"),
    "not_running": ("The agent does not run: nothing answers at {path}.", "程序没有运行：{path} 无应答。"),
    "asked": ("Asked the agent at {path}:", "查询 {path} 的程序："),
    "not_allowed": ("The agent runs, but you may not ask it.", "程序在运行，但当前用户无权查询。"),
    "no_answer": ("There is no right answer from the agent.", "没有得到程序的正常应答。"),
    # parts of a finding
    "named": ("{code}: {what}", "{code}：{what}"),
    "detail": ("detail: {text}", "详情：{text}"),
    "since": (", for {span}", "，已持续 {span}"),
    "more": (
        "and {count} more, told in full by `outpost why --json`: {names}",
        "另有 {count} 项，完整内容见 `outpost why --json`：{names}",
    ),
    # facts
    "fact_link": ("link: {state} for {span}, {endpoint}", "链路：{state} {span}，{endpoint}"),
    "fact_acked": ("last acknowledgement of the broker (PUBACK): {ago}", "服务器最近一次确认（PUBACK）：{ago}"),
    "fact_fix": ("last fix: {ago}", "最近一次定位：{ago}"),
    "fact_waiting": ("records that wait on this unit: {count} ({lanes}); {held}", "本机待发：{count} 条（{lanes}）；{held}"),
    "fact_time": ("time: {source}, ± {err_ms} ms", "时间：{source}，误差 ± {err_ms} 毫秒"),
    "online": ("online", "在线"),
    "waiting": ("waiting", "等待重连"),
    "connecting": ("connecting", "正在连接"),
    "ended": ("ended", "已结束"),
    "held_link": ("they leave when the link is back", "链路恢复后发送"),
    "held_cap": ("history waits for the data cap until {until}", "历史数据受流量限制，暂缓到 {until}"),
    "held_leaving": ("on their way", "正在发送"),
    "lane.alarm": ("alarms", "报警"),
    "lane.event": ("events", "事件"),
    "lane.gap": ("declared losses", "缺失声明"),
    "lane.live": ("live positions", "实时位置"),
    "lane.backfill": ("track", "轨迹"),
    "none_yet": ("none since the start", "启动以来还没有"),
    "ago": ("{span} ago", "{span}前"),
    "ago_short": ("less than a minute ago", "不到 1 分钟前"),
    "seconds": ("{n} s", "{n} 秒"),
    "minutes": ("{n} min", "{n} 分钟"),
    "hours": ("{h} h {m} min", "{h} 小时 {m} 分钟"),
    "days": ("{d} d {h} h", "{d} 天 {h} 小时"),
    # what is wrong besides the faults of the table
    "alarm.waiting": ("an alarm waits on this unit: the broker has not got it", "有报警还在本机，尚未送到服务器"),
    "alarm.waiting.do": ("Tell the centre by voice; then see to the link.", "先用语音报告指挥中心，再处理链路。"),
    "unit.starting": ("the agent is starting: it is not ready yet", "程序正在启动，尚未就绪"),
    "unit.starting.do": ("Wait a minute; then look at `journalctl -u outpost`.", "等一分钟；仍未就绪时查看 `journalctl -u outpost`。"),
    "store.opening": ("the store is not open yet", "本地存储尚未打开"),
    "store.opening.do": ("Wait a minute: a large store is checked first.", "等一分钟：较大的存储要先检查。"),
    "link.waiting": ("no link; it is tried again", "链路断开，正在重试"),
    "link.connecting": ("no link yet; it is being made", "链路尚未建立，正在连接"),
    "link.ended": ("the agent is stopping: it has left the broker", "程序正在停止，已断开服务器"),
    "link.ended.do": ("`systemctl start outpost` starts it again.", "用 `systemctl start outpost` 重新启动。"),
    "link.other": ("the link is {state}", "链路状态：{state}"),
    "link.unproved": ("connected, but the broker has acknowledged nothing yet", "已连接，但服务器还没有确认任何数据"),
    "link.unproved.do": ("Wait ten seconds; then check the broker.", "等十秒；仍未确认时检查服务器。"),
    "gnss.closed": ("the receiver's port is not open yet", "定位接收机的串口尚未打开"),
    "gnss.searching": ("no fix now", "目前没有定位"),
    "gnss.searching.do": (
        "A cold start under open sky takes about half a minute; then check the antenna.",
        "开阔处冷启动约需半分钟；之后仍无定位时检查天线。",
    ),
    "time.unknown": ("the time is not known", "时间未知"),
    "time.unknown.do": (
        "A fix, or NTP over the link, teaches it: see to the receiver or the link.",
        "定位或网络对时（NTP）后即可获得：处理接收机或链路。",
    ),
    "config.wrong": ("the config file is wrong: the next start will not take it", "配置文件有误，下次启动不会采用"),
    "config.bad": ("the config file is wrong", "配置文件有误"),
    "config.wrong.do": ("`outpost check -c {path}` names every mistake.", "用 `outpost check -c {path}` 列出全部错误。"),
    # notes below a finding
    "note_reason": ("{endpoint}: {reason}", "{endpoint}：{reason}"),
    "note_last_end": ("the last link ended: {reason}", "上一次链路中断的原因：{reason}"),
    "note_next_try": ("next attempt in {span}", "{span}后重试"),
    "note_certificate": ("the unit's certificate is good for {days} days", "本机证书还有 {days} 天到期"),
    "note_certificate_over": ("the unit's certificate ended {days} days ago", "本机证书已过期 {days} 天"),
    "note_wait": ("records that wait on this unit until the link is back: {count}", "本机有 {count} 条待发，链路恢复后发送"),
    "note_cap": ("records of history that wait until {until}: {count}", "{count} 条历史数据暂缓到 {until}"),
    "note_free": ("{size} free on the card", "存储卡剩余 {size}"),
    "note_port": ("{port}: {sentences} sentences since the start", "{port}：启动以来 {sentences} 条语句"),
    "note_port_refused": (
        "{port}: {sentences} sentences since the start, refused: {refused}",
        "{port}：启动以来 {sentences} 条语句，无法识别：{refused}",
    ),
    "note_last_fix": ("the last fix was {span} ago", "上次定位在 {span}前"),
    "note_no_fix": ("so there is no fix", "因此没有定位"),
    "note_stays": (
        "it stays until somebody has looked and runs `systemctl restart outpost`",
        "查看处理后运行 `systemctl restart outpost`，否则一直保留",
    ),
    "note_time": (
        "records are dated afterwards, lights on a schedule stay on, days of certificate and button tests are not counted",
        "记录的时间事后补上；按时间表的灯保持点亮；证书和按钮测试的天数暂不计算",
    ),
    # without an agent
    "stopped.agent": ("nothing answers at the socket", "本地接口无应答"),
    "stopped.agent.do": (
        "`systemctl start outpost` starts it; `outpost run` runs it in the foreground.",
        "用 `systemctl start outpost` 启动；`outpost run` 可在前台运行。",
    ),
    "answer.do": (
        "Look at `journalctl -u outpost`; then `systemctl restart outpost`.",
        "查看 `journalctl -u outpost`，再 `systemctl restart outpost`。",
    ),
    "allowed.do": (
        "Use sudo, or join the group with `sudo usermod -aG outpost $USER` and log in again.",
        "使用 sudo，或运行 `sudo usermod -aG outpost $USER` 加入用户组后重新登录。",
    ),
    "config_right": ("config: {path} is right", "配置：{path} 正确"),
    "config_unseen": (
        "config: {path} or what it names may not be read by you; use sudo",
        "配置：当前用户无权读取 {path} 或其引用的文件；请用 sudo",
    ),
    "socket_dead": ("socket: {path} is there, but nobody listens: the agent has died", "接口：{path} 存在但无人监听，程序已意外结束"),
    "socket_gone": ("socket: {path} is not there: the agent has ended, or was never started", "接口：{path} 不存在，程序已结束或从未启动"),
    "socket_place": (
        "socket: the directory {path} is not there: systemd makes it at the start",
        "接口：目录 {path} 不存在，由 systemd 在启动时建立",
    ),
    "store_right": ("store: {path} is there and can be written, {size} free", "存储：{path} 存在且可写，剩余 {size}"),
    "store_missing": (
        "store: {path} is not there; the start makes it, once its partition is mounted",
        "存储：{path} 不存在，启动时会建立（前提是所在分区已挂载）",
    ),
    "store.unwritable": ("the store's directory {path} cannot be written: {why}", "存储目录 {path} 不可写：{why}"),
    "store.unwritable.do": (
        "Remount the card for writing, make room, or give the directory to its user.",
        "将存储卡重新挂载为可写、清理空间，或更正目录的属主。",
    ),
    "why_readonly": ("mounted read-only", "挂载为只读"),
    "why_full": ("no room", "空间已满"),
    "why_no_directory": ("it is no directory", "它不是目录"),
    "store_unseen": ("store: you may not look into {path}; use sudo", "存储：当前用户无权查看 {path}；请用 sudo"),
    "service_absent": (
        "systemd: the service outpost is not installed; see the head of systemd/outpost.service",
        "systemd：没有安装 outpost 服务，安装方法见 systemd/outpost.service 开头",
    ),
    "service_state": (
        "systemd: outpost is {active} ({sub}), last result: {result}",
        "systemd：outpost 为 {active}（{sub}），上次结果：{result}",
    ),
    "service_starts": (", restarted {count} times", "，已重启 {count} 次"),
    "service_disabled": (", not started at boot: `systemctl enable outpost`", "，开机不会启动：`systemctl enable outpost`"),
    "journal": ("its last words (journalctl -u outpost):", "最后的日志（journalctl -u outpost）："),
}
"""By key: English and Chinese, with the same facts in braces. `X.do` is what to do about `X`."""


class Reason(NamedTuple):
    """Why there is no link, as the agent says it in English: the same in Chinese, and what a person does about it in both languages."""

    pattern: re.Pattern[str]
    zh: str
    do: tuple[str, str]


NETWORK = ("No network: check the modem, the SIM, its APN and the signal.", "没有网络：检查 4G 模块、SIM 卡、APN 和信号。")
BROKER = (
    "The network is there, the broker is not: check that it runs, and the port in mqtt.endpoints.",
    "网络正常，服务器没有响应：检查服务器是否运行，核对 mqtt.endpoints 的端口。",
)
ACCESS = (
    "The broker does not want this unit: check its certificate or password, and the broker's access list.",
    "服务器拒绝本单元：检查证书或密码，以及服务器上的访问权限。",
)
SERVER = (
    "Check mqtt.ca, the host's name in mqtt.endpoints, and the system's clock (`timedatectl`).",
    "核对 mqtt.ca、mqtt.endpoints 中的主机名和系统时间（`timedatectl`）。",
)
RESOLVE = (
    "No network, or a wrong name: check modem, SIM and APN, and the host in mqtt.endpoints.",
    "没有网络或域名有误：检查 4G 模块、SIM 卡和 APN，核对 mqtt.endpoints 中的域名。",
)
SIGNAL = (
    "The line is dead or very slow: check signal, SIM and data plan; a firewall may drop the port.",
    "线路中断或很慢：检查信号、SIM 卡和套餐；也可能被防火墙拦截。",
)

OURS = ("Nothing to do: the agent did that itself, and connects again.", "无需处理：程序主动断开，随后自动重连。")

REASONS = tuple(
    Reason(re.compile(pattern), zh, do)
    for pattern, zh, do in (
        (r"not tried yet", "尚未尝试", NETWORK),
        (r"the name (\S+) cannot be resolved: (.*)", "无法解析域名 {0}（{1}）", RESOLVE),
        (r"nobody listens at (\S+)", "{0} 没有服务在监听", BROKER),
        (r"(\S+) did not answer within (\S+) s", "{0} 在 {1} 秒内没有应答", SIGNAL),
        (
            r"(\S+) took the connection but did not answer CONNECT within (\S+) s",
            "{0} 接受了连接，但 {1} 秒内没有应答 CONNECT",
            BROKER,
        ),
        (r"the broker refused MQTT 3\.1\.1, or what it said is not MQTT", "服务器拒绝 MQTT 3.1.1，或其应答不是 MQTT", BROKER),
        (r"the broker sent what is not MQTT(.*)", "服务器发来的不是 MQTT{0}", BROKER),
        (r"no answer to the subscription in (\S+) s", "{0} 秒内没有订阅应答", BROKER),
        (r"(\S+) answers again", "{0} 恢复应答，切换回去", OURS),
        (r"the certificate files have changed", "证书文件已更换", OURS),
        (r"an outage was asked for", "有人要求暂时中断链路", OURS),
        (r"no answer in (\S+) s", "{0} 秒内没有应答", SIGNAL),
        (r"no acknowledgement for (\S+) s", "{0} 秒没有收到确认", SIGNAL),
        (r"nothing heard from the broker for longer than .* (\S+) s", "超过保活时间 {0} 秒没有服务器的数据", SIGNAL),
        (r"the broker has received all and said nothing for (\S+) s", "服务器收到数据后 {0} 秒没有应答", BROKER),
        (r"the broker refused us: (.*)", "服务器拒绝连接（{0}）", ACCESS),
        (
            r"the broker ended the TLS connection before it answered CONNECT; it may not accept mqtt\.cert(.*)",
            "服务器在握手时断开，可能不接受本机证书 mqtt.cert{0}",
            ACCESS,
        ),
        (r"the broker closed the connection before it answered CONNECT(.*)", "服务器未应答 CONNECT 就断开{0}", ACCESS),
        (r"the certificate of (\S+) is not accepted: (.*)", "不接受 {0} 的证书（{1}）", SERVER),
        (r"TLS with (\S+) failed: (.*)", "与 {0} 的 TLS 连接失败（{1}）", SERVER),
        (r"no connection to (\S+): (.*)", "无法连接 {0}（{1}）", NETWORK),
        (r"the broker ended the connection: (.*)", "服务器结束了连接（{0}）", BROKER),
        (r"the broker closed the connection", "服务器关闭了连接", BROKER),
        (r"nothing can be sent", "无法发送任何数据", SIGNAL),
        (r"connection lost(?:: )?(.*)", "连接中断（{0}）", SIGNAL),
    )
)
"""What the broker adapter and the link say most; another reason is told as it is."""


class Words:
    """One language."""

    def __init__(self, language: Language, *more: Mapping[str, tuple[str, str]]) -> None:
        """`more`: tables of other commands, over this one."""
        self.language = language
        self._index = 0 if language == "en" else 1
        self._table = {key: texts for table in (WORDS, *more) for key, texts in table.items()}

    def __call__(self, key: str, **facts: object) -> str:
        """The sentence of that key, with its facts; what came from elsewhere has been made printable."""
        return self._table[key][self._index].format(**{name: clean(self.of(fact)) for name, fact in facts.items()})

    def of(self, fact: object) -> object:
        """A fact in this language, where it is a sentence itself."""
        return self.pick(*fact) if isinstance(fact, Sentence) else fact

    def pick(self, english: str, chinese: str) -> str:
        """One of two texts."""
        return (english, chinese)[self._index]

    def lane(self, name: str) -> str:
        """A lane of the outbox; a name that is not known is told as it is."""
        return self(key) if (key := f"lane.{name}") in WORDS else name

    def counted(self, lanes: Mapping[str, int]) -> str:
        """How much is in each lane."""
        return self.listed(f"{self.lane(name)} {count}" for name, count in lanes.items())

    def listed(self, items: Iterable[str]) -> str:
        """Several things in a row."""
        return self.pick(", ", "，").join(items)

    def span(self, seconds: float) -> str:
        """Seconds, in the two largest units that matter."""
        minutes = int(seconds // 60)
        if not minutes:
            return self("seconds", n=round(seconds) if seconds < 59.5 else 59)
        if minutes < 60:
            return self("minutes", n=minutes)
        hours, minutes = divmod(minutes, 60)
        return self("hours", h=hours, m=minutes) if hours < 24 else self("days", d=hours // 24, h=hours % 24)

    def reason(self, text: str) -> str:
        """Why there is no link: in Chinese where it is known."""
        found = self._known(text) if self.language == "zh" else None
        return text if found is None else found[0].zh.format(*found[1].groups())

    def advice(self, text: str) -> str | None:
        """What to do about such a reason; None for one that is not known."""
        found = self._known(text)
        return None if found is None else self.pick(*found[0].do)

    def _known(self, text: str) -> tuple[Reason, re.Match[str]] | None:
        return next(((reason, match) for reason in REASONS if (match := reason.pattern.match(text))), None)


def clean(value: Any) -> str:
    """Anything, on one line: reasons come from brokers and files, and what a terminal would obey must not reach it."""
    if isinstance(value, dict):
        return ", ".join(f"{clean(key)} {clean(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(clean, value))
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def size(value: float) -> str:
    """Bytes, in powers of 1000; the same in both languages."""
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= of:
            return f"{value / of:.1f} {unit}"
    return f"{value:.0f} B"

"""The demo's screen: facts in, what rich draws out. 80 columns by 24 rows are enough; what is larger shows more of what came."""

from collections.abc import Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from simulator.bench.car import Lamp
from simulator.bench.car_config import UNSIGNED
from simulator.bench.line import State
from simulator.demo_facts import Facts, News
from simulator.demo_words import ALARM_STATES, ALARM_STYLES, SHOWS, short
from simulator.reckoning import Fate

WIDTH_MIN, HEIGHT_MIN = 80, 24

CAR_WIDTH = 37
PANELS_HEIGHT = 11
LABEL_WIDTH = 15

STALE_S = 10.0
"""A car under way says where it is every 5 s."""

PARKED_STALE_S = 70.0
"""A parked one every minute."""

CLEARED_SHOWN_S = 10.0

KEYS = (
    (("p", "报警 panic"), ("a", "确认 ack"), ("c", "解除 clear"), ("n", "断/通 network"), ("q", "退出 quit")),
    (("k", "杀 kill -9"), ("b", "黑洞 black hole"), ("u", "拔插 unplug"), ("i", "点火 ignition")),
)

APART = {
    Fate.NO_AGENT: "无程序 no agent",
    Fate.UNPLUGGED: "拔出 unplugged",
    Fate.UNCOMMITTED: "被杀未存 unsaved at kill",
}


def screen(facts: Facts) -> Layout:
    """The whole screen."""
    whole = Layout()
    whole.split_column(
        Layout(_head(facts), size=1),
        Layout(name="ends", size=PANELS_HEIGHT),
        Layout(_between(facts), size=5),
        Layout(_came(facts), name="came", minimum_size=3),
        Layout(_foot(), size=2),
    )
    whole["ends"].split_row(Layout(_car(facts), size=CAR_WIDTH), Layout(_centre(facts)))
    return whole


def too_small(width: int, height: int) -> Text:
    """What a terminal shows that has no room."""
    return Text(f"窗口太小 too small: {width}x{height}, 需要 needs {WIDTH_MIN}x{HEIGHT_MIN}; q 退出 quit", "bold red")


# --- lines ------------------------------------------------------------------------------------------------------------------------------


def _head(facts: Facts) -> RenderableType:
    utc_s = facts.car.utc_ms(facts.now) // 1000
    clock = f"{utc_s // 3600 % 24:02}:{utc_s // 60 % 60:02}:{utc_s % 60:02} UTC"
    up_s = int(facts.now - facts.began_at)
    options = facts.car.options
    receiver = f"{options.receiver} {options.rate_hz} Hz" if options.receiver else f"{options.rate_hz} Hz"
    right = f"{facts.broker} · {receiver} · seed {options.seed} · {up_s // 60:02}:{up_s % 60:02} · {clock} "
    row = Table.grid(expand=True)
    row.add_column(no_wrap=True)
    row.add_column(justify="right", no_wrap=True)
    row.add_row(" 前哨 OUTPOST · 演示 demo", right, style="bold white on blue")
    return row


def _rows(rows: Iterable[tuple[str, Text]]) -> Table:
    table = Table.grid(padding=0)
    table.add_column(min_width=LABEL_WIDTH, no_wrap=True, style="bright_black")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for label, value in rows:
        table.add_row(label, value)
    return table


def _panel(title: str, content: RenderableType, subtitle: str | None = None, style: str = "blue") -> Panel:
    shown = None if subtitle is None else Text(f" {subtitle} ", "yellow")
    name = Text(f" {title} ", "bold")
    return Panel(content, title=name, subtitle=shown, title_align="left", box=box.ROUNDED, border_style=style, padding=(0, 0, 0, 1))


def _dot(lit: bool, text: str, style: str) -> Text:
    return Text.assemble(("● " if lit else "○ ", style), (text, style))


# --- the car ----------------------------------------------------------------------------------------------------------------------------


def _car(facts: Facts) -> Panel:
    car = facts.car
    lamp = car.lamp
    rows = [
        ("程序 agent", _agent(facts)),
        ("北斗 receiver", _receiver(facts)),
        ("点火 ignition", _dot(facts.ignition, "开 on" if facts.ignition else "关 off", "green" if facts.ignition else "white")),
        ("警灯 light bar", Text(" ").join(_block(block) for block in car.bar)),
        ("指示灯 lamp", _dot(bool(lamp.level), "亮 lit" if lamp.level else "灭 dark", "bold bright_red" if lamp.level else "white")),
        ("按钮 button", _button(facts)),
        ("链路 link", _link(facts)),
        ("积压 backlog", _backlog(facts)),
        ("存储 store", Text(_store(facts))),
    ]
    return _panel("车 CAR", _rows(rows))


def _receiver(facts: Facts) -> Text:
    unplugged = facts.car.unplugged and facts.car.unplugged[-1].until is None
    return _dot(False, "拔出 unplugged", "bold red") if unplugged else _dot(True, f"插着 plugged {facts.car.options.rate_hz}Hz", "green")


def _block(lamp: Lamp) -> Text:
    """One block of the bar: bright, dark, or (nobody drives the pin) not there."""
    if lamp.level is None:
        return Text("···", "bright_black")
    return Text("███", f"bold bright_{lamp.colour}") if lamp.level else Text("░░░", f"dim {lamp.colour}")


def _agent(facts: Facts) -> Text:
    pid = facts.car.pid
    if pid is not None:
        return _dot(True, f"运行 pid {pid}", "green")
    wait_s = max(0.0, (facts.restart_at or facts.now) - facts.now)
    return Text(f"✖ {wait_s:.1f} s 后重启", "bold red")


def _button(facts: Facts) -> Text:
    pressed = facts.now < facts.pressed_until
    return _dot(pressed, "按下 PRESSED" if pressed else "松开 released", "bold red" if pressed else "white")


def _link(facts: Facts) -> Text:
    link = (facts.status or {}).get("link")
    if not link:
        return Text("—", "bright_black")
    if link["state"] == "online":
        return _dot(True, f"online MQTT {'5' if link['protocol'] == 5 else '3.1.1'}", "green")
    next_s = link["next_try_s"]
    return Text(link["state"] + ("" if next_s is None else f", {next_s:.1f} s"), "bold red")


def _backlog(facts: Facts) -> Text:
    outbox = (facts.status or {}).get("outbox")
    if not outbox:
        return Text("—", "bright_black")
    waiting = {lane: n for lane, n in outbox["waiting"].items() if n}
    if not waiting:
        return Text("0 全部送达 all out", "green")
    return Text(" ".join(f"{lane} {n}" for lane, n in waiting.items()), "yellow")


def _store(facts: Facts) -> str:
    status = facts.status or {}
    rss = (status.get("vitals") or {}).get("rss_bytes")
    return "—" if not status else f"{status['outbox']['store']}" + ("" if rss is None else f" · {rss / 1e6:.0f} MB 内存")


# --- the centre -------------------------------------------------------------------------------------------------------------------------


def _centre(facts: Facts) -> Panel:
    position, how, age = _position(facts)
    alarm, more = _alarm(facts)
    rows = [
        ("在线 presence", _presence(facts)),
        ("位置 position", position),
        ("", how),
        ("时效 age", age),
        ("灯光 lights", _lights(facts)),
        ("报警 ALARM", alarm),
        ("", more),
        ("积压 backlog", _told_backlog(facts)),
        ("记录 records", _records(facts)),
    ]
    note = "开发模式 DEV ONLY: unsigned orders" if facts.car.options.unsigned else f"orders.{UNSIGNED}: off"
    live = facts.alarm is not None and facts.alarm.live and facts.alarm.state != "acknowledged"
    return _panel("中心收到 CENTRE RECEIVES", _rows(rows), note, "bold red" if live else "blue")


def _presence(facts: Facts) -> Text:
    if facts.presence is None:
        return Text("— 未知 never heard", "bright_black")
    at, presence = facts.presence
    since = f"{facts.now - at:.0f} s"
    if presence.online:
        return _dot(True, f"在线 online {since}", "green")
    return Text(f"✖ {'失联' if presence.reason == 'lost' else '停止'} {presence.reason} {since}", "bold red")


def _position(facts: Facts) -> tuple[Text, Text, Text]:
    age_s = facts.position_age_s
    if facts.position is None or age_s is None or facts.position[1].pos is None:
        return Text("—"), Text(""), Text("—")
    record = facts.position[1]
    pos = record.pos
    assert pos is not None
    old = age_s > (PARKED_STALE_S if record.ign is False else STALE_S) or pos.src == "last"
    facts_of_it = [pos.mode.upper()]
    if pos.spd is not None:
        facts_of_it.append(f"{pos.spd:.1f} m/s")
    if pos.cog is not None:
        facts_of_it.append(f"{pos.cog:03.0f}°")
    facts_of_it += [f"{system}{n}" for system, n in (pos.sats or {}).items()]
    style = "red" if old else "bold"
    age = Text(f"{age_s:.1f} s  陈旧 STALE", "bold red") if old else Text(f"{age_s:.1f} s", "green")
    return Text(f"{pos.lat:.6f}, {pos.lon:.6f}", style), Text(" ".join(facts_of_it), "red" if old else ""), age


def _lights(facts: Facts) -> Text:
    if facts.io is None:
        return Text("—")
    io = facts.io[1]
    show = SHOWS.get(io.lights, io.lights)
    style = {"off": "white", "cruise": "green", "response": "bold red"}.get(io.lights, "")
    return Text(show + (f" ← {io.lights_by}" if io.lights_by else ""), style)


def _alarm(facts: Facts) -> tuple[Text, Text]:
    alarm = facts.alarm
    if alarm is None or (alarm.cleared_at is not None and facts.now - alarm.cleared_at > CLEARED_SHOWN_S):
        return Text("无 none", "green"), Text("")
    style = ALARM_STYLES.get(alarm.state, "")
    if alarm.live and alarm.state != "acknowledged" and int(facts.now * 2) % 2:
        style += " reverse"
    age = f" {facts.alarm_age_s(alarm):.0f} s "
    told = f"{alarm.records} 条 records 重报 {alarm.repeats}  {short(alarm.id)}"
    return Text(f" {ALARM_STATES[alarm.state]}{age}", style), Text(told)


def _told_backlog(facts: Facts) -> Text:
    if facts.health is None:
        return Text("—")
    at, health = facts.health
    n = sum(health.backlog.values())
    return Text.assemble((str(n), "yellow" if n else "green"), (f"  {facts.now - at:.0f} s 前所报 as told", "bright_black"))


def _records(facts: Facts) -> Text:
    ledger = facts.centre.ledger
    holes = sum(last - first + 1 for runs in ledger.holes().values() for first, last in runs)
    bad = f" 坏 bad {ledger.malformed}" if ledger.malformed else ""
    return Text(f"重复 dup {ledger.duplicates} 缺号 holes {holes}{bad}", "yellow" if holes or bad else "")


# --- between, and what came ---------------------------------------------------------------------------------------------------------------


def _between(facts: Facts) -> Panel:
    line = facts.car.line
    since = f"{facts.now - facts.line_since:.0f} s"
    drawn, word, style = {
        State.OPEN: ("━", f"通 OPEN {since}", "green"),
        State.CUT: ("╌", f"✂ 断 CUT {since}", "bold red"),
        State.BLACK_HOLE: ("·", f"黑洞 BLACK HOLE {since}", "bold magenta"),
    }[line.state]
    moved = f"  ↑{line.bytes_up / 1000:.1f} ↓{line.bytes_down / 1000:.1f} kB"
    way = (f"{drawn * 8} {word} {drawn * 8}", style)
    row = Text.assemble(("车 CAR ", "bold"), way, (" 中心 CENTRE", "bold"), moved, no_wrap=True)
    return _panel("网络 NETWORK · 定位点 FIXES", Group(row, *_account(facts)))


def _account(facts: Facts) -> tuple[Text, Text]:
    """Two lines: what became of the fixes, and what is counted apart."""
    account = facts.account
    if account is None:
        return Text(""), Text("")
    lost, twice = account.count(Fate.LOST) + account.altered + account.invented, account.duplicates
    main = Text("发出 emitted ", no_wrap=True, overflow="ellipsis")
    main.append(str(len(account.epochs)), "bold").append(" · 送达 delivered ").append(str(account.count(Fate.DELIVERED)), "bold green")
    main.append(" · 途中 on the way ").append(str(account.count(Fate.WAITING)), "yellow").append(" · 丢失 LOST ")
    main.append(str(lost), "bold red reverse" if lost else "bold green").append(f" · 重复 twice {twice}" if twice else "", "yellow")
    apart = Text("另计 apart  ", "bright_black", no_wrap=True, overflow="ellipsis")
    apart.append(" · ".join(f"{label} {account.count(fate)}" for fate, label in APART.items() if account.count(fate)) or "—")
    return main, apart


def _came(facts: Facts) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(justify="right", no_wrap=True, style="bright_black", width=7)
    table.add_column(no_wrap=True, width=14)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for news in sorted(facts.news, key=lambda news: news.at, reverse=True):
        table.add_row(f"{news.at - facts.began_at:.1f}", Text(news.words.kind, news.words.style), _line(news))
    return _panel("最近 LATEST", table)


def _line(news: News) -> Text:
    text = Text(news.words.text, news.words.style)
    if news.delay_s is not None and news.delay_s > 2:
        text.append(f"  晚 {news.delay_s:.0f} s late", "yellow")
    if news.duplicate:
        text.append("  重复 again", "yellow")
    return text


def _foot() -> RenderableType:
    rows = []
    for keys in KEYS:
        row = Text(" ")
        for key, label in keys:
            row.append(f" {key} ", "bold reverse").append(f" {label}  ")
        row.no_wrap = True
        rows.append(row)
    return Group(*rows)

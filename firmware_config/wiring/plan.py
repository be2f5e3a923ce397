"""The plan of a board: a Board goes in; a drawing comes out with the Pi's header, every screw, its wire, its fuse, and where it goes."""

from collections.abc import Sequence

from agent.board import Board, Terminal
from agent.config import NC, NO
from agent.header import GROUNDS, POSITION
from firmware_config.wiring.symbols import FAINT, GROUND, INPUT, OUTPUT, POWER, Drawing

WIDTH = 1700
TOP = 130
PITCH = 46
STRIP_GAP = 62
HEADER_PITCH = 30

COLOURS = {
    "black": ("#222222", "黑"), "brown": ("#7a4a21", "棕"), "red": ("#d32f2f", "红"), "orange": ("#f57c00", "橙"),
    "yellow": ("#f7d038", "黄"), "green": ("#2e8b40", "绿"), "blue": ("#1e63d0", "蓝"), "violet": ("#7d3cb5", "紫"),
    "grey": ("#8d949e", "灰"), "white": ("#ffffff", "白"), "pink": ("#f291b5", "粉"), "turquoise": ("#2fb7b0", "青"),
}  # fmt: skip

STRIPS = {
    "X1": "buttons and contacts 按钮与触点", "X2": "optocouplers 光耦", "X3": "lamps 灯光",
    "X4": "lamp, buzzer, recorder 指示灯、蜂鸣器、录像机",
}  # fmt: skip
PARTS = {
    "contact": "contact input", "optocoupler": "optocoupler", "low_side": "low-side switch", "high_side": "high-side switch",
    "relay": "relay", "isolator": "isolated contact",
}  # fmt: skip
FED = ("high_side", "relay")
"""Parts whose fuse stands in their own feed from the battery."""
TAKEN = {0: "HAT", 1: "HAT", 2: "I²C", 3: "I²C", 14: "receiver TX", 15: "receiver RX"}
POWERS = {1: "3.3 V", 17: "3.3 V", 2: "5 V", 4: "5 V"}

PAD_X, PART_X, SCREW_X, FUSE_X, DEVICE_X, WORDS_X = 620, 760, 920, 1165, 1240, 1295


def draw(board: Board) -> Drawing:
    """The plan of one board."""
    strips: dict[str, list[Terminal]] = {}
    for terminal in sorted(board.terminal, key=_place):
        strips.setdefault(terminal.at.split(".")[0], []).append(terminal)
    height = TOP + sum(STRIP_GAP + PITCH * len(rows) for rows in strips.values()) + 40
    d = Drawing(WIDTH, max(height, TOP + HEADER_PITCH * 21 + 90), f"{board.name}: wiring plan")
    d.text(30, 50, f"{board.name} · {board.name_zh}", "t")
    load = sum(terminal.load_a or 0 for terminal in board.terminal)
    d.text(30, 78, f"all loads together {load:.1f} A; each has its own fuse · 全部负载合计 {load:.1f} A，每路单独保险", "n")
    lines = _lines(board)
    _header(d, lines)
    y = TOP - 10.0
    for strip, rows in strips.items():
        d.text(SCREW_X - 20, y + 18, f"{strip}  {STRIPS.get(strip, '')}", "b")
        y += STRIP_GAP
        _strip(d, board, rows, y, lines)
        y += PITCH * len(rows)
    return d


def _place(terminal: Terminal) -> tuple[int, int]:
    strip, screw = terminal.at[1:].split(".")
    return int(strip), int(screw)


def _lines(board: Board) -> dict[str, tuple[int, str]]:
    """The pin and the colour of each line."""
    lines = {line: (pin, INPUT) for i in board.input for line, pin in i.lines().items()}
    return lines | {o.id: (o.pin, OUTPUT) for o in board.output}


# --- the header -------------------------------------------------------------------------------------------------------------------------


def _header(d: Drawing, lines: dict[str, tuple[int, str]]) -> None:
    """The 40 pins as one sees them, pin 1 at the SD card's end, and what is on each."""
    users = {POSITION[pin]: (line, colour) for line, (pin, colour) in lines.items()}
    bcm = {position: pin for pin, position in POSITION.items()}
    left, right, top = 255, 287, TOP + 40
    d.text((left + right) / 2, top - 40, "Raspberry Pi, header J8 排针", "b", "middle")
    d.text((left + right) / 2, top - 22, "number on the header · BCM 排针序号 · BCM 编号", "n", "middle")
    d.box(left - 15, top - 14, right - left + 30, HEADER_PITCH * 19 + 28, style=f"stroke:{FAINT};fill:#f3f5f8")
    for position in range(1, 41):
        is_left = position % 2 == 1
        x, y = (left if is_left else right), top + HEADER_PITCH * ((position - 1) // 2)
        words, colour, bold = _on_pin(position, bcm.get(position), users)
        fill = colour if bold or position in POWERS or position in GROUNDS else "#ffffff"
        d.circle(x, y, 11, style=f"fill:{fill};stroke:{colour}")
        d.text(x, y + 4, str(position), "n", "middle", f"font-size:10.5px;fill:{'#ffffff' if fill != '#ffffff' else FAINT}")
        css, style = ("b", f"fill:{colour}") if bold else ("n", f"fill:{colour}")
        d.text(x - 22 if is_left else x + 22, y + 5, words, css, "end" if is_left else "start", style)
    y = top + HEADER_PITCH * 20 + 6
    for i, (colour, words) in enumerate(((INPUT, "input 输入"), (OUTPUT, "output 输出"), (POWER, "supply 电源"), (GROUND, "ground 地"))):
        d.circle(80 + 105 * i, y, 8, style=f"fill:{colour};stroke:{colour}")
        d.text(94 + 105 * i, y + 5, words, "n")


def _on_pin(position: int, pin: int | None, users: dict[int, tuple[str, str]]) -> tuple[str, str, bool]:
    """Words, colour, and whether a line of ours is there."""
    if position in POWERS:
        return POWERS[position], POWER, False
    if position in GROUNDS:
        return "GND", GROUND, False
    if position in users:
        line, colour = users[position]
        words = f"{line} · {pin}" if position % 2 else f"{pin} · {line}"
        return words, colour, True
    taken = TAKEN.get(pin if pin is not None else -1, "free")
    return (f"{taken} · {pin}" if position % 2 else f"{pin} · {taken}"), FAINT, False


# --- the strips -------------------------------------------------------------------------------------------------------------------------


def _strip(d: Drawing, board: Board, rows: Sequence[Terminal], top: float, lines: dict[str, tuple[int, str]]) -> None:
    """One strip: each row from the pin to the car."""
    bottom = top + PITCH * (len(rows) - 1)
    isolated = {terminal.line for terminal in rows if terminal.part == "isolator"}
    d.box(SCREW_X - 20, top - 30, 40, bottom - top + 50, style=f"stroke:{FAINT};fill:#f3f5f8")
    for i, terminal in enumerate(rows):
        y = top + PITCH * i
        _inside(d, terminal, y, lines, isolated)
        _outside(d, terminal, y)
    devices: dict[str, list[tuple[float, Terminal]]] = {}
    for i, terminal in enumerate(rows):
        name = terminal.line.removesuffix(NO).removesuffix(NC)
        devices.setdefault(name, []).append((top + PITCH * i, terminal))
    uses = {i.id: i.use.value for i in board.input} | {o.id: o.use for o in board.output}
    for name, ends in devices.items():
        _device(d, uses[name], ends)


def _inside(d: Drawing, terminal: Terminal, y: float, lines: dict[str, tuple[int, str]], isolated: set[str]) -> None:
    """The unit's side of a row. The return of what is `isolated` goes back to its part, not to our ground."""
    if terminal.side == "signal":
        pin, colour = lines[terminal.line]
        d.wire((PAD_X, y), (SCREW_X - 10, y))
        d.box(PAD_X - 100, y - 15, 100, 30, style=f"stroke:{colour}")
        d.text(PAD_X - 50, y + 5, f"{POSITION[pin]} · GPIO{pin}", "b", "middle", "font-size:13px")
        d.block(PART_X, y, 140, 38, [PARTS[str(terminal.part)], *([terminal.model] if terminal.model else [])])
        if terminal.part in FED and terminal.fuse_a is not None:
            d.text(PART_X + 76, y - 7, f"fed by {terminal.fuse_a:g} A", "n", style=f"fill:{POWER}")
    elif terminal.line in isolated:
        d.wire((SCREW_X - 10, y), (PART_X + 40, y), (PART_X + 40, y - PITCH + 19))
    elif terminal.side == "return":
        d.wire((SCREW_X - 10, y), (SCREW_X - 44, y), (SCREW_X - 44, y + 3))
        d.ground(SCREW_X - 44, y + 3)
    else:
        d.wire((SCREW_X - 10, y), (SCREW_X - 90, y))
        d.wire((SCREW_X - 90, y - 11), (SCREW_X - 90, y + 11), style=f"stroke:{POWER};stroke-width:3")
        d.text(SCREW_X - 100, y + 5, "+ supply 电源正极", "b", "end", f"fill:{POWER}")
        if terminal.fuse_a is not None:
            d.fuse(SCREW_X - 54, y, f"{terminal.fuse_a:g} A")
    d.circle(SCREW_X, y, 10)
    d.wire((SCREW_X - 6, y + 6), (SCREW_X + 6, y - 6))


def _outside(d: Drawing, terminal: Terminal, y: float) -> None:
    """The car's side of a row, up to its device."""
    colour, chinese = COLOURS[terminal.wire]
    d.wire((SCREW_X + 11, y), (DEVICE_X - 40, y), style="stroke-width:7")
    d.wire((SCREW_X + 11, y), (DEVICE_X - 40, y), style=f"stroke-width:4;stroke:{colour}")
    d.text(SCREW_X + 30, y - 8, terminal.at, "b")
    d.text(SCREW_X + 84, y - 8, f"{terminal.wire} {chinese} · {terminal.mm2:g} mm²", "n")
    if terminal.fuse_a is not None and terminal.part == "optocoupler":
        d.fuse(FUSE_X, y, f"{terminal.fuse_a:g} A")
    d.text(WORDS_X, y - 2, terminal.to)
    d.text(WORDS_X, y + 15, terminal.to_zh, "n")


def _device(d: Drawing, use: str, ends: Sequence[tuple[float, Terminal]]) -> None:
    """What a line goes to, as a symbol between its ends."""
    ys = [y for y, _ in ends]
    stub = DEVICE_X - 40
    if len(ends) == 3:
        _button(d, ys)
    elif len(ends) == 2:
        middle = sum(ys) / 2
        d.wire((stub, ys[0]), (DEVICE_X, ys[0]), (DEVICE_X, ys[1]), (stub, ys[1]))
        if use == "recorder_mark":
            d.block(DEVICE_X, middle, 40, 26, ["REC"])
        elif use == "buzzer":
            d.buzzer(DEVICE_X, middle)
        elif ends[1][1].side == "supply":
            d.lamp(DEVICE_X, middle)
        else:
            d.box(DEVICE_X - 3, middle - 10, 6, 20, css="", style="fill:#ffffff")
            d.circle(DEVICE_X, middle - 12, 4)
            d.circle(DEVICE_X, middle + 12, 4)
            d.wire((DEVICE_X, middle + 8), (DEVICE_X - 16, middle - 10), style="stroke-width:3")
    elif use == "light":
        d.wire((stub, ys[0]), (DEVICE_X + 34, ys[0]), (DEVICE_X + 34, ys[0] + 8))
        d.lamp(DEVICE_X, ys[0])
        d.chassis(DEVICE_X + 34, ys[0] + 8)
    else:
        d.wire((stub, ys[0]), (DEVICE_X, ys[0]))
        d.wire((DEVICE_X, ys[0] - 11), (DEVICE_X, ys[0] + 11), style=f"stroke:{POWER};stroke-width:3")


def _button(d: Drawing, ys: Sequence[float]) -> None:
    """A change-over button at rest: rows of its contacts NO and NC, and of its common."""
    no, nc, common = ys
    stub, middle = DEVICE_X - 40, (no + nc) / 2
    d.wire((stub, no), (DEVICE_X - 20, no), (DEVICE_X - 20, middle - 18))
    d.wire((stub, nc), (DEVICE_X - 20, nc), (DEVICE_X - 20, middle + 18))
    d.wire((stub, common), (DEVICE_X + 30, common), (DEVICE_X + 30, middle), (DEVICE_X + 20, middle))
    d.circle(DEVICE_X - 20, middle - 14, 4)
    d.circle(DEVICE_X - 20, middle + 14, 4)
    d.circle(DEVICE_X + 16, middle, 4)
    d.wire((DEVICE_X + 13, middle + 1), (DEVICE_X - 17, middle + 11), style="stroke-width:3")

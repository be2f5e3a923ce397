"""The circuit between a pin and its screw, one drawing for each part of `agent.board`: nothing goes in, drawings come out."""

from firmware_config.wiring.symbols import Drawing

PAD_X = 120
SCREW_X = 640
WIDTH = 1000


def drawings() -> dict[str, Drawing]:
    """Every circuit by the name of its file."""
    return {
        "supervised": supervised(),
        "contact": contact(),
        "optocoupler": optocoupler(),
        "high_side": high_side(),
        "low_side": low_side(),
        "relay": relay(),
        "isolator": isolator(),
        "supply": supply(),
    }


def _sheet(height: int, english: str, chinese: str) -> Drawing:
    """A drawing with its title, and the border between unit and car."""
    d = Drawing(WIDTH, height, english)
    d.text(30, 40, english, "t")
    d.text(WIDTH - 30, 40, chinese, "t", "end")
    d.wire((SCREW_X, 62), (SCREW_X, height - 20), css="d")
    d.text(SCREW_X - 12, 78, "unit 机内", "n", "end")
    d.text(SCREW_X + 12, 78, "car 车上", "n")
    return d


def _contact_input(d: Drawing, y: float, pin: str, screw: str) -> None:
    """From a pin to a screw that a contact pulls to ground."""
    d.pad(PAD_X, y, pin)
    d.wire((PAD_X, y), (SCREW_X - 10, y))
    d.wire((170, y), (170, y + 74))
    d.capacitor(170, y + 38, "100 nF")
    d.ground(170, y + 74)
    d.wire((280, y - 62), (280, y + 74))
    d.diode(280, y - 32, "BAT54S", bar="schottky")
    d.diode(280, y + 38, bar="schottky")
    d.supply(280, y - 62, "3.3 V")
    d.ground(280, y + 74)
    d.resistor(380, y, "4.7 kΩ")
    d.wire((470, y - 62), (470, y))
    d.resistor(470, y - 32, "1 kΩ", upright=True)
    d.supply(470, y - 62, "3.3 V")
    d.wire((550, y), (550, y + 74))
    d.diode(550, y + 38, "SMAJ15A", bar="zener", right=False)
    d.ground(550, y + 74)
    for x in (170, 280, 470, 550):
        d.dot(x, y)
    d.screw(SCREW_X, y, screw)


def supervised() -> Drawing:
    """A button with a change-over contact on two pins."""
    d = _sheet(500, "Supervised button", "双触点监测按钮")
    no, nc, common, pivot = 170, 360, 455, 890
    _contact_input(d, no, "pin_no", "NO")
    _contact_input(d, nc, "pin_nc", "NC")
    d.screw(SCREW_X, common, "C")
    d.wire((SCREW_X - 10, common), (590, common), (590, common + 8))
    d.ground(590, common + 8)
    d.wire((SCREW_X + 10, no), (pivot - 50, no), (pivot - 50, 222))
    d.wire((SCREW_X + 10, nc), (pivot - 50, nc), (pivot - 50, 298))
    d.wire((SCREW_X + 10, common), (pivot + 30, common), (pivot + 30, 260), (pivot + 12, 260))
    d.circle(pivot - 50, 227, 5)
    d.circle(pivot - 50, 293, 5)
    d.circle(pivot + 7, 260, 5)
    d.wire((pivot + 3, 262), (pivot - 47, 288), style="stroke-width:3")
    d.wire((pivot - 22, 272), (pivot - 22, 205))
    d.wire((pivot - 36, 205), (pivot - 8, 205), style="stroke-width:4")
    d.text(pivot - 40, 192, "press 按下", "n")
    for y, words in ((no, "white 白"), (nc, "yellow 黄"), (common, "brown 棕")):
        d.text(SCREW_X + 26, y - 8, words, "n")
    d.text(SCREW_X + 26, common + 20, "twisted together 三线绞合", "n")
    return d


def contact() -> Drawing:
    """A dry contact on one pin."""
    d = _sheet(330, "Dry contact", "干接点")
    _contact_input(d, 170, "pin", "signal")
    d.screw(SCREW_X, 285, "return")
    d.wire((SCREW_X - 10, 285), (590, 285), (590, 293))
    d.ground(590, 293)
    d.wire((SCREW_X + 10, 170), (850, 170), (850, 200))
    d.wire((SCREW_X + 10, 285), (850, 285), (850, 255))
    d.circle(850, 203, 5)
    d.circle(850, 252, 5)
    d.wire((850, 247), (828, 208), style="stroke-width:3")
    d.text(870, 232, "switch 开关", "n")
    return d


def optocoupler() -> Drawing:
    """12 V on the car's side of an optocoupler."""
    d = _sheet(350, "12 V signal through an optocoupler", "12 V 信号经光耦")
    y = 160
    d.pad(PAD_X, y, "pin")
    d.wire((PAD_X, y), (290, y), (290, 190))
    d.wire((200, 98), (200, y))
    d.resistor(200, 128, "10 kΩ", upright=True)
    d.supply(200, 98, "3.3 V")
    d.dot(200, y)
    d.box(262, 178, 146, 74, css="d")
    d.text(335, 172, "LTV-817C", "b", "middle")
    d.transistor(290, 214)
    d.wire((290, 238), (290, 290))
    d.ground(290, 290)
    d.light(362, 214, 318)
    d.wire((380, y), (380, 290))
    d.light_diode(380, 214)
    d.wire((380, y), (SCREW_X - 10, y))
    d.dot(380, y)
    d.wire((460, y), (460, 268), (380, 268))
    d.diode(460, 214, "1N4148")
    d.dot(460, y)
    d.dot(380, 268)
    d.chassis(380, 290)
    d.resistor(545, y, "2.2 kΩ, 0.5 W")
    d.text(545, y + 30, "24 V: 4.7 kΩ", "n", "middle")
    d.screw(SCREW_X, y, "signal")
    d.wire((SCREW_X + 10, y), (930, y), (930, 128))
    d.fuse(760, y, "1 A, at the source 靠近电源")
    d.supply(930, 128, "+12 V")
    d.circle(860, y, 5)
    d.circle(900, y, 5)
    d.box(866, y - 8, 28, 16, css="", style="fill:#ffffff")
    d.wire((864, y - 2), (898, y - 20), style="stroke-width:3")
    d.text(880, y + 28, "ignition 点火", "n", "middle")
    d.text(820, 262, "minus: the star point, not a pin of the Pi", "n", "middle")
    d.text(820, 282, "负极接星形接地点，不接树莓派引脚", "n", "middle")
    return d


def high_side() -> Drawing:
    """A lamp whose minus is the car's body."""
    d = _sheet(350, "Lamp on a high-side switch", "灯：高边开关")
    y = 200
    d.pad(PAD_X, y, "pin")
    d.wire((PAD_X, y), (370, y))
    d.resistor(195, y, "1 kΩ")
    d.wire((280, y), (280, 290))
    d.resistor(280, 250, "10 kΩ", upright=True)
    d.text(262, 248, "dark when nobody drives", "n", "end")
    d.text(262, 266, "无驱动即熄灭", "n", "end")
    d.ground(280, 290)
    d.dot(280, y)
    d.block(440, y, 140, 78, ["VN7050AJ", "protected switch", "带保护开关"], "n")
    d.wire((440, 161), (440, 96))
    d.fuse(440, 126, "5 A", upright=True)
    d.supply(440, 96, "+12 V")
    d.wire((480, 239), (480, 290))
    d.ground(480, 290)
    d.wire((510, y), (SCREW_X - 10, y))
    d.screw(SCREW_X, y, "signal")
    d.wire((SCREW_X + 10, y), (860, y), (860, 272))
    d.lamp(800, y)
    d.chassis(860, 272)
    d.text(800, y - 26, "lamp 灯", "n", "middle")
    d.text(885, 285, "body 车身", "n")
    return d


def _low_side_driver(d: Drawing, y: float, drain_x: float) -> None:
    """From a pin to a MOSFET whose drain is at (drain_x, y - 26)."""
    d.pad(PAD_X, y, "pin")
    d.wire((PAD_X, y), (drain_x - 30, y))
    d.resistor(195, y, "220 Ω")
    d.wire((280, y), (280, y + 90))
    d.resistor(280, y + 46, "10 kΩ", upright=True)
    d.text(262, y + 44, "off when nobody drives", "n", "end")
    d.text(262, y + 62, "无驱动即断开", "n", "end")
    d.ground(280, y + 90)
    d.dot(280, y)
    d.mosfet(drain_x, y)
    d.text(drain_x + 14, y + 6, "AO3422")
    d.wire((drain_x, y + 26), (drain_x, y + 60))
    d.ground(drain_x, y + 60)


def low_side() -> Drawing:
    """A small load between the battery's plus and a MOSFET."""
    d = _sheet(350, "Small load on a low-side switch", "小负载：低边开关")
    y, plus = 240, 125
    _low_side_driver(d, y, 500)
    d.wire((500, 214), (500, 200), (SCREW_X - 10, 200))
    d.screw(SCREW_X, 200, "signal")
    d.screw(SCREW_X, plus, "supply")
    d.wire((SCREW_X - 10, plus), (380, plus), (380, 115))
    d.supply(380, 115, "+12 V")
    d.fuse(450, plus, "1 A")
    d.wire((570, plus), (570, 200))
    d.diode(570, 162, "1N4007", right=False)
    d.dot(570, plus)
    d.dot(570, 200)
    d.wire((SCREW_X + 10, plus), (850, plus), (850, 200), (SCREW_X + 10, 200))
    d.lamp(850, 162)
    d.text(874, 160, "lamp, buzzer", "n")
    d.text(874, 178, "灯、蜂鸣器", "n")
    return d


def relay() -> Drawing:
    """A heavy, steady load on a relay."""
    d = _sheet(400, "Heavy steady load on a relay", "大负载：继电器（不闪烁）")
    y = 270
    _low_side_driver(d, y, 450)
    d.wire((450, 244), (450, 122))
    d.supply(450, 122, "+12 V")
    d.box(428, 158, 44, 36, round_by=0)
    d.wire((428, 194), (472, 158))
    d.wire((450, 136), (400, 136), (400, 216), (450, 216))
    d.diode(400, 176, "1N4007", right=False)
    d.dot(450, 136)
    d.dot(450, 216)
    d.wire((472, 176), (538, 176), css="d")
    d.wire((550, 96), (550, 146))
    d.fuse(550, 120, "10 A", upright=True)
    d.supply(550, 96, "+12 V")
    d.circle(550, 151, 5)
    d.circle(550, 201, 5)
    d.wire((550, 196), (528, 158), style="stroke-width:3")
    d.wire((550, 206), (550, 230), (SCREW_X - 10, 230))
    d.screw(SCREW_X, 230, "signal")
    d.wire((SCREW_X + 10, 230), (860, 230), (860, 300))
    d.lamp(800, 230)
    d.chassis(860, 300)
    d.text(800, 204, "work light 照明灯", "n", "middle")
    d.text(885, 313, "body 车身", "n")
    return d


def isolator() -> Drawing:
    """A contact for another device, without a wire in common."""
    d = _sheet(330, "Contact for the video recorder", "录像机触发（光耦隔离）")
    y = 150
    d.pad(PAD_X, y, "pin")
    d.wire((PAD_X, y), (420, y), (420, 270))
    d.wire((200, y), (200, 240))
    d.resistor(200, 196, "10 kΩ", upright=True)
    d.ground(200, 240)
    d.dot(200, y)
    d.resistor(320, y, "470 Ω")
    d.box(392, 170, 146, 74, css="d")
    d.text(470, 164, "LTV-817C", "b", "middle")
    d.light_diode(420, 206)
    d.ground(420, 270)
    d.light(438, 206, 482)
    d.transistor(510, 206, left=False)
    d.wire((510, 182), (510, y), (SCREW_X - 10, y))
    d.wire((510, 230), (510, 262), (SCREW_X - 10, 262))
    d.screw(SCREW_X, y, "signal")
    d.screw(SCREW_X, 262, "return")
    d.wire((SCREW_X + 10, y), (770, y))
    d.wire((SCREW_X + 10, 262), (770, 262))
    d.block(850, 206, 160, 160, ["video recorder", "录像机", "", "alarm input +", "alarm input −"], "n")
    return d


def supply() -> Drawing:
    """From the battery to the Pi."""
    d = Drawing(WIDTH, 330, "Supply")
    d.text(30, 40, "Supply", "t")
    d.text(WIDTH - 30, 40, "供电", "t", "end")
    y, minus = 130, 270
    d.block(105, 200, 130, 90, ["battery 电瓶", "12 V"])
    d.wire((105, 155), (105, y), (800, y))
    d.fuse(190, y, "at the battery, 5 A")
    d.block(340, y, 150, 56, ["reverse polarity", "P-MOSFET 防反接"])
    d.wire((480, y), (480, minus))
    d.diode(480, 200, "SM8S24A", bar="zener")
    d.dot(480, y)
    d.block(680, y, 170, 70, ["12 V → 5 V, 5 A", "from 6 V on: cranking", "打火 6 V 仍工作"])
    d.wire((765, y), (850, y))
    d.wire((800, y), (800, minus))
    d.capacitor(800, 200, "")
    d.text(778, 205, "hold-up 储能", "", "end")
    d.dot(800, y)
    d.text(808, y - 12, "5.1 V", "b")
    d.block(905, y, 110, 70, ["Raspberry Pi", "5 V, GND"])
    d.wire((905, 165), (905, minus))
    d.wire((105, 245), (105, minus), (905, minus))
    d.wire((680, 165), (680, minus))
    for x in (480, 680, 800):
        d.dot(x, minus)
    d.dot(300, minus)
    d.wire((300, minus), (300, minus + 18))
    d.chassis(300, minus + 18)
    d.text(325, minus + 34, "star point: one bolt, bare metal 星形接地：单点螺栓，去漆", "n")
    return d

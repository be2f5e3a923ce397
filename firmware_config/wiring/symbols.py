"""Circuit symbols as SVG: coordinates in pixels and words go in; a drawing collects the shapes, and its text comes out, the same each time.

The symbols are those of IEC 60617; nothing but the standard library is needed.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

INK, PAPER, FAINT = "#1d2433", "#ffffff", "#8a93a3"
INPUT, OUTPUT, POWER, GROUND = "#1f5fbf", "#c2570c", "#b3261e", "#1d2433"

STYLE = f"""
.w{{fill:none;stroke:{INK};stroke-width:2;stroke-linecap:round;stroke-linejoin:round}}
.s{{fill:{PAPER};stroke:{INK};stroke-width:2;stroke-linejoin:round}}
.f{{fill:{INK};stroke:{INK};stroke-width:1;stroke-linejoin:round}}
.d{{fill:none;stroke:{FAINT};stroke-width:1.5;stroke-dasharray:6 5}}
text{{font-size:14px;fill:{INK}}}
text{{font-family:"Noto Sans","DejaVu Sans","Noto Sans CJK SC","WenQuanYi Micro Hei","Microsoft YaHei",sans-serif}}
.t{{font-size:24px;font-weight:bold}}
.b{{font-weight:bold}}
.n{{font-size:12px;fill:#4a5364}}
""".strip()

Point = tuple[float, float]


class Drawing:
    """One picture."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width = width
        self.height = height
        self._title = title
        self._shapes: list[str] = []

    def svg(self) -> str:
        """The whole file."""
        size = f'width="{self.width}" height="{self.height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" {size}'
        paper = f'<rect {size} fill="{PAPER}"/>'
        lines = [f'{head} role="img">', f"<title>{escape(self._title)}</title>", f"<style>{STYLE}</style>", paper, *self._shapes, "</svg>"]
        return "\n".join(lines) + "\n"

    def add(self, shape: str) -> None:
        """One more shape, as SVG."""
        self._shapes.append(shape)

    # --- strokes and words --------------------------------------------------------------------------------------------------------

    def wire(self, *points: Point, css: str = "w", style: str = "") -> None:
        """A line through some points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.add(f'<polyline class="{css}" points="{path}"{_style(style)}/>')

    def shape(self, *points: Point, css: str = "f") -> None:
        """A closed and filled shape."""
        self.add(f'<polygon class="{css}" points="{" ".join(f"{x:g},{y:g}" for x, y in points)}"/>')

    def box(self, x: float, y: float, width: float, height: float, *, css: str = "s", round_by: float = 3, style: str = "") -> None:
        """A rectangle from its upper left corner."""
        self.add(f'<rect class="{css}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_by:g}"{_style(style)}/>')

    def circle(self, x: float, y: float, radius: float, css: str = "s", style: str = "") -> None:
        """A circle."""
        self.add(f'<circle class="{css}" cx="{x:g}" cy="{y:g}" r="{radius:g}"{_style(style)}/>')

    def dot(self, x: float, y: float) -> None:
        """Where wires are joined."""
        self.circle(x, y, 4, "f")

    def text(self, x: float, y: float, words: str, css: str = "", anchor: str = "start", style: str = "") -> None:
        """Words on a base line."""
        css_text = f' class="{css}"' if css else ""
        anchor_text = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(f'<text{css_text} x="{x:g}" y="{y:g}"{anchor_text}{_style(style)}>{escape(words)}</text>')

    # --- ends ---------------------------------------------------------------------------------------------------------------------

    def pad(self, x: float, y: float, words: str) -> None:
        """A pin of the Pi, its wire leaving to the right at (x, y)."""
        self.box(x - 76, y - 15, 76, 30, style=f"stroke:{INPUT}")
        self.text(x - 38, y + 5, words, "b", "middle")

    def screw(self, x: float, y: float, words: str) -> None:
        """A screw of the terminal strip."""
        self.circle(x, y, 10)
        self.wire((x - 6, y + 6), (x + 6, y - 6))
        self.text(x, y - 15, words, "b", "middle")

    def ground(self, x: float, y: float) -> None:
        """The unit's ground, below (x, y)."""
        for width, down in ((13, 0), (8, 6), (3, 12)):
            self.wire((x - width, y + down), (x + width, y + down))

    def chassis(self, x: float, y: float) -> None:
        """The car's body, below (x, y)."""
        self.wire((x - 13, y), (x + 13, y))
        for left in (-13, -3, 7):
            self.wire((x + left, y), (x + left - 6, y + 9))

    def supply(self, x: float, y: float, words: str) -> None:
        """A supply above (x, y)."""
        self.wire((x - 12, y), (x + 12, y), style=f"stroke:{POWER};stroke-width:3")
        self.text(x, y - 8, words, "b", "middle", f"fill:{POWER}")

    # --- parts --------------------------------------------------------------------------------------------------------------------

    def resistor(self, x: float, y: float, words: str = "", *, upright: bool = False) -> None:
        """A resistor around (x, y), 44 long with its wires ending at its short sides."""
        if upright:
            self.box(x - 8, y - 22, 16, 44, round_by=0)
            self.text(x + 14, y + 5, words)
        else:
            self.box(x - 22, y - 8, 44, 16, round_by=0)
            self.text(x, y - 16, words, anchor="middle")

    def capacitor(self, x: float, y: float, words: str) -> None:
        """A capacitor in an upright wire around (x, y)."""
        self.box(x - 16, y - 4, 32, 8, css="", style=f"fill:{PAPER}")
        self.wire((x - 16, y - 5), (x + 16, y - 5))
        self.wire((x - 16, y + 5), (x + 16, y + 5))
        self.text(x + 21, y + 5, words)

    def diode(self, x: float, y: float, words: str = "", *, bar: str = "plain", right: bool = True) -> None:
        """A diode in an upright wire around (x, y), its cathode above. `bar`: plain, zener (bent) or schottky."""
        self.shape((x - 11, y + 9), (x + 11, y + 9), (x, y - 9), css="s")
        bent = {"plain": [], "zener": [((x + 11, y - 9), (x + 15, y - 14)), ((x - 11, y - 9), (x - 15, y - 4))]}
        for line in bent.get(bar, [((x + 11, y - 9), (x + 11, y - 4)), ((x - 11, y - 9), (x - 11, y - 14))]):
            self.wire(*line)
        self.wire((x - 11, y - 9), (x + 11, y - 9))
        self.text(x + 19 if right else x - 19, y + 5, words, anchor="start" if right else "end")

    def light_diode(self, x: float, y: float) -> None:
        """The LED of an optocoupler in an upright wire around (x, y), its cathode below."""
        self.shape((x - 11, y - 9), (x + 11, y - 9), (x, y + 9), css="s")
        self.wire((x - 11, y + 9), (x + 11, y + 9))

    def transistor(self, x: float, y: float, *, left: bool = True) -> None:
        """The phototransistor of an optocoupler: its collector at (x, y - 24), its emitter at (x, y + 24), its base towards the light."""
        towards = 1 if left else -1
        base = x + 14 * towards
        self.wire((base, y - 13), (base, y + 13), style="stroke-width:3")
        self.wire((base, y - 6), (x, y - 16), (x, y - 24))
        self.wire((base, y + 6), (x, y + 16), (x, y + 24))
        self.shape((x, y + 16), (x + 8 * towards, y + 14), (x + 4 * towards, y + 8))

    def light(self, x1: float, y: float, x2: float) -> None:
        """Two arrows of light from x1 to x2."""
        back = -7 if x2 > x1 else 7
        for at in (y - 6, y + 5):
            self.wire((x1, at), (x2, at), style="stroke-width:1.5")
            self.shape((x2, at), (x2 + back, at - 4), (x2 + back, at + 4))

    def mosfet(self, x: float, y: float) -> None:
        """An n-channel MOSFET: its gate at (x - 30, y), its drain at (x, y - 26), its source at (x, y + 26)."""
        self.wire((x - 30, y), (x - 18, y))
        self.wire((x - 18, y - 15), (x - 18, y + 15))
        for at in (-12, 0, 12):
            self.wire((x - 12, y + at - 5), (x - 12, y + at + 5), style="stroke-width:3")
        self.wire((x - 12, y - 12), (x, y - 12), (x, y - 26))
        self.wire((x - 12, y + 12), (x, y + 12), (x, y + 26))
        self.wire((x - 12, y), (x, y), (x, y + 12))
        self.shape((x - 11, y), (x - 3, y - 4), (x - 3, y + 4))

    def fuse(self, x: float, y: float, words: str, *, upright: bool = False) -> None:
        """A fuse around (x, y)."""
        if upright:
            self.box(x - 8, y - 20, 16, 40, round_by=0)
            self.wire((x, y - 20), (x, y + 20))
            self.text(x + 14, y + 5, words)
        else:
            self.box(x - 20, y - 8, 40, 16, round_by=0)
            self.wire((x - 20, y), (x + 20, y))
            self.text(x, y - 13, words, "n", "middle")

    def lamp(self, x: float, y: float) -> None:
        """A lamp around (x, y), radius 15."""
        self.circle(x, y, 15)
        self.wire((x - 10.6, y - 10.6), (x + 10.6, y + 10.6))
        self.wire((x - 10.6, y + 10.6), (x + 10.6, y - 10.6))

    def buzzer(self, x: float, y: float) -> None:
        """A buzzer around (x, y): a half disc with its flat side to the right."""
        self.add(f'<path class="s" d="M {x + 8:g} {y - 15:g} A 15 15 0 0 0 {x + 8:g} {y + 15:g} Z"/>')

    def block(self, x: float, y: float, width: float, height: float, words: Sequence[str], css: str = "") -> None:
        """A box around (x, y) with lines of words, the first bold."""
        self.box(x - width / 2, y - height / 2, width, height)
        top = y + 5 - 9 * (len(words) - 1)
        for i, line in enumerate(words):
            self.text(x, top + 18 * i, line, "b" if i == 0 else css or "n", "middle")


def _style(style: str) -> str:
    return f' style="{style}"' if style else ""

"""The installer's pages and drawings: what is committed is what the boards make, and every page leads to every drawing."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import config_file
from agent.board import INPUT_PARTS, OUTPUT_PARTS
from agent.config import Input, InputUse
from agent.core.events import Event, InputHeld, Levels, WireChanged
from agent.core.inputs import Inputs
from agent.header import POSITION
from firmware_config.wiring import draw, plan

HOME = Path(__file__).parent.parent / "firmware_config"
BOARDS = sorted((HOME / "boards").glob("*.toml"))
PAGES = [HOME / "WIRING.md", HOME / "WIRING.zh-CN.md"]
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    """A drawing that we made ourselves a moment ago."""
    return ET.fromstring(svg)  # noqa: S314  our own text, not somebody's


def words(svg: str) -> list[str]:
    """Every text of a drawing."""
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def test_the_drawings_are_those_that_the_boards_make_now() -> None:
    made = draw.drawings()
    assert {file.name for file in (HOME / "wiring").glob("*.svg")} == set(made)
    stale = [name for name, text in made.items() if (HOME / "wiring" / name).read_text("utf-8") != text]
    assert not stale, f"{stale}: python -m firmware_config.wiring.draw --write"


def test_a_drawing_is_the_same_each_time() -> None:
    assert draw.drawings() == draw.drawings()


@pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.stem)
def test_every_screw_and_every_pin_of_a_board_is_in_its_plan_once(file: Path) -> None:
    board = config_file.read_board(file)
    told = words(plan.draw(board).svg())
    for terminal in board.terminal:
        assert told.count(terminal.at) == 1
        assert terminal.to in told
        assert terminal.to_zh in told
    for line, pin in [pair for i in board.input for pair in i.lines().items()] + [(o.id, o.pin) for o in board.output]:
        assert told.count(f"{POSITION[pin]} · GPIO{pin}") == 1
        assert sum(word in (f"{line} · {pin}", f"{pin} · {line}") for word in told) == 1


@pytest.mark.parametrize("name", list(draw.drawings()))
def test_nothing_is_drawn_outside_its_paper(name: str) -> None:
    """Texts by their anchor and a width that no letter exceeds by much; shapes by their points."""
    root = parsed(draw.drawings()[name])
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for text in root.iter(f"{SVG}text"):
        size = {"t": 24, "n": 12}.get(text.get("class", ""), 14)
        long = sum(size if ord(c) > 0x2E80 else size * 0.62 for c in text.text or "")
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        left = x - {"end": long, "middle": long / 2}.get(text.get("text-anchor", ""), 0)
        assert left >= 0, text.text
        assert left + long <= width, text.text
        assert 0 < y < height, text.text
    for line in [*root.iter(f"{SVG}polyline"), *root.iter(f"{SVG}polygon")]:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_every_drawing(page: Path) -> None:
    shown = set(re.findall(r"\]\(wiring/([\w.]+\.svg)\)", page.read_text("utf-8")))
    assert shown == set(draw.drawings())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_tells_of_every_part_that_a_board_may_use(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [part for part in (*INPUT_PARTS, *OUTPUT_PARTS) if f"`{part}`" not in text] == []


def test_both_languages_have_the_same_sections_and_tables() -> None:
    english, chinese = (page.read_text("utf-8") for page in PAGES)
    for what in (r"^#+ ", r"^\|", r"^!\[", r"^\d+\. "):
        assert len(re.findall(what, english, re.M)) == len(re.findall(what, chinese, re.M)), what
    numbers = [re.findall(r"\d+(?:\.\d+)? ?(?:kΩ|Ω|nF|mm²|mA|A|V)(?![\w])", text) for text in (english, chinese)]
    assert sorted(numbers[0]) == sorted(numbers[1]), set(numbers[0]) ^ set(numbers[1])


@pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.stem)
def test_a_sense_line_of_a_board_watches_the_first_output_of_its_group_as_the_page_says(file: Path) -> None:
    """By what the screws say: the line's names the lamp that the first output's does."""
    board = config_file.read_board(file)
    to = {terminal.line: terminal.to for terminal in board.terminal if terminal.side == "signal"}
    for line in (i for i in board.input if i.use is InputUse.LIGHT_SENSE):
        first = next(o for o in board.output if o.use == "light" and o.group == line.senses)
        assert set(to[first.id].replace(",", "").split()) & {"red", "blue", "left", "right", "amber"} <= set(to[line.id].split())


# --- what the page says of a button is what the agent does ------------------------------------------------------------------------------

WIRES: dict[str, Callable[[bool], tuple[bool, bool]]] = {
    "at rest": lambda pressed: (pressed, not pressed),
    "plug off, or brown broken": lambda pressed: (False, False),
    "yellow broken": lambda pressed: (pressed, False),
    "white rubbed through to ground": lambda pressed: (True, not pressed),
    "white and yellow rubbed together": lambda pressed: (True, True),
    "white broken": lambda pressed: (False, not pressed),
    "yellow rubbed through to ground": lambda pressed: (pressed, True),
}
"""Whether the normally open and the normally closed line are joined to ground, for a button that is pressed or not."""


def said(wires: Callable[[bool], tuple[bool, bool]], pressed: bool) -> list[Event]:
    """What the agent says when a button that was at rest for ten seconds is then pressed for five, or is not."""
    inputs = Inputs((Input(id="b", use=InputUse.PANIC, pin_no=17, pin_nc=4),))
    events: list[Event] = []
    for tenth in range(150):
        at = 100 + tenth / 10
        while inputs.deadline <= at:
            events += [event for event in inputs.expire() if isinstance(event, Event)]
        normally_open, normally_closed = wires(pressed and tenth >= 100)
        out = inputs.handle(Levels(at, {"b.no": normally_open, "b.nc": normally_closed}))
        events += [event for event in out if isinstance(event, Event)]
    return events


def rows(page: Path) -> dict[str, list[str]]:
    """The table of the button by its first column."""
    text = page.read_text("utf-8")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.count("|") == 6]
    return {row[0]: row for row in cells}


@pytest.mark.parametrize("fault", WIRES)
def test_the_table_of_the_button_says_what_the_agent_does(fault: str) -> None:
    _, no, nc, says, press = rows(PAGES[0])[fault]
    assert (no, nc) == tuple("closed" if closed else "open" for closed in WIRES[fault](False))
    wire = {event.wire for event in said(WIRES[fault], pressed=False) if isinstance(event, WireChanged)}
    pressed = said(WIRES[fault], pressed=True)
    held = any(isinstance(event, InputHeld) for event in pressed)
    assert press == ("is an alarm" if held else "**is lost**")
    late = {event.wire for event in pressed if isinstance(event, WireChanged)} - wire - {"ok"}
    told = f"`input.{wire.pop()}`" if wire else f"nothing until it is pressed, then `input.{late.pop()}`" if late else "–"
    assert says == told

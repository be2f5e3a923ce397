"""The screws of a board: what was walked of its file goes in; mistakes between its terminals and its pins come out."""

from collections.abc import Iterator

from agent.board import FUSE_A_MAX, FUSE_PER_LOAD_MIN, INPUT_PARTS, OUTPUT_PARTS, Board
from agent.config import NC, NO
from agent.config_sheets import DEVICES, Item, Sheet, written
from agent.config_walk import Mistake, close_to
from agent.config_words import listed, toml
from agent.core.shows import Shows, period_ms

BRIEF = "test"
"""A show of a minute, for somebody who looks at each lamp."""


def check(board: Sheet) -> Iterator[Mistake]:
    """Every mistake: two wires under one screw, a line that is not there, a part that cannot be, a fuse that does not protect its wire."""
    lines, devices = _lines(board), {item.value("id"): item for item in written(board, *DEVICES)}
    screws: dict[str, Item] = {}
    served: dict[str, Item] = {}
    for screw in written(board, "terminal"):
        at, line, side = screw.value("at"), screw.value("line"), screw.value("side")
        if at is not None and (other := screws.setdefault(at, screw)) is not screw:
            yield screw.mistake("at", f"{at} is already used by {other.named(screw, 'at')}; one screw has one wire")
        if line is not None and side is not None:
            known = lines if side == "signal" else devices
            if line not in known:
                near = close_to(line, [name for name in known if name])
                advice = f'did you mean "{near}"?' if near else f"there are: {', '.join(name for name in known if name)}"
                yield screw.mistake("line", f'no input or output of this board has a {side} "{line}"; {advice}')
                continue
            if side == "signal" and (other := served.setdefault(line, screw)) is not screw:
                yield screw.mistake("line", f"{line} has its screw already: {other.named(screw, 'line')}")
            yield from _part(screw, side, known[line])
        yield from _fuse(screw)


def worn(board: Board) -> Iterator[Mistake]:
    """Relays that flash: each closes a hundred thousand times (IEC 61810, electrical endurance), at 1 Hz that is a day and four hours."""
    relays = {terminal.line: i for i, terminal in enumerate(board.terminal) if terminal.part == "relay"}
    shows = Shows(board.show, board.output)
    for show in shows.names:
        for output, played in shows.play(show).items() if show != BRIEF else ():
            if output in relays and period_ms(played):
                told = f'a relay that flashes, as "{output}" does in show {show}, is worn out in days; take a high_side or low_side driver'
                yield Mistake(("terminal", relays.pop(output), "part"), told)


def _lines(board: Sheet) -> dict[str, Item]:
    """Whose each line is."""
    lines: dict[str, Item] = {}
    for item in written(board, *DEVICES):
        name = item.value("id")
        ends = [end for key, end in (("pin_no", NO), ("pin_nc", NC)) if item.path[0] == "input" and item.has(key)] or [""]
        lines |= {f"{name}{end}": item for end in ends}
    return lines


def _part(screw: Item, side: str, device: Item) -> Iterator[Mistake]:
    """Each signal has the part between it and its pin, and the pin's polarity is that part's."""
    if side != "signal":
        if screw.has("part"):
            yield screw.mistake("part", f'part is for the signal; remove it from a screw of side = "{side}"')
        return
    parts, active = (INPUT_PARTS, "low") if device.path[0] == "input" else (OUTPUT_PARTS, "high")
    part = screw.value("part")
    if not screw.has("part"):
        yield screw.mistake("part", f"missing; expected {listed(parts)}")
    elif part is not None and part not in parts:
        yield screw.mistake("part", f"found {toml(part)}; expected {listed(parts)} for an {device.path[0]}")
    elif part is not None and device.value("active") not in (active, None):
        told = f'{toml(part)} makes a pin active "{active}", but {device.named(screw)} says active = "{device.value("active")}"'
        yield screw.mistake("part", told)


def _fuse(screw: Item) -> Iterator[Mistake]:
    mm2, fuse_a, load_a = (screw.value(key) for key in ("mm2", "fuse_a", "load_a"))
    if mm2 is not None and mm2 not in FUSE_A_MAX:
        yield screw.mistake("mm2", f"found {mm2:g}; expected {listed(FUSE_A_MAX)}")
    elif mm2 is not None and fuse_a is not None and fuse_a > FUSE_A_MAX[mm2]:
        told = f"a fuse of {fuse_a:g} A does not protect a wire of {mm2:g} mm²; expected at most {FUSE_A_MAX[mm2]:g} A"
        yield screw.mistake("fuse_a", told)
    if load_a is not None and fuse_a is None and not screw.has("fuse_a"):
        yield screw.mistake("fuse_a", f"missing; expected the fuse of this line of {load_a:g} A")
    elif load_a is not None and fuse_a is not None and fuse_a < load_a * FUSE_PER_LOAD_MIN:
        told = f"a fuse of {fuse_a:g} A is too small for {load_a:g} A all night; expected at least {load_a * FUSE_PER_LOAD_MIN:g} A"
        yield screw.mistake("fuse_a", told)



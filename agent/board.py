"""A board as types: the pins of a kind of unit, the shows that go with its lights, and every screw that an installer meets. Pure.

A board is a file of `firmware_config/boards/`; `unit.board` of the config names it. Sections that the config has, too, are the config's own
(`agent.config`). `[[terminal]]` is for people: the agent passes it over, `outpost check` prints it, the wiring drawings are made of it.
"""

from typing import Annotated, Literal

from msgspec import Meta

from agent.config import Input, Lights, Output, Recorder, Section, Show

Screw = Annotated[str, Meta(pattern=r"^X[0-9]{1,2}\.[0-9]{1,2}$", description="a strip and a screw, X1.3")]
Line = Annotated[
    str,
    Meta(pattern=r"^[a-z][a-z0-9_]{0,31}(\.no|\.nc)?$", description="an id of an input or output, a supervised one's with .no or .nc"),
]
Words = Annotated[str, Meta(min_length=1, description="text")]
Colour = Literal["black", "brown", "red", "orange", "yellow", "green", "blue", "violet", "grey", "white", "pink", "turquoise"]
"""The colours of IEC 60757."""

Part = Literal["contact", "optocoupler", "low_side", "high_side", "relay", "isolator"]
"""What stands between a pin and its screw; firmware_config/WIRING.md has a drawing of each."""

INPUT_PARTS: tuple[Part, ...] = ("contact", "optocoupler")
"""Both pull the pin to ground: active is low."""
OUTPUT_PARTS: tuple[Part, ...] = ("low_side", "high_side", "relay", "isolator")
"""All are switched on by a high pin, and have a resistor to ground at their input: active is high."""

FUSE_A_MAX = {0.35: 3.0, 0.5: 5.0, 0.75: 7.5, 1.0: 10.0, 1.5: 15.0, 2.5: 20.0}
"""The greatest blade fuse that we let protect a copper wire of so many mm², in a bundle under a dashboard. A fuse protects the wire."""

FUSE_PER_LOAD_MIN = 1.25
"""A fuse that carries more than 80 % of its rating for long ages, and opens one night."""


class Terminal(Section, kw_only=True):
    """One screw of the terminal strip, and the wire that goes from it into the car."""

    at: Screw
    line: Line
    side: Literal["signal", "return", "supply"] = "signal"
    part: Part | None = None
    model: str = ""
    wire: Colour
    mm2: Annotated[float, Meta(ge=0.35, le=2.5)] = 0.5
    load_a: Annotated[float, Meta(gt=0, le=20)] | None = None
    fuse_a: Annotated[float, Meta(gt=0, le=20)] | None = None
    to: Words
    to_zh: Words


class Board(Section, kw_only=True):
    """The whole file."""

    name: Words
    name_zh: Words
    input: tuple[Input, ...] = ()
    output: tuple[Output, ...] = ()
    lights: Lights = Lights()
    show: tuple[Show, ...] = ()
    recorder: Recorder = Recorder()
    terminal: tuple[Terminal, ...] = ()

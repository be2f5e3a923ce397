"""A profile as types: what a kind of unit brings along, from its pace of reporting to its board. Pure.

A profile is a file of `firmware_config/profiles/`; `unit.kind` of the config names it. Sections that the config has, too, are the config's
own (`agent.config`). It may inherit from another, and the config lies on top of it. What only one unit can know (where it stands, who it
is, its broker) has no place in it.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.config import Gnss, Lights, Recorder, Report, Section, Store, SurveyedPlace, UnitKind, WalkTest, Wiring

Words = Annotated[str, Meta(min_length=1, description="text")]

LAYERS_MAX = 4
"""A profile and what it inherits from: what lies deeper nobody has in mind."""


class Line(Section, kw_only=True):
    """What of [mqtt] goes with a kind of unit: the way to the broker, not the broker. As in `agent.config.Mqtt`."""

    keepalive_s: Annotated[int, Meta(ge=5, le=3600)] = 20
    window_bytes: Annotated[int, Meta(ge=1024, le=1_048_576)] = 8192


class Profile(Section, kw_only=True):
    """The whole file. `stands`: whether such a unit has a surveyed place: never, always, or at times (it goes there, and then stays)."""

    name: Words
    name_zh: Words
    inherits: UnitKind | None = None
    stands: Literal["never", "always", "at_times"] = "never"
    board: Wiring | None = None
    gnss: Gnss = Gnss()
    lights: Lights = Lights()
    recorder: Recorder = Recorder()
    walk_test: WalkTest = WalkTest()
    report: Report = Report()
    place: SurveyedPlace = SurveyedPlace()
    store: Store = Store()
    mqtt: Line = Line()


SECTIONS = tuple(field.name for field in msgspec.structs.fields(Profile) if isinstance(field.default, Section))
"""The sections that a profile may have."""

NOT_HERE = {
    ("place", "lat"): "where a unit stands is its own",
    ("place", "lon"): "where a unit stands is its own",
    ("place", "alt_m"): "where a unit stands is its own",
    ("lights", "shed"): "groups of lights are a board's",
}
"""Keys of those sections that a profile may not have, and why."""

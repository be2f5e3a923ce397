"""The rooms fit together: every effect is performed, every event is posted and heard, every part is in the unit, every command is told."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterable
from typing import get_type_hints

import pytest

import agent.core
from agent.cli import parser
from agent.config import Config, Mqtt
from agent.config import Unit as UnitSection
from agent.core import effects, events
from agent.core.part import Part
from agent.core.unit import Unit
from agent.wire.faults import FAULTS
from simulator.__main__ import COMMANDS as SIMULATOR_COMMANDS
from tests import sources

CONFIG = Config(unit=UnitSection(id="car-1"), mqtt=Mqtt(endpoints=("mqtt://broker.example",)))


def all_of[T](base: type[T]) -> list[type[T]]:
    """Every class below `base`."""
    return [found for sub in base.__subclasses__() for found in (sub, *all_of(sub))]


for _module in pkgutil.iter_modules(agent.core.__path__, "agent.core."):
    importlib.import_module(_module.name)

EFFECTS = [effect for effect in all_of(effects.Effect) if effect.__module__ == effects.__name__]
EVENTS = [event for event in all_of(events.Event) if event.__module__ == events.__name__]

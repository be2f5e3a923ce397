"""The rooms fit together: every effect is performed, every event is posted and heard, every part is in the unit, every command is told."""

import ast
import fnmatch
import importlib
import pkgutil
import re
from pathlib import Path
from typing import TypeVar

import agent.core
import simulator.__main__ as simulator_main
from agent.cli import parser
from agent.config import Config, Mqtt
from agent.config import Unit as UnitSection
from agent.core import effects, events
from agent.core.part import Part
from agent.core.unit import Unit
from agent.wire.faults import FAULTS
from tests import sources

for _module in pkgutil.iter_modules(agent.core.__path__, "agent.core."):
    importlib.import_module(_module.name)

T = TypeVar("T")
OUTSIDE = "agent/adapters", "agent/daemon.py", "agent/mailbox.py"


def all_of(base: type[T]) -> list[type[T]]:
    """Every class of the agent below `base`."""
    found = [inner for sub in base.__subclasses__() for inner in (sub, *all_of(sub))]
    return [sub for sub in found if sub.__module__.startswith("agent.")]


def unit() -> Unit:
    """Any unit will do."""
    return Unit(Config(unit=UnitSection(id="car-1"), mqtt=Mqtt(endpoints=("mqtt://broker.example",))), "0" * 16, "0")


def made_in(*tops: str) -> set[str]:
    """Names of everything that is called, so also of every class that is instantiated, in some rooms."""
    return {called for path in sources.python(*tops) for _, called in sources.calls(path)}


def named_in(path: str) -> set[str]:
    """Every name and attribute that a file mentions in its code."""
    nodes = list(ast.walk(sources.tree(sources.PROJECT / path)))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


# --- effects --------------------------------------------------------------------------------------------------------------------------


def test_every_effect_is_performed() -> None:
    missing = [effect.__name__ for effect in all_of(effects.Effect) if effect.__name__ not in named_in("agent/daemon.py")]
    assert not missing, f"{missing}: give each a performer in agent/daemon.py (compose), or perform() dies on it"


def test_every_effect_is_asked_for() -> None:
    missing = [effect.__name__ for effect in all_of(effects.Effect) if effect.__name__ not in made_in("agent/core")]
    assert not missing, f"{missing}: no part of the core asks for it; remove it, with what performs it"


def test_effects_are_written_down_in_one_place() -> None:
    assert {effect.__module__ for effect in all_of(effects.Effect)} == {effects.__name__}


# --- events ---------------------------------------------------------------------------------------------------------------------------


def outside_events() -> list[type[events.Event]]:
    """Those that come from adapters, the daemon or the mailbox."""
    return [event for event in all_of(events.Event) if event.__module__ in ("agent.core.events", "agent.core.machine")]


def test_every_event_from_outside_is_posted_by_somebody() -> None:
    missing = [event.__name__ for event in outside_events() if event.__name__ not in made_in(*OUTSIDE)]
    assert not missing, f"{missing}: no adapter posts it; write the adapter, or remove the event"


def test_every_event_from_inside_is_told_by_a_part() -> None:
    inside = set(all_of(events.Event)) - set(outside_events())
    missing = [event.__name__ for event in inside if event.__name__ not in made_in("agent/core")]
    assert not missing, f"{missing}: no part of the core says so"


def test_every_event_is_heard() -> None:
    heard = {event for part in unit().parts for event in part.listens}
    missing = [e.__name__ for e in all_of(events.Event) if e not in heard and e.__name__ not in named_in("agent/core/unit.py")]
    assert not missing, f"{missing}: no part listens to it; a fact that nobody hears is not worth posting"


def test_events_and_effects_are_frozen_and_events_are_stamped() -> None:
    for kind in (*all_of(events.Event), *all_of(effects.Effect)):
        assert kind.__struct_config__.frozen, kind
    assert [event for event in all_of(events.Event) if event.__struct_fields__[0] != "at"] == []


# --- parts ----------------------------------------------------------------------------------------------------------------------------


def test_every_part_is_in_the_unit_once() -> None:
    there = [type(part) for part in unit().parts]
    missing = [part.__name__ for part in all_of(Part) if there.count(part) != 1]
    assert not missing, f"{missing}: put it into Unit.parts (agent/core/unit.py), once"


def test_every_part_has_a_name_of_its_own_for_the_status() -> None:
    names = [part.name for part in unit().parts]
    assert sorted(set(names)) == sorted(names)
    assert not {"part", "unit"} & set(names)


# --- faults ---------------------------------------------------------------------------------------------------------------------------


SAYS_A_FAULT = {"FaultSeen": 1, "SharedFault": 0}
"""What a fault is said with, and which of its arguments is the code."""

SHARED = "agent/core/shared_fault.py"
"""Says the code that it was made with, when it comes and when it goes."""


def seen_codes() -> dict[str, list[str]]:
    """Where each code is seen, by the code; what is no literal stands under the empty string."""
    found: dict[str, list[str]] = {}
    for path in sources.python("agent"):
        for call, called in sources.calls(path):
            if called in SAYS_A_FAULT and sources.name(path) != SHARED:
                code = call.args[SAYS_A_FAULT[called]] if len(call.args) > SAYS_A_FAULT[called] else None
                text = code.value if isinstance(code, ast.Constant) and isinstance(code.value, str) else ""
                found.setdefault(text, []).append(f"{sources.name(path)}:{call.lineno}")
    return found


def test_every_fault_that_is_seen_is_in_the_published_table() -> None:
    seen = seen_codes()
    assert "" not in seen, f"write the code of a fault as a literal, so that it can be found: {seen['']}"
    missing = {code: where for code, where in seen.items() if code not in FAULTS}
    assert not missing, f"{missing}: put it into agent/wire/faults.py with its meaning and what to do"


def test_every_fault_of_the_published_table_can_be_seen() -> None:
    missing = sorted(FAULTS.keys() - seen_codes().keys())
    assert not missing, f"{missing}: nobody sees it; see it, or take it out of agent/wire/faults.py"


def test_every_fault_that_comes_can_go() -> None:
    """A fault that nothing clears stays in `health` until the next start; those that are meant to, are listed here with the reason."""
    lasting = {
        "agent.overload": "events were lost in this boot, and that stays so",
        "store.damaged": "somebody has to look at the folder that was set aside",
        "store.aside": "somebody has to look at what was moved aside",
        "config.fallback": "a config is read at the start, and never again",
    }
    cleared = {
        code.value
        for path in sources.python("agent")
        for call, called in sources.calls(path)
        if called in SAYS_A_FAULT
        and (called == "SharedFault" or not is_true(call.args[2]))
        and isinstance(code := call.args[SAYS_A_FAULT[called]], ast.Constant)
    }
    assert lasting.keys() == {code for code, fault in FAULTS.items() if fault.clears == "clear_on_ack"}, "the table says otherwise"
    missing = sorted(FAULTS.keys() - cleared - lasting.keys())
    assert not missing, f"{missing}: FaultSeen(at, code, False) when it is over"
    assert not lasting.keys() & cleared, "what can go by itself is clear_on_condition"


def is_true(node: ast.expr) -> bool:
    """Whether an argument is the literal True."""
    return isinstance(node, ast.Constant) and node.value is True


# --- pages ----------------------------------------------------------------------------------------------------------------------------


def test_every_command_is_in_the_readme() -> None:
    commands = [f"outpost {name}" for name in parser.COMMANDS] + [f"outpost-sim {name}" for name in simulator_main.COMMANDS]
    text = (sources.PROJECT / "README.md").read_text("utf-8")
    missing = [command for command in commands if not re.search(rf"\b{re.escape(command)}\b", text)]
    assert not missing, f"README.md does not tell of {missing}"


def test_every_file_that_a_page_links_to_is_there() -> None:
    found = []
    for page in (path for path in sources.files() if path.suffix == ".md"):
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not (page.parent / link).exists():
                found.append(f"{sources.name(page)}: {link}")
    assert not found, f"a link to nothing: {found}"


PATH = re.compile(r"`((?:agent|simulator|tests|docs|firmware_config|systemd|\.ci)/[\w./*-]*|\w+\.(?:py|toml|md))`")


def test_every_file_that_the_page_of_the_house_names_is_there() -> None:
    text = (sources.PROJECT / "docs/ARCHITECTURE.md").read_text("utf-8")
    there = {sources.name(path) for path in sources.files()}
    shorts = {path.name for path in sources.files()} | {Path(name).parent.as_posix() + "/" for name in there}
    found = [name for name in PATH.findall(text) if not fnmatch.filter(there | shorts, name) and f"{name}/" not in shorts]
    assert not found, f"docs/ARCHITECTURE.md names {found}, which are not there: keep the page true"


def test_the_page_of_the_house_names_every_part_and_adapter() -> None:
    text = (sources.PROJECT / "docs/ARCHITECTURE.md").read_text("utf-8")
    rooms = [path for path in sources.python("agent/core", "agent/adapters") if path.stem != "__init__"]
    missing = [sources.name(path) for path in rooms if not re.search(rf"\b{path.stem}\b", text)]
    assert not missing, f"docs/ARCHITECTURE.md does not tell of {missing}"

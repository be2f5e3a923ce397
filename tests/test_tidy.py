"""The house rules that hold for every file: who may import whom, sizes, docstrings, names and words. Each failure says what to do."""

import ast
import fnmatch
import io
import re
import sys
import tokenize
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import sources

PURE = (
    *("bisect", "collections", "dataclasses", "enum", "functools", "itertools", "math"),
    *("msgpack", "msgspec", "operator", "re", "typing", "zlib"),
)
"""Modules that can neither wait, nor read a clock, nor log, nor draw a random number."""

CORE_MAY = ("agent.core", "agent.wire", "agent.config", *(module for module in PURE if module != "re"))
WIRE_MAY = ("agent.wire", *PURE)
IMPURE_BUILTINS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}

TOOL = "agent/wire/asyncapi.py"
"""Writes the published pages: a development tool, which the agent never imports. The one file of agent/wire that touches a disk."""

LIBRARIES = {
    "paho": ("agent/adapters/broker*.py", "agent/cli/tail.py"),
    "serial": ("agent/adapters/gnss*.py",),
    "pynmea2": ("agent/adapters/sentences.py", "agent/adapters/nmea*.py"),
    "gpiozero": ("agent/adapters/inputs*.py", "agent/adapters/outputs*.py", "agent/adapters/pins*.py"),
    "diskcache": ("agent/adapters/bytes_disk.py", "agent/adapters/diskcache_store.py"),
    "sqlite3": (
        *("agent/adapters/bytes_disk.py", "agent/adapters/diskcache_store.py"),
        *("agent/adapters/spool_rescue.py", "agent/adapters/store_*.py"),
    ),
    "msgpack": ("agent/core/*.py", "agent/wire/*.py"),
    "msgspec": ("agent/*.py",),
    "yaml": (TOOL,),
}
"""Which file of agent/ knows which library (msgspec is our way to write types down, so everybody may). No other is a dependency."""

LINES_MAX = 400
FUNCTION_LINES_MAX = 50
LONG: dict[str, str] = {}
"""Files that are longer all the same, each with its reason."""

NAMES_ALLOWED = {"ServiceManager": "systemd calls itself a system and service manager; the adapter is named after its device"}
VAGUE = re.compile(r"(Manager|Handler|Helper|Util)s?(?=[A-Z]|$)")
VAGUE_FILE = re.compile(r"(^|_)(manager|handler|helper|util)s?(_|\.)")

FORBIDDEN = {
    r"/work/|/root/|/tmp/b\d": "a path of one machine",
    r"\bhelpers?\b": "a word that says nothing: name what it does",
    r"(?i)\b(claude|anthropic|chatgpt|openai|copilot|llm|language model|sub-?agent)\b": "how the project was made is not its business",
    r"(?i)pypi\.org|pythonhosted|piwheels\.org|artifactory|index-url": "a host of a package registry: pip knows where to look",
    r"\b(TODO|FIXME|XXX|HACK)\b": "do it now, or say in the README that it is not done",
}
IGNORE_WITH_REASON = re.compile(r"# type: ignore\[[a-z-]+(, ?[a-z-]+)*\]\s+# \S")
NOQA_WITH_REASON = re.compile(r"# noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*\s+\S")


def told(found: list[str], what_to_do: str) -> str:
    """A message with every place, one a line."""
    return "\n".join([what_to_do, *found])


# --- who may import whom --------------------------------------------------------------------------------------------------------------


def imported_by(paths: tuple[Path, ...], wrong: Callable[[str], bool]) -> list[str]:
    """Imports that are wrong, as `file:line: name`."""
    every = ((path, line, imported) for path in paths for line, imported in sources.imports(path))
    return [f"{sources.name(path)}:{line}: {imported}" for path, line, imported in every if wrong(imported)]


def pure_wire() -> tuple[Path, ...]:
    return tuple(path for path in sources.python("agent/wire", "agent/config.py") if sources.name(path) != TOOL)


def test_the_core_imports_nothing_that_can_wait_read_a_clock_log_or_draw_a_random_number() -> None:
    found = imported_by(sources.python("agent/core"), lambda imported: not sources.is_in(imported, *CORE_MAY))
    assert not found, told(found, "agent/core is pure: let an adapter do it and post an event, or take what is needed as an argument")


def test_the_contract_and_the_config_types_are_pure() -> None:
    found = imported_by(pure_wire(), lambda imported: not sources.is_in(imported, *WIRE_MAY))
    assert not found, told(found, f"agent/wire and agent/config.py are pure; only {TOOL} may touch a disk")


def test_pure_modules_import_at_the_top_and_call_nothing_that_does_io() -> None:
    found = []
    for path in (*sources.python("agent/core"), *pure_wire()):
        found += [
            f"{sources.name(path)}:{call.lineno}: {called}()"
            for call, called in sources.calls(path)
            if isinstance(call.func, ast.Name) and called in IMPURE_BUILTINS
        ]
        for name, node in sources.documented(path):
            if isinstance(node, ast.ClassDef):
                continue
            inner = [child for child in ast.walk(node) if isinstance(child, (ast.Import, ast.ImportFrom))]
            found += [f"{sources.name(path)}:{child.lineno}: an import inside {name}" for child in inner]
    assert not found, told(found, "agent/core and agent/wire do no I/O and hide no import")


def test_no_code_of_the_agent_knows_that_a_simulator_or_a_test_exists() -> None:
    unknown = ("simulator", "tests", "agent.wire.asyncapi")
    found = imported_by(sources.python("agent"), lambda imported: sources.is_in(imported, *unknown))
    assert not found, told(found, "agent/ runs in a car without simulator/, tests/ and development tools: turn the import round")


def test_the_simulator_does_not_lean_on_the_tests() -> None:
    found = imported_by(sources.python("simulator"), lambda imported: sources.is_in(imported, "tests"))
    assert not found, told(found, "simulator/ is installed without tests/: move what it needs into simulator/")


def test_of_the_core_adapters_know_only_events_and_effects() -> None:
    doors = ("agent.core.events", "agent.core.effects")
    found = imported_by(
        sources.python("agent/adapters"), lambda imported: sources.is_in(imported, "agent.core") and not sources.is_in(imported, *doors)
    )
    assert not found, told(found, "adapters decide nothing: they take effects and post events, and know no part of the core")


def test_each_library_is_known_to_one_adapter() -> None:
    found = []
    for path in sources.python("agent"):
        for line, imported in sources.imports(path):
            top = imported.split(".")[0]
            if top == "agent" or (top in sys.stdlib_module_names and top != "sqlite3"):
                continue
            if not any(fnmatch.fnmatch(sources.name(path), pattern) for pattern in LIBRARIES.get(top, ())):
                found.append(f"{sources.name(path)}:{line}: {imported}")
    assert not found, told(found, "no library object leaves its adapter: use the adapter's own types, or add the file to LIBRARIES")


def test_the_adapters_are_put_together_in_one_place() -> None:
    allowed = {
        "agent/daemon.py": ("agent.adapters",),
        "agent/cli/safe.py": ("agent.adapters.outputs_pin", "agent.adapters.pins", "agent.adapters.safe_file"),  # an agent that is gone
        "agent/cli/tail.py": ("agent.adapters.broker_client", "agent.adapters.broker_files"),
        "agent/cli/gnss.py": ("agent.adapters.gnss",),  # the installer's view of the very reader that the agent uses
        "agent/cli/gnss_lines.py": ("agent.adapters.nmea",),
        # what lies below the agent, for whoever looks at the unit; the agent may not run
        "agent/cli/doctor_machine.py": tuple(f"agent.adapters.{name}" for name in ("disk", "inventory", "supply", "vitals")),
        "agent/cli/why_stopped.py": ("agent.adapters.command",),  # systemd's, which is asked
        "agent/cli/doctor_keys.py": ("agent.adapters.disk", "agent.adapters.kernel_file"),
        "agent/cli/doctor_link.py": ("agent.adapters.link_look",),
        "agent/cli/commission_machine.py": ("agent.adapters.supply",),
        "agent/cli/commission_place.py": ("agent.adapters.whole_file",),
    }
    found = [
        f"{sources.name(path)}:{line}: {imported}"
        for path in sources.python("agent")
        for line, imported in sources.imports(path)
        if sources.is_in(imported, "agent.adapters")
        and not sources.name(path).startswith("agent/adapters/")
        and not sources.is_in(imported, *allowed.get(sources.name(path), ()))
    ]
    assert not found, told(found, "agent/daemon.py is the composition root: only it knows the adapters")


# --- what is not done -----------------------------------------------------------------------------------------------------------------


def asks_for_a_kind(tree: ast.AST) -> list[int]:
    """Lines that hold a unit's kind against anything, or anything called a kind against the name of a profile.

    The kind of a sentence, a message or an order is another matter.
    """
    kinds = {path.stem for path in (sources.PROJECT / "firmware_config" / "profiles").glob("*.toml")}
    found = []
    for node in ast.walk(tree):
        said: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            said = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            patterns = [part for case in node.cases for part in ast.walk(case.pattern)]
            said = [node.subject, *(pattern.value for pattern in patterns if isinstance(pattern, ast.MatchValue))]
        elif isinstance(node, ast.Subscript):
            said = [node.value, node.slice]  # a table of kinds
        texts = [ast.unparse(each) for each in said]
        constants = [part.value for each in said for part in ast.walk(each) if isinstance(part, ast.Constant)]
        if any(text.endswith("unit.kind") for text in texts) or (kinds.intersection(constants) and any("kind" in text for text in texts)):
            found.append(said[0].lineno)
    return found


def test_no_code_asks_which_kind_of_unit_it_runs_on() -> None:
    found = [f"{sources.name(path)}:{line}" for path in sources.python("agent") for line in asks_for_a_kind(sources.tree(path))]
    assert not found, told(found, "a kind of unit is data: give agent/config.py a key, and say it in firmware_config/profiles")


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ('self.config.unit.kind == "taxi"', True),
        ('kind in ("boat", "x")', True),
        ('"boat" != kind', True),
        ('match unit.kind:\n    case "x":\n        pass', True),
        ('{"boat": 1}[kind]', True),
        ("PACE[config.unit.kind]", True),
        ('message.kind == "alarm"', False),
        ('{"kind": config.unit.kind}', False),
    ],
)
def test_a_question_for_the_kind_is_seen_however_it_is_put(code: str, asks: bool) -> None:
    assert bool(asks_for_a_kind(ast.parse(code))) is asks


def test_nothing_sleeps() -> None:
    every = ((path, call, called) for path in sources.python() for call, called in sources.calls(path))
    found = [f"{sources.name(path)}:{call.lineno}" for path, call, called in every if called == "sleep"]
    assert not found, told(found, "a sleep is too short or too long: wait for a typed event, an Event, a queue or select, with a timeout")


def test_every_thread_of_the_agent_has_a_name_and_dies_with_the_process() -> None:
    found = [
        f"{sources.name(path)}:{call.lineno}"
        for path in sources.python("agent")
        for call, called in sources.calls(path)
        if called == "Thread" and not {"name", "daemon"} <= {keyword.arg for keyword in call.keywords}
    ]
    assert not found, told(found, "threading.Thread(…, name=…, daemon=True): AdapterDied tells the name; the process must be free to end")


# --- sizes ----------------------------------------------------------------------------------------------------------------------------


def test_no_file_has_two_ideas() -> None:
    lengths = {sources.name(path): len(path.read_text("utf-8").splitlines()) for path in sources.python()}
    found = [f"{name}: {length} lines" for name, length in lengths.items() if length > LINES_MAX and name not in LONG]
    assert not found, told(found, f"a file of more than {LINES_MAX} lines is two ideas: split it")


def statement_lines(function: sources.Function) -> int:
    """Lines of a function from `def` to its end, without the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    found = [
        f"{sources.name(path)}:{node.lineno}: {name} has {statement_lines(node)} lines"
        for path in sources.python()
        for name, node in sources.documented(path)
        if not isinstance(node, ast.ClassDef) and statement_lines(node) > FUNCTION_LINES_MAX
    ]
    assert not found, told(found, f"more than {FUNCTION_LINES_MAX} lines: take out what has a name of its own")


def test_every_exception_to_the_sizes_is_still_one() -> None:
    long = {sources.name(path) for path in sources.python() if len(path.read_text("utf-8").splitlines()) > LINES_MAX}
    gone = [name for name in LONG if name not in long]
    assert not gone, told(gone, "remove it from LONG: it is gone, or short enough")


# --- docstrings and names -------------------------------------------------------------------------------------------------------------


def test_every_module_says_what_it_is() -> None:
    found = [sources.name(path) for path in sources.python() if ast.get_docstring(sources.tree(path)) is None]
    assert not found, told(found, "begin with one sentence: what goes in, what comes out")


def test_every_public_class_and_function_says_what_it_is() -> None:
    found = [
        f"{sources.name(path)}:{node.lineno}: {name}"
        for path in sources.python("agent", "simulator")
        for name, node in public(path)
        if ast.get_docstring(node) is None
    ]
    assert not found, told(found, "a docstring: shapes, units, errors, the source of a formula or format")


def public(path: Path) -> list[tuple[str, sources.Documented]]:
    """What others may use: not what is private, within a function, or an overload of a known protocol (`__str__`)."""
    found = []

    def walk(node: ast.Module | ast.ClassDef, prefix: str) -> None:
        for child in node.body:
            if isinstance(child, sources.Documented) and not child.name.startswith("_"):
                found.append((f"{prefix}{child.name}", child))
                if isinstance(child, ast.ClassDef):
                    walk(child, f"{prefix}{child.name}.")

    walk(sources.tree(path), "")
    return found


def test_no_class_has_a_name_that_says_nothing() -> None:
    found = [
        f"{sources.name(path)}:{node.lineno}: {name}"
        for path in sources.python()
        for name, node in sources.documented(path)
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name) and node.name not in NAMES_ALLOWED
    ]
    assert not found, told(found, "a noun for what it is: panic, outbox, posture; not Manager, Handler, Helper, Util")


def test_no_file_has_a_name_that_says_nothing() -> None:
    found = [sources.name(path) for path in sources.files() if VAGUE_FILE.search(path.name.lower())]
    assert not found, told(found, "name the file for what is in it")


# --- words and comments ---------------------------------------------------------------------------------------------------------------


def texts() -> list[tuple[Path, str]]:
    """Every file that is text, but for this one, which has to name the words, and the licence, which is not ours to write."""
    found = []
    for path in sources.files():
        if path == Path(__file__) or path.name == "LICENSE":
            continue
        try:
            found.append((path, path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("pattern", list(FORBIDDEN), ids=list(FORBIDDEN.values()))
def test_no_file_contains_what_does_not_belong_there(pattern: str) -> None:
    word = re.compile(pattern)
    found = [
        f"{sources.name(path)}:{number}: {match[0]}"
        for path, text in texts()
        if word.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        for match in word.finditer(line)
    ]
    assert not found, told(found, FORBIDDEN[pattern])


def comments(path: Path) -> list[tuple[int, str]]:
    """Line and text of every comment, from there to the end of its line."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


@pytest.mark.parametrize(
    ("mark", "good"), [("# type: ignore", IGNORE_WITH_REASON), ("# noqa", NOQA_WITH_REASON)], ids=["type: ignore", "noqa"]
)
def test_every_ignored_rule_is_named_and_has_its_reason(mark: str, good: re.Pattern[str]) -> None:
    found = [
        f"{sources.name(path)}:{line}: {comment}"
        for path in sources.python()
        for line, comment in comments(path)
        if mark in comment and not good.search(comment)
    ]
    assert not found, told(found, "`# type: ignore[code]  # why` or `# noqa: CODE  why`: which rule, and why it does not hold here")

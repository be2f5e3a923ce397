"""Mutants of one module: its text goes in; programs that are wrong at one place each come out, with where and how."""

import ast
import copy
import importlib.util
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutation import changes

SKIPPED = (ast.Import, ast.ImportFrom, ast.Assert, ast.Global, ast.Nonlocal)
UNTOUCHED = ("annotation", "returns", "decorator_list", "bases", "format_spec")
"""Fields of a node that are no behaviour."""

WRITTEN_CHARS_MAX = 160
"""A longer statement (a table) is told by the part of it that is changed."""

Way = tuple[str | int, ...]
"""The way from the root of a tree to a node: names of fields and places in lists."""


@dataclass(frozen=True)
class Mutant:
    """One mistake. `was` and `becomes` are the line, or the part of a long one; with `function` they name it in the list of equivalents."""

    file: str
    function: str
    line: int
    was: str
    becomes: str
    tree: ast.Module
    way: Way
    node: ast.AST

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What stays the same when other lines of the file change."""
        return self.file, self.function, self.was, self.becomes

    def code(self) -> types.CodeType:
        """The program with the mistake, compiled."""
        tree = replaced(self.tree, self.way, self.node)
        assert isinstance(tree, ast.Module)
        return program(tree, self.file)


@dataclass(frozen=True)
class _Place:
    """Where in a module the walk is: within which function, and which line would be shown."""

    function: str = ""
    returns: ast.expr | None = None
    once: frozenset[str] | None = None
    beginning: bool = False
    line: ast.AST | None = None
    line_way: Way = ()


def program(tree: ast.Module, file: str) -> types.CodeType:
    """A tree, compiled."""
    made = compile(ast.fix_missing_locations(tree), file, "exec", dont_inherit=True)
    assert isinstance(made, types.CodeType)
    return made


def mutants(file: str, source: str, module_file: Callable[[str], Path | None]) -> list[Mutant]:
    """All mutants of a module in the order of its lines; `module_file` finds another module, to know the members of its enums."""
    tree = ast.parse(source, file)
    made: dict[str, Mutant] = {}
    for node, way, place in _walk(tree, (), _Place()):
        for other in _changed(node, place, lambda owner, attr: member_after(tree, owner, attr, module_file)):
            mutant = _mutant(file, tree, node, way, other, place)
            made.setdefault(f"{mutant.line} {way if mutant.was == mutant.becomes else place.line_way} {mutant.becomes}", mutant)
    return list(made.values())


def _mutant(file: str, tree: ast.Module, node: ast.AST, way: Way, other: ast.AST, place: _Place) -> Mutant:
    line = place.line if place.line is not None else node
    was, becomes = written(line), written(replaced(line, way[len(place.line_way) :], other))
    if max(len(was), len(becomes)) > WRITTEN_CHARS_MAX:
        was, becomes = written(node), written(other)
    return Mutant(file, place.function, getattr(node, "lineno", getattr(line, "lineno", 0)), was, becomes, tree, way, other)


def _changed(node: ast.AST, place: _Place, member_after: changes.Members) -> Iterator[ast.AST]:
    match node:
        case ast.stmt():
            yield from changes.of_statement(node, place.returns, place.once, place.beginning)
        case ast.expr():
            yield from changes.of_expression(node, member_after)
        case ast.pattern():
            yield from changes.of_pattern(node)
        case ast.match_case():
            yield from changes.of_case(node)
        case ast.comprehension():
            yield from changes.of_comprehension(node)


# --- the walk -------------------------------------------------------------------------------------------------------------------------


def _walk(node: ast.AST, way: Way, place: _Place) -> Iterator[tuple[ast.AST, Way, _Place]]:
    """Every node that may be changed, its parents first."""
    if isinstance(node, SKIPPED) or _is_text(node):
        return
    place = _entered(node, way, place)
    if not isinstance(node, ast.Module):
        yield node, way, place
    for field, value in ast.iter_fields(node):
        if field in UNTOUCHED or (isinstance(node, ast.ClassDef) and field == "keywords"):
            continue
        if isinstance(node, ast.ExceptHandler) and field == "type":
            continue  # names of errors stand there for safety too: of two that one error has, neither is missed
        if isinstance(value, ast.AST):
            yield from _walk(value, (*way, field), place)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                worded = isinstance(node, ast.JoinedStr) and isinstance(item, ast.Constant)
                if isinstance(item, ast.AST) and not worded:
                    yield from _walk(item, (*way, field, i), place)


def _entered(node: ast.AST, way: Way, place: _Place) -> _Place:
    function, returns, once, beginning = place.function, place.returns, place.once, place.beginning
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        function, once = f"{function}.{node.name}" if function else node.name, frozenset()
    if isinstance(node, ast.FunctionDef):
        stored = Counter(sub.id for sub in ast.walk(node) if isinstance(sub, ast.Name) and isinstance(sub.ctx, ast.Store))
        parameters = {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
        returns, beginning = node.returns, node.name == "__init__"
        once = frozenset(name for name, count in stored.items() if count == 1 and name not in parameters)
    if isinstance(node, ast.stmt | ast.match_case | ast.ExceptHandler):
        return _Place(function, returns, once, beginning, node, way)
    return _Place(function, returns, once, beginning, place.line, place.line_way)


def _is_text(node: ast.AST) -> bool:
    """A docstring, a sentence beside a constant, or the list of what may be imported from here."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
    return False


# --- trees ----------------------------------------------------------------------------------------------------------------------------


def replaced(root: ast.AST, way: Way, node: ast.AST) -> ast.AST:
    """A copy of the tree with another node at the end of the way; the original shares what does not lie on it."""
    if not way:
        return node
    field, rest = str(way[0]), way[1:]
    made = copy.copy(root)
    value = getattr(root, field)
    if isinstance(value, list):
        place = int(rest[0])
        setattr(made, field, [*value[:place], replaced(value[place], rest[1:], node), *value[place + 1 :]])
    else:
        setattr(made, field, replaced(value, rest, node))
    return made


def written(node: ast.AST) -> str:
    """A node as a line of text: of a compound statement its head."""
    lines = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).strip().splitlines()
    return next((line for line in lines if not line.startswith("@")), "")


# --- enums ----------------------------------------------------------------------------------------------------------------------------


def member_after(tree: ast.Module, owner: str, attr: str, module_file: Callable[[str], Path | None]) -> str | None:
    """The member that follows `owner.attr` in its enum, the first after the last."""
    if not (owner[:1].isupper() or owner[:1] == "_") or not attr.isupper():
        return None
    members = _members(tree, owner, module_file)
    return members[(members.index(attr) + 1) % len(members)] if attr in members and len(members) > 1 else None


def _members(tree: ast.Module, owner: str, module_file: Callable[[str], Path | None]) -> list[str]:
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name, bases=bases, body=body) if name == owner:
                if not any("Enum" in ast.unparse(base) for base in bases):
                    return []
                return [sub.targets[0].id for sub in body if isinstance(sub, ast.Assign) and isinstance(sub.targets[0], ast.Name)]
            case ast.ImportFrom(module=str() as module, names=aliases):
                for alias in aliases:
                    if (alias.asname or alias.name) == owner and (path := module_file(module)) is not None:
                        return _members(_parsed(path), alias.name, module_file)
    return []


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def module_file(name: str) -> Path | None:
    """Where a module lies that can be imported; None for one without a text."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin) if spec is not None and spec.origin is not None and spec.origin.endswith(".py") else None

"""The project's own files, for the tests that hold them to the house rules: paths in, text and syntax trees out."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parent.parent

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, in the repository; without git (an unpacked archive) all but hidden ones."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=PROJECT, capture_output=True, check=False
    )
    if listing.returncode == 0:
        found = [PROJECT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        found = [path for path in PROJECT.rglob("*") if not any(part.startswith(".") for part in path.relative_to(PROJECT).parts)]
    return tuple(sorted(path for path in found if path.is_file()))


def python(*tops: str) -> tuple[Path, ...]:
    """The modules below some folders (or single files), `agent`, `simulator` and `tests` when none is named."""
    roots = [PROJECT / top for top in tops or ("agent", "simulator", "tests")]
    return tuple(path for path in files() if path.suffix == ".py" and any(path.is_relative_to(root) for root in roots))


def name(path: Path) -> str:
    """A path as people know it."""
    return path.relative_to(PROJECT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse(path.read_text("utf-8"), name(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports, wherever in it; `from a import b` is `a.b`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}") for alias in node.names)


def is_in(imported: str, *allowed: str) -> bool:
    """Whether an imported name is one of those modules, or something in one of them."""
    return any(imported == module or imported.startswith(f"{module}.") for module in allowed)


def documented(path: Path) -> Iterator[tuple[str, Documented]]:
    """Every function and class of a module with its dotted name, those within functions included."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Documented]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Documented):
                yield f"{prefix}{child.name}", child
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    yield from walk(tree(path), "")


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the last word of what is called: `loop.run(…)` is `run`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=called) | ast.Attribute(attr=called):
                    yield node, called


def has_test(named: str) -> bool:
    """Whether `tests/…/test_x.py::test_name` is a test that there is."""
    file, _, function = named.partition("::")
    path = PROJECT / file
    return path in files() and function.startswith("test_") and any(found == function for found, _ in documented(path))

"""`agent.toml_lines` knows the line of everything that `tomllib` reads."""

import tomllib
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.toml_lines import Path, line_of, scan


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from paths_in(inner, (*path, step))


DOCUMENT = '''\
title = "not # a comment"  # a comment with [brackets] and "quotes"

[unit]   # header
id = 'single # quoted'
"quoted key" = 1
'a.b' = 2
site.name = "dotted"
"\\u00e9" = 3

[a.b.c]
text = """
[not.a.table]
key = "no key" \\"""
still \\
text with a quote at the end""""
literal = \'\'\'
x = 1\'\'\'\'
after = 1

[[input]]
id = "first"
[input.extra]
depth = 1

[[input]]
list = [  # comment with ]
    1, [2, 3],   # more
    "]", # end
    { x = 1, y.z = "}" },
    1979-05-27 07:32:00,
]
last = true
[[input.sub]]
n = 1
[[input.sub]]
n = 2
'''


def test_everything_tomllib_reads_has_a_line_and_nothing_else_has() -> None:
    assert set(scan(DOCUMENT)) == set(paths_in(tomllib.loads(DOCUMENT)))


@pytest.mark.parametrize(
    ("path", "first_words"),
    [
        (("title",), "title ="),
        (("unit",), "[unit]"),
        (("unit", "quoted key"), '"quoted key"'),
        (("unit", "a.b"), "'a.b'"),
        (("unit", "site"), "site.name"),
        (("unit", "site", "name"), "site.name"),
        (("unit", "é"), '"\\u00e9"'),
        (("a",), "[a.b.c]"),
        (("a", "b", "c", "text"), "text ="),
        (("a", "b", "c", "after"), "after ="),
        (("input",), "[[input]]"),
        (("input", 0, "id"), 'id = "first"'),
        (("input", 0, "extra", "depth"), "depth"),
        (("input", 1, "list"), "list ="),
        (("input", 1, "list", 1, 1), "1, [2, 3]"),
        (("input", 1, "list", 3, "y", "z"), "{ x = 1"),
        (("input", 1, "list", 4), "1979"),
        (("input", 1, "last"), "last"),
        (("input", 1, "sub", 0, "n"), "n = 1"),
        (("input", 1, "sub", 1, "n"), "n = 2"),
    ],
)
def test_a_path_is_on_the_line_where_it_is_written(path: Path, first_words: str) -> None:
    assert DOCUMENT.splitlines()[scan(DOCUMENT)[path] - 1].lstrip().startswith(first_words)


def test_the_second_of_two_tables_is_where_its_own_header_is() -> None:
    lines = scan("[[input]]\npin = 1\n\n[[input]]\npin = 2\n")
    assert (lines["input", 0], lines["input", 1], lines["input", 1, "pin"]) == (1, 4, 5)


def test_windows_line_ends_count_once() -> None:
    assert scan("[a]\r\n\r\nb = 1\r\n")["a", "b"] == 3


def test_what_is_not_written_is_where_its_surroundings_are() -> None:
    lines = scan("\n[unit]\nname = 'x'\n")
    assert (line_of(lines, ("unit", "id")), line_of(lines, ("unit", "name", 3)), line_of(lines, ("mqtt",))) == (2, 3, None)


def test_the_reference_file_is_understood_whole() -> None:
    text = (FilePath(__file__).parent.parent / "firmware_config" / "agent.toml").read_text()
    assert set(scan(text)) == set(paths_in(tomllib.loads(text)))


VALUES = st.recursive(
    st.sampled_from(
        [
            "1",
            "-0.5e3",
            "true",
            '"#"',
            '"\\""',
            "''",
            '""',
            '""""""',
            '"""\na\n"""',
            '""""a"""""',
            "'''\n]'''",
            "12:00:00",
            '"""\\"""x"""',
            "'\\'",
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n # ]\n" + "".join(f"{item}, # x\n" for item in items) + "]"),
        st.lists(inner.filter(lambda v: "\n" not in v), max_size=3).map(
            lambda items: "{" + ", ".join(f"k{i} = {item}" for i, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=6,
)
GAPS = st.sampled_from(["", "\n", "# = [x]\n", "  \n\t# '''\n"])


@given(st.lists(st.tuples(st.booleans(), GAPS, st.lists(st.tuples(GAPS, VALUES), max_size=4)), max_size=4))
def test_any_document_that_is_put_together_line_by_line_is_found_again(tables: list[tuple[bool, str, list[tuple[str, str]]]]) -> None:
    text = ""
    expected: dict[Path, int] = {}
    arrays = 0
    for n, (array, gap, pairs) in enumerate(tables):
        text += gap
        table: Path = ("array", arrays) if array else (f"t{n}",)
        expected[table] = text.count("\n") + 1
        text += "[[array]]\n" if array else f"[t{n}]\n"
        arrays += array
        for k, (before, value) in enumerate(pairs):
            text += before
            expected[*table, f"k{k}"] = text.count("\n") + 1
            text += f"k{k} = {value} # end\n"
    lines = scan(text)
    assert set(lines) == set(paths_in(tomllib.loads(text)))
    assert {path: lines[path] for path in expected} == expected

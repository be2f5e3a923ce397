"""Where things stand in a TOML text: the text goes in, the line of every table, key and list item comes out.

`tomllib` says what a text means but not where; this says where and leaves the meaning to it. Source: TOML 1.0.0 (toml.io).
"""

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]
"""From the root: keys are strings, items of a list and of an array of tables are counted from 0: `("input", 0, "pin")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}(?!")'''  # up to two quotes may stand before the closing three
    r"""|'''.*?'{3,5}(?!')"""
    r"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\r\n]*")


class _Scan:
    """One walk through a text that tomllib has accepted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.newlines = [i for i, c in enumerate(text) if c == "\n"]
        self.lines: dict[Path, int] = {}
        self.items: dict[Path, int] = {}

    def take(self, pattern: re.Pattern[str]) -> str:
        """The next piece of that shape; the text is valid, so it is there."""
        found = pattern.match(self.text, self.at)
        assert found, f"no {pattern.pattern} at {self.at}: tomllib read this text otherwise than we do"
        self.at = found.end()
        return found.group()

    def accept(self, token: str) -> bool:
        """Step over `token` when it comes next."""
        there = self.text.startswith(token, self.at)
        self.at += len(token) if there else 0
        return there

    def mark(self, path: Path) -> None:
        """This is where `path` stands, unless it was begun earlier."""
        self.lines.setdefault(path, bisect_right(self.newlines, self.at - 1) + 1)

    def document(self) -> None:
        table: Path = ()
        self.take(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.take(_BLANK)

    def header(self) -> Path:
        """`[a.b]` or `[[a.b]]`: the table that the following keys go to."""
        start = self.at
        array = self.accept("[[")
        if not array:
            self.accept("[")
        keys = self.keys()
        self.accept("]]" if array else "]")
        end, self.at = self.at, start
        path: Path = ()
        for i, key in enumerate(keys):
            path = (*path, key)
            self.mark(path)
            if array and i == len(keys) - 1:
                self.items[path] = self.items.get(path, -1) + 1
            if path in self.items:  # a step through an array of tables means its latest item
                path = (*path, self.items[path])
                self.mark(path)
        self.at = end
        return path

    def keys(self) -> list[str]:
        """A key, dotted or not."""
        keys: list[str] = []
        while not keys or self.accept("."):
            self.take(_SPACE)
            raw = self.take(_KEY)
            keys.append(str(tomllib.loads(f"k = {raw}")["k"]) if raw[0] in "\"'" else raw)
            self.take(_SPACE)
        return keys

    def pair(self, table: Path) -> None:
        """`key = value`, or `a.b = value`."""
        start = self.at
        keys = self.keys()
        end, self.at = self.at, start
        for i in range(1, len(keys) + 1):
            self.mark((*table, *keys[:i]))
        self.at = end
        self.accept("=")
        self.take(_SPACE)
        self.value((*table, *keys))

    def value(self, path: Path) -> None:
        """Step over a value; what stands inside a list or an inline table is marked on the way."""
        if self.accept("["):
            self.take(_BLANK)
            n = 0
            while not self.accept("]"):
                self.mark((*path, n))
                self.value((*path, n))
                n += 1
                self.take(_BLANK)
                self.accept(",")
                self.take(_BLANK)
        elif self.accept("{"):
            self.take(_BLANK)
            while not self.accept("}"):
                self.pair(path)
                self.take(_BLANK)
                self.accept(",")
                self.take(_BLANK)
        elif self.text[self.at] in "\"'":
            self.take(_STRING)
        else:
            self.take(_BARE)


def scan(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and list item of a TOML text that `tomllib` accepts; tables at their first mention.

    Raises:
        RecursionError: lists or inline tables are nested more than a few hundred deep.
    """
    walk = _Scan(text)
    walk.document()
    return walk.lines


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of `path`, or of the nearest thing around it that is written down; None when nothing is."""
    for n in range(len(path), 0, -1):
        if path[:n] in lines:
            return lines[path[:n]]
    return None

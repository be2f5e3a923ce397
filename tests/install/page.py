"""A page for people: its text goes in; what is typed, what is entered and what is only shown come out, in their order."""

import re
from collections.abc import Iterator
from typing import NamedTuple

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
HEADING = re.compile(r"^## (.*)$", re.M)


class Block(NamedTuple):
    """`kind`: sh is typed on the unit, toml entered in the editor that was opened last, text only shown. `section`: headings before it."""

    kind: str
    text: str
    section: int


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block."""
    headings = [match.start() for match in HEADING.finditer(text)]
    for match in BLOCK.finditer(text):
        yield Block(match[1], match[2], sum(start < match.start() for start in headings))


def entered(file: str, typed: str) -> str:
    """A config file after somebody has gone through it and made each `key = value` of a section as on the page.

    Raises:
        AssertionError: the file has no such line, not even as a comment.
    """
    lines, section = file.split("\n"), ""
    for line in typed.split("\n"):
        if line.startswith("["):
            section = line
        elif key := line.partition("=")[0].strip():
            begin = lines.index(section)
            end = next((i for i in range(begin + 1, len(lines)) if lines[i].startswith("[")), len(lines))
            here = [i for i in range(begin, end) if re.match(rf"#?{key} = ", lines[i])]
            assert here, f"{section} of the file has no line `{key} =`"
            lines[here[0]] = line
    return "\n".join(lines)

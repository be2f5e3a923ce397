"""The page of `outpost why`: verdict, findings and facts go in, at most forty lines for a terminal of a hundred columns come out.

When not everything fits, the least severe findings are told in one line each, and then by their names only.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from agent.cli.why_findings import Finding
from agent.cli.why_words import Words

LINES_MAX = 40
COLUMNS = 100
FULL_MIN = 5
"""So many of the worst are told in full before any other is told at all: whoever has mended those asks again."""

TEXT_CHARS_MAX = 300
"""Of a note or a fact: a broker's reason or a line of the journal may be a page by itself."""

PIECE = re.compile(r"[\u2e80-\uffff][，。；：、）」]*|[^\s\u2e80-\uffff]+[，。；：、）」]*|\s+")
"""Where a line may break: at blanks, and beside any Chinese character, but not before the punctuation that closes."""


def page(verdict: str, findings: Sequence[Finding], facts: Sequence[str], words: Words) -> str:
    """The page, without a newline at its end. Facts are never left out: there are few."""
    foot = [line for fact in facts for line in _wrapped(fact, "  ")]
    head = _wrapped(verdict, "")
    room = LINES_MAX - len(head) - len(foot)
    return "\n".join([*head, *_fitted(findings, room, words), *foot])


def _fitted(findings: Sequence[Finding], room: int, words: Words) -> list[str]:
    """As much as there is room for: the worst in full, then a line each, then names only."""
    count = len(findings)
    full = [list(_told(i, finding, words)) for i, finding in enumerate(findings, 1)]
    short = [[_cut(f"{i:>2} {_named(finding, words)}", finding.since)] for i, finding in enumerate(findings, 1)]
    least = min(FULL_MIN, count)
    for whole in range(count, least - 1, -1):
        told = full[:whole] + short[whole:]
        if sum(map(len, told)) <= room:
            return [line for lines in told for line in lines]
    names = [finding.code for finding in findings]
    for whole in range(least, -1, -1):
        for kept in range(count - 1, whole - 1, -1):
            told = full[:whole] + short[whole:kept]
            if sum(map(len, told)) >= room:
                continue
            more = words("more", count=count - kept, names=", ".join(names[kept:]))
            told.append(_wrapped(more, "   ", len(more)))
            if sum(map(len, told)) <= room:
                return [line for lines in told for line in lines]
    return []


def _named(finding: Finding, words: Words) -> str:
    return words("named", code=finding.code, what=finding.what)


def _told(place: int, finding: Finding, words: Words) -> Iterator[str]:
    """One finding in full: a line of what and since when, the notes, and what to do."""
    yield from _wrapped(_named(finding, words) + finding.since, f"{place:>2} ")
    for note in finding.notes:
        yield from _wrapped(note, "     ")
    if finding.do:
        yield from _wrapped(f"→ {finding.do}", "   ")


def columns(text: str) -> int:
    """How many columns a terminal gives it: a Chinese character takes two (Unicode Annex 11, East Asian Width)."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(text: str, mark: str, most: int = TEXT_CHARS_MAX) -> list[str]:
    """Lines of at most COLUMNS; `mark` before the first, as many blanks before the others. A longer piece is cut through."""
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    indent = columns(mark)
    lines, line, wide = [], mark, indent
    for piece in (part for found in PIECE.findall(text) for part in _parts(found, COLUMNS - indent)):
        width = columns(piece)
        if wide + width > COLUMNS:
            lines.append(line.rstrip())
            line, wide = " " * indent, indent
            if piece.isspace():  # at a break it is none
                continue
        line, wide = line + piece, wide + width
    return [*lines, line.rstrip()]


def _parts(piece: str, room: int) -> Iterator[str]:
    while columns(piece) > room:
        yield piece[: room // 2]
        piece = piece[room // 2 :]
    yield piece


def _cut(text: str, end: str) -> str:
    """One line: `text`, shortened when it must be, and its end."""
    if columns(text + end) <= COLUMNS:
        return text + end
    while columns(text + end) > COLUMNS - 1:
        text = text[:-1]
    return f"{text}…{end}"

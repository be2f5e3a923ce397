"""SECURITY.md is true as far as that can be seen: what it names exists, and every threat of the model has its part."""

import re
from pathlib import Path

import pytest

from tests import sources

PAGE = (sources.PROJECT / "SECURITY.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/.]+::\w+)`", PAGE)
PARTS = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]

THREATS = (
    *("stolen unit", "copied card", "rogue broker", "leaked key", "forged order", "gnss"),
    *("serial line", "local socket", "supply chain"),
)


@pytest.mark.parametrize("named", sorted(set(NAMED)))
def test_every_test_that_is_named_exists(named: str) -> None:
    assert sources.has_test(named)


def test_whatever_looks_like_a_test_is_looked_at() -> None:
    assert PAGE.count("::test_") == len(NAMED)
    assert not sources.has_test("tests/test_security.py::test_that_there_is_not")
    assert not sources.has_test("tests/no_such_file.py::test_every_test_that_is_named_exists")


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_has_a_part_with_tests_and_says_what_is_not_stopped(threat: str) -> None:
    (part,) = (part for part in PARTS if threat in part.splitlines()[0].lower())
    assert "::test_" in part
    assert re.search(r"\*\*Not stopped|not built yet", part)


def test_every_file_that_is_linked_or_named_exists() -> None:
    linked = re.findall(r"\]\(([\w/.-]+)\)", PAGE) + re.findall(r"`((?:docs|tests|firmware_config)/[\w/.-]+)`", PAGE)
    assert linked
    assert [name for name in linked if not Path(sources.PROJECT / name).exists()] == []


def test_the_holes_that_are_excused_are_told() -> None:
    excused = re.findall(r'"id": "(CVE-[\d-]+)"', (sources.PROJECT / "docs/vex.cdx.json").read_text("utf-8"))
    assert excused
    assert all(hole in PAGE for hole in excused)

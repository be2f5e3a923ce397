"""docs/behaviours.md: each behaviour that it promises has a test that is there, and a fault that is in the published table."""

import ast
import re

import pytest

from agent.wire.faults import FAULTS
from tests import sources

PAGE = sources.PROJECT / "docs/behaviours.md"
COLUMNS = 6


def rows() -> list[list[str]]:
    """The cells of each row."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


ROWS = {row[0]: row for row in rows()}

ASKED = (
    *("ten power cuts in a minute", "the card becomes read-only", "the clock begins at 1970"),
    *("the USB receiver comes back under another name", "the SIM is gone", "the card is full at boot"),
    *("the config is missing", "the config is half-written, empty or wrong", "the card is worn"),
    *("the SIM is over its data cap", "the receiver loses its antenna", "the broker moves, or is gone"),
)
"""What every unit must have an answer to."""


def test_every_behaviour_that_is_asked_for_has_a_row() -> None:
    assert [name for name in ASKED if name not in ROWS] == []
    assert len(ROWS) == len(rows()), "each trouble has one row"


@pytest.mark.parametrize("name", ROWS)
def test_a_behaviour_has_tests_that_are_there_and_faults_that_are_published(name: str) -> None:
    row = ROWS[name]
    assert len(row) == COLUMNS
    assert all(row), "no cell is empty"
    faults = re.findall(r"`([^`]+)`", row[4])
    assert [code for code in faults if code not in FAULTS] == []
    assert faults or row[4] == "–"
    tests = re.findall(r"`([^`]+)`", row[5])
    assert tests
    for test in tests:
        path, _, function = test.partition("::")
        tree = ast.parse((sources.PROJECT / path).read_text("utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path} has no {function}"


def test_no_fault_of_config_power_store_and_heat_is_without_a_behaviour() -> None:
    told = {code for row in ROWS.values() for code in re.findall(r"`([^`]+)`", row[4])}
    wanted = {code for code in FAULTS if code.split(".")[0] in ("config", "power", "store", "heat")}
    assert wanted - told == set()

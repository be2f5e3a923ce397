"""What pyproject.toml and constraints.txt promise about the distribution holds."""

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


def pyproject() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as f:
        return tomllib.load(f)


def pins() -> dict[str, str]:
    """Version by name, of every line of constraints.txt that is no comment."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line), f"constraints.txt: expected name==version and no more, found {line!r}"
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def requirements() -> list[Requirement]:
    table = pyproject()
    lists = [table["project"]["dependencies"], table["build-system"]["requires"], *table["project"]["optional-dependencies"].values()]
    return [Requirement(text) for texts in lists for text in texts]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda r: r.name)
def test_every_requirement_is_pinned_at_a_version_that_it_allows(requirement: Requirement) -> None:
    pinned = pins().get(canonicalize_name(requirement.name))
    assert pinned is not None, f"{requirement.name} has no line in constraints.txt"
    assert pinned in requirement.specifier


def test_every_folder_with_modules_is_a_package() -> None:
    """setuptools takes only folders with an __init__.py into the wheel; in a checkout nobody would notice."""
    folders = {path.parent for top in ("agent", "simulator") for path in (ROOT / top).rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def entry_points() -> dict[str, str]:
    project = pyproject()["project"]
    return {name: at for group in (project["scripts"], *project["entry-points"].values()) for name, at in group.items()}


@pytest.mark.parametrize(("name", "at"), entry_points().items())
def test_every_command_and_plug_in_can_be_called(name: str, at: str) -> None:
    module, attribute = at.split(":")
    assert callable(getattr(importlib.import_module(module), attribute)), name

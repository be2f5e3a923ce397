"""Known holes in what runs in the vehicle: pins, checksums, advisories and the VEX statement go in; words and an exit code come out.

Two looks. The one without a network: every pin exact, every file with a checksum, no pin that an advisory of advisories.toml names. The one
with: pip-audit asks the advisory service. A service that cannot be asked is never taken for good news: it is said that nothing was looked
up, and with `--strict` that is a failure. What docs/vex.cdx.json says is not exploitable here, with the tests that show it, is told and is
no failure.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from tests.release import lgpio_wheel, runtime, wheel_file, wheelhouse
from tests.release.targets import ARCHES, targets
from tests.sources import PROJECT

ADVISORIES = Path(__file__).parent / "advisories.toml"
VEX = PROJECT / "docs" / "vex.cdx.json"

HARMLESS = {"not_affected", "false_positive", "resolved", "resolved_with_pedigree"}
"""States of an analysis (CycloneDX 1.6, vulnerabilities.analysis.state) by which nothing is left to be done."""

TIMEOUT_S = 15
"""For one answer of the advisory service."""


@dataclass(frozen=True)
class Hole:
    """An advisory that holds for a pinned version. `ids`: all its names (CVE-…, GHSA-…, PYSEC-…)."""

    ids: frozenset[str]
    package: NormalizedName
    version: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {', '.join(sorted(self.ids))}"


@dataclass
class Looked:
    """What a look found, and what it could not look at."""

    holes: list[Hole] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)


def shipped() -> dict[NormalizedName, str]:
    """Version by name of all that a release takes in from others."""
    pins = runtime.pins()
    names = {wheel_file.name_of(file) for file in runtime.checksums() if file.endswith(".whl")}
    return {name: pins[name] for name in sorted(names) if name in pins}


def unchecked() -> list[str]:
    """What has no exact pin or no file with a checksum for a target; empty when all is well. Raises Refused for a pin that is none."""
    known = [file for file in runtime.checksums() if file.endswith(".whl")]
    found = [] if lgpio_wheel.SDIST in runtime.checksums() else [f"{lgpio_wheel.SDIST} has no checksum"]
    for target in (target for arch in ARCHES for target in targets(arch)):
        for name, version in runtime.pinned(runtime.direct(target), runtime.pins()):
            wheel = wheel_file.best([file for file in known if wheelhouse.is_of(file, name, version)], target.tags)
            if wheel is None and not wheelhouse.is_built_here(name, version):
                found.append(f"{name} {version} has no file with a checksum for {target}")
    stale = [file for file in known if shipped().get(wheel_file.name_of(file)) != wheel_file.version_of(file)]
    return found + [f"{file} has a checksum and is not what constraints.txt pins" for file in stale]


def kept(text: str, packages: dict[NormalizedName, str]) -> Looked:
    """The advisories that are kept in the project, held against versions."""
    found = []
    for each in tomllib.loads(text)["advisory"]:
        name = canonicalize_name(each["package"])
        if name in packages and packages[name] in SpecifierSet(each["affected"]):
            found.append(Hole(frozenset(each["ids"]), name, packages[name]))
    return Looked(found)


def asked(packages: dict[NormalizedName, str], program: Iterable[str] = (sys.executable, "-m", "pip_audit")) -> Looked:
    """What the advisory service knows; `not_done` names what it did not answer."""
    with tempfile.TemporaryDirectory() as place:
        wanted = Path(place) / "wanted.txt"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()))
        words = ["-s", "pypi", "--disable-pip", "--no-deps", "-f", "json", "--progress-spinner", "off", "--timeout", str(TIMEOUT_S)]
        done = subprocess.run(
            [*program, *words, "-r", str(wanted)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=place
        )
    return read(done.stdout, done.stderr, packages)


def read(answer: str, complaint: str, packages: dict[NormalizedName, str]) -> Looked:
    """pip-audit's JSON. A package that it skipped, or does not mention, was not looked up, although pip-audit itself calls that success."""
    try:
        told: list[dict[str, Any]] = list(json.loads(answer)["dependencies"])
    except (ValueError, KeyError, TypeError):
        last = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        return Looked(not_done=[f"pip-audit could not ask the advisory service: {last[:300]}"])
    looked = Looked()
    answered = set()
    for each in told:
        name = canonicalize_name(each["name"])
        if "skip_reason" in each:
            continue
        answered.add(name)
        looked.holes += [Hole(frozenset([hole["id"], *hole["aliases"]]), name, each["version"]) for hole in each["vulns"]]
    if missing := sorted(set(packages) - answered):
        looked.not_done.append(f"the advisory service did not answer for {', '.join(missing)}")
    return looked


def excused(vex: dict[str, Any], hole: Hole) -> str | None:
    """Why a hole is none here, from the VEX statement; None when that does not speak of it, or of another version."""
    purl = f"pkg:pypi/{hole.package}@{hole.version}"
    for each in vex["vulnerabilities"]:
        names = {each["id"], *(other["id"] for other in each.get("references", []))}
        if names & hole.ids and each["analysis"]["state"] in HARMLESS and purl in {one["ref"] for one in each["affects"]}:
            return str(each["analysis"]["detail"])
    return None


def run(say: Callable[[str], None], *, strict: bool, ask: Callable[[dict[NormalizedName, str]], Looked] = asked) -> int:
    """0 nothing is open, 1 something is; with `strict` 1 also when it could not be looked up."""
    packages = shipped()
    vex = json.loads(VEX.read_text("utf-8"))
    text = ADVISORIES.read_text("utf-8")
    here, there = kept(text, packages), ask(packages)
    wrong = unchecked()
    for hole in sorted({*here.holes, *there.holes}, key=str):
        if (reason := excused(vex, hole)) is None:
            wrong.append(f"{hole}: a known hole, and docs/vex.cdx.json does not say why it would be none here")
        else:
            say(f"audit: {hole}: none here. {reason}")
    for each in wrong:
        say(f"audit: WRONG: {each}")
    kept_of = tomllib.loads(text)["looked_at"]
    say(f"audit: {len(packages)} packages; of the advisories kept here, as of {kept_of}, {len(here.holes)} name one of them")
    for each in there.not_done:
        say(f"audit: NOT DONE: {each}. Nobody has looked for news since {kept_of}: run `make audit` where it is in reach")
    if not there.not_done:
        say(f"audit: the advisory service knows of {len(there.holes)} for them")
    return 1 if wrong or (strict and there.not_done) else 0

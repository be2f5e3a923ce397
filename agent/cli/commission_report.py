"""The report of a commissioning: what came of the steps goes in; one JSON file, its page and its signature come out.

docs/commissioning.md describes the JSON.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from agent import __version__
from agent.cli import commission_page, commission_place, commission_sign
from agent.cli.commission_walk import Line, Section
from agent.cli.doctor_check import Result, worst
from agent.cli.doctor_machine import board
from agent.cli.why_findings import number, section
from agent.cli.why_words import Language, clean
from agent.config import Config
from agent.wire.sentence import Sentence

VERSION = 1
Outcome = Literal["passed", "failed", "partial"]
UTC_MS_END = 253_402_300_800_000
"""The year 10000: the agent's word, which is to crash nothing here."""


class Step(NamedTuple):
    """One step: its `name`; the lines of its last run, and how often it was run; `skipped`: why it was left out, None when it was not."""

    name: str
    title: dict[Language, str]
    lines: list[Line]
    tries: int
    skipped: str | None

    @property
    def result(self) -> Result:
        """The worst of its lines."""
        return worst([line.result for line in self.lines])

    @property
    def whole(self) -> bool:
        """Nothing of it was left out."""
        return self.skipped is None and not any(line.left_out for line in self.lines)

    def told(self) -> dict[str, Any]:
        """As it stands in the report."""
        skipped = {} if self.skipped is None else {"skipped": self.skipped}
        told = {"name": self.name, "title": self.title, "result": self.result, "tries": self.tries, **skipped}
        return {**told, "lines": [line.told() for line in self.lines]}


class Saved(NamedTuple):
    """Where it lies; the SHA-256 of the JSON; the signature's file, or why there is none."""

    report: Path
    page: Path
    sha256: str
    signature: Path | None
    unsigned: Sentence | None


def outcome(steps: list[Step], full: bool, attended: bool = True) -> Outcome:
    """Of them all; `full`: these are all steps there are; `attended`: somebody was there to see."""
    if any(step.result == "fail" for step in steps):
        return "failed"
    return "passed" if full and attended and steps and all(step.whole for step in steps) else "partial"


def made(
    steps: list[Step], config: Config, status: Section, full: bool, sittings: int = 1, attended: bool = True
) -> dict[str, Any]:
    """The report as a map; `sittings`: how often it was gone on with, and one; times as the agent knows them, ms of UTC, or None."""
    utc_ms = number(section(status, "clock").get("utc_ms"))
    utc_ms = utc_ms if utc_ms is not None and 0 <= utc_ms < UTC_MS_END else None
    told = section(section(status, "commissioned"), "hardware")
    report = {
        "v": VERSION,
        "kind": "commission",
        "unit": {"id": config.unit.id, "kind": config.unit.kind, "name": config.unit.name, "board": config.unit.board},
        "version": section(status, "unit").get("version") or __version__,
        "boot": section(status, "unit").get("boot"),
        "time": None if utc_ms is None else int(utc_ms),
        "clock": {key: section(status, "clock").get(key) for key in ("src", "err_ms")},
        "result": outcome(steps, full, attended),
        "sittings": sittings,
        "attended": attended,
        "hardware": told or {"board": board()},
        "steps": [step.told() for step in steps],
    }
    return {key: _printable(value) for key, value in report.items()}


def name(report: dict[str, Any]) -> str:
    """Of its files, without an ending: unit and UTC, or the boot where that is not known; it is the agent's word: no more than a name."""
    utc_ms = report["time"]
    boot = re.sub("[^0-9a-f]", "", str(report["boot"]))[:32]
    when = f"boot-{boot}" if utc_ms is None else datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{report['unit']['id']}-{when}"


def save(report: dict[str, Any], directory: Path, key: Path | None, certificate: Path | None) -> Saved:
    """Write the three files, each whole or not at all, and on the disk when this returns.

    Raises:
        OSError: a file cannot be written, or somebody else could write there too (`commission_place.py`).
    """
    place = commission_place.made(directory, commission_place.is_root())
    text = json.dumps(report, ensure_ascii=False, indent=1).encode() + b"\n"
    sha256 = hashlib.sha256(text).hexdigest()
    file = place / f"{name(report)}.json"
    commission_place.write(file, text)
    signature, unsigned = None, None
    try:
        if key is None or certificate is None:
            raise commission_sign.Unsigned("sign.unset")
        jws = commission_sign.signed(text, key, certificate)
        signature = file.with_suffix(".json.jws")
        commission_place.write(signature, f"{jws}\n".encode())
    except commission_sign.Unsigned as e:
        unsigned = e.reason
    page = file.with_suffix(".html")
    commission_place.write(page, commission_page.page(report, sha256, unsigned).encode())
    return Saved(file, page, sha256, signature, unsigned)


def _printable(told: Any) -> Any:
    """All texts without what a terminal would obey: reasons come from a keyboard, identities from chips."""
    if isinstance(told, dict):
        return {clean(key): _printable(value) for key, value in told.items()}
    if isinstance(told, list):
        return [_printable(value) for value in told]
    return clean(told) if isinstance(told, str) else told

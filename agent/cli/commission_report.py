"""The report of a commissioning: what came of the steps goes in; one JSON file, its page and its signature come out.

docs/commissioning.md describes the JSON.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from agent import __version__
from agent.cli import commission_page, commission_sign
from agent.cli.commission_walk import Line, Section
from agent.cli.doctor_check import Result, worst
from agent.cli.doctor_machine import board
from agent.cli.why_findings import number, section
from agent.cli.why_words import Language
from agent.config import Config

VERSION = 1


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
    unsigned: str


def made(steps: list[Step], config: Config, status: Section) -> dict[str, Any]:
    """The report as a map; times as the agent knows them, ms of UTC, None while it does not."""
    utc_ms = number(section(status, "clock").get("utc_ms"))
    failed = any(step.result == "fail" for step in steps)
    told = section(section(status, "commissioned"), "hardware")
    return {
        "v": VERSION,
        "kind": "commission",
        "unit": {"id": config.unit.id, "kind": config.unit.kind, "name": config.unit.name, "board": config.unit.board},
        "version": __version__,
        "boot": section(status, "unit").get("boot"),
        "time": None if utc_ms is None else int(utc_ms),
        "clock": {key: section(status, "clock").get(key) for key in ("src", "err_ms")},
        "result": "failed" if failed else "passed",
        "hardware": told or {"board": board()},
        "steps": [step.told() for step in steps],
    }


def name(report: dict[str, Any]) -> str:
    """Of its files, without an ending: unit and UTC, or the boot where that is not known."""
    utc_ms = report["time"]
    when = f"boot-{report['boot']}" if utc_ms is None else datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{report['unit']['id']}-{when}"


def save(report: dict[str, Any], directory: Path, key: Path | None, certificate: Path | None) -> Saved:
    """Write the three files.

    Raises:
        OSError: a file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, ensure_ascii=False, indent=1).encode() + b"\n"
    sha256 = hashlib.sha256(text).hexdigest()
    file = directory / f"{name(report)}.json"
    file.write_bytes(text)
    signature, unsigned = None, ""
    try:
        if key is None or certificate is None:
            raise commission_sign.Unsigned("mqtt.key and mqtt.cert are not set")
        jws = commission_sign.signed(text, key, certificate)
        signature = file.with_suffix(".json.jws")
        signature.write_text(f"{jws}\n")
    except commission_sign.Unsigned as e:
        unsigned = str(e)
    page = file.with_suffix(".html")
    page.write_text(commission_page.page(report, sha256, unsigned), encoding="utf-8")
    return Saved(file, page, sha256, signature, unsigned)

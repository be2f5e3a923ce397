"""The bill of materials: wheels go in; a CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/) of exactly those comes out, as JSON.

Written here and not by cyclonedx-bom: that describes the environment which it runs in, and this is for another machine.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.release import lgpio_wheel, wheel_file
from tests.release.runtime import Refused
from tests.release.targets import Target

LICENCES = {
    "colorzero": "BSD-3-Clause",
    "diskcache": "Apache-2.0",
    "gpiozero": "BSD-3-Clause",
    "lgpio": "Unlicense",
    "pynmea2": "MIT",
    "pyserial": "BSD-3-Clause",
}
"""Of those whose metadata has no licence expression (PEP 639): read from their licence files. lgpio's metadata says `unlicense.org`."""

NAMESPACE = uuid.UUID("0e2f7f3a-6a0e-5f62-9a53-0a2ad5f0c1d4")
"""A document about the same bytes has the same serial number."""


def licence(wheel: Path) -> str:
    """The SPDX expression of a wheel; Refused when neither it nor LICENCES tells."""
    told = wheel_file.metadata(wheel).get("License-Expression") or LICENCES.get(wheel_file.name_of(wheel.name))
    if told is None:
        raise Refused(f"{wheel.name} does not tell its licence in SPDX's words: read its licence file, add it to LICENCES in sbom.py")
    return canonicalize_license_expression(told)


def purl(wheel: Path) -> str:
    """The package URL of what a wheel holds (https://github.com/package-url/purl-spec, type pypi)."""
    return f"pkg:pypi/{wheel_file.name_of(wheel.name)}@{wheel_file.version_of(wheel.name)}"


def component(wheels: list[Path]) -> dict[str, Any]:
    """One package and all its files: different Pythons have different wheels of it."""
    first = wheels[0]
    said = wheel_file.metadata(first)
    expression = licence(first)
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl(first),
        "name": wheel_file.name_of(first.name),
        "version": wheel_file.version_of(first.name),
        "description": said.get("Summary", ""),
        "licenses": [{"license": {"id": expression}}] if " " not in expression else [{"expression": expression}],
        "purl": purl(first),
        "externalReferences": [
            {"type": "distribution", "url": f"wheels/{wheel.name}", "hashes": [{"alg": "SHA-256", "content": wheel_file.sha256(wheel)}]}
            for wheel in wheels
        ],
    }
    if len(wheels) == 1:
        found["hashes"] = [{"alg": "SHA-256", "content": wheel_file.sha256(first)}]
    if any(f"-{lgpio_wheel.BUILD}-" in wheel.name for wheel in wheels):
        found["properties"] = [{"name": "outpost:built-from", "value": lgpio_wheel.SDIST}]
    return found


def document(arch: str, wheels: Iterable[Path], targets: Sequence[Target], moment: int) -> dict[str, Any]:
    """The whole document; the agent itself is its subject, everything else a component of it."""
    by_purl: dict[str, list[Path]] = {}
    for wheel in sorted(wheels):
        by_purl.setdefault(purl(wheel), []).append(wheel)
    (own,) = (each for each in by_purl if each.startswith("pkg:pypi/outpost-agent@"))
    subject = component(by_purl[own]) | {"type": "application"}
    components = [component(files) for each, files in sorted(by_purl.items()) if each != own]
    by_name = {each["name"]: each["bom-ref"] for each in [subject, *components]}
    needs = {
        each: sorted({by_name[canonicalize_name(need.name)] for target in targets for need in _requires(files, target)})
        for each, files in sorted(by_purl.items())
    }
    body = {
        "metadata": {
            "timestamp": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "build"}],
            "component": subject,
            "properties": [
                {"name": "outpost:architecture", "value": arch},
                *({"name": "outpost:python", "value": target.python} for target in targets),
            ],
        },
        "components": components,
        "dependencies": [{"ref": each, "dependsOn": on} if on else {"ref": each} for each, on in needs.items()],
    }
    serial = uuid.uuid5(NAMESPACE, json.dumps(body, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        **body,
    }


def text(told: dict[str, Any]) -> str:
    """The document as it is written to a file."""
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _requires(files: list[Path], target: Target) -> list[Requirement]:
    return [need for file in files for need in wheel_file.requires(file, target.environment)]

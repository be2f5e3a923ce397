"""What is carried to a unit: a wheelhouse goes in; one archive with wheels, units, installer, config, bill of materials comes out."""

import tempfile
from pathlib import Path

from agent import __version__
from tests import sources
from tests.release import sbom, source_tree, wheel_file, wheelhouse
from tests.release.targets import targets

TAKEN = (
    *("install", "agent/__init__.py", "agent/installer/", "systemd/", "firmware_config/"),
    *("LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "SECURITY.md", "docs/"),
)
"""What of the checkout goes along, as it is: files, and folders with all that is in them."""

SBOM = "sbom.cdx.json"
SUMS = "SHA256SUMS"


def taken() -> list[tuple[str, Path]]:
    """Name and path of each file of the checkout that a bundle holds."""
    every = [(sources.name(path), path) for path in sources.files()]
    return [(name, path) for name, path in every if any(name == one or (one.endswith("/") and name.startswith(one)) for one in TAKEN)]


def make(arch: str, house: Path, dist: Path, moment: int) -> tuple[Path, Path]:
    """The archive and, beside it, its bill of materials."""
    top = f"outpost-{__version__}-{arch}"
    wheels = sorted(house.glob("*.whl"))
    bill = dist / f"{top}.cdx.json"
    bill.write_text(sbom.text(sbom.document(arch, wheels, targets(arch), moment)), "utf-8")
    members = [*taken(), *((f"wheels/{wheel.name}", wheel) for wheel in wheels)]
    members += [(wheelhouse.REQUIREMENTS, house / wheelhouse.REQUIREMENTS), (SBOM, bill)]
    archive = dist / f"{top}.tar.gz"
    with tempfile.TemporaryDirectory() as place:
        sums = Path(place) / SUMS
        sums.write_text("".join(f"{wheel_file.sha256(path)}  {name}\n" for name, path in sorted(members)))
        source_tree.tar_gz(archive, top, [*members, (SUMS, sums)], moment)
    return archive, bill


def write_sums(dist: Path, made: list[Path]) -> Path:
    """dist/SHA256SUMS, for `sha256sum -c`."""
    sums = dist / SUMS
    sums.write_text("".join(f"{wheel_file.sha256(path)}  {path.name}\n" for path in sorted(made)))
    return sums

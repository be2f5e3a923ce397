"""Wheels as files: what one says of itself comes out; names and contents go in, and a wheel with the same bytes each time comes out."""

import base64
import hashlib
import time
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import NormalizedName, parse_wheel_filename

ZIP_EPOCH_MIN = 315532800
"""A zip file cannot tell of a time before 1980."""


def sha256(path: Path) -> str:
    """The checksum as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def name_of(wheel: str) -> NormalizedName:
    """The distribution's name, as indexes compare it, of a wheel's file name."""
    return parse_wheel_filename(wheel)[0]


def version_of(wheel: str) -> str:
    """The version of a wheel's file name, written the one way that versions are compared in."""
    return str(parse_wheel_filename(wheel)[1])


def best(wheels: list[str], tags: list[Tag]) -> str | None:
    """The file name that pip would take of those with one name and version; None when none of them runs there."""
    ranks = {tag: rank for rank, tag in enumerate(tags)}
    found = [(min(ranks[tag] for tag in theirs), wheel) for wheel in wheels if (theirs := parse_wheel_filename(wheel)[3] & ranks.keys())]
    return min(found)[1] if found else None


def metadata(wheel: Path) -> Message:
    """The file METADATA of a wheel: core metadata, https://packaging.python.org/specifications/core-metadata/."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def requires(wheel: Path, environment: Mapping[str, str]) -> list[Requirement]:
    """What it needs beside itself in an environment, without its extras."""
    every = [Requirement(text) for text in metadata(wheel).get_all("Requires-Dist") or []]
    return [each for each in every if each.marker is None or each.marker.evaluate(dict(environment))]


def write(path: Path, contents: Mapping[str, bytes], executable: tuple[str, ...], epoch: int) -> None:
    """A wheel of these files, its RECORD added; `.dist-info` must be among them.

    Format: https://packaging.python.org/specifications/binary-distribution-format/.
    """
    (info,) = {name.split("/")[0] for name in contents if name.split("/")[0].endswith(".dist-info")}
    rows = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(contents.items())]
    record = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    moment = time.gmtime(max(epoch, ZIP_EPOCH_MIN))[:6]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*sorted(contents.items()), (f"{info}/RECORD", record)]:
            entry = zipfile.ZipInfo(name, moment)
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


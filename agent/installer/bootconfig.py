"""The Raspberry Pi's config.txt and cmdline.txt: lines of the unit's config go in; they stand between marks, and can be taken out again.

The firmware reads both before Linux runs, so what is changed here counts from the next start. Both lie on a FAT file system.
"""

import re
from pathlib import Path

from agent.installer.manifest import Manifest
from agent.installer.manifest import write as write_manifest
from agent.installer.site import Failed, Site

BEGIN = "# --- outpost: written by the installer; lines between these marks are replaced ---"
END = "# --- outpost end ---"
BACKUP = ".before-outpost"

UART = "enable_uart=1"
"""The line by which the receiver has the UART; then the console must leave it."""

CONSOLE = re.compile(r"^console=(serial0|serial1|ttyAMA\d+|ttyS\d+)(,\S*)?$")


def without_block(text: str) -> str:
    """config.txt as it was without our lines.

    Raises:
        Failed: one of the marks is missing.
    """
    lines = text.splitlines(keepends=True)
    marks = [i for i, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    if not marks:
        return text
    if len(marks) != 2 or lines[marks[0]].strip() != BEGIN or lines[marks[1]].strip() != END:
        raise Failed("boot.marks", begin=BEGIN, end=END)
    before, after = "".join(lines[: marks[0]]).removesuffix("\n"), "".join(lines[marks[1] + 1 :])
    return before + ("\n" if before and after and not before.endswith("\n") else "") + after


def with_block(text: str, ours: list[str]) -> str:
    """config.txt with our lines at its end, for the last word counts."""
    rest = without_block(text)
    return "\n".join([rest, BEGIN, *ours, END, ""])


def put(site: Site, manifest: Manifest, ours: list[str]) -> bool:
    """Have these lines in config.txt, and no console on the UART if they turn it on; whether anything had to be changed."""
    boot = site.places.boot
    if boot is None:
        return False
    config, cmdline = boot / "config.txt", boot / "cmdline.txt"
    text = _read(config)
    _back_up(site, config, text)
    changed = site.hand.write(config, with_block(text, ours).encode("utf-8", "surrogateescape"), None)
    if not cmdline.is_file():
        return changed
    words = _read(cmdline).split()
    if UART not in [line.strip() for line in ours]:
        return _give_back(site, manifest, cmdline) or changed
    taken = [word for word in words if CONSOLE.match(word)]
    if taken:
        _back_up(site, cmdline, _read(cmdline))
        manifest.cmdline = [*manifest.cmdline, *(word for word in taken if word not in manifest.cmdline)]
        write_manifest(site, manifest)
        changed |= site.hand.write(cmdline, " ".join(word for word in words if word not in taken).encode() + b"\n", None)
    return changed


def take_out(site: Site, manifest: Manifest) -> bool:
    """As it was before us, but for what others have changed since; whether anything had to be changed."""
    boot = site.places.boot
    if boot is None:
        return False
    config = boot / "config.txt"
    changed = site.hand.write(config, without_block(_read(config)).encode("utf-8", "surrogateescape"), None)
    changed |= _give_back(site, manifest, boot / "cmdline.txt")
    for name in ("config.txt", "cmdline.txt"):
        changed |= site.hand.remove(boot / f"{name}{BACKUP}")
    return changed


def _give_back(site: Site, manifest: Manifest, cmdline: Path) -> bool:
    """The console's words, at the front."""
    words = _read(cmdline).split() if cmdline.is_file() else []
    back = [word for word in manifest.cmdline if word not in words]
    changed = bool(words and back) and site.hand.write(cmdline, " ".join([*back, *words]).encode() + b"\n", None)
    if manifest.cmdline:
        manifest.cmdline = []
        write_manifest(site, manifest)
    return changed


def _back_up(site: Site, path: Path, text: str) -> None:
    """Once, before our first change, for whoever stands before a card that does not start."""
    backup = path.with_name(path.name + BACKUP)
    if not backup.exists() and BEGIN not in text:
        site.hand.write(backup, text.encode("utf-8", "surrogateescape"), None)


def _read(path: Path) -> str:
    """The file. Bytes that are no UTF-8 are kept as they are."""
    return path.read_bytes().decode("utf-8", "surrogateescape")

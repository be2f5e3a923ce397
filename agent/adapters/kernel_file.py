"""Small files in which the kernel and the system tell something: a path goes in; what is there comes out, nothing if it cannot be read."""

from pathlib import Path

PROC, SYS = Path("/proc"), Path("/sys")

TEXT_CHARS_MAX = 80
"""What a device calls itself goes over the air."""

NUMBER_MAX = 2**63 - 1
"""Beyond that nobody can pack it."""


def text(file: Path) -> str:
    """One value, without the NUL that ends strings in a device tree; empty when there is none."""
    try:
        with file.open("rb") as opened:
            read = opened.read(TEXT_CHARS_MAX)
    except OSError:
        return ""
    return "".join(c for c in read.decode("utf-8", "replace") if c.isprintable()).strip()


def number(file: Path, base: int = 10) -> int | None:
    """One number; None for anything else."""
    try:
        found = int(text(file), base)
    except ValueError:
        return None
    return found if abs(found) <= NUMBER_MAX else None


def lines(file: Path) -> list[str]:
    """A table."""
    try:
        return file.read_text(errors="replace").split("\n")
    except OSError:
        return []

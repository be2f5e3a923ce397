"""For which machines a release is made: an architecture and a Python go in; pip's words for its wheels and its markers come out."""

from dataclasses import dataclass

from packaging.tags import Tag, compatible_tags, cpython_tags

ARCHES = ("aarch64", "x86_64")
"""A Raspberry Pi, and the desks and trees in which it is tested. 64 bits only: neither has wheels for anything else."""

PYTHONS = ("3.11", "3.13")
"""Debian's and Raspberry Pi OS's python3: bookworm, trixie."""

GLIBC_MINOR_MAX = 36
"""glibc 2.36 is bookworm's. A wheel that asks for a later one would install on trixie only."""

GLIBC_MINOR_MIN = 17
"""manylinux2014, the oldest that anybody still builds for."""


@dataclass(frozen=True)
class Target:
    """One CPython on one architecture, with Debian's glibc."""

    arch: str
    python: str

    def __str__(self) -> str:
        return f"CPython {self.python} on {self.arch}"

    @property
    def platforms(self) -> list[str]:
        """Platform tags whose wheels run there, the newest first."""
        minors = range(GLIBC_MINOR_MAX, GLIBC_MINOR_MIN - 1, -1)
        return [*(f"manylinux_2_{minor}_{self.arch}" for minor in minors), f"manylinux2014_{self.arch}", f"linux_{self.arch}"]

    @property
    def tags(self) -> list[Tag]:
        """Every tag of a wheel that runs there, the best first."""
        major, minor = map(int, self.python.split("."))
        abi = f"cp{major}{minor}"
        return [
            *cpython_tags((major, minor), [abi], self.platforms),
            *compatible_tags((major, minor), abi, self.platforms),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What environment markers (`; python_version < "3.13"`) are held against there."""
        return {
            "extra": "",
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.arch,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }


def targets(arch: str) -> list[Target]:
    """The Pythons that a bundle for an architecture holds wheels for."""
    return [Target(arch, python) for python in PYTHONS]

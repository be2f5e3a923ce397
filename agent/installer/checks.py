"""Whether a unit can be installed on: facts go in; everything that is in the way comes out at once, before anything is changed."""

import re
from collections.abc import Iterator
from pathlib import Path

from agent.installer.parcel import Parcel
from agent.installer.places import Places
from agent.installer.site import Failed, Site
from agent.installer.words import Said

PYTHON_MIN = (3, 11)
FREE_BYTES_MIN = 300_000_000
"""A version takes 60 MB; two of them, pip's cache of the moment, and some room for the system's own updates."""

BOOT_FREE_BYTES_MIN = 1_000_000
DEBIAN_MIN = 12


def every(site: Site, parcel: Parcel) -> list[Said]:
    """What is in the way, each with what to do about it."""
    return [*root(site), *userland(site), *python(site), *system(site), *disk(site), *wheels(site, parcel)]


def root(site: Site) -> Iterator[Said]:
    """Only root may install."""
    if site.facts.uid != 0 and not site.hand.dry:
        yield Said("checks.root")


def userland(site: Site) -> Iterator[Said]:
    """64 bits, also above the kernel: Raspberry Pi OS (32-bit) may run a 64-bit kernel below."""
    if site.facts.bits != 64:
        yield Said("checks.bits", bits=site.facts.bits)


def python(site: Site) -> Iterator[Said]:
    """A CPython that is new enough and can make a virtual environment."""
    facts = site.facts
    found = f"{facts.implementation} {facts.python[0]}.{facts.python[1]} ({facts.executable})"
    if facts.implementation != "CPython" or facts.python < PYTHON_MIN:
        yield Said("checks.python", found=found, least=f"{PYTHON_MIN[0]}.{PYTHON_MIN[1]}")
    if not facts.has_venv:
        yield Said("checks.venv", found=found)


def system(site: Site) -> Iterator[Said]:
    """Debian or what is made of it, with systemd running."""
    release = _release(site.places.at("etc/os-release"))
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    told = release.get("PRETTY_NAME") or Said("checks.unnamed")
    if not family & {"debian", "raspbian"}:
        yield Said("checks.system", told=told, least=DEBIAN_MIN)
    elif release.get("ID") in ("debian", "raspbian") and _number(release.get("VERSION_ID", str(DEBIAN_MIN))) < DEBIAN_MIN:
        yield Said("checks.old", told=told, least=DEBIAN_MIN)
    if site.live and not site.places.at("run/systemd/system").is_dir():
        yield Said("checks.systemd")


def disk(site: Site) -> Iterator[Said]:
    """Room, and file systems that can be written, and keep what is written."""
    yield from writable(site)
    yield from boot_writable(site)
    opt, boot = site.places.opt, site.places.boot
    if (free := site.system.free_bytes(opt)) < FREE_BYTES_MIN:
        yield Said("checks.room", free=free // 1_000_000, path=opt, least=FREE_BYTES_MIN // 1_000_000)
    if boot is not None and (free := site.system.free_bytes(boot)) < BOOT_FREE_BYTES_MIN:
        yield Said("checks.boot_room", free=free // 1000, path=boot, least=BOOT_FREE_BYTES_MIN // 1000)


def writable(site: Site) -> Iterator[Said]:
    """A root that can be written, and keeps what is written: whatever changes something needs it."""
    if _overlay(site.places):
        yield Said("checks.overlay")
    elif site.system.read_only(site.places.opt):
        yield Said("checks.read_only")


def boot_writable(site: Site) -> Iterator[Said]:
    """A boot partition that can be written. A kernel that finds an error in it mounts it read-only: a way back must not depend on it."""
    place = site.places.boot
    if place is not None and site.system.read_only(place):
        yield Said("checks.boot_read_only", path=place)


def refuse(found: list[Said]) -> None:
    """Say what is in the way.

    Raises:
        Failed: something is.
    """
    if found:
        raise Failed("checks.refused", count=len(found), found=[Said("checks.item", what=each) for each in found])


def wheels(site: Site, parcel: Parcel) -> Iterator[Said]:
    """The wheels of a bundle are for this Python and this machine."""
    every_wheel = parcel.wheels
    if not every_wheel:
        if not (parcel.home / "pyproject.toml").is_file():
            yield Said("checks.no_wheels", path=parcel.home)
        return
    facts = site.facts
    if parcel.own_wheel is None:
        yield Said("checks.no_own_wheel", path=parcel.home)
    compiled = [wheel for wheel in every_wheel if wheel.platform != "any"]
    if compiled and not any(facts.machine in wheel.platform for wheel in compiled):
        machines = sorted({re.sub(r"^.*?(x86_64|aarch64|armv7l|i686).*$", r"\1", wheel.platform) for wheel in compiled})
        yield Said("checks.machine", machines=machines, machine=facts.machine)
        return
    names = {wheel.name for wheel in every_wheel}
    missing = sorted(names - {wheel.name for wheel in every_wheel if wheel.fits(facts.python, facts.machine)})
    if missing:
        pythons = sorted({wheel.python for wheel in compiled if wheel.name in missing})
        found = f"{facts.python[0]}.{facts.python[1]}"
        tag = f"cp{found.replace('.', '')}"
        yield Said("checks.wheels", missing=missing, pythons=pythons, executable=facts.executable, found=found, tag=tag)


def _release(path: Path) -> dict[str, str]:
    """os-release(5)."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines if "=" in line)}


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0


def _overlay(places: Places) -> bool:
    """Whether / is one whose upper half is memory, as raspi-config makes it (package overlayroot, earlier a script of its own)."""
    mounts, kernel = (path.read_text("utf-8") if (path := places.at(f"proc/{name}")).is_file() else "" for name in ("mounts", "cmdline"))
    found = [mount for mount in (line.split() for line in mounts.splitlines()) if mount[1:3] == ["/", "overlay"]]
    asked = any(word == "boot=overlay" or word.startswith("overlayroot=") for word in kernel.split())
    return any(asked or mount[0] == "overlayroot" for mount in found)

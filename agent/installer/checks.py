"""Whether a unit can be installed on: facts go in; everything that is in the way comes out at once, before anything is changed."""

import re
from collections.abc import Iterator
from pathlib import Path

from agent.installer.parcel import Parcel
from agent.installer.places import Places
from agent.installer.site import Site

PYTHON_MIN = (3, 11)
FREE_BYTES_MIN = 300_000_000
"""A version takes 60 MB; two of them, pip's cache of the moment, and some room for the system's own updates."""

BOOT_FREE_BYTES_MIN = 1_000_000
DEBIAN_MIN = 12


def every(site: Site, parcel: Parcel) -> list[str]:
    """What is in the way, each with what to do about it."""
    return [*root(site), *userland(site), *python(site), *system(site), *disk(site), *wheels(site, parcel)]


def root(site: Site) -> Iterator[str]:
    """Only root may install."""
    if site.facts.uid != 0 and not site.hand.dry:
        yield "this needs root: run it with sudo"


def userland(site: Site) -> Iterator[str]:
    """64 bits, also above the kernel: Raspberry Pi OS (32-bit) may run a 64-bit kernel below."""
    if site.facts.bits != 64:
        yield (
            f"this system is {site.facts.bits}-bit (its programs, whatever its kernel is); Outpost is built for 64-bit only: "
            'flash "Raspberry Pi OS Lite (64-bit)"; a Raspberry Pi 3, 4, 5 or Zero 2 W runs it'
        )


def python(site: Site) -> Iterator[str]:
    """A CPython that is new enough and can make a virtual environment."""
    facts = site.facts
    found = f"{facts.implementation} {facts.python[0]}.{facts.python[1]} ({facts.executable})"
    if facts.implementation != "CPython" or facts.python < PYTHON_MIN:
        yield f"found {found}; expected CPython {PYTHON_MIN[0]}.{PYTHON_MIN[1]} or later: Raspberry Pi OS 12 (bookworm) or later has it"
    if not facts.has_venv:
        yield f"{found} cannot make a virtual environment: sudo apt-get install python3-venv"


def system(site: Site) -> Iterator[str]:
    """Debian or what is made of it, with systemd running."""
    release = _release(site.places.at("etc/os-release"))
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    told = release.get("PRETTY_NAME", "a system without /etc/os-release")
    if not family & {"debian", "raspbian"}:
        yield f"found {told}; expected Raspberry Pi OS or Debian {DEBIAN_MIN} or later"
    elif release.get("ID") in ("debian", "raspbian") and _number(release.get("VERSION_ID", str(DEBIAN_MIN))) < DEBIAN_MIN:
        yield f"found {told}; expected {DEBIAN_MIN} (bookworm) or later: flash a new card"
    if site.live and not site.places.at("run/systemd/system").is_dir():
        yield "systemd does not run here; for a tree that will be booted later (an image that is being made) say --image"


def disk(site: Site) -> Iterator[str]:
    """Room, and a root file system that can be written, and keeps what is written."""
    opt = site.places.opt
    if _overlay(site.places):
        yield (
            "/ is an overlay, what is written to it is gone at the next start: sudo raspi-config nonint disable_overlayfs, restart, "
            "install, then sudo raspi-config nonint enable_overlayfs and restart"
        )
    elif site.system.read_only(opt):
        yield "/ is mounted read-only: sudo mount -o remount,rw / ; install ; sudo mount -o remount,ro /"
    elif (free := site.system.free_bytes(opt)) < FREE_BYTES_MIN:
        least_mb = FREE_BYTES_MIN // 1_000_000
        yield f"{free // 1_000_000} MB are free for {opt}; expected {least_mb} MB: sudo apt-get clean, or a greater card"
    boot = site.places.boot
    if boot is not None and site.system.read_only(boot):
        yield f"{boot} is mounted read-only: sudo mount -o remount,rw {boot}"
    elif boot is not None and (free := site.system.free_bytes(boot)) < BOOT_FREE_BYTES_MIN:
        yield f"{free // 1000} kB are free on {boot}; expected {BOOT_FREE_BYTES_MIN // 1000} kB: remove what does not belong there"


def wheels(site: Site, parcel: Parcel) -> Iterator[str]:
    """The wheels of a bundle are for this Python and this machine."""
    every_wheel = parcel.wheels
    if not every_wheel:
        if not (parcel.home / "pyproject.toml").is_file():
            yield f"{parcel.home} has no wheels/ and is no checkout: unpack the whole bundle, and run ./install in it"
        return
    facts = site.facts
    if parcel.own_wheel is None:
        yield f"{parcel.home}/wheels has no wheel of outpost-agent: unpack the whole bundle again"
    compiled = [wheel for wheel in every_wheel if wheel.platform != "any"]
    if compiled and not any(facts.machine in wheel.platform for wheel in compiled):
        machines = sorted({re.sub(r"^.*?(x86_64|aarch64|armv7l|i686).*$", r"\1", wheel.platform) for wheel in compiled})
        told = f"the wheels of this bundle are for {', '.join(machines)}, this machine is {facts.machine}"
        yield f"{told}: take the bundle for {facts.machine}"
        return
    names = {wheel.name for wheel in every_wheel}
    missing = sorted(names - {wheel.name for wheel in every_wheel if wheel.fits(facts.python, facts.machine)})
    if missing:
        pythons = sorted({wheel.python for wheel in compiled if wheel.name in missing})
        found = f"{facts.python[0]}.{facts.python[1]}"
        yield (
            f"the wheels of {', '.join(missing)} are for {', '.join(pythons)}, {facts.executable} is CPython {found}: take a bundle that "
            f"has cp{found.replace('.', '')}, or flash the Raspberry Pi OS that this one is for (cp311: 12, bookworm; cp313: 13, trixie)"
        )


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

"""Versions side by side: a parcel goes in; a virtual environment in /opt/outpost/versions comes out, whole or not at all.

A virtual environment cannot be moved, so it is built where it stays, and a file in it, written last, says that it is whole. What a power
cut left without that file is removed and built again.
"""

import json
from contextlib import suppress
from pathlib import Path

from agent.installer import links
from agent.installer.machine import TIMED_OUT
from agent.installer.parcel import Parcel
from agent.installer.places import SHARED
from agent.installer.site import Site
from agent.installer.words import Said

WHOLE = "outpost-build.json"
"""In a version: {"digest": of the parcel it was built from}. A version without it is none."""

BUILD_TIMEOUT_S = 1800.0
"""A Raspberry Pi 3 with a slow card and a slow line."""


def digest_of(site: Site, name: str) -> str:
    """What a whole version was built from; empty when it is not whole."""
    try:
        return str(json.loads((site.places.versions / name / WHOLE).read_bytes())["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def is_sound(site: Site, name: str) -> bool:
    """Whether a version is whole and its Python still runs: an upgrade of the system takes python3.11 away from under it.

    A Python that is not done in time has not failed: the card is slow, or busy.
    """
    if not digest_of(site, name):
        return False
    python = site.places.versions / name / "bin/python"
    return site.system.run([str(python), "-I", "-c", "import agent"]).code in (0, TIMED_OUT)


def name_for(site: Site, parcel: Parcel) -> str:
    """The name of its folder: the version, and for another build of a version that is there already some letters more.

    What `current` or `previous` leads to is never built over, damaged as it may be: it is rebuilt beside, under a third name.
    """
    digest, plain = parcel.digest(), parcel.version
    other = f"{plain}+{digest[:8]}"
    every = [plain, other, f"{other}.rebuilt", f"{other}.rebuilt2"]
    linked = {links.current(site), links.previous(site)}
    sound = (name for name in every if digest_of(site, name) == digest and is_sound(site, name))
    free = (name for name in every if name not in linked and digest_of(site, name) in ("", digest))
    return next(sound, "") or next(free)


def names(site: Site) -> list[str]:
    """All that are there, whole or not."""
    versions = site.places.versions
    return sorted(path.name for path in versions.iterdir() if path.is_dir()) if versions.is_dir() else []


def build(site: Site, parcel: Parcel, name: str) -> bool:
    """Build a version; whether it was not there yet.

    Raises:
        Failed: venv or pip did not succeed; what they had done is removed.
    """
    if is_sound(site, name):
        return False
    folder = site.places.versions / name
    discard(site, name)
    try:
        site.must([site.facts.executable, "-m", "venv", str(folder)], Said("for.venv"), timeout_s=BUILD_TIMEOUT_S)
        for words in pip_words(parcel):
            python = str(folder / "bin/python")
            pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "install", *words]
            site.must(pip, _reason(parcel), timeout_s=BUILD_TIMEOUT_S)
        for each, path in parcel.system_files():
            site.hand.write(folder / SHARED / each, path.read_bytes())
        site.must([str(folder / "bin/outpost"), "--version"], Said("for.start"))
        if not site.hand.dry:
            site.must(["sync", "-f", str(folder)], Said("for.sync"), timeout_s=BUILD_TIMEOUT_S)
        site.hand.write(folder / WHOLE, json.dumps({"digest": parcel.digest(), "version": parcel.version}).encode() + b"\n")
    except BaseException:  # whatever ends it; on a card that is full or broken it may stay, and goes with the next run
        with suppress(OSError):
            discard(site, name)
        raise
    return True


def pip_words(parcel: Parcel) -> list[list[str]]:
    """What pip is asked to install, in turn: from the wheels beside, by their hashes where these are told; else the checkout."""
    if not parcel.wheels:
        return [["--constraint", str(parcel.home / "constraints.txt"), str(parcel.home)]]
    own = parcel.own_wheel
    assert own is not None, "checked before"
    beside = ["--no-index", "--find-links", str(parcel.home / "wheels")]
    if parcel.requirements is None:
        return [[*beside, str(own.path)]]
    hashed = ["--require-hashes"] if "--hash=" in parcel.requirements.read_text("utf-8") else []
    return [[*beside, *hashed, "--requirement", str(parcel.requirements)], [*beside, "--no-deps", str(own.path)]]


def _reason(parcel: Parcel) -> Said:
    if parcel.wheels:
        return Said("for.pip_wheels", path=parcel.home)
    return Said("for.pip_network")


def discard(site: Site, name: str) -> None:
    """Remove a version. First what says that it is whole: half a version is none."""
    site.hand.remove(site.places.versions / name / WHOLE)
    site.hand.clear(site.places.versions / name)


def prune(site: Site) -> list[str]:
    """Remove all but the current and the previous version; which."""
    keep = {site.places.linked(site.places.current), site.places.linked(site.places.previous), ""}
    assert links.current(site), "somebody's unit would lose all its versions"
    gone = [name for name in names(site) if name not in keep]
    for name in gone:
        discard(site, name)
    return gone


def shared(site: Site, name: str) -> Path:
    """The system files that came with a version."""
    return site.places.versions / name / SHARED

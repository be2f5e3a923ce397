"""System files of a version: its folder goes in; units, drop-ins and rules lie where systemd and udev look for them.

Units are ours: what somebody has changed in them is replaced, and kept beside (`.changed`); changes belong into a drop-in
(`systemctl edit outpost`). A udev rule and the files of the journal and the watchdog are there to be changed: once they are, they are left
as they are. What a version no longer has is removed. The manifest names each file before it is laid.
"""

from collections.abc import Iterator
from pathlib import Path

from agent.installer.manifest import Manifest
from agent.installer.manifest import write as write_manifest
from agent.installer.places import STATE_MOUNT
from agent.installer.site import Site, digest, digest_of

UNITS = (".service", ".target", ".mount", ".timer", ".socket", ".path", ".slice")
BY_SUFFIX = {".sysusers": "etc/sysusers.d", ".tmpfiles": "etc/tmpfiles.d", ".rules": "etc/udev/rules.d"}
"""Where a file of systemd/ goes."""

CONF = {".sysusers", ".tmpfiles"}
"""Called NAME.conf there."""

THEIRS = ("etc/udev", "etc/systemd")
"""Folders of files that the owner of the unit may change."""

SYSTEM = ("usr/local/lib/systemd", "etc/systemd", *BY_SUFFIX.values())

CHANGED = ".changed"


def place(site: Site, name: str) -> Path | None:
    """Where a file of systemd/ goes: its path there goes in. None for what is not for the system (a page)."""
    path = Path(name)
    if path.suffix in UNITS and len(path.parts) == 1:
        return site.places.units / path.name
    if len(path.parts) == 2 and path.parts[0].endswith((".service.d", ".target.d")):
        return site.places.units / path
    if len(path.parts) == 2 and path.parts[0].endswith(".conf.d"):
        return site.places.at("etc/systemd") / path
    folder = BY_SUFFIX.get(path.suffix)
    return site.places.at(folder) / (f"{path.stem}.conf" if path.suffix in CONF else path.name) if folder else None


def wanted(site: Site, source: Path) -> Iterator[tuple[Path, bytes]]:
    """Each file of `source`/systemd with its place."""
    top = source / "systemd"
    for path in sorted(top.rglob("*")) if top.is_dir() else ():
        target = place(site, path.relative_to(top).as_posix()) if path.is_file() else None
        if target is not None:
            yield target, path.read_bytes()


def lay(site: Site, manifest: Manifest, source: Path, without: tuple[str, ...] = ()) -> bool:
    """Lay the files of a version, but for those named in `without`, which stay as they are; whether any had to be changed."""
    changed = False
    files = {path: data for path, data in wanted(site, source) if path.name != STATE_MOUNT or STATE_MOUNT in manifest.enabled}
    kept = {path for path in files if path.name in without}
    for name in sorted(manifest.files):
        path = site.places.at(name)
        if path not in files and path.name not in without and is_laid(site, name) and not name.endswith(CHANGED):
            if path.name in manifest.enabled:
                site.do(["systemctl", "disable", path.name])
                manifest.enabled.remove(path.name)
            changed |= site.hand.remove(path)
            del manifest.files[name]
    for path, data in files.items():
        if path not in kept:
            changed |= _lay_one(site, manifest, path, data)
    write_manifest(site, manifest)
    return changed


def lay_one(site: Site, manifest: Manifest, source: Path, name: str) -> bool:
    """Lay one file of a version; whether it had to be changed."""
    changed = [_lay_one(site, manifest, path, data) for path, data in wanted(site, source) if path.name == name]
    write_manifest(site, manifest)
    return any(changed)


def is_laid(site: Site, name: str) -> bool:
    """Whether a path of the manifest is a system file (it also names the config's reference)."""
    return any(site.places.at(name).is_relative_to(site.places.at(folder)) for folder in SYSTEM)


def _lay_one(site: Site, manifest: Manifest, path: Path, data: bytes) -> bool:
    name, new = site.places.on_unit(path), digest(data)
    # Before it is written both are known as ours, the one that lies there and the one that will: the power may go in between.
    known, there = manifest.files.get(name, "").split(), digest_of(path)
    touched = bool(there) and there not in (*known, new)
    if touched and any(path.is_relative_to(site.places.at(folder)) for folder in THEIRS):
        site.tell("lay.theirs", name=name)
        manifest.files.setdefault(name, "")
        return False
    if touched:
        site.hand.write(path.with_name(path.name + CHANGED), path.read_bytes())
        manifest.files[name + CHANGED] = there
        site.tell("lay.replaced", name=name, kept=name + CHANGED)
    if known[:1] != [new]:
        manifest.files[name] = " ".join([new, *([there] if there in known else [])])
        write_manifest(site, manifest)
    return site.hand.write(path, data)


def reload(site: Site) -> None:
    """Have systemd and udev read what was laid. The journal and the hardware watchdog read theirs at the next start."""
    site.do(["systemd-tmpfiles", "--create", "outpost.conf"])
    site.systemctl("daemon-reload")
    if site.live:
        site.do(["udevadm", "control", "--reload"])
        site.do(["udevadm", "trigger", "--subsystem-match=tty"])

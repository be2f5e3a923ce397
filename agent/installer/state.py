"""The store's own file system: a label on a disk goes in; it is mounted at every start, unless that would hide a store.

Its unit is laid only then: a start would wait a minute and a half for a disk that was never there.
"""

from agent.installer import versions
from agent.installer.lay import lay
from agent.installer.manifest import Manifest
from agent.installer.manifest import write as write_manifest
from agent.installer.places import SERVICE, STATE_LABEL, STATE_MOUNT
from agent.installer.site import Site
from agent.installer.words import Said


def device_is_there(site: Site) -> bool:
    """Whether a file system with our label is in the machine."""
    return site.places.at(f"dev/disk/by-label/{STATE_LABEL}").exists()


def is_mounted(site: Site) -> bool:
    """Whether /var/lib/outpost is a file system of its own."""
    path = site.places.at("proc/mounts")
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return any(line.split()[1:2] == ["/var/lib/outpost"] for line in lines)


def settle(site: Site, manifest: Manifest, version: str) -> Said:
    """Lay, enable and start what mounts it when it is there; what was done, in words."""
    if is_mounted(site):
        return Said("store.own", label=STATE_LABEL)
    if STATE_MOUNT in manifest.enabled:
        return Said("store.unmounted", label=STATE_LABEL, unit=STATE_MOUNT)
    if not device_is_there(site):
        return Said("store.root", label=STATE_LABEL)
    if not (versions.shared(site, version) / "systemd" / STATE_MOUNT).is_file():
        return Said("store.no_unit", label=STATE_LABEL, version=version, unit=STATE_MOUNT)
    if site.places.state.is_dir() and any(site.places.state.iterdir()):
        return Said("store.hidden", label=STATE_LABEL)
    return take(site, manifest, version)


def take(site: Site, manifest: Manifest, version: str) -> Said:
    """Lay, enable and start what mounts it; what was done, in words. The agent is stopped."""
    # Below the mount, for the day on which the disk is gone: a root that is read-only keeps who owns it.
    site.must(["install", "-d", "-o", "outpost", "-g", "outpost", "-m", "0700", str(site.places.state)], Said("for.folder"))
    manifest.enabled = [*(unit for unit in manifest.enabled if unit != STATE_MOUNT), STATE_MOUNT]
    write_manifest(site, manifest)
    if lay(site, manifest, versions.shared(site, version)):
        site.systemctl("daemon-reload")
    site.must(["systemctl", "enable", STATE_MOUNT], Said("for.own"))
    if site.live:
        site.systemctl("stop", SERVICE)
        site.systemctl("restart", STATE_MOUNT)  # it may have started, and found no disk, when the machine did
        if not is_mounted(site):
            return Said("store.failed", label=STATE_LABEL, unit=STATE_MOUNT)
    return Said("store.own_now", label=STATE_LABEL)
